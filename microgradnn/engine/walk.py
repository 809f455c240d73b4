"""The engine: the graph behind a result, walked backwards (pullback) or forwards (pushforward).

Both are pure functions: they return derivatives and write on no node. Both are iterative and take
time linear in the graph, so a chain of a million nodes works. A node is made after its parents, so
its stamp, drawn from one counter, is larger than theirs: sorting by stamp is a topological order,
and a parent with the larger stamp has had its data changed since, which is refused.
"""

from collections.abc import Iterable, Sequence
from operator import add, attrgetter
from typing import Any

from ..numerics.changes import changes, check, look
from ..numerics.recording import quietly, recording
from ..numerics.wrapped import USED
from .op import MANY, Carrier

_stamp, _data = attrgetter("stamp"), attrgetter("_data")


def order(outputs: Iterable[Any], inputs: Iterable[Any] = ()) -> list[Any]:
    """The differentiable nodes that outputs were computed from, latest first.

    Nothing before the first of `inputs` is visited, and nothing before those that stand for the
    argument of a transform; another input may lie before any other. Raises GradientError where
    data changed after its use.
    """
    ends = sorted(inputs, key=_stamp)
    stop = {n for i, n in enumerate(ends) if i == 0 or (n.op and n.op.boundary)}
    found, stack = set(outputs), []
    for n in found:
        if n.op is None:
            look(n)
        elif n not in stop:
            stack.append(n)
    last, base, scalar = changes.last, Carrier, False
    if stack:  # nodes of one graph are of one kind, and isinstance finds an exact type faster
        base, scalar = stack[0].base, stack[0].scalar
    while stack:
        node = stack.pop()
        if node.stamp < last or node.large:
            check(node)
        second = node.second
        for p in node.first if second is MANY else (node.first, second):
            if (type(p) is base or isinstance(p, base)) and p not in found:
                if scalar or p.requires_grad:
                    found.add(p)
                if p.op is not None:
                    if p not in stop:
                        stack.append(p)
                elif not scalar and p.seen is not USED:  # others can change it
                    check(node)
    return sorted(found, key=_stamp, reverse=True)


def between(nodes: Sequence[Any], inputs: Iterable[Any]) -> set[Any]:
    """Those of `nodes` (latest first) that depend on inputs, and the inputs."""
    found = set(inputs)
    for node in reversed(nodes):
        for p in node.parents:
            if isinstance(p, Carrier) and p in found:
                found.add(node)
                break
    return found


def pullback(
    outputs: Sequence[Any],
    cotangents: Sequence[Any],
    inputs: Sequence[Any] | None = None,
    create_graph: bool = False,
) -> dict[Any, Any]:
    """Cotangents by node: of `inputs`, or of every node that keeps its gradient.

    A node that outputs do not depend on is absent. Cotangents are raw numbers or arrays; with
    create_graph the rules run on the nodes themselves, and so the results are nodes again.
    """
    nodes = order(outputs, inputs or ())
    ends = set() if inputs is None else set(inputs)
    grads: dict[Any, Any] = dict.fromkeys(nodes if inputs is None else between(nodes, inputs))
    for node, g in zip(outputs, cotangents, strict=True):
        if node in grads:
            grads[node] = g if grads[node] is None else grads[node] + g
    # Numbers that are Values themselves record as they always do.
    with recording.set(recording.on or create_graph):
        quietly(_sweep, nodes, grads, ends, inputs is not None, create_graph)
    if inputs is not None:
        grads = {n: grads[n] for n in nodes if n in ends}
    elif not nodes[0].scalar:  # every Value shows its gradient
        grads = {n: g for n, g in grads.items() if n.keeps_grad}
    for n, g in grads.items():
        if g is None:  # only flat ops were crossed: the gradient is there, and zero
            grads[n] = n.base(n.zeros()) if create_graph else n.zeros()
    return grads


def _sweep(
    nodes: list[Any], grads: dict[Any, Any], ends: set[Any], forget: bool, create_graph: bool
) -> None:
    """Fills grads, whose keys are the nodes wanted, from the last node to the first."""
    watched = bool(changes.watchers) and any(n.hooks or (n.op and n.op.watch) for n in nodes)
    if nodes[0].scalar and not (ends or forget or create_graph or watched):
        _sweep_numbers(nodes, grads)
        return
    for node in nodes:
        g = grads.get(node)
        if watched and g is not None:
            g = grads[node] = node.hooked(g)
        if g is None or node.op is None:
            continue
        if (forget or not node.keeps_grad) and node not in ends:
            grads[node] = None
        pull(node, g, grads, create_graph)
        if watched and node.op.watch is not None:
            node.op.watch(node, g, grads)


