"""explain(L): the chain rule of one backward pass in words, with the numbers that occurred."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import notation, texts
from .backprop import BackwardPass, Flow, backward, paths, single_path
from .letters import Letter
from .notation import amount, shape

SHOWN = 120  # steps that the text shows at most, half from each end
COLUMNS = ("step", "node", "value", "slope", "incoming", "local", "contribution", "note")
RIGHT = {"step"}  # columns of numbers, aligned by their last digit
STYLE = (
    ".mg-explain{border-collapse:collapse;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace}"
    ".mg-explain td,.mg-explain th{padding:2px 10px;text-align:left;border-bottom:1px solid #8884}"
    ".mg-explain .sum td{font-weight:600}"
)


@dataclass(frozen=True)
class ChainStep:
    """One step of a backward pass: a node hands a part of its gradient to one of its inputs.

    node, argument  their names; `rule` is d(node)/d(argument), or for ops on whole arrays
                    d(result)/d(argument), as a formula, "" if it cannot be written
    value           the number or array of the node
    local, upstream, contribution   local × upstream = contribution; local None for whole arrays
    total           the gradient of the argument so far: the sum of the contributions
    uses            how many contributions the argument gets in all
    closed          whether the slope is 0 although something arrives
    note            what is said beside: closed, or which axes were summed
    """

    node: str
    computed: str
    value: Any
    argument: str
    rule: str
    local: Any
    upstream: Any
    contribution: Any
    total: Any
    uses: int
    closed: bool
    note: str


class Explanation:
    """What explain() returns: str() is the table, `.steps` the same as data, `.grads` by name."""

    def __init__(self, done: BackwardPass, lang: str) -> None:
        self._pass, self._lang = done, lang
        wanted = done.wrt or done.leaves
        self.grads: dict[str, Any] = {done.names[n]: done.totals[n] for n in wanted}

    @cached_property
    def steps(self) -> list[ChainStep]:
        """Every step of the pass, in order."""
        return [_step(flow, self._pass, self._lang) for flow in self._pass.flows]

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    __repr__ = __str__

    def rows(self) -> list[dict[str, str]]:
        """The cells of the table by column; a row with only a note sums up the steps before."""
        return list(_rows(self))

    def results(self) -> list[str]:
        """A sentence for each input: its gradient, and the path or paths that led there."""
        return [_result(self._pass, n, self._lang) for n in self._pass.wrt or self._pass.leaves]

    @property
    def title(self) -> str:
        """The formula and the number of the result."""
        done = self._pass
        parts = (done.names[done.output], done.whole(), amount(done.output._data))
        return " = ".join(filter(None, parts))

    def _repr_html_(self) -> str:
        say = {c: texts.say(f"explain.{c}", self._lang) for c in COLUMNS}
        head = "".join(f"<th>{html.escape(say[c])}</th>" for c in COLUMNS)
        body = ""
        for row in self.rows():
            cells = "".join(f"<td>{html.escape(row.get(c, ''))}</td>" for c in COLUMNS)
            body += f"<tr{'' if row.get('step') else ' class=sum'}>{cells}</tr>"
        tail = "<br>".join(map(html.escape, self.results()))
        return (
            f"<style>{STYLE}</style><p><code>{html.escape(self.title)}</code></p>"
            f'<table class="mg-explain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            f"<p><code>{tail}</code></p>"
        )

    def to_latex(self) -> str:
        """The steps as an align* environment: each slope, as a formula and as a number."""
        root = self._pass.names[self._pass.output]
        lines = [_latex_step(flow, self._pass, root) for flow in self._pass.flows]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def explain(
    y: Any,
    wrt: Any = None,
    *,
    gradient: Any = None,
    lang: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> Explanation:
    """The backward pass from y in words and numbers; print it.

    Only steps on the way to `wrt` are shown, a node or several; all of them without. `names` are
    variables as {"w": w}; without them those of the caller name the nodes. lang is "en" or "zh". A
    gradient that was computed with create_graph=True can be explained in turn: then the table shows
    a second derivative. Raises GradientError where y.backward(gradient) would, and if y does not
    depend on wrt.
    """
    return Explanation(backward(y, wrt, gradient, names), texts.language(lang))


# ---- steps --------------------------------------------------------------------------------------


def _step(flow: Flow, done: BackwardPass, lang: str) -> ChainStep:
    names, formula = done.names, done.formula(flow)
    return ChainStep(
        names[flow.node],
        done.expression(flow.node),
        flow.node._data,
        names[flow.input],
        "" if formula is None else notation.text(formula, flow.local is None),
        flow.local,
        flow.upstream,
        flow.contribution,
        flow.total,
        len(done.into(flow.input)),
        flow.closed,
        note(flow, done, lang),
    )


def note(flow: Flow, done: BackwardPass, lang: str) -> str:
    """What a learner should see in a step beside its numbers."""
    name = done.names[flow.input]
    if flow.closed:
        return texts.say("explain.closed", lang)
    if not np.any(flow.upstream):
        return texts.say("explain.nothing", lang)
    if flow.raw_shape != np.shape(flow.contribution):
        axes, times = summed_axes(flow.raw_shape, np.shape(flow.contribution))
        which = ", ".join(map(str, axes))
        key = "explain.repeated" if len(axes) == 1 else "explain.repeated_axes"
        return texts.say(key, lang, name=name, shape=shape(flow.input._data), n=times, axes=which)
    return ""


def summed_axes(raw: tuple[int, ...], own: tuple[int, ...]) -> tuple[list[int], int]:
    """The axes along which an input of shape `own` was repeated, and how often in all."""
    more = len(raw) - len(own)
    axes = [i for i, n in enumerate(raw) if i < more or (n != 1 and own[i - more] == 1)]
    return axes, int(np.prod([raw[i] for i in axes]))


# ---- the table ----------------------------------------------------------------------------------


def _rows(e: Explanation) -> Iterator[dict[str, str]]:
    done, lang = e._pass, e._lang
    root = done.names[done.output]
    made = f"{root} = {done.expression(done.output)}" if done.output.op else root
    start = {"step": "0", "node": made}
    start |= {"value": amount(done.output._data), "slope": f"d{root}/d{root} = {amount(done.seed)}"}
    yield start | {"note": texts.say("explain.start", lang)}
    shown, n = None, len(done.flows)
    for i, flow in enumerate(done.flows):
        if SHOWN // 2 <= i < n - SHOWN // 2:
            if i == SHOWN // 2:
                yield {"node": texts.say("explain.skipped", lang, n=n - 2 * (SHOWN // 2))}
            continue
        row = _row(_step(flow, done, lang), flow, root)
        if shown is flow.node or flow.node is done.output:
            row |= {"value": ""} | ({"node": ""} if shown is flow.node else {})
        shown = flow.node
        yield row
        arrived = done.into(flow.input)
        if len(arrived) > 1 and flow is arrived[-1]:
            yield {"node": _sum_line(done, flow.input, root, lang)}


def _row(step: ChainStep, flow: Flow, root: str) -> dict[str, str]:
    row = {
        "step": str(flow.step),
        "node": f"{step.node} = {step.computed}",
        "value": amount(step.value),
        "note": step.note,
    }
    if flow.local is None:
        of = f"d{root}/d{step.argument} {shape(step.contribution)}"
        return row | {
            "slope": f"{of} = {step.rule}" if step.rule else of,
            "incoming": amount(step.upstream),
            "contribution": f"→ {amount(step.contribution)}",
        }
    of = f"d{step.node}/d{step.argument}"
    return row | {
        "slope": f"{of} = {step.rule}" if step.rule else of,
        "incoming": amount(step.upstream),
        "local": f"× {amount(step.local)}",
        "contribution": f"= {amount(step.contribution)}",
    }


def _sum_line(done: BackwardPass, node: Any, root: str, lang: str) -> str:
    arrived = done.into(node)
    parts = [amount(f.contribution) for f in arrived]
    said = " + ".join(parts if len(parts) <= 6 else [*parts[:5], "…", parts[-1]])
    uses = texts.say("explain.uses", lang, n=len(arrived))
    return f"  d{root}/d{done.names[node]} = {said} = {amount(done.totals[node])}  ({uses})"


def _lines(e: Explanation) -> Iterator[str]:
    yield e.title
    yield ""
    rows = e.rows()
    used = [c for c in COLUMNS if c == "step" or any(r.get(c) for r in rows)]
    head = {c: texts.say(f"explain.{c}", e._lang) for c in used if c != "note"}
    table = [r for r in rows if r.get("step")]
    width = {c: max(wide(r.get(c, "")) for r in [head, *table]) for c in used}
    for row in [head, *rows]:
        if row is not head and not row.get("step"):
            yield " " * width["step"] + row["node"]
            continue
        yield "  ".join(cell(row.get(c, ""), width[c], c in RIGHT) for c in used).rstrip()
    yield ""
    yield from e.results()


def wide(said: str) -> int:
    """How many columns of a terminal it takes: a Chinese character takes two."""
    return sum(2 if "⺀" <= c <= "￦" else 1 for c in said)


def cell(said: str, width: int, right: bool) -> str:
    """The text, filled up with blanks to so many columns; numbers from the left."""
    space = " " * (width - wide(said))
    return space + said if right else said + space


# ---- the results --------------------------------------------------------------------------------


def _result(done: BackwardPass, node: Any, lang: str) -> str:
    root, total = done.names[done.output], done.totals[node]
    of = f"d{root}/d{done.names[node]}"
    ways = paths(done, node)
    if ways == 1 and node is not done.output:
        route = single_path(done, node)
        slopes = [done.formula(f) for f in route if f.local is not None] if len(route) <= 12 else []
        if len(slopes) == len(route) and not any(s is None for s in slopes):
            product = " · ".join(map(_factor, slopes))
            return f"{of} = {product} = {amount(total)}  ({texts.say('explain.one_path', lang)})"
    key = "explain.one_path" if ways == 1 else "explain.paths"
    return f"{of} = {amount(total)}  ({texts.say(key, lang, n=ways)})"


def _factor(formula: Any) -> str:
    said = notation.text(formula)
    plain = not isinstance(formula, Letter) or not any(c in said for c in " ")
    return said if plain and not said.startswith("-") else f"({said})"


def _latex_step(flow: Flow, done: BackwardPass, root: str) -> str:
    tex = notation.tex_name
    node, p = tex(done.names[flow.node]), tex(done.names[flow.input])
    y = tex(root)
    found = done.formula(flow)
    formula = r"\text{?}" if found is None else notation.latex(found)
    left = rf"\frac{{\partial {y}}}{{\partial {p}}}"
    if flow.local is None:
        return rf"{left} &\mathrel{{+}}= {formula}"
    up = rf"\frac{{\partial {y}}}{{\partial {node}}}"
    chain = rf"{up} \cdot \frac{{\partial {node}}}{{\partial {p}}}"
    numbers = [amount(v) for v in (flow.upstream, flow.local, flow.contribution)]
    numbers = [f"({v})" if v.startswith("-") else v for v in numbers[:2]] + numbers[2:]
    sign = "=" if len(done.into(flow.input)) == 1 else r"\mathrel{+}="
    return (
        rf"{left} &{sign} {chain} = {up} \cdot \left({formula}\right) = "
        rf"{numbers[0]} \cdot {numbers[1]} = {numbers[2]}"
    )
