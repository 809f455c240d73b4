"""Results of user code: the same, nearly the same, raised; and what a stage learned of them."""

import sysconfig
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..dump import unexpected
from ..report import Finding
from ..source import given_globally, only_inside


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal, bit for bit but for the sign of zero; nan equals nan."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def close(a: Any, b: Any, ulps: float = 2**12, size: float = 0.0) -> bool:
    """Whether two results of one formula are equal but for another order of summation.

    size is that of the terms that are summed, where it is more than that of the results.
    """
    eps = max(unit(a), unit(b))
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        scale = np.abs(a[np.isfinite(a)]).max(initial=size)
        fine = (np.abs(a - b) <= ulps * eps * scale) | (a == b) | (np.isnan(a) & np.isnan(b))
    return bool(fine.all())


def unit(a: Any) -> float:
    """The rounding unit of an array's dtype; of float64 for what is no array of floats."""
    dtype = np.asarray(a).dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52


def size_of(*groups: Any) -> float:
    """The largest finite number in lists of arrays: that of the terms whose sums may cancel."""
    arrays = [np.asarray(a, float) for group in groups for a in group if a is not None]
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in arrays), default=0.0)


def where(error: BaseException) -> str:
    """The place in the user's code where an exception came from: "line 12 of layers.py"."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [f for f in frames if not ours(f.filename)]
    if not users:
        return ""
    last = users[-1]
    return f"line {last.lineno} of {last.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}"


_HOMES = (str(Path(__file__).parents[2]), sysconfig.get_path("stdlib"))


def ours(file: str) -> bool:
    """Whether a file is Python's, an installed package's or this one's, and not the user's."""
    return file.startswith(_HOMES) or "site-packages" in file or file.startswith("<frozen")


def failed(error: BaseException, subject: Any) -> Finding:
    """The finding that something raised where no stage expected it: in user code, or in ours."""
    if where(error):
        return raised("forward or backward", error)
    return unexpected(error, subject.name, dict(zip(subject.names, subject.arrays, strict=False)))


def raised(what: str, error: BaseException, point: str = "your point") -> Finding:
    """The finding that something raised."""
    text = str(error).strip().split("\n")[0][:200]
    at = where(error)
    message = f"{what} raises {type(error).__name__}: {text}" + (f" ({at})" if at else "")
    data = {"exception": type(error).__name__, "line": at, "depends": _depends(error)}
    return Finding("GC001", "CONTRACT", message, point=point, data=data)


def _depends(error: BaseException) -> bool:
    """Whether a name has no value only because a loop made no turn, or a condition was not met.

    Also one that another function would give, which says `global`.
    """
    if not isinstance(error, NameError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    name = str(error).split("'")[1::2][:1]
    if name and not isinstance(error, UnboundLocalError):
        return given_globally(last.filename, name[0])
    return bool(name) and only_inside(last.filename, last.lineno or 0, name[0])


@dataclass
class Outcome:
    """What the contract stage learned.

    fatal      nothing else can be checked
    random     forward is not deterministic
    noisy      backward is not: nothing can be said of its values
    good       which gradients have the right shape, and can be compared
    """

    findings: list[Finding] = field(default_factory=list)
    unwanted: list[Finding] = field(default_factory=list)
    fatal: bool = False
    random: bool = False
    noisy: bool = False
    good: list[bool] = field(default_factory=list)

    def say(self, code: str, message: str, verdict: str = "CONTRACT", **more: Any) -> None:
        """Adds a finding about the user's point."""
        self.findings.append(Finding(code, verdict, message, point="your point", **more))


def copies(arrays: Sequence[Any]) -> list[Any]:
    """Copies that own their memory, in C order; numbers as they are."""
    return [np.array(a) if isinstance(a, np.ndarray) else a for a in arrays]


def in_a_row(arrays: Sequence[Any]) -> Any:
    """The numbers of all arrays in one row."""
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)


def apart(row: Any, like: Sequence[Any]) -> list[Any]:
    """The numbers of a row in arrays of the shapes of `like`."""
    ends = np.cumsum([np.size(a) for a in like])[:-1]
    parts = np.split(row, ends)
    return [part.reshape(np.shape(a)) for part, a in zip(parts, like, strict=True)]
