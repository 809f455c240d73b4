"""fit() with BackupAndRestore and other callbacks, stopped anywhere: it ends as if never stopped."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import nn, optim
from microgradnn.errors import CheckpointError, ConfigError
from microgradnn.train import (
    BackupAndRestore,
    Callback,
    CheckpointManager,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    read_checkpoint,
)

ROOT = Path(__file__).parents[2]
FEW = settings(max_examples=max(15, settings().max_examples // 2))
X = np.random.default_rng(0).normal(size=(18, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + X**3 @ np.ones((3, 1))).astype(np.float32)
STEPS = 3  # batches of 5 in an epoch of the 14 samples that validation_split leaves

RULES = {
    "sgd": lambda params: optim.SGD(params, lr=0.125, momentum=0.9),
    "adam": lambda params: optim.Adam(params, lr=0.25),
    "groups": lambda params: optim.RMSprop(
        [{"params": [p], "lr": 0.01} for p in params], momentum=0.5
    ),
}


class Crash(Exception):
    pass


class CrashAfter(Callback):
    """Raises after that many batches in all, or at the end of that epoch."""

    def __init__(self, batches: int, at_end: bool) -> None:
        self.batches, self.at_end = batches, at_end

    def on_train_batch_end(self, batch: int, logs: Any) -> None:
        if not self.at_end and self.run.epoch * STEPS + batch + 1 == self.batches:
            raise Crash

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        if self.at_end and (epoch + 1) * STEPS >= self.batches:
            raise Crash


class Counts(Callback):
    """A callback of a user's own: it changes the rate at every third epoch it has seen."""

    keeps = ("epochs",)

    def on_train_begin(self, logs: Any) -> None:
        self.epochs: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        self.epochs.append(logs["loss"])
        if len(self.epochs) % 3 == 0:
            self.run.optimizer.lr /= 2


class Stops(EarlyStopping):
    """A subclass of ours with state of its own beside the inherited one."""

    keeps = ("worst",)
    worst = 0.0

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        self.worst = max(self.worst, logs["loss"])
        super().on_epoch_end(epoch, logs)


MONITORS = st.sampled_from(["loss", "val_loss", "mae", "val_mae"])
MODES = st.sampled_from(["min", "max"])  # "max" of a loss finds its best early
DELTAS = st.sampled_from([0.0, 0.01, 0.5])


def maker(kind: Any, *options: Any, **more: Any) -> Any:
    return st.tuples(st.just(kind), st.tuples(*options), st.fixed_dictionaries(more))


CALLBACKS = {
    "plateau": maker(
        ReduceLROnPlateau, MONITORS, st.sampled_from([0.5, 0.1]), st.integers(0, 2), MODES, DELTAS
    ),
    "early": maker(
        EarlyStopping, MONITORS, DELTAS, st.integers(0, 4), MODES, st.booleans(), st.integers(0, 2)
    ),
    "stops": maker(Stops, MONITORS, DELTAS, st.integers(1, 3), MODES, st.booleans()),
    "best": maker(ModelCheckpoint, st.just("best"), MONITORS, st.just(True), MODES),
    "each": maker(
        ModelCheckpoint, st.just("each"), save_freq=st.sampled_from(["epoch", 2]),
        max_to_keep=st.sampled_from([None, 1, 3]),
    ),
    "csv": maker(CSVLogger, st.just("log.csv"), st.just(","), st.booleans()),
    "csv2": maker(CSVLogger, st.just("log2.csv"), st.just(";"), st.booleans()),
    "rate": maker(LearningRateScheduler, st.just(lambda epoch, lr: lr * (0.9 + epoch % 2 / 5))),
    "counts": maker(Counts),
    "lambda": maker(
        LambdaCallback, on_train_begin=st.just(lambda logs: None),
        on_epoch_end=st.just(lambda epoch, logs: None),
    ),
}  # fmt: skip


def made(chosen: Any, folder: Path) -> list[Any]:
    def place(option: Any) -> Any:
        return folder / option if option in ("best", "each", "log.csv", "log2.csv") else option

    return [kind(*map(place, options), **more) for kind, options, more in chosen]


def fresh(rule: str, ema: float | None) -> nn.Module:
    """A model in all respects as it would be in a new process."""
    rng = np.random.default_rng(7)
    dropout = nn.Dropout(0.25, rng=np.random.default_rng(8))
    model = nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Tanh(), dropout, nn.Linear(4, 1, rng=rng)
    )
    model.compile(RULES[rule], "mse", ["mae"], ema=ema)
    return model


