"""Film and plot: frames, what the page is given, a browser; curves as SVG."""

import base64
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import nn, scalar
from microgradnn.data import moons, xor
from microgradnn.errors import ConfigError, DataError, ShapeError
from microgradnn.nn.history import History
from microgradnn.show import Film, plot
from microgradnn.show.plots import nice_ticks
from tests import browser
from tests.browser import needs_chromium


def filmed(epochs: int = 4, every: int = 2) -> tuple[Film, nn.Module, History]:
    X, y = moons(60)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
    model.compile(optimizer="adam", loss="cross_entropy", metrics=["accuracy"])
    film = Film(model, X, y, test=moons(20, seed=1), every=every, lang="en")
    history = model.fit(X, y, epochs=epochs, verbose=0, callbacks=[film], seed=0)
    return film, model, history


def test_a_frame_before_training_and_every_so_many_epochs() -> None:
    film, model, history = filmed()
    assert [f["step"] for f in film.frames] == [0, 2, 4]
    last = film.frames[-1]
    assert last["figures"]["loss"] == pytest.approx(history.history["loss"][-1], rel=1e-5)
    assert list(last["gradients"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(last["hidden"]) == ["0 Linear", "1 Tanh", "2 Linear"]
    assert sum(last["hidden"]["1 Tanh"]["bars"]) == 60 * 4
    grid = film._grid.astype(np.float32)
    told = np.frombuffer(base64.b64decode(last["scores"][0]), np.uint8)
    assert np.array_equal(told, model(grid).data.argmax(axis=1))
    assert not model.training or model.training is True
    assert model(grid[:1]).shape == (1, 2)  # no hook is left


def test_filming_does_not_change_training() -> None:
    weights = []
    for with_film in (True, False):
        X, y = xor(40)
        np.random.seed(0)
        model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.2), nn.Linear(4, 1))
        for p in model.parameters():
            p.data = np.linspace(-1, 1, p.size).reshape(p.shape).astype(np.float32)
        model.compile(optimizer="sgd", loss="binary_cross_entropy_with_logits")
        films = [Film(model, X, y)] if with_film else []
        model[1].p = 0.0
        model.fit(X, y[:, None].astype(np.float32), epochs=2, verbose=0, callbacks=films, seed=0)
        weights.append(model[2].weight.data.copy())
    assert np.array_equal(*weights)


@pytest.mark.parametrize("end", [nn.Sigmoid(), nn.Tanh(), None])
def test_one_output_is_read_as_its_last_op_says(end: nn.Module | None) -> None:
    linear = nn.Linear(2, 1)
    linear.weight.data = np.array([[3.0], [0.0]], np.float32)
    linear.bias.data = np.zeros(1, np.float32)
    film = Film(nn.Sequential(linear, *([end] if end else [])), *xor(20))
    film.shoot(loss=float("nan"))
    classes = np.frombuffer(base64.b64decode(film.frames[0]["scores"][0]), np.uint8)
    assert np.array_equal(classes, film._grid[:, 0] > 0)
    assert film.frames[0]["figures"] == {"loss": "nan"}


def test_micrograds_models_and_labels() -> None:
    X, y = moons(30)
    film = Film(scalar.MLP(2, [3, 1]), X, 2 * y - 1)
    film.shoot(loss=0.5)
    assert set(film.points[1]) == {0, 1} and list(film.frames[0]["gradients"]) == [""]


def test_the_table_says_what_the_optimiser_does() -> None:
    film, model, _ = filmed()
    first, last = film.frames[0]["table"], film.frames[-1]["table"]
    assert [r["name"] for r in last] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert set(first[0]) == {"name", "p", "g"} and set(last[0]) == {
        "name",
        "p",
        "g",
        "m",
        "√v",
        "Δp",
    }
    assert last[0]["p"] == pytest.approx(np.sqrt(np.mean(model[0].weight.data ** 2)), rel=1e-5)
    for row in last:  # a step of Adam is at most about lr wide
        assert 0 < row["Δp"] < 2e-3 and row["√v"] > 0
    X, y = moons(10)
    model = nn.Linear(2, 2)
    own = Film(model, X, y, optimizer=mg.optim.SGD(model.parameters(), lr=0.1))
    own.shoot(loss=1.0)
    assert set(own.frames[0]["table"][0]) == {"name", "p", "g"}


