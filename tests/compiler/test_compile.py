"""mg.compile(f) gives what mg.value_and_grad(f) gives, to the last bit, or says why it cannot."""

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import DTypeError, LabelError, ShapeError, TraceError
from microgradnn.nn import functional as F
from microgradnn.transforms import tree
from tests.strategies import TABLE, cases, seeds, signed

NOT_SPELLED = {
    "lgamma", "digamma", "polygamma", "erfinv", "sumprod", "cofactor", "cofactor_change",
}  # fmt: skip


def same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    real = a.dtype.kind == "f"
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and np.array_equal(a, b, equal_nan=real)
        and (not real or np.array_equal(np.signbit(a), np.signbit(b)))
    )


def agree(f: Any, *args: Any, argnums: Any = 0) -> Any:
    """The compiled function, after it gave the same as eager in a first and a second call."""
    step = mg.compile(f, argnums)
    for _ in range(2):
        value, gradient = step(*args)
        expected, slope = mg.value_and_grad(f, argnums)(*args)
        assert type(value) is type(expected)
        assert same(value, expected)
        flat, wanted = tree.leaves(gradient), tree.leaves(slope)
        assert len(flat) == len(wanted)
        assert all(same(a, b) for a, b in zip(flat, wanted, strict=True)), step.source
    return step


@pytest.mark.parametrize("op", TABLE, ids=lambda op: op.name)
@settings(max_examples=4)
@given(data=st.data(), single=st.booleans())
def test_every_op_and_its_rule(op: Any, data: Any, single: bool) -> None:
    xs, params = data.draw(cases(op))
    xs = tuple(
        np.asarray(x, np.float32 if single and x.dtype.kind == "f" else None)
        for x in map(np.asarray, xs)
    )
    wanted = tuple(i for i, x in enumerate(xs) if x.dtype.kind == "f")

    def f(*xs: Any) -> Any:
        y = op(*xs, **params)
        return mg.sum(y * np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype))

    try:
        mg.value_and_grad(f, wanted)(*xs)
    except Exception:
        return  # no gradient here
    if op.name in NOT_SPELLED:
        with pytest.raises(TraceError, match="has no spelling in numpy"):
            mg.compile(f, wanted)(*xs)
        return
    agree(f, *xs, argnums=wanted)


# ---- random programs -----------------------------------------------------------------------------

UNARY = [
    np.tanh, np.exp, np.sin, np.cos, np.abs, np.square, np.negative, mg.sigmoid, mg.relu,
    mg.softplus, lambda x: x.T, lambda x: x - x.mean(axis=0), lambda x: mg.softmax(x, axis=-1),
    lambda x: x[:, :1], lambda x: x.sum(axis=1, keepdims=True), lambda x: x / (1 + x * x),
    lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.maximum(x, x.max(axis=0)),
    lambda x: np.concatenate([x, x * 2], axis=1), lambda x: x.reshape(-1, 1), lambda x: x**3,
    lambda x: np.cumsum(x, axis=0), lambda x: mg.logsumexp(x, axis=0, keepdims=True),
    lambda x: x.astype(np.float64), lambda x: np.sqrt(1 + x * x), lambda x: np.flip(x, axis=0),
]  # fmt: skip
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.hypot, np.arctan2]


@st.composite
def programs(draw: st.DrawFn) -> Any:
    """A function of three matrices: each line a function of what came before."""
    lines = draw(
        st.lists(
            st.tuples(
                st.sampled_from(range(len(UNARY) + len(BINARY) + 1)),
                st.integers(0, 9),
                st.integers(0, 9),
            ),
            min_size=1,
            max_size=7,
        )
    )

    def program(*xs: Any) -> Any:
        held = list(xs)
        for op, i, k in lines:
            a, b = held[i % len(held)], held[k % len(held)]
            if op < len(UNARY):
                held.append(UNARY[op](a))
            elif op < len(UNARY) + len(BINARY):
                fits = all(n in (1, m) or m == 1 for n, m in zip(a.shape, b.shape, strict=True))
                held.append(BINARY[op - len(UNARY)](a, b if fits else a))
            else:
                held.append(a @ b if a.shape[1] == b.shape[0] else a @ a.T)
        return np.sum(held[-1]) * 0.5 + np.mean(held[0])

    return program


