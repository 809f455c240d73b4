"""The exercise on adding gradients up, and on setting them to zero."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from ...check.engines.programs import Program, Step
from ...check.engines.pulled import Result, ours
from ...check.engines.suspects import SUSPECTS, true
from ...check.subject import quiet
from ..calls import raised_words, same, shown
from ..exercise import Exercise, Told

STUB = '''
"""$title

$text
"""


class Number:
    """$number"""

    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes


def backward(order):
    """$backward"""
    raise NotImplementedError


def zero_grad(order):
    """$zero_grad"""
    raise NotImplementedError


if __name__ == "__main__":
    a = Number(3.0)
    b = Number(6.0, (a, a), (1.0, 1.0))  # b = a + a
    c = Number(36.0, (b, b), (6.0, 6.0))  # c = b * b
    backward([a, b, c])
    print(c.grad, b.grad, a.grad)  # 1.0 12.0 24.0
'''

PROGRAMS = (
    Program((3.0, 2.0), (Step("mul", (0, 1)),)),
    Program((3.0,), (Step("add", (0, 0)), Step("mul", (1, 1)))),
    Program((3.0, 2.0), (Step("mul", (0, 1)), Step("add", (2, 0)), Step("mul", (3, 2)))),
    Program((0.5, 2.0), (Step("tanh", (0,)), Step("mul", (2, 1)), Step("add", (3, 0)),
                         Step("mul", (4, 2)))),
)  # fmt: skip


def slopes(r: Result) -> list[tuple[Result, float]]:
    """The operands of a result, with the derivative by each."""
    return [(p, float(pull(1.0))) for p, pull in r.parts()]


class Counted:
    """A number as the exercise's stub has it."""

    def __init__(self, data: float, parents: Sequence["Counted"], local: Sequence[float]):
        self.data, self.grad = data, 0.0
        self.parents, self.slopes = tuple(parents), tuple(local)


def _numbers(results: Sequence[Any], leaves: Sequence[Counted] = ()) -> list[Counted]:
    """Our Values as numbers of the exercise, in their order; the first may be there already."""
    made: dict[int, Counted] = {id(r): n for r, n in zip(results, leaves, strict=False)}
    for r in results:
        if id(r) not in made:
            parts = slopes(r)
            made[id(r)] = Counted(
                float(r.data), [made[id(p)] for p, _ in parts], [s for _, s in parts]
            )
    return [made[id(r)] for r in results]


# What a parent may be given by mistake: of its slope, of the child's gradient and data, of its own.
PASSED_ON: dict[str, Callable[[float, float, float, float], float]] = {
    "slope_missing": lambda slope, grad, data, own: grad,
    "sign": lambda slope, grad, data, own: -slope * grad,
    "added": lambda slope, grad, data, own: slope + grad,
    "value_for_grad": lambda slope, grad, data, own: slope * data,
    "data_for_slope": lambda slope, grad, data, own: own * grad,
    "data_for_slope+": lambda slope, grad, data, own: data * grad,
    "data_too": lambda slope, grad, data, own: slope * grad * own,
    "data_too+": lambda slope, grad, data, own: slope * grad * data,
}


Parts = list[tuple[Any, float]]
# Which parents are given something by mistake, of (parent, slope) in order.
PARENTS: dict[str, Callable[[Parts], Parts]] = {
    "operand_once": lambda parts: list({id(p): (p, s) for p, s in parts}.values()),
    "one_parent": lambda parts: parts[:1],
    "one_parent+": lambda parts: parts[-1:],
    "slopes_exchanged": lambda parts: [
        (p, s) for (p, _), (_, s) in zip(parts, parts[::-1], strict=True)],
}  # fmt: skip


def _right_part(slope: float, grad: float, *_: float) -> float:
    return slope * grad


def _walked(
    results: Sequence[Any], pass_on: Callable[..., float] = _right_part,
    parents: Callable[[Parts], Parts] = list, seed: float = 1.0,
) -> list[float]:  # fmt: skip
    """The gradients of all results if that is passed on, to these parents."""
    g = {id(r): 0.0 for r in results}
    g[id(results[-1])] = seed
    for r in reversed(results):
        for p, s in parents(slopes(r)) if r.op else []:
            g[id(p)] += pass_on(s, g[id(r)], float(r.data), float(p.data))
    return [g[id(r)] for r in results]


