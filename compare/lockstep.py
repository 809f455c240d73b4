"""Runs a task in several frameworks at once and measures, at every step, how far they lie apart.

Every step of every framework starts from the reference's parameters (its optimiser's state is its
own), so a difference is made by that step and not by the history, and bounds.py can say how large
it may be. The "shadow" of a session, averages of parameters and running statistics, has a history;
so has its bound. Differences are given relative to the largest element that the array has had so
far in the run, and in ulps of that: a gradient that converges to zero has no digits of its own.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np

from .bounds import StepBound
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
        self.scales: dict[tuple[str, int], float] = {}  # the largest element so far
        for name in sorted(frameworks, key=lambda name: name != REFERENCE):
            row = self.rows[name] = Row(task.name, name)
            rows.append(row)
            module = frameworks[name]
            reason = module if isinstance(module, str) else _refusal(module, task)
            if isinstance(module, str) or reason:
                row.verdict = f"not run: {reason}"
            else:
                start = [p.copy() for p in self.params]
                self.sessions[name] = module.Session(task.model, task.optimizer, dtype, start)

    def step(self, k: int, x: np.ndarray, y: np.ndarray) -> float:
        """Lets every session take step k and compares them; returns the reference's loss."""
        wide = [p.astype(float) for p in self.params]
        self.bound.step(wide, x.astype(float), y)
        results = {name: self._result(name, x, y) for name in self.sessions}
        reference = results[REFERENCE]
        moves, shadows = self.bound.update(wide, [g.astype(float) for g in reference["grad"]])
        limits = {"loss": [self.bound.loss], "grad": self.bound.grads}
        limits |= {"param": moves, "shadow": shadows}
        for name, result in results.items():
            row = self.rows[name]
            row.steps, row.final_loss = k + 1, float(result["loss"][0])
            for kind, got in result.items():
                self._measure(row, k, kind, got, reference[kind], limits[kind])
        self.shown, self.params = self.params, reference["param"]
        return float(reference["loss"][0])

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

    def _measure(
        self, row: Row, k: int, kind: str, got: Sequence[Any], expected: Any, limits: Any
    ) -> None:
        """Raises the row's figures, and sets its verdict where a bound is exceeded."""
        for i, (a, b, limit) in enumerate(zip(got, expected, limits, strict=True)):
            a, b = np.asarray(a, float), np.asarray(b, float)
            if a.shape != b.shape:
                _disagree(row, k, f"{kind} {i} has shape {a.shape}, expected {b.shape}")
                continue
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            difference = np.where(same, 0.0, np.abs(a - b))
            with np.errstate(over="ignore"):  # a bound of 0 says: exactly the same
                share = np.max(difference / np.maximum(limit, 5e-324), initial=0.0)
            self._raise(row, kind, i, float(difference.max(initial=0.0)), b)
            row.share_of_bound = max(row.share_of_bound, float(share))
            if not share <= 1.0:
                at = tuple(int(j) for j in np.unravel_index(np.argmax(difference), a.shape))
                _disagree(row, k, f"{kind} {i} at {at}: {a[at]!r} against {b[at]!r}")

    def _raise(self, row: Row, kind: str, i: int, largest: float, expected: np.ndarray) -> None:
        """Raises the row's figures for array i of a kind to this largest difference."""
        scale = max(self.scales.get((kind, i), 0.0), float(np.abs(expected).max(initial=0.0)))
        self.scales[kind, i] = scale
        ulp = float(np.spacing(np.asarray(scale, self.dtype))) or 1.0
        relative = largest / scale if scale else largest
        for field, value in ((f"{kind}_ulps", largest / ulp), (f"{kind}_rel", relative)):
            setattr(row, field, max(getattr(row, field), value))


def _refusal(module: ModuleType, task: Task) -> str | None:
    refuses = getattr(module, "refuses", None)
    return refuses(task.model, task.optimizer) if refuses else None


def _disagree(row: Row, k: int, what: str) -> None:
    if row.verdict == "agree":
        row.verdict = f"DISAGREE from step {k} on, {what}"
