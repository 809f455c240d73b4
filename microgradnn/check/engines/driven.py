"""A user's engine from outside: how its numbers are made, read, and differentiated."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...errors import ConfigError
from .programs import METHODS, OPERATORS, Program, apply

VALUES = ("data", "value", "val", "item", "x", "v", "_data", "number")
GRADIENTS = ("grad", "gradient", "g", "_grad", "derivative", "adjoint", "dx")
BACKWARDS = ("backward", "backprop", "backward_pass", "backpropagate", "compute_gradients", "back")


NONE = np.float64(0)  # the gradient of what has none


class UnwrittenError(Exception):
    """Something is there and still empty: it returns None."""


@dataclass(frozen=True)
class Driven:
    """make(2.0) is a number of the engine; value, grad and backward are its own names for them."""

    make: Callable[[Any], Any]
    value: str
    grad: str
    backward: str

    def read(self, v: Any) -> float:
        """The number that an object of the engine holds."""
        if v is None:
            raise UnwrittenError
        held = getattr(v, self.value)
        return float(held() if callable(held) else held)

    def slope(self, v: Any) -> Any:
        """The gradient that an object of the engine has; NONE, which is 0, for None."""
        held = getattr(v, self.grad)
        if isinstance(held, type(v)):  # gradients that are numbers of the engine themselves
            return self.read(held)
        return NONE if held is None else float(held)

    def pull(self, y: Any) -> None:
        """Runs backward from y."""
        getattr(y, self.backward)()

    def sample(self, x: float) -> Any:
        """An object of the engine that holds x, everywhere."""
        return self.make(x)

    def ended(self, y: Any) -> Any:
        """What backward is called on, where y was computed."""
        return y

    def beside(self, values: Sequence[Any]) -> float:
        """The number beside which a difference is looked at, where both numbers are smaller."""
        return 1e-6

    def tolerance(self, got: Sequence[Any], values: Sequence[Any]) -> float:
        """By how much gradients may differ, beside the largest."""
        return 1e-9

    def gradients(self, program: Program) -> tuple[list[Any], list[Any]]:
        """The values of all results of a program, and the gradients of its inputs."""
        results = program.run(self.make)
        values = [self.read(r) for r in results]
        self.pull(results[-1])
        return values, [self.slope(r) for r in results[: len(program.inputs)]]


def driven(engine: Any) -> Driven:
    """How to drive an engine: a class of numbers, or a function that makes one.

    Raises ConfigError where it is none: no constructor from a number, no .data, .grad, .backward().
    """
    name = getattr(engine, "__name__", type(engine).__name__)
    if not callable(engine):
        raise ConfigError(f"engine: got {name}, need a class such as Value")
    if "requires_grad" in parameters(engine):
        engine = partial(engine, requires_grad=True)
    try:
        one = engine(2.5)
    except NotImplementedError:
        raise UnwrittenError from None
    except Exception as error:
        raise ConfigError(
            f"engine: {name}(2.5) raises {type(error).__name__}: {error}; the constructor must "
            "take a number"
        ) from error
    value = next((n for n in VALUES if _holds(one, n)), None)
    if value is None:
        raise ConfigError(
            f"engine: {name}(2.5) holds its number in none of {', '.join(VALUES[:3])}; call it data"
        )
    back = next((n for n in BACKWARDS if callable(getattr(one, n, None))), None)
    grad = next((n for n in GRADIENTS if hasattr(one, n)), None)
    if back is None or grad is None:
        missing = "backward()" if back is None else "grad"
        raise ConfigError(f"engine: {name} has no {missing}; an engine has data, grad, backward()")
    return Driven(engine, value, grad, back)


def parameters(engine: Any) -> Any:
    """The parameters of a constructor by name; () where it does not say."""
    try:
        return inspect.signature(engine).parameters
    except (TypeError, ValueError):
        return ()


def _holds(one: Any, name: str) -> bool:
    held = getattr(one, name, None)
    try:
        return float(held() if callable(held) else held) == 2.5  # type: ignore[arg-type]
    except Exception:  # an attribute of that name that is something else
        return False


@dataclass
class Known:
    """What an engine can do.

    both      operators of two numbers of the engine; constants: with a constant on the right
    left      operators with a constant on the left; methods: functions of one number
    empty     those that are there and return None
    errors    what an operator raised, by how it is written
    kind      the class of its numbers
    """

    both: list[str]
    constants: list[str]
    left: list[str]
    methods: list[str]
    empty: list[str]
    errors: dict[str, Exception]
    kind: type

    @property
    def ops(self) -> list[str]:
        """What programs may be made of."""
        powers = ["pow"] if "pow" in self.constants else []
        return [*(o for o in self.both if o != "pow"), *powers, *self.methods]


def known(engine: Driven) -> Known:
    """What an engine can do, found by trying."""
    one = engine.make(2.0)
    found = Known([], [], [], [], [], {}, type(one))

    def attempt(op: str, into: list[str], text: str, *xs: Any) -> None:
        try:
            got = apply(op, xs)
            if got is None:
                found.empty.append(text)
            elif not hasattr(got, engine.value):
                found.errors[text] = ResultError(f"gives a {type(got).__name__}, not an object "
                                                 f"with .{engine.value}")  # fmt: skip
            else:
                into.append(op)
        except NotImplementedError:
            found.empty.append(text)
        except Exception as error:  # whatever the user's code raises: told by _raising
            found.errors[text] = error

    for op, (_, text) in OPERATORS.items():
        if op == "neg":
            attempt(op, found.both, "-a", one)
            continue
        attempt(op, found.both, text.format("a", "b"), one, engine.make(3.0))
        attempt(op, found.constants, text.format("a", "3"), one, 3.0)
        attempt(op, found.left, text.format("3", "a"), 3.0, one)
    for name in METHODS:
        if callable(getattr(one, name, None)):
            attempt(name, found.methods, f"a.{name}()", engine.make(0.5))
    return found


class ChangedError(Exception):
    """Backward changes the data of a result; its number among them, negative for an input."""

    def __init__(self, k: int) -> None:
        super().__init__(f"backward changes the data of {'an input' if k < 0 else f't{k + 1}'}")


class ResultError(Exception):
    """An operation gave something that is no number of the engine."""
