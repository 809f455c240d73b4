"""Steps of an engine of one's own that check.engine grades: backward, and functions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

import numpy as np

from ...check.engines.judged import engine
from ...check.report import Finding
from ...check.subject import quiet
from ..calls import Calls, raised_words, same, shown
from ..exercise import Told
from .scalars import ADD_MUL, FUNCTIONS


def instances(module: ModuleType, part: str, *numbers: float) -> Any:
    """The learner's Value, and one for each number; or why there are none."""
    cls = getattr(module, "Value", None)
    if not isinstance(cls, type):
        return Told(part, "missing", {"name": "class Value"})
    try:
        with quiet():
            return cls, [cls(x) for x in numbers]
    except NotImplementedError:
        return Told(part, "empty")
    except Exception as error:
        return Told(part, "raises", {"call": "Value(2.0)"} | raised_words(error))


# Of an operator or a method the part of an exercise whose mistakes are looked for in its slopes.
SINGLE: dict[str, tuple[Calls, Callable[..., Any]]] = {
    "+": (cast(Calls, ADD_MUL.parts[0]), lambda a, b: a + b),
    "*": (cast(Calls, ADD_MUL.parts[1]), lambda a, b: a * b),
    "tanh": (cast(Calls, FUNCTIONS.parts[0]), lambda x: x.tanh()),
    "relu": (cast(Calls, FUNCTIONS.parts[2]), lambda x: x.relu()),
}
WALKS = (
    "overwritten",
    "operand_once",
    "unseeded",
    "one_step",
    "upstream",
    "forwards",
    "order",
    "paths",
)


LATE = ("tanh", "relu")  # methods of a later step, which are not looked at before


@contextmanager
def _hidden(cls: type, names: Sequence[str]) -> Iterator[None]:
    """The class without these methods for a while."""
    kept = {name: vars(cls)[name] for name in names if name in vars(cls)}
    for name in kept:
        delattr(cls, name)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(cls, name, method)


def _ours(finding: Finding) -> bool:
    """Whether a finding is about what is asked for."""
    beside = ("__rsub__", "__rtruediv__", "a - 3", "a / 3") if finding.code == "GC006" else ()
    return not any(word in finding.message for word in beside)


