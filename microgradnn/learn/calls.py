"""A part that is a function: called at drawn arguments, its results compared, its mistake named."""

import inspect
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from ..check.subject import quiet
from .borrowed import with_right
from .edits import SLIPS, slips
from .exercise import Told

Results = tuple[Any, ...]
Arguments = tuple[Any, ...]
FEW = 4  # entries of an array that are all shown
CLOSE = 1e-6  # relative: results that differ by less are the same
# What NumPy says of shapes that do not fit together.
MISFIT = re.compile(r"matmul: .*mismatch|not aligned|could not be broadcast|non-broadcastable")
OUTSIDE = ("not_linear", "sometimes")  # what can be said of mistakes without a name
NUMBERS = (int, float, np.ndarray, np.generic)


@dataclass(frozen=True)
class Calls:
    """A function `name` whose results are named `outputs`.

    draws  makes some tuples of arguments; truth gives the right results for one of them
    like   what mistakes give, by cause: the same as truth, None where it does not apply
    deeper  names a mistake that is not in `like`, of the learner's function
    also   causes that deeper may tell
    answer  the right answer as a learner would write it, where slips of the pen are looked for
    uses   what else of the exercise it may call, by name: the right functions
    """

    name: str
    outputs: tuple[str, ...]
    draws: Callable[[np.random.Generator], Sequence[Arguments]]
    truth: Callable[..., Results]
    like: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    deeper: Callable[[Callable[..., Any], str, Arguments], Told | None] | None = None
    also: Sequence[str] = ()
    answer: str = ""
    uses: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def causes(self) -> Sequence[str]:
        """All that it can be told to be wrong by."""
        like = (cause.partition("+")[0] for cause in self.like)
        return [*like, "factor", *OUTSIDE, *self.also, *(SLIPS if self.answer else ()),
                *(("borrowed",) if self.uses else ())]  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        said = self._graded(function)
        return with_right(self.uses, function, self._graded, said) if said.cause else said

    def _graded(self, function: Callable[..., Any]) -> Told:
        draws = self.draws(np.random.default_rng(0))
        seen: list[tuple[Arguments, Results]] = []
        for args in draws:
            got = self._called(function, args)
            if isinstance(got, Told):
                return got
            seen.append((args, got))
        return self._judged(function, seen)

    def _called(self, function: Callable[..., Any], args: Arguments) -> Results | Told:
        """The results as arrays, or why there are none."""
        mine = tuple(map(_copied, args))
        words = {"call": written_call(function, self.name, args)}
        try:
            with quiet():
                got = function(*mine)
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return raised(self.name, words, error, function)
        if got is None:
            return Told(self.name, "nothing", words)
        several = isinstance(got, tuple) or isinstance(got, list) and len(self.outputs) > 1
        parts = got if several else (got,)
        if len(parts) != len(self.outputs):
            words |= {"count": str(len(parts)), "outputs": ", ".join(self.outputs)}
            return Told(self.name, "count", words)
        for name, part in zip(self.outputs, parts, strict=True):
            if isinstance(part, NUMBERS + (complex,)) and np.iscomplexobj(part):
                return Told(self.name, "complex", words | {"output": name})
            if not isinstance(part, NUMBERS) or np.asarray(part).dtype.kind not in "biuf":
                return Told(self.name, "type", words | {"output": name, "kind": _kind(part)})
        if any(not same(a, b) for a, b in zip(mine, args, strict=True)):
            return Told(self.name, "changes", words)
        return tuple(np.asarray(p, float) for p in parts)

    def _judged(
        self, function: Callable[..., Any], seen: Sequence[tuple[Arguments, Results]]
    ) -> Told:
        """What is wrong with the results: at first the shape, then the numbers."""
        wrong: set[int] = set()
        first: dict[str, str] = {}
        for args, got in seen:
            right = self._right(args)
            for k, (a, b) in enumerate(zip(got, right, strict=True)):
                words = {
                    "call": written_call(function, self.name, args), "output": self.outputs[k],
                    "yours": shown(a), "right": shown(b),
                }  # fmt: skip
                if a.shape != b.shape:
                    words |= {"yours": str(a.shape), "right": str(b.shape)}
                    return self._named(function, {k}, seen, words, "shape")
                if not same(a, b):
                    first = first or words | _entry(a, b)
                    wrong.add(k)
        if not wrong:
            return Told(self.name)
        if all(not np.isfinite(got[k]).all() for _, got in seen for k in wrong):
            return self._named(function, wrong, seen, first, "not_finite")
        return self._named(function, wrong, seen, first, "unnamed")

    def _right(self, args: Arguments) -> Results:
        return tuple(np.asarray(r, float) for r in self.truth(*map(_copied, args)))

    def _named(
        self, function: Callable[..., Any], wrong: set[int],
        seen: Sequence[tuple[Arguments, Results]], words: dict[str, str], otherwise: str,
    ) -> Told:  # fmt: skip
        """The mistake that gives these results at all arguments: all of them, or the first."""
        k = self.outputs.index(words["output"])
        for some in (wrong, {k}):
            for cause, guess in self.like.items():
                if all(_gives(guess, args, got, some) for args, got in seen):
                    return Told(self.name, cause.partition("+")[0], words)
        factor = self._factor({k}, seen)
        if factor:
            return Told(self.name, "factor", words | {"factor": factor})
        if self._in_another_order(wrong, seen):
            return Told(self.name, "results_order", words)
        made = [s for s in (slips(self.answer) if self.answer else ())
                if all(_gives(s.function, args, got, {k}) for args, got in seen)]  # fmt: skip
        for some in (wrong, {k}):
            for slip in made:
                if all(_gives(slip.function, args, got, some) for args, got in seen):
                    return Told(self.name, slip.cause, {**words, **slip.words})
        known = self.deeper(function, self.name, seen[0][0]) if self.deeper else None
        if known is not None:
            return Told(self.name, known.cause, {**words, **known.words})
        if otherwise == "unnamed":
            otherwise = self._seen_from_outside(function, k, seen) or otherwise
        return Told(self.name, otherwise, words)

    def _in_another_order(self, wrong: set[int], seen: Sequence[tuple[Arguments, Results]]) -> bool:
        """Whether each wrong result is the right one of another place."""
        if len(self.outputs) < 3:
            return False
        for args, got in seen:
            right = self._right(args)
            if not all(any(same(got[k], r) for r in right) for k in wrong):
                return False
        return True

    def _factor(self, wrong: set[int], seen: Sequence[tuple[Arguments, Results]]) -> str:
        """The constant by which all wrong results are too large, or ""."""
        ratios: list[float] = []
        for args, got in seen:
            for k, right in enumerate(self._right(args)):
                if k in wrong:
                    if got[k].shape != right.shape or not same(
                        got[k][right == 0], 0 * right[right == 0]
                    ):
                        return ""
                    ratios += np.ravel(got[k][right != 0] / right[right != 0]).tolist()
        if not ratios or not np.isfinite(ratios).all() or abs(ratios[0]) < CLOSE:
            return ""
        return f"{ratios[0]:.4g}" if np.allclose(ratios, ratios[0], rtol=CLOSE) else ""

    def _seen_from_outside(
        self, function: Callable[..., Any], k: int, seen: Sequence[tuple[Arguments, Results]]
    ) -> str:
        """What can be said of a wrong result whose mistake has no name, or ""."""
        if self.name.endswith("_backward"):
            for args, got in seen:
                twice = self._called(function, (2 * args[0], *args[1:]))
                if isinstance(twice, tuple) and not same(twice[k], 2 * got[k]):
                    return "not_linear"
        right = [same(got[k], self._right(args)[k]) for args, got in seen]
        return "sometimes" if any(right) else ""


