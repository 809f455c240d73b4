"""The search for arguments: run the likeliest guess, and let what goes wrong say the next one."""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from . import repair
from .calls import Call, clone, describe, quiet, run
from .discover import Found
from .facts import Facts
from .roles import Option
from .shapes import FAMILIES, FLOATS, State, draw

RUNS = 600  # forwards at most


@dataclass(frozen=True)
class Fit:
    """A guess that runs: its cost with what is odd about it, and which arguments to differentiate."""

    cost: float
    state: State
    wrt: tuple[int, ...]
    backward: str = ""  # what the backward raised


@dataclass
class Search:
    """Arguments of `found`; the first `inits` options are its constructor's."""

    found: Found
    options: list[list[Option]]
    inits: int
    roles: dict[str, str]
    facts: Facts
    names: list[str]
    seed: int
    seconds: float
    runs: int = 0
    errors: list[str] = field(default_factory=list)
    best: Fit | None = None

    def best_fit(self) -> Fit | None:
        """The cheapest guess that runs, or None."""
        self.heap: list[tuple[float, int, State]] = []
        self.seen: set[Any] = set()
        self.ticket = count()
        self.start = time.perf_counter()
        self.push(self.picked((0,) * len(self.options)))
        while self.heap and self.runs < RUNS and self.left() > 0:
            cost, _, state = heapq.heappop(self.heap)
            if self.best is not None and cost >= self.best.cost:
                break
            self.attempt(state)
        return self.best

    def left(self) -> float:
        """The seconds that are left; a guess that runs is improved for a third of them only."""
        allowed = self.seconds if self.best is None else self.seconds / 3
        return allowed - (time.perf_counter() - self.start)

    def picked(self, picks: tuple[int, ...]) -> State:
        """The state with these options, nothing known about sizes."""
        chosen = [o[i] for o, i in zip(self.options, picks, strict=True)]
        slots = tuple(slot for _, slot in chosen)
        return State(slots, self.roles, cost=sum(c for c, _ in chosen), picks=picks)

    def push(self, state: State) -> None:
        if state.cost < 7 and (key := state.key()) not in self.seen:
            self.seen.add(key)
            heapq.heappush(self.heap, (state.cost, next(self.ticket), state))

    def attempt(self, state: State) -> None:
        """Run one guess and push what follows from it."""
        self.push_neighbours(state)
        sizes = state.sizes(0)
        args, init = self.arguments(state, 0)
        try:
            call = self.forward(args, init)
            problem = self.outputs(call)
        except Exception as error:  # whatever the user's code raises
            self.errors.append(describe(error))
            for child in repair.repairs(error, state, sizes):
                self.push(child)
            for child in repair.multiples(state, self.facts.times):
                if not isinstance(error, (KeyError, TypeError, AttributeError)):
                    self.push(child)
            return
        if problem:
            self.errors.append(problem)
            for child in repair.other_values(state, self.logged()):
                self.push(child)
            return
        self.accept(state, call, args, init)

    def push_neighbours(self, state: State) -> None:
        """The next option of each argument, and another family of sizes."""
        if state.family + 1 < len(FAMILIES):
            self.push(replace(state, family=state.family + 1, cost=state.cost + 0.45))
        if state.bound or state.family:
            return  # the neighbours of what it came from are there already
        for i, pick in enumerate(state.picks):
            if pick + 1 < len(self.options[i]):
                self.push(self.picked((*state.picks[:i], pick + 1, *state.picks[i + 1 :])))

    def logged(self) -> set[int]:
        return {i for i, name in enumerate(self.names) if name in self.facts.logged}

    def arguments(self, state: State, variant: int, rng: Any = None) -> tuple[Any, Any]:
        """args and init of a state, drawn anew."""
        rng = np.random.default_rng(self.seed) if rng is None else rng
        sizes = state.sizes(variant)
        drawn = [draw(state, slot, sizes, variant, rng) for slot in state.slots]
        return tuple(drawn[self.inits :]), tuple(drawn[: self.inits])

    def forward(self, args: Any, init: Any) -> Call:
        self.runs += 1
        with quiet():
            return run(self.found, args, init)

    def outputs(self, call: Call) -> str:
        """What is wrong with the outputs, or "". """
        for out in call.outs:
            array = np.asarray(out)
            if array.dtype.kind not in "fc" or not array.size:
                return f"forward returned {array.dtype} of shape {array.shape}"
            if not np.isfinite(array).all():
                return "forward returned numbers that are not finite"
        return ""

    # ---- does it fit? ----------------------------------------------------------------------------

    def accept(self, state: State, call: Call, args: Any, init: Any) -> None:
        """Keep the guess if it is the best yet, judged by its backward and by what it depends on."""
        cost, idle = state.cost, list(self.idle(state, call, args, init))
        for child in self.tied(state, idle):
            self.push(child)
        cost += 0.8 * len(idle)
        grads, raised = self.gradients(call)
        wrt, odd = self.matched(state, args, grads, raised, idle)
        cost += odd
        if self.best is None or cost < self.best.cost:
            if problem := self.elsewhere(state):
                self.errors.append(problem)
                return
            self.best = Fit(cost, state, wrt, raised)

    def elsewhere(self, state: State) -> str:
        """What goes wrong with other sizes, or ""."""
        try:
            for variant in (1, 2):
                args, init = self.arguments(state, variant)
                if problem := self.outputs(self.forward(args, init)):
                    return problem
        except Exception as error:  # whatever the user's code raises
            return describe(error)
        return ""

    def gradients(self, call: Call) -> tuple[list[Any], str]:
        """What the backward returns for a random cotangent, and what it raised."""
        rng = np.random.default_rng(self.seed + 1)
        douts = [np.asarray(rng.standard_normal(np.shape(o)))[()] for o in call.outs]
        try:
            with quiet():
                grads = call.backward(*douts)
        except Exception as error:  # whatever the user's code raises
            self.errors.append("backward: " + describe(error))
            return [], describe(error)
        if isinstance(grads, dict):
            return list(grads.items()), ""
        return list(grads) if isinstance(grads, (tuple, list)) else [grads], ""

    def floats(self, state: State) -> list[int]:
        """The arguments of the forward that can be differentiated."""
        slots = state.slots[self.inits :]
        kinds = (*FLOATS, "onehot", "binary")
        return [i for i, s in enumerate(slots) if s.kind in kinds and (s.kind in FLOATS or s.shape)]

    def matched(
        self, state: State, args: Any, grads: list[Any], raised: str, idle: list[Any]
    ) -> tuple[tuple[int, ...], float]:
        """Which arguments the gradients belong to, and what it costs that they do not fit."""
        slots, able = state.slots[self.inits :], self.floats(state)
        normal = tuple(i for i in able if slots[i].kind in FLOATS)
        if self.found.style == "net":
            return (), 0.0 if grads and not raised else 1.0
        if raised:
            return normal, 1.6
        if grads and isinstance(grads[0], tuple):
            return self.by_name(args, grads, able, normal)
        shapes = [None if g is None else np.shape(g) for g in grads]
        if self.found.style == "layer" and (shapes == [None] or len(shapes) > len(able)):
            shapes = [s for s in shapes if s is not None][: len(able)]
        fits = _subsequence(shapes, [np.shape(args[i]) for i in able])
        if fits is not None:
            wrt = tuple(able[i] for i in fits)
            missing = [i for i in normal if i not in wrt and self.found.style != "layer"]
            return wrt, 0.25 * len(missing) * (self.found.style in ("pair", "plain"))
        return (normal if len(normal) != len(grads) else normal), 1.2

    def by_name(
        self, args: Any, grads: list[Any], able: list[int], normal: tuple[int, ...]
    ) -> tuple[tuple[int, ...], float]:
        """The same for a dict of gradients: dX, X or grad_X is X's."""
        names = self.names[self.inits :]
        keys = {_bare(str(k)): np.shape(g) for k, g in grads}
        wrt = tuple(i for i in able if _bare(names[i]) in keys)
        wrong = [i for i in wrt if keys[_bare(names[i])] != np.shape(args[i])]
        return (wrt or normal), 0.4 * (len(wrt) < len(normal)) + 1.0 * len(wrong) + (not wrt)

    # ---- what does it depend on? -----------------------------------------------------------------

    def idle(self, state: State, call: Call, args: Any, init: Any) -> Iterator[tuple[int, int]]:
        """Axes (argument, axis) whose last entry changes nothing: they may be too long."""
        slots = state.slots[self.inits :]
        for i, slot in enumerate(slots):
            if slot.kind not in (*FLOATS, "labels") or not isinstance(args[i], np.ndarray):
                continue
            for axis, dim in enumerate(slot.shape):
                name = state.resolve(dim)
                if isinstance(name, str) and state.role(name) not in ("", "channel"):
                    continue
                if args[i].shape[axis] > 1 and not self.matters(call, args, init, i, axis):
                    yield i, axis

    def matters(self, call: Call, args: Any, init: Any, i: int, axis: int) -> bool:
        """Whether an output changes with the last entry of an axis of an argument."""
        for value in (3, -3):
            changed = clone(args)
            part = np.moveaxis(changed[i], axis, 0)[-1:]
            if part.dtype.kind == "f":
                part[...] += value
            else:
                part[...] = np.where(part == 0, 1, 0)
            try:
                again = self.forward(changed, init)
            except Exception:  # it was read, at least
                return True
            for a, b in zip(call.outs, again.outs, strict=True):
                if np.shape(a) != np.shape(b) or not np.array_equal(a, b, equal_nan=True):
                    return True
        return False

    def tied(self, state: State, idle: Sequence[tuple[int, int]]) -> Iterator[State]:
        """States in which an idle axis is as long as another one."""
        for i, axis in idle:
            dim = state.resolve(state.slots[self.inits + i].shape[axis])
            for name in state.free():
                if name != dim and (child := state.unify(dim, name, 0.3)):
                    yield child


def _bare(key: str) -> str:
    """X of dX, grad_X, X_grad."""
    low = key.lower()
    for start in ("grad_", "d_", "g_", "d"):
        if low.startswith(start) and len(low) > len(start):
            low = low[len(start) :]
            break
    return low.removesuffix("_grad").strip("_")


def _subsequence(shapes: list[Any], given: list[tuple[int, ...]]) -> list[int] | None:
    """The places in `given` where the shapes come in their order, or None; None fits anything."""
    if len(shapes) > len(given):
        return None
    if not shapes:
        return []
    for start in range(len(given)):
        if shapes[0] is None or shapes[0] == given[start]:
            rest = _subsequence(shapes[1:], given[start + 1 :])
            if rest is not None:
                return [start, *(start + 1 + r for r in rest)]
    return None