@dataclass(frozen=True)
class Driving:
    """A part that check.engine grades: these operators and methods, and backward."""

    name: str
    ops: tuple[str, ...]
    causes: Sequence[str] = (
        *WALKS, *(cause for part, _ in SINGLE.values() for cause in part.causes), "op_value",
        "op_reflected", "needs", "resets", "all_seeded", "seed_data", "engine_walk", "engine_slope",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the class in a learner's file."""
        made = instances(module, self.name, 2.0)
        if isinstance(made, Told):
            return made
        cls, (one,) = made
        for method in (*(o for o in self.ops if o not in "+*"), "backward"):
            if not callable(getattr(cls, method, None)):
                return Told(self.name, "missing", {"name": method})
        if not hasattr(one, "grad") or not hasattr(one, "data"):
            return Told(self.name, "needs", {"step": "e1"})
        try:
            with _hidden(cls, [m for m in LATE if m not in self.ops]):
                findings = engine(cls).findings
        except Exception as error:
            return Told(self.name, "raises", {"call": "Value(2.0)"} | raised_words(error))
        told = [f for f in findings if f.verdict not in ("PASS",) and _ours(f)]
        return self._told(cls, told) if told else self._adds_up(cls)

    def _adds_up(self, cls: Any) -> Told:
        """Whether a second graph of the same number adds to its gradient."""
        a = cls(3.0)
        (a + 2.0).backward()
        (a + a).backward()
        words = {"call": "(a + 2.0).backward(); (a + a).backward()", "output": "a.grad",
                 "yours": shown(a.grad), "right": "3"}  # fmt: skip
        return Told(self.name) if a.grad == 3 else Told(self.name, "resets", words)

    def _told(self, cls: Any, findings: Sequence[Finding]) -> Told:
        named = next((f for f in findings if f.code == "GC401"), None)
        first = findings[0]
        if any(f.code in ("GC201", "GC401") for f in findings) and _seeded_by_data(cls):
            return Told(self.name, "seed_data", {"said": first.message})
        words = {"call": first.message.partition(": ")[0], "said": first.message, "output": "grad"}
        if first.worst:
            program, _, numbers = first.message.rpartition(": ")
            words |= {"graph": program, "call": f"{first.argument}.grad",
                      "yours": shown(first.worst.yours),
                      "right": shown(first.worst.true)}  # fmt: skip
            del words["output"]
        if first.code == "GC003":
            early = any(f"a {sign} " in first.message for sign in "+*")
            return Told(self.name, "needs" if early else "empty", {"step": "e2, e3"})
        if first.code in ("GC201", "GC401"):
            key = str(named.data["mistake"]) if named is not None else ""
            return self._slope(cls, words) if key in ("", "slope") else self._walk(cls, key, words)
        return self._other(first, words)

    def _other(self, first: Finding, words: dict[str, str]) -> Told:
        """What is wrong beside gradients: values, exceptions, operators that are missing."""
        if first.code == "GC061":
            return Told(self.name, "resets", words)
        if first.code == "GC006":
            call = first.message.partition("is missing: ")[2] or first.message
            return Told(self.name, "op_reflected", words | {"call": call.partition(" raises")[0]})
        if first.code == "GC211":
            call, _, numbers = first.message.rpartition(": the result is ")
            yours, _, right = numbers.partition(", true is ")
            return Told(self.name, "op_value", {"call": call, "output": "data", "yours": yours,
                                                "right": right})  # fmt: skip
        if first.code == "GC001":
            error = first.message.partition("raises ")[2] or first.message
            return Told(self.name, "raises", words | {"error": error, "line": "?"})
        return Told(self.name, "engine_walk", words)

    def _walk(self, cls: Any, key: str, words: dict[str, str]) -> Told:
        """The mistake in the walk; what stops early is not a matter of the order."""
        if key == "order":
            x = end = cls(2.0)
            for _ in range(6):
                end = end * 1.5 if "*" in self.ops else end + 1.0
            end.backward()
            key = "one_step" if x.grad == 0 else key
        return Told(self.name, key if key in WALKS else "engine_walk", words)

    def _all_ones(self, cls: Any) -> bool:
        """Whether each gradient of two products is 1, the second with a number used twice."""
        a, b, c, d = map(cls, (2.0, 3.0, 5.0, 7.0))
        (a * b).backward()
        (c * d * d).backward()
        return bool(a.grad == b.grad == c.grad == d.grad == 1)

    def _slope(self, cls: Any, words: dict[str, str]) -> Told:
        """The mistake in the slopes of one operator or method, seen at several numbers."""
        for op in self.ops:
            part, apply = SINGLE[op]

            def backward(g: float, *xs: float, apply: Any = apply) -> Any:
                made = [cls(x) for x in xs]
                apply(*made).backward()
                grads = tuple(g * float(v.grad) for v in made)
                return grads if len(grads) > 1 else grads[0]

            if _seeded_all(part, backward) or self._all_ones(cls):
                return Told(self.name, "all_seeded", words)
            said = part.grade(ModuleNamespace(part.name, backward))
            if said.cause in part.causes:
                more = {k: v for k, v in said.words.items() if k in ("factor", "output")}
                return Told(self.name, said.cause, {**more, **words})
        return Told(self.name, "engine_slope", words)


def _seeded_by_data(cls: Any) -> bool:
    """Whether backward begins with the output's own number in the place of 1."""
    a, b, c, d = map(cls, (2.0, 3.0, 5.0, 7.0))
    try:
        (a + b).backward()
        (c + d).backward()
        return bool(a.grad == b.grad == 5.0 and c.grad == d.grad == 12.0)
    except Exception:
        return False


class ModuleNamespace(ModuleType):
    """A module that holds one function."""

    def __init__(self, name: str, function: Any):
        super().__init__(name)
        setattr(self, name, function)


def _seeded_all(part: Calls, backward: Callable[..., Any]) -> bool:
    """Whether each gradient is 1 too large: every number began with 1, not the output alone."""
    for _, *xs in part.draws(np.random.default_rng(0)):
        try:
            got = backward(1.0, *xs)
        except Exception:
            return False
        if not same([x + 1 for x in part.truth(1.0, *xs)], list(np.atleast_1d(got))):
            return False
    return True
