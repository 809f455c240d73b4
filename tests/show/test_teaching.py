"""teach(): each mistake is told once, at its line, and right programs are left in peace; cost()."""

import linecache
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn, scalar, tensor
from microgradnn.errors import ConfigError, GradientError
from microgradnn.show import TeachingWarning, cost, teach


def told(program: Callable[[], Any], lang: str = "en") -> list[tuple[str, str]]:
    """(the line that is named, the sentence) of each warning."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        program()
    return [
        (linecache.getline(w.filename, w.lineno).strip(), str(w.message))
        for w in seen
        if issubclass(w.category, TeachingWarning)
    ]


def test_a_second_backward() -> None:
    def program() -> None:
        x = Value(2.0)
        with teach(lang="en"):
            loss = x * x
            loss.backward()
            loss.backward()  # again
            loss.backward()  # told once

    ((line, said),) = told(program)
    assert line == "loss.backward()  # again"
    assert said.startswith("backward() ran a second time over the same graph: the leaves'")


def test_gradients_that_were_not_cleared() -> None:
    def program() -> None:
        w = Value(2.0)
        with teach(lang="en"):
            for _ in range(3):
                loss = (w - 1) ** 2
                loss.backward()  # here
                w.data = w.data - 0.1 * w.grad

    ((line, said),) = told(program)
    assert line == "loss.backward()  # here"
    assert said.startswith("w was updated, but its gradient still holds the one from before")


def test_a_parameter_that_is_not_used() -> None:
    def program() -> None:
        model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        with teach(model, lang="en"):
            mg.mean(model[0](np.ones((4, 2)))).backward()  # forgot model[1]

    found = told(program)
    assert [said.partition(":")[0] for _, said in found] == [
        "the loss does not depend on 1.weight", "the loss does not depend on 1.bias",
    ]  # fmt: skip


def test_dead_relus_and_saturated_sigmoids_at_the_line_of_the_call() -> None:
    def program() -> None:
        x = tensor(np.linspace(50, 90, 40).reshape(4, 10), requires_grad=True)
        with teach(lang="en"):
            h = mg.relu(-x)  # dead
            s = mg.sigmoid(x)  # saturated
            (h.sum() + s.sum()).backward()

    lines = dict(told(program))
    assert lines["h = mg.relu(-x)  # dead"].startswith("relu is off for 10 / 10 of its outputs")
    assert lines["s = mg.sigmoid(x)  # saturated"].startswith("40 / 40 of the outputs of sigmoid")


def test_nan_born_in_backward_with_the_double_where() -> None:
    def program() -> None:
        x = tensor([0.0, 4.0], requires_grad=True)
        with teach(lang="en"):
            y = mg.where(x > 0, mg.sqrt(x), 0.0)  # born here
            y.sum().backward()

    ((line, said),) = told(program)
    assert line == "y = mg.where(x > 0, mg.sqrt(x), 0.0)  # born here"
    assert "write safe = np.where(x > 0, x, 1.0); y = np.where(x > 0, np.sqrt(safe), 0.0)" in said


def test_errors_are_explained() -> None:
    def changed() -> None:
        x = tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(GradientError), teach(lang="en"):
            y = (x * x).sum()
            x.data[0] = 3.0
            y.backward()  # too late

    def vector() -> None:
        x = tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(GradientError), teach(lang="zh"):
            (x * x).backward()  # a vector

    assert told(changed)[0][0] == "y.backward()  # too late"
    assert told(vector) == [
        ("(x * x).backward()  # a vector",
         "梯度是一个数的导数：请先用 .mean() 或 .sum() 把结果变成一个数")
    ]  # fmt: skip


def test_softmax_before_a_loss_of_logits_is_told_with_and_without() -> None:
    z = tensor([[1.0, 2.0]], requires_grad=True)
    with teach(), pytest.warns(match="its input was made by softmax; pass the logits"):
        mg.cross_entropy(mg.softmax(z), np.array([0])).backward()


def test_right_programs_are_left_in_peace() -> None:
    def program() -> None:
        random.seed(0)
        net = scalar.MLP(2, [8, 1])
        data = [(0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)]
        with teach(net):
            for _ in range(3):
                loss = sum(((net([a, b]) - t) ** 2 for a, b, t in data), Value(0.0))
                net.zero_grad()
                loss.backward()
                for p in net.parameters():
                    p.data -= 0.05 * p.grad
        model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = mg.optim.Adam(model.parameters())
        rng = np.random.default_rng(0)
        x = rng.normal(size=(16, 2)).astype(np.float32)
        with teach(model):
            for _ in range(3):
                for half in (x[:8], x[8:]):  # two backward passes a step
                    mg.mean(model(half) ** 2).backward()
                optimizer.step()
                optimizer.zero_grad()
            assert mg.jacrev(lambda t: t**2)(np.arange(3.0)).shape == (3, 3)

    assert told(program) == []


def test_it_leaves_no_trace_and_refuses_what_it_cannot_do() -> None:
    x = Value(2.0)
    with teach():
        y = x.tanh()
    y.backward()
    assert x.grad == pytest.approx(1 - np.tanh(2.0) ** 2)
    with pytest.raises(ConfigError, match="^teach: use it in a with statement"):
        teach()(lambda: None)
    with pytest.raises(ConfigError, match="^teach: got int, expected a model or a list of"):
        teach(3)


def test_the_work_of_a_gradient_is_counted() -> None:
    found = cost(lambda w: (np.tanh(w) ** 2).sum(), np.linspace(-1, 1, 50), lang="en")
    assert found.passes == {"differences": 51, "forward": 50, "reverse": 1}
    assert found.apart["forward"] < 1e-14 and found.apart["differences"] < 1e-5
    assert str(found) == (
        "50 numbers in, 1 out, 3 operations; the whole derivative takes\n"
        "  differences        51 × 3 = 153 operations\n"
        "  forward mode       50 × 3 = 150 operations\n"
        "  reverse mode        1 × 3 = 3 operations"
    )
    assert cost(lambda a, b: a * b, [1.0, 2.0], [3.0, 4.0]).passes["reverse"] == 2
    with pytest.raises(GradientError, match="^cost: f returns nothing that depends on its"):
        cost(lambda w: 3.0, [1.0])
