"""Where test inputs come from: shapes, arrays in an op's domain, cotangents, cases for each op."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradnn.rules import OPS, Op

Case = tuple[tuple[Any, ...], dict[str, Any]]
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
seeds = st.integers(0, 2**32 - 1)


def signed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs, at least 0.3 from zero: cotangents, tangents and general inputs."""
    return np.asarray(rng.uniform(0.3, 2, shape) * rng.choice([-1.0, 1.0], shape))


@st.composite
def elementwise(draw: st.DrawFn, op: Op) -> Case:
    """Inputs of mutually broadcastable shapes inside the op's domain."""
    drawn = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=len(op.domain), max_dims=3, max_side=3)
    )
    rng = np.random.default_rng(draw(seeds))
    xs: list[Any] = []
    for (low, high), shape in zip(op.domain, drawn.input_shapes, strict=True):
        x = rng.uniform(low, high, shape)
        if (low, high) == (-3.0, 3.0):  # keep away from kinks at 0; test_points.py goes there
            x = np.where(np.abs(x) < 0.05, 0.5, x)
        xs.append(x)
    if op.name == "where":
        xs[0] = xs[0] > 0
    if op.name in ("maximum", "minimum"):  # the same for ties
        xs[1] = np.where(np.abs(xs[0] - xs[1]).min(initial=9.0) < 0.01, 5.0 + xs[1], xs[1])
    return tuple(xs), {}


@st.composite
def _reduction(draw: st.DrawFn) -> Case:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    axis = draw(st.one_of(st.none(), hnp.valid_tuple_axes(len(shape), min_size=1), st.just(-1)))
    rng = np.random.default_rng(draw(seeds))
    x = signed(rng, *shape)
    return (x + 1e-3 * np.arange(x.size).reshape(shape),), dict(
        axis=axis, keepdims=draw(st.booleans())
    )


@st.composite
def _unary(draw: st.DrawFn, *options: tuple[tuple[int, ...], dict[str, Any]]) -> Case:
    shape, params = draw(st.sampled_from(options))
    return (signed(np.random.default_rng(draw(seeds)), *shape),), params


@st.composite
def _several(draw: st.DrawFn, *options: tuple[tuple[tuple[int, ...], ...], dict[str, Any]]) -> Case:
    all_shapes, params = draw(st.sampled_from(options))
    rng = np.random.default_rng(draw(seeds))
    return tuple(signed(rng, *s) for s in all_shapes), params


@st.composite
def _getitem(draw: st.DrawFn) -> Case:
    x = signed(np.random.default_rng(draw(seeds)), 3, 4)
    index = draw(
        st.one_of(
            hnp.basic_indices((3, 4), allow_newaxis=True),
            st.sampled_from([([0, 0, 2],), (slice(None), [1, 1]), (None, ..., [1, 3]), x > 0]),
        )
    )
    return (x,), dict(index=index)


@st.composite
def _cross_entropy(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(seeds))
    z = signed(rng, 4, 3)
    return (z, rng.integers(0, 3, 4) if draw(st.booleans()) else np.abs(signed(rng, 4, 3))), {}


_MATMUL = [
    ((3, 4), (4, 2)), ((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((5, 3, 4), (4, 2)),
    ((5, 3, 4), (4,)), ((4,), (5, 4, 2)), ((5, 1, 3, 4), (2, 4, 2)), ((3, 4), (5, 4, 2)),
    ((0, 4), (4, 2)), ((3, 0), (0, 2)),
]  # fmt: skip
_AXIS = [((2, 3), dict(axis=a)) for a in (0, 1, -1)]

CASES: dict[str, st.SearchStrategy[Case]] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "logsumexp"), _reduction()),
    "softmax": _unary(*_AXIS),
    "log_softmax": _unary(*_AXIS),
    "alias": _unary(((2, 3), {})),
    "astype": _unary(((2, 3), dict(dtype=np.dtype("f8")))),
    "reshape": _unary(((2, 3), dict(shape=(3, 2))), ((2, 3), dict(shape=-1)), ((), dict(shape=(1, 1)))),
    "expand_dims": _unary(*_AXIS, ((2, 3), dict(axis=(0, -1)))),
    "squeeze": _unary(((1, 3, 1), {}), ((1, 3, 1), dict(axis=0)), ((1, 3, 1), dict(axis=(0, 2)))),
    "transpose": _unary(
        ((2, 3), {}), ((2, 3, 4), dict(axes=(2, 0, 1))), ((2, 3, 4), dict(axes=(-1, 0, 1)))
    ),
    "swapaxes": _unary(((2, 3, 4), dict(axis1=0, axis2=-1))),
    "broadcast_to": _unary(((3, 1), dict(shape=(2, 3, 4))), ((), dict(shape=(2, 3)))),
    "sum_to": _unary(((2, 3, 4), dict(shape=(3, 1))), ((2, 3), dict(shape=())), ((2, 3), dict(shape=(3,)))),
    "getitem": _getitem(),
    "put": _unary(((2,), dict(index=([1, 1],), shape=(3,))), ((2,), dict(index=(slice(1, 3),), shape=(4,)))),
    "concatenate": _several(
        (((2, 3), (1, 3)), dict(axis=0)), (((2, 3), (2, 1)), dict(axis=-1)), (((2, 3), (1,)), dict(axis=None))
    ),
    "stack": _several(*[(((2, 3), (2, 3)), dict(axis=a)) for a in (0, 1, -1)]),
    "matmul": _several(*[(pair, {}) for pair in _MATMUL]),
    "linear": _several(
        (((4, 3), (3, 2), (2,)), {}), (((3,), (3, 2), (2,)), {}), (((5, 4, 3), (3, 2), (2,)), {})
    ),
    "sumprod": _several((((),) * 7, {})),
    "ce_with_logits": _cross_entropy(),
}  # fmt: skip


def cases(op: Op) -> st.SearchStrategy[Case]:
    """(inputs, params) for an op: from its domain if it is elementwise, else from CASES."""
    return elementwise(op) if op.domain else CASES[op.name]


TABLE = [op for op in OPS.values() if not op.name.startswith("my_")]
