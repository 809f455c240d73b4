"""Other people's NumPy programs on Values: the same numbers, and nothing of it left behind."""

import importlib.util
import math
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check.oracle import balls, traced
from microgradnn.check.oracle.traced import TooLarge, Traced, values
from microgradnn.check.oracle.tracing import tracing
from microgradnn.check.subjects.namespaces import namespaces
from microgradnn.engine.node import judging, plain
from microgradnn.engine.value import Value
from tests.strategies import seeds

X = np.array([[0.5, -1.25, 2.0], [0.75, 1.5, -0.3]])
P = np.array([[0.5, 1.25, 2.0], [0.75, 1.5, 0.3]])
M = np.array([[2.0, 0.5, -0.3], [0.1, 1.5, 0.4], [0.3, -0.2, 3.0]])


def run(f: Callable[..., Any], *arrays: Any) -> tuple[Any, list[Any]]:
    """What f gives on Values, as plain numbers, and the derivatives of its sum."""
    from microgradnn.engine.walk import pullback

    with balls.precision(128), tracing(balls.ball, namespaces(f)):
        inputs = [values(a, balls.ball) for a in arrays]
        leaves = [v for x in inputs for v in np.ravel(x)]
        out = f(*[x.copy() if isinstance(x, np.ndarray) else x for x in inputs])
        flat = list(np.ravel(np.asarray(out, object)))
        assert any(isinstance(v, Value) for v in flat), "detached"
        nodes = [v if isinstance(v, Value) else Value(balls.ball(v)) for v in flat]
        grads = pullback(nodes, [balls.ball(1)] * len(nodes), leaves)
        zero = balls.ball(0)
    result = np.array([balls.middle(plain(v)) for v in flat]).reshape(np.shape(out))
    parts, start = [], 0
    for a in arrays:
        got = [balls.middle(grads.get(v, zero)) for v in leaves[start : start + np.size(a)]]
        parts.append(np.array(got).reshape(np.shape(a)))
        start += np.size(a)
    return result, parts


def assert_same(f: Callable[..., Any], *arrays: Any) -> None:
    """Traced and plain results agree, and the derivatives are those of differences."""
    copies = [np.array(a) for a in arrays]
    expected = np.asarray(f(*copies), float)
    result, grads = run(f, *arrays)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-14)
    for k, a in enumerate(arrays):
        for i in np.ndindex(np.shape(a)):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [np.array(b, float) for b in arrays]
                moved[k][i] += h
                ends.append(np.sum(f(*moved)))
            assert grads[k][i] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-6)


# ---- programs ------------------------------------------------------------------------------------


def padded(x):
    return np.pad(x, ((1, 0), (0, 2)), mode="constant") ** 2


def scattered(x):
    out = np.zeros(4)
    np.add.at(out, [0, 2, 2], x[0])
    return out * x[1, 0]


def masked(x):
    out = x.copy()
    out[x < 0] = 0
    out[x > 1] *= 3.0
    return out


def buffered(x):
    out = np.zeros(x.shape)
    for i in range(len(x)):
        out[i] = x[i] ** 2
    return out


def accumulated(x):
    total = np.zeros(3, dtype=np.float64)
    for row in x:
        total += row * row
    return total


def filled(x):
    out = np.full(x.shape, 2.5)
    out += x
    return out * np.full_like(x, 0.5) * np.ones(x.shape) * np.ones_like(x)


def emptied(x):
    out = np.empty((2, 3))
    out[:] = x
    like = np.empty_like(x)
    like[...] = out * 2
    return like


def listed(x):
    return np.array([np.sum(row**2) for row in x])


def nested_list(x):
    return np.array([[math.exp(v) for v in row] for row in x])


def stacked(x):
    return np.concatenate([np.stack([x[0], x[1]]), x[::-1], np.vstack([x, x])[:1]], axis=0) ** 2


def views(x):
    y = x.T[::-1]
    y[0] *= 2.0
    flat = x.reshape(-1)
    flat[1] = flat[0] * flat[2]
    return x + y.T[:, ::-1]


def in_place(x):
    x = x * 1.0
    x += 1
    x *= x
    x -= 0.5
    x /= 2
    x **= 2
    return x


def elementwise(x):
    total = 0.0
    for v in x.ravel():
        total += math.exp(v) + math.sqrt(abs(v)) + math.tanh(v) + math.log(v * v + 1) + math.sin(v)
    return total


def looped(x):
    s = 0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s = max(s, x[i, j]) if i else s + x[i, j] ** 2
    return s


