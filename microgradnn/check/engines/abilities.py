"""What an engine of arrays can do: which operations it has, what they mean, at which shapes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .array_driver import NEAR, PROBE, DrivenArrays
from .driven import ResultError, UnwrittenError
from .notations import FORMS, SAME, Notation, Shapes, drawn_for
from .programs import Program, Step, evaluated, frozen
from .single import differs


@dataclass(frozen=True)
class Ability:
    """An operation that an engine has: how it is written, what it means, at which shapes it runs.

    fails  shapes at which only forward runs, and what backward raises
    """

    form: Notation
    text: str
    op: str
    shapes: tuple[Shapes, ...]
    fails: tuple[tuple[Shapes, Exception], ...] = ()

    def program(self, user: DrivenArrays, shapes: Shapes, rng: np.random.Generator) -> Program:
        """The operation by itself at operands of these shapes."""
        inputs = drawn_for(self.form, shapes, rng)
        return user.program(inputs, [Step(self.op, tuple(range(len(inputs))), self.text)])


@dataclass
class KnownArrays:
    """What an engine of arrays can do; see Known.

    wrong    values that are wrong: the program, what it gives
    refused  what is there and is not taken, and why
    """

    found: list[Ability] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)
    wrong: list[Program] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def both(self) -> list[str]:
        """The operators of two tensors, by the names that scalar engines have for them."""
        have = {f.op for f in self.found}
        return [n for n, op in (("add", "{0} + {1}"), ("mul", "{0} * {1}")) if op in have]


def known_arrays(user: DrivenArrays) -> KnownArrays:
    """What an engine of arrays can do, found by trying."""
    out = KnownArrays()
    kind = type(user.make(PROBE))
    for form in FORMS:
        there = form.methods()
        if len(there) < len(form.spellings) or any(hasattr(kind, m) for m in there):
            _look(user, kind, form, out)
    return out


def _look(user: DrivenArrays, kind: type, form: Notation, out: KnownArrays) -> None:
    """Enters a form in what an engine can do, or why it cannot."""
    problem: Exception | None = None
    for text in form.spellings:
        method = text[4:].partition("(")[0] if text.startswith("{0}.") else ""
        if method and not hasattr(kind, method):
            continue
        try:
            if _understood(user, form, text, out):
                return
        except UnwrittenError as error:
            if form.plain:
                out.empty.append(_written(text))
                return
            problem = problem or error
        except Exception as error:
            problem = error if isinstance(error, BackwardError) else problem or error
    if problem is not None:
        _refuse(kind, form, problem, out)


def _understood(user: DrivenArrays, form: Notation, text: str, out: KnownArrays) -> bool:
    """Whether the engine takes this spelling and it is known what it means; enters it then."""
    seen = list(_runs(user, form, text))
    op = next((o for o in form.ours if _same(o, *seen[0][1:])), "")
    if op:
        fit = [s for s, xs, y in seen if form.sure or _same(op, xs, y)]
        found = _with_backward(user, Ability(form, text, op, tuple(fit)))
        if not form.plain and fit[0] not in found.shapes:
            error = found.fails[0][1]
            quiet = form.rare or isinstance(error, NotImplementedError)
            raise error if quiet else BackwardError(error)
        out.found.append(found)
    elif form.sure:
        operands = tuple(range(len(form.shapes[0])))
        out.wrong.append(user.program(seen[0][1], [Step(form.ours[0], operands, text)]))
    return bool(op) or form.sure


def _refuse(kind: type, form: Notation, problem: Exception, out: KnownArrays) -> None:
    """Enters what raises: as an error where it must work, else as what is not taken."""
    text = _written(form.spellings[0])
    operator = not form.method and "np." not in text and "[" not in text
    if isinstance(problem, ConstantError):
        out.refused.append(f"{text}: {problem}")
    elif isinstance(problem, BackwardError):
        out.errors[text] = problem.error
    elif form.plain and (form.method or hasattr(kind, _WORDS.get(form.spellings[0], "?"))):
        out.errors[text] = problem
    elif not (operator and form.plain):
        out.refused.append(f"{text}: {type(problem).__name__}")


class ConstantError(Exception):
    """A result that says itself that it has no gradient."""


class BackwardError(Exception):
    """Forward takes a call, and backward raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _with_backward(user: DrivenArrays, found: Ability) -> Ability:
    """The same without the shapes at which only forward runs; the first must, of what is plain."""
    fails = []
    for shapes in found.shapes:
        try:
            user.gradients(found.program(user, shapes, np.random.default_rng(0)))
        except Exception as error:  # whatever the user's code raises: told by tensors.refused
            fails.append((shapes, error))
    out = {shapes for shapes, _ in fails} - ({found.shapes[0]} if found.form.plain else set())
    return replace(found, shapes=tuple(s for s in found.shapes if s not in out), fails=tuple(fails))


_WORDS = {
    "{0} + {1}": "__add__", "{0} * {1}": "__mul__", "{0} - {1}": "__sub__", "-{0}": "__neg__",
    "{0} / {1}": "__truediv__", "{0} @ {1}": "__matmul__",
}  # fmt: skip


def _written(text: str) -> str:
    return text.format("a", "b")


def _runs(user: DrivenArrays, form: Notation, text: str) -> Iterator[tuple[Shapes, list[Any], Any]]:
    """Shapes at which the engine runs, with operands and result; raises at the first shapes."""
    rng = np.random.default_rng(0)
    for shapes in form.shapes:
        xs = drawn_for(form, shapes, rng)
        try:
            made = [user.make(frozen(x)) for x in xs]
            if any(user.read(m).shape != x.shape for m, x in zip(made, xs, strict=True)):
                continue  # it has no arrays of this shape
            result = evaluated(text, made)
            if result is None:
                raise UnwrittenError
            if isinstance(result, np.ndarray) and result.dtype == object:
                raise ResultError("gives an array of tensors")
            if user.detached(result, made) or not hasattr(result, user.backward):
                raise ConstantError("its result is not differentiated")
            yield shapes, xs, user.read(result)
        except Exception:
            if shapes == form.shapes[0]:
                raise


def _same(op: str, xs: Sequence[Any], y: Any) -> bool:
    try:
        return not differs(np.asarray(evaluated(op, xs), float), y, NEAR) and np.shape(
            evaluated(op, xs)
        ) == np.shape(y)
    except Exception:  # an axis that these shapes lack
        return False


def has(can: KnownArrays, op: str) -> Ability | None:
    """The operation that NumPy writes so, at equal shapes, if an engine has it."""
    return next((f for f in can.found if f.op == op and SAME in f.shapes), None)
