"""explain(): its text word for word, its numbers against the engine's own pass."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value, tensor
from microgradnn.engine.op import OPS
from microgradnn.engine.walk import pullback
from microgradnn.errors import ConfigError, GradientError
from microgradnn.show import explain, notation
from microgradnn.show.backprop import backward


def neuron(lang: str = "en") -> str:
    x, w, b = Value(2.0), Value(-3.0), Value(6.88)
    m = x * w
    n = m + b
    o = n.tanh()
    d = o - 1
    L = d**2
    assert all((m, n, o, d))
    return str(explain(L, wrt=w, lang=lang))


NEURON = """\
L = (tanh(x*w + b) - 1)**2 = 0.0861896

step  node         value      slope             incoming   × local      = contribution
   0  L = d**2     0.0861896  dL/dL = 1                                                 start
   1  L = d**2                dL/dd = 2*d       1          × -0.587161  = -0.587161
   2  d = o - 1    -0.293581  dd/do = 1         -0.587161  × 1          = -0.587161
   3  o = tanh(n)  0.706419   do/dn = 1 - o**2  -0.587161  × 0.500972   = -0.294151
   4  n = m + b    0.88       dn/dm = 1         -0.294151  × 1          = -0.294151
   5  m = x*w      -6         dm/dw = x         -0.294151  × 2          = -0.588302

dL/dw = 2*d · 1 · (1 - o**2) · 1 · x = -0.588302  (one path)"""

CHINESE = """\
L = (tanh(x*w + b) - 1)**2 = 0.0861896

步骤  节点         数值       局部导数          传入的梯度  × 局部导数   = 贡献
   0  L = d**2     0.0861896  dL/dL = 1                                               起点
   1  L = d**2                dL/dd = 2*d       1           × -0.587161  = -0.587161
   2  d = o - 1    -0.293581  dd/do = 1         -0.587161   × 1          = -0.587161
   3  o = tanh(n)  0.706419   do/dn = 1 - o**2  -0.587161   × 0.500972   = -0.294151
   4  n = m + b    0.88       dn/dm = 1         -0.294151   × 1          = -0.294151
   5  m = x*w      -6         dm/dw = x         -0.294151   × 2          = -0.588302

dL/dw = 2*d · 1 · (1 - o**2) · 1 · x = -0.588302  (只有一条路径)"""

DEAD = """\
c = relu(a)*3 + a*a = 1

step  node          value  slope                       incoming  × local  = contribution
   0  c = v2 + v3   1      dc/dc = 1                                                      start
   1  c = v2 + v3          dc/dv2 = 1                  1         × 1      = 1
   2                       dc/dv3 = 1                  1         × 1      = 1
   3  v3 = a*a      1      dv3/da = a                  1         × -1     = -1
   4                       dv3/da = a                  1         × -1     = -1
   5  v2 = v1*3     0      dv2/dv1 = 3                 1         × 3      = 3
   6  v1 = relu(a)  0      dv1/da = 1 if a > 0 else 0  3         × 0      = 0             closed: nothing passes
      dc/da = -1 + -1 + 0 = -2  (3 uses, added up)

