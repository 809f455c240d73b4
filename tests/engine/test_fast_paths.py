"""What stands under "the same again, for speed" is the same: bit for bit, with and without it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import Value, scalar
from microgradnn.engine import walk

FAST = ["__add__", "__mul__", "__sub__", "__truediv__", "relu", "tanh"]


@contextmanager
def without_them() -> Iterator[None]:
    """The engine as it is above those headings."""

    def general(nodes: list[Any], grads: dict[Any, Any]) -> None:
        for node in nodes:
            if grads[node] is not None and node.op is not None:
                walk.pull(node, grads[node], grads, False)

    with pytest.MonkeyPatch.context() as patch:
        for name in FAST:
            patch.delattr(Value, name)
        patch.setattr(walk, "_sweep_numbers", general)
        yield


def test_the_list_above_is_complete() -> None:
    with without_them():
        assert "_binary" not in Value.__add__.__qualname__
        assert "_unary" not in Value.tanh.__qualname__
    own = [name for name, f in vars(Value).items() if "_unary" in getattr(f, "__qualname__", "")]
    own += [name for name, f in vars(Value).items() if "_binary" in getattr(f, "__qualname__", "")]
    assert set(own) <= set(FAST)


numbers = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, 2.0]), st.integers(-3, 3))


def program(x: Any, y: Any, n: Any) -> list[Any]:
    a, b = Value(x), Value(y)
    z = (a * b + n) / (b - a) - (a * n).relu() * (b + a).tanh() + a / n + (a - n) * a
    z = z + a.maximum(b) * b.relu().sigmoid() + b * b
    z.backward()
    return [z.data, a.grad, b.grad]


@given(numbers, numbers, numbers)
def test_programs_have_the_same_bits(x: Any, y: Any, n: Any) -> None:
    fast = program(x, y, n)
    with without_them():
        plain = program(x, y, n)
    np.testing.assert_array_equal(np.array(fast, float), np.array(plain, float))


def test_a_network_of_sums_of_products_has_the_same_bits() -> None:
    def gradients() -> list[float]:
        random.seed(5)
        model = scalar.MLP(2, [4, 4, 1])
        loss = sum((model([i / 3, 1 - i]) - i) ** 2 for i in range(4))
        loss.backward()
        return [p.grad for p in model.parameters()]

    fast = gradients()
    with without_them():
        assert gradients() == fast
    assert any(fast)
