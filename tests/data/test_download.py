import gzip
import hashlib
import re
import signal
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from microgradnn.data.download import download
from microgradnn.errors import DataError

CONTENT = b"the whole of it" * 1000
PACKED = gzip.compress(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BOMB = gzip.compress(bytes((1 << 26) + 1))


class Mirror(BaseHTTPRequestHandler):
    """Answers as the first part of the path says: /good/…, /other/…, /short/…, /drips/…"""

    def __init__(self, released: threading.Event, *args):
        self.released = released
        super().__init__(*args)

    def do_GET(self):
        kind = self.path.split("/")[1]
        if kind == "absent":
            self.send_error(404)
            return
        if kind == "drips-header":
            self.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000)
            return
        body = {
            "other": gzip.compress(b"other"),
            "damaged": PACKED[:50] + b"\0" * 99,
            "bomb": BOMB,
        }
        self.send_response(200)
        self.send_header("Content-Length", str(len(body.get(kind, PACKED))))
        self.end_headers()
        if kind == "drips":
            self.drip(PACKED)
            return
        cut = kind in ("short", "hangs")
        self.wfile.write(body.get(kind, PACKED)[: 60 if cut else None])
        self.wfile.flush()
        if kind == "hangs":
            self.released.wait(20)

    def drip(self, content):
        for byte in content:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:  # the client has gone
                return
            if self.released.wait(0.1):
                return

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    released = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, released)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        released.set()
        http.shutdown()
        thread.join()


def fetch(folder: Path, *mirrors: str, timeout: float = 5.0) -> Path:
    return download("file.gz", SHA256, folder, mirrors=mirrors, timeout=timeout)


def test_a_good_file_is_kept_as_it_came(server, tmp_path, capsys):
    path = fetch(tmp_path / "new" / "folder", f"{server}/good")
    assert path == tmp_path / "new" / "folder" / "file.gz"
    assert path.read_bytes() == PACKED
    assert list(path.parent.iterdir()) == [path]
    assert capsys.readouterr().err == "microgradnn: downloading file.gz\n"


def test_progress_is_rewritten_in_place_on_a_terminal(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(tmp_path, f"{server}/good/")
    assert capsys.readouterr().err == "\rmicrogradnn: downloading file.gz: 0.0 of 0.0 MB\n"


@pytest.mark.parametrize(
    "bad", ["absent", "other", "short", "damaged", "bomb", "drips", "drips-header"]
)
def test_the_next_mirror_is_asked(server, tmp_path, bad):
    path = fetch(tmp_path, f"{server}/{bad}", f"{server}/good", timeout=0.5)
    assert path.read_bytes() == PACKED


@pytest.mark.parametrize(
    ("mirror", "what"),
    [
        ("absent", "the server answered 404 Not Found"),
        (
            "other",
            f"SHA-256 of the content is {hashlib.sha256(b'other').hexdigest()}, expected {SHA256}",
        ),
        ("short", f"connection closed after 60 of {len(PACKED)} bytes"),
        ("hangs", "timed out"),
        ("drips", "too slow, … bytes in 0 s"),
        ("drips-header", "timed out"),
        ("bomb", f"unpacks to more than {1 << 26} bytes, which is no file of MNIST"),
    ],
)
def test_a_failure_is_named_and_leaves_nothing_behind(server, tmp_path, mirror, what):
    with pytest.raises(DataError) as caught:
        fetch(tmp_path, f"{server}/{mirror}", timeout=0.3)
    message = re.sub(r"slow, \d+", "slow, …", str(caught.value))
    assert message == f"file.gz could not be downloaded: {server}/{mirror}/file.gz: {what}"
    assert not list(tmp_path.iterdir())


def test_every_mirror_that_failed_is_named(server, tmp_path):
    with pytest.raises(DataError, match="http://127.0.0.1:1/file.gz: Connection refused; .*404"):
        fetch(tmp_path, "http://127.0.0.1:1", f"{server}/absent")
    with pytest.raises(DataError, match="downloaded: no-such-scheme/file.gz: unknown url type"):
        fetch(tmp_path, "no-such-scheme")
    with pytest.raises(DataError, match="downloaded: no mirrors given"):
        fetch(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="file.gz: cannot be written"):
        fetch(tmp_path / "file", f"{server}/good")


def test_ctrl_c_while_the_file_is_moved_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, f"{server}/good")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_during_the_transfer_leaves_nothing_behind(server, tmp_path):
    program = (
        "import sys, pathlib; from microgradnn.data.download import download; "
        "download('f', '', pathlib.Path(sys.argv[1]), mirrors=[sys.argv[2]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path, f"{server}/hangs"],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.readline() == "microgradnn: downloading f\n"
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.stderr.read()
    assert process.wait() != 0
    assert not list(tmp_path.iterdir())
