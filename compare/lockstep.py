"""Runs a task in several frameworks at once and measures, at every step, how far they lie apart.

Every step of every framework starts from the reference's parameters (its optimiser's state is its
own), so a difference is made by that step and not by the history, and bounds.py can say how large
it may be. The "shadow" of a session, averages of parameters and running statistics, has a history;
so has its bound. Differences are given relative to the largest element that the array has had so
far in the run, and in ulps of that: a gradient that converges to zero has no digits of its own.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np

from .bounds import StepBound
from .frameworks import Broken, one_line
from .tasks import Task

REFERENCE = "microgradnn"


@dataclass
class Row:
    """One framework on one task, as far as it was run."""

    task: str
    framework: str
    verdict: str = "agree"
    steps: int = 0
    final_loss: float = float("nan")
    loss_ulps: float = 0.0
    grad_ulps: float = 0.0
    param_ulps: float = 0.0
    loss_rel: float = 0.0
    grad_rel: float = 0.0
    param_rel: float = 0.0
    shadow_ulps: float = 0.0
    shadow_rel: float = 0.0
    share_of_bound: float = 0.0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def run(
    task: Task,
    frameworks: dict[str, ModuleType | str],
    steps: int | None = None,
    dtype: str | None = None,
    rows: list[Row] | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
    final: list[np.ndarray] | None = None,
) -> list[Row]:
    """A Row for each framework; `final` gets the reference's parameters.

    `rows` is filled while it runs, so an interrupt leaves it useful.
    """
    rows = [] if rows is None else rows
    steps, dtype = steps or task.steps, dtype or task.dtype
    together = _Lockstep(task, frameworks, dtype, rows)
    for k, (x, y) in zip(range(steps), task.batches(dtype), strict=False):
        loss = together.step(k, x, y)
        if task.show_every and k % task.show_every == 0:
            w = np.concatenate([together.shown[1], together.shown[0][:, 0]])
            say(f"{task.name}: step={k} W={w} loss={loss:.5g}")
        tick(k + 1, steps)
    if final is not None:
        final[:] = together.params
    return rows


class _Lockstep:
    """The sessions of all frameworks, and the parameters from which their next step starts."""

    def __init__(
        self, task: Task, frameworks: dict[str, ModuleType | str], dtype: str, rows: list[Row]
    ) -> None:
        self.dtype, self.bound = dtype, StepBound(task.model, task.optimizer, dtype)
        self.params = self.shown = [p.astype(dtype) for p in task.params]
        self.sessions: dict[str, Any] = {}
        self.rows: dict[str, Row] = {}
        self.scales: dict[str, float] = {}  # the largest element so far
        for name in sorted(frameworks, key=lambda name: name != REFERENCE):
            row = self.rows[name] = Row(task.name, name)
            rows.append(row)
            module = frameworks[name]
            try:
                self._begin(name, module, task)
            except Exception as error:  # whatever a foreign package raises
                self._failed(name, f"before the first step: {one_line(error)}", error)

    def _begin(self, name: str, module: ModuleType | str, task: Task) -> None:
        if isinstance(module, Broken):
            self.rows[name].verdict = f"FAILED: {module}"
        elif isinstance(module, str) or (reason := _refusal(module, task)):
            self.rows[name].verdict = f"not run: {module if isinstance(module, str) else reason}"
        else:
            start = [p.copy() for p in self.params]
            self.sessions[name] = module.Session(task.model, task.optimizer, self.dtype, start)

    def step(self, k: int, x: np.ndarray, y: np.ndarray) -> float:
        """Lets every session take step k and compares them; returns the reference's loss."""
        wide = [p.astype(float) for p in self.params]
        with np.errstate(over="ignore", invalid="ignore"):  # such a bound is told in _measure
            self.bound.step(wide, x.astype(float), y)
        results = {}
        for name in list(self.sessions):
            try:
                results[name] = self._result(name, x, y)
            except Exception as error:  # whatever a foreign package raises
                self._failed(name, f"in step {k}: {one_line(error)}", error)
        reference = results[REFERENCE]
        with np.errstate(over="ignore", invalid="ignore"):
            moves, shadows = self.bound.update(wide, [g.astype(float) for g in reference["grad"]])
        limits = {"loss": [self.bound.loss], "grad": self.bound.grads}
        limits |= {"param": moves, "shadow": shadows}
        for name, result in results.items():
            try:
                self._compare(self.rows[name], k, result, reference, limits)
            except Exception as error:  # what came back is no array, no number
                self._failed(name, f"in step {k}: {one_line(error)}", error)
        self.shown, self.params = self.params, reference["param"]
        return float(reference["loss"][0])

    def _compare(
        self, row: Row, k: int, result: dict[str, Any], reference: dict[str, Any], limits: Any
    ) -> None:
        row.steps, row.final_loss = k + 1, float(result["loss"][0])
        for kind, got in result.items():
            if len(got) != len(reference[kind]):
                _disagree(row, k, f"{len(got)} {kind}, expected {len(reference[kind])}")
            together = zip(got, reference[kind], limits[kind], strict=False)
            for i, (a, b, limit) in enumerate(together):
                self._measure(row, k, f"{kind} {i}", a, b, limit)

    def _failed(self, name: str, why: str, error: Exception) -> None:
        """Ends a framework's part of the task; without the reference there is nothing to go on."""
        self.rows[name].verdict = f"FAILED {why}"
        self.sessions.pop(name, None)
        if name == REFERENCE:
            raise error

    def _result(self, name: str, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        """What a session has after a step: loss, gradients, parameters and, if any, its shadow."""
        session = self.sessions[name]
        session.load(self.params)
        start = time.perf_counter()
        loss, grads = session.gradients(x, y)
        grads = [np.array(g) for g in grads]
        after = session.update()
        self.rows[name].seconds += time.perf_counter() - start
        found = {"loss": [loss], "grad": grads, "param": after}
        return found | ({"shadow": session.shadow()} if hasattr(session, "shadow") else {})

    def _measure(self, row: Row, k: int, what: str, a: Any, b: Any, limit: Any) -> None:
        """Raises the row's figures, and sets its verdict where a bound is exceeded."""
        a, b, limit = (np.asarray(v, float) for v in (a, b, limit))
        if a.shape != b.shape:
            return _disagree(row, k, f"{what} has shape {a.shape}, expected {b.shape}")
        for owner, values in ((REFERENCE, b), ("its bound", limit)):
            if not np.isfinite(values).all():
                bad = values[~np.isfinite(values)].flat[0]
                return _judge(row, f"NOT JUDGED from step {k} on, {what}: {owner} is {bad}")
        difference = np.abs(a - b)
        with np.errstate(over="ignore"):  # a bound of 0 says: exactly the same
            share = np.max(difference / np.maximum(limit, 5e-324), initial=0.0)
        if not share <= 1.0:
            at = tuple(int(j) for j in np.unravel_index(np.argmax(difference), a.shape))
            _disagree(row, k, f"{what} at {at}: {a[at]!r} against {b[at]!r}")
        if np.isfinite(a).all():
            self._raise(row, what, float(difference.max(initial=0.0)), b)
            row.share_of_bound = max(row.share_of_bound, float(share))
        return None

    def _raise(self, row: Row, what: str, largest: float, expected: np.ndarray) -> None:
        """Raises the row's figures for one array of a kind to this largest difference."""
        scale = max(self.scales.get(what, 0.0), float(np.abs(expected).max(initial=0.0)))
        self.scales[what] = scale
        ulp = float(np.spacing(np.asarray(scale, self.dtype))) or 1.0
        relative, kind = largest / scale if scale else largest, what.split()[0]
        for field, value in ((f"{kind}_ulps", largest / ulp), (f"{kind}_rel", relative)):
            setattr(row, field, max(getattr(row, field), value))


def _refusal(module: ModuleType, task: Task) -> str | None:
    refuses = getattr(module, "refuses", None)
    return refuses(task.model, task.optimizer) if refuses else None


def _disagree(row: Row, k: int, what: str) -> None:
    _judge(row, f"DISAGREE from step {k} on, {what}")


def _judge(row: Row, verdict: str) -> None:
    if row.verdict == "agree":
        row.verdict = verdict
