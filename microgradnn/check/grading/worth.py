"""What each function of an assignment is worth, and what part of it a verdict earns."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ConfigError, unknown
from ..codes import OK, VERDICTS
from ..files.child import Settings, list_file

_EMPTY = ("NOT_WRITTEN", "NOTHING")  # never worth anything
_HOW = "[points] with lines like affine = 3, and perhaps [credit] with lines like UNSTABLE = 0.5"


@dataclass(frozen=True)
class Points:
    """The points of each function by name, and the part of them that a verdict earns.

    Verdicts that `credit` does not name earn all if they are ok (check.VERDICTS), else nothing;
    where `strict` a convention earns nothing either.
    """

    worth: dict[str, float]
    credit: dict[str, float] = field(default_factory=dict)
    strict: bool = False

    @property
    def total(self) -> float:
        """The points that all functions are worth together."""
        return math.fsum(self.worth.values())

    def earned(self, name: str, verdict: str) -> float:
        """The points that a verdict on a function earns."""
        whole = verdict in OK and not (self.strict and verdict == "CONVENTION")
        return self.worth[name] * self.credit.get(verdict, 1.0 if whole else 0.0)

    def to_dict(self) -> dict[str, Any]:
        """What decides about scores, for telling whether it has changed."""
        return {"worth": self.worth, "credit": self.credit, "strict": self.strict}


def points_of(
    key: str, table: Path | None, how: Settings, strict: bool = False, source: str = ""
) -> Points:
    """The points in a TOML file, else those in a key (or another source), else one for each.

    Raises ConfigError where a number or a name makes no sense, FileError where the key cannot be
    loaded.
    """
    file = key or source
    found = list_file(file, (), how) if file else []
    known = {str(f["name"]): _number(file, str(f["name"]), f.get("points", 1)) for f in found}
    if table is None:
        return _some(Points(known, strict=strict), file)
    worth, credit = read_points(table)
    for name in worth:
        if key and name not in known:
            raise unknown("check --points", f"function in {key}", name, known)
    return _some(Points(worth, credit, strict), str(table))


def read_points(path: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The tables [points] and [credit] of a TOML file; ConfigError if it is not of this form."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read ({what}); need {_HOW}") from None
    if not isinstance(tables.get("points"), dict) or not set(tables) <= {"points", "credit"}:
        raise ConfigError(f"{path}: has {sorted(tables) or 'nothing'}; need {_HOW}")
    worth = {name: _number(str(path), name, value) for name, value in tables["points"].items()}
    return worth, _credit(path, tables.get("credit", {}))


def _credit(path: Path, table: Any) -> dict[str, float]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{path}: credit is a {type(table).__name__}; need {_HOW}")
    credit = {}
    for verdict, value in table.items():
        if verdict not in VERDICTS:
            raise unknown(f"{path}: [credit]", "verdict", verdict, VERDICTS)
        credit[verdict] = _number(str(path), verdict, value)
        if credit[verdict] > 1 or credit[verdict] and verdict in _EMPTY:
            most = "0, there is nothing to mark" if verdict in _EMPTY else "at most 1, the whole"
            raise ConfigError(f"{path}: credit for {verdict} is {value}, need {most}")
    return credit


def _number(where: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigError(f"{where}: points of {name} are {value!r}, need a number from 0 on")
    return float(value)


def _some(points: Points, where: str) -> Points:
    if not points.total:
        raise ConfigError(f"{where}: no function is worth any points")
    return points
