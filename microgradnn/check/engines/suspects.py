"""Backward passes as people get them wrong: what each would give for a program.

The derivatives are those of our table; only the way gradients travel is changed. An engine whose
gradients are those of a suspect in every program makes that mistake.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Suspect:
    """A mistake in the walk: its name, how to mend it, and the gradients of all results."""

    key: str
    name: str
    fix: str
    gradients: Callable[..., dict[int, Any]]  # of the results, and of a turn of operands


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
            parents = [(p, False) for p in node.parents]
            if turn and len(parents) > 1:
                parents = [parents[i] for i in rng.permutation(len(parents))]
            stack += parents
    return done


MOST = 3000  # visits, where paths are counted


def _walk(root: Any, order: Sequence[Any], add: Callable[[Any, Any], Any]) -> dict[int, Any]:
    g = _begun(root)
    for node in order:
        for p, pull in node.parts():
            g[id(p)] = add(g[id(p)], pull(g[id(node)]))
    return g


def _begun(root: Any) -> dict[int, Any]:
    """Gradients as they are when backward begins: 0, and 1 of the result."""
    return {**{id(n): 0.0 for n in postorder(root)}, id(root): root.ones()}


def true(results: Sequence[Any]) -> dict[int, Any]:
    """The right gradients."""
    root = results[-1]
    return _walk(root, postorder(root)[::-1], lambda old, new: old + new)


def _overwritten(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    root = results[-1]
    return _walk(root, postorder(root, turn)[::-1], lambda old, new: new)


def _shared(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    """The first gradient that arrives is kept as it is, an array of others too, and added to."""
    root = results[-1]
    g: dict[int, Any] = {id(root): root.ones()}
    for node in postorder(root, turn)[::-1]:
        for p, pull in node.parts():
            here = g[id(node)]
            part = pull(here)
            part = here if np.array_equal(part, here) else part
            if id(p) not in g:
                g[id(p)] = part
            elif np.shape(g[id(p)]) == np.shape(part):
                g[id(p)] += part  # of an array in place
    return g


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
        parents = node.parents
        todo += parents if wide else parents[::-1]
    return out


def _deep(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    root = results[-1]
    return _walk(root, _preorder(root, False), lambda old, new: old + new)


def _wide(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    root = results[-1]
    return _walk(root, _preorder(root, True), lambda old, new: old + new)


def _parents(node: Any, once: bool) -> list[Any]:
    """The parents of a node; one that occurs twice only once, as in a set."""
    return list({id(p): p for p in node.parents}.values()) if once else node.parents


def _recursive(turned: bool, once: bool) -> Callable[..., dict[int, Any]]:
    """Each arrival passes on all that has arrived, operand after operand."""

    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
        root = results[-1]
        g = _begun(root)
        stack, count = [root], 0
        while stack and count < MOST:
            node, count = stack.pop(), count + 1
            for p, pull in node.parts():
                g[id(p)] = g[id(p)] + pull(g[id(node)])
            some = _parents(node, once)
            stack += some if turned else some[::-1]
        return g

    return gradients


def _no_visited(turned: bool, once: bool) -> Callable[..., dict[int, Any]]:
    """A topological order in which a number stands once for each path to it."""

    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
        order: list[Any] = []

        def build(node: Any) -> None:
            some = _parents(node, once)
            for p in reversed(some) if turned else some:
                if len(order) < MOST:
                    build(p)
            order.append(node)

        build(results[-1])
        return _walk(results[-1], order[::-1], lambda old, new: old + new)

    return gradients


def _forwards(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    root = results[-1]
    return _walk(root, postorder(root, turn), lambda old, new: old + new)


def _unseeded(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    return {id(n): 0.0 for n in postorder(results[-1])}


def _ignored(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    """Local slopes only: the gradient of the result is not multiplied in."""
    root = results[-1]
    g = _begun(root)
    for node in postorder(root)[::-1]:
        for p, pull in node.parts():
            g[id(p)] = g[id(p)] + pull(node.ones())
    return g


def _one_step(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    """Only the parents of the output get a gradient."""
    root = results[-1]
    return _walk(root, [root], lambda old, new: old + new)


def _once(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
    """An operand that stands twice in one operation counts once, as in a set."""
    root = results[-1]
    g = _begun(root)
    for node in postorder(root)[::-1]:
        for p, pull in {id(p): (p, pull) for p, pull in node.parts()}.values():
            g[id(p)] = g[id(p)] + pull(g[id(node)])
    return g


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
        "operand_once", "an operand that stands twice in one operation is counted once: x + x "
        "gives {x_plus_x}, not 2", "keep operands in a tuple, not in a set", _once,
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
        "shared", "two gradients are one array: what is added to one is added to the other",
        "keep a copy: self.grad = out.grad.copy(), or begin with zeros and add", _shared,
    ),
    Suspect(
        "order", ORDER, FIRST, _deep,
    ),
    Suspect(
        "order", ORDER, FIRST, _wide,
    ),
    *(
        Suspect("paths", PATHS, ONCE, walk(turned, once))
        for walk in (_recursive, _no_visited) for once in (True, False)
        for turned in (False, True)
    ),
)  # fmt: skip


# ---- mistakes in one operation only --------------------------------------------------------------


def _in_one(op: str, operand: int | None, change: str) -> Callable[..., dict[int, Any]]:
    def gradients(results: Sequence[Any], turn: int = 0) -> dict[int, Any]:
        root = results[-1]
        g = _begun(root)
        for node in postorder(root, turn)[::-1]:
            for i, (p, pull) in enumerate(node.parts()):
                here = node.op == op and operand in (None, i)
                part = pull(node.ones() if here and change == "upstream" else g[id(node)])
                g[id(p)] = part if here and change == "overwritten" else g[id(p)] + part
        return g

    return gradients


def in_one(ops: Sequence[str]) -> list[Suspect]:
    """Suspects that are about one operation, or one operand of it."""
    out = []
    for op in ops:
        for operand in (None, 0, 1) if op in ("add", "mul") or "{1}" in op else (None,):
            where = f"in {op.format('a', 'b')}"
            where += "" if operand is None else f", of the {ORDINAL[operand]} operand"
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
