"""Exercises with arrays: broadcasting, and matrix products."""

from typing import Any

import numpy as np

from ...engine import ops
from ..calls import Calls, digits
from ..exercise import Exercise
from ..guesses import named_by_checker, pulled

BROADCAST_STUB = '''
"""$title

$text
"""

import numpy as np


def unbroadcast(g, shape):
    """$unbroadcast"""
    raise NotImplementedError


def add_backward(g, a, b):
    """$add_backward"""
    raise NotImplementedError


def mul_backward(g, a, b):
    """$mul_backward"""
    raise NotImplementedError
'''

# Shapes of a and b, of which g's shape follows; the first are those that a learner draws on paper.
SHAPES = (
    ((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), (3,)), ((4, 1), (1, 3)), ((2, 3, 4), (3, 1)),
    ((2, 3), ()), ((1,), (3,)),
)  # fmt: skip


def _shapes(rng: np.random.Generator) -> Any:
    out = []
    for a, b in SHAPES:
        full = np.broadcast_shapes(a, b)
        out.append((digits(rng, full), a if a != full else b))
    return out


def _pairs(rng: np.random.Generator) -> Any:
    return [
        (digits(rng, np.broadcast_shapes(a, b)), digits(rng, a), digits(rng, b))
        for a, b in (*SHAPES, SHAPES[0][::-1])
    ]


def _summed(g: Any, shape: Any) -> Any:
    """The gradient of what was repeated to g's shape."""
    return pulled(lambda x: ops.broadcast_to(x, shape=np.shape(g)))(g, np.zeros(shape))[0]


def _mean(g: Any, shape: Any) -> Any:
    return _summed(g, shape) * (np.prod(shape, dtype=float) / np.size(g))


def _of_both(rule: Any) -> Any:
    """rule(g, shape) of a sum's two operands."""
    return lambda g, a, b: (rule(g, a.shape), rule(g, b.shape))


def _of_product(rule: Any) -> Any:
    return lambda g, a, b: (rule(g * b, a.shape), rule(g * a, b.shape))


def _flat(g: Any, shape: Any) -> Any:
    """Summed over the first axes only, until there are as many as there should be."""
    while np.ndim(g) > len(shape):
        g = np.sum(g, axis=0)
    return g


def _without_keepdims(g: Any, shape: Any) -> Any:
    g = _flat(g, shape)
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(g)[i] > 1)
    return np.sum(g, axis=axes) if axes else g


def _first(g: Any, shape: Any) -> Any:
    """One of the copies only."""
    g = np.asarray(g)[(0,) * (np.ndim(g) - len(shape))]
    return g[tuple(slice(0, n) for n in shape)]


def _wrong_order(g: Any, shape: Any, axis: int) -> Any:
    """Axes of length 1 first, when axes in front are still there; or axes at the end summed."""
    if axis == 0:
        for i, n in enumerate(shape):
            g = np.sum(g, axis=i, keepdims=True) if n == 1 else g
    while np.ndim(g) > len(shape):
        g = np.sum(g, axis=axis)
    for i, n in enumerate(shape):
        g = np.sum(g, axis=i, keepdims=True) if n == 1 else g
    return g


def _largest(g: Any, shape: Any) -> Any:
    """The largest of the copies, in the place of their sum."""
    lead = np.ndim(g) - len(shape)
    axes = tuple(i for i in range(np.ndim(g)) if i < lead or shape[i - lead] == 1)
    return np.max(g, axis=axes, keepdims=True).reshape(shape) if axes else g


REPEATED = {
    "not_summed": lambda g, shape: g,
    "no_keepdims": _without_keepdims,
    "front_only": _flat,
    "mean_for_sum": _mean,
    "one_copy": _first,
    "summed_all": lambda g, shape: np.sum(g),
    "summed_all+": lambda g, shape: np.broadcast_to(np.sum(g), shape),
    "ones": lambda g, shape: np.ones(shape),
    "summed_all++": lambda g, shape: (
        g if np.shape(g) == tuple(shape) else np.broadcast_to(np.sum(g), shape)
    ),
    "largest": lambda g, shape: np.broadcast_to(np.max(g), shape),
    "largest+": _largest,
    "axes_shifted": lambda g, shape: _wrong_order(g, shape, 0),
    "axes_shifted+": lambda g, shape: _wrong_order(g, shape, -1),
    "zero": lambda g, shape: np.zeros(shape),
    "sign": lambda g, shape: -_summed(g, shape),
    "upstream": lambda g, shape: _summed(np.ones_like(g), shape),
}