def _gives(guess: Callable[..., Any], args: Arguments, got: Results, wrong: set[int]) -> bool:
    """Whether a mistake gives what the learner's function gives, where that is wrong."""
    try:
        with quiet():
            there = guess(*map(_copied, args))
    except (ValueError, IndexError, ArithmeticError, TypeError, AttributeError):
        return False
    if there is None:
        return False
    parts = there if isinstance(there, tuple) else (there,)
    return all(k < len(parts) and same(got[k], parts[k]) for k in wrong)


def same(a: Any, b: Any) -> bool:
    """Whether two results are the same but for rounding."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if not isinstance(a, NUMBERS) or not isinstance(b, NUMBERS):
        return a is b
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    size = np.max(np.abs(b), initial=1e-3, where=np.isfinite(b))
    return np.allclose(a, b, rtol=CLOSE, atol=CLOSE * size, equal_nan=True)


def _copied(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.copy()
    return type(x)(map(_copied, x)) if isinstance(x, (list, tuple)) else x


def _kind(x: Any) -> str:
    return f"array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__


def shown(x: Any) -> str:
    """A number or an array in a few digits, on one line."""
    if isinstance(x, np.ndarray) and x.ndim:
        text = np.array2string(x, precision=4, separator=", ", threshold=12, edgeitems=2)
        return " ".join(text.split())
    if isinstance(x, NUMBERS) and not isinstance(x, np.ndarray):
        return f"{x:.6g}"
    return f"{float(x):.6g}" if isinstance(x, np.ndarray) else str(x)


def _entry(a: Any, b: Any) -> dict[str, str]:
    """Of arrays that are too large to be read, the entries that are farthest apart."""
    if a.size <= FEW:
        return {}
    gap = np.where(np.isfinite(a - b), np.abs(a - b), np.inf)
    at = np.unravel_index(int(np.argmax(gap)), a.shape)
    place = f"[{', '.join(map(str, map(int, at)))}]"
    return {"place": place, "yours": shown(float(a[at])), "right": shown(float(b[at]))}


def written_call(function: Callable[..., Any], name: str, args: Arguments) -> str:
    """The call as Python: "mul_backward(g=1.5, a=2, b=-3)"; of arrays with their shapes."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    parts = [shown(a) if np.size(a) <= 4 else f"array{np.shape(a)}" for a in args]
    if len(names) == len(parts):
        parts = [f"{n}={p}" for n, p in zip(names, parts, strict=True)]
    return f"{name}({', '.join(parts)})"


def raised(part: str, words: dict[str, str], error: Exception, function: Any = None) -> Told:
    """What to say of an exception in the learner's code."""
    cause = "misfit" if MISFIT.search(str(error)) else "raises"
    if isinstance(error, RecursionError):
        cause = "endless"
    return Told(part, cause, words | raised_words(error, function))


def raised_words(error: BaseException, function: Any = None) -> dict[str, str]:
    """What an exception says, and the last line of the learner's file on the way to it."""
    words = {"error": f"{type(error).__name__}: {error}"[:300], "line": "?"}
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code is None or frame.filename == code.co_filename:
            return words | {"line": str(frame.lineno)}
    return words


def numbers(
    *ranges: tuple[float, float], count: int = 6
) -> Callable[[np.random.Generator], Sequence[Arguments]]:
    """Draws of single numbers, one from each range; of both signs where the range has both."""

    def draws(rng: np.random.Generator) -> Any:
        return [
            tuple(float(np.round(rng.uniform(*r), 2)) or 0.5 for r in ranges) for _ in range(count)
        ]

    return draws


def digits(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """An array of numbers of both signs with two digits, none near 0."""
    x = np.round(rng.uniform(0.3, 2, shape) * rng.choice((-1, 1), shape), 2)
    return np.asarray(x, float)
