"""draw(): the same picture in every process, argument order, frames, folding; notebooks' HTML."""

import random
import re
import subprocess
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value, scalar, tensor
from microgradnn.errors import ConfigError, GradientError, MissingPackageError
from microgradnn.nn.history import History
from microgradnn.show import draw, node_bundle, pictures
from microgradnn.show.columns import place
from tests.show.test_explain import STEPS, made

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def titles(svg: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def neuron() -> Value:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.88, "b")
    return (x * w + b).tanh()


def test_numbers_gradients_and_what_flows_are_in_it() -> None:
    svg = draw(neuron(), names={}, lang="en").svg
    assert texts(svg)[:9] == ["tanh", "v3", "0.7064", "1", "+", "v2", "0.88", "0.501", "*"]
    assert "dv3/dw += 0.500972 × 2 = 1.00194" in titles(svg)
    assert (
        texts(svg)[-1] == "blue: the number · red: dv3/d that number · dotted: nothing flows back"
    )


def test_a_square_has_two_arrows_and_inputs_keep_their_order() -> None:
    x = Value(3.0)
    assert len(draw(x * x).lines) == 2
    a, b = Value(1.0), Value(2.0)
    drawing = draw(a / b)
    at = {box.name: drawing._tree.corner(box)[1] for box in drawing.boxes}
    assert at["a"] < at["b"]
    drawing = draw(b / a)
    at = {box.name: drawing._tree.corner(box)[1] for box in drawing.boxes}
    assert at["b"] < at["a"]


PROGRAM = """
import random
from microgradnn import Value, scalar
random.seed(3)
net = scalar.MLP(2, [3, 1])
loss = (net([Value(1.0), Value(0.5)]) - 1) ** 2
print(loss.draw(lang="en").svg)
"""


def test_another_process_draws_the_same() -> None:
    root = Path(__file__).parents[2]
    drawn = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert drawn[0] == drawn[1] and b"neurons[2] Neuron" in drawn[0]


def test_what_a_dead_relu_stops_is_dotted() -> None:
    x = Value(-1.0)
    drawing = draw(x.relu())
    assert drawing.lines[0].weight == 0.0
    assert "stroke-dasharray" in pictures.arrow(drawing.lines[0], drawing._tree)


def test_neurons_and_layers_have_frames() -> None:
    random.seed(1)
    net = scalar.MLP(2, [2, 1])
    loss = (net([1.0, 2.0]) - 1) ** 2
    heads = [t for t in texts(draw(loss).svg) if t.endswith(("Neuron", "Layer", "MLP"))]
    assert heads == [
        "net MLP", "layers[1].neurons[0] Neuron", "layers[0] Layer", "neurons[0] Neuron",
        "neurons[1] Neuron",
    ]  # fmt: skip


def test_a_model_used_in_a_circle_is_drawn_without_that_frame() -> None:
    cell = scalar.Neuron(1)
    y = cell([cell([cell([1.0]) + 1.0]) + 1.0])
    drawing = draw(y)
    assert "cell Neuron" not in texts(drawing.svg) and len(drawing.boxes) == 10


def test_a_large_graph_is_folded_and_says_so() -> None:
    random.seed(1)
    net = scalar.MLP(2, [8, 8, 1])
    x = [Value(1.0), Value(2.0)]
    loss = Value(0.0)
    for _ in range(10):
        loss = loss + net(x) ** 2
    drawing = draw(loss, lang="en")
    assert len(drawing.boxes) < 60
    assert drawing.notes[0].endswith("nodes folded into 17; focus= shows a part in full")
    part = draw(loss, focus=net.layers[0].neurons[0].w[0], lang="en", limit=1000)
    assert part.notes[0].startswith("only what lies between net.layers[0].neurons[0].w[0]")
    y = x[0]
    for _ in range(1000):
        y = y * 1.01
    cut = draw(y, lang="en")
    assert len(cut.boxes) == 300 and "702 earlier nodes" in texts(cut.svg)


def test_a_large_graph_that_uses_a_layer_again_and_again_is_folded_too() -> None:
    random.seed(0)
    cell, head = scalar.Layer(5, 4), scalar.Neuron(4)
    h = [Value(0.0)] * 4
    for t in range(30):
        h = cell([*h, Value(float(t))])
    drawing = draw(head(h), lang="en")
    assert "cell" in [box.name for box in drawing.boxes] and len(drawing.boxes) < 60


