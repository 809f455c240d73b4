"""given_layer and stateful: right layers pass; wrong ones fail small, with their code, to paste."""

import unittest

import numpy as np
import pytest
from hypothesis import given

from microgradnn import check
from microgradnn.errors import CheckError, ConfigError


def affine_forward(x, w):
    return x @ w, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


def relu_forward(x):
    return np.maximum(x, 0), x


def late_relu_backward(dout, x):
    return dout * (x > -1.5)


def test_a_right_layer_passes_and_its_body_runs():
    seen = []

    @check.given_layer(affine_forward, affine_backward, max_examples=8, x=("N", "D"), w=("D", "M"))
    def test(report):
        seen.append(report.shapes[0])

    test()
    assert len({str(s) for s in seen}) > 1


def test_a_wrong_one_fails_small_with_lines_to_paste():
    @check.given_layer(relu_forward, late_relu_backward, max_examples=40, x=("N",))
    def test(report):
        """Not reached where it is wrong."""

    with pytest.raises(CheckError) as error:
        test()
    assert type(error.value).__name__ == "CheckError_GC201"
    text = str(error.value)
    lines = text.partition("to paste:\n")[2]
    scope = {
        "relu_forward": relu_forward,
        "late_relu_backward": late_relu_backward,
        "print": lambda r: scope.update(r=r),
    }
    exec(lines, scope)
    assert scope["r"].verdict == "FAIL" and scope["x"].shape == (1,) and -1.5 < scope["x"][0] < 0


def test_what_given_layer_does_not_take():
    with pytest.raises(ConfigError) as error:
        check.given_layer(affine_forward, affine_backward)
    assert str(error.value) == "given_layer: no shapes given; write x=('N', 'D')"
    with pytest.raises(ConfigError) as error:
        check.given_layer(affine_forward, affine_backward, x="N")
    assert str(error.value) == "x: its shape is 'N', need a tuple such as ('N', 'D')"
    with pytest.raises(ConfigError) as error:
        check.strategies.hyper("epsilon_")
    assert str(error.value).startswith(
        "hyper: 'epsilon_' has no usual values here; write hyper(epsilon_="
    )


@given(check.strategies.inputs(x=("N", "D"), w=("D", 2)), check.strategies.cotangents((3,)))
def test_strategies_fit(inputs, dout):
    assert (inputs["x"] @ inputs["w"]).shape == (len(inputs["x"]), 2)
    assert (np.abs(dout) >= 0.5).all()


class Scale:
    """A layer with two modes; backward is that of the last forward."""

    def __init__(self, d):
        self.w, self.training = np.ones(d), True

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        self.x, self.factor = x, 2.0 if self.training else 1.0
        return self.factor * self.w * x

    def backward(self, dout):
        self.dw = self.factor * (dout * self.x).sum(0)
        return self.factor * self.w * dout


class Late(Scale):
    """Its backward asks for the mode of now, not for that of its forward."""

    def backward(self, dout):
        self.factor = 2.0 if self.training else 1.0
        return super().backward(dout)


@pytest.mark.parametrize(("make", "code"), [(Scale, ""), (Late, "GC060")])
def test_objects_used_in_any_order(make, code):
    case = check.stateful(make, init=("D",), x=("N", "D"), steps=6, max_examples=30)
    result = unittest.TestResult()
    case("runTest").run(result)
    errors = [text for _, text in (*result.failures, *result.errors)]
    assert bool(errors) == bool(code)
    assert all(f"CheckError_{code}" in text for text in errors)
