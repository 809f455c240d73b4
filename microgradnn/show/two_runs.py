"""diff(a, b): two runs of one computation: the first number that differs, and how it spreads."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.node import Node, plain
from ..errors import ConfigError
from . import texts
from .backprop import BackwardPass, backward, forward_only
from .explain import cell, wide
from .names import users_variables
from .notation import amount, number
from .two_runs_page import page

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
SHOWN = 60  # rows of a table that the text shows


@dataclass(frozen=True)
class Differing:
    """A number, an array or a gradient that is not the same in both runs.

    name         what it is called; computed  how it was computed, "" for an input
    first, second   what it is in each run
    apart        the largest difference of two entries; relative  as a part of the larger one
    where        the index of these entries, () for a number
    cause        why: input, constant, op (another operation), itself (the same inputs, another
                 result), inputs (they differ); of gradients slope (all numbers are the same) or ""
    node         the node of the first run
    """

    name: str
    computed: str
    first: Any
    second: Any
    apart: float
    relative: float
    where: tuple[int, ...]
    cause: str
    node: Any


class TwoRuns:
    """What diff() returns: str() is the table, `.numbers` and `.gradients` the same as data.

    bool() is whether the runs differ. `.first` is the first number that does, None if none.
    """

    def __init__(self, one: BackwardPass, two: BackwardPass, rtol: float, lang: str) -> None:
        self._one, self._two, self._rtol, self.lang = one, two, rtol, lang
        self._pairs, self._other_ops = _paired(one.output, two.output)

    def __bool__(self) -> bool:
        return bool(self.numbers or self.gradients)

    @cached_property
    def numbers(self) -> list[Differing]:
        """What differs in the forward pass, in the order in which it was computed."""
        return list(_forward(self))

    @cached_property
    def gradients(self) -> list[Differing]:
        """The derivatives that differ, in the order of the backward pass; [] without one."""
        return list(_back(self))

    @property
    def first(self) -> Differing | None:
        """The first number that differs; the first gradient, if no number does."""
        return next(iter([*self.numbers, *self.gradients]), None)

    def sentences(self) -> list[str]:
        """What is said above the tables."""
        root = self._one.names[self._one.output]
        facts = {"root": root, "a": amount(self._one.output._data),
                 "b": amount(self._two.output._data)}  # fmt: skip
        lines = [texts.say("diff.title", self.lang, **facts)]
        first = self.first
        if first is None:
            return [*lines, texts.say("diff.same", self.lang, n=len(self._pairs))]
        why = texts.say(f"diff.{first.cause}", self.lang)
        said = {"name": _named(first), "a": _entry(first.first, first.where),
                "b": _entry(first.second, first.where), "why": why}  # fmt: skip
        lines.append(texts.say("diff.first", self.lang, **said))
        count = {"n": len(self.numbers), "all": len(self._pairs), "g": len(self.gradients)}
        return [*lines, texts.say("diff.count", self.lang, **count)]

    def rows(self, what: str) -> list[dict[str, str]]:
        """The cells of a table, "numbers" or "gradients", by column."""
        return [_row(d, self.lang) for d in (self.numbers if what == "numbers" else self.gradients)]

    def __str__(self) -> str:
        out = self.sentences()
        for what in ("numbers", "gradients"):
            rows = self.rows(what)
            if rows:
                more = len(rows) - SHOWN
                out += ["", *_table(rows[:SHOWN], self.lang, what)]
                out += [texts.say("diff.more", self.lang, n=more)] if more > 0 else []
        return "\n".join(out)

    __repr__ = __str__

    @property
    def html(self) -> str:
        """The page: the first run as a picture, redder where it differs, and the tables."""
        return page(self, self._one)

    def to_html(self, path: str | PathLike[str]) -> Path:
        """The path, after the page was written to it: one file, without a network."""
        return write_atomically(path, self.html)

    def _repr_html_(self) -> str:
        return self.html


def diff(
    a: Any,
    b: Any,
    *,
    rtol: float = 0.0,
    lang: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> TwoRuns:
    """Where two runs of one computation differ: a and b are their results, Values or Tensors.

        print(show.diff(loss, again))
        show.diff(loss, again).to_html("diff.html")

    The graphs are laid upon each other from their results on. A number counts as the same if it
    differs by at most rtol times its size. Single numbers are differentiated, and their gradients
    compared too. lang and names as in explain(). Raises GradientError for what has no graph,
    ConfigError for an rtol below 0.
    """
    if not rtol >= 0:
        raise ConfigError(f"diff: rtol is {rtol!r}, expected a number from 0 on")
    variables = users_variables() if names is None else names
    one = isinstance(a, Node) and isinstance(b, Node) and np.size(a._data) == np.size(b._data) == 1
    passed = backward if one else forward_only
    first, second = (passed(y, None, None, variables, "diff") for y in (a, b))
    return TwoRuns(first, second, rtol, texts.language(lang))


# ---- the two graphs ------------------------------------------------------------------------------


def _paired(a: Any, b: Any) -> tuple[dict[Any, Any], set[Any]]:
    """The node of the second run by that of the first; and where another op was used."""
    pairs: dict[Any, Any] = {a: b}
    others: set[Any] = set()
    left = [a]
    while left:
        one = left.pop()
        two = pairs[one]
        if not _same_op(one, two):
            others.add(one)
            if not _same_inputs(one, two):
                continue
        for p, q in zip(one.parents, two.parents, strict=True):
            if isinstance(p, Node) and isinstance(q, Node):
                if p not in pairs:
                    pairs[p] = q
                    left.append(p)
                elif pairs[p] is not q:  # used again in one run, computed anew in the other
                    others.add(one)
    return pairs, others


def _same_op(one: Any, two: Any) -> bool:
    """Whether both are the same op with the same options; a user's op may be defined anew."""
    ops = [(n.op and n.op.name, _ADDRESS.sub("", repr(n.params))) for n in (one, two)]
    return ops[0] == ops[1] and _same_inputs(one, two)


