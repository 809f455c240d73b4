"""The first steps to an engine of one's own: numbers, two operators, their order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from types import FunctionType, ModuleType
from typing import Any

from ...check.subject import quiet
from ..calls import raised, raised_words, shown
from ..exercise import Told
from .own_walk import instances


@dataclass(frozen=True)
class Holding:
    """The part Value: a number that holds its data, and a gradient of 0."""

    name: str = "Value"
    causes: Sequence[str] = (
        "number_data", "number_grad", "number_grad_start", "number_shared", "number_defaults",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the class in a learner's file."""
        made = instances(module, self.name, 2.5, -1.0)
        if isinstance(made, Told):
            cls = getattr(module, "Value", None)
            takes = isinstance(cls, type) and made.cause == "raises"
            if takes and "argument" in made.words.get("error", ""):
                return Told(self.name, "number_defaults", made.words)
            return made
        a, b = made[1]
        words = {"call": "Value(2.5)", "output": "data", "right": "2.5"}
        if getattr(a, "data", None) != 2.5 or getattr(b, "data", None) != -1.0:
            shared = getattr(a, "data", None) == -1.0
            yours = {"yours": repr(getattr(a, "data", None))[:60]}
            return Told(self.name, "number_shared" if shared else "number_data", words | yours)
        if not hasattr(a, "grad"):
            return Told(self.name, "number_grad", {"call": "Value(2.5)"})
        if isinstance(a.grad, bool) or not isinstance(a.grad, (int, float)) or a.grad != 0:
            words |= {"output": "grad", "yours": repr(a.grad)[:60], "right": "0.0"}
            return Told(self.name, "number_grad_start", words)
        a.grad = 1.0
        if b.grad != 0:
            return Told(self.name, "number_shared", {"call": "Value(2.5)"})
        return Told(self.name)


@dataclass(frozen=True)
class Operator:
    """An operator of Value: its result, for Values and plain numbers, and what it remembers."""

    sign: str
    name: str = field(init=False)
    causes: Sequence[str] = (
        "op_kind", "op_value", "op_constant", "op_reflected", "op_parents", "op_changes",
        "op_data",
    )  # fmt: skip

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"a {self.sign} b")

    def _apply(self, a: Any, b: Any) -> Any:
        return a + b if self.sign == "+" else a * b

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the operator in a learner's file."""
        made = instances(module, self.name, 3.0, -4.0)
        if isinstance(made, Told):
            return made
        cls, (a, b) = made
        for x, y, cause in ((a, b, "raises"), (a, 5.0, "op_constant"), (5.0, a, "op_reflected")):
            said = self._one(cls, x, y, cause)
            if said.cause:
                return said
        if (a.data, b.data) != (3.0, -4.0):
            return Told(self.name, "op_changes", {"call": self.name})
        out = self._apply(a, b)
        if not (_remembers(out, a) and _remembers(out, b)):
            return Told(self.name, "op_parents", {"call": self.name})
        return Told(self.name)

    def _one(self, cls: type, x: Any, y: Any, cause: str) -> Told:
        texts = [v if isinstance(v, float) else f"Value({v.data:g})" for v in (x, y)]
        words = {"call": f"{texts[0]} {self.sign} {texts[1]}", "output": "data"}
        numbers = [v if isinstance(v, float) else v.data for v in (x, y)]
        right = self._apply(*numbers)
        try:
            with quiet():
                out = self._apply(x, y)
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            said = raised(self.name, words, error)
            return said if said.cause == "endless" else Told(self.name, cause, said.words)
        if out is None:
            return Told(self.name, "nothing", words)
        if not isinstance(out, cls):
            return Told(self.name, "op_kind", words | {"kind": type(out).__name__})
        data: Any = getattr(out, "data", None)
        if not isinstance(data, (int, float)):
            return Told(self.name, "op_data", words | {"kind": type(data).__name__})
        words |= {"yours": shown(data), "right": shown(right)}
        return Told(self.name, "" if data == right else "op_value", words)


def _remembers(thing: Any, what: Any, depth: int = 4) -> bool:
    """Whether an object leads to another: by attributes, collections or closures."""
    if thing is what:
        return True
    if depth == 0 or isinstance(thing, (int, float, str, type(None))):
        return False
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner = [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set, frozenset)):
        inner = list(thing)
    elif isinstance(thing, FunctionType):
        inner = [c.cell_contents for c in thing.__closure__ or () if c.cell_contents is not thing]
    else:
        inner = [getattr(thing, n, None) for n in getattr(type(thing), "__slots__", ())]
        inner += [*getattr(thing, "__dict__", {}).values()]
        inner += [getattr(thing, "__self__", None), *(getattr(thing, "args", None) or ())]
    return any(_remembers(x, what, depth - 1) for x in inner)


def sorted_values(module: ModuleType, part: str) -> Any:
    """The learner's order() and how its nodes are made: sums of two."""
    made = instances(module, part, 1.0)
    if isinstance(made, Told):
        return made
    cls = made[0]
    if not callable(getattr(cls, "order", None)):
        return Told(part, "missing", {"name": "order"})
    try:
        cls(1.0) + cls(1.0)
    except NotImplementedError:
        return Told(part, "needs", {"step": "e2"})
    except Exception as error:
        return Told(part, "raises", {"call": "a + b"} | raised_words(error))
    numbers = count(1)

    def unlike(n: str, parents: Sequence[Any]) -> Any:
        """Sums of two numbers, no two of them equal."""
        return parents[0] + parents[1] if parents else cls(2.0 ** next(numbers) + 1 / 3)

    return (lambda v: v.order()), unlike, lambda n, ps: ps[0] + ps[1] if ps else cls(1.0)