def fit(model: Any, callbacks: Any, epochs: int) -> Any:
    return model.fit(X, Y, 5, epochs, callbacks=callbacks, validation_split=0.2, seed=3, verbose=0)


def everything(model: Any, history: Any, callbacks: Any, folder: Path) -> dict[str, Any]:
    """All that a run leaves behind, in memory and on the disk, as plain data."""
    how = model._recipe
    kept = [c.state_dict() for c in callbacks if not isinstance(c, (BackupAndRestore, CrashAfter))]
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "backup" not in p.parts):
        content = np.frombuffer(path.read_bytes(), np.uint8).copy()
        files[str(path.relative_to(folder))] = content
    return {
        "model": model.state_dict(), "optimizer": how.optimizer.state_dict(),
        "ema": None if how.ema is None else how.ema.state_dict(),
        "rng": repr(model[3].rng.bit_generator.state), "stopped": model.stop_training,
        "epoch": history.epoch, "history": history.history, "callbacks": kept, "files": files,
    }  # fmt: skip


def same(a: Any, b: Any, where: str = "") -> None:
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}.{i}")
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), where
    else:
        assert repr(a) == repr(b), where


CASES = st.fixed_dictionaries({
    "chosen": st.lists(st.sampled_from(list(CALLBACKS)), unique=True, min_size=1, max_size=5)
    .flatmap(lambda names: st.tuples(*(CALLBACKS[name] for name in names))),
    "at": st.integers(0, 5),
    "freq": st.sampled_from(["epoch", 1, 2, 4]),
    "rule": st.sampled_from(list(RULES)),
    "ema": st.sampled_from([None, 0.75]),
    "epochs": st.integers(1, 6),
    "crashes": st.lists(st.tuples(st.integers(1, 18), st.booleans()), max_size=2),
})  # fmt: skip


@given(CASES)
@FEW
def test_a_resumed_run_ends_as_one_that_was_never_stopped(tmp_path_factory, case):
    whole, broken = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("broken")
    epochs, chosen = case["epochs"], case["chosen"]
    callbacks = made(chosen, whole)
    model = fresh(case["rule"], case["ema"])
    wanted = everything(model, fit(model, callbacks, epochs), callbacks, whole)
    # Each time as in a new process; at last a finished run is begun once more, and does nothing.
    for crash in [*case["crashes"], None, None]:
        callbacks = made(chosen, broken)
        callbacks.insert(case["at"], BackupAndRestore(broken / "backup", case["freq"]))
        model = fresh(case["rule"], case["ema"])
        if crash is None:
            history = fit(model, callbacks, epochs)
            same(wanted, everything(model, history, callbacks, broken))
            continue
        try:
            fit(model, [CrashAfter(*crash), *callbacks], epochs)
        except Crash:
            pass


CHILD = """
import importlib.util, sys
from pathlib import Path
from microgradnn.train import save_checkpoint
sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("case", sys.argv[2])
case = importlib.util.module_from_spec(spec)
spec.loader.exec_module(case)
folder = Path(sys.argv[3])
callbacks = case.all_of(folder)
if sys.argv[4] != "whole":
    callbacks.insert(0, case.BackupAndRestore(folder / "backup", 2))
    callbacks.append(case.LambdaCallback(on_train_batch_end=lambda *_: print("step", flush=True)))
model = case.fresh("adam", 0.75)
history = case.fit(model, callbacks, 12)
save_checkpoint(sys.argv[5], all=case.everything(model, history, callbacks[:], folder))
"""


def all_of(folder: Path) -> list[Any]:
    return [
        CSVLogger(folder / "log.csv"),
        ReduceLROnPlateau("val_loss", 0.5, 1),
        ModelCheckpoint(folder / "best", "val_loss", True),
        EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        Counts(),
    ]


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_killed_again_and_again_it_ends_as_one_that_was_never_stopped(tmp_path):
    def child(name: str, how: str) -> subprocess.Popen[str]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        args = [ROOT, __file__, folder, how, tmp_path / f"{name}.end"]
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, *map(str, args)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    assert child("whole", "whole").communicate(timeout=120)[1] == ""
    for lines in (5, 11):
        process = child("broken", "backup")
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert child("broken", "backup").communicate(timeout=120)[1] == ""
    ends = [read_checkpoint(tmp_path / f"{name}.end")["all"] for name in ("whole", "broken")]
    for end in ends:
        end["callbacks"] = end["callbacks"][:5]  # the one that prints has no state
        end["files"] = {k: v for k, v in end["files"].items() if not k.endswith(".part")}
    same(*ends)


