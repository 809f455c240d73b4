"""Data changed in place between forward and backward, by anybody, however: right, or refused.

Every op of the table and every NumPy program of test_protocol.py is run, one of the arrays it was
given or made is changed, and then the gradient is that of the unchanged data, or there is an error.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.engine.node import plain
from microgradnn.engine.op import Op
from microgradnn.errors import GradientError, ShapeError
from microgradnn.transforms import tree

from .. import messages
from ..strategies import TABLE, cases, seeds, signed
from .test_protocol import MASK, PROGRAMS, inputs

Way = Callable[[np.ndarray], Any]


def other(a: np.ndarray) -> Any:
    """A number that a can hold, valid where a holds indices, and most likely not there."""
    return not a.flat[0] if a.dtype.kind == "b" else 0 if a.dtype.kind in "iu" else 1.25


def _item(a: np.ndarray) -> None:
    a[(0,) * a.ndim] = other(a)


def _turned(a: np.ndarray) -> None:
    a[...] = a.ravel()[::-1].reshape(a.shape).copy()


def _out(a: np.ndarray) -> None:
    np.multiply(a, other(a), out=a)


def _view(a: np.ndarray) -> None:
    a[...].T[...] = other(a)


def _memory(a: np.ndarray) -> None:
    memoryview(a).cast("B")[:] = bytes(a.nbytes)


def _through_a_base(a: np.ndarray) -> None:
    v = a[...]
    del a
    v.fill(other(v))


WAYS: dict[str, Way] = {
    "item": _item,
    "turned": _turned,
    "fill": lambda a: a.fill(other(a)),
    "out=": _out,
    "view": _view,
    "memory": _memory,
    "copyto": lambda a: np.copyto(a, other(a)),
    "sort": lambda a: a.sort() if a.ndim else a.fill(other(a)),
    "flat": lambda a: a.flat.__setitem__(slice(None), other(a)),
    "put": lambda a: a.put([0], other(a)),
    "base": _through_a_base,
    "+=": lambda a: a.__iadd__(a) if a.dtype.kind == "f" else _item(a),
}


def leaf(x: Any, requires_grad: bool = True) -> mg.Tensor:
    return mg.tensor(x, requires_grad=requires_grad)


# What an input is when the op gets it: (input, the leaf that collects its gradient or None).
def _result(a: np.ndarray) -> tuple[Any, Any]:
    x = leaf(a)
    return x * 1.0, x


def _viewed(a: np.ndarray) -> tuple[Any, Any]:
    x = leaf(a)
    return x.reshape(-1).reshape(a.shape), x


def _leaf(a: np.ndarray) -> tuple[Any, Any]:
    x = leaf(a)
    return x, x


def _view_without_history(a: np.ndarray) -> tuple[Any, Any]:
    return leaf([a, a], False)[0], None


ROLES: dict[str, Callable[[np.ndarray], tuple[Any, Any]]] = {
    "leaf": _leaf,
    "result": _result,
    "view": _viewed,
    "constant": lambda a: (leaf(a, False), None),
    "constant view": _view_without_history,
    "array": lambda a: (a, None),
}


def gradients(y: Any, leaves: list[Any]) -> list[Any]:
    """The gradients of the leaves, with a cotangent that tells all results apart."""
    ys = [t for t in tree.leaves(y) if isinstance(t, mg.Tensor) and t.requires_grad]
    if not ys:
        return []
    rng = np.random.default_rng(0)
    seeds_ = [np.asarray(signed(rng, *t.shape), t.dtype) for t in ys]
    return list(mg.autograd.grad(ys, leaves, seeds_, allow_unused=True))


def held_by_others(y: Any, inputs: list[Any], options: Any) -> list[np.ndarray]:
    """All arrays of a call that somebody can get hold of without touching what is private."""
    found = [plain_data(t) for t in (*tree.leaves(y), *inputs)]
    return [a for a in (*found, *arrays_in(options)) if isinstance(a, np.ndarray) and a.size]


def plain_data(x: Any) -> Any:
    return x.data if isinstance(x, mg.Tensor) else x


def arrays_in(x: Any) -> list[np.ndarray]:
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        return [a for v in x for a in arrays_in(v)]
    return [x] if isinstance(x, np.ndarray) else []


def unchanged(f: Any, xs: Any, roles: list[str]) -> list[Any]:
    """The gradients where nobody changes anything."""
    made = [ROLES[r](np.array(x)) for r, x in zip(roles, xs, strict=True)]
    return gradients(f(*[x for x, _ in made]), [x for _, x in made if x is not None])


def right_or_refused(f: Any, xs: Any, roles: list[str], data: Any, options: Any = ()) -> None:
    """Calls f, changes one array that is in reach, and asks for the gradients."""
    made = [ROLES[r](np.array(x)) for r, x in zip(roles, xs, strict=True)]
    given_, leaves = [x for x, _ in made], [x for _, x in made if x is not None]
    way = data.draw(st.sampled_from(sorted(WAYS)), "way")
    lent = [plain_data(x) for x in given_] if data.draw(st.booleans(), "lent before") else []
    y = f(*given_)
    expected = unchanged(f, xs, roles)
    reach = [a for a in (*held_by_others(y, [*given_, *leaves], options), *lent) if a.size]
    if not expected or not reach:
        return
    a = data.draw(st.sampled_from(range(len(reach))), "which")
    before = reach[a].copy()
    try:
        WAYS[way](reach[a])
    except (ValueError, TypeError) as error:  # NumPy: the array is read-only
        assert "read-only" in str(error) or "readonly" in str(error) or "contiguous" in str(error)
        return
    try:
        got = gradients(y, leaves)
    except GradientError as error:
        assert "was changed after it was used" in str(error)
    else:
        for g, e in zip(got, expected, strict=True):
            np.testing.assert_array_equal(g, e)
    finally:
        reach[a][...] = before  # it may be the program's own


def chosen(data: Any, xs: Any) -> list[str]:
    """A role for each input; those that collect gradients are floats."""
    real = list(ROLES)
    rest = [r for r in ROLES if r not in ("leaf", "result", "view")]
    return [
        data.draw(st.sampled_from(real if np.asarray(x).dtype.kind == "f" else rest)) for x in xs
    ]


def copied(options: Any) -> Any:
    return {k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}


@pytest.mark.parametrize("op", TABLE, ids=lambda op: op.name)
@settings(max_examples=max(5, settings().max_examples // 3))
@given(data=st.data())
def test_of_every_op(op: Op, data: st.DataObject) -> None:
    xs, options = data.draw(cases(op))
    options = copied(options)
    roles = chosen(data, xs)
    right_or_refused(lambda *v: op(*v, **options), xs, roles, data, options)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
@settings(max_examples=max(2, settings().max_examples // 10))
@given(data=st.data(), seed=seeds)
def test_of_every_numpy_program(program: Any, data: st.DataObject, seed: int) -> None:
    xs = inputs(program, seed)
    roles = chosen(data, xs)
    right_or_refused(program[0], xs, roles, data, [MASK])


# ---- stories -------------------------------------------------------------------------------------
# Each begins a program, changes something, and returns (gradients asked for, the right ones).


def rows(n: int = 3) -> np.ndarray:
    return np.arange(1.0, 1.0 + 2 * n).reshape(n, 2)


def _buffer_in_a_loop() -> Any:
    w, buf, loss = leaf(np.ones((2, 1))), np.zeros(2), mg.tensor(0.0)
    for row in rows():
        buf[:] = row
        loss = loss + (buf @ w).sum()
    return [w], loss, [[[9.0], [12.0]]]


def _mask() -> Any:
    x, mask = leaf([1.0, 2.0, 3.0]), np.array([True, False, True])
    y = np.where(mask, x * x, 0.0)
    mask[:] = ~mask
    return [x], y.sum(), [[2.0, 0.0, 6.0]]


def _index() -> Any:
    x, index = leaf([1.0, 2.0, 3.0]), np.array([0, 0, 2])
    y = x[index] * np.array([1.0, 10.0, 100.0])
    index[:] = 1
    return [x], y.sum(), [[11.0, 0.0, 100.0]]


def _index_in_a_list() -> Any:
    x, index = leaf([1.0, 2.0, 3.0]), [0, 0, 2]
    y = x[index]
    index[:] = [1, 1, 1]
    return [x], y.sum(), [[2.0, 0.0, 1.0]]


def _list_as_an_operand() -> Any:
    x, factor = leaf([1.0, 2.0]), [3.0, 4.0]
    y = x * factor
    factor[0] = 9.0
    return [x], y.sum(), [[3.0, 4.0]]


def _made_from() -> Any:
    a = np.array([1.0, 2.0])
    x = leaf(a)
    a[:] = 0
    y = x * x
    a[:] = 7
    return [x], y.sum(), [[2.0, 4.0]]


def _lent_long_ago(write: bool = True) -> Any:
    x = leaf([1.0, 2.0])
    lent = x.data
    y = np.square(x).sum()
    if write:
        lent[0] = 9.0
    return [x], y, [[2.0, 4.0]]


def _own_gradient() -> Any:
    x = leaf([1.0, 2.0])
    np.square(x).sum().backward()
    y = (x * x.grad).sum()
    right = x.grad.copy()
    x.grad[:] = 0
    return [x], y, [right]


def _parameter_stepped() -> Any:
    x = leaf([1.0, 2.0])
    y = np.square(x).sum()
    y.backward()
    x.data -= 0.1 * x.grad
    return [x], y, [[2.0, 4.0]]


def _optimizer_stepped() -> Any:
    x = leaf([1.0, 2.0])
    y = np.square(x).sum()
    y.backward()
    mg.optim.SGD([x], lr=0.1).step()
    return [x], y, [[2.0, 4.0]]


def _stepped_in_no_grad() -> Any:
    x = leaf([1.0, 2.0])
    y = np.square(x).sum()
    y.backward()
    with mg.no_grad():
        x -= 0.1 * x.grad
    return [x], y, [[2.0, 4.0]]


def _state_loaded() -> Any:
    layer = mg.nn.Linear(2, 1)
    state = {name: a + 1 for name, a in layer.state_dict().items()}
    y = np.square(layer(np.ones((1, 2)))).sum()
    right = mg.autograd.grad(y, layer.parameters())
    layer.load_state_dict(state)
    return layer.parameters(), y, right


def _state_lent() -> Any:
    layer = mg.nn.Linear(2, 1)
    lent = layer.state_dict()
    y = np.square(layer(np.ones((1, 2), np.float32))).sum()
    right = mg.autograd.grad(y, layer.parameters())
    for a in lent.values():
        a[...] = 5.0
    return layer.parameters(), y, right


def _detached() -> Any:
    x = leaf([1.0, 2.0])
    d = x.detach()
    y = np.square(x).sum()
    d.data[0] = 7.0
    return [x], y, [[2.0, 4.0]]


def _detached_result() -> Any:
    x = leaf([1.0, 2.0])
    h = np.exp(x)
    right = h.data.copy()
    h.detach().data[:] = 7.0
    return [x], h.sum(), [right]


def _view_without_history_written() -> Any:
    x = leaf([1.0, 2.0])
    with mg.no_grad():
        v = x[:1]
    y = np.square(x).sum()
    v.data[:] = 7.0
    return [x], y, [[2.0, 4.0]]


def _view_of_an_intermediate() -> Any:
    x = leaf([0.0, 1.0])
    h = np.exp(x)
    with mg.no_grad():
        v = h.reshape(2, 1)
    right = h.data.copy()
    v.data[:] = 7.0
    return [x], h.sum(), [right]


def _turned_in_place() -> Any:
    x = leaf([[1.0, 2.0]])
    y = (x @ np.array([[1.0], [2.0]])).sum()
    x.data.shape = (2, 1)
    return [x], y, [[[1.0, 2.0]]]


def _numpys_view_of_it() -> Any:
    x = mg.tensor([1.0, 2.0])
    w = leaf([3.0, 4.0])
    y = (x * w).sum()
    np.asarray(x)[0] = 9.0
    return [w], y, [[1.0, 2.0]]


def _numpy_method() -> Any:
    x, w = mg.tensor([1.0, 2.0]), leaf([3.0, 4.0])
    y = (x * w).sum()
    x.numpy()[0] = 9.0
    return [w], y, [[1.0, 2.0]]


def _set_then_changed() -> Any:
    x, a = leaf([0.0, 0.0]), np.array([1.0, 2.0])
    x.data = a
    y = np.square(x).sum()
    a[0] = 9.0
    return [x], y, [[2.0, 4.0]]


def _set_to_a_view() -> Any:
    x, flat = leaf([0.0, 0.0]), np.array([1.0, 2.0, 3.0])
    x.data = flat[1:]
    y = np.square(x).sum()
    flat[1] = 9.0
    return [x], y, [[4.0, 6.0]]


def _labels() -> Any:
    z, t = leaf([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    loss = mg.cross_entropy(z, t, reduction="sum")
    t[:] = 0
    return [z], loss, [[[-0.5, 0.5], [0.5, -0.5]]]


def _cotangent_changed_by_a_hook() -> Any:
    x, y = leaf([1.0]), leaf([1.0])
    h = x * 1.0
    k = y * 1.0
    h.register_hook(_spoil)
    return [x, y], (h + k).sum(), [[1.0], [1.0]]


def _spoil(g: Any) -> None:
    g *= 0.0


def _custom(spoils: str) -> Any:
    buffer, kept = np.zeros(2), np.zeros(2)

    @mg.custom_vjp
    def double(x: Any) -> Any:
        return 2 * x

    def fwd(x: Any) -> Any:
        buffer[:] = 2 * x.data
        kept[:] = x.data
        return buffer, kept

    def bwd(k: Any, g: Any) -> Any:
        out = 2 * g + 0 * k
        if spoils == "cotangent":
            g *= 0
        if spoils == "residual twice":
            k += np.inf
        return (out,)

    double.defvjp(fwd, bwd)
    x, other_x = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    h = double(x)
    y = (np.exp(h * 0.0) * h + other_x).sum()
    if spoils == "result":
        buffer[:] = np.inf
    if spoils == "residual":
        kept[:] = np.nan
    if spoils == "residual twice":
        mg.autograd.grad(y, [x])
    return [x, other_x], y, [[2.0, 2.0], [1.0, 1.0]]


def _gradient_in_one_buffer() -> Any:
    buffer = np.zeros(2)

    @mg.custom_vjp
    def double(x: Any) -> Any:
        return 2 * x

    def bwd(_: Any, g: Any) -> Any:
        buffer[:] = 2 * g
        return (buffer,)

    double.defvjp(lambda x: (2 * x, None), bwd)
    x = leaf([1.0, 2.0])
    return [x], (double(x) + 10.0 * double(x)).sum(), [[22.0, 22.0]]


def _primal_written_in_a_jvp() -> Any:
    @mg.custom_jvp
    def square(x: Any) -> Any:
        return x * x

    @square.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = x * x, 2 * x * t
        if isinstance(x, np.ndarray):
            x *= 0
        return out

    x = leaf([1.0, 2.0])
    return [x], (square(x) + x**3).sum(), [[5.0, 16.0]]


def _large(change: Callable[[np.ndarray], Any]) -> Any:
    a, w = np.ones((600, 400)), leaf(np.ones(400))
    y = (a @ w).sum()
    change(a)
    return [w], y, [np.full(400, 600.0)]


def _set_row(a: np.ndarray) -> None:
    a[77] = 3.0


STORIES: dict[str, Callable[[], Any]] = {
    f.__name__[1:].replace("_", " "): f
    for f in (
        _buffer_in_a_loop, _mask, _index, _index_in_a_list, _list_as_an_operand, _made_from,
        _lent_long_ago, _own_gradient, _parameter_stepped, _optimizer_stepped, _stepped_in_no_grad,
        _state_loaded, _state_lent, _detached, _detached_result, _view_without_history_written,
        _view_of_an_intermediate, _turned_in_place, _numpys_view_of_it, _numpy_method,
        _set_then_changed, _set_to_a_view, _labels, _cotangent_changed_by_a_hook,
        _gradient_in_one_buffer, _primal_written_in_a_jvp,
    )
} | {
    f"custom: {what}": lambda what=what: _custom(what)
    for what in ("nothing", "result", "residual", "cotangent", "residual twice")
} | {
    "large, a row": lambda: _large(_set_row),
    "large, all": lambda: _large(lambda a: a.fill(2.0)),
    "large, turned": lambda: _large(lambda a: a.__setitem__(slice(None), a[::-1] * 2)),
}  # fmt: skip

REFUSED = {
    "lent long ago", "parameter stepped", "optimizer stepped", "stepped in no grad", "state loaded",
    "detached", "turned in place", "numpys view of it", "numpy method", "set then changed",
    "set to a view", "large, a row", "large, all", "large, turned",
}  # fmt: skip


@pytest.mark.parametrize("create_graph", [False, True], ids=["", "graph"])
@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str, create_graph: bool) -> None:
    leaves, y, right = STORIES[story]()
    if story in REFUSED:
        with pytest.raises(GradientError, match=" was changed after it was used here; "):
            mg.autograd.grad(y, leaves, create_graph=create_graph)
    else:
        got = mg.autograd.grad(y, leaves, create_graph=create_graph)
        for g, e in zip(got, right, strict=True):
            np.testing.assert_array_equal(plain(g), e)


def _set_one(a: np.ndarray) -> None:
    a[1, 1] = 3.0


def test_of_large_arrays_one_number_is_noticed_under_detect_anomaly() -> None:
    with mg.detect_anomaly():
        leaves, y, right = _large(_set_one)
        np.testing.assert_array_equal(mg.autograd.grad(y, leaves)[0], right[0])
        x = leaf(np.ones((600, 400)))
        z = np.square(x).sum()
        _set_one(x.data)
    with pytest.raises(GradientError, match="^square: the data of a tensor was changed"):
        z.backward()


def test_what_is_lent_and_not_changed_is_no_reason_to_refuse() -> None:
    leaves, y, right = _lent_long_ago(write=False)
    assert mg.autograd.grad(y, leaves)[0].tolist() == right[0]


def test_an_intermediate_cannot_be_written() -> None:
    x = leaf([1.0, 2.0])
    h = np.exp(x)
    for write in (
        lambda: h.data.fill(0.0),
        lambda: h.data.__setitem__(0, 1.0),
        lambda: np.add(h.data, 1.0, out=h.data),
        lambda: h.data[:1].fill(0.0),
        lambda: h.data.T.sort(),
    ):
        with pytest.raises(ValueError, match="read-only"):
            write()


def test_between_steps_a_leaf_may_be_written_in_every_way() -> None:
    w = leaf([1.0, 2.0])
    lent = w.data
    for step in range(4):
        w.clear_grad()
        before = w.data.copy()
        np.square(w).sum().backward()
        np.testing.assert_array_equal(w.grad, 2 * before)
        if step == 0:
            w.data -= 0.1 * w.grad
        elif step == 1:
            w.data[...] = w.data - 0.1 * w.grad
        elif step == 2:
            lent -= 0.1 * w.grad
        else:
            np.subtract(w.data, 0.1 * w.grad, out=w.data)
        np.testing.assert_allclose(w.data, 0.8 * before)
        assert w.data is lent


def test_results_without_history_can_be_written() -> None:
    with mg.no_grad():
        y = leaf([1.0, 2.0]) * 2.0
    y.data[0] = 7.0
    assert y.data.tolist() == [7.0, 4.0]
    z = mg.tensor([1.0, 2.0])[1:]
    z.data[0] = 7.0
    assert z.data.tolist() == [7.0]
    w = np.exp(leaf([0.0])).detach().requires_grad_()
    w.data -= 0.5
    mg.optim.SGD([w], lr=0.1).step()
    assert w.data.tolist() == [0.5]


@pytest.mark.parametrize("copy", [np.copy, mg.copy, lambda t: t.copy()], ids=["np", "mg", "method"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_copy_is_a_copy(copy: Any, requires_grad: bool) -> None:
    x = leaf([1.0, 2.0], requires_grad)
    c = copy(x)
    assert not np.shares_memory(c.data, x.data)
    x.data[0] = 7.0
    assert c.data.tolist() == [1.0, 2.0]


# ---- operators that change a leaf ----------------------------------------------------------------

SIGNS: dict[str, Any] = {
    "+=": lambda w, a: w.__iadd__(a), "-=": lambda w, a: w.__isub__(a), "*=": lambda w, a: w.__imul__(a),
    "/=": lambda w, a: w.__itruediv__(a), "//=": lambda w, a: w.__ifloordiv__(a),
    "%=": lambda w, a: w.__imod__(a), "**=": lambda w, a: w.__ipow__(a), "@=": lambda w, a: w.__imatmul__(a),
}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
def test_a_leaf_is_updated_in_no_grad_and_nowhere_else(sign: str) -> None:
    start, a = np.array([[4.0, 2.0], [1.0, 5.0]]), np.array([[2.0, 3.0], [1.0, 2.0]])
    w = leaf(start)
    with pytest.raises(GradientError) as caught:
        SIGNS[sign](w, a)
    assert f"write with mg.no_grad(): w {sign} ..." in str(caught.value)
    right = eval(f"start {sign[:-1]} a")
    held, lent = w, w.data
    with mg.no_grad():
        w = SIGNS[sign](w, a)
    assert w is held and w.data is lent and w.requires_grad and w.op is None
    np.testing.assert_array_equal(w.data, right)


def test_other_tensors_are_new_ones_after_an_operator_as_numbers_are() -> None:
    x = leaf([1.0, 2.0])
    h = x * 1.0
    before, total = h, mg.tensor(0.0)
    h += 1
    total += h.sum()
    assert h is not before and before.data.tolist() == [1.0, 2.0] and total.requires_grad

    def f(v: Any) -> Any:
        v *= v
        return v.sum()

    assert mg.grad(f)(np.array([3.0])).tolist() == [6.0]
    assert mg.grad(lambda v: mg.grad(f)(v).sum())(np.array([3.0])).tolist() == [2.0]
    assert mg.grad(f)(x).data.tolist() == [2.0, 4.0]


test_messages = messages.table(
    (
        lambda: leaf(1.0).__isub__(1.0),
        GradientError,
        "-=: a tensor is a leaf that requires grad, and its history would begin with the change; "
        "to update it, write with mg.no_grad(): w -= ...; for a new tensor, w = w - ...",
    ),
    (
        lambda: in_no_grad(leaf([1.0]), [1.0, 2.0]),
        ShapeError,
        "-=: the result has shape (2,), the tensor (1,); an update keeps the shape",
    ),
    (
        lambda: gradients(*STORIES["large, all"]()[1::-1]),
        GradientError,
        "matmul: a plain array of shape (600, 400) was changed after it was used here; run the "
        "forward pass again, and change data only after backward",
    ),
    (
        lambda: gradients(*STORIES["detached"]()[1::-1]),
        GradientError,
        "square: the data of a tensor was changed after it was used here; run the forward pass "
        "again, and change data only after backward",
    ),
)


def in_no_grad(w: Any, a: Any) -> None:
    with mg.no_grad():
        w -= a


def test_a_leaf_that_is_an_output_too_is_looked_at() -> None:
    x = leaf([1.0, 2.0])
    lent, y = x.data, np.square(x).sum()
    lent[0] = 9.0
    with pytest.raises(GradientError, match="^square: the data of a tensor was changed"):
        mg.autograd.grad([y, x], x, [1.0, np.ones(2)])