def softmax_rows(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True))[np.arange(2), [1, 2]]


def normalised(x):
    return (x - x.mean(0)) / np.sqrt(x.var(axis=0) + 1e-3) + x.std()


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "where": (lambda x: np.where(x > 0, x**2, 0.1 * x), (X,)),
    "where of numbers": (lambda x: np.where(x > 0, 1.0, 0.0) * x, (X,)),
    "select": (lambda x: np.where(x > 1, 3 * x, np.where(x > 0, x * x, -x)), (X,)),
    "pad": (padded, (X,)),
    "clip": (lambda x: np.clip(x, -1, 1) * x, (X,)),
    "clip one end": (lambda x: np.clip(x, 0.1, None), (X,)),
    "clip method": (lambda x: x.clip(-0.4, 0.9), (X,)),
    "einsum": (lambda x, m: np.einsum("ij,jk->ik", x, m), (X, M)),
    "einsum of three": (lambda x, m: np.einsum("ij,jk,ik->i", x, m, x), (X, M)),
    "matmul": (lambda x, m: x @ m @ x.T, (X, M)),
    "dot": (lambda x, m: np.dot(x, m).dot(x.T), (X, M)),
    "tensordot": (lambda x, m: np.tensordot(x, m, axes=(1, 0)), (X, M)),
    "outer": (lambda x: np.outer(x[0], x[1]), (X,)),
    "inner": (lambda x, m: np.inner(x, m), (X, M)),
    "norm": (lambda x: np.linalg.norm(x), (X,)),
    "norm of rows": (lambda x: np.linalg.norm(x, axis=1, keepdims=True), (X,)),
    "inv": (lambda m: np.linalg.inv(m), (M,)),
    "solve": (lambda m, x: np.linalg.solve(m, x[0]), (M, X)),
    "det": (lambda m: np.linalg.det(m), (M,)),
    "trace": (lambda m: np.trace(m @ m), (M,)),
    "logaddexp": (lambda x: np.logaddexp(0, x), (X,)),
    "add.at": (scattered, (X,)),
    "mask": (masked, (X,)),
    "mask of sum": (lambda x: x[x > 0].sum(), (X,)),
    "zeros": (buffered, (X,)),
    "zeros with +=": (accumulated, (X,)),
    "full and ones": (filled, (X,)),
    "empty": (emptied, (X,)),
    "eye": (lambda x: x @ np.eye(3) + np.eye(2, 3), (X,)),
    "tril": (lambda m: np.tril(m) + np.triu(m, 1) ** 2, (M,)),
    "diag": (lambda m: np.diag(m) * np.diagflat(m[0]), (M,)),
    "astype": (lambda x: x.astype(float) ** 2 + x.astype(np.float64, copy=False), (P,)),
    "astype of mask": (lambda x: (x > 0).astype(float) * x + (x > 0).astype(int), (X,)),
    "list of results": (listed, (X,)),
    "nested lists": (nested_list, (X,)),
    "asarray": (lambda x: np.asarray([v * 2 for v in x[0]]) + np.ascontiguousarray(x.T).T[0], (X,)),
    "stack": (stacked, (X,)),
    "views": (views, (X,)),
    "in place": (in_place, (X,)),
    "math": (elementwise, (X,)),
    "loops": (looped, (X,)),
    "softmax": (softmax_rows, (X,)),
    "norms": (normalised, (X,)),
    "powers": (lambda x: x**3 + P**x + np.power(np.abs(x), 1.5) + np.square(x) + x ** (-1.0), (X,)),
    "ufuncs": (lambda x: np.exp(x) * np.log1p(x) + np.sqrt(x) / np.cosh(x) - np.arctan(x) + np.log(x)
               + np.expm1(x) + np.sinh(x) + np.tanh(x) + np.reciprocal(x) + np.cbrt(x), (P,)),
    "abs and sign": (lambda x: np.abs(x) * np.sign(x) + np.fabs(x) - abs(x), (X,)),
    "max and min": (lambda x: np.maximum(x, 0.2) + np.minimum(x, 1) + x.max(1, keepdims=True)
                    + np.min(x) + np.amax(x, axis=0), (X,)),
    "argmax": (lambda x: x[np.arange(2), x.argmax(1)] + x[x.argmin(0), [0, 1, 2]].sum(), (X,)),
    "sort": (lambda x: np.sort(x, axis=1) * np.arange(3), (X,)),
    "argsort": (lambda x: x[:, np.argsort(x[0])] * np.arange(3), (X,)),
    "cumsum": (lambda x: np.cumsum(x, axis=1) * np.cumprod(x, axis=0), (X,)),
    "prod": (lambda x: np.prod(x, axis=1) + x.prod(), (X,)),
    "mean": (lambda x: np.mean(x) * x.mean(axis=1) + np.average(x), (X,)),
    "var with ddof": (lambda x: np.var(x, axis=1, ddof=1) + np.std(x), (X,)),
    "transpose": (lambda x: np.transpose(x)[:, None] * np.swapaxes(x, 0, 1)[..., None], (X,)),
    "expand": (lambda x: np.expand_dims(x, 1) + np.squeeze(x[None], 0) + np.atleast_2d(x[0]), (X,)),
    "repeat": (lambda x: np.repeat(x, 2, axis=0) * np.tile(x, (2, 1)), (X,)),
    "broadcast_to": (lambda x: np.broadcast_to(x[0], (4, 3)) ** 2, (X,)),
    "roll and flip": (lambda x: np.roll(x, 1, axis=1) * np.flip(x, 1) * x[::-1], (X,)),
    "split": (lambda x: np.hstack([a * 2 for a in np.split(x, 3, axis=1)]) * x, (X,)),
    "convolve": (lambda x: np.convolve(x[0], x[1]) + 0, (X,)),
    "take": (lambda x: np.take(x, [0, 2], axis=1) ** 2, (X,)),
    "fancy": (lambda x: x[[0, 1, 1], [2, 0, 0]] ** 2, (X,)),
    "ndindex": (lambda x: sum(x[i] ** 2 for i in np.ndindex(x.shape)), (X,)),
    "builtins": (lambda x: sum(x[0]) + max(x[1]) * min(x[0]) + abs(x[0, 1]) + len(x), (X,)),
    "sum with dtype": (lambda x: np.sum(x, axis=1, dtype=float) ** 2, (X,)),
    "zero size": (lambda x: np.concatenate([x[:, :0], x], axis=1) ** 2, (X,)),
    "number": (lambda x: np.exp(x) * 2, (np.array(0.3),)),
    "heaviside": (lambda x: np.heaviside(x, 0.5) * x, (X,)),
    "isfinite": (lambda x: np.where(np.isfinite(x) & ~np.isnan(x), x**2, 0.0), (X,)),
    "allclose": (lambda x: x * 2 if not np.allclose(x, 0) else x, (X,)),
    "any and all": (lambda x: x * 3 if np.any(x > 0) and not (x > 0).all() else x, (X,)),
}  # fmt: skip


