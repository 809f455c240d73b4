"""steps(L): a page that steps through forward, backward and update, and computes by itself."""

import html
import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.node import Node, plain
from ..errors import ConfigError
from ..numerics.recording import quietly
from . import notation, texts
from .backprop import BackwardPass, Flow, backward
from .explain import Explanation, note
from .graph_drawing import LIMIT, Drawing
from .javascript import NotSpelledError, helpers, key, source
from .names import users_variables
from .notation import amount, call

PAGE = Path(__file__).parent / "page"
MOST, WHOLE = 2000, 64  # steps of a page; numbers of an array that are all shown
ROOM, PACE = 92.0, 1200  # the least width of a box, whose number may grow; milliseconds a step


class StepPage:
    """What steps() returns: `.to_html(path)` writes the page, `.html` is its text."""

    def __init__(self, done: BackwardPass, update: set[Any], lr: float, lang: str) -> None:
        self.lang, self._pass = lang, done
        self.data, self.ops = _data(done, update, lr, lang)
        self.html = _filled(self)

    def __repr__(self) -> str:
        return f"StepPage({len(self.data['nodes'])} nodes, {len(self.html)} characters)"

    def to_html(self, path: str | PathLike[str]) -> Path:
        """The path, after the page was written to it. It needs no network and no other file."""
        return write_atomically(path, self.html)

    def _repr_html_(self) -> str:
        page = html.escape(self.html)
        return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'


def steps(
    y: Any,
    *,
    params: Iterable[Any] | None = None,
    lr: float = 0.1,
    gradient: Any = None,
    lang: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> StepPage:
    """A page to step through the computation of y, its backward pass and one update.

    `params` are the leaves that the update changes, by lr times their gradient: without it those of
    models, or all if there is no model. In the page a leaf's number can be changed, and everything
    is computed again, if all is single numbers and JavaScript has the functions. lang and names as
    in explain(). Raises GradientError where y.backward(gradient) would, ConfigError for graphs of
    more than 2000 steps.
    """
    done = backward(y, None, gradient, users_variables() if names is None else names, "steps")
    if len(done.flows) > MOST:
        raise ConfigError(
            f"steps: the graph has {len(done.flows)} steps, at most {MOST} are shown; take fewer "
            "samples or a smaller model, or draw() it"
        )
    leaves = done.leaves
    held = [n for n in leaves if done.names.place(n).owners]
    update = set(params) if params is not None else set(held or leaves)
    for p in update - set(leaves):
        what = p.describe() if isinstance(p, Node) else repr(p)
        raise ConfigError(f"steps: params has {what}, which is no leaf of this graph")
    return StepPage(done, update, lr, texts.language(lang))


# ---- what the page is given ---------------------------------------------------------------------


def _data(
    done: BackwardPass, update: set[Any], lr: float, lang: str
) -> tuple[dict[str, Any], dict[str, str]]:
    nodes = done.nodes[::-1]
    number = {n: i for i, n in enumerate(nodes)}
    ops, why = _ops(nodes, done)
    after = _after(done, update, lr)
    data = {
        "lang": lang,
        "title": " = ".join(filter(None, (done.names[done.output], done.whole()))),
        "editable": not why,
        "why": why,
        "fixed": "page.fixed" if nodes[0].scalar else "page.fixed_array",
        "root": number[done.output],
        "seed": _plain(done.seed),
        "rate": lr,
        "pace": PACE,
        "nodes": [_node(n, done, number, n in update, after) for n in nodes],
        "flows": [_flow(f, done, number) for f in done.flows],
        "after": _plain(after[done.output]),
        "texts": {
            name: {k: v for k, v in catalogue.items() if k.startswith(("page.", "quiz."))}
            | {k: catalogue[k] for k in ("explain.closed", "explain.nothing")}
            for name, catalogue in texts.CATALOGUES.items()
        },
    }
    return data, ops


def _ops(nodes: list[Any], done: BackwardPass) -> tuple[dict[str, str], str]:
    """The ops as JavaScript, or why the page cannot compute the graph: what is in the way."""
    found: dict[str, str] = {}
    for node in nodes:
        if not node.scalar:
            return {}, done.names[node]
        if node.op is not None:
            arity = len(node.parents)
            name = key(node.op, node.params, arity)
            try:
                found[name] = source(node.op, node.params, arity)
            except NotSpelledError:
                return {}, node.op.name
        elif not isinstance(node._data, (int, float)):
            return {}, done.names[node]
    return found, ""


def _node(
    node: Any, done: BackwardPass, number: dict[Any, int], update: bool, after: dict[Any, Any]
) -> dict[str, Any]:
    made = node.op is not None
    return {
        "name": done.names[node],
        "op": key(node.op, node.params, len(node.parents)) if made else None,
        "in": [_input(p, number) for p in node.parents],
        "parts": _parts(node, done, number) if made else [],
        "v": _plain(node._data),
        "g": _plain(done.totals[node]),
        "full": _full(node, done),
        "update": update,
        "after": _plain(after[node]),
    }


def _full(node: Any, done: BackwardPass) -> list[str]:
    """The numbers of a small array, and of its gradient, row by row."""
    if not 1 < np.size(node._data) <= WHOLE:
        return []
    shown = []
    for array in (node._data, done.totals[node]):
        rows = np.vectorize(notation.brief, otypes=[object])(np.asarray(array))
        wide = max(map(len, rows.ravel()))
        flat = rows.reshape(-1, rows.shape[-1])
        shown.append("\n".join("  ".join(v.rjust(wide) for v in row) for row in flat))
    return shown


def _input(p: Any, number: dict[Any, int]) -> dict[str, Any]:
    return {"n": number[p]} if isinstance(p, Node) and p in number else {"c": _plain(plain(p))}


def _parts(node: Any, done: BackwardPass, number: dict[Any, int]) -> list[Any]:
    """How the node is computed, with the numbers of its inputs in the places of their names."""
    mark = "\0{}\0"
    args = []
    for p in node.parents:
        inside = isinstance(p, Node) and p in number
        args.append((mark.format(number[p]), notation.ATOM) if inside else done.named(p))
    pieces = call(node.op, args, node.params)[0].split("\0")
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)]


