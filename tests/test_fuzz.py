"""No exception from the depths: nonsense ends in a result or in a sentence, whatever is called.

tests/junk.py finds the public callables by itself and draws the calls; HYPOTHESIS_PROFILE=deep
draws forty of each.
"""

import os
import re
import signal
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import data, nn, optim, scalar, train
from microgradnn.errors import ConfigError, DTypeError, MicrogradError, MicrogradWarning, ShapeError

from . import junk, messages

EACH = 40 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 1
PARTS = 8
SECONDS = 10
PYTHONS = re.compile(
    r"missing \d+ required|unexpected keyword|takes .*argument|multiple values for"
)
SENTENCE = re.compile(r"^[^:]+: \S")


class Hang(BaseException):
    """The call took too long."""


@pytest.fixture
def bounded(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files land in a folder of their own; what asks for more than 8 GB gets a MemoryError."""
    resource = pytest.importorskip("resource")
    monkeypatch.chdir(tmp_path)
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 8 * 2**30, hard))
    earlier = signal.signal(signal.SIGALRM, _stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, earlier)
    resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _stop(*_: Any) -> None:
    raise Hang


def complaint(target: junk.Target, seed: int) -> str | None:
    """What is wrong with the end of one call, if anything is."""
    rng = np.random.default_rng([seed, *map(ord, target.name)])
    what = ""
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for kind in (RuntimeWarning, MicrogradWarning):  # NumPy warns of log(-1) too
                warnings.simplefilter("ignore", kind)
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            f = target.make()
            args, kwargs, what = junk.spoiled(rng, f, *junk.sensible(rng, target, f))
            f(*args, **kwargs)
    except Hang:
        return f"{target.name}({what}) hangs"
    except MicrogradError as error:
        if not SENTENCE.match(str(error)):
            return f"{target.name}({what}) says not who speaks: {error}"
    except Exception as error:
        ours = traceback.extract_tb(error.__traceback__)[-1].filename != junk.__file__
        clear = isinstance(error, TypeError) and PYTHONS.search(str(error))
        allowed = isinstance(error, NotImplementedError | OSError)  # abstract; no such file
        if ours and not clear and not allowed:
            return f"{target.name}({what}) ends in {type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


TARGETS = list(junk.targets())


@pytest.mark.parametrize("part", range(PARTS))
def test_nonsense_ends_in_a_result_or_a_sentence(
    part: int, bounded: None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [complaint(t, seed) for t in TARGETS[part::PARTS] for seed in range(EACH)]
    assert [text for text in found if text] == []


def test_everything_public_is_called() -> None:
    names = {t.name for t in TARGETS}
    assert len(names) > 900
    assert {
        "mg.sum", "mg.exp", "mg.linalg.solve", "mg.autograd.grad", "nn.Linear", "nnf.conv2d",
        "nn.init.uniform", "optim.Adam", "lr_scheduler.StepLR", "train.EarlyStopping",
        "metrics.Accuracy", "losses.huber", "data.batches", "scalar.MLP",
        "Tensor.reshape", "Tensor.exp", "Sequential.compile", "EarlyStopping.on_epoch_end",
    } <= names  # fmt: skip


def broken(x: Any) -> Any:
    return x.shape[0] // 0


def silent(x: Any) -> Any:
    raise ConfigError("no name stands before this")


def endless(x: Any) -> Any:
    while True:
        pass


@pytest.mark.parametrize(
    ("f", "text"), [(broken, "ends in"), (silent, "says not who"), (endless, "hangs")]
)
def test_the_fuzz_finds_what_is_wrong(
    f: Any, text: str, bounded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_fuzz.SECONDS", 0.2)
    target = junk.Target("planted.f", lambda: f)
    found = [complaint(target, seed) for seed in range(10)]
    assert any(text in (c or "") for c in found)


x, deep = np.ones((2, 3)), junk.nested()

test_messages = messages.table(
    (
        lambda: mg.mean(x, "rows"),
        DTypeError,
        "mean: axis is 'rows', need an integer, a tuple of them or None",
    ),
    (
        lambda: nn.init.uniform((2, 3), 7),
        DTypeError,
        "uniform: rng is 7, need an np.random.Generator",
    ),
    (
        lambda: nn.GRUCell(3, 2, rng=7),
        DTypeError,
        "GRUCell: rng is 7, need an np.random.Generator or None",
    ),
    (
        lambda: nn.LayerNorm(3, dtype="wide"),
        DTypeError,
        "LayerNorm: dtype is 'wide', need a dtype of numbers or None",
    ),
    (
        lambda: nn.Linear(3, 2).apply(7),
        DTypeError,
        "apply: fn is 7, need a function",
    ),
    (
        lambda: mg.stack(deep),
        DTypeError,
        "stack: arrays is nested too deeply",
    ),
    (
        lambda: mg.tile(x, 10**12),
        ShapeError,
        "tile: the result needs more memory than there is",
    ),
    (
        lambda: scalar.Neuron(10**12),
        ShapeError,
        "Neuron: nin is 1000000000000, need at most 4294967296",
    ),
    (
        lambda: scalar.Neuron(2)(3.0),
        ShapeError,
        "Neuron: got 3.0, expected a list of 2 numbers",
    ),
    (
        lambda: optim.lr_scheduler.ReduceLROnPlateau(junk.sgd()).step(None),
        DTypeError,
        "ReduceLROnPlateau: metrics is None, need a number",
    ),
    (
        lambda: train.metrics.Mean(name=7),
        ConfigError,
        "Mean: name is 7, need a word",
    ),
    (
        lambda: train.read_checkpoint(7),
        DTypeError,
        "read_checkpoint: path is 7, need a path",
    ),
    (
        lambda: data.read_images(7),
        DTypeError,
        "read_images: path is 7, need a str or a Path",
    ),
)  # fmt: skip


def test_errors_of_the_users_own_code_pass_as_they_are() -> None:
    def f(x: Any) -> Any:
        return {}["nothing"]

    class Own(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.nothing

    with pytest.raises(KeyError):
        mg.grad(f)(1.0)
    with pytest.raises(AttributeError, match="nothing"):
        nn.Sequential(Own())("text")
    with pytest.raises(ZeroDivisionError):
        nn.Linear(3, 2).apply(lambda module: 1 // 0)
