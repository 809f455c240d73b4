"""One backward pass as data: what each node hands to each of its inputs, in order.

It is the same walk as the engine's (order, pull, fit), edge by edge, and touches no node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.node import Node, one_like, plain
from ..engine.walk import between, order
from ..errors import GradientError
from ..numerics.recording import quietly, recording
from .letters import Letter, written
from .names import Names, users_variables
from .notation import ATOM, MINUS, call

BRIEF = 60  # how long the formula of the result may get before names stand for its parts


@dataclass(frozen=True)
class Flow:
    """One edge of a backward pass: what `node` hands to its input number `place`.

    local         the slope d(node)/d(input); None where it is no array of the result's shape
    upstream      the gradient of node, complete
    contribution  local × upstream in the shape of the input, or what the op's rule makes of it
    raw_shape     the contribution's shape before the axes of a broadcast were summed
    total         the gradient of input so far: the sum of the contributions up to this one
    """

    step: int
    node: Any
    input: Any
    place: int
    local: Any
    upstream: Any
    contribution: Any
    raw_shape: tuple[int, ...]
    total: Any

    @property
    def closed(self) -> bool:
        """Whether something arrives, and nothing of it passes because the slope is 0."""
        return self.local is not None and not np.any(self.local) and bool(np.any(self.upstream))

    @property
    def op(self) -> Any:
        """The op of the node."""
        return self.node.op


@dataclass
class BackwardPass:
    """A backward pass: nodes (latest first), flows in order, totals by node, and their names."""

    output: Any
    seed: Any
    nodes: list[Any]
    names: Names
    wrt: list[Any] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    totals: dict[Any, Any] = field(default_factory=dict)
    arriving: dict[Any, list[Flow]] = field(default_factory=dict)

    def into(self, node: Any) -> list[Flow]:
        """What arrives at a node, in order."""
        return self.arriving.get(node, [])

    def formula(self, flow: Flow) -> Any:
        """The slope (where there is a local), or the contribution, as a formula; None if unknown.

        It is what the op's rule writes, and it is compared with the number that the rule gave.
        """
        if flow.local is None:
            return _part_formula(flow, self)
        return _slope_formula(flow, self.names)

    @property
    def leaves(self) -> list[Any]:
        """The leaves that have a gradient, in the order in which they were made."""
        return [n for n in reversed(self.nodes) if n.op is None]

    def expression(self, node: Any) -> str:
        """How a node was computed, one op deep: "tanh(n)"; the name of a leaf."""
        if node.op is None:
            return self.names[node]
        args = [_named(p, self.names) for p in node.parents]
        return call(node.op, args, node.params)[0]

    def named(self, p: Any) -> tuple[str, int]:
        """An input of an op as formulas show it, and how tightly that binds."""
        return _named(p, self.names)

    def whole(self) -> str:
        """How the output was computed from the leaves, where that is short."""
        said: dict[Any, tuple[str, int]] = {}
        for node in reversed(order([self.output])):
            short = (self.names[node], ATOM)
            if node.op is None:
                said[node] = short
                continue
            args = [
                said[p] if isinstance(p, Node) and p in said else _named(p, self.names)
                for p in node.parents
            ]
            full = call(node.op, args, node.params)
            said[node] = full if len(full[0]) <= BRIEF or node is self.output else short
        text = said[self.output][0]
        if self.output.op is None:
            return ""
        return text if len(text) <= 2 * BRIEF else self.expression(self.output)


def _named(p: Any, names: Names) -> tuple[str, int]:
    """A node by its name, an array by its variable, a number as it is; and how tightly it binds."""
    if isinstance(p, Node):
        return names.of(p), ATOM
    if isinstance(p, np.ndarray) and p.size > 1:
        return names.array(p), ATOM
    said = str(np.asarray(p).item()) if np.size(p) == 1 else str(p)
    return said, MINUS if said.startswith("-") else ATOM


def backward(
    output: Any,
    wrt: Any = None,
    gradient: Any = None,
    variables: Mapping[str, Any] | None = None,
    who: str = "explain",
) -> BackwardPass:
    """The backward pass from output, to `wrt` (a node, or several) or to all leaves.

    Raises GradientError where output.backward() would, and if output does not depend on wrt.
    """
    done = forward_only(output, wrt, gradient, variables, who)
    done.seed = plain(output._seed(gradient, False, who))
    with recording.set(False):
        quietly(_walk, done, set(done.nodes))
    return done


def forward_only(
    output: Any,
    wrt: Any = None,
    gradient: Any = None,
    variables: Mapping[str, Any] | None = None,
    who: str = "draw",
) -> BackwardPass:
    """The nodes and names of a backward pass that is not made: no flows, no totals."""
    if not isinstance(output, Node):
        raise GradientError(
            f"{who}: got {type(output).__name__}, expected a Value or a Tensor; compute the result "
            "with them"
        )
    if not output.requires_grad:
        raise GradientError(
            f"{who}: {output.describe()} does not depend on anything that requires grad; "
            "make the inputs with requires_grad=True, outside no_grad()"
        )
    inputs = [wrt] if isinstance(wrt, Node) else list(wrt or ())
    nodes = order([output])
    known = set(nodes)
    for x in inputs:
        if x not in known:
            raise GradientError(f"{who}: the result was not computed from {x.describe()}")
    kept = between(nodes, inputs) if inputs else known
    names = Names(nodes, users_variables() if variables is None else variables)
    return BackwardPass(output, None, [n for n in nodes if n in kept], names, inputs)


def _walk(done: BackwardPass, kept: set[Any]) -> None:
    """Fills flows and totals, from the output to the leaves."""
    done.totals[done.output] = done.seed
    for node in done.nodes:
        g = done.totals.get(node)
        if g is None:
            g = done.totals[node] = node.zeros()
        if node.op is not None:
            for i, part in _parts(node, g, kept):
                p = node.parents[i]
                flow = _flow(len(done.flows) + 1, node, i, g, part, done.totals.get(p))
                done.flows.append(flow)
                done.arriving.setdefault(p, []).append(flow)
                done.totals[p] = flow.total


def _raw(node: Any) -> list[Any]:
    return [plain(p) for p in node.parents]


def _parts(node: Any, g: Any, kept: set[Any]) -> list[tuple[int, Any]]:
    """(place, what the rule returns) for each input with a gradient."""
    places = [i for i, p in enumerate(node.parents) if isinstance(p, Node) and p in kept]
    xs, params = _raw(node), node.params
    if node.op.variadic:
        rules = node.op.rules(g, node._data, *xs, **params)
        return [(i, rules[i]) for i in places]
    return [(i, node.op.pull(i, g, node._data, xs, params)) for i in places]


def _flow(step: int, node: Any, i: int, g: Any, part: Any, before: Any) -> Flow:
    p = node.parents[i]
    new = p.zeros() if part is None else p.fit(part, p)
    local = slope(node, i) if has_slopes(node) else None
    raw = np.shape(new if part is None else part)
    return Flow(step, node, p, i, local, g, new, raw, new if before is None else before + new)


def has_slopes(node: Any) -> bool:
    """Whether a slope of the node is a number for each number of the result."""
    return node.scalar or node.op.pointwise


def slope(node: Any, i: int) -> Any:
    """d(node)/d(input i): what the op's rule returns for an upstream gradient of 1."""
    one = one_like(node._data) if node.scalar else np.ones_like(node._data)
    found = node.op.pull(i, one, node._data, _raw(node), node.params)
    return node.zeros() if found is None else found


