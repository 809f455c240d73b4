"""History and the bar that fit() shows: with rich, without it, and where there is no terminal."""

import importlib
import io
import sys
from typing import Any

import numpy as np
import pytest

from microgradnn import nn
from microgradnn.train import History

X = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def fitted(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **how: Any) -> tuple[str, History]:
    model = nn.MLP(3, [4, 2], rng=np.random.default_rng(0))
    model.compile("adam", "cross_entropy", ["accuracy"])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    history = model.fit(X, Y, batch_size=8, epochs=2, seed=0, validation_split=0.25, **how)
    monkeypatch.undo()
    return stream.getvalue(), history


def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def import_module(name: str, *rest: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", import_module)


@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_gets_a_bar_and_then_a_line_for_each_epoch(
    rich: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rich:
        without_rich(monkeypatch)
    text, history = fitted(monkeypatch, Terminal())
    for epoch in (1, 2):
        (line,) = [
            s for s in text.replace("\r", "\n").split("\n") if s.startswith(f"epoch {epoch}/2  ")
        ]
        for name, values in history.history.items():
            assert f"{name} {values[epoch - 1]:.4g}" in line
    assert ("[====" in text) != rich


@pytest.mark.parametrize(("verbose", "lines"), [("auto", 0), (0, 0), (1, 2), (2, 2)])
def test_elsewhere_it_is_quiet_unless_asked(
    verbose: Any, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = fitted(monkeypatch, io.StringIO(), verbose=verbose)
    assert text.count("\n") == lines and "\r" not in text and "\x1b" not in text


def test_the_bar_is_closed_when_a_callback_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgradnn.train import LambdaCallback

    def stop(batch: int, logs: Any) -> None:
        raise KeyboardInterrupt

    stream = Terminal()
    with pytest.raises(KeyboardInterrupt):
        fitted(monkeypatch, stream, callbacks=[LambdaCallback(on_train_batch_end=stop)])
    monkeypatch.undo()
    text, _ = fitted(monkeypatch, Terminal())  # rich allows one live display at a time
    assert "epoch 2/2" in text


def test_a_history_shows_its_last_figures_and_copies_its_state() -> None:
    history = History({"epochs": 2})
    assert repr(history) == "History(0 epochs)"
    history.add(0, {"loss": 0.5})
    history.add(1, {"loss": 0.25})
    assert repr(history) == "History(2 epochs: loss 0.25)"
    twin = History()
    twin.load_state_dict(history.state_dict())
    history.add(2, {"loss": 0.125})
    assert (twin.epoch, twin.history) == ([0, 1], {"loss": [0.5, 0.25]})