def pull(node: Any, g: Any, grads: dict[Any, Any], create_graph: bool) -> None:
    """Adds what node's cotangent g says about its parents to grads, for those wanted."""
    op, params, parents, base, fit = node.op, node.params, node.parents, node.base, node.fit
    if create_graph:
        y, xs = node, parents
    else:
        y, xs = node._data, [p._data if isinstance(p, base) else p for p in parents]
    variadic, rules = op.variadic, op.rules
    for p, part in zip(parents, rules(g, y, *xs, **params) if variadic else rules):  # noqa: B905
        if isinstance(p, base):
            old = grads.get(p, _UNWANTED)
            if old is not _UNWANTED and part is not None:
                if not variadic:
                    part = part(g, y, *xs, **params) if params else part(g, y, *xs)
                    if part is None:
                        continue
                part = fit(part, p)
                grads[p] = part if old is None else old + part


_UNWANTED = object()


def pushforward(
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    tangents: Sequence[Any],
    create_graph: bool = False,
) -> list[Any]:
    """The tangent of each output, None for zero, when inputs move along tangents."""
    moved = dict(zip(inputs, tangents, strict=True))
    with recording.set(recording.on or create_graph):
        quietly(_move, order(outputs, inputs), moved, create_graph)
    return [moved.get(y) for y in outputs]


def _move(nodes: list[Any], moved: dict[Any, Any], create_graph: bool) -> None:
    """Fills moved, which has the tangents of the inputs, from the first node to the last."""
    for node in reversed(nodes):
        if node in moved or node.op is None:
            continue
        ts = [moved.get(p) if isinstance(p, Carrier) else None for p in node.parents]
        if any(t is not None for t in ts):
            t = _push(node, ts, create_graph)
            if t is not None:
                moved[node] = node.spread(t)


def _push(node: Any, ts: list[Any], create_graph: bool) -> Any:
    """The tangent of node, given those of its parents (None for zero)."""
    op, params = node.op, node.params
    y, xs = (node, node.parents) if create_graph else _raw(node)
    if op.push is not None:
        return op.push(op, ts, y, xs, params)
    # No rule of its own: g ↦ rule(g, y, *xs) is linear, and its transpose maps tangents forward.
    pairs = []
    with recording.set(True):
        g = node.fresh()
        for i, (p, t) in enumerate(zip(node.parents, ts, strict=True)):
            c = None if t is None else op.pull(i, g, y, xs, params)
            if isinstance(c, Carrier):
                pairs.append((node.fit(c, p), t))
    if not pairs:
        return None
    return pullback([c for c, _ in pairs], [t for _, t in pairs], [g], create_graph).get(g)


def _raw(node: Any) -> tuple[Any, list[Any]]:
    return node._data, [p._data if isinstance(p, Carrier) else p for p in node.parents]


# ---- the same again, for speed: skip at first reading -------------------------------------------


def _sweep_numbers(nodes: list[Any], grads: dict[Any, Any]) -> None:
    """What _sweep does, for Values: type checks would cost more than their arithmetic.

    Measured: 2.5 times as fast. What it does not know, it leaves to pull.
    """
    get, base = grads.get, nodes[0].base
    for node in nodes:
        g, op = get(node), node.op
        if g is None or op is None:
            continue
        a, b = node.first, node.second
        if b is MANY and op.variadic and _pull_all(node, g, grads):
            continue
        kind = type(b)
        if type(a) is not base or node.params or op.variadic:
            pull(node, g, grads, False)
        elif kind is base:
            x, z, (by_a, by_b) = a._data, b._data, op.rules
            part = by_a and by_a(g, node._data, x, z)
            if part is not None:
                old = get(a)
                grads[a] = part if old is None else old + part
            part = by_b and by_b(g, node._data, x, z)
            if part is not None:
                old = get(b)
                grads[b] = part if old is None else old + part
        elif kind is float or kind is int or b is None:
            rule, y = op.rules[0], node._data
            part = rule and (rule(g, y, a._data) if b is None else rule(g, y, a._data, b))
            if part is not None:
                old = get(a)
                grads[a] = part if old is None else old + part
        else:
            pull(node, g, grads, False)


def _pull_all(node: Any, g: Any, grads: dict[Any, Any]) -> bool:
    """Whether one map could add all parts at once.

    It can if the parents are different nodes that have a gradient already.
    """
    parents = node.first
    try:
        xs = list(map(_data, parents))
        parts = node.op.rules(g, node._data, *xs, **node.params)
        total = list(map(add, map(grads.__getitem__, parents), parts))
    except (AttributeError, KeyError, TypeError):  # a number among them, or a first part
        return False
    if len(set(parents)) < len(parents):
        return False
    grads.update(zip(parents, total, strict=True))
    return True