@settings(max_examples=60)
@given(programs(), seeds, st.sampled_from(["C", "F"]), st.booleans())
def test_random_programs(f: Any, seed: int, order: Any, single: bool) -> None:
    rng = np.random.default_rng(seed)
    kind = np.float32 if single else np.float64
    xs = [np.asarray(signed(rng, *s), kind, order=order) for s in ((3, 2), (2, 3), (3, 1))]
    with np.errstate(all="ignore"):
        agree(f, *xs, argnums=(0, 1, 2))


def two_layers(p: dict[str, Any], x: Any, t: Any) -> Any:
    h = np.tanh(x @ p["W1"] + p["b1"])
    return mg.cross_entropy(h @ p["W2"] + p["b2"], t)


def drawn(seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    p = {name: rng.normal(size=s) for name, s in shapes.items()}
    return p, rng.normal(size=(5, 3)), rng.integers(0, 2, 5)


def test_a_net_and_its_names() -> None:
    step = agree(two_layers, *drawn())
    assert step.source.splitlines()[-1] == "    return loss, (dW1, db1, dW2, db2)"
    assert "    h = np.tanh(x @ W1 + b1)" in step.source


def test_other_shapes_and_dtypes_are_traced_anew() -> None:
    step = mg.compile(two_layers)
    p, x, t = drawn()
    for args in [(p, x, t), (p, x[:2], t[:2]), ({k: v.astype("f4") for k, v in p.items()}, x, t)]:
        value, g = step(*args)
        expected, slope = mg.value_and_grad(two_layers)(*args)
        assert same(value, expected) and all(same(g[k], slope[k]) for k in g)


def test_second_derivatives_and_forward_mode() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * x)

    x, v = np.arange(3.0), np.array([1.0, -1.0, 0.5])
    for g in (
        mg.hessian(f),
        mg.grad(f),
        lambda x: mg.jvp(f, (x,), (v,)),
        lambda x: mg.hvp(f, x, v),
    ):
        for a, b in zip(
            tree.leaves(mg.compile(g, argnums=None)(x)), tree.leaves(g(x)), strict=True
        ):
            assert same(a, b)


def test_as_a_decorator_and_the_gradient_alone() -> None:
    @mg.compile
    def f(x: float) -> float:
        """A cube."""
        return x**3

    g = agree(lambda x, w: np.sum(x * w), 2.0, np.ones(3, np.float32), argnums=0)
    assert g(2.0, np.ones(3, np.float32))[1] == 3.0
    agree(lambda w, x: np.sum(w * x), np.ones(3, np.float32), 0.1)
    assert f(2.0) == (8.0, 12.0)
    assert type(f(2.0)[0]) is float
    assert f.grad(2.0) == 12.0
    assert f.__name__ == "f" and f.__doc__ == "A cube."


# ---- what is read from outside -------------------------------------------------------------------

scale = 2.0
offset = np.array([1.0, 2.0])


def test_what_changes_outside_is_seen() -> None:
    global scale

    def f(w: Any) -> Any:
        return np.sum(scale * w * w + offset)

    w = np.array([1.0, 3.0])
    step = mg.compile(f)
    assert step(w)[0] == f(w) == 23.0
    offset[0] = 5.0
    assert step(w)[0] == f(w) == 27.0
    scale = 3.0
    assert step(w)[0] == f(w) == 37.0
    scale, offset[0] = 2.0, 1.0


def test_what_is_computed_outside_of_the_trace_from_arrays_that_change() -> None:
    data = np.array([1.0, 2.0, 3.0])

    def f(w: Any) -> Any:
        return np.sum(w * np.exp(data)) + np.sum(w * data[1:].sum())

    step, w = mg.compile(f), np.ones(3)
    assert same(step(w)[0], f(w))
    data[2] = 0.0
    assert same(step(w)[0], f(w))


def test_a_captured_tensor_is_read_anew() -> None:
    c = mg.tensor([1.0, 2.0], requires_grad=True, name="c")

    def f(w: Any) -> Any:
        return np.sum(w * (c * c))

    step, w = mg.compile(f), np.ones(2)
    assert step(w)[0] == 5.0
    c.data -= 1.0
    assert step(w)[0] == 1.0
    assert step(w)[1].tolist() == [0.0, 1.0]
    assert c.grad is None