BROADCAST = Exercise(
    "06", "broadcast", BROADCAST_STUB,
    (
        Calls("unbroadcast", ("grad",), _shapes, lambda g, s: (_summed(g, s),), REPEATED),
        Calls("add_backward", ("da", "db"), _pairs, pulled(ops.add),
              {c: _of_both(rule) for c, rule in REPEATED.items()},
              *named_by_checker(ops.add, ("da", "db")), uses={"unbroadcast": _summed}),
        Calls("mul_backward", ("da", "db"), _pairs, pulled(ops.mul), {
            **{c: _of_product(rule) for c, rule in REPEATED.items()
               if c not in ("upstream", "ones", "largest", "largest+")},
            "summed_first": lambda g, a, b: (_summed(g, a.shape) * b, _summed(g, b.shape) * a),
            "own_operand": lambda g, a, b: (_summed(g * a, a.shape), _summed(g * b, b.shape)),
            "as_add": _of_both(_summed),
            "upstream": lambda g, a, b: (
                _summed(np.ones_like(g) * b, a.shape), _summed(np.ones_like(g) * a, b.shape)),
            "swapped": lambda g, a, b: (_summed(g * a, b.shape), _summed(g * b, a.shape)),
        }, *named_by_checker(ops.mul, ("da", "db")), uses={"unbroadcast": _summed}),
    ),
)  # fmt: skip


MATMUL_STUB = '''
"""$title

$text
"""

import numpy as np


def matmul_backward(g, a, b):
    """$matmul_backward"""
    raise NotImplementedError


def linear_backward(g, x, w, b):
    """$linear_backward"""
    raise NotImplementedError
'''


def _matrices(rng: np.random.Generator) -> Any:
    sizes = ((2, 3, 4), (3, 2, 2), (1, 4, 2), (3, 3, 3))
    return [(digits(rng, (m, n)), digits(rng, (m, k)), digits(rng, (k, n))) for m, k, n in sizes]


def _with_bias(rng: np.random.Generator) -> Any:
    return [(g, x, w, digits(rng, g.shape[1:])) for g, x, w in _matrices(rng)]


def _linear(x: Any, w: Any, b: Any) -> Any:
    return ops.add(ops.matmul(x, w), b)


_matmul_back, _linear_back = pulled(ops.matmul), pulled(_linear)


def _bias(rule: Any) -> Any:
    """The right gradients, but that of the bias, which is rule(g, b)."""
    return lambda g, x, w, b: (*_linear_back(g, x, w, b)[:2], rule(g, b))


def _products(back: Any) -> dict[str, Any]:
    """The mistakes in the gradients of a product, of which back gives the right ones."""
    return {
        "upstream": lambda g, *xs: back(np.ones_like(g), *xs),
        "swapped": lambda g, a, b, *c: (back(g, a, b, *c)[1], back(g, a, b, *c)[0]),
        "sign": lambda g, *xs: tuple(-d for d in back(g, *xs)),
        "zero": lambda g, *xs: tuple(np.zeros_like(x) for x in xs),
        "transposed": lambda g, *xs: tuple(np.transpose(d) for d in back(g, *xs)),
        "reshaped": lambda g, a, b, *_: (
            g @ b.reshape(b.shape[::-1]), a.reshape(a.shape[::-1]) @ g),
        "operand_transposed": lambda g, a, b, *_: (g @ b, a @ g),
        "elementwise": lambda g, a, b, *_: (g * b, g * a),
        "mean_for_sum": lambda g, *xs: tuple(d / len(g) for d in back(g, *xs)),
        "no_local": lambda g, a, b, *_: (g, g),
        "only_operand": lambda g, a, b, *_: (b.T, a.T),
        "only_operand+": lambda g, a, b, *_: (b, a),
        "order_of_factors": lambda g, a, b, *_: (b.T @ g, g @ a.T),
    }  # fmt: skip


MATMUL = Exercise(
    "07", "matmul", MATMUL_STUB,
    (
        Calls("matmul_backward", ("da", "db"), _matrices, _matmul_back, _products(_matmul_back),
              *named_by_checker(ops.matmul, ("da", "db")),
              answer="def f(g, a, b):\n    return g @ b.T, a.T @ g"),
        Calls("linear_backward", ("dx", "dw", "db"), _with_bias, _linear_back, {
            "not_summed": _bias(lambda g, b: g),
            "wrong_axis": _bias(lambda g, b: g.sum(axis=1)),
            "summed_all": _bias(lambda g, b: g.sum()),
            "keeps_axis": _bias(lambda g, b: g.sum(axis=0, keepdims=True)),
            "mean_for_sum+": _bias(lambda g, b: g.mean(axis=0)),
            "ones": _bias(lambda g, b: np.ones_like(b)),
            "one_copy": _bias(lambda g, b: g[0]),
            **_products(_linear_back),
        }, *named_by_checker(_linear, ("dx", "dw", "db")), uses={"matmul_backward": _matmul_back},
              answer="def f(g, x, w, b):\n    return g @ w.T, x.T @ g, g.sum(axis=0)"),
    ),
)  # fmt: skip
