"""steps(): the page's numbers are the engine's, also after a change, in node and in a browser."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, scalar, tensor
from microgradnn.engine.op import OPS
from microgradnn.errors import ConfigError, GradientError
from microgradnn.learn.catalogue import catalogue
from microgradnn.numerics.recording import quietly
from microgradnn.show import explain, scalars, steps
from microgradnn.show.javascript import NotSpelledError, helpers, source
from microgradnn.show.texts import CATALOGUES
from tests import browser
from tests.browser import needs_chromium

PAGE = Path(__file__).parents[2] / "microgradnn" / "show" / "page"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node")


def neuron() -> Any:
    x, w, b = Value(2.0), Value(-3.0), Value(6.88)
    m = x * w
    n = m + b
    o = n.tanh()
    d = o - 1
    L = d**2
    assert all((m, n, o, d))
    return steps(L, params=[w, b], lang="en")


def xor() -> Any:
    random.seed(1)
    net = scalar.MLP(2, [3, 1])
    return steps((net([Value(1.0, "x1"), Value(0.5, "x2")]) - 1) ** 2, lang="en")


def row() -> Value:
    z = tensor([[1.0, 2.0, 0.5]], requires_grad=True)
    loss = mg.cross_entropy(z, np.array([1]))
    return scalars(loss)


def head() -> Value:
    X, Wq, Wk, Wv = (
        tensor(np.array(a) / 2, requires_grad=True, name=n)
        for n, a in {
            "X": [[2.0, 1.0], [0.4, -2.0]],
            "Wq": [[1.0, 2.0], [3.0, -1.0]],
            "Wk": [[0.0, 1.0], [1.0, 0.0]],
            "Wv": [[2.0, 1.0], [1.0, -2.0]],
        }.items()
    )
    A = mg.softmax(X @ Wq @ (X @ Wk).T / np.sqrt(2))
    loss = ((A @ (X @ Wv)) ** 2).sum()
    return scalars(loss, names={})


def in_node(script: str) -> Any:
    core = json.dumps(str(PAGE / "core.js"))
    done = subprocess.run(
        [str(NODE), "-e", f"const Core = require({core});\n{script}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_json(x: float) -> Any:
    return x if np.isfinite(x) else str(x)


# ---- the numbers ---------------------------------------------------------------------------------

POINTS = (-2.5, -1.0, -0.3, 0.0, 0.4, 0.9, 1.0, 1.7, 3.0)


def spelled() -> dict[str, tuple[Any, int]]:
    found = {}
    for name, op in OPS.items():
        arity = 5 if name == "sumprod" else op.arity
        if (op.pointwise and op.number) or name == "sumprod":
            try:
                source(op, {}, arity)
            except NotSpelledError:
                continue
            found[name] = op, arity
    return found | {"sumprod9": (OPS["sumprod"], 9)}


def test_most_ops_of_numbers_can_be_said_in_javascript() -> None:
    assert {"add", "mul", "pow", "tanh", "relu", "sumprod", "exp", "log", "where"} <= set(spelled())
    with pytest.raises(NotSpelledError):
        source(OPS["erf"], {}, 1)


@needs_node
def test_ops_and_slopes_in_javascript_are_those_of_the_table() -> None:
    rng = np.random.default_rng(0)
    cases, expected = [], []
    for name, (op, arity) in spelled().items():
        for _ in range(12):
            xs = [float(x) for x in rng.choice(POINTS, arity)]
            if name == "where":
                xs[0] = float(xs[0] > 0)
            y = quietly(op.compute, xs)
            slopes = [quietly(op.pull, i, 1.0, y, xs) for i in range(arity)]
            cases.append([name, xs])
            expected.append([y, *(0.0 if s is None else s for s in slopes)])
    ops = ",\n".join(f"{name}: {source(op, {}, arity)}" for name, (op, arity) in spelled().items())
    found = in_node(
        f"const OPS = {{{ops}}};\n{helpers(ops)}\n"
        f"const out = {json.dumps(cases)}.map(([name, xs]) => {{ const op = OPS[name];"
        "const y = op.f(...xs); return [y, ...op.d.map((d) => d(y, ...xs))].map("
        "(v) => Number.isFinite(v) ? v : String(v).replace('Infinity', 'inf').toLowerCase()); });"
        "console.log(JSON.stringify(out));"
    )
    for case, mine, theirs in zip(cases, expected, found, strict=True):
        assert np.allclose(
            [float(v) for v in mine], [float(v) for v in theirs], 1e-12, 1e-300, equal_nan=True
        ), (case, mine, theirs)


@needs_node
def test_numbers_are_printed_as_python_prints_them() -> None:
    rng = np.random.default_rng(1)
    numbers = [float(x) for x in rng.normal(size=300) * 10.0 ** rng.integers(-12, 12, 300)]
    numbers += [0.0, 1.0, -2.5, 999999.5, 0.0001, 123456.0, 1234567.0, 1e-5]
    found = in_node(f"console.log(JSON.stringify({json.dumps(numbers)}.map((x) => Core.show(x))))")
    assert found == [f"{x:.6g}" for x in numbers]


def ran(page: Any, leaves: dict[str, float]) -> Any:
    """What the page computes with other numbers in its leaves."""
    data = json.dumps(page.data)
    ops = ",\n".join(f"{json.dumps(k)}: {v}" for k, v in page.ops.items())
    return in_node(
        f"const data = {data}; const OPS = {{{ops}}};\n{helpers(ops)}\n"
        f"const changed = {json.dumps(leaves)};"
        "const leaves = data.nodes.map((n) => n.name in changed ? changed[n.name] : n.v);"
        "const run = Core.run(data, OPS, leaves);"
        "const after = Core.updated(data, OPS, leaves, run.g);"
        "console.log(JSON.stringify({...run, names: data.nodes.map((n) => n.name), after}));"
    )


@needs_node
@pytest.mark.parametrize("make", [row, head])
def test_the_page_computes_what_the_engine_computes(make: Any) -> None:
    y = make()
    page = steps(y, names={}, lang="en")
    found = ran(page, {})
    grads = explain(y, names={}).grads
    for name, g in zip(found["names"], found["g"], strict=True):
        if name in grads:
            assert g == pytest.approx(grads[name], rel=1e-12)


@needs_node
def test_a_changed_leaf_changes_everything_and_the_update_follows() -> None:
    found = ran(neuron(), {"w": -3.5})
    x, w, b = Value(2.0), Value(-3.5), Value(6.88)
    loss = ((x * w + b).tanh() - 1) ** 2
    loss.backward()
    by_name = dict(zip(found["names"], found["g"], strict=True))
    assert [by_name[n] for n in "xwb"] == pytest.approx([x.grad, w.grad, b.grad], rel=1e-12)
    moved = ((2.0 * Value(-3.5 - 0.1 * w.grad) + Value(6.88 - 0.1 * b.grad)).tanh() - 1) ** 2
    assert found["after"]["result"] == pytest.approx(moved.data, rel=1e-12)


QUIZ = "{u: -0.5, l: 3, c: -1.5, t: -4, v: 11, others: [2], placed: {input: 8, output: -9}, "


@needs_node
def test_the_quiz_says_what_was_forgotten() -> None:
    answers = {
        -1.5: "right", 1.5: "sign", -4: "total", 3: "upstream", -0.5: "no_local", 2.5: "added",
        -1: "swapped", -3: "factor", 7: "wrong", -1.5004: "right", 4.5: "output_for_input", 0: "zero",
        11: "value", -5.5: "value", -4.5: "twice", -1 / 6: "inverse",
    }  # fmt: skip
    whole = {-4: "right", -1.5: "path_missing", -2.5: "path_missing", 4: "sign", -2: "factor"}
    for said, extra in ((answers, "whole: false}"), (whole, "whole: true}")):
        calls = f"{list(said)}.map((a) => Core.diagnose(a, {QUIZ}{extra}))"
        assert in_node(f"console.log(JSON.stringify({calls}))") == list(said.values())
    closed = in_node(
        "console.log(JSON.stringify(Core.diagnose(5, {u: 2, l: 0, c: 0, t: 0, v: 3})))"
    )
    assert closed == "closed"


@needs_node
def test_a_slope_taken_at_the_wrong_end_is_found_by_the_ops_of_the_graph() -> None:
    x = Value(0.7, "x")
    page = steps(x.tanh() * 3.0, names={})
    ops = ",\n".join(f"{json.dumps(k)}: {v}" for k, v in page.ops.items())
    k = next(k for k, f in enumerate(page.data["flows"]) if f["rule"].startswith("1 -"))
    got = in_node(
        f"const OPS = {{{ops}}};\n{helpers(ops)}\nconst data = {json.dumps(page.data)};"
        "const now = Core.run(data, OPS, data.nodes.map((n) => n.v));"
        f"console.log(JSON.stringify(Core.misplaced(data, OPS, {k}, now.v)))"
    )
    y = np.tanh(0.7)
    assert got == pytest.approx({"input": 1 - 0.7**2, "output": 1 - np.tanh(y) ** 2})


def test_the_quiz_names_mistakes_as_the_exercises_do() -> None:
    told = set(re.findall(r'\["(\w+)", ', (PAGE / "core.js").read_text("utf-8")))
    said = {k.removeprefix("quiz.") for k in CATALOGUES["en"] if k.startswith("quiz.")}
    assert said == told | {"ask", "ask_whole", "right", "wrong"}
    assert told - {"total", "closed"} <= {
        k.partition(".")[0] for k in catalogue("en").under("cause")
    }


def test_the_update_of_the_page_without_javascript_is_right() -> None:
    page = neuron()
    assert page.data["editable"] and page.data["after"] < 0.0861896
    w = next(n for n in page.data["nodes"] if n["name"] == "w")
    assert w["after"] == -3.0 - 0.1 * w["g"]


# ---- the file ------------------------------------------------------------------------------------


def test_the_page_is_one_small_file_without_network_and_always_the_same(tmp_path: Path) -> None:
    page = xor()
    assert page.html == xor().html
    assert not re.findall(r'(?:src|href)="(?!data:)|@import|fetch\(|XMLHttp', page.html)
    assert set(re.findall(r"https?://[^\"' ]+", page.html)) == {"http://www.w3.org/2000/svg"}
    assert "<noscript>" in page.html and "mg-explain" in page.html
    path = page.to_html(tmp_path / "backprop.html")
    assert path.read_text("utf-8") == page.html
    a = Value(0.5)
    for _ in range(49):
        a = (a * 1.01).tanh() if a.op is None or a.op.name == "mul" else a * 1.01
    big = steps(a, lang="zh")
    assert len(big.data["nodes"]) >= 50 and len(big.html.encode()) < 300_000
    assert '<html lang="zh">' in big.html


def test_names_cannot_break_the_page() -> None:
    x = Value(1.0, "</script><b>")
    page = steps(x * 2, names={}).html
    assert "</script><b>" not in page and "<\\/script><b>" in page


def test_tensors_are_stepped_through_too() -> None:
    z = tensor([[1.0, 2.0, 0.5]], requires_grad=True)
    loss = mg.cross_entropy(z, np.array([1]))
    page = steps(loss)
    assert not page.data["editable"] and page.data["why"] == "z"
    assert page.data["nodes"][0]["full"] == [
        "  1    2  0.5", " 0.2312  -0.3715   0.1402",
    ]  # fmt: skip
    assert page._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')


def test_what_cannot_be_stepped_through_is_refused() -> None:
    x = Value(1.0)
    y = x
    for _ in range(2001):
        y = y * 1.0
    with pytest.raises(ConfigError, match="^steps: the graph has 2001 steps, at most 2000"):
        steps(y)
    with pytest.raises(ConfigError, match="^steps: params has a value, which is no leaf"):
        steps(x * 2, params=[Value(3.0)])
    with pytest.raises(GradientError, match="^scalars: expected a Tensor of one number"):
        scalars(x)
    t = tensor(np.ones((50, 50)), requires_grad=True)
    with pytest.raises(ConfigError, match="^scalars: the arrays hold 2501 numbers, at most 2000"):
        scalars(t.sum())


def test_scalars_are_the_same_number() -> None:
    z = tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True, name="z")
    for loss in (mg.logsumexp(z), mg.mean((z @ z) ** 2), mg.cross_entropy(z, np.array([0, 1]))):
        again = scalars(loss, names={})
        assert again.data == pytest.approx(loss.item(), rel=1e-12)
        assert set(explain(again, names={}).grads) == {f"z[{i}, {j}]" for i in "01" for j in "01"}


# ---- in a browser --------------------------------------------------------------------------------

DRIVER = """
const frames = [...document.querySelectorAll("iframe")];
window.onload = () => {
  const found = frames.map((frame) => {
    const d = frame.contentDocument, w = frame.contentWindow, $ = (id) => d.getElementById(id);
    const key = (k) => d.dispatchEvent(new w.KeyboardEvent("keydown", {key: k, bubbles: true}));
    const wide = () => d.documentElement.scrollWidth - d.documentElement.clientWidth;
    const told = [$("told").textContent], over = [wide()];
    const n = Number($("place").max);
    for (let i = 0; i < n; i++) {
      if (i % 2) key("ArrowRight"); else $("next").click();
      told.push($("told").textContent);
      over.push(wide());
    }
    key("Home");
    const home = $("count").textContent;
    $("backward").click();
    d.querySelector('[data-n="1"]').dispatchEvent(new w.MouseEvent("click", {bubbles: true}));
    const before = $("total").textContent;
    $("number").value = "-3.5";
    $("number").dispatchEvent(new w.Event("input"));
    const after = $("total").textContent;
    over.push(wide());
    $("reset").click();
    $("quiz").click();
    $("guess").value = "1";
    $("check").click();
    const said = $("said").textContent;
    $("lang").value = "zh";
    $("lang").dispatchEvent(new w.Event("change"));
    const zh = $("backward").textContent;
    over.push(wide());
    $("reveal").click();
    return {told, over: Math.max(...over), home, before, after, said, zh, problems: w.problems,
            labels: [...d.querySelectorAll("button, select, input")].every(
              (e) => e.textContent || e.getAttribute("aria-label") || e.labels.length)};
  });
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
};
"""


@needs_chromium
def test_a_browser_shows_the_same_numbers_and_nothing_overflows(tmp_path: Path) -> None:
    inside = browser.watched(neuron().html)
    frames = "".join(
        f'<iframe srcdoc="{inside}" style="width:{w}px;height:900px"></iframe>'
        for w in (360, 768, 1440)
    )
    for seen in json.loads(browser.found(tmp_path, f"{frames}<script>{DRIVER}</script>")):
        assert seen["problems"] == [] and seen["over"] <= 0 and seen["labels"]
        assert seen["home"] == "1 / 16" and seen["zh"] == "反向传播"
        assert seen["told"][0] == "m = x*w = 2*(-3) = -6"
        assert seen["told"][6] == "dL/dd += dL/dL × dL/dd = 1 × (-0.587161) = -0.587161"
        assert seen["told"][12] == "dL/dw += dL/dm × dm/dw = -0.294151 × 2 = -0.588302"
        assert seen["told"][13] == "w ← -3 − 0.1 × (-0.588302) = -2.94117"
        assert seen["told"][15].startswith("L: 0.0861896 → 0.0516504")
        assert (seen["before"], seen["after"]) == ("dL/dw = -0.588302", "dL/dw = -4.41384")
        assert seen["said"].startswith("That is the gradient that arrives: you forgot to multiply")