def _letters(node: Any, names: Names) -> tuple[Letter, list[Any]]:
    y = Letter(node._data, names[node])
    xs = []
    for p in node.parents:
        if isinstance(p, Node) or (isinstance(p, np.ndarray) and p.size > 1):
            xs.append(Letter(plain(p), _named(p, names)[0]))
        else:
            xs.append(p)
    return y, xs


def _slope_formula(flow: Flow, names: Names) -> Any:
    y, xs = _letters(flow.node, names)
    found = written(flow.op.pull, flow.place, 1, y, xs, flow.node.params)
    return found if found is not None and _agrees(found, flow.local) else None


def _part_formula(flow: Flow, done: BackwardPass) -> Any:
    node, g = flow.node, flow.upstream
    y, xs = _letters(node, done.names)
    letter = Letter(g, f"d{done.names[done.output]}/d{done.names[node]}")
    found = written(node.op.pull, flow.place, letter, y, xs, node.params)
    true = node.op.pull(flow.place, g, node._data, _raw(node), node.params)
    return found if found is not None and true is not None and _agrees(found, true) else None


def _agrees(found: Any, true: Any) -> bool:
    """Whether a formula has the number that the rule gave."""
    mine = np.asarray(plain_value(found))
    try:
        same = np.allclose(mine.astype(float), np.asarray(true).astype(float), equal_nan=True)
    except (TypeError, ValueError):  # exact numbers
        return bool(np.all(mine == np.asarray(true)))
    return same


def plain_value(x: Any) -> Any:
    """The number of a formula."""
    return x._data if isinstance(x, Letter) else x


def paths(done: BackwardPass, leaf: Any) -> int:
    """How many ways lead from the output down to a leaf."""
    count: dict[Any, int] = {done.output: 1}
    for flow in done.flows:
        count[flow.input] = count.get(flow.input, 0) + count.get(flow.node, 0)
    return count.get(leaf, 0)


def single_path(done: BackwardPass, leaf: Any) -> Sequence[Flow]:
    """The flows from the output to a leaf, where there is one way only."""
    found: list[Flow] = []
    node = leaf
    while node is not done.output:
        (flow,) = done.into(node)
        found.append(flow)
        node = flow.node
    return found[::-1]
