"""Every op of the table: its value, both modes, second order, and what it must leave alone.

The tests run over the registry, so a new op is tested by standing in the table.
"""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from microgradnn.engine import ops, ops_linalg
from microgradnn.engine.op import Op
from microgradnn.engine.tensor import Tensor
from microgradnn.engine.walk import pullback, pushforward
from microgradnn.numerics import kernels

from ..strategies import CASES, STEP, TABLE, cases, seeds, signed

EPS = 2.0**-52
Params, Rng = dict[str, Any], np.random.Generator
each_op = pytest.mark.parametrize("op", TABLE, ids=lambda op: op.name)
elementwise_ops = pytest.mark.parametrize(
    "op", [op for op in TABLE if op.domain], ids=lambda o: o.name
)


def xent(z: Any, t: Any) -> Any:
    logp = special.log_softmax(z, -1)
    return -(logp[np.arange(4), t] if t.dtype.kind == "i" else (t * logp).sum(-1))


def minors(a: Any) -> Any:
    """(-1)^(i+j) times the determinant of a without row i and column j: cofactors by definition."""
    n = a.shape[-1]
    rows = [
        [(-1.0) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, -2), j, -1)) for j in range(n)]
        for i in range(n)
    ]
    return np.moveaxis(np.array(rows, float).reshape(n, n, *a.shape[:-2]), (0, 1), (-2, -1))


def minors_change(a: Any, e: Any) -> Any:
    """The slope of minors(a + t·e) at 0: differences at two steps, exact for degrees below 5."""
    near, far = ((minors(a + h * e) - minors(a - h * e)) / (2 * h) for h in (1, 2))
    return (4 * near - far) / 3


# What the op should compute, from another source than its own kernel; an op that is not listed is
# compared with its kernel, because that is NumPy's own function.
REFERENCE: dict[str, Any] = {
    "astype": lambda x, dtype: np.array(x, dtype), "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p,
    "pow": np.power, "reciprocal": lambda x: 1 / x, "clip": np.clip, "where": np.where,
    "sigmoid": special.expit, "relu": lambda x: x * (x > 0), "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1), "softplus": lambda x: np.logaddexp(x, 0),
    "erf": special.erf, "erfc": special.erfc, "erfinv": special.erfinv,
    "lgamma": special.gammaln, "digamma": special.psi, "polygamma": lambda x: special.polygamma(1, x), "xlogy": special.xlogy,
    "bce": lambda p, t: -special.xlogy(t, p) - special.xlog1py(1 - t, -p),
    "bce_with_logits": lambda z, t: -t * special.log_expit(z) - (1 - t) * special.log_expit(-z),
    "ce_with_logits": xent, "alias": lambda x: x, "argument": lambda x: x,
    "sum_to": lambda x, shape: x.sum(tuple(range(x.ndim - len(shape)))).reshape(shape)
    if shape != (3, 1) else x.sum((0, 2)).reshape(3, 1),
    "broadcast_to": np.broadcast_to, "getitem": lambda x, index: x[index],
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min,
    "norm": lambda x, axis, keepdims: np.sqrt((x * x).sum(axis, keepdims=keepdims)),
    "logsumexp": special.logsumexp, "softmax": special.softmax, "log_softmax": special.log_softmax,
    "linear": lambda x, w, b: x @ w + b,
    "sumprod": lambda *v: math.fsum([*(v[i] * v[i + 3] for i in range(3)), v[6]]),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "logabsdet": lambda a: np.log(np.abs(np.linalg.det(a))), "pinv": np.linalg.pinv,
    "cofactor": lambda a: minors(a), "cofactor_change": minors_change,
}  # fmt: skip


# Kernels that only rearrange what NumPy returns: tested by what they are taken apart into.
OWN = {"put", "resize", "windows", "fold", "svd", "qr", "eigh"}


def reference(op: Op) -> Any:
    return REFERENCE.get(op.name, op.array)


def nodes(xs: tuple[Any, ...]) -> tuple[list[Any], list[Tensor]]:
    """xs with its real arrays as Tensors that require grad, and those Tensors."""
    full = [
        Tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in map(np.asarray, xs)
    ]
    return full, [t for t in full if isinstance(t, Tensor)]


