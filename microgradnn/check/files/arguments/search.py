"""The search for arguments: run the likeliest guess, and let what goes wrong say the next one."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from time import process_time
from typing import Any

import numpy as np

from ...subject import Pass, Subject, cotangents_like
from ...subjects.labelled import agrees
from ...verbs import is_criterion
from ..discover import Found
from ..hinted import Hints
from . import repair
from .arrays import Option
from .context import kind_of
from .shapes import EVEN, FLOATS, Dim, Guess, draw
from .silent import quiet

SECONDS = 2.0  # of this process at most
TRIES = 450  # guesses at most; a third of them, once one runs, to find a better one


@dataclass(frozen=True)
class Fit:
    """A guess that runs, and its cost with all that is odd about it."""

    cost: float
    guess: Guess
    broken: str = ""  # what the backward raised


@dataclass
class Search:
    """Arguments of `found`; the first `inits` options are its constructor's."""

    found: Found
    options: list[list[Option]]
    inits: int
    roles: dict[str, str]
    hints: Hints
    names: list[str]
    seed: int
    tries: int = TRIES
    data: tuple[int, ...] = ()  # options whose ranks are likely the same
    defaults: list[Any] = field(default_factory=list)  # of all arguments, empty where there is none
    runs: int = 0
    stuck: list[str] = field(default_factory=list)  # what went wrong and led nowhere, likely first
    best: Fit | None = None

    def best_fit(self) -> Fit | None:
        """The cheapest guess that runs, or None."""
        self.heap: list[tuple[float, int, Guess]] = []
        self.seen: set[Any] = set()
        self.ticket = count()
        self.push(self.picked((0,) * len(self.options)))
        for rank in (1, 2, 3, 4):
            if len(self.data) > 1 and (picks := self.alike(rank)):
                self.push(self.picked(picks))
        end = process_time() + SECONDS
        while self.heap and self.runs < (self.tries if self.best is None else self.tries // 3):
            cost, _, guess = heapq.heappop(self.heap)
            if process_time() > end or self.best is not None and cost >= self.best.cost:
                break
            self.attempt(guess)
        return self.best

    def picked(self, picks: tuple[int, ...]) -> Guess:
        """The guess with these options, nothing known about sizes."""
        chosen = [o[i] for o, i in zip(self.options, picks, strict=True)]
        slots = tuple(slot for _, slot in chosen)
        costs = [c for c, _ in chosen]
        alike = [costs.pop(i) for i in sorted(self.data, reverse=True)]
        ranks = {len(slots[i].shape) for i in self.data}
        deep = any(len(slots[i].shape) > 1 for i in range(len(slots)) if slots[i].kind in FLOATS)
        costs += [1.0 for s in slots if deep and s.kind == "labels" and not s.shape]
        cost = sum(costs) + max(alike, default=0) + 0.2 * sum(alike) + 0.25 * max(len(ranks) - 1, 0)
        return Guess(slots, self.roles, cost=cost, picks=picks)

    def push_all(self, guesses: Iterable[Guess]) -> None:
        for guess in guesses:
            self.push(guess)

    def alike(self, rank: int) -> tuple[int, ...] | None:
        """The first options, but those of data of this rank, or None."""
        picks = [0] * len(self.options)
        for i in self.data:
            here = [j for j, (_, s) in enumerate(self.options[i]) if len(s.shape) == rank]
            if not here:
                return None
            picks[i] = here[0]
        return tuple(picks)

    def push(self, guess: Guess) -> None:
        """Try this guess later, unless it is known or hopeless."""
        if guess.cost < 7 and (key := guess.key()) not in self.seen:
            self.seen.add(key)
            heapq.heappush(self.heap, (guess.cost, -next(self.ticket), guess))

    def attempt(self, guess: Guess) -> None:
        """Run one guess and push what follows from it."""
        self.push_neighbours(guess)
        try:
            args, init = self.arguments(guess, 0)
            subject, passed = self.run(args, init)
            problem = self.problem(passed)
        except ModuleNotFoundError:  # whatever the arguments are
            raise
        except Exception as error:  # whatever the user's code raises
            self.after(error, guess, guess.sizes(0))
            return
        if problem:
            self.stuck.append(problem)
            logged = {i for i, name in enumerate(self.names) if name in self.hints.logged}
            self.push_all(repair.other_values(guess, logged))
            return
        self.accept(guess, subject, passed, args, init)

    def after(self, error: Exception, guess: Guess, sizes: dict[str, int]) -> None:
        """Push what an exception says about a guess."""
        children = list(repair.repairs(error, guess, sizes))
        known = bool(children)
        if not known:
            self.stuck.append(repair.describe(error))
            for columns in (self.hints.columns, not self.hints.columns):
                children += repair.conventional(guess, self.kinds(), columns)
        if isinstance(error, (ValueError, IndexError)) and (self.hints.times or not known):
            children += repair.multiples(guess, self.hints.times)
        self.push_all(children)

    def push_neighbours(self, guess: Guess) -> None:
        """The next option of each argument, and another family of sizes."""
        family = guess.family + 1 if guess.windows() else EVEN
        if guess.family < family <= EVEN:
            self.push(replace(guess, family=family, cost=guess.cost + 0.45))
        if guess.bound or guess.family:
            return  # the neighbours of what it came from are there already
        for i, pick in enumerate(guess.picks):
            if pick + 1 < len(self.options[i]):
                self.push(self.picked((*guess.picks[:i], pick + 1, *guess.picks[i + 1 :])))

    def kinds(self) -> list[str]:
        """What the names of the arguments mean."""
        return [kind_of(name) for name in self.names]

    def arguments(
        self, guess: Guess, variant: int, rng: Any = None, sizes: Any = None
    ) -> tuple[Any, Any]:
        """args and init of a guess, drawn anew."""
        rng = np.random.default_rng(self.seed) if rng is None else rng
        sizes = guess.sizes(variant) if sizes is None else sizes
        drawn = [draw(guess, slot, sizes, variant, rng) for slot in guess.slots]
        return tuple(drawn[self.inits :]), tuple(drawn[: self.inits])

    def run(self, args: Any, init: Any) -> tuple[Subject, Pass]:
        """What is checked at these arguments, and a forward pass of it; raises what that raises."""
        self.runs += 1
        with quiet():
            subject = self.found.subject(args, init)
        with quiet():
            return subject, subject.start([np.array(x) for x in subject.arrays])

    def problem(self, passed: Pass) -> str:
        """What is wrong with the outputs, or ""."""
        for out in passed.outs:
            array = np.asarray(out)
            if array.dtype.kind not in "fc" or not array.size:
                return f"forward returned {array.dtype} of shape {array.shape}"
            if not np.isfinite(array).all():
                return "forward returned numbers that are not finite"
            if self.found.style in ("loss", "net") and array.size > 1:
                return f"the first thing returned is not one number but of shape {array.shape}"
        return ""

    # ---- does it fit? ----------------------------------------------------------------------------

    def accept(self, guess: Guess, subject: Subject, passed: Pass, args: Any, init: Any) -> None:
        """Keep the guess if it is the best yet: its backward fits, every argument matters."""
        idle = list(self.idle(guess, subject, passed, args, init))
        self.push_all(self.tied(guess, idle))
        cost = guess.cost + 0.8 * len(idle) + self.odd(guess, subject, passed)
        if any(str(classes).endswith(".classes") for classes in guess.high()):  # of any number
            cost += 0.5
            self.push_all(repair.conventional(guess, self.kinds(), self.hints.columns))
        broken = repair.describe(subject.broken) if subject.broken else ""
        if any(s.kind in ("onehot", "binary") for s in guess.slots):  # one row for each sample
            cost += 1.0 * any(isinstance(d, tuple) and d[0] == "*" for d in guess.bound.values())
        if guess.single and not agrees(subject):
            cost += 0.5
        elif isinstance(subject.broken, ValueError) and self.found.cls:
            self.push_all(repair.narrowed(guess, FLOATS, broken))
        if (self.best is None or cost < self.best.cost) and self.elsewhere(guess):
            self.best = Fit(cost, guess, broken)

    def elsewhere(self, guess: Guess) -> bool:
        """Whether it also runs with other sizes; if not, push what the exception says."""
        for variant in (1, 2):
            try:
                problem = self.problem(self.run(*self.arguments(guess, variant))[1])
            except Exception as error:  # whatever the user's code raises
                problem = repair.describe(error)
                self.push_all(repair.repairs(error, guess, guess.sizes(variant)))
            if problem:
                self.stuck.append(problem)
                return False
        return True

    def odd(self, guess: Guess, subject: Subject, passed: Pass) -> float:
        """The cost of gradients that do not fit the arguments: wrong shapes, none, too many."""
        if subject.broken is not None:
            return 1.6
        if not subject.names or subject.unread:
            return 1.0
        with quiet():
            grads = passed.pull(*cotangents_like(passed.outs, np.random.default_rng(0)))
        pairs = zip(subject.names, grads, subject.arrays, strict=True)
        misfit = any(
            name not in subject.params and np.shape(g) != np.shape(x)
            for name, g, x in pairs if g is not None
        )  # fmt: skip
        cost = 1.2 * (misfit or bool(subject.extra or subject.spare)) + 0.6 * subject.reordered
        if is_criterion(self.found.name) and subject.arrays:  # a number, or one for each sample
            rows = np.shape(subject.arrays[0])[:1]
            cost += 1.0 * any(np.ndim(o) and np.shape(o)[:1] != rows for o in passed.outs)
        if self.found.style in ("pair", "plain", "torch", "jax", "tensorflow", "hips"):
            slots = zip(self.names[self.inits :], guess.slots[self.inits :], strict=True)
            normal = {name for name, slot in slots if slot.kind in FLOATS and slot.shape}
            cost += 0.25 * len(normal - {*subject.names})
        return cost

    # ---- what does it depend on? -----------------------------------------------------------------

    def idle(
        self, guess: Guess, subject: Subject, passed: Pass, args: Any, init: Any
    ) -> Iterator[tuple[int, int]]:
        """Axes (argument, axis) whose last entry changes nothing: they may be too long."""
        slots = guess.slots[self.inits :]
        for i, slot in enumerate(slots):
            if slot.kind not in (*FLOATS, "labels") or not isinstance(args[i], np.ndarray):
                continue
            for axis, dim in enumerate(slot.shape):
                name = guess.resolve(dim)
                if isinstance(name, str) and guess.role(name) not in ("", "channel"):
                    continue
                if args[i].shape[axis] < 2:
                    continue
                others = (_moved(args[i], axis, by) for by in (3, -3))
                if all(self.same(subject, passed, args, init, i, x) for x in others):
                    yield i, axis

    def same(
        self, subject: Subject, passed: Pass, args: Any, init: Any, i: int, other: Any
    ) -> bool:
        """Whether the outputs stay as they are with another i-th argument."""
        name = self.names[self.inits + i]
        try:
            if name in subject.names and name not in subject.params:
                arrays = [np.array(x) for x in subject.arrays]
                arrays[subject.names.index(name)] = other
                with quiet():
                    again = subject.start(arrays)
            else:
                again = self.run((*args[:i], other, *args[i + 1 :]), init)[1]
        except Exception:  # it was read, at least
            return False
        return all(
            np.array_equal(a, b, equal_nan=True)
            for a, b in zip(passed.outs, again.outs, strict=True)
        )

    def tied(self, guess: Guess, idle: Sequence[tuple[int, int]]) -> Iterator[Guess]:
        """Guesses in which an idle axis is as long as another one."""
        for i, axis in idle:
            dim = guess.resolve(guess.slots[self.inits + i].shape[axis])
            for name in guess.free():
                for k in (1, *sorted(self.hints.times)):
                    other: Dim = name if k == 1 else ("*", (k, name))
                    if name != dim and (child := guess.unify(dim, other, 0.3)):
                        yield child


def _moved(array: Any, axis: int, by: int) -> Any:
    """A copy with other numbers at the end of an axis."""
    other = array.copy()
    part = np.moveaxis(other, axis, 0)[-1:]
    if part.dtype.kind == "f":  # not the same for all: softmax would not notice
        part[...] += by + np.random.default_rng(1).standard_normal(part.shape)
    else:
        part[...] = np.where(part == 0, 1, 0)
    return other
