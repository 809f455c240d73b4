"""Which values of a program get a line and a name, and which are written inside another line.

The rules are those of a person: what the user has named has a line, and what is used twice; a
gradient is called after what it is the gradient of; the rest is written where it is used, as long
as the line stays short.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections import defaultdict

from .in_place_updates import chains
from .program import Instruction, StraightProgram, Variable
from .spelled import spelled
from .spellings import SPELLINGS
from .support import HELPERS

LONGEST, LONGEST_UPDATE, WIDEST = 5, 8, 80  # operations in one line
# What a person calls the result of an op; anything else is t.
STEMS = {
    "linear": "z", "matmul": "z", "add": "z", "sumprod": "z", "tanh": "h", "relu": "h",
    "sigmoid": "p",
    "maximum": "h", "softmax": "p", "exp": "e", "log_softmax": "logp", "mean": "mean", "sum": "s",
    "ce_with_logits": "losses", "bce_with_logits": "losses", "sub": "d", "draw.random": "u",
    "sqrt": "root",
}  # fmt: skip
TOTALS = ("mean", "sum", "add", "sub", "div", "mul", "neg")
VIEWS = ("swapaxes", "transpose")
RESERVED = {
    "numpy": {"np", "math"}, "python": {"math"},
    "js": set("await break case catch class const continue debugger default delete do else enum "
              "export extends false finally for function if implements import in instanceof "
              "interface let new null package private protected public return static super switch "
              "this throw true try typeof undefined var void while with yield Math NaN Infinity "
              "arguments eval".split()),
    "c": set("auto break case char const continue default do double else enum extern float for "
             "goto if inline int long register restrict return short signed sizeof static struct "
             "switch typedef union unsigned void volatile while main exp log sin cos tan pow sqrt "
             "tanh sinh cosh asin acos atan floor ceil trunc fabs erf gamma value gradient NAN "
             "INFINITY y0 y1 yn j0 j1 jn".split()),
}  # fmt: skip


class Layout:
    """The lines of a program in one language, and the names in them."""

    def __init__(self, program: StraightProgram, language: str, keep: bool = False) -> None:
        self.program, self.language = program, language
        self.lanes = all(v.dtype is None for v in program.inputs)
        self.made = {i.out: i for i in program.body}
        self.uses = program.uses()
        self.outputs = set(program.outputs())
        self.readers: dict[Variable, Instruction] = {}
        for i in program.body:
            for v in i.reads():
                self.readers[v] = i
        self.size: dict[Variable, int] = {}
        self.keep = keep
        self.chains = chains(program)
        self.totals = {i.out.of: i.out for i in program.body if i.out.of is not None}
        self.totals |= {of: g for of, g in program.gradients if isinstance(g, Variable)}
        self.lines = self._choose()
        self.names = self._name()
        while (wide := self._too_wide()) is not None:
            self.inline.discard(wide)
            self.lines = [i for i in program.body if i.out not in self.inline]
            self.names = self._name()

    # ---- lines ----------------------------------------------------------------------------------

    def _choose(self) -> list[Instruction]:
        self.inline: set[Variable] = set()
        twice = {v for i in self.program.body for v in self._repeated(i)}
        for i in self.program.body:
            inside = sum(self.size.get(v, 0) for v in i.reads() if v in self.inline)
            self.size[i.out] = 1 + inside
            if self._may_be_inside(i, twice):
                self.inline.add(i.out)
        return [i for i in self.program.body if i.out not in self.inline]

    def _too_wide(self) -> Variable | None:
        """A variable that is to have a line of its own, because its line is too long."""
        for i in self.lines:
            inside = [v for v in i.reads() if v in self.inline and self.size[v] > 1]
            if inside and len(ast.unparse(ast.fix_missing_locations(self.expression(i)))) > WIDEST:
                return max(inside, key=lambda v: self.size[v])
        return None

    def _may_be_inside(self, i: Instruction, twice: set[Variable]) -> bool:
        v = i.out
        if v in self.outputs or v in self.chains or i.op.startswith("draw.") or v in twice:
            return False
        if i.op in VIEWS and len(v.shape) == 2 and not v.name and i.inputs[0] not in self.inline:
            return True
        if self.uses.get(v, 0) != 1 or v.name or self.keep and i.part == "forward":
            return False
        reader = self.readers[v]
        longest = LONGEST_UPDATE if i.part == "update" else LONGEST
        if reader.part != i.part or self.size[v] >= longest:
            return False
        part = v.of is None or self.totals[v.of] is not v  # of a gradient that has several parts
        return part or v.of in self.inline and self.size[v] < 3

    def _repeated(self, i: Instruction) -> list[Variable]:
        """The inputs that the text of an op has more than once."""
        row = SPELLINGS.get(i.op)
        text = row[("numpy", "python", "js", "c").index(self.language)] if row else None
        if text is None:
            return []
        used = [n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)]
        return [
            v for letter, v in zip("abc", i.inputs, strict=False)
            if isinstance(v, Variable) and used.count(letter) > 1
        ]  # fmt: skip

    # ---- names ----------------------------------------------------------------------------------

    def _name(self) -> dict[Variable, str]:
        taken = set(RESERVED[self.language]) | set(HELPERS[self.language])
        taken |= set(keyword.kwlist) if self.language in ("numpy", "python") else set()
        names: dict[Variable, str] = {}
        program = self.program
        given: dict[str, list[Variable]] = defaultdict(list)
        for v in (*program.inputs, *program.captured, *program.generators):
            given[self._identifier(v.name or "x")].append(v)
        self._number(given, names, taken)
        names |= {v: names[old] for v, old in self.chains.items()}
        printed = [i.out for i in self.lines]
        wanted = {v.of for v in printed if v.of is not None}
        own: dict[str, list[Variable]] = defaultdict(list)
        made: dict[str, list[Variable]] = defaultdict(list)
        for i in program.body:
            v = i.out
            if v in names:
                continue
            if v.name and v not in self.inline:
                own[self._identifier(v.name)].append(v)
            elif (v not in self.inline or v in wanted) and v.of is None:
                derived = bool(program.gradients or program.updates)
                scalar = v is program.value and not v.shape and derived
                made["loss" if scalar and i.op in TOTALS else STEMS.get(i.op, "t")].append(v)
        for groups in (own, made):  # the user's names first
            self._number(groups, names, taken)
        self._name_gradients(names, taken)
        return names

    def _number(
        self, groups: dict[str, list[Variable]], names: dict[Variable, str], taken: set[str]
    ) -> None:
        """h, or h1, h2, … where there are several of one name."""
        for stem, group in groups.items():
            alone = len(group) == 1 and stem not in taken
            for n, v in enumerate(group, 1):
                names[v] = self._free(stem if alone else f"{stem}{n}", taken)

    def _name_gradients(self, names: dict[Variable, str], taken: set[str]) -> None:
        """d and the name of what it is the gradient of; the last one, where there are parts."""
        last: dict[Variable, Variable] = {}
        mine = [i.out for i in self.lines if i.out.of is not None and i.out not in names]
        for v in mine:
            if v.of is not None:
                last[v.of] = v
        last |= {of: g for of, g in self.program.gradients if isinstance(g, Variable) and g in mine}
        for v in [*last.values(), *mine]:
            if v not in names and v.of is not None:
                of = names.get(v.of, "t")
                names[v] = self._free(f"d{of}" if of[0].isalpha() else f"d_{of}", taken)

    def _identifier(self, name: str) -> str:
        """A name of the user's, or a path such as 0.weight, as an identifier of the language."""
        name = re.sub(r"\W", "_", name)
        if self.language == "c":
            name = "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)
        return f"_{name}" if not name or name[0].isdigit() else name

    @staticmethod
    def _free(name: str, taken: set[str]) -> str:
        free, n = name, 2
        while free in taken:
            free, n = f"{name}_{n}", n + 1
        taken.add(free)
        return free

    # ---- expressions ----------------------------------------------------------------------------

    def expression(self, x: Instruction) -> ast.expr:
        """What stands to the right of the name in a line."""
        return spelled(x, self.language, self.of, self.lanes)

    def of(self, v: Variable) -> ast.expr:
        """What stands for a variable where it is used: its name, or its expression."""
        if v in self.inline:
            return self.expression(self.made[v])
        return ast.Name(self.names[v])
