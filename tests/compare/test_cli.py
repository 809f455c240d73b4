"""python -m compare as a user meets it: exit status, messages, report.json, interrupts."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from compare import __main__ as cli
from compare import frameworks, lockstep, output, rounding, tasks
from compare.frameworks import ours
from compare.row import Row

OURS = ["--frameworks", "microgradnn,microgradnn-scalar"]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what a test takes away or puts in its place is there; test_process.py has others."""
    monkeypatch.setattr(cli, "load", lambda names: {n: frameworks.load(n) for n in names})


def main(tmp_path: Path, *args: str) -> int:
    return cli.main([*args, "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (
            ["--tasks", "gate"],
            "argument --tasks: unknown task 'gate', use gates, regression, mnist, optimizers, models, "
            "keras; did you mean gates?",
        ),
        (
            ["--frameworks", "tensorflw"],
            "argument --frameworks: unknown framework 'tensorflw', use microgradnn, "
            "microgradnn-scalar, microgradnn-compiled, torch, tensorflow, keras, keras-torch, "
            "keras-jax, jax, micrograd, all; did you mean tensorflow?",
        ),
        (["--steps", "0"], "argument --steps: '0' is not a positive whole number"),
        (["--steps", "many"], "argument --steps: 'many' is not a positive whole number"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 on"),
        (
            ["--dtype", "float16"],
            "argument --dtype: unknown dtype 'float16', use float64, float32; did you mean float64?",
        ),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["--framework", "mine.py"], "argument --framework: 'mine.py' is not FILE.py:Class"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(
    args: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(args)
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"compare: {text}\n"


def test_list_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert "xor-one-neuron" in out and "keras-adamw" in out and "microgradnn-scalar" in out


def test_a_folder_without_mnist_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path, "--tasks", "mnist", "--data", str(tmp_path)) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_gates_give_the_tutorials_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path, "--tasks", "gates", *OURS) == 0
    out = capsys.readouterr().out
    for step in (100, 200, 300, 400):
        assert f"and: step={step} W=[-75.  50.  50.] loss=1.0416e-11" in out
        assert f"or: step={step} W=[-25.  50.  50.] loss=1.0416e-11" in out
    assert "xor-one-neuron: W = [0. 0. 0.], loss 0.69315, 2 of 4 right; fails, as it must" in out
    assert "xor-mlp: loss 0.00" in out and "4 of 4 right" in out
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["dtypes"] == dict.fromkeys(("and", "or", "xor-one-neuron", "xor-mlp"), "float32")
    assert {row["verdict"] for row in saved["rows"]} == {"agree"}
    assert [row["steps"] for row in saved["rows"]] == [401] * 8
    assert not saved["interrupted"]


def test_the_line_is_the_least_squares_line(tmp_path: Path) -> None:
    (task, _) = tasks.regression(0)
    task = replace(task, optimizer=replace(task.optimizer, lr=0.016))
    final: list[np.ndarray] = []
    lockstep.run(task, {"microgradnn": ours}, steps=1250, final=final)
    w, b = np.polyfit(task.x[:, 0], task.y[:, 0], 1)
    # Gradient descent contracts the error of b by 1 - 2·lr in a step: e^-40 is below rounding.
    np.testing.assert_allclose([final[0].item(), final[1].item()], [w, b], rtol=1e-12)


NEEDS_TORCH = (
    "comparing with torch needs torch, which is not installed; in a clone of microgradnn write: "
    "pip install -e '.[compare]'"
)


def take_away(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if the packages were not installed, when an adapter imports them."""
    usual = [n for n in frameworks.USUAL if n in frameworks.PACKAGES]
    needs = {f".{frameworks.MODULES[n]}": frameworks.PACKAGES[n] for n in usual}
    real = frameworks.import_module

    def import_module(name: str, package: str) -> ModuleType:
        if (needed := needs.get(name)) in packages:
            raise ModuleNotFoundError(f"No module named {needed!r}", name=needed)
        return real(name, package)

    monkeypatch.setattr(frameworks, "import_module", import_module)


def test_an_absent_framework_is_reported_and_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take_away(monkeypatch, "torch")
    assert main(tmp_path, "--tasks", "gates", "--steps", "2") == 0
    out, err = capsys.readouterr()
    assert err == f"compare: {NEEDS_TORCH}\n"
    assert f"not run: {NEEDS_TORCH}" in out
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["versions"]["torch"] == NEEDS_TORCH


def test_a_framework_that_was_asked_for_and_is_absent_is_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take_away(monkeypatch, "torch")
    assert main(tmp_path, "--tasks", "gates", "--frameworks", "torch,tensorflow") == 2
    assert capsys.readouterr() == ("", f"compare: {NEEDS_TORCH}\n")


def test_with_no_framework_at_all_one_sentence_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    take_away(monkeypatch, "torch", "tensorflow")
    assert main(tmp_path) == 2
    assert capsys.readouterr() == (
        "",
        "compare: neither torch nor tensorflow is installed, so there is nothing to compare with; "
        "in a clone of microgradnn write: pip install -e '.[compare]'\n",
    )


@pytest.mark.parametrize("names", ["microgradnn", "microgradnn-scalar"])
def test_nothing_compared_has_a_status_of_its_own(
    names: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = "mnist" if names == "microgradnn-scalar" else "gates"  # too large for single numbers
    assert main(tmp_path, "--tasks", task, "--steps", "1", "--frameworks", names) == 3
    assert capsys.readouterr().err.endswith("compare: nothing was compared\n")


def test_a_disagreement_is_status_1_and_names_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LateMistake(ours.Session):
        step = 0

        def gradients(self, *args: Any) -> Any:
            found = super().gradients(*args)
            found.grads = [g * (1.5 if self.step == 3 else 1) for g in found.grads]
            return found

        def update(self) -> Any:
            self.step += 1
            return super().update()

    fake = ModuleType("fake")
    fake.Session, fake.version = LateMistake, ours.version
    load = frameworks.load
    monkeypatch.setattr(frameworks, "load", lambda n: fake if n == "torch" else load(n))
    args = ("--tasks", "regression", "--steps", "6", "--frameworks", "torch")
    assert main(tmp_path, *args) == 1
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    wrong = [row["verdict"] for row in rows if row["framework"] == "torch"]
    assert all(v.startswith("DISAGREE in the whole step 3: gradient of ") for v in wrong)


def test_the_table_is_printed_without_rich_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    output.print_table([Row("and", "torch", steps=1, final_loss=0.5)])
    assert capsys.readouterr().out.splitlines()[2].split()[:3] == ["and", "torch", "0.5"]


def test_a_report_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts: dict[str, Any] = {"seed": 1, "versions": {}, "data": [], "dtypes": {}}
    page = output.write(tmp_path, [], facts, {})
    before = (tmp_path / "report.json").read_bytes()
    with pytest.raises(TypeError):
        output.write(tmp_path, [], facts | {"seed": object()}, {})
    assert (tmp_path / "report.json").read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [page, tmp_path / "report.json"]


def test_ctrl_c_leaves_a_table_and_a_report_and_status_130(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "compare", "--tasks", "gates,regression", *OURS]
    child = subprocess.Popen(
        [*command, "--steps", "100000", "--out", str(tmp_path)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert child.stdout is not None
    assert child.stdout.readline().startswith("and: step=0")
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted; what was done so far" in err
    assert "Traceback" not in err
    assert "microgradnn-scalar" in out
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["interrupted"]
    assert 0 < saved["rows"][0]["steps"] < 100_000


# ---- what must never be called agreement --------------------------------------------------------


def with_torch(monkeypatch: pytest.MonkeyPatch, session: Any) -> None:
    """As if `session` were the Session of torch; an exception is raised when torch is imported."""
    fake = ModuleType("fake")
    fake.Session, fake.version = session, ours.version
    real = frameworks.import_module

    def import_module(name: str, package: str) -> ModuleType:
        if name != f".{frameworks.MODULES['torch']}":
            return real(name, package)
        if isinstance(session, Exception):
            raise session
        return fake

    monkeypatch.setattr(frameworks, "import_module", import_module)


def saved(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


@pytest.mark.parametrize(
    "error",
    [
        OSError("libcudart.so.12: cannot open shared object file\nand more"),
        RuntimeError("CUDA driver is too old"),
        ImportError("cannot import name '_C' from 'torch'"),
        ModuleNotFoundError("No module named 'typing_extensions'", name="typing_extensions"),
        AttributeError("module 'numpy' has no attribute 'bool'"),
        ZeroDivisionError(),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("asked", [[], ["--frameworks", "torch,microgradnn-scalar"]])
def test_a_framework_that_cannot_be_imported_is_a_row_and_not_status_0(
    error: Exception, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch(monkeypatch, error)
    if not asked:
        monkeypatch.setattr(frameworks, "MODULES", {
            k: v for k, v in frameworks.MODULES.items() if k not in ("tensorflow", "keras")
        })  # fmt: skip
        if isinstance(error, ModuleNotFoundError):
            asked = ["--frameworks", "torch"]
    assert main(tmp_path, "--tasks", "gates", "--steps", "2", *asked) == 1
    rows = [row for row in saved(tmp_path)["rows"] if row["framework"] == "torch"]
    said = f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")
    assert [row["verdict"] for row in rows] == [f"FAILED: torch cannot be imported: {said}"] * 4


def raising(place: str) -> Any:
    class Raises(ours.Session):
        def __init__(self, *args: Any) -> None:
            if place == "start":
                raise RuntimeError("mine")
            self.count = 0
            super().__init__(*args)

        def gradients(self, *args: Any) -> Any:
            found = super().gradients(*args)
            if self.count == 1:
                if place == "gradients":
                    raise RuntimeError("mine")
                if place == "no gradient":
                    found.grads = [None, *found.grads[1:]]
                if place == "fewer":
                    found.grads = found.grads[1:]
                if place == "nan":
                    found.grads = [g * np.nan for g in found.grads]
                if place == "inf":
                    found.loss = np.inf
                if place == "no number":
                    found.loss = "many"
            return found

        def update(self) -> Any:
            self.count += 1
            if place == "update" and self.count == 2:
                raise KeyError("mine")
            return super().update()

    return Raises


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("start", "FAILED before the first step: RuntimeError: mine"),
        ("gradients", "FAILED in step 1: RuntimeError: mine"),
        ("update", "FAILED at step 1: KeyError: 'mine'"),
        ("no number", "DISAGREE in the whole step 1: the loss: is no array of numbers (could not"),
        ("no gradient", "DISAGREE in the whole step 1: gradient of weight of layer 1, Linear(1, "),
        ("fewer", "DISAGREE in the whole step 1: "),
        ("nan", "DISAGREE in the whole step 1: gradient of "),
        ("inf", "DISAGREE in the whole step 1: the loss is inf, expected "),
    ],
)
def test_a_framework_that_raises_or_returns_nonsense_is_a_row_and_the_report_is_written(
    place: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch(monkeypatch, raising(place))
    names = ["--frameworks", "torch,microgradnn-scalar"]
    assert main(tmp_path, "--tasks", "regression", "--steps", "3", *names) == 1
    rows = saved(tmp_path)["rows"]
    assert len(rows) == 6  # both tasks were done to the end, by the others
    for row in rows:
        if row["framework"] == "torch":
            assert row["verdict"].startswith(said)
        else:
            assert (row["verdict"], row["steps"]) == ("agree", 3)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_an_infinite_bound_and_one_of_nan_never_agree(
    bad: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rounding.Rounding.linear

    def linear(self: Any, *args: Any) -> Any:
        errors = real(self, *args)
        errors.grads[0] = errors.grads[0] + bad
        return errors

    monkeypatch.setattr(rounding.Rounding, "linear", linear)
    assert main(tmp_path, "--tasks", "gates", "--steps", "2", *OURS) == 1
    for row in saved(tmp_path)["rows"]:
        assert row["verdict"].startswith("NOT JUDGED at the asked point 0: gradient of weight of ")
        assert row["verdict"].endswith(f"its bound is {bad}")


def test_a_training_that_diverges_says_so_and_where(tmp_path: Path) -> None:
    (task, _) = tasks.regression(0)
    rows = lockstep.run(
        replace(task, optimizer=replace(task.optimizer, lr=1e9)), {"microgradnn": ours}
    )
    assert rows[0].verdict.startswith("DIVERGED at step ")
    why = "the loss overflows or is nan, as it should from these parameters"
    assert rows[0].verdict.endswith(f": {why}; all agrees until there")


def test_our_own_engine_that_raises_is_a_row_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ours.Session.gradients

    def gradients(self: Any, *args: Any) -> Any:
        if len(self.params) == 4:
            raise RuntimeError("mine")
        return real(self, *args)

    monkeypatch.setattr(ours.Session, "gradients", gradients)
    assert main(tmp_path, "--tasks", "gates", "--steps", "2", *OURS) == 1
    rows = {(r["task"], r["framework"]): r["verdict"] for r in saved(tmp_path)["rows"]}
    assert rows["and", "microgradnn-scalar"] == rows["xor-mlp", "microgradnn-scalar"] == "agree"
    assert rows["xor-mlp", "microgradnn"] == "FAILED in step 0: RuntimeError: mine"


def test_a_framework_that_ran_only_some_of_the_tasks_is_not_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scalar engine takes the gates and refuses MNIST."""
    assert main(tmp_path, "--tasks", "gates,mnist", "--steps", "1", *OURS) == 3
    assert capsys.readouterr().err.endswith(
        "compare: no framework ran every task; choose tasks that one of them can run\n"
    )


@pytest.mark.parametrize("steps", ["1", "2", "400"])
def test_a_task_that_was_broken_off_says_no_more_than_it_knows(
    steps: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path, "--tasks", "gates", "--steps", steps, *OURS) == 0
    assert "as it must" not in capsys.readouterr().out
    for text in saved(tmp_path)["results"].values():
        assert text.endswith(f" after {steps} of the 401 steps of this task")


@pytest.mark.parametrize("kind", ["below a file", "a file", "report is a folder", "no permission"])
def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    if kind in ("below a file", "a file"):
        out.write_text("x")
    out = out / "more" if kind == "below a file" else out
    if kind == "report is a folder":
        (out / "report.json").mkdir(parents=True)
    if kind == "no permission":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        out.mkdir(mode=0o500)
    monkeypatch.setattr(lockstep, "run", lambda *_: pytest.fail("it began"))
    assert main(out, "--tasks", "gates", *OURS) == 2
    said, err = capsys.readouterr()
    assert said == "" and err.count("\n") == 1 and err.startswith("compare: ")


def test_nothing_is_written_where_it_was_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "new" / "out"
    assert main(out, "--tasks", "mnist", "--data", str(tmp_path)) == 2  # no data there
    assert list(tmp_path.iterdir()) == []
    assert main(out, "--tasks", "gates", "--steps", "1", *OURS) == 0
    found = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert found == [out / "index.html", out / "report.json"]
