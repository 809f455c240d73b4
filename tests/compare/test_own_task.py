"""Tasks of one's own: options, TOML files, data files; what does not fit is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import compare
from compare import __main__ as cli
from compare import frameworks, lockstep, own_task
from compare.frameworks import ours
from microgradnn.errors import ConfigError

MOONS: dict[str, Any] = {"model": "2-8-2", "data": "moons"}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, 'task: no model; write model = "784-64-10", widths from input to output'),
        (MOONS | {"lose": "ce"}, f"task: unknown key 'lose', use {', '.join(own_task.KEYS)}"),
        (
            MOONS | {"model": "2-x"},
            "task: model is '2-x', need widths from input to output, 784-64-10",
        ),
        (MOONS | {"model": "3-2"}, "task: the data has 2 features, the model takes 3"),
        (MOONS | {"model": "2-1"}, "task: labels are 0 to 1, the model has 1 outputs"),
        (MOONS | {"loss": "bce", "model": "2-3"}, None),
        (
            MOONS | {"activation": "rel"},
            "task: unknown activation 'rel', use identity, relu, tanh, sigmoid, leaky_relu, elu, "
            "softplus, gelu, silu",
        ),
        (MOONS | {"steps": 0}, "task: steps is 0, need a whole number from 1 on"),
        (MOONS | {"steps": True}, "task: steps is True, need a whole number from 1 on"),
        (MOONS | {"l2": -1}, "task: l2 is -1, need a number from 0 on"),
        (
            MOONS | {"optimizer": "adam:lr=fast"},
            "optimizer: lr is 'fast', need a number",
        ),
        (
            MOONS | {"optimizer": "adam:rate=1"},
            "optimizer: unknown option 'rate', use name, lr, momentum, nesterov, weight_decay, "
            "betas, eps, alpha, accumulator, amsgrad, form",
        ),
        (
            MOONS | {"optimizer": "adam:betas=0.9"},
            "optimizer: betas is (0.9,), need two numbers, as 0.9/0.999",
        ),
        (MOONS | {"data": "cifar"}, "task: data is 'cifar', use mnist, digits, moons or a file .npz"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], text: str | None) -> None:
    if text is None:
        own_task.make(given)
        return
    with pytest.raises(ConfigError) as error:
        own_task.make(given)
    assert str(error.value) == text


@pytest.mark.parametrize("init", own_task.INITS)
@pytest.mark.parametrize(
    "how",
    ["sgd:lr=0.1,momentum=0.5,nesterov=true", "adamw:lr=1e-3,weight_decay=0.01,betas=0.9/0.99"],
)
def test_a_task_of_ones_own_runs(init: str, how: str) -> None:
    task = own_task.make(MOONS | {"init": init, "optimizer": how, "activation": "tanh", "steps": 2})
    both: dict[str, Any] = {"microgradnn": ours, "scalar": frameworks.load("microgradnn-scalar")}
    rows = lockstep.run(task, both)
    assert [(row.verdict, row.steps) for row in rows] == [("agree", 2)] * 2


def test_a_toml_file_has_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'model = [2, 4, 2]\ndata = "moons"\nloss = "ce-onehot"\ndtype = "float64"\nbatch = 7\n'
        '[optimizer]\nname = "adam"\namsgrad = true\nbetas = [0.5, 0.75]\n'
        '[schedule]\nkind = "cosine"\nsteps = 4\n[ema]\ndecay = 0.5\n',
        encoding="utf-8",
    )
    task = own_task.from_file(path)
    assert (task.name, task.batch, task.dtype, task.y.shape) == ("mine", 7, "float64", (200, 2))
    assert task.optimizer.amsgrad and task.optimizer.betas == (0.5, 0.75)
    (row,) = lockstep.run(task, {"microgradnn": ours}, 3)
    assert row.verdict == "agree"
    path.write_text("model = [", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml: "):
        own_task.from_file(path)
    with pytest.raises(ConfigError, match=r"--task: no file '.*gone.toml'; it takes FILE.toml"):
        own_task.from_file(tmp_path / "gone.toml")


def test_a_data_file_is_read_and_refused_with_its_name(tmp_path: Path) -> None:
    path, rng = tmp_path / "d.npz", np.random.default_rng(0)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    np.savez(path, x=x, y=y)
    task = own_task.make({"model": "3-1", "data": str(path)})
    assert (task.model.loss, task.y.shape, task.source) == ("mse", (9, 1), str(path))
    for arrays, said in (
        ({"x": x}, "has arrays ['x'], need x and y"),
        ({"x": x, "y": y[1:]}, "x has shape (9, 3), y (8,); need samples and targets"),
        ({"x": x, "y": y * np.nan}, "x or y has nan or inf"),
        ({"x": x.astype(str), "y": y}, "x has dtype <U32, y float64; need numbers"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ConfigError) as error:
            own_task.make({"model": "3-1", "data": str(path)})
        assert str(error.value) == f"{path}: {said}"


def test_the_command_line_makes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "--model 2-8-2 --data moons --activation tanh --optimizer adam:lr=0.01 --steps 2".split()
    args = [*own, "--frameworks", "microgradnn-scalar", "--out", str(tmp_path)]
    assert cli.main(args) == 0
    out = capsys.readouterr().out
    assert "2 frameworks, 1 task: all right within the rounding of every single layer\n" in out
    assert cli.main(["--loss", "ce", "--out", str(tmp_path)]) == 2
    said = "compare: --loss is for a task of your own; give --model too\n"
    assert capsys.readouterr().err == said


def test_from_python_a_result_has_a_table_a_dict_and_a_page() -> None:
    result = compare.run(MOONS, ["microgradnn-scalar"], steps=2)
    assert result.ok
    lines = result.table().splitlines()
    assert lines[0].split()[:2] == ["task", "framework"]
    assert lines[1].startswith("own   microgradnn ") and lines[1].endswith(" agree")
    assert lines[-1] == "2 frameworks, 1 task: all right within the rounding of every single layer"
    found = result.to_dict()
    assert [row["framework"] for row in found["rows"]] == ["microgradnn", "microgradnn-scalar"]
    assert "<title>compare: 2 frameworks" in result.to_html()
    assert not compare.run(MOONS, {"microgradnn": ours}, steps=1).ok  # nothing was compared
    with pytest.raises(ConfigError, match="^run: unknown framework 'torhc', use microgradnn, "):
        compare.run(MOONS, ["torhc"])
