"""What every adapter must do, and what is said of one that does not."""

from pathlib import Path

import pytest
from hypothesis import settings

from compare import __main__ as cli
from compare import frameworks, own_process

GOOD = """
from compare.frameworks import ours

class Good(ours.Session):
    version = staticmethod(lambda: "1")

class Nameless(Good):
    version = staticmethod(lambda: None)

class Wordy(Good):
    refuses = staticmethod(lambda model, optimizer, dtype: True)

class Refuses(Good):
    refuses = staticmethod(lambda model, optimizer, dtype: "no " + dtype)

class Turned(Good):
    def gradients(self, *args):
        found = super().gradients(*args)
        found.grads = [g.T for g in found.grads]
        return found

class Nothing(Good):
    def gradients(self, *args):
        return None

class AddsUp(Good):
    total = 0
    def gradients(self, *args):
        found = super().gradients(*args)
        self.total = self.total + found.grads[0]
        found.grads = [self.total, *found.grads[1:]]
        return found

class Shares(Good):
    out = None
    def gradients(self, *args):
        found = super().gradients(*args)
        if self.out is None:
            self.out = [g.copy() for g in found.grads]
        for a, g in zip(self.out, found.grads):
            a[...] = g
        found.grads = self.out
        return found

class Views(Good):
    def update(self):
        super().update()
        return [p.data for p in self.params]

class Keeps(Good):
    def load(self, params, kept=()):
        for p, array in zip(self.params, params):
            p.data = array

class Deaf(Good):
    def gradients(self, x, y, sync=None):
        return super().gradients(x, y)

class Half(Good):
    def gradients(self, x, y, sync=None):
        if sync:
            sync.slopes = [0 * s for s in sync.slopes]
        return super().gradients(x, y, sync)

class Fast(Good):
    def update(self):
        super().update()
        return super().update()

class Raises(Good):
    def update(self):
        raise RuntimeError("mine")
"""


@pytest.mark.parametrize("name", frameworks.MODULES)
def test_every_adapter_keeps_it(name: str) -> None:
    """Here, because others use these packages here too; Keras's other backends in processes."""
    if name in ("keras-jax", "keras-torch") and settings().max_examples < 100:
        pytest.skip("imports and compiles for 10 s: HYPOTHESIS_PROFILE=deep")
    apart = name in ("keras-torch", "keras-jax")
    loaded = own_process.load([name]) if apart else {name: frameworks.load(name)}
    try:
        if isinstance(loaded[name], str):
            pytest.skip(str(loaded[name]))
        assert cli._broken(loaded[name]) == []
    finally:
        own_process.close(loaded)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Good", []),
        ("Nameless", ["version() gives None, need the version as text"]),
        ("Wordy", ["refuses() gives True, need None or the reason as text"]),
        ("Refuses", ["refuses a small tanh model with SGD: no float64"]),
        (
            "Turned",
            [
                "gradients() gives a Recorded with the shapes of the model. grads has "
                "[(4, 3), (4,), (2, 4), (2,)] without sync, expected [(3, 4), (4,), (4, 2), (2,)].",
                "gradients() gives a Recorded with the shapes of the model. grads has "
                "[(4, 3), (4,), (2, 4), (2,)] with sync, expected [(3, 4), (4,), (4, 2), (2,)].",
            ],
        ),
        (
            "Nothing",
            ["gradients() gives a Recorded with the shapes of the model. It is NoneType."],
        ),
        (
            "AddsUp",
            [
                "The same pass gives the same numbers, in this session and in another. It does "
                "not: something of an earlier pass is left."
            ],
        ),
        (
            "Shares",
            [
                "What was returned does not change afterwards, nor do arrays of the caller. A "
                "Recorded changed in later passes: copy its arrays."
            ],
        ),
        (
            "Views",
            [
                "What was returned does not change afterwards, nor do arrays of the caller. What "
                "update() gave changed in a later step: copy it."
            ],
        ),
        (
            "Deaf",
            [
                "With sync, nodes are what the layers gave, from nodes that were set. The second "
                "node is not made of the first as it was set.",
            ],
        ),
        ("Raises", ["RuntimeError: mine"]),
    ],
)
def test_what_is_broken_is_said(name: str, said: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(GOOD, encoding="utf-8")
    assert cli._broken(frameworks.load(f"{path}:{name}")) == said


@pytest.mark.parametrize("name", ["Keeps", "Half", "Fast"])
def test_more_of_what_is_broken(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(GOOD, encoding="utf-8")
    assert cli._broken(frameworks.load(f"{path}:{name}"))


def test_the_command_tries_adapters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(GOOD, encoding="utf-8")
    words = ["contract", "--framework", f"{path}:Good", "--framework", f"{path}:Nothing"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["microgradnn: keeps the contract", f"{path}:Good: keeps the contract"]
    assert lines[2].startswith(f"{path}:Nothing: gradients() gives a Recorded")
    assert cli.main([*words[:3], "--out", str(tmp_path)]) == 0


def test_keras_has_one_backend_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = pytest.importorskip("keras")
    other = "keras-torch" if keras.backend.backend() != "torch" else "keras"
    said = frameworks.load(other)
    assert isinstance(said, frameworks.Broken)
    now = keras.backend.backend()
    assert said == f"{other} cannot be used: Keras runs on {now} in this process"