def dot(pairs: Any) -> tuple[float, float]:
    """Σ a·b over pairs of arrays, and the sum of absolute products: its condition."""
    parts = [np.asarray(a) * np.asarray(b) for a, b in pairs]
    return sum(float(p.sum()) for p in parts), sum(float(np.abs(p).sum()) for p in parts)


def test_kernels_of_our_own_have_a_reference() -> None:
    names = {op.name for op in TABLE}
    assert set(REFERENCE) <= names
    assert set(CASES) <= {op.name for op in TABLE if not op.domain}
    for op in TABLE:  # a kernel of our own is never its own reference
        if op.array.__module__ == kernels.__name__:
            assert op.name in REFERENCE or op.name in OWN, op.name


def the_value_is_the_references(op: Op, xs: Any, params: Params, rng: Rng) -> None:
    expected = reference(op)(*xs, **params)
    got = op(*xs, **params)
    assert np.shape(got) == np.shape(expected)
    # A few ulps of the function, and of the largest term where terms are added. A factorisation is
    # that of a matrix n ulps of the norm away (LAPACK users' guide 4.9), and is multiplied twice.
    matrix = op in vars(ops_linalg).values() and op not in vars(ops).values()
    size = (lambda x: 2 * np.linalg.norm(x)) if matrix else lambda x: np.abs(x).max(initial=0.0)
    real = [x for x in xs if np.asarray(x).dtype.kind == "f"]
    scale = max([1.0, *(float(size(x)) for x in real)])
    np.testing.assert_allclose(got, expected, rtol=8 * EPS, atol=16 * EPS * scale**2)


def forward_and_reverse_mode_are_adjoint(op: Op, xs: Any, params: Params, rng: Rng) -> None:
    full, inputs = nodes(xs)
    y = op(*full, **params)
    if not y.requires_grad:
        return
    g, dx = signed(rng, *y.shape), [signed(rng, *t.shape) for t in inputs]
    (t,) = pushforward([y], inputs, dx)
    grads = pullback([y], [g], inputs)
    left, size = dot([(g, np.zeros(y.shape) if t is None else t)])
    right, size2 = dot([(grads[i], d) for i, d in zip(inputs, dx, strict=True) if i in grads])
    # Both are sums of products of numbers that were rounded about 20 times on the way.
    assert abs(left - right) <= 20 * EPS * (size + size2) * (1 + sum(i.size for i in inputs))


def the_derivative_is_that_of_the_reference(op: Op, xs: Any, params: Params, rng: Rng) -> None:
    full, inputs = nodes(xs)
    y = op(*full, **params)
    dx = [signed(rng, *t.shape) for t in inputs]
    moved = pushforward([y], inputs, dx)[0] if y.requires_grad else None
    got = np.zeros(y.shape) if moved is None else moved

    def at(h: float) -> Any:
        it = iter(dx)
        moved = [
            x + h * next(it) if np.asarray(x).dtype.kind == "f" else x for x in map(np.asarray, xs)
        ]
        y = np.asarray(reference(op)(*moved, **params), float)
        if op.name in ("svd", "eigh"):  # LAPACK may turn a vector around: the first row are values
            turned = np.sign((y * op(*xs, **params))[..., 1:, :].sum(-2, keepdims=True))
            y = np.concatenate([y[..., :1, :], turned * y[..., 1:, :]], -2)
        return y

    # Central differences, Richardson-extrapolated from h and h/2: truncation h⁴·f⁗, rounding ε/h.
    h = STEP
    coarse, fine = (at(h) - at(-h)) / (2 * h), (at(h / 2) - at(-h / 2)) / h
    numeric = (4 * fine - coarse) / 3
    scale = 1 + np.abs(numeric).max(initial=0.0) + np.abs(at(0)).max(initial=0.0)
    np.testing.assert_allclose(got, numeric, rtol=0, atol=scale * (1e5 * h**4 + 64 * EPS / h))


