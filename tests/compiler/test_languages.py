"""The text of a program runs alone: in a bare namespace, a fresh interpreter, node and a C compiler."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value
from microgradnn.compiler.spellings import SPELLINGS
from microgradnn.engine.node import plain
from microgradnn.errors import TraceError

NODE, CC = shutil.which("node"), shutil.which("gcc") or shutil.which("cc")
NUMBERS = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1 + b * b),
    lambda a, b: a.tanh(), lambda a, b: a.sigmoid(), lambda a, b: a.relu(), lambda a, b: a.sin(),
    lambda a, b: (a * a + 1).log(), lambda a, b: (-(a * a)).exp(), lambda a, b: abs(a),
    lambda a, b: (a * a + 1) ** 0.5, lambda a, b: a**3, lambda a, b: 2 - a, lambda a, b: a.maximum(b),
    lambda a, b: a.hypot(b + 4), lambda a, b: a.arctan2(b + 7), lambda a, b: (a * a + 1).sqrt(),
    lambda a, b: a.cos() * 0.5, lambda a, b: -a, lambda a, b: 1 / (a * a + 2),
]  # fmt: skip


@st.composite
def formulas(draw: st.DrawFn) -> Any:
    """A function of three single numbers."""
    pick = st.tuples(st.sampled_from(NUMBERS), st.integers(0, 9), st.integers(0, 9))
    lines = draw(st.lists(pick, min_size=1, max_size=6))

    def formula(x: Any, w: Any, b: Any) -> Any:
        held = [x, w, b]
        for f, i, k in lines:
            held.append(f(held[i % len(held)], held[k % len(held)]))
        return held[-1] + 0.5 * x

    return formula


points = st.tuples(*[st.floats(-2, 2, width=32)] * 3)


def values(xs: Any) -> list[Value]:
    return [Value(float(x)) for x in xs]


@settings(max_examples=60)
@given(formulas(), points)
def test_a_program_of_values_is_eager_to_the_last_bit(f: Any, xs: Any) -> None:
    step = mg.compile(f, (0, 1, 2))
    y, gs = step(*values(xs))
    expected, slopes = mg.value_and_grad(f, (0, 1, 2))(*values(xs))
    assert [float(plain(v)).hex() for v in (y, *gs)] == [
        float(plain(v)).hex() for v in (expected, *slopes)
    ]


def near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.skipif(NODE is None, reason="no node")
@settings(max_examples=3)
@given(st.lists(st.tuples(formulas(), points), min_size=12, max_size=12))
def test_javascript_computes_the_same(drawn: Any) -> None:
    program, expected = [], []
    for f, xs in drawn:
        step = mg.compile(f, (0, 1, 2))
        y, gs = step(*values(xs))
        expected.append([y.data, *(g.data for g in gs)])
        text = step.source_in("js")
        call = f"formula_and_gradient({', '.join(map(repr, map(float, xs)))})"
        program.append(f"(() => {{ {text}\nreturn {call}.flat(); }})()")
    script = f"console.log(JSON.stringify([{', '.join(program)}]))"
    out = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, check=True)
    for got, wanted in zip(json.loads(out.stdout), expected, strict=True):
        assert all(map(near, got, wanted))


@pytest.mark.skipif(CC is None, reason="no C compiler")
@settings(max_examples=2)
@given(st.lists(st.tuples(formulas(), points), min_size=12, max_size=12))
def test_c_computes_the_same(tmp_path_factory: Any, drawn: Any) -> None:
    folder: Path = tmp_path_factory.mktemp("c")
    parts, calls, expected, helpers = [], [], [], set()
    for k, (f, xs) in enumerate(drawn):
        step = mg.compile(f, (0, 1, 2))
        y, gs = step(*values(xs))
        expected += [y.data, *(g.data for g in gs)]
        text = step.source_in("c").replace("formula_and_gradient", f"f{k}")
        head, _, body = text.partition(f"void f{k}")
        helpers |= {h for h in head.split("\n\n") if h.startswith("static")}
        parts.append(f"void f{k}{body}")
        calls.append(f"f{k}({', '.join(map(repr, map(float, xs)))}, &v, g); show(v, g);")
    shown = 'static void show(double v, double *g) { printf("%.17g %.17g %.17g %.17g\\n", v, g[0], g[1], g[2]); }'
    main = f"int main(void) {{ double v, g[3]; {' '.join(calls)} return 0; }}"
    file = folder / "all.c"
    file.write_text(
        "\n".join(["#include <math.h>", "#include <stdio.h>", *helpers, *parts, shown, main])
    )
    command = [
        str(CC),
        "-std=c99",
        "-Wall",
        "-Werror",
        "-Wno-unused-variable",
        str(file),
        "-lm",
        "-o",
    ]
    subprocess.run([*command, str(folder / "all")], check=True)
    out = subprocess.run([str(folder / "all")], capture_output=True, text=True, check=True)
    assert all(map(near, map(float, out.stdout.split()), expected))


def neuron(x: Any, w: Any, b: Any) -> Any:
    n = x * w + b
    o = n.tanh()
    return o


def test_a_neuron_in_four_languages() -> None:
    step = mg.compile(neuron, (0, 1, 2))
    step(*values((2.0, -3.0, 6.88)))
    assert step.source == (
        "import math\n\n\n"
        "def neuron_and_gradient(x, w, b):\n"
        "    # forward\n"
        "    n = x * w + b\n"
        "    o = math.tanh(n)\n\n"
        "    # backward\n"
        "    dn = 1 - o * o  # tanh: g * (1 - y * y)\n"
        "    dx = dn * w     # mul: g * b\n"
        "    dw = dn * x     # mul: g * a\n"
        "    return o, (dx, dw, dn)\n"
    )
    assert step.source_in("js") == (
        "function neuron_and_gradient(x, w, b) {\n"
        "  // forward\n"
        "  const n = x * w + b;\n"
        "  const o = Math.tanh(n);\n\n"
        "  // backward\n"
        "  const dn = 1 - o * o;  // tanh: g * (1 - y * y)\n"
        "  const dx = dn * w;     // mul: g * b\n"
        "  const dw = dn * x;     // mul: g * a\n"
        "  return [o, [dx, dw, dn]];\n"
        "}\n"
    )
    assert step.source_in("js", keep=True).endswith("  return {x, w, b, t, n, o, dn, dx, dw};\n}\n")
    assert "  double dn = 1.0 - o * o;" in step.source_in("c")
    assert "    o = np.tanh(n)\n" in step.source_in("numpy")


def test_lanes_one_sample_in_each() -> None:
    step = mg.compile(neuron, (0, 1, 2))
    step(*values((2.0, -3.0, 6.88)))
    space: dict[str, Any] = {}
    exec(step.source_in("numpy"), space)
    x = np.linspace(-1, 1, 5)
    o, (dx, dw, _) = space["neuron_and_gradient"](x, -3.0, 0.5)
    for k, at in enumerate(x):
        y, gs = step(*values((at, -3.0, 0.5)))
        assert near(o[k], y.data) and near(dx[k], gs[0].data) and near(dw[k], gs[1].data)


def test_ieee_where_python_would_raise() -> None:
    step = mg.compile(lambda x: 1 / x + x.exp() - x.log())
    for x in (0.5, 0.0, 1000.0, -1.0):
        y, g = step(Value(x))
        expected, slope = mg.value_and_grad(lambda x: 1 / x + x.exp() - x.log())(Value(x))
        assert repr((y.data, g.data)) == repr((expected.data, slope.data))


def test_what_a_language_cannot_say_is_refused_by_name() -> None:
    step = mg.compile(lambda x: x.erf())
    step(Value(0.5))
    with pytest.raises(TraceError) as error:
        step.source_in("js")
    assert str(error.value) == (
        "compile: erf has no spelling in js, which is for single numbers; print the program with "
        "lang='numpy'"
    )
    arrays = mg.compile(lambda x: np.sum(x * x))
    arrays(np.ones(3))
    with pytest.raises(TraceError, match=r"x has shape \(3,\), and js is for single numbers"):
        arrays.source_in("js")
    with pytest.raises(TraceError, match="no language 'rust'; use one of numpy, python, js, c"):
        arrays.source_in("rust")


def test_names_of_the_users_are_never_code() -> None:
    hostile = {"import os; os.system('x')": np.ones(2), "np": np.ones(2), "def": np.ones(2)}
    step = mg.compile(lambda p: np.sum(sum(p.values())))
    step(hostile)
    assert "os.system" not in step.source

    space: dict[str, Any] = {}
    exec(step.source, space)
    assert space["step"](**step.inputs(hostile))[0] == 6.0


def test_the_text_runs_in_a_fresh_interpreter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    p = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    x, t = rng.normal(size=(4, 3)), np.array([0, 1, 1, 0])

    def loss(p: Any, x: Any, t: Any) -> Any:
        return mg.cross_entropy(x @ p["W"] + p["b"], t)

    step = mg.compile(loss)
    value, g = step(p, x, t)
    path = step.save(tmp_path / "backprop.py")
    np.savez(tmp_path / "in.npz", **step.inputs(p, x, t))
    check = (
        "import sys, numpy as np\n"
        "import backprop\n"
        "given = dict(np.load('in.npz'))\n"
        "value, (dW, db) = backprop.loss_and_gradient(**given)\n"
        "assert not any(m.startswith('microgradnn') for m in sys.modules)\n"
        "print(value.hex() if hasattr(value, 'hex') else float(value).hex(), dW.tobytes().hex())\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", check],
        cwd=path.parent,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "."},
    )
    assert out.stdout.split() == [float(value).hex(), g["W"].tobytes().hex()], out.stderr


def test_every_row_of_the_table_names_an_op() -> None:
    from microgradnn.engine.op import OPS

    for name in SPELLINGS:
        assert name in OPS or hasattr(np, name.removeprefix("np."))
