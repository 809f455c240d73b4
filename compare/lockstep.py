"""Runs a task in several frameworks at once and judges every layer of every step by itself.

One mechanism: in a synchronised pass every layer computes forwards from recorded inputs and
backwards from recorded gradients of its output, the same for all frameworks, and what it gives is
noted and set to the recorded value again. So a difference is that of one layer, and its bound one
layer's rounding. Then come the loss and the optimiser's update from the framework's own gradients,
and, at some steps, the whole step, each of whose layers is judged from what the framework itself
recorded. Before the training each model is asked at two points where sums are exact (asked.py).

The next step starts from the parameters of the reference, in float64 rounded to the task's dtype.
microgradnn is one of the frameworks, and is judged like the others.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from . import rounding
from .adapter import Framework, refusal
from .asked import asked
from .claims import Claim
from .frameworks import Broken, one_line
from .judging import Judge
from .model_graph import Recorded, Sync
from .reference import Reference
from .row import Row
from .tasks import Task
from .truth import Truth
from .updates import Rule, averaged

REFERENCE = "microgradnn"
ASKED = 2  # points with exact sums
CURVE = 100  # how many steps a report draws
Array = np.ndarray


def run(
    task: Task,
    frameworks: Mapping[str, Framework | str],
    steps: int | None = None,
    dtype: str | None = None,
    rows: list[Row] | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
    final: list[Array] | None = None,
) -> list[Row]:
    """A Row for each framework; `final` gets the reference's parameters, then its loss.

    `rows` is filled while it runs, so an interrupt leaves it useful.
    """
    rows = [] if rows is None else rows
    steps, dtype = steps or task.steps, dtype or task.dtype
    with np.errstate(all="ignore"):  # what overflows is told in the verdicts
        together = _Lockstep(task, frameworks, dtype, rows, steps)
        for k, (x, y) in zip(range(steps), task.batches(dtype), strict=False):
            if k == 0:
                together.ask(x, y)
            start = together.params
            loss = together.step(k, x, y)
            if not np.isfinite(loss):
                together.diverged(k)
                break
            if task.show_every and k % task.show_every == 0:
                w = np.concatenate([start[1], start[0][:, 0]])
                say(f"{task.name}: step={k} W={w} loss={loss:.5g}")
            tick(k + 1, steps)
            together.loss = loss
    if final is not None:
        final[:] = [*together.params, np.asarray(together.loss)]
    return rows


class _Lockstep:
    """The sessions of all frameworks, and the parameters from which their next step starts."""

    def __init__(
        self,
        task: Task,
        frameworks: Mapping[str, Framework | str],
        dtype: str,
        rows: list[Row],
        steps: int,
    ) -> None:
        self.dtype, self.model, self.task = dtype, task.model, task
        self.of = Reference(task.model, dtype)
        self.params = [p.astype(dtype) for p in task.params]
        self.kept = [a.astype(dtype) for a in task.model.kept()]
        self.rule = Rule(task.optimizer, self.params)
        self.loss, self.stride = float("nan"), max(1, steps // CURVE)
        self.sessions: dict[str, Any] = {}
        self.rules: dict[str, Rule] = {}
        self.averages: dict[str, list[Array]] = {}
        self.rows: dict[str, Row] = {}
        self.judge = Judge(self.of, self.rows)
        for name in sorted(frameworks, key=lambda name: name != REFERENCE):
            row = self.rows[name] = Row(task.name, name)
            rows.append(row)
            try:
                self._begin(name, frameworks[name])
            except Exception as error:  # whatever a foreign package raises
                self._failed(name, f"before the first step: {one_line(error)}")

    def _begin(self, name: str, module: Framework | str) -> None:
        task = self.task
        if isinstance(module, Broken):
            self.rows[name].verdict = f"FAILED: {module}"
        elif isinstance(module, str) or (
            reason := refusal(module, task.model, task.optimizer, self.dtype)
        ):
            self.rows[name].verdict = f"not run: {module if isinstance(module, str) else reason}"
        else:
            start = [p.copy() for p in self.params]
            self.sessions[name] = module.Session(task.model, task.optimizer, self.dtype, start)
            self.rules[name] = Rule(task.optimizer, start)
            self.averages[name] = start

    # ---- asking --------------------------------------------------------------------------------

    def ask(self, x: Array, y: Array) -> None:
        """Judges every framework at points where sums are exact."""
        found_from: list[list[float]] = []
        for seed in range(ASKED):
            at = asked(self.of, x, y, self.params, seed)
            params, x_at = ([a.astype(self.dtype) for a in s] for s in (at.params, [at.x]))
            expected, _ = self.of.run(params, x_at[0], y, at.sync)
            found_from.append([*map(self._detectable, expected.grads, expected.grad_limits)])
            passes = self._passes(params, x_at[0], y, at.sync)
            self._look_at(passes, params, x_at[0], y, at.sync)
            for name, found in passes.items():
                when = f"at the asked point {seed}"
                self._guarded(name, when, self.judge.recorded, name, when, found, expected)

        worst = max((min(each) for each in zip(*found_from, strict=True)), default=0.0)
        for row in self.rows.values():
            row.detectable = worst

    def _detectable(self, grad: Array, limit: Array) -> float:
        """The relative error of one median entry that is surely outside its bound."""
        there = grad != 0
        with np.errstate(all="ignore"):
            each = 2 * limit[there] / abs(grad[there]) + 2 * self.of.u
        return float(np.median(each)) if there.any() else float("inf")

    def step(self, k: int, x: Array, y: Array) -> float:
        """Lets every session take step k and judges it; returns the reference's loss."""
        expected, sync = self.of.run(self.params, x, y)
        if not np.isfinite([expected.loss, expected.loss_limit]).all():
            return float("nan")
        if k & (k + 1) == 0:  # 0, 1, 3, 7, 15 …
            self._whole(k, x, y)
        kept, kept_limits = self._statistics(sync, x)
        when = f"at step {k}"
        passes = self._passes(self.params, x, y, sync, step=True)
        self._look_at(passes, self.params, x, y, sync)
        if k == 0:
            self.judge.confirm(when, expected)
        for name, found in passes.items():
            self.rows[name].steps = k + 1
            self._guarded(name, when, self.judge.recorded, name, when, found, expected)
            self._guarded(name, when, self._update, k, name, found, kept, kept_limits)
            self._curve(k, self.rows[name], found)
        after = self.rule.step(self._wide(self.params), expected.grads)
        self.params = [np.asarray(p.value).astype(self.dtype) for p in after]
        self.kept = [a.astype(self.dtype) for a in kept]
        return expected.loss

    def _look_at(
        self, passes: dict[str, Recorded], params: list[Array], x: Array, y: Array, sync: Sync
    ) -> None:
        """Tells the judge which passes it judges, and where their truth is to be found."""
        self.judge.found = passes
        self.judge.truth = partial(Truth, self.of, params, x, y, sync)

    def _whole(self, k: int, x: Array, y: Array) -> None:
        """Judges the whole step, each layer from what the framework itself recorded."""
        found = self._passes(self.params, x, y, None)
        for name, one in found.items():
            self._guarded(name, f"in the whole step {k}", self._judge_whole, k, name, one, x, y)

    def _judge_whole(self, k: int, name: str, one: Recorded, x: Array, y: Array) -> None:
        values = [np.asarray(v, float) for v in one.nodes]
        slopes = [
            np.zeros_like(v) if s is None or np.shape(s) != v.shape else np.asarray(s, float)
            for v, s in zip(values, one.slopes, strict=True)
        ]
        sync = Sync(values, slopes)
        expected, _ = self.of.run(self.params, x, y, sync)
        self._look_at({name: one}, self.params, x, y, sync)
        self.judge.recorded(name, f"in the whole step {k}", one, expected)

    def _passes(
        self, params: list[Array], x: Array, y: Array, sync: Sync | None, step: bool = False
    ) -> Any:
        """What each session computes; one that raises is out."""
        found, begun = {}, []
        for name, session in list(self.sessions.items()):
            if hasattr(session, "begin"):  # in a process of its own
                try:
                    session.begin(params, self.kept, x, y, sync, step)
                    begun.append(name)
                except Exception as error:
                    self._failed(name, f"in step {self.rows[name].steps}: {one_line(error)}")
        for name, session in list(self.sessions.items()):
            try:
                if name in begun:
                    found[name] = session.finish()
                elif not hasattr(session, "begin"):
                    found[name] = self._pass(name, params, x, y, sync)
            except Exception as error:  # whatever a foreign package raises
                self._failed(name, f"in step {self.rows[name].steps}: {one_line(error)}")
        return found

    def _pass(self, name: str, params: list[Array], x: Array, y: Array, sync: Sync | None) -> Any:
        """What a session in this process computes."""
        session, start = self.sessions[name], time.perf_counter()
        session.load(params, self.kept)
        found = session.gradients(x, y, sync)
        self.rows[name].seconds += time.perf_counter() - start
        return found

    # ---- after the step ------------------------------------------------------------------------

    def _update(
        self, k: int, name: str, found: Recorded, kept: list[Array], kept_limits: list[Array]
    ) -> None:
        """The optimiser's step from the framework's own gradients, averages, what layers keep."""
        session, row, when = self.sessions[name], self.rows[name], f"at step {k}"
        start = time.perf_counter()
        after = session.update()
        row.seconds = getattr(session, "seconds", row.seconds + time.perf_counter() - start)
        wide = [np.asarray(g, float) for g in found.grads]
        if [g.shape for g in wide] != [p.shape for p in self.params]:
            return
        due = self.rules[name].step(self._wide(self.params), wide)
        for i, p in enumerate(due):
            place = Claim("param", i, f"{self.judge.names[i]} after the update")
            got = after[i] if i < len(after) else None
            self.judge.claim(name, when, place, got, p.value, 2 * self.of.u * np.asarray(p.error))
        if self.task.optimizer.ema:
            self._average(k, name, after, session.averages())
        has = getattr(session, "kept", None)
        for i, got in enumerate(has() if has else ()):
            place = Claim("kept", i, f"{('running mean', 'running variance')[i % 2]} {i // 2}")
            self.judge.claim(name, when, place, got, kept[i], kept_limits[i])

    def _average(self, k: int, name: str, after: list[Array], got: list[Array]) -> None:
        for i, (s, p) in enumerate(zip(self.averages[name], after, strict=True)):
            due = averaged(self.task.optimizer, k, np.asarray(s, float), np.asarray(p, float))
            place = Claim("average", i, f"average of {self.judge.names[i]}")
            limit = 2 * self.of.u * np.asarray(due.error)
            one = got[i] if i < len(got) else None
            self.judge.claim(name, f"at step {k}", place, one, due.value, limit)
        self.averages[name] = [np.array(a) for a in got] if len(got) else self.averages[name]

    def _statistics(self, sync: Sync, x: Array) -> tuple[list[Array], list[Array]]:
        """The running statistics after this step, and how far they may be off."""
        values, kept, limits = [np.asarray(x, float), *sync.nodes], [], []
        for cell in self.of.cells:
            if cell.kept and cell.layer is not None:
                before = [self.kept[i].astype(float) for i in cell.kept]
                at = values[cell.sources[0]]
                kept += rounding.running(cell.layer, at, before)
                errors = rounding.statistics(cell.layer, self.of.rounding, at, before)
                limits += [self.of.u * e for e in errors]
        return kept, limits

    def _curve(self, k: int, row: Row, found: Recorded) -> None:
        """Notes some steps for the report."""
        if not isinstance(found.loss, (int, float, np.number)):
            return
        row.final_loss = float(found.loss)
        if k % self.stride == 0:
            row.losses.append((k, row.final_loss))
            row.errors.append((k, row.now.get("grad", 0.0), row.now.get("param", 0.0)))
        row.now = {}

    def diverged(self, k: int) -> None:
        """Says so of those that are still running."""
        for name in self.sessions:
            why = "the loss overflows or is nan, as it should from these parameters"
            self.rows[name].say(f"DIVERGED at step {k}: {why}; all agrees until there")

    def _wide(self, arrays: list[Array]) -> list[Array]:
        return [a.astype(float) for a in arrays]

    def _guarded(self, name: str, when: str, do: Callable[..., None], *args: Any) -> None:
        if name not in self.sessions:
            return
        try:
            do(*args)
        except Exception as error:  # what came back is no array, no number
            self._failed(name, f"{when}: {one_line(error)}")

    def _failed(self, name: str, why: str) -> None:
        """Ends a framework's part of the task."""
        self.rows[name].say(f"FAILED {why}")
        self.sessions.pop(name, None)
