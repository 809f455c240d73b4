"""scalars(L): the computation of a small Tensor once more, on single numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.node import Node, plain
from ..engine.op import OPS
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..engine.walk import order
from ..errors import ConfigError, GradientError
from ..numerics.recording import quietly
from .names import Names, users_variables

MOST = 2000  # numbers in the arrays of the graph


def scalars(y: Any, names: Mapping[str, Any] | None = None) -> Value:
    """The Value that y, a Tensor of one number, is if each element of its inputs is a Value.

    So explain(), draw() and steps() show what happens inside of an op on arrays. The elements of
    W are named W[0, 1]; names as in explain(). Raises ConfigError where the arrays of the graph
    hold more than 2000 numbers or an op works on whole arrays only.
    """
    if not isinstance(y, Tensor) or y.size != 1 or not y.requires_grad:
        raise GradientError(
            "scalars: expected a Tensor of one number that requires grad, such as a loss"
        )
    nodes = order([y])[::-1]
    count = sum(n.size for n in nodes)
    if count > MOST:
        raise ConfigError(f"scalars: the arrays hold {count} numbers, at most {MOST} are shown")
    called = Names(nodes, users_variables() if names is None else names)
    made: dict[Any, Any] = {}
    for node in nodes:
        made[node] = _leaf(node, called[node]) if node.op is None else quietly(_again, node, made)
    result = made[y].item()
    if not isinstance(result, Value):
        raise GradientError("scalars: the result depends on none of its inputs")
    result.name = called[y]
    return result


def _leaf(node: Any, name: str) -> np.ndarray:
    found = np.empty(node.shape, object)
    for i in np.ndindex(node.shape):
        at = ", ".join(map(str, i))
        found[i] = Value(float(node._data[i]), f"{name}[{at}]" if at else name)
    return found


def _again(node: Any, made: dict[Any, Any]) -> np.ndarray:
    """The result of the node's op on arrays of Values."""
    xs = [made[p] if isinstance(p, Node) and p in made else plain(p) for p in node.parents]
    try:
        return np.asarray(_computed(node.op, xs, node.params), object).reshape(node.shape)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"scalars: {node.op.name} works on whole arrays only ({error}); use the tensor itself"
        ) from error


def _computed(op: Any, xs: list[Any], params: Any) -> Any:
    if op.name == "astype":  # the numbers are floats already
        return xs[0]
    if op.name == "ce_with_logits":
        return _cross_entropy(*xs)
    return op.compute(xs, params)


def _cross_entropy(z: Any, t: Any) -> Any:
    # Its kernel is made for floats.
    logs = OPS["log_softmax"].compute([z], {"axis": -1})
    t = np.asarray(t)
    if t.dtype.kind in "iu":
        return -np.take_along_axis(logs, t[..., None], -1)[..., 0]
    return -np.sum(t * logs, -1)