def _flow(flow: Flow, done: BackwardPass, number: dict[Any, int]) -> dict[str, Any]:
    formula = done.formula(flow)
    scalar = flow.node.scalar
    local = None if flow.local is None else _plain(flow.local)
    return {
        "n": number[flow.node],
        "i": number[flow.input],
        "p": flow.place,
        "rule": "" if formula is None else notation.text(formula, flow.local is None),
        "u": _plain(flow.upstream),
        "l": local,
        "c": _plain(flow.contribution),
        "t": _plain(flow.total),
        # Of single numbers the page finds out itself what is closed, for numbers may change.
        "note": None if scalar else {k: note(flow, done, k) for k in texts.CATALOGUES},
    }


def _plain(x: Any) -> Any:
    """A number as JSON has it, an array as it is described."""
    array = np.asarray(x)
    if array.size != 1:
        return amount(array)
    value = float(array.item())
    if not np.isfinite(value):
        return notation.number(value)
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _after(done: BackwardPass, update: set[Any], lr: float) -> dict[Any, Any]:
    """The data of each node after one step of gradient descent."""
    found: dict[Any, Any] = {}

    def replay() -> None:
        for node in reversed(done.nodes):
            if node.op is None:
                step = lr * done.totals[node] if node in update else 0
                found[node] = node._data - step
            else:
                xs = [found.get(p, plain(p)) if isinstance(p, Node) else p for p in node.parents]
                found[node] = node.op.compute(xs, node.params)

    quietly(replay)
    return found


# ---- the page -----------------------------------------------------------------------------------


def _filled(page: StepPage) -> str:
    read = {name: (PAGE / name).read_text(encoding="utf-8") for name in _FILES}
    drawing = Drawing(page._pass, None, LIMIT, page.lang, ROOM)
    ops = ",\n".join(f"{json.dumps(k)}: {v}" for k, v in page.ops.items())
    explained = Explanation(page._pass, page.lang)
    data = json.dumps(page.data, ensure_ascii=False, separators=(",", ":"))
    return Template(read["steps.html"]).substitute(
        lang=page.lang,
        title=html.escape(explained.title),
        css=read["steps.css"],
        phases=texts.say("page.phases", page.lang),
        wide=drawing.width,
        svg=drawing.svg.replace('role="img"', 'role="group"', 1),  # its boxes are buttons
        table=f'<div class="table">{explained._repr_html_()}</div>',
        data=data.replace("</", "<\\/").replace("<!--", "<\\!--"),
        ops=f"{{{ops}}};\n{helpers(ops)}",
        core=read["core.js"],
        steps=read["steps.js"],
    )


_FILES = ("steps.html", "steps.css", "core.js", "steps.js")