@pytest.mark.parametrize(("f", "arrays"), PROGRAMS.values(), ids=PROGRAMS)
def test_programs_give_the_same_on_values(f: Any, arrays: Any) -> None:
    assert_same(f, *arrays)


@given(seeds, st.sampled_from(["softmax", "norms", "views", "mask", "max and min", "sort", "math"]))
def test_programs_give_the_same_on_values_wherever_they_are(seed: int, name: str) -> None:
    f, arrays = PROGRAMS[name]
    x = np.random.default_rng(seed).permutation(np.linspace(-2, 2.1, 6)).reshape(arrays[0].shape)
    assert_same(f, x)


# ---- the user's modules --------------------------------------------------------------------------


def module(folder: Path, text: str, name: str) -> Any:
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


STAR = """
    from numpy import *
    from math import exp as mexp
    import numpy
    import numpy as onp
    from numpy import zeros as make

    def forward(x):
        out = zeros(x.shape)
        for i in range(len(x)):
            out[i] = maximum(x[i], 0) * mexp(0.5) + abs(x[i])
        more = make((2, 3)) + numpy.zeros_like(x) + onp.ones(x.shape)
        return out * more + array([[mexp(v) for v in row] for row in x]), x

    def backward(dout, x):
        return dout * ((x > 0) * mexp(0.5) + sign(x) + exp(x))

    def fails(x):
        y = zeros(3) + x[0]
        raise RuntimeError("in the middle")
"""


def test_star_imports(tmp_path: Path) -> None:
    user = module(tmp_path, STAR, "star_user")
    before = dict(vars(user))
    report = check.layer(user.forward, user.backward, (X,))
    assert report.verdict == "PASS" and "traced" in report.methods["x"], report
    assert set(vars(user)) == set(before)
    for name, old in before.items():
        assert vars(user)[name] is old, name


