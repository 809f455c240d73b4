"""An engine of arrays from outside: how its tensors are made, read, and differentiated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ...errors import ConfigError
from .driven import (
    BACKWARDS,
    GRADIENTS,
    NONE,
    VALUES,
    ChangedError,
    Driven,
    ResultError,
    UnwrittenError,
)
from .driven import parameters as _parameters
from .programs import Program, Step, evaluated, frozen
from .single import differs

HOLDERS = (*VALUES, "array", "arr", "values", "np", "numpy")
FLAGS = ("requires_grad", "autograd", "requires_gradient", "req_grad", "track_grad", "has_grad")
SIGNS = ("__matmul__", "matmul", "mm", "dot", "T", "transpose", "reshape", "sum", "shape")
NEAR = 1e-4  # a value so near is meant: what lies between is an eps in a logarithm, say
ROUGH = 3e-4  # relative to the largest number in a program, of engines in float32


def holds_arrays(engine: Any) -> bool:
    """Whether a class, or what a function makes, looks like one of arrays, not of numbers."""
    if not isinstance(engine, type):
        try:
            engine = engine(np.array(PROBE))
        except Exception:  # one of numbers, or none: told where it is driven
            return False
    return any(hasattr(engine, name) for name in SIGNS)


@dataclass(frozen=True)
class DrivenArrays(Driven):
    """An engine of arrays.

    start   what backward is given, from the shape of the result
    weigh   how a result is multiplied by another tensor, "" if it cannot
    reduce  how it becomes one number, "" where backward takes arrays and nothing else is there
    single  whether it computes in float32
    """

    start: Callable[[tuple[int, ...]], tuple[Any, ...]] = field(default=lambda shape: ())
    weigh: str = ""
    reduce: tuple[str, str] = ("", "")
    single: bool = False

    def read(self, v: Any) -> Any:
        """The array that an object of the engine holds."""
        if v is None:
            raise UnwrittenError
        if not hasattr(v, self.value):
            raise ResultError(f"gives a {type(v).__name__}, not an object with .{self.value}")
        held = getattr(v, self.value)
        return np.array(held() if callable(held) else held, float)

    def slope(self, v: Any) -> Any:
        """The gradient that an object of the engine has; NONE for None."""
        held = getattr(v, self.grad)
        held = held() if callable(held) and not hasattr(held, self.value) else held
        if held is None:
            return NONE
        if hasattr(held, self.value) and not isinstance(held, (np.ndarray, np.generic)):
            return self.read(held)
        return np.array(held, float)

    def pull(self, y: Any) -> None:
        """Runs backward from y."""
        getattr(y, self.backward)(*self.start(np.shape(self.read(y))))

    def sample(self, x: float) -> Any:
        """A matrix of the engine that holds x everywhere."""
        return self.make(frozen(np.full((2, 2), x)))

    def ended(self, y: Any) -> Any:
        """The number that backward is called on, where y was computed."""
        return evaluated(self.reduce[1], [y]) if self.reduce[1] else y

    def detached(self, y: Any, xs: Sequence[Any]) -> bool:
        """Whether a result says that it requires no gradient, where its operands do."""
        flags = [[bool(v.__dict__.get(f, True)) for f in FLAGS if hasattr(v, "__dict__")]
                 for v in (y, *xs)]  # fmt: skip
        return not all(flags[0]) and any(all(f) for f in flags[1:])

    def beside(self, values: Sequence[Any]) -> float:
        """The largest number in a program: its rounding may stand in each result."""
        return max(np.abs(v).max(initial=1e-6) for v in values)

    def tolerance(self, got: Sequence[Any], values: Sequence[Any]) -> float:
        """By how much numbers may differ, beside the largest: rounding, and an eps in forward."""
        gap, single = 0.0, self.single
        for yours, right in zip(got, values, strict=True):
            single = single or _float32(yours) and not _float32(right)
            if np.shape(yours) == np.shape(right) and np.size(right):
                gap = max(gap, float(np.abs(yours - right).max() / max(np.abs(right).max(), 1e-6)))
        return max(ROUGH if single else 1e-9, 1e3 * gap if gap < NEAR else 0.0)

    def gradients(self, program: Program) -> tuple[list[Any], list[Any]]:
        """As of numbers; raises ChangedError if backward changes what forward computed."""
        results = program.run(self.make)
        values = [self.read(r) for r in results]
        self.pull(results[-1])
        for k, (r, v) in enumerate(zip(results, values, strict=True)):
            if not np.array_equal(self.read(r), v, equal_nan=True):
                raise ChangedError(k - len(program.inputs))
        return values, [self.slope(r) for r in results[: len(program.inputs)]]

    def program(self, inputs: Sequence[Any], steps: Sequence[Step]) -> Program:
        """A program that ends in one number, in which each entry of the result has a weight."""
        inputs, steps = list(map(frozen, inputs)), list(steps)
        plain = Program(tuple(inputs), tuple(replace(s, text=s.op) for s in steps))
        shape = np.shape(plain.run(np.array)[-1]) if steps else ()
        if self.weigh and shape:
            n, last = len(inputs), len(inputs) + len(steps)
            weights = np.resize([0.5, -1.5, 2.0, 1.25, -0.75, 3.0, 0.25], shape)
            steps = [replace(s, operands=tuple(_moved(o, n) for o in s.operands)) for s in steps]
            inputs.append(frozen(weights))
            steps.append(Step("{0} * {1}", (last, n), self.weigh))
        if self.reduce[1] and shape:
            steps.append(Step(self.reduce[0], (len(inputs) + len(steps) - 1,), self.reduce[1]))
        return Program(tuple(inputs), tuple(steps))


def _moved(operand: Any, n: int) -> Any:
    return operand + 1 if isinstance(operand, int) and operand >= n else operand


def _float32(x: Any) -> bool:
    return bool((np.asarray(x, np.float32) == x).all())


def driven_arrays(engine: Any) -> DrivenArrays:
    """How to drive an engine of arrays: a class whose constructor takes an array.

    Raises ConfigError where it is none, UnwrittenError where it is still empty.
    """
    name = getattr(engine, "__name__", type(engine).__name__)
    flags = {f: True for f in FLAGS if f in _parameters(engine)}
    make, one = _constructor(partial(engine, **flags) if flags else engine, name)
    value = next(n for n in HOLDERS if _holds(one, n))
    back = next((n for n in BACKWARDS if callable(getattr(one, n, None))), None)
    grad = next((n for n in GRADIENTS if _has(one, n)), None)
    if back is None or grad is None:
        missing = "backward()" if back is None else "grad"
        raise ConfigError(f"engine: {name} has no {missing}; an engine has data, grad, backward()")
    user = DrivenArrays(make, value, grad, back)
    tenth = user.read(make(((0.1,),)))
    return _with_ending(replace(user, single=bool((tenth != 0.1).any())))


def _constructor(engine: Any, name: str) -> tuple[Callable[[Any], Any], Any]:
    """What makes a tensor of nested tuples, and one: of an array, else of a list."""
    problem: Exception = ConfigError("it holds its array in none of data, value, val")
    for convert in (np.array, lambda x: np.array(x).tolist()):

        def make(x: Any, convert: Any = convert) -> Any:
            made = engine(convert(x))
            return made

        try:
            one = make(PROBE)
        except NotImplementedError:
            raise UnwrittenError from None
        except Exception as error:  # another constructor: told if none fits
            problem = error
            continue
        if any(_holds(one, n) for n in HOLDERS):
            return make, one
    raise ConfigError(
        f"engine: {name}(array) raises {type(problem).__name__}: {problem}; the constructor must "
        "take an array"
    ) from problem


PROBE = ((2.5, 3.0, -1.0), (0.5, 4.0, 1.5))


def _has(one: Any, name: str) -> bool:
    try:
        return hasattr(one, name)
    except Exception:  # a property that raises as long as there is no gradient
        return True


def _holds(one: Any, name: str) -> bool:
    held = getattr(one, name, None)
    try:
        got = np.array(held() if callable(held) else held, float)
        return got.shape == np.shape(PROBE) and bool(np.allclose(got, PROBE))
    except Exception:  # an attribute of that name that is something else
        return False


def _with_ending(user: DrivenArrays) -> DrivenArrays:
    """The same with what makes one number of a result, and what backward wants to be given.

    That is the first of sum, mean and nothing whose backward does not raise.
    """
    user = replace(user, weigh=_weigh(user))
    endings = [(f"np.{n}({{0}})", f"{{0}}.{n}({of})")
               for n in ("sum", "mean") for of in ("", "axis=None")]  # fmt: skip
    starts: list[Callable[[tuple[int, ...]], tuple[Any, ...]]] = [
        lambda shape: (), lambda shape: (np.ones(shape),),
        lambda shape: (user.make(frozen(np.ones(shape))),), lambda shape: (1.0,),
    ]  # fmt: skip
    for reduce, start in product([*endings, ("", "")], starts):
        tried = replace(user, reduce=reduce, start=start)
        for text in ("{0} * {0}", "{0} + {0}", "{0} @ {0}", "{0}"):
            x = user.make(PROBE)
            try:
                y = evaluated(text, [x])
                end = tried.ended(y)
                if reduce[0] and differs(
                    user.read(end), evaluated(reduce[0], [user.read(y)]), NEAR
                ):
                    continue  # it sums over one axis
                tried.pull(end)
                return replace(tried, single=user.single or _is_single(tried, x))
            except Exception:  # another way, or told as an operation that does not work
                continue
    return user


def _weigh(user: DrivenArrays) -> str:
    """How the engine multiplies entry by entry, or "" if it does not."""
    try:
        product = user.read(user.make(PROBE) * user.make(PROBE))
    except Exception:  # told as an operator that does not work
        return ""
    return "" if differs(product, np.square(PROBE), NEAR) else "{0} * {1}"


def _is_single(user: DrivenArrays, x: Any) -> bool:
    """Whether gradients are kept in float32."""
    held = getattr(x, user.grad)
    held = getattr(held, user.value, held) if not isinstance(held, np.ndarray) else held
    return getattr(held, "dtype", None) == np.float32