def _same_inputs(one: Any, two: Any) -> bool:
    """Whether both have as many inputs, of the same kinds."""
    kinds = [[isinstance(p, Node) for p in n.parents] for n in (one, two)]
    return kinds[0] == kinds[1]


def _apart(x: Any, y: Any, rtol: float) -> tuple[float, float, tuple[int, ...]] | None:
    """How far two numbers or arrays are apart, also as a part of the size, and where; or None."""
    p, q = np.asarray(x), np.asarray(y)
    if p.shape != q.shape:
        return float("inf"), float("inf"), ()
    p, q = p.astype(float), q.astype(float)
    same = (p == q) | (np.isnan(p) & np.isnan(q))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(p - q))
    gap = np.where(np.isnan(gap), np.inf, gap)
    size = np.maximum(np.abs(p), np.abs(q))
    if not np.any(gap > rtol * np.where(np.isfinite(size), size, 0.0)):
        return None
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap)), gap.shape))
    most, at = float(gap[where]), float(size[where])
    return most, most / at if np.isfinite(at) and at else float("inf"), where


def _forward(d: TwoRuns) -> Iterator[Differing]:
    changed: set[Any] = set()
    done = d._one
    for node in reversed(done.nodes):
        if node not in d._pairs:
            continue
        two = d._pairs[node]
        other = node in d._other_ops
        fixed = list(_constants(d, node, two)) if not other else []
        yield from fixed
        far = _apart(node._data, two._data, d._rtol)
        if far is None and not other:
            continue
        changed.add(node)
        below = [p for p in node.parents if isinstance(p, Node)]
        cause = "op" if other else "input" if node.op is None else (
            "inputs" if fixed or changed.intersection(below) else "itself")  # fmt: skip
        how = "" if node.op is None else done.expression(node)
        far = far or (0.0, 0.0, ())
        yield Differing(done.names[node], how, node._data, two._data, *far, cause, node)


def _constants(d: TwoRuns, node: Any, two: Any) -> Iterator[Differing]:
    """The plain numbers and arrays that a node was given, where they differ."""
    for p, q in zip(node.parents, two.parents, strict=True):
        if not isinstance(p, Node):
            far = _apart(plain(p), plain(q), d._rtol)
            if far is not None:
                name = d._one.named(p)[0]
                yield Differing(name, "", plain(p), plain(q), *far, "constant", node)


def _back(d: TwoRuns) -> Iterator[Differing]:
    one, two = d._one, d._two
    if not one.totals:
        return
    root, known = one.names[one.output], {n.node for n in d.numbers}
    for node in one.nodes:
        other = d._pairs.get(node)
        if other is None or other not in two.totals:
            continue
        far = _apart(one.totals[node], two.totals[other], d._rtol)
        if far is not None:
            name = f"d{root}/d{one.names[node]}"
            first, second = one.totals[node], two.totals[other]
            yield Differing(name, "", first, second, *far, "" if known else "slope", node)
            known.add(node)


# ---- the text ------------------------------------------------------------------------------------

COLUMNS = ("number", "one", "two", "apart", "relative", "why")


def _named(d: Differing) -> str:
    """What it is called: of an array, with the index of the entries that differ most."""
    at = f"[{', '.join(map(str, d.where))}]" if d.where else ""
    how = f"({d.computed}){at}" if at else d.computed
    return f"{d.name}{at} = {how}" if d.computed else f"{d.name}{at}"


def _entry(x: Any, where: tuple[int, ...]) -> str:
    """The number, or the entry of an array."""
    return number(np.asarray(x)[where]) if where else amount(x)


def _row(d: Differing, lang: str) -> dict[str, str]:
    why = texts.say(f"diff.{d.cause}", lang) if d.cause else ""
    return {
        "number": _named(d),
        "one": _entry(d.first, d.where),
        "two": _entry(d.second, d.where),
        "apart": f"{d.apart:.3g}",
        "relative": f"{d.relative:.2g}",
        "why": why,
    }


def _table(rows: list[dict[str, str]], lang: str, what: str) -> Iterator[str]:
    head = {c: texts.say(f"diff.{what if c == 'number' else c}", lang) for c in COLUMNS}
    width = {c: max(wide(r[c]) for r in [head, *rows]) for c in COLUMNS}
    for row in [head, *rows]:
        yield "  ".join(cell(row[c], width[c], False) for c in COLUMNS).rstrip()