dc/da = -2  (3 paths, added up)"""


def test_a_neuron() -> None:
    assert neuron() == NEURON


def test_a_neuron_in_chinese() -> None:
    assert neuron("zh") == CHINESE


def test_several_uses_are_summed_and_a_closed_relu_says_so() -> None:
    a = Value(-1.0)
    c = a.relu() * 3 + a * a
    assert str(explain(c)) == DEAD


def network() -> tuple[mg.Tensor, dict[str, mg.Tensor]]:
    W = tensor(np.arange(6.0).reshape(3, 2) / 5, requires_grad=True)
    c = tensor([1.0, 2.0], requires_grad=True)
    X = np.ones((4, 3))
    h = mg.relu(X @ W + c)
    loss = mg.mean(h)
    return loss, {"W": W, "c": c, "h": h, "loss": loss, "X": X}


def test_tensors_show_shapes_and_say_which_axes_were_summed() -> None:
    loss, names = network()
    text = str(explain(loss, names=names))
    assert text.startswith("loss = mean(relu(X @ W + c)) = 3\n")
    assert "dloss/dW (3, 2) = X (4, 3)ᵀ @ dloss/dv1 (4, 2)" in text
    assert "c (2,) was repeated 4×: its gradient is summed over axis 0" in text
    assert text.endswith("dloss/dW = (3, 2) ~0.5  (one path)\ndloss/dc = [0.5, 0.5]  (one path)")


def test_a_second_derivative_is_explained_too() -> None:
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    g = x.grad
    assert explain(g, wrt=x).grads == {"x": 18.0}


def test_steps_are_data() -> None:
    x, y = Value(2.0), Value(5.0)
    z = x * y
    first, second = explain(z).steps
    assert (first.node, first.computed, first.argument, first.rule) == ("z", "x*y", "x", "y")
    assert (first.local, first.upstream, first.contribution, first.total) == (5.0, 1.0, 5.0, 5.0)
    assert (second.uses, second.closed, second.note) == (1, False, "")


def test_a_long_graph_shows_its_ends() -> None:
    x = Value(1.0)
    y = x
    for _ in range(500):
        y = y * 1.001
    text = str(explain(y, wrt=x))
    assert "… 380 steps are not shown; .steps has all, wrt= follows one input …" in text
    assert len(explain(y, wrt=x).steps) == 500


def test_html_and_latex() -> None:
    x = Value(2.0, "<x>")
    y = x.tanh()
    page = explain(y, names={"y": y})._repr_html_()
    assert "&lt;x&gt;" in page and "<x>" not in page
    x = Value(2.0)
    y = x.tanh()
    assert explain(y).to_latex() == (
        "\\begin{align*}\n"
        r"\frac{\partial y}{\partial x} &= \frac{\partial y}{\partial y} \cdot "
        r"\frac{\partial y}{\partial x} = \frac{\partial y}{\partial y} \cdot \left(1 - y^{2}\right)"
        r" = 1 \cdot 0.0706508 = 0.0706508"
        "\n\\end{align*}"
    )


def test_methods() -> None:
    x = Value(2.0)
    y = x * x
    assert str(y.explain()) == str(explain(y))
    t = tensor([1.0, 2.0], requires_grad=True)
    loss = (t * t).sum()
    assert np.array_equal(loss.explain().grads["t"], [2.0, 4.0])


def test_what_cannot_be_explained_is_refused() -> None:
    x, y = Value(1.0), Value(2.0, "y")
    with pytest.raises(GradientError, match="^explain: the result was not computed from 'y'$"):
        explain(x * 2, wrt=y)
    with pytest.raises(GradientError, match="^explain: got float, expected a Value or a Tensor"):
        explain(1.0)
    with pytest.raises(GradientError, match="does not depend on anything that requires grad"):
        explain(tensor([1.0]).sum())
    with pytest.raises(GradientError, match=r"^explain: output has shape \(2,\), need a single"):
        explain(tensor([1.0, 2.0], requires_grad=True) * 2)
    with pytest.raises(ConfigError, match="^lang: got 'fr', expected one of 'en', 'zh'$"):
        explain(x * 2, lang="fr")


# ---- properties ----------------------------------------------------------------------------------

ONE = sorted(n for n, op in OPS.items() if op.pointwise and op.number and op.rules and op.arity)


@pytest.mark.parametrize("name", ONE)
def test_every_rule_of_numbers_is_written_as_a_formula(name: str) -> None:
    op = OPS[name]
    low_high = op.domain or ((0.1, 0.9),) * op.arity
    xs = [Value(float(np.float64(0.4 * a + 0.6 * b)), f"x{i}") for i, (a, b) in enumerate(low_high)]
    if name in ("ldexp",):
        xs[1] = Value(2)
    done = backward(op(*xs), variables={})
    for flow in done.flows:
        formula = done.formula(flow)
        if op.rules[flow.place] is not None:
            assert formula is not None, name
            assert notation.text(formula) and notation.latex(formula)


STEPS = st.tuples(st.sampled_from("+*-tr"), st.integers(0, 9), st.integers(0, 9))


def made(sign: str, a: Value, b: Value) -> Value:
    match sign:
        case "+":
            return a + b
        case "*":
            return a * b
        case "-":
            return a - b
        case "t":
            return a.tanh()
    return a.relu()


@given(st.lists(STEPS, min_size=1, max_size=12))
def test_the_numbers_are_those_of_the_engine(plan: list[tuple[str, int, int]]) -> None:
    nodes = [Value(0.5), Value(-1.5), Value(2.0)]
    for sign, i, j in plan:
        nodes.append(made(sign, nodes[i % len(nodes)], nodes[j % len(nodes)]))
    y = nodes[-1]
    done = backward(y, variables={})
    assert done.totals == pullback([y], [1.0], None)
    for flow in done.flows:
        assert flow.local * flow.upstream == flow.contribution


def test_the_numbers_of_tensors_are_those_of_the_engine() -> None:
    loss, _ = network()
    done = backward(loss, variables={})
    for leaf, g in pullback([loss], [np.ones(())], None).items():
        assert np.array_equal(done.totals[leaf], g)


def test_nothing_is_touched() -> None:
    x = Value(2.0)
    y = x * x
    explain(y)
    assert x.grad == 0 and y.grad == 0
    assert not re.search("nan", repr(explain(y)))


def test_the_table_in_the_documentation_is_the_real_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "show.md").read_text("utf-8")
    assert NEURON in page
