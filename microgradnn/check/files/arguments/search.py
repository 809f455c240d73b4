"""The search for arguments: run the likeliest guess, and let what goes wrong say the next one."""

import heapq
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from .. import source
from ..calls import Call, clone, describe, quiet, run
from ..discover import Found
from ..facts import Facts
from . import matching, repair
from .arrays import Option
from .context import kind_of
from .shapes import FAMILIES, FLOATS, Dim, State, draw

RUNS = 600  # forwards at most


@dataclass(frozen=True)
class Fit:
    """A guess that runs: its cost with all that is odd about it, and what to differentiate."""

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
    data: tuple[int, ...] = ()  # options whose ranks are likely the same
    runs: int = 0
    stuck: list[str] = field(default_factory=list)  # what went wrong and led nowhere, likely first
    best: Fit | None = None

    def best_fit(self) -> Fit | None:
        """The cheapest guess that runs, or None."""
        self.heap: list[tuple[float, int, State]] = []
        self.seen: set[Any] = set()
        self.ticket = count()
        self.start = time.process_time()
        self.push(self.picked((0,) * len(self.options)))
        for rank in (1, 2, 3, 4):
            if len(self.data) > 1 and (picks := self.alike(rank)):
                self.push(self.picked(picks))
        while self.heap and self.runs < RUNS and self.left() > 0:
            cost, _, state = heapq.heappop(self.heap)
            if self.best is not None and cost >= self.best.cost:
                break
            self.attempt(state)
        return self.best

    def left(self) -> float:
        """The seconds that are left; a guess that runs is improved for a third of them only.

        They are the processor's: what is found does not depend on what else the machine does.
        """
        allowed = self.seconds if self.best is None else self.seconds / 3
        return allowed - (time.process_time() - self.start)

    def picked(self, picks: tuple[int, ...]) -> State:
        """The state with these options, nothing known about sizes."""
        chosen = [o[i] for o, i in zip(self.options, picks, strict=True)]
        slots = tuple(slot for _, slot in chosen)
        costs = [c for c, _ in chosen]
        alike = [costs.pop(i) for i in sorted(self.data, reverse=True)]
        ranks = {len(slots[i].shape) for i in self.data}
        cost = sum(costs) + max(alike, default=0) + 0.2 * sum(alike) + 0.25 * max(len(ranks) - 1, 0)
        return State(slots, self.roles, cost=cost, picks=picks)

    def alike(self, rank: int) -> tuple[int, ...] | None:
        """The first options, but those of data of this rank, or None."""
        picks = [0] * len(self.options)
        for i in self.data:
            here = [j for j, (_, s) in enumerate(self.options[i]) if len(s.shape) == rank]
            if not here:
                return None
            picks[i] = here[0]
        return tuple(picks)

    def push(self, state: State) -> None:
        """Try this state later, unless it is known or hopeless."""
        if state.cost < 7 and (key := state.key()) not in self.seen:
            self.seen.add(key)
            heapq.heappush(self.heap, (state.cost, -next(self.ticket), state))

    def attempt(self, state: State) -> None:
        """Run one guess and push what follows from it."""
        self.push_neighbours(state)
        sizes = state.sizes(0)
        args, init = self.arguments(state, 0)
        try:
            call = self.forward(args, init)
            problem = self.outputs(call)
        except Exception as error:  # whatever the user's code raises
            self.after(error, state, sizes)
            return
        if problem:
            self.stuck.append(problem)
            for child in repair.other_values(state, self.logged()):
                self.push(child)
            return
        self.accept(state, call, args, init)

    def after(self, error: Exception, state: State, sizes: dict[str, int]) -> None:
        """Push what an exception says about a guess."""
        children = list(repair.repairs(error, state, sizes))
        known = bool(children)
        if not known:
            self.stuck.append(describe(error))
            for columns in (self.facts.columns, not self.facts.columns):
                children += repair.conventional(state, self.kinds(), columns)
        if isinstance(error, (ValueError, IndexError)) and (self.facts.times or not known):
            children += repair.multiples(state, self.facts.times)
        for child in children:
            self.push(child)

    def push_neighbours(self, state: State) -> None:
        """The next option of each argument, and another family of sizes."""
        family = state.family + 1 if state.windows() else len(FAMILIES) - 1
        if state.family < family < len(FAMILIES):
            self.push(replace(state, family=family, cost=state.cost + 0.45))
        if state.bound or state.family:
            return  # the neighbours of what it came from are there already
        for i, pick in enumerate(state.picks):
            if pick + 1 < len(self.options[i]):
                self.push(self.picked((*state.picks[:i], pick + 1, *state.picks[i + 1 :])))

    def kinds(self) -> list[str]:
        """What the names of the arguments mean."""
        return [kind_of(name) for name in self.names]

    def logged(self) -> set[int]:
        """The arguments that a logarithm is taken of."""
        return {i for i, name in enumerate(self.names) if name in self.facts.logged}

    def arguments(self, state: State, variant: int, rng: Any = None) -> tuple[Any, Any]:
        """args and init of a state, drawn anew."""
        rng = np.random.default_rng(self.seed) if rng is None else rng
        sizes = state.sizes(variant)
        drawn = [draw(state, slot, sizes, variant, rng) for slot in state.slots]
        return tuple(drawn[self.inits :]), tuple(drawn[: self.inits])

    def forward(self, args: Any, init: Any) -> Call:
        """Run what was found."""
        self.runs += 1
        with quiet():
            return run(self.found, args, init)

    def outputs(self, call: Call) -> str:
        """What is wrong with the outputs, or ""."""
        for out in call.outs:
            array = np.asarray(out)
            if array.dtype.kind not in "fc" or not array.size:
                return f"forward returned {array.dtype} of shape {array.shape}"
            if not np.isfinite(array).all():
                return "forward returned numbers that are not finite"
        return ""

    # ---- does it fit? ----------------------------------------------------------------------------

    def accept(self, state: State, call: Call, args: Any, init: Any) -> None:
        """Keep the guess if it is the best yet: its backward fits, every argument matters."""
        cost, idle = state.cost, list(self.idle(state, call, args, init))
        for child in self.tied(state, idle):
            self.push(child)
        cost += 0.8 * len(idle)
        grads, raised = self.gradients(call)
        wrt, odd = self.matched(state, args, grads, raised)
        cost += odd
        if (self.best is None or cost < self.best.cost) and self.elsewhere(state):
            self.best = Fit(cost, state, wrt, raised)

    def elsewhere(self, state: State) -> bool:
        """Whether it also runs with other sizes; if not, push what the exception says."""
        for variant in (1, 2):
            args, init = self.arguments(state, variant)
            try:
                problem = self.outputs(self.forward(args, init))
            except Exception as error:  # whatever the user's code raises
                problem = describe(error)
                for child in repair.repairs(error, state, state.sizes(variant)):
                    self.push(child)
            if problem:
                self.stuck.append(problem)
                return False
        return True

    def gradients(self, call: Call) -> tuple[list[Any], str]:
        """What the backward returns for a random cotangent, and what it raised."""
        rng = np.random.default_rng(self.seed + 1)
        douts = [np.asarray(rng.standard_normal(np.shape(o)))[()] for o in call.outs]
        try:
            with quiet():
                grads = call.backward(*douts)
        except Exception as error:  # whatever the user's code raises
            return [], describe(error)
        if isinstance(grads, dict):
            return list(grads.items()), ""
        return list(grads) if isinstance(grads, (tuple, list)) else [grads], ""

    def matched(
        self, state: State, args: Any, grads: list[Any], raised: str
    ) -> tuple[tuple[int, ...], float]:
        """Which arguments the gradients belong to, and what it costs that they do not fit."""
        slots, names = state.slots[self.inits :], self.names[self.inits :]
        function = self.found.backward or self.found.forward
        called = source.returned(function) if function is not None else []
        called = called[1:] if self.found.style == "loss" else called
        return matching.matched(self.found.style, slots, names, args, grads, raised, called)

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
                # Not the same for all: softmax would not notice.
                part[...] += value + np.random.default_rng(1).standard_normal(part.shape)
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
                for k in (1, *sorted(self.facts.times)):
                    other: Dim = name if k == 1 else ("*", (k, name))
                    if name != dim and (child := state.unify(dim, other, 0.3)):
                        yield child