@dataclass(frozen=True)
class Backward:
    """The part backward."""

    name: str = "backward"
    causes: Sequence[str] = (
        "overwritten", "unseeded", "one_step", "upstream", "forwards", "resets", "grads_wrong",
        "slope_missing", "sign", "added", "value_for_grad", "all_seeded",
        "seed_elsewhere", "data_changed", "data_for_slope", "data_too",
        "operand_once", "one_parent", "slopes_exchanged", "seed_data", "output_skipped",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        wrong: list[tuple[Any, list[float], Told]] = []
        kept: list[tuple[Any, list[float]]] = []
        for program in PROGRAMS:
            results = ours(program)
            numbers = _numbers(results)
            words = {"call": str(program), "graph": str(program)}
            said = self._run(function, numbers, words)
            if said is not None:
                return said
            grads = [n.grad for n in numbers]
            kept.append((results, grads))
            right = [true(results)[id(r)] for r in results]
            if not same(grads, right):
                wrong.append((results, grads, self._wrong(grads, right, words)))
        return self._named(kept, wrong) or self._again(function)

    def _run(self, function: Any, numbers: list[Counted], words: dict[str, str]) -> Told | None:
        before = [n.data for n in numbers]
        try:
            with quiet():
                function(list(numbers))
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", words | raised_words(error, function))
        if any(not isinstance(n.grad, (int, float)) for n in numbers):
            return Told(self.name, "type", words | {"output": "grad", "kind": "None"})
        if [n.data for n in numbers] != before:
            return Told(self.name, "data_changed", words)
        return None

    def _wrong(self, grads: list[float], right: list[float], words: dict[str, str]) -> Told:
        k = next(i for i, (a, b) in enumerate(zip(grads, right, strict=True)) if not same(a, b))
        name = f"{'abcdefg'[k]}.grad" if k < 2 else "grad"
        shown_ = {"output": name, "yours": shown(grads[k]), "right": shown(right[k])}
        return Told(self.name, "grads_wrong", words | shown_)

    def _named(self, kept: Any, wrong: Any) -> Told | None:
        if not wrong:
            return None
        for suspect in SUSPECTS:
            if suspect.key in self.causes and all(
                same(grads, [suspect.gradients(results).get(id(r), 0.0) for r in results])
                for results, grads in kept
            ):
                return Told(self.name, suspect.key, wrong[0][2].words)
        guesses: dict[str, Callable[[Any], list[float]]] = {
            c: partial(_walked, pass_on=f) for c, f in PASSED_ON.items()
        }
        guesses |= {c: partial(_walked, parents=f) for c, f in PARENTS.items()}
        guesses["seed_data"] = lambda results: _walked(results, seed=float(results[-1].data))
        guesses["output_skipped"] = lambda results: [0.0] * (len(results) - 1) + [1.0]
        for cause, guess in guesses.items():
            if all(same(grads, guess(results)) for results, grads in kept):
                return Told(self.name, cause.rstrip("+"), wrong[0][2].words)
        if all(g == 1 for _, grads in kept for g in grads):
            return Told(self.name, "all_seeded", wrong[0][2].words)
        if all(grads[-1] == 0 for _, grads in kept):
            return Told(self.name, "seed_elsewhere", wrong[0][2].words)
        return wrong[0][2]

    def _again(self, function: Any) -> Told:
        """Another graph of the same leaves: their gradients add up."""
        first, second = ours(PROGRAMS[0]), ours(PROGRAMS[2])
        numbers = _numbers(first)
        self._run(function, numbers, {})
        other = _numbers(second, numbers[:2])
        self._run(function, other, {})
        right = [true(first)[id(first[i])] + true(second)[id(second[i])] for i in (0, 1)]
        got = [n.grad for n in numbers[:2]]
        words = {"output": "a.grad", "yours": shown(got[0]), "right": shown(right[0]),
                 "call": "backward, backward"}  # fmt: skip
        return Told(self.name, "" if same(got, right) else "resets", words)


@dataclass(frozen=True)
class Zeroing:
    """The part zero_grad."""

    name: str = "zero_grad"
    causes: Sequence[str] = ("zero_none", "zero_some", "zero_data", "zero_nothing")

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        numbers = _numbers(ours(PROGRAMS[2]))
        for n in numbers:
            n.grad = 2.5
        data = [n.data for n in numbers]
        try:
            with quiet():
                function(list(numbers))
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", {"call": "zero_grad(order)"} | raised_words(error))
        grads: list[Any] = [n.grad for n in numbers]
        if [n.data for n in numbers] != data:
            return Told(self.name, "zero_data")
        if any(g is None for g in grads):
            return Told(self.name, "zero_none")
        if all(g == 2.5 for g in grads):
            return Told(self.name, "zero_nothing")
        return Told(self.name, "" if all(g == 0 for g in grads) else "zero_some")


ADDING = Exercise("04", "zero_grad", STUB, (Backward(), Zeroing()))