def test_a_film_as_a_gif(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    film, _, _ = filmed(2, 1)
    path = film.to_gif(tmp_path / "moons.gif", milliseconds=80)
    assert path.read_bytes() == film.to_gif(tmp_path / "again.gif", milliseconds=80).read_bytes()
    with image.open(path) as gif:
        assert gif.n_frames == 3 and gif.info["duration"] == 80
        pixel = gif.convert("RGB").getpixel((2, 2))
    classes, sure = (np.frombuffer(base64.b64decode(s), np.uint8) for s in film.frames[0]["scores"])
    colour = np.array([[11, 87, 208], [217, 119, 6]][classes[0]])
    share = 0.08 + 0.5 * sure[0] / 255
    assert np.abs(np.array(pixel) - (255 * (1 - share) + colour * share)).max() < 40  # 128 colours
    with pytest.raises(ConfigError, match="^Film: there is no frame; give it to fit"):
        Film(nn.Linear(2, 2), *moons(5)).to_gif(tmp_path / "none.gif")


def test_what_cannot_be_filmed_is_refused() -> None:
    X, y = moons(10)
    model = nn.Linear(2, 2)
    with pytest.raises(ShapeError, match=r"^Film: X has shape \(10, 3\) and 10 labels, expected"):
        Film(model, np.ones((10, 3)), y)
    with pytest.raises(DataError, match="^Film: X has nan or inf; leave these points out$"):
        Film(model, X * np.nan, y)
    with pytest.raises(ShapeError, match="^Film: the labels of X are not whole numbers"):
        Film(model, X, y + 0.5)
    with pytest.raises(ConfigError, match="^Film: every is 0, expected a whole number >= 1$"):
        Film(model, X, y, every=0)
    with pytest.raises(ConfigError, match="^Film: there is no frame; give it to fit"):
        _ = Film(model, X, y).html


DRIVER = """
window.onload = () => {
  const frame = document.querySelector("iframe");
  const d = frame.contentDocument, w = frame.contentWindow, $ = (id) => d.getElementById(id);
  const first = $("count").textContent;
  d.dispatchEvent(new w.KeyboardEvent("keydown", {key: "End", bubbles: true}));
  const drawn = $("plane").getContext("2d").getImageData(5, 5, 1, 1).data[3];
  const found = {first, last: $("count").textContent, figures: $("figures").textContent, drawn,
    rows: d.querySelectorAll(".row").length, problems: w.problems,
    over: d.documentElement.scrollWidth - d.documentElement.clientWidth};
  $("lang").value = "zh";
  $("lang").dispatchEvent(new w.Event("change"));
  found.zh = $("play").textContent;
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
};
"""


@needs_chromium
def test_a_browser_plays_it(tmp_path: Path) -> None:
    film, _, history = filmed()
    inside = browser.watched(film.html)
    frame = f'<iframe srcdoc="{inside}" style="width:360px;height:900px"></iframe>'
    found = json.loads(browser.found(tmp_path, f"{frame}<script>{DRIVER}</script>"))
    assert found["problems"] == [] and found["over"] <= 0
    assert (found["first"], found["last"], found["zh"]) == ("epoch 0", "epoch 4", "播放")
    assert f"loss {history.history['loss'][-1]:.4g}" in found["figures"]
    assert found["rows"] == 4 + 3 and found["drawn"] > 0


# ---- curves --------------------------------------------------------------------------------------


def test_curves_of_a_run_and_of_several(tmp_path: Path) -> None:
    _, _, history = filmed(3)
    svg = plot(history, lang="en").svg
    said = [t.text or "" for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")]
    assert "loss" in said and "accuracy" in said and "epoch 3" in said
    two = plot({"SGD": history, "Adam": history}).svg
    assert "SGD loss" in two and "Adam accuracy" in two
    values = {"loss": [1.0, float("nan"), 0.1], "val_loss": [2.0, 1.0, 0.5]}
    drawn = plot(values, log=True).svg
    assert drawn.count('stroke-dasharray="5 3"') == 2 and ">0.1<" in drawn and ">10<" in drawn
    assert plot([3.0, 2.0]).save(tmp_path / "a.svg").exists()
    assert ElementTree.fromstring(plot({"<b>": [float("inf")]}).svg) is not None
    with pytest.raises(ConfigError, match="^plot: there are no numbers; give what fit"):
        plot(History())
    with pytest.raises(ConfigError, match="^save: got .* expected a name that ends in .svg or"):
        plot([1.0]).save(tmp_path / "a.pdf")


@pytest.mark.parametrize("low, high", [(0, 1), (3, 3), (0.0123, 0.7), (-5, 1000), (0, 0), (-2, -1)])
def test_ticks_are_round_and_reach_both_ends(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 7 and ticks[0] <= low and ticks[-1] >= high - 1e-9
    assert mg.show.plots.nice_ticks is nice_ticks
