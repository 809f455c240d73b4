"""Writing a file so that a crash, a full disk or Ctrl-C leaves the old one or the new one."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """The path, after its content has replaced whatever was there, in one step.

    The content is on the disk (fsync) before the name changes hands. Folders are made as needed.
    Raises OSError; then nothing has changed and no part of a file stays behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
