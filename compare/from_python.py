"""The comparison from Python: run(task) gives a Result with a table, a dict, a page."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from microgradnn.errors import ConfigError

from . import closing, lockstep, output, own_process, own_task
from .adapter import Framework
from .frameworks import MODULES, USUAL
from .page import page
from .row import Row
from .tasks import Task

Loaded = dict[str, Framework | str]


@dataclass
class Result:
    """What a comparison found: a row for each task and framework."""

    rows: list[Row]
    facts: dict[str, Any] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether at least one other framework ran and all that ran agree."""
        ran = [row for row in self.rows if not row.verdict.startswith("not run")]
        others = [row for row in ran if row.framework != lockstep.REFERENCE and row.steps]
        return bool(others) and all(row.good for row in ran)

    def table(self) -> str:
        """The rows and the closing sentences as text."""
        return "\n".join([*output.text(self.rows), *closing.sentences(self.rows)])

    def to_dict(self) -> dict[str, Any]:
        """What report.json holds."""
        return output.report(self.rows, self.facts, {})

    def to_html(self) -> str:
        """The page that index.html is."""
        return page(self.to_dict())

    def __str__(self) -> str:
        return self.table()


def run(
    task: Task | Mapping[str, Any] | Sequence[Task],
    frameworks: Sequence[str] | Mapping[str, Framework] | None = None,
    *,
    steps: int | None = None,
    dtype: str | None = None,
) -> Result:
    """A Result for a task, for several, or for a table as own_task.make takes it.

    `frameworks` are names, as for --frameworks, or FILE.py:Class, each run in a process of its own;
    or modules by name, which run in this one. Raises ConfigError for a name that there is not.
    """
    found = task if isinstance(task, Sequence) else [task]
    todo = [one if isinstance(one, Task) else own_task.make(one) for one in found]
    loaded: Loaded
    loaded = {**frameworks} if isinstance(frameworks, Mapping) else _load(frameworks)
    rows: list[Row] = []
    try:
        for one in todo:
            lockstep.run(one, loaded, steps, dtype, rows)
    finally:
        own_process.close(loaded)
    return Result(rows, _facts(todo, loaded, dtype))


def _load(names: Sequence[str] | None) -> Loaded:
    for name in names or ():
        if name not in MODULES and ".py:" not in name:
            known = ", ".join(MODULES)
            raise ConfigError(f"run: unknown framework {name!r}, use {known}")
    asked = USUAL if names is None else list(names)
    return own_process.load(list(dict.fromkeys([lockstep.REFERENCE, *asked])))


def _facts(todo: Sequence[Task], loaded: Loaded, dtype: str | None) -> dict[str, Any]:
    versions = {}
    for name, module in loaded.items():
        version = getattr(module, "version", None)
        versions[name] = module if isinstance(module, str) else version() if version else "unknown"
    return {
        "versions": versions,
        "seed": 0,
        "interrupted": False,
        "command": list(sys.argv),
        "data": sorted({one.source for one in todo}),
        "dtypes": {one.name: dtype or one.dtype for one in todo},
    }
