"""Ctrl-C at any moment of fit, evaluate and predict: no half step, nothing left switched."""

import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from microgradnn import nn, optim
from microgradnn.interrupts import bracket, held
from microgradnn.numerics.recording import recording, special
from microgradnn.train import Callback

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
Y = (X @ np.ones((3, 1))).astype(np.float32)
INSIDE = ("microgradnn/train", "microgradnn/optim", "microgradnn/engine", "microgradnn/nn")


def fresh(rule: Any = optim.Adam) -> Any:
    rng = np.random.default_rng(7)
    model = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Linear(4, 1, rng=rng))
    model.compile(lambda params: rule(params, lr=0.125), "mse", ema=0.5)
    return model


def state(model: Any) -> tuple[bytes, ...]:
    ema = model._recipe.ema
    arrays = [*model.state_dict().values(), *ema.shadow.values()]
    arrays += [v for memory in model.optimizer.state for v in memory.values()]
    counts = (model.optimizer.param_groups[0]["updates"], ema.updates)
    return (*(np.asarray(a).tobytes() for a in arrays), repr(counts).encode())


class Notes(Callback):
    """The state after every step."""

    def __init__(self) -> None:
        self.states: list[Any] = []

    def on_train_begin(self, logs: Any) -> None:
        self.states.append(state(self.model))

    def on_train_batch_end(self, batch: int, logs: Any) -> None:
        self.states.append(state(self.model))


def interrupted_at(line: int, call: Any) -> bool:
    """Whether call() got as far as this traced line of the library, where SIGINT arrives."""
    left = [line]

    def trace(frame: Any, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        if not any(part in name for part in INSIDE):
            return None
        if event in ("line", "return") and "interrupts" not in name:
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return trace

    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    return left[0] <= 0


def everything_is_as_before() -> None:
    assert recording.on and not special
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (held.depth, held.users, held.waiting) == (0, 0, [])


def lines_of(call: Any) -> int:
    """How many places call() has for interrupted_at."""
    count = [0]

    def trace(frame: Any, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        if not any(part in name for part in INSIDE):
            return None
        count[0] += event in ("line", "return") and "interrupts" not in name
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return count[0]


@pytest.fixture
def places() -> np.random.Generator:
    return np.random.default_rng()


@pytest.mark.parametrize("rule", [optim.Adam, optim.SGD])
def test_fit_leaves_the_model_as_some_step_made_it(places, rule):
    notes = Notes()
    options: dict[str, Any] = dict(batch_size=4, epochs=2, seed=0, verbose=0)
    fresh(rule).fit(X, Y, callbacks=[notes], **options)
    twin = fresh(rule)
    total = lines_of(lambda: twin.fit(X, Y, validation_data=(X, Y), **options))
    for line in places.integers(1, total + 1, 40):
        model = fresh(rule)
        assert interrupted_at(line, lambda: model.fit(X, Y, validation_data=(X, Y), **options))  # noqa: B023
        assert state(model) in notes.states, line
        assert not any(m.training for m in model.modules()) or state(model) == notes.states[0], line
        everything_is_as_before()


@pytest.mark.parametrize("call", ["predict", "evaluate"])
@pytest.mark.parametrize("training", [True, False])
def test_predict_and_evaluate_leave_no_trace(places, call, training):
    model = fresh()
    model.fit(X, Y, 4, 2, seed=0, verbose=0)
    model.train(training)
    before = state(model)

    def act() -> None:
        model.predict(X, 4) if call == "predict" else model.evaluate(X, Y, 4)

    for line in places.integers(1, lines_of(act) + 1, 40):
        assert interrupted_at(line, act)
        assert state(model) == before, line
        assert all(m.training is training for m in model.modules()), line
        everything_is_as_before()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a timer")
@pytest.mark.parametrize("handler", ["SIGINT", "SIGALRM"])
def test_by_the_clock_too(places, handler):
    """The signal falls between any two bytecodes; a handler that raises is as good as Ctrl-C."""

    def stop(*_: Any) -> None:
        if handler == "SIGINT":
            signal.raise_signal(signal.SIGINT)
        else:
            raise KeyboardInterrupt

    notes = Notes()
    fresh().fit(X, Y, 4, 20, callbacks=[notes], seed=0, verbose=0)
    old = signal.signal(signal.SIGALRM, stop)
    try:
        for _ in range(25):
            model, before = fresh(), time.perf_counter()
            try:
                signal.setitimer(signal.ITIMER_REAL, float(places.uniform(1e-4, 0.03)))
                model.fit(X, Y, 4, 20, seed=0, verbose=0)
                while time.perf_counter() < before + 1:
                    pass
            except KeyboardInterrupt:
                pass
            assert state(model) in notes.states
            everything_is_as_before()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


# ---- the context itself -------------------------------------------------------------------------


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_it_comes_at_the_end_and_once():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with held:
            press()
            with held:
                press()
            done.append(1)
        done.append(2)
    assert done == [1]
    everything_is_as_before()


def test_a_second_one_after_a_second_does_not_wait(monkeypatch):
    monkeypatch.setattr("microgradnn.interrupts.PATIENCE", 0.0)
    done = []
    with pytest.raises(KeyboardInterrupt):
        with held:
            press()
            time.sleep(0.01)
            press()
            done.append(1)
    assert done == []
    everything_is_as_before()


def test_the_programs_own_handler_is_called_and_stays():
    seen = []
    old = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with held:
            press()
            assert seen == []
        assert seen == [signal.SIGINT]
        press()
        assert len(seen) == 2
    finally:
        signal.signal(signal.SIGINT, old)


def test_a_bracket_is_interrupted_in_its_body_only():
    log: list[str] = []

    def part(name: str) -> Any:
        def run() -> None:
            log.append(name)
            press()
            log.append(name + " goes on")

        return run

    with pytest.raises(KeyboardInterrupt):
        bracket(part("enter"), part("body"), part("leave"))
    assert log == ["enter", "enter goes on", "leave", "leave goes on"]
    log.clear()
    with pytest.raises(KeyboardInterrupt):
        bracket(lambda: None, part("body"), part("leave"))
    assert log == ["body", "leave", "leave goes on"]
    everything_is_as_before()


def test_in_another_thread_it_does_nothing():
    got: list[Any] = []

    def work() -> None:
        model = fresh()
        model.fit(X, Y, 4, 1, seed=0, verbose=0)
        got.append(model.predict(X))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(got) == 1
    everything_is_as_before()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="a second signal")
def test_a_signal_while_handlers_are_exchanged_leaves_none_behind(monkeypatch):
    exchange, calls = signal.signal, []

    def interrupted(number, handler):
        calls.append(number)
        if len(calls) == 2:  # as if its own handler had been called just before
            raise KeyboardInterrupt
        return exchange(number, handler)

    old = exchange(signal.SIGALRM, lambda *_: None)
    try:
        monkeypatch.setattr(signal, "signal", interrupted)
        with pytest.raises(KeyboardInterrupt), held:
            pass
        monkeypatch.undo()
        everything_is_as_before()
    finally:
        exchange(signal.SIGALRM, old)
