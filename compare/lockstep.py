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
    sessions: dict[str, Any] = {}
    table: dict[str, Row] = {}
    order = sorted(frameworks, key=lambda name: name != REFERENCE)
    for name in order:
        row = Row(task.name, name)
        module = frameworks[name]
        reason = module if isinstance(module, str) else _refusal(module, task)
        if reason:
            row.verdict = f"not run: {reason}"
        else:
            start = [p.astype(dtype) for p in task.params]
            sessions[name] = module.Session(task.model, task.optimizer, dtype, start)
        table[name] = row
        rows.append(row)
    scales: dict[tuple[str, int], float] = {}
    bound = StepBound(task.model, task.optimizer, dtype)
    params = [p.astype(dtype) for p in task.params]
    for k, (x, y) in zip(range(steps), task.batches(dtype), strict=False):
        params = _step(k, params, x, y, sessions, table, bound, dtype, task, say, scales)
        tick(k + 1, steps)
    if final is not None:
        final[:] = params
    return rows


def _step(
    k: int,
    params: list[np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    sessions: dict[str, Any],
    table: dict[str, Row],
    bound: StepBound,
    dtype: str,
    task: Task,
    say: Callable[[str], None],
    scales: dict[tuple[str, int], float],
) -> list[np.ndarray]:
    """The reference's parameters after step k, all sessions compared on the way."""
    wide = [p.astype(float) for p in params]
    bound.step(wide, x.astype(float), y)
    results = {}
    for name, session in sessions.items():
        session.load(params)
        start = time.perf_counter()
        loss, grads = session.gradients(x, y)
        grads = [np.array(g) for g in grads]
        after = session.update()
        table[name].seconds += time.perf_counter() - start
        shadow = session.shadow() if hasattr(session, "shadow") else None
        results[name] = (loss, grads, after, shadow)
    loss0, grads0, after0, shadow0 = results[REFERENCE]
    moves, shadows = bound.update(wide, [g.astype(float) for g in grads0])
    for name, (loss, grads, after, shadow) in results.items():
        row = table[name]
        row.steps, row.final_loss = k + 1, float(loss)
        measures = [("loss", [loss], [loss0], [bound.loss])]
        measures += [("grad", grads, grads0, bound.grads), ("param", after, after0, moves)]
        measures += [] if shadow is None else [("shadow", shadow, shadow0, shadows)]
        for kind, got, expected, limits in measures:
            _measure(row, k, kind, got, expected, limits, dtype, scales)
    if task.show_every and k % task.show_every == 0:
        w = np.concatenate([params[1], params[0][:, 0]])
        say(f"{task.name}: step={k} W={w} loss={loss0:.5g}")
    return after0


def _measure(
    row: Row,
    k: int,
    kind: str,
    got: Sequence[Any],
    expected: Sequence[Any],
    limits: Sequence[Any],
    dtype: str,
    scales: dict[tuple[str, int], float],
) -> None:
    """None; raises the row's figures, and its verdict where a bound is exceeded."""
    for i, (a, b, limit) in enumerate(zip(got, expected, limits, strict=True)):
        a, b = np.asarray(a, float), np.asarray(b, float)
        if a.shape != b.shape:
            _disagree(row, k, f"{kind} {i} has shape {a.shape}, expected {b.shape}")
            continue
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        difference = np.where(same, 0.0, np.abs(a - b))
        largest = float(difference.max(initial=0.0))
        scale = max(scales.get((kind, i), 0.0), float(np.abs(b).max(initial=0.0)))
        scales[kind, i] = scale
        ulp = float(np.spacing(np.asarray(scale, dtype))) or 1.0
        with np.errstate(over="ignore"):  # a bound of 0 says: exactly the same
            share = np.max(difference / np.maximum(limit, 5e-324), initial=0.0)
        for field, value in (
            (f"{kind}_ulps", largest / ulp),
            (f"{kind}_rel", largest / scale if scale else largest),
            ("share_of_bound", float(share)),
        ):
            setattr(row, field, max(getattr(row, field), value))
        if not share <= 1.0:
            at = tuple(int(j) for j in np.unravel_index(np.argmax(difference), a.shape))
            _disagree(row, k, f"{kind} {i} at {at}: {a[at]!r} against {b[at]!r}")


def _refusal(module: ModuleType, task: Task) -> str | None:
    refuses = getattr(module, "refuses", None)
    return refuses(task.model, task.optimizer) if refuses else None


def _disagree(row: Row, k: int, what: str) -> None:
    if row.verdict == "agree":
        row.verdict = f"DISAGREE from step {k} on, {what}"
