"""Compiled loops, kept on disk: a program that was compiled once loads in a part of the time.

numba keeps the machine code beside the file that a function stands in. So each kernel gets a file
of its own, in a folder named by a hash of its text and of the arrays that it holds as constants.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..user_cache import cache_folder

KERNELS = 256  # so many stay on disk, those used last
FILE = "kernel.py"
UNREADABLE = (OSError, EOFError, pickle.UnpicklingError)  # numba's, where a file or disk is bad


def kept_file(text: str, also: str, constants: dict[str, Any]) -> Path | None:
    """The file that holds `text`, beside which its machine code may be kept.

    `also` is the text of what it calls. None where there is no folder that only this user can
    write to: machine code of others is not run.
    """
    folder = cache_folder() / "loops"
    place = folder / _hash(text, also, constants)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _own(folder):
            return None
        place.mkdir(exist_ok=True, mode=0o700)
        if not _own(place):
            return None
        if _content(place / FILE) != text:
            write_atomically(place / FILE, text)
            _forget(folder)
        os.utime(place)
    except OSError:
        return None
    return place / FILE


def _hash(text: str, also: str, constants: dict[str, Any]) -> str:
    found = hashlib.sha256()
    for name in sorted(constants):
        x = np.asarray(constants[name])
        found.update(f"{name} {x.dtype.str} {x.shape}\n".encode() + x.tobytes())
    found.update(f"\n{also}\0{text}".encode())
    return found.hexdigest()


def _own(folder: Path) -> bool:
    """Whether only this user can write there; on Windows the user's folders are so by default."""
    if os.name != "posix":
        return True
    found = folder.lstat()
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and not folder.is_symlink()


def _content(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _forget(folder: Path) -> None:
    """Deletes the kernels that were used longest ago, where there are too many."""
    places = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in places[KERNELS:]:
        with contextlib.suppress(OSError):
            shutil.rmtree(place)


def again(kernel: Any, *args: Any) -> Any:
    """kernel(*args), after its machine code could not be read or kept; it has not run yet."""
    place = Path(kernel.py_func.__code__.co_filename).parent
    shutil.rmtree(place / "__pycache__", ignore_errors=True)
    try:
        return kernel(*args)
    except OSError:  # a full disk, say: numba has compiled it, and could not write it
        return kernel(*args)
