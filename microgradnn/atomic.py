"""Writing a file so that a crash, a full disk or Ctrl-C leaves the old one or the new one."""

import os
import tempfile
import time
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be deleted
    fcntl = None

LEFT_OVER = 60.0  # seconds after which a part of a file that nobody writes is deleted


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """The path, after its content has replaced whatever was there, in one step.

    The content is on the disk (fsync) before the name changes hands. Folders are made as needed.
    Raises OSError; then nothing has changed and no part of a file stays behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = _new_part(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(part, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
            if os.name == "posix":  # still locked: nobody takes the part for one left over
                os.replace(part, path)
        if os.name != "posix":
            os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name is on the disk when its folder is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path


def delete_left_over(folder: Path, pattern: str) -> None:
    """Deletes the parts of files, of these names, that a killed process left behind.

    What another process is writing stays, whatever the clock says: it holds a lock.
    """
    for part in folder.glob(pattern):
        try:
            if abs(time.time() - part.stat().st_mtime) > LEFT_OVER:
                with open(part, "rb") as file:
                    _lock(file.fileno())
                    part.unlink()
        except OSError:  # gone meanwhile, being written, or not ours to delete
            continue


def _new_part(path: Path) -> tuple[int, str]:
    """A new file beside path, open and locked, and its name."""
    while True:
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            _lock(handle)
            if fcntl is None or os.fstat(handle).st_nlink:
                return handle, part
        except BlockingIOError:  # just now another process takes it for one left over
            pass
        except BaseException:
            os.close(handle)
            Path(part).unlink(missing_ok=True)
            raise
        os.close(handle)


def _lock(handle: int) -> None:
    """Locks an open file until it is closed. Raises BlockingIOError if another process has it."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