# ---- callbacks of a user's own ------------------------------------------------------------------


class Plain(Callback):
    """As Keras users write it: a counter, and no word on saving it."""

    def __init__(self) -> None:
        self.count, self.inner, self.table = 0, {"a": [np.zeros(2)]}, np.zeros(100_000)
        self.rng = np.random.default_rng(0)


def change(name: str) -> Any:
    def counts(self: Any, *_: Any) -> None:
        self.count += 1

    def inside(self: Any, *_: Any) -> None:
        self.inner["a"][0][1] += 1

    def draws(self: Any, *_: Any) -> None:
        self.rng.random()

    def adds(self: Any, *_: Any) -> None:
        self.more = 1

    def fills(self: Any, *_: Any) -> None:
        self.table[:] += 1

    return {"count": counts, "inner": inside, "rng": draws, "more": adds, "table": fills}[name]


@pytest.mark.parametrize("name", ["count", "inner", "rng", "more", "table"])
@pytest.mark.parametrize("event", ["on_epoch_end", "on_train_batch_end", "on_epoch_begin"])
def test_a_callback_that_would_lose_its_state_is_refused_by_name(tmp_path, name, event):
    mine = type("Mine", (Plain,), {event: change(name)})
    with pytest.raises(ConfigError) as error:
        fit(fresh("sgd", None), [mine(), BackupAndRestore(tmp_path)], 3)
    assert str(error.value) == (
        f"BackupAndRestore: callback Mine changes its attribute {name!r}, which a resumed run would "
        f"not have; write keeps = ({name!r},) in its class if it is plain data, or give it "
        "state_dict() and load_state_dict(state) (which may keep nothing: return {})"
    )
    newest = CheckpointManager(tmp_path).latest_checkpoint
    assert newest is not None and newest.name == "ckpt-00000000.safetensors"  # none of training
    fit(fresh("sgd", None), [mine()], 3)  # without backups it is nobody's business


class Schedule:
    """A schedule that counts by itself."""

    n = 0

    def __call__(self, epoch: int) -> float:
        self.n += 1
        return 0.1 / self.n


def test_a_schedule_that_counts_by_itself_is_refused_too(tmp_path):
    callbacks = [LearningRateScheduler(Schedule()), BackupAndRestore(tmp_path)]
    with pytest.raises(ConfigError, match="LearningRateScheduler changes its attribute 'schedule'"):
        fit(fresh("sgd", None), callbacks, 3)


def test_a_callback_without_state_and_one_that_keeps_nothing_are_taken(tmp_path):
    class Stateless(Callback):
        def __init__(self) -> None:
            self.name, self.folder, self.data = "x", tmp_path, X

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            str(self.folder), float(self.data.sum())

    class Nothing(Plain):
        on_epoch_end = change("count")

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: Any) -> None:
            pass

    for _ in range(2):
        history = fit(fresh("sgd", None), [Stateless(), Nothing(), BackupAndRestore(tmp_path)], 2)
    assert history.epoch == [0, 1]


def test_half_a_pair_is_refused(tmp_path):
    class Half(Callback):
        def state_dict(self) -> dict[str, Any]:
            return {}

    with pytest.raises(ConfigError) as error:
        fit(fresh("sgd", None), [Half(), BackupAndRestore(tmp_path)], 1)
    assert str(error.value) == (
        "BackupAndRestore: callback Half needs both state_dict() and load_state_dict(), or neither "
        "of them"
    )


def test_a_callback_that_the_saved_run_had_not_is_refused(tmp_path):
    fit(fresh("sgd", None), [Counts(), BackupAndRestore(tmp_path)], 2)
    with pytest.raises(CheckpointError) as error:
        fit(fresh("sgd", None), [Counts(), EarlyStopping(), BackupAndRestore(tmp_path)], 3)
    assert str(error.value).endswith(
        "callbacks does not fit, nothing was restored: the run had no EarlyStopping, but Counts; "
        "resume with the same callbacks, or begin anew in another folder"
    )
    assert fit(fresh("sgd", None), [BackupAndRestore(tmp_path)], 3).epoch == [0, 1, 2]


def test_two_that_write_the_same_files_are_refused(tmp_path):
    callbacks = [ModelCheckpoint(tmp_path), BackupAndRestore(tmp_path)]
    with pytest.raises(ConfigError) as error:
        fit(fresh("sgd", None), callbacks, 1)
    assert str(error.value) == (
        "BackupAndRestore: another ModelCheckpoint writes files of the same names to "
        f"{tmp_path}; give each its own folder"
    )
    assert not os.listdir(tmp_path)
