"""Checkpoints: what is saved comes back bit for bit, damage is noticed, and a run goes on."""

import itertools
import json
import math
import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradnn import nn, optim
from microgradnn.errors import CheckpointError, DTypeError, MissingPackageError
from microgradnn.train import (
    BackupAndRestore,
    Callback,
    CheckpointManager,
    LearningRateScheduler,
    ModelCheckpoint,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from microgradnn.train.checkpoint import read_configs

ROOT = Path(__file__).parents[2]
DTYPES = [
    *("float16", "float32", "float64", "bool"),
    *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
]
FEWER = settings(max_examples=max(5, settings().max_examples // 3))


def same(a, b):
    """None. Fails unless a and b are one tree, with the same types, and arrays of the same bits."""
    if isinstance(a, np.ndarray | np.generic):
        a = np.asarray(a)
        assert isinstance(b, np.ndarray)
        assert (a.shape, a.dtype.newbyteorder("=")) == (b.shape, b.dtype)
        assert a.astype(b.dtype).tobytes() == b.tobytes()
        return
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        a, b = list(a.values()), list(b.values())
    if isinstance(a, list | tuple):
        assert len(a) == len(b)
        for u, v in zip(a, b, strict=True):
            same(u, v)
    elif isinstance(a, float):
        assert (
            math.isnan(b) if math.isnan(a) else (a, math.copysign(1, a)) == (b, math.copysign(1, b))
        )
    else:
        assert a == b


# ---- round trips --------------------------------------------------------------------------------

arrays = hnp.arrays(
    st.sampled_from([np.dtype(d).newbyteorder(o) for d in DTYPES for o in "<>"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@st.composite
def laid_out(draw):
    """An array as it may lie in memory: transposed, backwards, with steps, in Fortran's order."""
    a = draw(arrays)
    how = draw(st.sampled_from(["as it is", "transposed", "backwards", "steps", "fortran", "same"]))
    if how == "transposed":
        return a.T
    if how == "fortran":
        return np.asfortranarray(a)
    if a.ndim and how in ("backwards", "steps", "same"):
        step = {"backwards": slice(None, None, -1), "steps": slice(None, None, 2)}
        return (
            np.broadcast_to(a[:1], a.shape) if how == "same" and len(a) else a[step.get(how, ...)]
        )
    return a


numbers = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), st.floats(),
    st.text(max_size=5),
)  # fmt: skip
# names as models have them, with dots in them, and any other
keys = st.one_of(
    st.integers(), st.sampled_from(["0.weight", "a", "a.b", "0", "$", "of"]), st.text()
)
trees = st.recursive(
    st.one_of(numbers, laid_out()),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.lists(inside, max_size=3).map(tuple),
        st.dictionaries(keys, inside, max_size=3),
    ),
    max_leaves=8,
)


@given(trees, trees)
def test_any_plain_data_comes_back(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("c") / "f.safetensors"
    assert save_checkpoint(path, first=first, second=second) == path
    back = read_checkpoint(path)
    assert list(back) == ["first", "second"]
    same(first, back["first"])
    same(second, back["second"])
    save_checkpoint(path, first=back["first"], second=back["second"])  # and once more
    same(back, read_checkpoint(path))


@pytest.mark.parametrize("value", [
    np.arange(12.0).reshape(3, 4).T, np.arange(12)[::-2], np.asfortranarray(np.eye(3)[:2]),
    np.arange(5, dtype=">i4"), np.array(3.5), np.zeros((0, 3)), np.zeros(0, bool),
    np.array([np.nan, -0.0, np.inf], np.float16), np.array([2**63], np.uint64), np.float32(1.5),
    np.bool_(True), np.int64(-1), {}, [], (), "", "é\0\"\\\n", {"$": "array", "of": "x"}, 2**300,
    -0.0, float("nan"), float("-inf"), {1: 2, "1": 3}, np.broadcast_to(np.float64(2), (3, 2)),
])  # fmt: skip
def test_special_values_come_back(tmp_path, value):
    path = save_checkpoint(tmp_path / "f", value=value)
    same(value, read_checkpoint(path)["value"])


@pytest.mark.parametrize(
    "tree",
    [
        {"a": {"b": np.zeros(2)}, "a.b": np.ones(3)},
        {1: np.zeros(2), "1": np.ones(2)},
        {"a": [np.zeros(1)], "a.0": np.ones(1)},
    ],
    ids=["dot", "integer and text", "place and text"],
)
def test_arrays_with_names_that_look_alike_are_kept_apart(tmp_path, tree):
    same(tree, read_checkpoint(save_checkpoint(tmp_path / "f", tree=tree))["tree"])


def test_an_object_may_have_any_name(tmp_path):
    names = ["__metadata__", "a b", "é", "x.y", "rng 1.rng"]
    objects = {name: np.full(2, i) for i, name in enumerate(names)}
    same(objects, read_checkpoint(save_checkpoint(tmp_path / "f", **objects)))


def test_what_was_read_is_the_readers_own(tmp_path):
    given = np.zeros(3)
    path = save_checkpoint(tmp_path / "f", a=given)
    read_checkpoint(path)["a"][...] = (
        1  # writeable, and neither the file nor what was given changes
    )
    assert not given.any() and not read_checkpoint(path)["a"].any()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([None]), "save_checkpoint: x.1 has dtype object, which has no place"),
        (np.array(["a"]), "save_checkpoint: x.1 has dtype <U1, which has no place"),
        (np.array([1j]), "save_checkpoint: x.1 has dtype complex128, which has no place"),
        (
            lambda: 0,
            "save_checkpoint: x.1 is a function, which is neither an array, a number, text nor a "
            "list or dict of them",
        ),
        (
            {1, 2},
            "save_checkpoint: x.1 is a set, which is neither an array, a number, text nor a list "
            "or dict of them",
        ),
        ({1.5: 0}, "save_checkpoint: key 1.5 of x.1 is no string or integer"),
        ({True: 0}, "save_checkpoint: key True of x.1 is no string or integer"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused_by_name_and_the_old_file_stays(tmp_path, value, message):
    path = save_checkpoint(tmp_path / "f", x=1)
    before = path.read_bytes()
    with pytest.raises(DTypeError) as error:
        save_checkpoint(path, x=[0, value])
    assert str(error.value) == message
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_a_longdouble_is_refused(tmp_path):
    with pytest.raises(DTypeError, match=r"^save_checkpoint: x has dtype float\d+, which has no"):
        save_checkpoint(tmp_path / "f", x=np.zeros(2, np.longdouble))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "kind",
    [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64],
)
def test_generators_go_on_where_they_were(tmp_path, kind):
    rng = np.random.Generator(kind(1))
    rng.normal(size=7), rng.integers(0, 9, 3, dtype=np.int32)  # half a word is left over
    path = save_checkpoint(tmp_path / "f", rng=rng)
    wanted = rng.integers(0, 9, 5, dtype=np.int32).tolist(), rng.normal(size=5).tolist()
    other = np.random.Generator(kind(2))
    load_checkpoint(path, rng=other)
    assert (
        other.integers(0, 9, 5, dtype=np.int32).tolist(),
        other.normal(size=5).tolist(),
    ) == wanted


def test_a_generator_of_another_kind_does_not_fit(tmp_path):
    path = save_checkpoint(tmp_path / "f", rng=np.random.Generator(np.random.MT19937(1)))
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    with pytest.raises(CheckpointError, match="rng does not fit, nothing was restored"):
        load_checkpoint(path, rng=rng)
    assert rng.random() == twin.random()


# ---- damage -------------------------------------------------------------------------------------


def trained(seed=0, width=3, steps=3, rule=optim.Adam):
    """A model, its optimiser with some memory, and an average."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Linear(2, width, rng=rng), nn.BatchNorm1d(width), nn.Linear(width, 1, rng=rng)
    )
    optimizer = rule(model.parameters(), lr=0.125)
    ema = optim.EMA(model, 0.5)
    for _ in range(steps):
        for p in model.parameters():
            p.grad = rng.normal(size=p.shape).astype(p.dtype)
        optimizer.step()
        ema.update()
    return model, optimizer, ema


def states(*objects):
    return [
        o.bit_generator.state if hasattr(o, "bit_generator") else o.state_dict() for o in objects
    ]


def test_one_changed_byte_anywhere_is_noticed_or_changes_nothing(tmp_path):
    """Bytes of the arrays, of the header and of its lengths, of numbers and of names."""
    value = {"a": np.arange(3, dtype=np.float32), "lr": 0.125, "step": 17, "t": (True, None, "x")}
    path = save_checkpoint(tmp_path / "f", value=value)
    content, seen = path.read_bytes(), 0
    rng = random.Random(5)
    for i in range(len(content)):
        for byte in {content[i] ^ (1 << rng.randrange(8)), content[i] ^ 1}:
            path.write_bytes(content[:i] + bytes([byte]) + content[i + 1 :])
            try:
                back = read_checkpoint(path)
            except CheckpointError:
                seen += 1
            else:
                assert list(back) == ["value"], f"byte {i} of {len(content)}"
                same(value, back["value"])
    assert seen > len(content) // 2


@FEWER
@given(st.data())
def test_a_changed_bit_in_the_data_is_found_by_the_checksum(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("c") / "f"
    a = data.draw(hnp.arrays(np.float32, st.integers(1, 50)))
    save_checkpoint(path, a=a)
    content = bytearray(path.read_bytes())
    content[-data.draw(st.integers(1, a.nbytes))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    assert str(error.value) == f"{path}: damaged, it does not have its checksum"


def test_a_file_cut_off_anywhere_is_refused_and_nothing_is_touched(tmp_path):
    model, optimizer, ema = trained(0)
    path = save_checkpoint(tmp_path / "f", model=model, optimizer=optimizer, ema=ema)
    content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    others = trained(1)
    before = states(*others)
    places = {0, 1, 7, 8, 9, size // 2, size - 1, size, size + 1, len(content) - 1}
    for n in sorted(places | {random.Random(0).randrange(len(content)) for _ in range(30)}):
        path.write_bytes(content[:n])
        with pytest.raises(CheckpointError, match=f"^{path}: .*cut off"):
            load_checkpoint(path, model=others[0], optimizer=others[1], ema=others[2])
        same(before, states(*others))


def header(metadata, data=b""):
    text = json.dumps({"__metadata__": metadata} if metadata is not None else {}).encode()
    return len(text).to_bytes(8, "little") + text + data


OURS = "microgradnn.checkpoint"
STATE = {"version": 1, "checksum": "00000000", "objects": {}, "configs": {}}


@pytest.mark.parametrize("content", [
    b"PK\x03\x04 a zip", b"\x89HDF\r\n", b"\x80\x04K\x01.", b"{}", b"\xff" * 100, b"\0" * 100,
    header(None), header({"format": "pt"}), header({"format": OURS}), header([]), header("x"),
    (2).to_bytes(8, "little") + b"[]", (4).to_bytes(8, "little") + b"null",
    header({"format": OURS, "state": "{}"}), header({"format": OURS, "state": "["}),
    header({"format": OURS, "state": "[]"}), header({"format": OURS, "state": "null"}),
    header({"format": OURS, "state": "[" * 10**5}),
    header({"format": OURS, "state": json.dumps({"version": 1, "checksum": "00000000"})}),
    *(
        header({"format": OURS, "state": json.dumps(STATE | {"objects": objects})})
        for objects in ([], 1, {"a": {}}, {"a": {"$": "array"}}, {"a": {"$": "array", "of": "b"}},
                        {"a": {"$": "set", "of": []}}, {"a": {"$": "dict", "of": [1]}})
    ),
], ids=lambda content: ascii(content[-50:]))  # fmt: skip
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "ckpt-00000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"^{path}: "):
        read_checkpoint(path)
    with pytest.warns(UserWarning, match="trying the one before"):
        assert CheckpointManager(tmp_path).latest_checkpoint is None


def test_a_file_of_safetensors_that_is_not_ours_and_a_later_version_are_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "f"
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    assert str(error.value) == f"{path}: not a checkpoint of microgradnn, or cut off"
    path.write_bytes(header({"format": OURS, "state": json.dumps(STATE | {"version": 2})}))
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(path)
    assert str(error.value) == f"{path}: checkpoint of version 2, this library reads 1"


@pytest.mark.parametrize("read", [read_checkpoint, read_configs, load_checkpoint])
def test_a_missing_file_and_a_folder_are_told(tmp_path, read):
    with pytest.raises(CheckpointError) as error:
        read(tmp_path / "f")
    assert str(error.value) == f"{tmp_path / 'f'}: cannot be read (No such file or directory)"
    with pytest.raises(CheckpointError) as error:
        read(tmp_path)
    assert str(error.value) == f"{tmp_path}: cannot be read (Is a directory)"


# ---- several objects: all or none ---------------------------------------------------------------


class Picky:
    """Takes what is given to it, and then refuses."""

    def __init__(self):
        self.state = {"n": 0}

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state
        if state["n"] == 1:
            raise RuntimeError("I do not like 1")


@given(st.permutations(["model", "optimizer", "ema", "rng", "picky"]))
@FEWER
def test_all_are_restored_or_none(tmp_path_factory, order):
    path = tmp_path_factory.mktemp("c") / "f"

    def everything(seed):
        model, optimizer, ema = trained(seed)
        return dict(
            model=model,
            optimizer=optimizer,
            ema=ema,
            rng=np.random.default_rng(seed),
            picky=Picky(),
        )

    first, second = everything(1), everything(2)
    first["picky"].state = {"n": 1}
    save_checkpoint(path, **first)
    ordered = {name: second[name] for name in order}
    before = states(*ordered.values())
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, **ordered)
    assert str(error.value) == f"{path}: picky does not fit, nothing was restored: I do not like 1"
    same(before, states(*ordered.values()))
    assert second["picky"].state == {"n": 0}
    del ordered["picky"]
    load_checkpoint(path, **ordered)
    same(states(*(first[name] for name in ordered)), states(*ordered.values()))


@pytest.mark.parametrize("rule", [optim.Adam, optim.SGD])
def test_another_architecture_is_one_clear_sentence_and_touches_nothing(tmp_path, rule):
    path = save_checkpoint(tmp_path / "f", **dict(zip("moe", trained(0), strict=True)))
    others = trained(1, width=4, rule=rule)
    before = states(*others)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, o=others[1], m=others[0], e=others[2])
    assert str(error.value).startswith(f"{path}: o does not fit, nothing was restored: ")
    same(before, states(*others))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, m=others[0])
    assert str(error.value) == (
        f"{path}: m does not fit, nothing was restored: load_state_dict: 0.weight has shape (2, 3), "
        "expected (2, 4); 0.bias has shape (3,), expected (4,); 1.weight has shape (3,), expected "
        "(4,); 1.bias has shape (3,), expected (4,); 1.running_mean has shape (3,), expected (4,); "
        "1.running_var has shape (3,), expected (4,); 2.weight has shape (3, 1), expected (4, 1)"
    )
    same(before, states(*others))


def test_a_name_that_is_not_there_and_data_without_a_place_are_told(tmp_path):
    model, optimizer, _ = trained()
    path = save_checkpoint(tmp_path / "f", model=model, step=3)
    before = states(model)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, model=trained(1)[0], optimizer=optimizer)
    assert str(error.value) == f"{path}: holds no 'optimizer', only model, step"
    other = trained(1)[0]
    before = states(other)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, model=other, step=4)
    assert str(error.value) == (
        f"{path}: step does not fit, nothing was restored: a int cannot be restored in place; "
        "use read_checkpoint"
    )
    same(before, states(other))


def test_what_a_model_is_made_of_is_in_the_file(tmp_path):
    class Own(nn.Module):
        pass

    model = nn.MLP(2, [3, 1], "tanh")
    path = save_checkpoint(tmp_path / "f", model=model, own=Own(), step=3)
    configs = read_configs(path)
    assert configs["own"] is None and "step" not in configs
    twin = nn.Module.from_config(configs["model"])
    load_checkpoint(path, model=twin)
    same(model.state_dict(), twin.state_dict())
    x = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(model.predict(x), twin.predict(x))


# ---- a folder of them ---------------------------------------------------------------------------


def test_the_newest_valid_one_is_chosen_and_damaged_ones_are_warned_about(tmp_path):
    manager = CheckpointManager(tmp_path, max_to_keep=None)
    for step in (1, 2, 10, 999_999_999):  # by number, not by name
        manager.save(step, x=step)
    assert [manager.step(p) for p in manager.checkpoints] == [1, 2, 10, 999_999_999]
    assert manager.latest_checkpoint == manager.path(999_999_999)
    manager.path(999_999_999).write_bytes(b"")
    content = bytearray(manager.path(10).read_bytes())
    manager.path(10).write_bytes(content[:-3])
    with pytest.warns(UserWarning) as seen:
        states = manager.restore()
    assert states == {"step": 2, "x": 2}
    assert [str(w.message).split(": ")[0] for w in seen] == [
        str(manager.path(999_999_999)), str(manager.path(10))
    ]  # fmt: skip
    assert all(str(w.message).endswith("; trying the one before") for w in seen)


def test_an_empty_and_a_missing_folder_hold_none(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        manager = CheckpointManager(folder)
        assert (manager.latest_checkpoint, manager.checkpoints, manager.restore()) == (
            None,
            [],
            None,
        )
    assert os.listdir(tmp_path) == []


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=8), st.one_of(st.none(), st.integers(1, 4))
)
def test_the_newest_n_stay_and_always_the_last_written(tmp_path_factory, steps, n):
    folder = tmp_path_factory.mktemp("c")
    manager = CheckpointManager(folder, n)
    (folder / "ckpt-x.safetensors").write_text("other")  # is no business of the manager
    (folder / "best.safetensors").write_text("other")
    there = set()
    for step in steps:
        assert manager.save(step, x=np.full(2, step)) == manager.path(step)
        kept = sorted(there | {step})
        there = {*(kept if n is None else kept[-n:]), step}
        assert [manager.step(p) for p in manager.checkpoints] == sorted(there)
        assert read_checkpoint(manager.path(step))["step"] == step
    assert len(os.listdir(folder)) == len(there) + 2


def test_two_managers_with_their_own_names_share_a_folder(tmp_path):
    one, two = CheckpointManager(tmp_path, 1), CheckpointManager(tmp_path, 1, "ckpt-two")
    for step in (1, 2):
        one.save(step, x=step)
        two.save(step + 10, x=step + 10)
    assert one.restore()["x"] == 2 and two.restore()["x"] == 12
    assert len(os.listdir(tmp_path)) == 2


# ---- disks that refuse, processes that die ------------------------------------------------------

FULL = """
import resource, sys
import numpy as np
from microgradnn.train import CheckpointManager
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # the system refuses more
manager = CheckpointManager(sys.argv[1], 1)
manager.save(1, x=np.zeros(9))
try:
    manager.save(1 + int(sys.argv[2]), x=np.ones(5000))
except OSError as error:
    print("refused")
"""


def python(code, *args):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, args)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on the size of files")
@pytest.mark.parametrize("other", [0, 1], ids=["same file", "next file"])
def test_a_full_disk_is_an_oserror_and_the_file_before_stays(tmp_path, other):
    assert python(FULL, tmp_path, other).communicate(timeout=60) == ("refused\n", "")
    assert os.listdir(tmp_path) == ["ckpt-00000001.safetensors"]
    assert CheckpointManager(tmp_path).restore()["x"].tolist() == [0] * 9


def test_a_folder_that_cannot_be_made_is_an_oserror(tmp_path):
    (tmp_path / "f").write_text("x")
    with pytest.raises(OSError):
        CheckpointManager(tmp_path / "f").save(1, x=1)
    with pytest.raises(OSError):
        save_checkpoint(tmp_path, x=1)
    assert os.listdir(tmp_path) == ["f"]


TIGHT = """
import sys
import numpy as np
from microgradnn.train import CheckpointManager
manager = CheckpointManager(sys.argv[1], 3)
step = int(sys.argv[2])
while True:
    step += 1
    manager.save(step, x=np.full(20_000, step))
    print(step, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_after_kill_9_the_newest_whole_checkpoint_is_there(tmp_path):
    """However the moment falls: what was said to be saved, or one more, loads without a warning."""
    manager, last = CheckpointManager(tmp_path), 0
    for kills, delay in enumerate((0.0, 0.013, 0.05, 0.101), 1):
        process = python(TIGHT, tmp_path, last)
        process.stdout.readline()  # it has saved at least once
        time.sleep(delay * random.random())
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.communicate(timeout=60)[0].split()]
        last = max([last + 1, *said])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            state = manager.restore()
        assert state["step"] in (last, last + 1)
        assert state["x"].tolist() == [state["step"]] * 20_000
        last = state["step"]
        # at most the file that was being written is left over, and no one takes it for a checkpoint
        assert len(manager.checkpoints) in (1, 2, 3, 4)
        assert len(os.listdir(tmp_path)) <= len(manager.checkpoints) + kills


# ---- going on -----------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(23, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) > 0).astype(np.float32)


class Crash(Exception):
    pass


class CrashAfter(Callback):
    """Stops the run for good, as a power failure would, after that many batches in all."""

    def __init__(self, batches, at_epoch_end=False):
        self.left, self.at_epoch_end = batches, at_epoch_end

    def on_train_batch_end(self, batch, logs):
        self.left -= 1
        if not self.left and not self.at_epoch_end:
            raise Crash

    def on_epoch_end(self, epoch, logs):
        if self.left <= 0 and self.at_epoch_end:
            raise Crash

    def state_dict(self):
        return {}  # it counts the batches of its own process

    def load_state_dict(self, state):
        pass


RULES = {
    "momentum": lambda params: optim.SGD(params, lr=0.125, momentum=0.9, nesterov=True),
    "adam with a schedule": lambda params: optim.Adam(
        params, lr=optim.schedules.ExponentialDecay(0.1, 5, 0.9)
    ),
    "amsgrad": lambda params: optim.Adam(params, lr=0.01, amsgrad=True),
    "rmsprop": lambda params: optim.RMSprop(params, lr=0.01, momentum=0.5, centered=True),
}
METRICS = ["accuracy", "precision", "recall", "f1_score", "mse", "r2_score", "confusion_matrix"]


def fresh(rule, seed=0):
    """A model in all respects as it would be in a new process."""
    rng = np.random.default_rng(seed)
    dropout = nn.Dropout(0.25, rng=np.random.default_rng(seed + 1))
    model = nn.Sequential(
        nn.Linear(3, 5, rng=rng), nn.BatchNorm1d(5), nn.Tanh(), dropout, nn.Linear(5, 1, rng=rng), nn.Sigmoid()
    )  # fmt: skip
    model.compile(RULES[rule], "binary_crossentropy", METRICS, ema=0.75)
    return model


def fit(model, *callbacks, epochs=4, seed: int | None = 3):
    return model.fit(
        X, Y, 5, epochs, callbacks=callbacks, validation_split=0.2, seed=seed, verbose=0,
        sample_weight=np.linspace(0.5, 2, len(X)),
    )  # fmt: skip


def everything(model, history):
    how = model._recipe
    return [*states(model, how.optimizer, how.ema, model[3].rng), history.epoch, history.history]


STEPS = 4  # batches of 5 in an epoch of the 18 samples that validation_split leaves


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("freq", "crash"),
    [
        ("epoch", CrashAfter(2 * STEPS, at_epoch_end=True)),
        ("epoch", CrashAfter(2 * STEPS + 3)),  # in the middle: the epoch is done again
        ("epoch", CrashAfter(1)),  # before anything was saved: all is done again
        (1, CrashAfter(2 * STEPS + 1)),
        (1, CrashAfter(2 * STEPS)),  # after the last batch, before the end of the epoch
        (3, CrashAfter(2 * STEPS + 3)),
        (3, CrashAfter(STEPS + 2)),
        (STEPS, CrashAfter(3 * STEPS, at_epoch_end=True)),
    ],
    ids=lambda v: f"{v.left}{'e' * v.at_epoch_end}" if isinstance(v, CrashAfter) else str(v),
)
def test_a_run_that_crashed_goes_on_bit_for_bit(tmp_path, rule, freq, crash):
    whole = fresh(rule)
    wanted = everything(whole, fit(whole))

    broken = fresh(rule)
    with pytest.raises(Crash):
        fit(broken, BackupAndRestore(tmp_path, freq), CrashAfter(crash.left, crash.at_epoch_end))
    resumed = fresh(rule)
    # what it starts from does not matter once there is a backup: other weights, other draws
    if os.listdir(tmp_path):
        for p in resumed.parameters():
            p.data = p.data + 1
        resumed[3].rng.random(7)
        history = fit(resumed, BackupAndRestore(tmp_path, freq), seed=99)
    else:
        history = fit(resumed, BackupAndRestore(tmp_path, freq))
    same(wanted, everything(resumed, history))


@pytest.mark.parametrize("places", list(itertools.combinations([2, 5, 8, 11], 2)), ids=str)
def test_a_run_that_crashed_twice_goes_on_too(tmp_path, places):
    whole = fresh("momentum")
    wanted = everything(whole, fit(whole))
    done = 0
    for place in places:
        with pytest.raises(Crash):
            fit(fresh("momentum"), BackupAndRestore(tmp_path, 1), CrashAfter(place - done))
        done = place
    resumed = fresh("momentum")
    same(wanted, everything(resumed, fit(resumed, BackupAndRestore(tmp_path, 1))))


def test_ctrl_c_and_then_more_epochs(tmp_path):
    whole = fresh("momentum")
    wanted = everything(whole, fit(whole))
    first = fresh("momentum")
    fit(first, BackupAndRestore(tmp_path), epochs=2)
    # the same model goes on, and a finished run is not trained any further
    again = fresh("momentum")
    history = fit(again, BackupAndRestore(tmp_path), epochs=2)
    assert history.epoch == [0, 1]
    same(first.state_dict(), again.state_dict())
    same(wanted, everything(again, fit(again, BackupAndRestore(tmp_path))))


@pytest.mark.parametrize("freq", ["epoch", 3])
def test_a_schedule_of_epoch_and_rate_goes_on_bit_for_bit(tmp_path, freq):
    """The rate is halved once an epoch, also in an epoch that was begun twice."""

    def callbacks():
        return [
            BackupAndRestore(tmp_path / str(freq), freq),
            LearningRateScheduler(lambda epoch, lr: lr / 2),
        ]

    whole = fresh("momentum")
    wanted = everything(whole, fit(whole, callbacks()[1]))
    with pytest.raises(Crash):
        fit(fresh("momentum"), *callbacks(), CrashAfter(STEPS + 3))
    resumed = fresh("momentum")
    same(wanted, everything(resumed, fit(resumed, *callbacks())))


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("case", sys.argv[2])
case = importlib.util.module_from_spec(spec)
spec.loader.exec_module(case)
model = case.fresh("adam with a schedule")
try:
    history = case.fit(model, case.BackupAndRestore(sys.argv[3], 3), case.CrashAfter(int(sys.argv[4])))
except case.Crash:
    pass
else:
    case.save_checkpoint(sys.argv[5], all=case.everything(model, history))
"""


def test_a_new_process_goes_on_bit_for_bit(tmp_path):
    whole = fresh("adam with a schedule")
    wanted = everything(whole, fit(whole))
    for batches in (7, 1000):
        child = python(CHILD, ROOT, __file__, tmp_path / "backup", batches, tmp_path / "end")
        assert child.communicate(timeout=120) == ("", "")
    same(wanted, read_checkpoint(tmp_path / "end")["all"])


def test_the_newest_backup_damaged_the_one_before_is_used(tmp_path):
    whole = fresh("momentum")
    wanted = everything(whole, fit(whole))
    with pytest.raises(Crash):
        fit(fresh("momentum"), BackupAndRestore(tmp_path, 1), CrashAfter(7))
    newest = CheckpointManager(tmp_path).latest_checkpoint
    newest.write_bytes(newest.read_bytes()[:-1])
    resumed = fresh("momentum")
    with pytest.warns(UserWarning, match="trying the one before"):
        history = fit(resumed, BackupAndRestore(tmp_path, 1))
    same(wanted, everything(resumed, history))


def test_a_backup_of_another_model_or_of_other_data_is_refused(tmp_path):
    fit(fresh("momentum"), BackupAndRestore(tmp_path), epochs=1)
    path = CheckpointManager(tmp_path).latest_checkpoint
    other = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())
    other.compile("sgd", "mse")
    before = states(other, other.optimizer)
    with pytest.raises(CheckpointError) as error:
        fit(other, BackupAndRestore(tmp_path))
    assert str(error.value).startswith(
        f"{path}: model does not fit, nothing was restored: load_state_dict: 0.weight has shape "
        "(3, 5), expected (3, 1); 0.bias has shape (5,), expected (1,); unexpected "
    )
    same(before, states(other, other.optimizer))
    longer = fresh("momentum", seed=5)
    before = states(longer, longer.optimizer)
    with pytest.raises(CheckpointError) as error:
        longer.fit(X, Y, 4, callbacks=[BackupAndRestore(tmp_path)])
    assert str(error.value) == (
        f"{path}: run does not fit, nothing was restored: the run had 4 batches an epoch, this one "
        "has 6; resume with the same data and batch_size"
    )
    same(before, states(longer, longer.optimizer))


def test_what_a_killed_run_left_half_written_goes_after_a_minute(tmp_path):
    old, new, other = (tmp_path / n for n in (".ckpt-1.x.part", ".ckpt-2.x.part", ".other-1.part"))
    for path in (old, new, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (0, 0))
    CheckpointManager(tmp_path).save(3, n=1)
    assert [old.exists(), new.exists(), other.exists()] == [False, True, True]


def test_without_safetensors_nothing_is_trained(tmp_path, monkeypatch):
    model = nn.Linear(2, 1)
    model.compile("sgd", "mse")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    missing = (
        "a checkpoint needs safetensors, which is not installed; in a clone of microgradnn write: "
        "pip install -e '.[checkpoints]'"
    )
    for make in (CheckpointManager, ModelCheckpoint, BackupAndRestore):
        with pytest.raises(MissingPackageError) as error:
            model.fit(np.ones((4, 2)), np.ones((4, 1)), callbacks=[make(tmp_path)], verbose=0)
        assert str(error.value) == missing
    with pytest.raises(MissingPackageError):
        save_checkpoint(tmp_path / "a.safetensors", model=model)
    assert model.optimizer.param_groups[0]["updates"] == 0 and not any(tmp_path.iterdir())
