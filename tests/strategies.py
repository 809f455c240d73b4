"""Where test inputs come from: shapes, arrays in an op's domain, cotangents, cases for each op."""

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradnn.engine.op import OPS, Op

Case = tuple[tuple[Any, ...], dict[str, Any]]
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
seeds = st.integers(0, 2**32 - 1)


def signed(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs, at least 0.3 from zero: cotangents, tangents and general inputs."""
    return np.asarray(rng.uniform(0.3, 2, shape) * rng.choice([-1.0, 1.0], shape))


SHAPES = tuple(s for n in range(4) for s in itertools.product((1, 2, 3), repeat=n))


def _broadcasts(small: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    pairs = zip(reversed(small), reversed(whole), strict=False)
    return len(small) <= len(whole) and all(a in (1, b) for a, b in pairs)


NARROWER = {whole: tuple(s for s in SHAPES if _broadcasts(s, whole)) for whole in SHAPES}


@st.composite
def broadcastable(draw: st.DrawFn, count: int) -> list[tuple[int, ...]]:
    """Shapes of at most 3 axes of length 1 to 3 that broadcast together, looked up for speed."""
    whole = draw(st.sampled_from(SHAPES))
    return [draw(st.sampled_from(NARROWER[whole])) for _ in range(count)]


# The numeric derivative of test_ops.py moves an input by STEP times a tangent, which signed() makes
# no longer than 2: so far to either side an op must be smooth.
STEP = 2.0**-11
REACH = 2 * STEP
JUMPS = ("floor", "ceil", "trunc", "rint", "round", "floor_divide", "fmod", "remainder")


def _off_jumps(xs: list[Any]) -> list[Any]:
    """Inputs whose quotient (with one input: whose double) comes to no whole number on a step."""
    divisor = xs[1] if len(xs) > 1 else 0.5
    jump = xs[0] / divisor
    # The quotient changes by at most this: |dx| ≤ REACH in both numerator and divisor.
    moved = REACH * (1 + np.abs(jump)) / (np.abs(divisor) - REACH)
    if np.any(np.abs(jump - np.round(jump)) <= moved):
        return [np.full(x.shape, v) for x, v in zip(xs, (1.3, 0.7), strict=False)]
    return xs


@st.composite
def elementwise(draw: st.DrawFn, op: Op) -> Case:
    """Inputs of mutually broadcastable shapes inside the op's domain."""
    shapes = draw(broadcastable(len(op.domain)))
    rng = np.random.default_rng(draw(seeds))
    xs: list[Any] = []
    for (low, high), shape in zip(op.domain, shapes, strict=True):
        x = rng.uniform(low, high, shape)
        if (low, high) == (-3.0, 3.0):  # keep away from kinks at 0; test_points.py goes there
            x = np.where(np.abs(x) < 0.05, 0.5, x)
        xs.append(x)
    if op.name == "where":
        xs[0] = xs[0] > 0
    if op.name == "ldexp":
        xs[1] = xs[1].astype(int)
    if op.name in JUMPS:
        xs = _off_jumps(xs)
    if op.name in ("maximum", "minimum", "fmax", "fmin"):  # the same for ties
        apart = np.abs(xs[0] - xs[1]).min(initial=9.0) > 2 * REACH
        xs[1] = xs[1] if apart else xs[1] + 7.0  # all of xs[0] are below 3, then
    if op.name == "clip":
        gaps = [np.abs(a - b).min(initial=9.0) for a, b in itertools.combinations(xs, 2)]
        if min(gaps) <= 2 * REACH:
            xs[1], xs[2] = xs[1] - 7.0, xs[2] + 7.0
    return tuple(xs), {}


@st.composite
def _reduction(draw: st.DrawFn) -> Case:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    axis = draw(st.one_of(st.none(), hnp.valid_tuple_axes(len(shape), min_size=1), st.just(-1)))
    rng = np.random.default_rng(draw(seeds))
    n = int(np.prod(shape))  # numbers apart from one another: test_points.py has the ties
    x = rng.permutation(np.linspace(-2.0, 2.1, n) + rng.uniform(0.0, 1.0 / n, n)).reshape(shape)
    return (x,), dict(axis=axis, keepdims=draw(st.booleans()))


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


_SQUARE = ((1, 1), (3, 3), (2, 3, 3))


def _matrices(kind: str, *all_shapes: tuple[int, ...]) -> st.SearchStrategy[Case]:
    """Well conditioned matrices: general, symmetric with well separated eigenvalues."""

    def make(at: tuple[tuple[int, ...], int]) -> Case:
        shape, seed = at
        x = signed(np.random.default_rng(seed), *shape) / 2
        if kind == "symmetric":
            x = (x + np.swapaxes(x, -1, -2)) / 4
        spread = 2.0 + 3.0 * np.arange(shape[-1])
        return (x + np.eye(*shape[-2:]) * spread,), {}

    return st.tuples(st.sampled_from(all_shapes), seeds).map(make)


@st.composite
def _solve(draw: st.DrawFn) -> Case:
    (a,), _ = draw(_matrices("general", (3, 3), (2, 3, 3)))
    return (a, signed(np.random.default_rng(draw(seeds)), 3, 2)), {}


@st.composite
def _with_change(draw: st.DrawFn) -> Case:
    (a,), _ = draw(_matrices("general", *_SQUARE))
    return (a, signed(np.random.default_rng(draw(seeds)), *a.shape)), {}


_WINDOWS = [
    ((5,), dict(shape=(2,), stride=(1,), dilation=(1,))),
    ((2, 6, 5), dict(shape=(2, 3), stride=(2, 1), dilation=(1, 1))),
    ((7, 5), dict(shape=(2, 2), stride=(3, 1), dilation=(2, 3))),
]
_TALL = (*_SQUARE, (4, 3), (2, 4, 2))
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
    "alias": _unary(((2, 3), {})), "argument": _unary(((2, 3), {})),
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
    "norm": _reduction(),
    **dict.fromkeys(("cumsum", "cumprod"), _unary(*_AXIS, ((1, 1), dict(axis=0)), ((3, 0), dict(axis=1)))),
    "einsum": _several(
        (((2, 3), (3, 4)), dict(subscripts="ij,jk->ik")), (((3,), (3,)), dict(subscripts="i,i->")),
        (((2, 3), (3,), (2, 4)), dict(subscripts="ab,b,ac->cb")), (((2,), (3,)), dict(subscripts="a,b->ba")),
    ),
    "windows": _unary(*_WINDOWS),
    "fold": _unary(
        ((4, 2), dict(size=(5,), stride=(1,), dilation=(1,))),
        ((3, 3, 2, 2), dict(size=(7, 5), stride=(2, 1), dilation=(2, 2))),
    ),
    "flip": _unary(((2, 3), {}), *_AXIS, ((2, 3, 2), dict(axis=(0, 2)))),
    "roll": _unary(((2, 3), dict(shift=1)), ((2, 3), dict(shift=-2, axis=1)), ((2, 3), dict(shift=(1, 2), axis=(0, 1)))),
    "rot90": _unary(((2, 3), {}), ((2, 3), dict(k=3)), ((2, 3, 4), dict(k=2, axes=(0, 2)))),
    "tile": _unary(((2, 3), dict(reps=2)), ((3,), dict(reps=(2, 2))), ((), dict(reps=(3,)))),
    "repeat": _unary(((2, 3), dict(repeats=2)), ((2, 3), dict(repeats=(1, 0, 2), axis=1))),
    "pad": _unary(
        *[((2, 3), dict(pad_width=((1, 0), (2, 1)), mode=m)) for m in ("constant", "edge", "wrap", "symmetric", "reflect")]
    ),
    "tril": _unary(((3, 3), {}), ((2, 3, 4), dict(k=1)), ((3,), {})),
    "triu": _unary(((3, 3), {}), ((2, 3, 4), dict(k=-1))),
    "diag": _unary(((3,), {}), ((3,), dict(k=-1)), ((3, 4), {}), ((3, 4), dict(k=1))),
    "diagonal": _unary(((3, 3), {}), ((2, 3, 4), dict(offset=1, axis1=1, axis2=2)), ((2, 3, 4), dict(axis1=2, axis2=0))),
    "take": _unary(((3, 4), dict(indices=[0, 0, 5])), ((3, 4), dict(indices=[[1], [-1]], axis=1)), ((3,), dict(indices=5, mode="wrap"))),
    "take_along_axis": _unary(((2, 3), dict(indices=np.array([[2, 2], [0, 1]]), axis=1)), ((2, 3), dict(indices=np.array([5, 0]), axis=None))),
    "resize": _unary(((2, 3), dict(new_shape=(2, 4))), ((3,), dict(new_shape=2))),
    "delete": _unary(((2, 3), dict(obj=1, axis=1)), ((4,), dict(obj=[0, 2]))),
    **dict.fromkeys(("inv", "det", "cofactor", "logabsdet"), _matrices("general", *_SQUARE)),
    "cofactor_change": _with_change(),
    "pinv": _matrices("general", *_TALL, (2, 3)),
    "svd": _matrices("general", *_TALL, (2, 3)),
    "qr": _matrices("general", *_TALL),
    "solve": _solve(),
    **dict.fromkeys(("cholesky", "eigh"), _matrices("symmetric", *_SQUARE)),
}  # fmt: skip


def cases(op: Op) -> st.SearchStrategy[Case]:
    """(inputs, params) for an op: from its domain if elementwise, from CASES, else matrices."""
    if op.domain:
        return elementwise(op)
    inputs = 1 if op.variadic else len(op.rules)  # type: ignore[arg-type]
    return CASES.get(op.name, _several((((3, 3),) * inputs, {})))


TABLE = [op for op in OPS.values() if not op.name.startswith("my_")]