def test_names_are_put_back_after_an_exception(tmp_path: Path) -> None:
    user = module(tmp_path, STAR, "star_user_2")
    before = dict(vars(user))
    places = namespaces(user.fails)
    assert any(place is vars(user) for place in places)
    with pytest.raises(RuntimeError, match="in the middle"), tracing(float, places):
        assert user.zeros is not before["zeros"] and isinstance(user.zeros(2), Traced)
        user.fails(values(X, float))
    assert set(vars(user)) == set(before)
    with pytest.raises(KeyboardInterrupt), tracing(float, places):
        raise KeyboardInterrupt
    assert all(vars(user)[name] is old for name, old in before.items())
    assert traced.tracer() is None and judging.by is None


def test_a_trace_inside_a_trace_puts_back_the_outer_one(tmp_path: Path) -> None:
    user = module(tmp_path, STAR, "star_user_3")
    before = dict(vars(user))
    places = namespaces(user.forward)
    with tracing(float, places):
        outer = user.zeros
        with tracing(int, places):
            assert traced.tracer() is int
        assert traced.tracer() is float and user.zeros is outer
    assert traced.tracer() is None and user.zeros is before["zeros"]
    assert all(vars(user)[name] is old for name, old in before.items())


def test_a_check_inside_a_forward_that_is_checked() -> None:
    inner: list[str] = []

    def forward(x):
        def f(y):
            return np.sin(y), y

        if not inner:
            inner.append("")
            inner[0] = check.layer(f, lambda d, y: d * np.cos(y), (X,), probes=False).verdict
        return np.sin(x), x

    report = check.layer(forward, lambda d, x: d * np.cos(x), (X,), probes=False)
    assert report.verdict == "PASS" and inner == ["PASS"]


def test_numpy_itself_is_untouched() -> None:
    names = [n for n in dir(np) if not n.startswith("__")]
    before = {n: getattr(np, n) for n in names}
    before_math = dict(vars(math))
    own = {name: old for name, old in globals().items()}
    with tracing(float, namespaces(padded)):
        assert np is not sys.modules["numpy"]  # what this module sees
        real = sys.modules["numpy"]
        assert all(getattr(real, n) is v for n, v in before.items())
        assert sys.modules["math"].exp is before_math["exp"]
        assert isinstance(np.random.default_rng(0).random(3), real.ndarray)
        assert type(np.zeros(3)) is Traced and type(real.zeros(3)) is real.ndarray
        assert np.pi == real.pi and np.float64 is real.float64 and np.linalg is real.linalg
    assert all(getattr(np, n) is v for n, v in before.items())
    assert np is sys.modules["numpy"] and dict(vars(math)) == before_math
    assert all(globals()[name] is old for name, old in own.items())


def test_libraries_are_left_alone() -> None:
    import scipy.special

    def forward(x):
        return scipy.special.expit(x) + math.pi

    homes = {place["__name__"] for place in namespaces(forward)}
    assert __name__ in homes or any(h.endswith("test_traced") for h in homes)
    assert not any(h.startswith(("scipy", "numpy", "microgradnn", "pytest", "math")) for h in homes)


def test_integer_buffers_stay_integers() -> None:
    with tracing(float, namespaces(padded)):
        assert np.zeros(3, int).dtype.kind == "i" and np.zeros(3, dtype=bool).dtype == bool
        assert np.ones((2, 2), dtype="int64").dtype.kind == "i" and np.arange(3).dtype.kind == "i"
        assert np.full(3, 2).dtype.kind == "i" and np.full(3, True).dtype == bool
        assert np.array([1, 2]).dtype.kind == "i" and np.array([1.0]).dtype.kind in "fO"
        assert np.zeros_like(values(X, float), dtype=int).dtype.kind == "i"
        assert np.zeros_like(np.arange(3)).dtype.kind == "i"
        assert (values(X, float) > 0).dtype == bool and np.array("text").dtype.kind == "U"


def test_a_budget_ends_a_trace() -> None:
    ones = np.ones((10, 10))
    with tracing(float, namespaces(padded), budget=1000):
        x = values(ones, float)
        x + x
        with pytest.raises(TooLarge, match="more than 1000 nodes"):
            x @ x
    with tracing(float, namespaces(padded), budget=1000):
        with pytest.raises(TooLarge):
            y = values(ones, float)
            for _ in range(50):
                y = y * y
    with tracing(float, namespaces(padded)):
        x = values(ones, float)
        assert (x @ x).shape == (10, 10)
