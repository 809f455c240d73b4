"""Downloading a file whose checksum is known: nothing is kept unless the whole of it is right."""

import http.client
import io
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import DataError
from .idx import checksum, take, unpacked

_CHUNK = 1 << 18
_LIMIT = 1 << 26  # bytes; no file of MNIST, packed or unpacked, is larger
_SLOWEST = 1 << 13  # bytes a second, on average; a server that drips is as good as none


def download(
    name: str, sha256: str, folder: Path, *, mirrors: Sequence[str], timeout: float = 20.0
) -> Path:
    """The path of the file `name` in `folder`, downloaded from the first mirror that has it.

    `sha256` is that of the decompressed content; it is checked before anything is written, and
    the file appears in one step, so an interrupted download leaves no part of a file. `timeout`
    is in seconds: without an answer, or without a byte, or at less than 8 kB/s. Raises DataError,
    naming what each mirror did, where all fail.
    """
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            content = _fetch(url, name, timeout)
            found = checksum(_unpacked(content, url))
        except DataError as error:
            failures.append(str(error))
            continue
        if found == sha256:
            return _write(content, folder / name)
        failures.append(f"{url}: SHA-256 of the content is {found}, expected {sha256}")
    raise DataError(f"{name} could not be downloaded: {'; '.join(failures) or 'no mirrors given'}")


def _fetch(url: str, name: str, timeout: float) -> bytes:
    """What the server sends for url, with progress on stderr; DataError if not the whole of it."""
    try:
        with _answer(url, timeout) as response:
            return _receive(response, url, name, timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{url}: the server answered {error.code} {error.reason}") from error
    except DataError:  # from _receive; it is a ValueError too
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", error)  # a URLError holds the error itself there
        raise DataError(f"{url}: {getattr(cause, 'strerror', None) or cause}") from error


def _answer(url: str, timeout: float) -> Any:
    """The server's answer, or what urlopen raises; TimeoutError if its header is not there in time.

    The time-out of urlopen counts from byte to byte, so a header that drips could take for ever.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=timeout))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=2 * timeout)  # time for the connection and for the header
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _receive(response: Any, url: str, name: str, timeout: float) -> bytes:
    announced = response.headers.get("Content-Length", "")
    total = int(announced) if announced.isdigit() else 0
    received, start = bytearray(), time.monotonic()
    with _Progress(name, total) as progress:
        while chunk := response.read1(_CHUNK):  # what is there: read() would wait for all of it
            received += chunk
            progress.show(len(received))
            if len(received) > _LIMIT:
                raise DataError(f"{url}: more than {_LIMIT} bytes, which is no file of MNIST")
            seconds = time.monotonic() - start
            if seconds > timeout and len(received) < seconds * _SLOWEST:
                raise DataError(f"{url}: too slow, {len(received)} bytes in {seconds:.0f} s")
    if len(received) < total:
        raise DataError(f"{url}: connection closed after {len(received)} of {total} bytes")
    return bytes(received)


def _unpacked(content: bytes, url: str) -> bytes:
    unpacked_content = take(unpacked(io.BytesIO(content)), _LIMIT + 1, url)
    if len(unpacked_content) > _LIMIT:
        raise DataError(f"{url}: unpacks to more than {_LIMIT} bytes, which is no file of MNIST")
    return unpacked_content


class _Progress:
    """One line on stderr, rewritten on a terminal and written once anywhere else."""

    def __init__(self, name: str, total: int):
        self.name = name
        self.total = f" of {total / 1e6:.1f}" if total else ""
        self.live = sys.stderr.isatty()

    def __enter__(self) -> "_Progress":
        if not self.live:
            print(f"microgradnn: downloading {self.name}", file=sys.stderr)
        return self

    def show(self, received: int) -> None:
        """Write the number of bytes received so far."""
        if self.live:
            line = f"\rmicrogradnn: downloading {self.name}: {received / 1e6:.1f}{self.total} MB"
            print(line, end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.live:
            print(file=sys.stderr)


def _write(content: bytes, path: Path) -> Path:
    try:
        return write_atomically(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error
