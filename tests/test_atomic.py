"""write_atomically: what was written is there in one piece, or what was there before is."""

import os
import resource
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import atomic
from microgradnn.atomic import write_atomically


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@given(st.one_of(st.binary(max_size=100), st.text(max_size=50)), st.binary(max_size=9))
def test_the_file_holds_exactly_what_was_given(tmp_path_factory, content, before):
    path = tmp_path_factory.mktemp("atomic") / "file.txt"
    path.write_bytes(before)
    assert write_atomically(path, content) == path
    # newlines too: text is written as utf-8, not translated
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert listing(path.parent) == ["file.txt"]


@pytest.mark.parametrize("content", [b"", "", "a\r\nb\n", "é∑", b"\x00\xff" * 70000])
def test_special_contents(tmp_path, content):
    path = write_atomically(tmp_path / "f", content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())


def test_folders_are_made_and_a_path_as_text_is_taken(tmp_path):
    path = write_atomically(str(tmp_path / "a" / "b" / "f"), "x")
    assert path == tmp_path / "a" / "b" / "f" and path.read_text() == "x"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_permissions_follow_the_umask_like_those_of_open(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "ours", "x")
        (tmp_path / "theirs").write_text("x")
        after = os.umask(mask)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")]
    assert modes[0] == modes[1] == 0o666 & ~mask
    assert after == mask


# ---- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_failure_at_any_step_leaves_the_old_file_and_no_part(
    tmp_path, monkeypatch, step, error, old
):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    def fails(*_):
        raise error

    monkeypatch.setattr(atomic.os, step, fails)
    with pytest.raises(type(error)) as caught:
        write_atomically(path, b"new" * 999)
    assert caught.value is error
    monkeypatch.undo()
    assert listing(tmp_path) == (["file"] if old is not None else [])
    assert old is None or path.read_bytes() == old


def test_text_that_is_no_text_leaves_the_old_file(tmp_path):
    path = write_atomically(tmp_path / "f", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old" and listing(tmp_path) == ["f"]


def test_a_folder_in_the_way_is_an_error_and_stays(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "inside").write_text("x")
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "f", "new")
    assert listing(tmp_path) == ["f"] and listing(tmp_path / "f") == ["inside"]


def test_a_file_in_place_of_the_folder_is_an_error_and_stays(tmp_path):
    (tmp_path / "f").write_text("old")
    with pytest.raises(OSError):
        write_atomically(tmp_path / "f" / "g", "new")
    assert (tmp_path / "f").read_text() == "old" and listing(tmp_path) == ["f"]


FULL = """
import resource, sys
from microgradnn.atomic import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # the system refuses the 1001st byte
write_atomically(sys.argv[1], b"fits" * 250)
try:
    write_atomically(sys.argv[1], b"x" * 1001)
except OSError as error:
    print("refused", error.errno)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on the size of atomic")
def test_when_the_disk_takes_no_more_the_old_file_stays_whole(tmp_path):
    path = tmp_path / "f"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.split()[:1], done.stderr) == (["refused"], "")
    assert path.read_bytes() == b"fits" * 250 and listing(tmp_path) == ["f"]


def test_who_reads_meanwhile_sees_one_whole_version(tmp_path):
    path = write_atomically(tmp_path / "f", b"0" * 20_000)
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(1, 40):
            write_atomically(path, str(i % 10).encode() * 20_000)
    finally:
        stop.set()
        reader.join()
    assert seen and all(len(s) == 20_000 and len(set(s)) == 1 for s in seen)


def test_two_writers_at_once_leave_one_whole_version_of_one_of_them(tmp_path):
    path, threads = tmp_path / "f", []
    for letter in (b"a", b"b", b"c"):
        write = [write_atomically] * 10
        threads.append(
            threading.Thread(target=lambda c=letter, w=write: [f(path, c * 9999) for f in w])
        )
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert path.read_bytes() in (b"a" * 9999, b"b" * 9999, b"c" * 9999)
    assert listing(tmp_path) == ["f"]


@pytest.mark.skipif(os.name != "posix", reason="locks")
@pytest.mark.parametrize("shift", [3600.0, -3600.0])
def test_what_another_process_writes_stays_whatever_the_clock_says(tmp_path, monkeypatch, shift):
    """The clock jumps while a file is written; a part without a writer goes."""
    dead = tmp_path / ".f.dead.part"
    dead.write_bytes(b"half")
    real_fsync, seen = os.fsync, []

    def fsync(handle):
        monkeypatch.setattr(atomic.time, "time", lambda: now() + shift)
        atomic.delete_left_over(tmp_path, ".f*.part")
        seen.append(sorted(os.listdir(tmp_path)))
        real_fsync(handle)

    now = time.time
    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "f", b"whole")
    assert (tmp_path / "f").read_bytes() == b"whole"
    assert len(seen[0]) == 1 and seen[0][0] != dead.name
    assert os.listdir(tmp_path) == ["f"]


def test_a_part_that_vanishes_while_it_is_looked_at_is_no_error(tmp_path, monkeypatch):
    (tmp_path / ".f.x.part").write_bytes(b"half")
    real = Path.stat

    def stat(self, **options):
        if self.suffix == ".part":
            self.unlink()
        return real(self, **options)

    monkeypatch.setattr(Path, "stat", stat)
    atomic.delete_left_over(tmp_path, ".f*.part")
    assert os.listdir(tmp_path) == []
