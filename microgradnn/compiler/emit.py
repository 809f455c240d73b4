"""The text of a program: in NumPy, in Python's single numbers, in JavaScript, in C.

It runs by itself. Its first lines are the helper functions it calls; then comes one function with
the forward pass, the backward pass and the update, a comment to each line.
"""

from __future__ import annotations

import ast
from typing import Any

from ..errors import TraceError
from .c_syntax import printed
from .in_place_updates import SIGNS
from .layout import Layout
from .literal import number, value
from .program import StraightProgram, Variable
from .spelled import helpers_in
from .spellings import LANGUAGES
from .support import HELPERS, NEEDS

WIDEST = 56  # columns of code after which a comment no longer lines up


def emit(program: StraightProgram, language: str = "numpy", keep: bool = False) -> str:
    """The text of a program in a language: "numpy", "python", "js" or "c".

    With keep, the function of "js" returns all its numbers by name, for those who show them. Raises
    TraceError for an op that the language cannot say.
    """
    if language not in LANGUAGES:
        raise TraceError(f"compile: no language {language!r}; use one of {', '.join(LANGUAGES)}")
    if language != "numpy":
        _only_numbers(program, language)
    return Text(program, language, keep).text()


def _only_numbers(program: StraightProgram, language: str) -> None:
    for v in (*program.inputs, *program.captured):
        if v.shape:
            raise TraceError(
                f"compile: {v.name or 'an argument'} has shape {v.shape}, and {language} is for "
                "single numbers; print the program with lang='numpy'"
            )