def second_derivatives_agree_forward_over_reverse_and_reverse_over_reverse(
    op: Op, xs: Any, params: Params, rng: Rng
) -> None:
    full, inputs = nodes(xs)
    y = op(*full, **params)
    if not y.requires_grad:
        return
    first = pullback([y], [Tensor(signed(rng, *y.shape))], inputs, create_graph=True)
    live = [g for g in first.values() if isinstance(g, Tensor) and g.requires_grad]
    if not live:
        return
    ws, dx = [signed(rng, *g.shape) for g in live], [signed(rng, *t.shape) for t in inputs]
    pushed = pushforward(live, inputs, dx)
    left, size = dot([(w, t) for w, t in zip(ws, pushed, strict=True) if t is not None])
    pulled = pullback(live, ws, inputs)
    right, size2 = dot([(pulled[i], d) for i, d in zip(inputs, dx, strict=True) if i in pulled])
    # Second derivatives of the table's functions cancel: allow for terms 100 times the result.
    assert abs(left - right) <= 2000 * EPS * (1 + size + size2) * (1 + sum(i.size for i in inputs))


def nothing_given_is_changed_and_no_gradient_is_shared(
    op: Op, xs: Any, params: Params, rng: Rng
) -> None:
    full, inputs = nodes(xs)
    copies = [t.data.copy() for t in inputs]
    for t in inputs:
        t.data.setflags(write=False)
    y = op(*full, **params)
    if not y.requires_grad:
        return
    g = signed(rng, *y.shape)
    before = g.copy()
    g.setflags(write=False)
    y.backward(g)
    np.testing.assert_array_equal(g, before)
    for t, copy in zip(inputs, copies, strict=True):
        np.testing.assert_array_equal(t.data, copy)
        assert t.grad.shape == t.shape
        assert t.grad.dtype == t.dtype
        others = [g, y.data, *(u.data for u in inputs), *(u.grad for u in inputs if u is not t)]
        assert not any(np.shares_memory(t.grad, o) for o in others)


PROPERTIES = (
    the_value_is_the_references,
    forward_and_reverse_mode_are_adjoint,
    the_derivative_is_that_of_the_reference,
    second_derivatives_agree_forward_over_reverse_and_reverse_over_reverse,
    nothing_given_is_changed_and_no_gradient_is_shared,
)


@each_op
@given(data=st.data(), seed=seeds)
def test_every_property(op: Op, data: st.DataObject, seed: int) -> None:
    """All of them on each drawn case, because drawing takes longer than looking."""
    xs, params = data.draw(cases(op))
    for holds in PROPERTIES:
        own = [np.array(x) if isinstance(x, np.ndarray) else x for x in xs]
        holds(op, own, params, np.random.default_rng(seed))


@elementwise_ops
@given(data=st.data())
def test_float32_stays_float32(op: Op, data: st.DataObject) -> None:
    xs, params = data.draw(cases(op))
    full = [
        Tensor(x.astype(np.float32), requires_grad=True) if x.dtype.kind == "f" else x for x in xs
    ]
    y = op(*full, **params)
    assert y.dtype == np.float32
    if y.requires_grad:
        y.backward(np.ones(y.shape))
        assert {t.grad.dtype for t in full if isinstance(t, Tensor)} == {np.dtype(np.float32)}


@given(seeds, st.integers(0, 6))
def test_prod_has_exact_gradients_with_any_number_of_zeros(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, n).astype(float)
    t = Tensor(x, requires_grad=True)
    t.prod().backward()
    expected = [math.prod(np.delete(x, i)) for i in range(n)]
    np.testing.assert_array_equal(t.grad, expected)


@given(st.data())
def test_where_masks_exactly_what_np_where_selects(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    pool = np.array([0.0, -0.0, 1.5, -np.inf, np.inf, np.nan], dtype)
    a = pool[data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))]
    c = np.array(data.draw(st.lists(st.booleans(), min_size=len(a), max_size=len(a))))
    np.testing.assert_array_equal(kernels.where(c, a, 0), np.where(c, a, 0))
    assert kernels.where(c, a[::-1], 0).dtype == dtype
    np.testing.assert_array_equal(kernels.where(c, a[::-1], 0), np.where(c, a[::-1], 0))