def test_a_transformer_of_single_numbers_is_folded_into_its_matrices() -> None:
    rng = random.Random(1)

    def weights(rows: int, columns: int) -> list[list[Value]]:
        return [[Value(rng.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]

    def times(matrix: list[list[Value]], x: list[Value]) -> list[Value]:
        return [sum((a * b for a, b in zip(r, x, strict=True)), Value(0.0)) for r in matrix]

    letter, query, key, wide = weights(4, 4), weights(4, 4), weights(4, 4), weights(4, 4)
    total, seen = Value(0.0), []
    for token in (0, 1, 2, 3, 1):
        x = [v + 0.1 for v in letter[token]]
        seen.append(times(key, x))
        q = times(query, x)
        looks = [sum((a * b for a, b in zip(q, k, strict=True)), Value(0.0)).exp() for k in seen]
        x = [v + sum(looks, Value(0.0)) for v in x]
        x = [a + b.relu() for a, b in zip(x, times(wide, x), strict=True)]
        total = total + times(letter, x)[token].exp()
    drawing = draw(total, lang="en")
    names = [box.name for box in drawing.boxes if box.kind == "folded"]
    assert sorted(names) == ["key", "letter", "letter (2)", "query", "wide"]
    assert len(drawing.boxes) < 14


@given(st.integers(0, 10**6), st.integers(5, 40))
def test_whatever_is_folded_can_be_drawn(seed: int, limit: int) -> None:
    rng = random.Random(seed)
    a, b = scalar.Layer(2, 2), scalar.Neuron(2)
    known = [Value(0.5), Value(-0.5)]
    for _ in range(12):
        x = [rng.choice(known), rng.choice(known)]
        match rng.randrange(3):
            case 0:
                known += a(x)
            case 1:
                known.append(b(x))
            case _:
                known.append(x[0] * x[1])
    y = sum(known, Value(0.0))
    drawing = draw(y, limit=limit)
    assert len(drawing.boxes) <= limit
    at = {box: drawing._tree.corner(box) for box in drawing.boxes}
    assert all(at[line.start][0] < at[line.end][0] for line in drawing.lines)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = draw(neuron(), names={})
    assert drawing.save(tmp_path / "g.svg").read_text("utf-8") == drawing.svg
    dot = drawing.save(tmp_path / "g.dot").read_text("utf-8")
    assert dot.startswith("digraph {") and dot.count("->") == 5
    with pytest.raises(ConfigError, match=r"^save: got .*, expected a name that ends in .svg"):
        drawing.save(tmp_path / "g.jpg")
    monkeypatch.setattr(pictures.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match="^save: a PNG needs rsvg-convert, inkscape or"):
        drawing.save(tmp_path / "g.png")


def test_names_cannot_break_the_picture() -> None:
    svg = draw(Value(1.0, '<script>"&') * 2).svg
    assert "<script>" not in svg and '<script>"&' in texts(svg)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(GradientError, match="^draw: got int, expected a Value or a Tensor"):
        draw(3)
    with pytest.raises(GradientError, match="^draw: focus= is no node of this graph$"):
        draw(neuron(), focus=Value(1.0))


def test_tensors_need_no_gradient_to_be_drawn() -> None:
    t = tensor([1.0, 2.0], requires_grad=True)
    svg = draw(t * 2, lang="en").svg
    assert "[2, 4]" in texts(svg) and texts(svg)[-1] == "blue: the number"


# ---- the layout ----------------------------------------------------------------------------------


@given(st.lists(STEPS, min_size=1, max_size=14))
def test_boxes_do_not_overlap_and_arrows_point_right(plan: list[tuple[str, int, int]]) -> None:
    nodes = [Value(0.5), Value(-1.5), Value(2.0)]
    for sign, i, j in plan:
        nodes.append(made(sign, nodes[i % len(nodes)], nodes[j % len(nodes)]))
    drawing = draw(nodes[-1], names={})
    at = {b: drawing._tree.corner(b) for b in drawing.boxes}
    for line in drawing.lines:
        assert at[line.start][0] + line.start.size[0] < at[line.end][0]
    corners = list(at.items())
    for k, (a, (x, y)) in enumerate(corners):
        for b, (u, v) in corners[k + 1 :]:
            apart = x + a.size[0] <= u or u + b.size[0] <= x or y + a.size[1] <= v
            assert apart or v + b.size[1] <= y
    ElementTree.fromstring(drawing.svg)


def test_few_lines_cross() -> None:
    sizes = {k: (10.0, 10.0) for k in "abcdef"}
    placed = place(sizes, [("a", "e"), ("b", "d"), ("c", "f"), ("d", "f"), ("e", "f")])
    assert (placed.corner["a"][1] < placed.corner["b"][1]) == (
        placed.corner["e"][1] < placed.corner["d"][1]
    )


# ---- notebooks -----------------------------------------------------------------------------------


def test_notebooks_get_text_html_and_svg() -> None:
    bundle = node_bundle(neuron())
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    t = tensor(np.arange(200.0).reshape(20, 10))
    assert "image/svg+xml" not in t._repr_mimebundle_() and t._repr_html_().count("<tr>") == 9
    assert (
        "grad" in Value(2.0, "<x>")._repr_html_() and "<x>" not in Value(2.0, "<x>")._repr_html_()
    )
    many = neuron()
    for _ in range(500):
        many = many * 1.0
    assert len(many._repr_html_()) < 150_000


def test_models_reports_and_histories() -> None:
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Tanh(), mg.nn.Linear(3, 1))
    page = model._repr_html_()
    assert page.count("<details") == 3 and "13 parameters" in page
    history = History()
    history.add(0, {"loss": 1.0})
    history.add(1, {"loss": float("nan")})
    history.add(2, {"loss": 0.5})
    assert re.search(r'd="M3\.0 3\.0M197\.0 57\.0"', history._repr_html_())
    assert "#1a7f37" in mg.check.Report("f<x>")._repr_html_()
    for html in (page, history._repr_html_()):
        assert "<script" not in html


def test_treescope_gets_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    lib = types.ModuleType("treescope.repr_lib")
    lib.render_object_constructor = lambda **given: given  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "treescope", types.ModuleType("treescope"))
    monkeypatch.setitem(sys.modules, "treescope.repr_lib", lib)
    shown = Value(2.0, "x").__treescope_repr__("path", "render")
    assert shown["attributes"] == {"data": 2.0, "grad": 0, "name": "x"}
    model = mg.nn.Sequential(mg.nn.Linear(2, 3))
    assert list(model.__treescope_repr__("path", "render")["attributes"]) == ["0"]