class Text:
    """The text of one program in one language; with `guards` it raises Differs where one fails."""

    def __init__(
        self, program: StraightProgram, language: str, keep: bool = False, guards: bool = False
    ) -> None:
        self.program, self.language, self.keep = program, language, keep
        self.guards = guards
        self.layout = Layout(program, language, keep)
        self.helpers: set[str] = set()
        self.uses_math = False

    def text(self) -> str:
        """The whole text."""
        rows = self._rows()
        body = _aligned(rows, "//" if self.language in ("js", "c") else "#")
        head = [*self._opening()]
        return "\n".join([*head, *body, *self._closing()]) + "\n"

    # ---- the lines of the function --------------------------------------------------------------

    def _rows(self) -> list[tuple[str, str]]:
        """(code, comment) of each line; a comment alone is a heading."""
        rows: list[tuple[str, str]] = []
        part = ""
        for i in self.layout.lines:
            if i.part != part:
                part = i.part
                rows.append(("", part))
            tree = self.layout.expression(i)
            self.helpers |= helpers_in(tree, self.language)
            self.uses_math |= any(
                isinstance(n, ast.Name) and n.id == "math" for n in ast.walk(tree)
            )
            if i.out in self.layout.chains:
                rows.append((self._in_place(i, tree), ""))
                continue
            rows.append((self._statement(self.layout.names[i.out], tree), self._note(i)))
            rows += self._guards_on(i.out)
        for old, new in self._copied():
            rows.append((f"{self.layout.names[old]}[...] = {self._said(new)}", ""))
        return rows

    def _copied(self) -> list[tuple[Variable, Any]]:
        """Updates of arrays that cannot be written over the old value while it is needed."""
        chained = self.layout.chains
        return [(old, new) for old, new in self.program.updates
                if old.dtype is not None and chained.get(new) is not old]  # fmt: skip

    def _in_place(self, i: Any, tree: Any) -> str:
        other = ast.unparse(ast.fix_missing_locations(tree.right))
        return f"{self.layout.names[i.out]} {SIGNS[i.op]}= {other}"

    def _guards_on(self, v: Variable) -> list[tuple[str, str]]:
        if not self.guards:
            return []
        name = self.layout.names[v]
        return [
            (f"if bool({name}) != {truth}: raise Differs", "")
            for truth in {truth for g, truth in self.program.guards if g is v}
        ]

    def _statement(self, name: str, tree: ast.expr) -> str:
        if self.language in ("numpy", "python"):
            return f"{name} = {ast.unparse(ast.fix_missing_locations(tree))}"
        js = self.language == "js"
        return f"{'const' if js else 'double'} {name} = {printed(tree, js)};"

    def _note(self, i: Any) -> str:
        shape = str(i.out.shape) if i.out.shape else ""
        return "  ".join(x for x in (shape, i.rule if i.part == "backward" else "") if x)

    # ---- around it ------------------------------------------------------------------------------

    def arguments(self) -> list[str]:
        """The names of the function's arguments: inputs, what it reads outside, generators."""
        p = self.program
        return [self.layout.names[v] for v in (*p.inputs, *p.captured, *p.generators)]

    def _opening(self) -> list[str]:
        helpers = self._helpers()
        arguments = ", ".join(self.arguments())
        name = self.program.name
        if self.language == "js":
            return [*helpers, f"function {name}({arguments}) {{"]
        if self.language == "c":
            head = ["#include <math.h>", ""]
            doubles = ", ".join(f"double {a}" for a in self.arguments())
            n = len(self.program.gradients)
            more = f", double gradient[{n}]" if n else ""
            return [
                *head,
                *helpers,
                f"void {name}({doubles}{', ' * bool(doubles)}double *value{more}) {{",
            ]
        needed = ["import numpy as np"] if self.language == "numpy" else []
        if self.language == "python" or {"erf", "erfc"} & self.helpers or self.uses_math:
            needed.insert(0, "import math")
        return [*needed, "", "", *helpers, f"def {name}({arguments}):"]

    def _helpers(self) -> list[str]:
        wanted = set(self.helpers)
        for name in self.helpers:
            wanted.update(NEEDS.get(name, ()) if self.language == "numpy" else ())
        gap = ["", ""] if self.language in ("numpy", "python") else [""]
        lines: list[str] = []
        for name, text in HELPERS[self.language].items():
            if name in wanted:
                lines += [*text.strip().split("\n"), *gap]
        return lines

    def _closing(self) -> list[str]:
        p = self.program
        result, gradients = self._said(p.value), [self._said(g) for _, g in p.gradients]
        if self.language == "c":
            rows = [f"  *value = {result};"]
            rows += [f"  gradient[{k}] = {g};" for k, g in enumerate(gradients)]
            return [*rows, "}"]
        if self.language == "js":
            if self.keep:
                names = [self.layout.names[i.out] for i in self.layout.lines]
                return [f"  return {{{', '.join([*self.arguments(), *names])}}};", "}"]
            return [f"  return [{result}, [{', '.join(gradients)}]];", "}"]
        numbers = [self._said(new) for old, new in p.updates if old.dtype is None]
        if numbers:
            return [f"    return {', '.join([result, *numbers])}"]
        if not gradients:
            return [f"    return {result}"]
        if len(gradients) == 1:
            return [f"    return {result}, {gradients[0]}"]
        return [f"    return {result}, ({', '.join(gradients)})"]

    def _said(self, x: Any) -> str:
        if isinstance(x, Variable):
            return self.layout.names[x]
        if self.language == "numpy" or isinstance(x, (tuple, list, dict)):
            return ast.unparse(ast.fix_missing_locations(value(x, self.layout.of)))
        tree = number(x, self.language, self.layout.of)
        if self.language == "python":
            return ast.unparse(ast.fix_missing_locations(tree))
        return printed(tree, self.language == "js")


def _aligned(rows: list[tuple[str, str]], mark: str) -> list[str]:
    """The lines of a function, their comments in one column as far as that is possible."""
    indent = "  " if mark == "//" else "    "
    widths = [len(code) for code, note in rows if code and note and len(code) <= WIDEST]
    column = max(widths, default=0)
    out: list[str] = []
    for code, note in rows:
        if not code:
            out += [""] * bool(out) + [f"{indent}{mark} {note}"]
        else:
            out.append(f"{indent}{code:<{column}}  {mark} {note}" if note else indent + code)
    return out
