"""What to send when the checker itself fails: a text file with the error, the inputs and the code.

It holds the names of files without their folders, and nothing of the machine but versions.
"""

import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .finding import Finding

_HOME = Path(__file__).parents[1]


def words(error: BaseException) -> str:
    """The class and the text of an error, in one line of reasonable length."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # a __str__ that raises
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unexpected(error: BaseException, name: str, arrays: Mapping[str, Any]) -> Finding:
    """The finding that the checker failed, and where the file is that says how."""
    what = words(error)
    lines = [f"{name}: {what}", _versions(), "", *_trace(error), ""]
    lines += [f"{key} = {_array(value)}" for key, value in arrays.items()]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="microgradnn-check-", suffix=".txt", delete=False,
            encoding="utf-8", errors="backslashreplace",
        ) as file:  # fmt: skip
            file.write("\n".join(lines) + "\n")
        sent = f"to report it, send {file.name}"
    except OSError:
        file, sent = None, "to report it, send what report.to_json() gives"
    return Finding(
        "GC204", "INCONCLUSIVE", f"the checker could not finish: {what}",
        hint=f"nothing is said about your code; {sent}",
        data={"dump": file.name if file else "", "text": lines},
    )  # fmt: skip


def add_code(finding: Finding, text: str) -> None:
    """Adds the code that was checked to the file of a finding, if it has one."""
    if path := finding.data.get("dump"):
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"\n{text}\n")


def _versions() -> str:
    try:
        flint = version("python-flint")
    except PackageNotFoundError:
        flint = "absent"
    python = platform.python_version()
    return f"Python {python}, NumPy {np.__version__}, python-flint {flint}, {sys.platform}"


def _trace(error: BaseException) -> list[str]:
    """Where it happened, one line for each frame, the folders left out."""
    out = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        ours = path.is_relative_to(_HOME)
        name = path.relative_to(_HOME.parent).as_posix() if ours else path.name
        out.append(f"{name}:{frame.lineno} in {frame.name}: {frame.line}")
    return out


def _array(value: Any) -> str:
    head = f"{np.asarray(value).dtype}{np.shape(value)}"
    return f"{head} {np.asarray(value).tolist()}" if np.size(value) <= 1000 else head