def test_random_numbers_are_never_frozen() -> None:
    rng = np.random.default_rng(0)

    def f(w: Any) -> Any:
        return np.sum(w * rng.random(3))

    state = rng.bit_generator.state
    with pytest.raises(TraceError) as error:
        mg.compile(f)(np.ones(3))
    assert str(error.value).startswith("compile: the array in line ")
    assert "is another each time that the function runs" in str(error.value)
    assert rng.bit_generator.state == state


def test_dropout_draws_anew_and_as_eager_does() -> None:
    def make() -> Any:
        rng = np.random.default_rng(3)

        def f(w: Any, x: Any) -> Any:
            return np.sum(F.dropout(x * w, 0.5, True, rng) ** 2)

        return f

    step, eager = mg.compile(make()), mg.value_and_grad(make())
    w, x = np.ones(4), np.arange(12.0).reshape(3, 4)
    seen = set()
    for _ in range(4):
        (a, da), (b, db) = step(w, x), eager(w, x)
        assert same(a, b) and same(da, db)
        seen.add(float(a))
    assert len(seen) > 1


# ---- what is refused -----------------------------------------------------------------------------


def branch(x: Any) -> Any:
    if x.sum() > 0:
        return x.sum()
    return -x.sum()


def test_control_flow_on_numbers_is_refused_with_the_line() -> None:
    with pytest.raises(TraceError) as error:
        mg.compile(branch)(np.ones(3))
    line = branch.__code__.co_firstlineno + 1
    assert str(error.value) == (
        f"compile: line {line}, `if x.sum() > 0:`, asks whether something holds of the numbers, and "
        "a compiled program does the same for all numbers; write np.where(condition, a, b), which "
        "computes both"
    )


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: np.sum(x) * float(x.sum().data), "float()"),
        (lambda x: np.sum(x) * x.sum().item(), ".item()"),
        (lambda x: np.sum(x) * int(x.data.sum()), "int()"),
        (lambda x: np.sum(x * np.asarray(x.data)), "np.asarray()"),
        (lambda x: np.sum(x) * sum(x.data.tolist()), ".tolist()"),
    ],
    ids=["float", "item", "int", "asarray", "tolist"],
)
def test_numbers_that_leave_the_trace_are_refused(f: Any, what: str) -> None:
    with pytest.raises(TraceError) as error:
        mg.compile(f)(np.ones(2))
    assert str(error.value).startswith(f"compile: {what} of a traced array in line ")


def test_errors_of_the_function_are_its_own_and_leave_nothing_behind() -> None:
    p, x, t = drawn()
    step = mg.compile(two_layers)
    for _ in range(2):
        with pytest.raises(LabelError, match="label 7 at index"):
            step(p, x, t + 6 + (t == 0))
        with pytest.raises(ShapeError):
            step(p, x[:, :2], t)
        expected, slope = mg.value_and_grad(two_layers)(p, x, t)
        value, g = step(p, x, t)
        assert same(value, expected) and same(g["W1"], slope["W1"])


def test_wrong_arguments() -> None:
    with pytest.raises(DTypeError, match="an argument is int, which has no gradient"):
        mg.compile(lambda x: x * x)(2)
    with pytest.raises(ShapeError, match=r"f returned shape \(2,\), need one number"):
        mg.compile(lambda x: x * x)(np.ones(2))
    with pytest.raises(DTypeError, match="got int, need a function"):
        mg.compile(3)  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="no program yet"):
        _ = mg.compile(lambda x: x).source


def test_pickle_is_refused() -> None:
    step = mg.compile(two_layers)
    for how in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TraceError, match="save its .source, or pickle the function"):
            how(step)


def test_threads_do_not_meet() -> None:
    step, wrong = mg.compile(two_layers), []

    def run(seed: int) -> None:
        p, x, t = drawn(seed)
        x, t = x[: 1 + seed % 4], t[: 1 + seed % 4]
        expected = mg.value_and_grad(two_layers)(p, x, t)[0]
        if not all(same(step(p, x, t)[0], expected) for _ in range(5)):
            wrong.append(seed)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_programs_are_bounded() -> None:
    step = mg.compile(lambda x: np.sum(x * x))
    for n in range(1, 50):
        step(np.ones(n))
    assert sum(map(len, step._variants.values())) == 32
