"""The scalar MLP: micrograd's signatures, the tensor MLP's numbers."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn, scalar


@given(st.integers(0, 99), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_scalar_and_tensor_mlp_agree_in_value_and_every_gradient(
    seed: int, widths: list[int]
) -> None:
    random.seed(seed)
    small = scalar.MLP(2, widths)
    big = nn.MLP(2, widths, "relu", dtype=np.float64)
    for layer, linear in zip(
        small.layers, [m for m in big if isinstance(m, nn.Linear)], strict=True
    ):
        linear.weight.data = np.array([[w.data for w in n.w] for n in layer.neurons]).T
        linear.bias.data = np.array([n.b.data for n in layer.neurons])
    x = [0.5, -1.25]
    out = small([mg.Value(v) for v in x])
    total = sum(out) if isinstance(out, list) else out
    total.backward()
    big(np.array([x])).sum().backward()
    # Sums of at most four products of numbers below 4, in another order, three layers deep.
    bound = dict(rtol=1e-13, atol=1e-14)
    for layer, linear in zip(
        small.layers, [m for m in big if isinstance(m, nn.Linear)], strict=True
    ):
        ours = np.array([[w.grad for w in n.w] for n in layer.neurons]).T
        np.testing.assert_allclose(ours, linear.weight.grad, **bound)
        np.testing.assert_allclose([n.b.grad for n in layer.neurons], linear.bias.grad, **bound)


def test_the_constructors_and_reprs_are_micrograds() -> None:
    model = scalar.MLP(3, [2, 1])
    assert len(model.parameters()) == 3 * 2 + 2 + 2 + 1
    assert repr(model) == (
        "MLP of [Layer of [ReLUNeuron(3), ReLUNeuron(3)], Layer of [LinearNeuron(2)]]"
    )


def test_a_neuron_is_one_dot_node() -> None:
    out = scalar.Neuron(3, nonlin=False)([1.0, 2.0, 3.0])
    assert out.op.label == "dot"
    assert len(out.parents) == 7


def test_zero_grad_resets_every_gradient() -> None:
    model = scalar.MLP(2, [1])
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0, 0, 0]
