"""python -m microgradnn watch: the right accuracy of the newest checkpoint, and errors in one line."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from microgradnn import nn, optim
from microgradnn.__main__ import main
from microgradnn.train import CheckpointManager, ModelCheckpoint, save_checkpoint, watch

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 3, 50)


def start(*arguments, cwd=None):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "microgradnn", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd,
    )  # fmt: skip


def run(*arguments):
    """(exit status, stdout, stderr) of the command."""
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=X, y=LABELS)
    return path


def model_of(seed, *more):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(3, 5, rng=rng), nn.Tanh(), *more, nn.Linear(5, 3, rng=rng))


def line(step, model, which="last weights"):
    wrong = int((model(X).data.argmax(-1) != LABELS).sum())
    return (
        f"step {step:6d}  accuracy {1 - wrong / 50:.4f}  {wrong} of 50 wrong  "
        f"({which}, ckpt-{step:08d}.safetensors)"
    )


def trained(folder, *more, ema=None):
    """A model and the EMA it has, after some steps and a checkpoint."""
    model = model_of(0, *more)
    model.compile(lambda params: optim.SGD(params, lr=1.0), "cross_entropy", ema=ema and ema(model))
    model.fit(X, LABELS, 10, 2, callbacks=[ModelCheckpoint(folder)], seed=0)
    return model.eval()


def test_once_prints_step_and_accuracy(tmp_path, data):
    model = trained(tmp_path / "run")
    status, out, err = run("watch", tmp_path / "run", "--data", data, "--once")
    assert (status, out, err) == (0, line(10, model) + "\n", "")


@pytest.mark.parametrize(
    "make",
    [
        lambda model: 0.75,
        lambda model: optim.EMA(model, 0.75),
        lambda model: optim.EMA(model.parameters(), 0.75),
    ],
    ids=["decay", "of the model", "of its parameters"],
)
def test_averaged_weights_are_used_where_there_are_some(tmp_path, data, capsys, make):
    model = trained(tmp_path / "run", ema=make)
    own = line(10, model, "averaged weights")
    with model._recipe.ema.swap():
        averaged = line(10, model, "averaged weights")
    assert own != averaged  # else this says nothing
    assert main(["watch", str(tmp_path / "run"), "--data", str(data), "--once"]) == 0
    assert capsys.readouterr() == (averaged + "\n", "")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Dropout(0.5, rng=np.random.default_rng(0)),
        lambda: nn.Dropout(0.5, np.random.default_rng(0)),
        lambda: nn.BatchNorm1d(5),
        lambda: nn.MLP(5, [4, 5], "relu"),
    ],
    ids=["dropout", "dropout with its generator by position", "batch norm", "a model inside"],
)
def test_models_of_our_layers_need_no_file(tmp_path, data, capsys, layer):
    model = trained(tmp_path / "run", layer())
    assert main(["watch", str(tmp_path / "run"), "--data", str(data), "--once"]) == 0
    assert capsys.readouterr() == (line(10, model) + "\n", "")


def test_labels_in_a_column_are_labels(tmp_path, capsys):
    model = trained(tmp_path / "run")
    np.savez(tmp_path / "d.npz", x=X, y=LABELS[:, None])
    assert main(["watch", str(tmp_path / "run"), "--data", str(tmp_path / "d.npz"), "--once"]) == 0
    assert capsys.readouterr() == (line(10, model) + "\n", "")


def test_it_follows_a_folder_in_which_another_process_writes(tmp_path, data):
    """The folder need not be there yet; each new checkpoint is one line; damaged ones are left out."""
    folder = tmp_path / "run"
    process = start("watch", folder, "--data", data, "--every", "0.05")
    # no reader of a pipe that stays empty may hang the tests
    guard = threading.Timer(60, process.kill)
    guard.start()
    try:
        first = process.stdout.readline()
        assert first == f"{folder}: no checkpoint yet, looking again every 0.05 s\n"
        manager = CheckpointManager(folder, 2)
        for step in (1, 2, 30, 400):
            model = model_of(step)
            manager.save(step, model=model)
            assert process.stdout.readline() == line(step, model) + "\n"
        assert process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=30)
        guard.cancel()


def test_ctrl_c_ends_it_quietly(tmp_path, data):
    process = start("watch", tmp_path / "run", "--data", data, "--every", "0.05")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and err == "\n"


OWN = """
import numpy as np
from microgradnn import nn

