"""Backward passes as people get them wrong: what each would give for a program.

The slopes are those of our table; only the way gradients travel is changed. An engine whose
gradients are those of a suspect in every program makes that mistake.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.value import Value
from .programs import Program


@dataclass(frozen=True)
class Suspect:
    """A mistake in the walk: its name, how to mend it, and the gradients of all results."""

    key: str
    name: str
    fix: str
    gradients: Callable[..., dict[int, float]]  # of the results, and of a turn of operands


def slopes(node: Any) -> list[tuple[Any, float]]:
    """The parents of a node with the derivative by each; one that occurs twice is there twice."""
    xs = [p.data if isinstance(p, Value) else p for p in node.parents]
    return [
        (p, float(node.op.pull(i, 1.0, node.data, xs, node.params) or 0.0))
        for i, p in enumerate(node.parents)
        if isinstance(p, Value)
    ]


def postorder(root: Any, turn: int = 0) -> list[Any]:
    """micrograd's order: each node behind all it was computed from.

    An engine that keeps operands in a set meets them in any order: `turn` is one of several.
    """
    rng = np.random.default_rng(turn)
    done: list[Any] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            done.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            parents = [(p, False) for p, _ in slopes(node)] if node.op else []
            if turn and len(parents) > 1:
                parents = [parents[i] for i in rng.permutation(len(parents))]
            stack += parents
    return done


MOST = 3000  # visits, where paths are counted


def _walk(
    root: Any, order: Sequence[Any], add: Callable[[float, float], float], seed: float = 1.0
) -> dict[int, float]:
    g = {id(n): 0.0 for n in postorder(root)}
    g[id(root)] = seed
    for node in order:
        for p, s in slopes(node) if node.op else []:
            g[id(p)] = add(g[id(p)], s * g[id(node)])
    return g


def true(results: Sequence[Any]) -> dict[int, float]:
    """The right gradients."""
    root = results[-1]
    return _walk(root, postorder(root)[::-1], lambda old, new: old + new)


def _overwritten(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    root = results[-1]
    return _walk(root, postorder(root, turn)[::-1], lambda old, new: new)


def _preorder(root: Any, wide: bool) -> list[Any]:
    """Nodes in the order in which a search from the output meets them."""
    out: list[Any] = []
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop(0 if wide else -1)
        if id(node) in seen:
            continue
        seen.add(id(node))
        out.append(node)
        parents = [p for p, _ in slopes(node)] if node.op else []
        todo += parents if wide else parents[::-1]
    return out


def _deep(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    root = results[-1]
    return _walk(root, _preorder(root, False), lambda old, new: old + new)


def _wide(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    root = results[-1]
    return _walk(root, _preorder(root, True), lambda old, new: old + new)


def _recursive(turned: bool) -> Callable[..., dict[int, float]]:
    """Each arrival passes on all that has arrived, operand after operand."""

    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
        root = results[-1]
        g = {id(n): 0.0 for n in postorder(root)}
        g[id(root)] = 1.0
        stack, count = [root], 0
        while stack and count < MOST:
            node, count = stack.pop(), count + 1
            parts = slopes(node) if node.op else []
            for p, s in parts:
                g[id(p)] += s * g[id(node)]
            once = list({id(p): p for p, _ in parts}.values())
            stack += once if turned else once[::-1]
        return g

    return gradients


def _no_visited(turned: bool) -> Callable[..., dict[int, float]]:
    """A topological order in which a number stands once for each path to it."""

    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
        order: list[Any] = []

        def build(node: Any) -> None:
            once = list({id(p): p for p, _ in slopes(node)}.values()) if node.op else []
            for p in reversed(once) if turned else once:
                if len(order) < MOST:
                    build(p)
            order.append(node)

        build(results[-1])
        return _walk(results[-1], order[::-1], lambda old, new: old + new)

    return gradients


def _forwards(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    root = results[-1]
    return _walk(root, postorder(root, turn), lambda old, new: old + new)


def _unseeded(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    return {id(n): 0.0 for n in postorder(results[-1])}


def _ignored(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    """Local slopes only: the gradient of the result is not multiplied in."""
    root = results[-1]
    g = {id(n): 0.0 for n in postorder(root)}
    g[id(root)] = 1.0
    for node in postorder(root)[::-1]:
        for p, s in slopes(node) if node.op else []:
            g[id(p)] += s
    return g


def _one_step(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
    """Only the parents of the output get a gradient."""
    root = results[-1]
    return _walk(root, [root], lambda old, new: old + new)


PATHS = (
    "a number passes its gradient on each time one arrives, and again what came before: paths are "
    "counted several times"
)
ORDER = "operands are visited before all that was computed from them is done"
ONCE = "visit every number once, after all that was computed from it"
FIRST = "sort the numbers topologically first: a number goes in the list behind its operands"
SUSPECTS = (
    Suspect(
        "overwritten", "`grad` is overwritten, not accumulated: x + x gives {x_plus_x}, not 2",
        "a number that is used twice gets the sum: write self.grad += …, not =", _overwritten,
    ),
    Suspect(
        "unseeded", "the gradient of the output is never set to 1: all gradients are 0",
        "begin backward with self.grad = 1", _unseeded,
    ),
    Suspect(
        "one_step", "only the last operation is differentiated: gradients stop at its operands",
        "visit every number that the output was computed from, from the output backwards: "
        "for v in reversed(topo)", _one_step,
    ),
    Suspect(
        "upstream", "the gradient of the result is not multiplied in: the chain rule is missing",
        "write self.grad += local * out.grad", _ignored,
    ),
    Suspect(
        "forwards", "numbers are visited from the inputs to the output: the wrong way round",
        "walk over reversed(topo)", _forwards,
    ),
    Suspect(
        "order", ORDER, FIRST, _deep,
    ),
    Suspect(
        "order", ORDER, FIRST, _wide,
    ),
    Suspect(
        "paths", PATHS, ONCE,
        _recursive(False),
    ),
    Suspect(
        "paths", PATHS, ONCE,
        _recursive(True),
    ),
    Suspect(
        "paths", PATHS, ONCE,
        _no_visited(False),
    ),
    Suspect(
        "paths", PATHS, ONCE,
        _no_visited(True),
    ),
)  # fmt: skip


# ---- mistakes in one operation only --------------------------------------------------------------


def _in_one(op: str, operand: int | None, change: str) -> Callable[..., dict[int, float]]:
    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, float]:
        root = results[-1]
        g = {id(n): 0.0 for n in postorder(root)}
        g[id(root)] = 1.0
        for node in postorder(root, turn)[::-1]:
            for i, (p, s) in enumerate(slopes(node) if node.op else []):
                here = node.op.name == op and operand in (None, i)
                part = s if here and change == "upstream" else s * g[id(node)]
                g[id(p)] = part if here and change == "overwritten" else g[id(p)] + part
        return g

    return gradients


def in_one(ops: Sequence[str]) -> list[Suspect]:
    """Suspects that are about one operation, or one operand of it."""
    out = []
    for op in ops:
        for operand in (None, 0, 1) if op in ("add", "mul") else (None,):
            where = f"in {op}" if operand is None else f"in {op}, of the {ORDINAL[operand]} operand"
            out += [
                Suspect(
                    "overwritten",
                    f"`grad` is overwritten, not accumulated, {where}",
                    "write … .grad += …, not =",
                    _in_one(op, operand, "overwritten"),
                ),
                Suspect(
                    "upstream",
                    f"the gradient of the result is not multiplied in, {where}",
                    "write … .grad += local * out.grad",
                    _in_one(op, operand, "upstream"),
                ),
            ]
    return out  # fmt: skip


ORDINAL = ("first", "second")


def ours(program: Program) -> list[Any]:
    """The results of a program as Values."""
    return program.run(Value)
