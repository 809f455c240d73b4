"""check(function): an exercise graded from a notebook or a prompt, without a file of one's own."""

import ast
import html
import linecache
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ..errors import ConfigError
from .catalogue import Catalogue, chosen
from .exercise import Exercise, Told
from .graded import grade
from .kept import learnt, next_hint
from .shelf import exercise as named
from .shelf import part_named
from .wording import cause_of, example_of, hints_for, marks

CONSTANTS = (int, float, complex, str, bytes, bool, type(None), tuple)


@dataclass(frozen=True)
class Graded:
    """What check found; true in an `if` when all that was graded is right."""

    exercise: Exercise
    found: Sequence[Told]
    say: Catalogue

    def __bool__(self) -> bool:
        return bool(self.found) and not any(f.cause for f in self.found)

    def hint(self) -> str:
        """The next hint on what is wrong, one step plainer at each call; "" if nothing is wrong."""
        said = next((f for f in self.found if f.cause), None)
        if said is None:
            return ""
        hints = hints_for(self.exercise, said, self.say)
        n = next_hint(self.exercise.number, said.part, said.cause, len(hints))
        return self.say("ui.hint", number=n, count=len(hints), text=hints[n - 1])

    def _lines(self) -> Iterator[tuple[str, str]]:
        signs = marks("utf-8")
        for f in self.found:
            text = cause_of(f, self.say)
            told = self.say("ui.told", part=f.part, text=text) if text else f.part
            yield signs[1 if f.cause else 0], told
            if example := example_of(f, self.say):
                yield " ", example

    def __repr__(self) -> str:
        return "\n".join(f"{sign} {text}" for sign, text in self._lines())

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><td>{sign}</td><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for sign, text in self._lines()
        )
        return f"<table>{''.join(rows)}</table>"


def check(function: Any, exercise: str | None = None, *, lang: str | None = None) -> Graded:
    """What there is to say of a function or a class that solves a part of an exercise.

        learn.check(mul_backward)
        learn.check(Value, "e5", lang="zh")

    The exercise is found by the function's name. Its source, and that of what it uses of your own,
    is run in a process of its own with a time limit, as `exercise check FILE` does. Raises
    ConfigError for a name that no exercise asks for, and where the source is not to be had.
    """
    say = chosen(lang)
    if not isinstance(function, (FunctionType, type)):
        kind = type(function).__name__
        raise ConfigError(f"learn.check: got {kind}, need a function or a class, without brackets")
    if exercise is None:
        e, part = part_named(function.__name__)
        e = replace(e, parts=(part,))
    else:
        e = named(exercise)
    text, origin = _program(function)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / e.file
        path.write_text(text, encoding="utf-8")
        found = [f for f in grade(str(path), e) if f.part in {p.name for p in e.parts}]
    found = [_placed(f, origin) for f in found]
    learnt(e.number, found)
    return Graded(e, found, say)


def _placed(said: Told, origin: Sequence[int]) -> Told:
    """With the line of the cell in the place of that of the file made of it."""
    line = said.words.get("line", "")
    if line.isdigit() and 0 < int(line) <= len(origin):
        return replace(said, words={**said.words, "line": str(origin[int(line) - 1])})
    return said


# ---- source --------------------------------------------------------------------------------------


def _program(function: Any) -> tuple[str, list[int]]:
    """The source of a function or class and of what it uses, and where each line came from."""
    scope = _scope(function)
    blocks: list[tuple[list[str], int]] = []
    seen: set[str] = set()

    def add(name: str, thing: Any) -> None:
        if name in seen:
            return
        seen.add(name)
        if isinstance(thing, (FunctionType, type)) and _scope(thing) is scope:
            lines, start = _source(thing)
            for used in _names("\n".join(lines)):
                if used in scope:
                    add(used, scope[used])
            blocks.append((lines, start))
            if thing.__name__ != name:
                blocks.append(([f"{name} = {thing.__name__}"], 0))
        else:
            blocks.append(([_statement(name, thing)], 0))

    add(function.__name__, function)
    lines = [line for block, _ in blocks for line in block]
    origin = [start + i if start else 0 for block, start in blocks for i in range(len(block))]
    return "\n".join(lines) + "\n", origin


def _statement(name: str, thing: Any) -> str:
    """The line that gives a name what it stands for: an import or a constant; "" if neither."""
    if isinstance(thing, ModuleType):
        return f"import {thing.__name__} as {name}"
    if isinstance(thing, CONSTANTS):
        with suppress(ValueError):
            if ast.literal_eval(repr(thing)) == thing:
                return f"{name} = {thing!r}"
        return ""
    home, own = getattr(thing, "__module__", None), getattr(thing, "__name__", None)
    return f"from {home} import {own} as {name}" if home and own else ""


def _scope(thing: Any) -> Any:
    """The names that a function or a class of the user's stands among."""
    if isinstance(thing, FunctionType):
        return thing.__globals__
    methods = (getattr(m, "__func__", m) for m in vars(thing).values())
    return next((m.__globals__ for m in methods if isinstance(m, FunctionType)), None)


def _names(text: str) -> list[str]:
    return [n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)]


def _source(thing: Any) -> tuple[list[str], int]:
    """The lines of a definition, to the left margin, and the number of the first one."""
    methods = [thing] if isinstance(thing, FunctionType) else vars(thing).values()
    codes = [m.__code__ for m in methods if isinstance(m, FunctionType)]
    file, line = (codes[0].co_filename, codes[0].co_firstlineno) if codes else ("", 0)
    lines = [text.rstrip("\n") for text in linecache.getlines(file)]
    with suppress(SyntaxError):
        for node in ast.walk(ast.parse(_without_magic(lines))):
            if getattr(node, "name", "") == thing.__name__ and _covers(node, line):
                assert isinstance(node, (ast.FunctionDef, ast.ClassDef))
                start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                if node.col_offset == 0:
                    return lines[start - 1 : node.end_lineno], start
    raise ConfigError(
        f"learn.check: the source of {thing.__name__} is not to be had; define it in a cell or a "
        "file of its own, with def or class at the left margin"
    )


def _without_magic(lines: Sequence[str]) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def _covers(node: ast.AST, line: int) -> bool:
    above = [d.lineno for d in getattr(node, "decorator_list", ())]
    first = min([getattr(node, "lineno", 0), *above])
    return first <= line <= (getattr(node, "end_lineno", 0) or 0)