class Own(nn.Module):
    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3))
    def forward(self, x):
        return self.inner(x)

make = Own
number = 3

def other():
    return nn.Linear(3, 2)
"""


def own_class(folder):
    class Own(nn.Module):
        def __init__(self):
            self.inner = model_of(7)

        def forward(self, x):
            return self.inner(x)

    model = Own()
    CheckpointManager(folder / "run").save(12, model=model)
    (folder / "own.py").write_text(OWN)
    return model


def test_a_model_of_ones_own_class(tmp_path, data):
    model = own_class(tmp_path)
    status, out, err = run(
        "watch", tmp_path / "run", "--data", data, "--once", "--model", f"{tmp_path}/own.py:make"
    )
    assert (status, out, err) == (0, line(12, model) + "\n", "")


# ---- errors: exit status 2 and one line ---------------------------------------------------------


def refused(capsys, *arguments):
    """The line on stderr of the command, which must be the only one."""
    assert main(["watch", *map(str, arguments), "--once"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("microgradnn: ")
    return err[len("microgradnn: ") : -1]


def test_no_checkpoint(tmp_path, data):
    for folder in (tmp_path, tmp_path / "missing"):
        status, out, err = run("watch", folder, "--data", data, "--once")
        assert (status, out) == (2, "")
        assert err == f"microgradnn: {folder}: no checkpoint there (ckpt-….safetensors)\n"


def test_only_a_foreign_file(tmp_path, data):
    """What is wrong with it is on the one line, or at least no Python source is."""
    (tmp_path / "ckpt-00000001.safetensors").write_bytes(b"PK\x03\x04 something else")
    status, out, err = run("watch", tmp_path, "--data", data, "--once")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("microgradnn: ")
    assert err.count("\n") == 1


def test_a_model_of_ones_own_class_without_its_file(tmp_path, data, capsys):
    own_class(tmp_path)
    path = tmp_path / "run" / "ckpt-00000012.safetensors"
    assert refused(capsys, tmp_path / "run", "--data", data) == (
        f"{path}: its model is of a class of your own; pass --model FILE.py:FUNCTION, a function "
        "that returns such a model"
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("own.py", "need FILE.py:FUNCTION, and the file must exist"),
        ("own.py:", "need FILE.py:FUNCTION, and the file must exist"),
        ("missing.py:make", "need FILE.py:FUNCTION, and the file must exist"),
        ("own.py:nothing", "own.py defines no function nothing"),
        ("own.py:number", "own.py defines no function number"),
    ],
)
def test_a_file_or_function_that_is_not_there(tmp_path, data, capsys, monkeypatch, spec, message):
    own_class(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, "run", "--data", data, "--model", spec) == f"--model {spec}: {message}"


def test_a_function_that_makes_another_model(tmp_path, data, capsys, monkeypatch):
    own_class(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = refused(capsys, "run", "--data", data, "--model", "own.py:other")
    assert text.startswith("load_state_dict: ") or "ckpt-00000012" in text


def test_a_function_that_makes_no_model(tmp_path, data, capsys):
    own_class(tmp_path)
    (tmp_path / "bad.py").write_text("def f():\n    return 3")
    refused(capsys, tmp_path / "run", "--data", data, "--model", f"{tmp_path}/bad.py:f")


def bad_files(folder):
    np.savez(folder / "whole.npz", x=X, y=LABELS)
    content = (folder / "whole.npz").read_bytes()
    np.save(folder / "single.npy", X)
    np.savez(folder / "objects.npz", x=X, y=np.array([None] * 50))
    np.savez(folder / "names.npz", a=X, b=LABELS)
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 255
    return {
        "empty": b"", "cut off": content[:-30], "cut off early": content[:40], "damaged": bytes(damaged),
        "text": b"x,y\n1,2\n", "a single array": (folder / "single.npy").read_bytes(),
        "objects": (folder / "objects.npz").read_bytes(),
        "other names": (folder / "names.npz").read_bytes(),
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "cut off", "cut off early", "damaged", "text", "a single array", "objects", "other names"],
)  # fmt: skip
def test_an_npz_file_that_is_none_of_x_and_y(tmp_path, capsys, kind):
    trained(tmp_path / "run")
    path = tmp_path / "bad.npz"
    if kind != "missing":
        path.write_bytes(bad_files(tmp_path)[kind])
    text = refused(capsys, tmp_path / "run", "--data", path)
    assert text.startswith(f"{path}: need an .npz file with arrays x and y (")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X[:, :2], LABELS), (X, LABELS[1:]), (X[:0], LABELS[:0]), (X.astype(str), LABELS),
        (np.float32(1), LABELS), (X, np.eye(3)[LABELS]), (X, LABELS.astype(str)),
    ],
    ids=["features", "lengths", "empty", "text", "one number", "one-hot", "text labels"],
)  # fmt: skip
def test_data_that_do_not_fit(tmp_path, capsys, x, y):
    trained(tmp_path / "run")
    np.savez(tmp_path / "d.npz", x=x, y=y)
    refused(capsys, tmp_path / "run", "--data", tmp_path / "d.npz")


def test_a_checkpoint_without_a_model(tmp_path, data, capsys):
    path = save_checkpoint(tmp_path / "run" / "ckpt-00000001.safetensors", net=model_of(0), step=1)
    assert refused(capsys, tmp_path / "run", "--data", data) == (
        f"{path}: holds no 'model', only net, step"
    )


@pytest.mark.parametrize("arguments", [["watch"], [], ["look"], ["watch", "d", "--every", "x"]])
def test_the_command_line_is_checked(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: python -m microgradnn" in capsys.readouterr().err


def test_the_version(capsys):
    import microgradnn

    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == microgradnn.__version__ + "\n"


def test_watch_as_a_function_counts_what_it_evaluated(tmp_path):
    model, lines = trained(tmp_path / "run"), []
    assert watch.watch(tmp_path / "run", (X, LABELS), once=True, show=lines.append) == 1
    assert lines == [line(10, model)]
    assert re.fullmatch(
        r"step +10  accuracy \d\.\d{4}  \d+ of 50 wrong  \(last weights, ckpt-00000010\.safetensors\)",
        lines[0],
    )


# ---- several processes --------------------------------------------------------------------------

FAST = """
import sys
import numpy as np
from microgradnn import nn
from microgradnn.train import CheckpointManager
rng = np.random.default_rng(0)
model = nn.Sequential(nn.Linear(3, 5, rng=rng), nn.Tanh(), nn.Linear(5, 3, rng=rng))
manager, step = CheckpointManager(sys.argv[1], 1), int(sys.argv[2])
print("begins", flush=True)
while True:
    step += 1
    manager.save(step, model=model)
