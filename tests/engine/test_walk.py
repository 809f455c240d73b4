"""The engine alone: what is visited, what comes back, and that no node is written on."""

import gc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value
from microgradnn.engine import ops
from microgradnn.engine.op import OPS, Op
from microgradnn.engine.walk import order, pullback, pushforward
from microgradnn.errors import GradientError


def leaf(x: Any) -> mg.Tensor:
    return mg.tensor(x, requires_grad=True)


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[Value], list[mg.Tensor], Value, mg.Tensor]:
    """The same drawn program of a dozen ops over Values and over 0-d Tensors."""
    start = draw(st.lists(st.floats(-2, 2), min_size=1, max_size=3))
    values, tensors = [Value(x) for x in start], [leaf(x) for x in start]
    vs, ts = list(values), list(tensors)
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(["add", "sub", "mul", "tanh", "sin", "sigmoid", "square"]))
        picks = [draw(st.integers(0, len(vs) - 1)) for _ in OPS[name].domain]
        vs.append(OPS[name](*[vs[i] for i in picks]).tanh())
        ts.append(OPS[name](*[ts[i] for i in picks]).tanh())
    return values, tensors, vs[-1], ts[-1]


@given(programs())
def test_any_program_has_the_same_gradients_on_values_and_on_tensors(program: Any) -> None:
    values, tensors, v, t = program
    v.backward()
    t.backward()
    assert abs(v.data - t.data) <= 1e-15
    for a, b in zip(values, tensors, strict=True):
        expected = 0.0 if b.grad is None else float(b.grad)
        # Slopes are at most 4 in each of 24 ops, and numbers at most 4: few bits are lost.
        assert abs(a.grad - expected) <= 1e-13 * max(1.0, abs(expected))


@given(programs(), st.floats(-2, 2))
def test_forward_mode_is_the_transpose_of_reverse_mode_for_any_program(
    program: Any, t: float
) -> None:
    values, _, v, _ = program
    grads = pullback([v], [1.0], values)
    pushed = pushforward([v], values, [t] * len(values))[0]
    right = sum(g * t for g in grads.values())
    size = sum(abs(g * t) for g in grads.values())
    assert abs((pushed or 0.0) - right) <= 1e-13 * max(1.0, size)


def test_a_diamond_adds_both_paths_and_x_times_x_has_two_edges() -> None:
    x = Value(3.0)
    y = x * x
    assert y.parents == (x, x)
    (y + y * x).backward()
    assert x.grad == 2 * 3 + 3 * 9


def test_every_rule_runs_once_however_often_a_node_is_used() -> None:
    calls = []

    def rule(g: Any, y: Any, x: Any) -> Any:
        calls.append(1)
        return g

    probe = Op("probe", "custom", None, lambda x: x + 0, (rule,))
    y = x = leaf([1.0])
    for _ in range(50):  # 2^50 paths
        y = probe(y)
        y = y + y
    y.sum().backward()
    assert len(calls) == 50
    assert x.grad == 2.0**50


def test_a_chain_of_200_000_nodes_needs_no_stack_and_no_collector() -> None:
    gc.disable()
    try:
        x = y = Value(1.0)
        for _ in range(200_000):
            y = y * 1.00001
        y.backward()
        assert np.isclose(x.grad, 1.00001**200_000, rtol=1e-9)
        del y
        before = gc.get_count()[0]
        assert before < 200_000  # freed by reference counts alone
    finally:
        gc.enable()


def test_only_what_lies_between_inputs_and_outputs_is_visited() -> None:
    a, b = leaf(2.0), leaf(3.0)
    middle = a * a
    y = middle * b
    assert set(order([y], [middle])) == {y, middle, b}
    grads = pullback([y], [np.ones(())], [middle])
    assert set(grads) == {middle}
    assert grads[middle] == 3.0


def test_an_unused_input_is_absent_and_a_flat_path_gives_zero() -> None:
    x, unused = leaf([1.0, -2.0]), leaf(1.0)
    y = mg.sign(x).sum() + x.sum() * 0
    grads = pullback([y], [np.ones(())], [x, unused])
    assert unused not in grads
    flat = leaf([1.0])
    mg.sign(flat).sum().backward()
    assert flat.grad.tolist() == [0.0]


def test_several_outputs_add_their_cotangents() -> None:
    x = leaf(2.0)
    one, two = x * 3, x * x
    grads = pullback([one, two], [np.ones(()), np.full((), 10.0)], [x])
    assert grads[x] == 3 + 10 * 4


def test_walks_write_on_no_node() -> None:
    x = leaf([1.0, 2.0])
    h = x * 2
    y = h.sum()
    pullback([y], [np.ones(())])
    pushforward([y], [x], [np.ones(2)])
    assert (x.grad, h.grad, y.grad) == (None, None, None)


def test_changed_data_is_refused_with_the_op_that_used_it() -> None:
    x = mg.tensor([1.0], requires_grad=True, name="x")
    y = (x * x).sum()
    x.data -= 0.5
    with pytest.raises(GradientError) as error:
        y.backward()
    assert str(error.value) == (
        "mul: the data of 'x' was changed after it was used here; "
        "run the forward pass again, and change data only after backward"
    )
    (x * x).sum().backward()  # a new graph is fine
    assert x.grad == 1.0


def test_data_assigned_to_a_result_is_refused() -> None:
    x = Value(2.0)
    y = x * x
    y.data = 5.0
    with pytest.raises(GradientError, match="the data of a result was assigned to"):
        y.backward()
    z = x * 3
    w = z * 2
    z.data = 1.0
    with pytest.raises(GradientError, match="was changed after it was used"):
        w.backward()


def test_forward_mode_of_an_op_without_its_own_transposes_the_rule() -> None:
    assert ops.softmax.push is None
    x = leaf([0.1, 0.7, -0.4])
    y = mg.softmax(x)
    t = np.array([1.0, -2.0, 0.5])
    s = y.data
    (got,) = pushforward([y], [x], [t])
    np.testing.assert_allclose(got, s * (t - (s * t).sum()), rtol=0, atol=4 * 2.0**-52)


def test_a_copy_among_the_inputs_does_not_hide_what_lies_before_it() -> None:
    x = leaf([1.0, 2.0])
    c = mg.copy(x)
    grads = pullback([(c * 2).sum()], [np.ones(())], [x, c])
    assert (grads[x].tolist(), grads[c].tolist()) == ([2.0, 2.0], [2.0, 2.0])


def test_without_recording_a_value_keeps_no_history() -> None:
    x = Value(2.0)
    with mg.no_grad():
        y = x * x
        z = mg.clip(x, 0.0, y)
    assert (y.parents, y.first, y.second) == ((), None, None)
    assert (z.parents, z.first, z.second) == ((), None, None)
