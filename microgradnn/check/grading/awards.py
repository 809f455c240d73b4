"""Marks inside a notebook, for graders that run the tests there themselves: otter and nbgrader.

otter      a test file: otter-grader.readthedocs.io, "Python Format", exception-based
nbgrader   cells to grade: nbgrader.readthedocs.io; nbgrader/nbgraderformat/v3.json

The code that is marked runs in the same process as these, so that it could change them. Where that
matters take a grader whose tests do not run in the notebook.
"""

import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ...errors import CheckError, ConfigError
from ..codes import OK
from ..files.arguments import GuessError, find
from ..files.found import check_found
from ..finding import Finding
from ..printable import clean
from ..report import HINTS, Report
from .marks import number
from .worth import Points


def require(env: Mapping[str, Any], name: str, hints: str = "class", seed: int = 0) -> None:
    """Raises CheckError, with the report as its text, unless the gradients of a function are right.

    `env` is the notebook's globals(), `name` the function as `check --list` calls it.
    """
    if hints not in HINTS:
        raise ConfigError(f"require: hints are {hints!r}, need one of {', '.join(HINTS)}")
    _report(env, name, seed).hinted(hints).raise_if_failed()


def award(
    env: Mapping[str, Any], name: str, points: float = 1, hints: str = "class", seed: int = 0
) -> float:
    """The points that a function earns, all or none; what is wrong is printed.

    As the last line of a cell that nbgrader grades, its value is what the cell gets.
    """
    if hints not in HINTS:
        raise ConfigError(f"award: hints are {hints!r}, need one of {', '.join(HINTS)}")
    report = _report(env, name, seed)
    if report.verdict not in OK:
        print(report.hinted(hints))
    return points if report.verdict in OK else 0


def _report(env: Mapping[str, Any], name: str, seed: int) -> Report:
    module = ModuleType(str(env.get("__name__", "__main__")))
    vars(module).update(env)
    try:
        found = find(module, (name,))[0]
    except ConfigError:
        text = f"{clean(name)}: not found; its forward and backward go by this name"
        raise CheckError(text) from None
    try:
        return check_found(found, seed=seed)
    except GuessError as error:
        finding = Finding("GC204", "INCONCLUSIVE", str(error).removeprefix("check: "))
        return Report(found.name, (finding,), ("GC204",), seed=seed)


# ---- files ---------------------------------------------------------------------------------------


def otter(points: Points, title: str, hints: str) -> str:
    """A test file of otter with a case for each function."""
    lines = [
        "# Each case checks one hand-written gradient. Students need microgradnn to run it.",
        "from microgradnn.check.grading.awards import require",
        "from otter.test_files import test_case",
        "",
        "OK_FORMAT = False",
        "",
        f"name = {title!r}",
        f"points = {number(points.total)}",
    ]
    for i, (name, worth) in enumerate(points.worth.items(), 1):
        lines += [
            "",
            "",
            f"@test_case(name={name!r}, points={number(worth)}, hidden=False)",
            f"def test_{i}_{_word(name)}(env):",
            f"    require(env, {name!r}, hints={hints!r})",
        ]
    return "\n".join([*lines, ""])


def nbgrader(points: Points, title: str, hints: str) -> str:
    """A notebook with a cell for each function, to be copied below where students write theirs."""
    text = f"Cells that grade the gradients of {title}: put each one below its function."
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "about", "metadata": {}, "source": text}
    ]
    for i, (name, worth) in enumerate(points.worth.items(), 1):
        id_ = f"gradient-{i}-{_word(name)}"
        metadata = {
            "nbgrader": {
                "grade": True, "grade_id": id_, "locked": True, "points": worth,
                "schema_version": 3, "solution": False, "task": False,
            }
        }  # fmt: skip
        call = f"award(globals(), {name!r}, {number(worth)}, hints={hints!r})"
        source = f"from microgradnn.check.grading.awards import award\n\n{call}"
        cells.append(
            {"cell_type": "code", "id": id_[:64], "metadata": metadata, "execution_count": None,
             "outputs": [], "source": source}
        )  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1) + "\n"


FILES = {"otter": otter, "nbgrader": nbgrader}


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
