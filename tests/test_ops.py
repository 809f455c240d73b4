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

from microgradnn import kernels
from microgradnn.rules import Op
from microgradnn.tensor import Tensor
from microgradnn.walk import pullback, pushforward

from .strategies import CASES, TABLE, cases, seeds, signed

EPS = 2.0**-52
each_op = pytest.mark.parametrize("op", TABLE, ids=lambda op: op.name)
elementwise_ops = pytest.mark.parametrize(
    "op", [op for op in TABLE if op.domain], ids=lambda o: o.name
)

# What the op should compute, from another source than its own kernel.
REFERENCE: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.power, "square": np.square, "reciprocal": lambda x: 1 / x, "exp": np.exp,
    "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "arctan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "sign": np.sign, "abs": np.abs, "maximum": np.maximum, "minimum": np.minimum,
    "clip": np.clip, "where": np.where, "sigmoid": special.expit, "relu": lambda x: x * (x > 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x), "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "softplus": lambda x: np.logaddexp(x, 0), "alias": lambda x: x,
    "bce_with_logits": lambda z, t: -t * special.log_expit(z) - (1 - t) * special.log_expit(-z),
    "ce_with_logits": lambda z, t: -(
        special.log_softmax(z, -1)[np.arange(4), t] if t.dtype.kind == "i"
        else (t * special.log_softmax(z, -1)).sum(-1)
    ),
    "reshape": lambda x, shape: x.reshape(shape), "expand_dims": np.expand_dims, "squeeze": np.squeeze,
    "transpose": np.transpose, "swapaxes": np.swapaxes, "broadcast_to": np.broadcast_to,
    "sum_to": lambda x, shape: x.sum() if shape == () else (
        x.sum(0) if shape == (3,) else x.sum((0, 2))[:, None]),
    "getitem": lambda x, index: x[index], "astype": lambda x, dtype: x.astype(dtype),
    "put": lambda g, index, shape: np.array([sum(g[np.arange(shape[0])[index] == i]) for i in range(shape[0])]),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis), "stack": lambda *xs, axis: np.stack(xs, axis),
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod,
    "logsumexp": special.logsumexp, "softmax": special.softmax, "log_softmax": special.log_softmax,
    "matmul": np.matmul, "linear": lambda x, w, b: x @ w + b,
    "sumprod": lambda *v: math.fsum([*(v[i] * v[i + 3] for i in range(3)), v[6]]),
}  # fmt: skip


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


def test_every_op_has_a_reference_and_the_others_have_sample_inputs() -> None:
    assert {op.name for op in TABLE} == set(REFERENCE)
    assert {op.name for op in TABLE if not op.domain} == set(CASES)


@each_op
@given(data=st.data())
def test_the_value_is_the_references(op: Op, data: st.DataObject) -> None:
    xs, params = data.draw(cases(op))
    expected = REFERENCE[op.name](*xs, **params)
    got = op(*xs, **params)
    assert np.shape(got) == np.shape(expected)
    # A few ulps of the function, and of the largest term where terms are added.
    scale = max(
        [1.0, *(float(np.abs(x).max(initial=0.0)) for x in xs if np.asarray(x).dtype.kind == "f")]
    )
    np.testing.assert_allclose(got, expected, rtol=8 * EPS, atol=16 * EPS * scale**2)


@each_op
@given(data=st.data(), seed=seeds)
def test_forward_and_reverse_mode_are_adjoint(op: Op, data: st.DataObject, seed: int) -> None:
    xs, params = data.draw(cases(op))
    rng = np.random.default_rng(seed)
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


@each_op
@given(data=st.data(), seed=seeds)
def test_the_derivative_is_that_of_the_reference(op: Op, data: st.DataObject, seed: int) -> None:
    xs, params = data.draw(cases(op))
    rng = np.random.default_rng(seed)
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
        return np.asarray(REFERENCE[op.name](*moved, **params), float)

    # Central differences, Richardson-extrapolated from h and h/2: truncation h⁴·f⁗, rounding ε/h.
    h = 2.0**-11
    coarse, fine = (at(h) - at(-h)) / (2 * h), (at(h / 2) - at(-h / 2)) / h
    numeric = (4 * fine - coarse) / 3
    scale = 1 + np.abs(numeric).max(initial=0.0) + np.abs(at(0)).max(initial=0.0)
    np.testing.assert_allclose(got, numeric, rtol=0, atol=scale * (1e5 * h**4 + 64 * EPS / h))


@each_op
@given(data=st.data(), seed=seeds)
def test_second_derivatives_agree_forward_over_reverse_and_reverse_over_reverse(
    op: Op, data: st.DataObject, seed: int
) -> None:
    xs, params = data.draw(cases(op))
    rng = np.random.default_rng(seed)
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


@each_op
@given(data=st.data(), seed=seeds)
def test_nothing_given_is_changed_and_no_gradient_is_shared(
    op: Op, data: st.DataObject, seed: int
) -> None:
    xs, params = data.draw(cases(op))
    full, inputs = nodes(xs)
    copies = [t.data.copy() for t in inputs]
    for t in inputs:
        t.data.setflags(write=False)
    y = op(*full, **params)
    if not y.requires_grad:
        return
    g = signed(np.random.default_rng(seed), *y.shape)
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
