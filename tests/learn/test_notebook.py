"""learn.check of functions that were defined in a notebook: in cells, without a file."""

import linecache
from typing import Any

import pytest

from microgradnn import learn
from microgradnn.errors import ConfigError
from microgradnn.learn.kept import kept

from .answers import engines


def cells(*texts: str) -> dict[str, Any]:
    """The names after some cells were run as IPython does: each has a file name of its own."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    for i, text in enumerate(texts):
        name = f"/tmp/ipykernel_1/{id(scope)}{i}.py"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), scope)
    return scope


def test_a_function_is_graded_with_what_it_uses() -> None:
    found = cells(
        "import math as m\nfrom math import tanh\nONE = 1",
        "%matplotlib inline\n".replace("%", "# %") + "def square(x):\n    return x * x\n",
        "def tanh_backward(g, x):\n    return g * (ONE - square(tanh(x)))\n",
        "def exp_backward(g, x):\n    return m.exp(x)\n",
    )
    right = learn.check(found["tanh_backward"])
    assert right and repr(right) == "✓ tanh_backward"
    wrong = learn.check(found["exp_backward"], lang="zh")
    assert not wrong
    assert repr(wrong).startswith("✗ exp_backward：没有用到上游传来的梯度 g\n  exp_backward(g=")
    assert "<td>✗</td>" in wrong._repr_html_()
    assert wrong.hint().startswith("提示 1/2：") and wrong.hint().startswith("提示 2/2：")
    assert right.hint() == ""
    assert kept("02").right == ["tanh_backward"]


def test_the_line_is_that_of_the_cell() -> None:
    found = cells("x = 1\n\n\ndef exp_backward(g, x):\n    y = x\n    return g * y.exp()\n")
    said = learn.check(found["exp_backward"]).found[0]
    assert (said.cause, said.words["line"]) == ("raises", "6")


def test_what_cannot_be_graded_is_one_sentence() -> None:
    found = cells("def exp_backwards(g, x):\n    return g\n")
    with pytest.raises(
        ConfigError, match=r"no exercise asks for 'exp_backwards'; did you mean 'exp_backward'\?$"
    ):
        learn.check(found["exp_backwards"])
    with pytest.raises(
        ConfigError, match=r"^learn.check: got float, need a function or a class, without"
    ):
        learn.check(2.0)  # type: ignore[arg-type]
    scope: dict[str, Any] = {}
    exec("def exp_backward(g, x):\n    return g\n", scope)
    with pytest.raises(
        ConfigError, match=r"^learn.check: the source of exp_backward is not to be had"
    ):
        learn.check(scope["exp_backward"])


def test_a_class_is_graded_with_its_step() -> None:
    found = cells(
        "import math, random\n\nother_cell = 3\n",
        engines.changed(("parent.grad +=", "parent.grad =")),
    )
    wrong = learn.check(found["Value"], "e5")
    assert repr(wrong).startswith(
        "✗ backward: a gradient is overwritten where it should be added to"
    )
    assert learn.check(found["Value"], "e3")