"""


def test_watch_and_two_that_save_as_fast_as_they_can(tmp_path, data):
    """No file that vanishes ends the watching, and no writer stumbles over the other."""
    folder = tmp_path / "run"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", FAST, str(folder), str(first)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for first in (0, 3)
    ]  # fmt: skip
    try:
        for writer in writers:
            assert writer.stdout.readline() == "begins\n"
        while not list(folder.glob("*.safetensors")):
            time.sleep(0.01)
        for _ in range(60):
            assert main(["watch", str(folder), "--data", str(data), "--once"]) == 0
        assert [writer.poll() for writer in writers] == [None, None]
    finally:
        for writer in writers:
            writer.kill()
    assert [writer.communicate(timeout=30)[1] for writer in writers] == ["", ""]


@pytest.mark.parametrize("every", ["-1", "0", "nan", "inf", "-0.0"])
def test_a_time_without_sense_is_refused(tmp_path, data, capsys, every):
    said = refused(capsys, tmp_path, "--data", data, "--every", every)
    assert said == f"watch: every is {float(every):g}, need a number of seconds above 0"


@pytest.mark.parametrize(
    "state",
    [
        None, 3, {}, {"shadow": None}, {"shadow": {}}, {"shadow": {"0.weight": 1.0}},
        {"shadow": {str(i): np.zeros(2) for i in range(4)}}, {"shadow": [1.0]},
        {"shadow": dict.fromkeys(("0.weight", "0.bias", "2.weight", "2.bias"), "x")},
        {"shadow": dict.fromkeys(("0", "1", "2", "3", "4"), 1.0)},
    ],
    ids=str,
)  # fmt: skip
def test_averaged_weights_that_are_damaged_are_told(tmp_path, data, capsys, state):
    CheckpointManager(tmp_path / "run").save(1, model=model_of(0), ema=state)
    said = refused(capsys, tmp_path / "run", "--data", data)
    assert "ckpt-00000001.safetensors: its averaged weights do not fit (" in said
