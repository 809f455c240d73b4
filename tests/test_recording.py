"""no_grad and detect_anomaly leave no state: threads, generators, coroutines, errors, Ctrl-C."""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.numerics.recording import recording, special

X = mg.tensor([1.0, 2.0], requires_grad=True)


def records() -> bool:
    return bool((X * 2.0).requires_grad)


def clean() -> bool:
    return records() and recording.on and not recording.settings and not special


def steps(n: int = 3) -> Iterator[bool]:
    with mg.no_grad():
        for _ in range(n):
            yield records()


def helped(n: int = 3) -> Iterator[bool]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(mg.no_grad())
        for _ in range(n):
            yield records()


class Own:
    """A user's context that uses ours."""

    def __enter__(self) -> None:
        self.inner = mg.no_grad()
        self.inner.__enter__()

    def __exit__(self, *error: object) -> None:
        self.inner.__exit__(*error)


def owned(n: int = 3) -> Iterator[bool]:
    with Own():
        for _ in range(n):
            yield records()


@mg.no_grad()
def decorated(n: int = 3) -> Iterator[bool]:
    for _ in range(n):
        yield records()


def nested(n: int = 3) -> Iterator[bool]:
    with mg.no_grad():
        yield from steps(n)


GENERATORS: list[Callable[..., Iterator[bool]]] = [steps, helped, owned, decorated, nested]


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_generator_that_waits_does_not_stop_recording_for_its_caller(generator: Any) -> None:
    it = generator()
    for inside in it:
        assert not inside and records()
    assert clean()
    it = generator()
    next(it)
    with mg.no_grad():
        next(it)
        assert not records()
    assert records()
    it.close()
    assert clean()
    it = generator()
    next(it)
    del it
    assert clean()
    it = generator()
    next(it)
    with pytest.raises(ZeroDivisionError):
        it.throw(ZeroDivisionError)
    assert clean()


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=25))
def test_generators_may_take_turns_in_any_order(turns: list[tuple[int, bool]]) -> None:
    live: dict[int, Any] = {}
    for which, ends in turns:
        it = live.setdefault(which, GENERATORS[which](100))
        if ends:
            live.pop(which).close()
        else:
            assert next(it) is False
        assert records()
    for it in live.values():
        it.close()
    assert clean()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with mg.no_grad():
        yield


def test_a_context_manager_made_of_a_generator_holds_for_its_block() -> None:
    with quiet():
        assert not records()
        with quiet():
            assert not records()
        assert not records()
    assert clean()

    def inside() -> Iterator[bool]:
        with quiet():
            yield records()
            yield records()

    for value in inside():
        assert not value and records()


def test_coroutines_do_not_meet() -> None:
    async def quiet_task() -> list[bool]:
        seen = []
        with mg.no_grad():
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(records())
        return seen

    @mg.no_grad()
    async def quiet_too() -> list[bool]:
        await asyncio.sleep(0)
        return [records()]

    async def loud_task() -> list[bool]:
        seen = []
        for _ in range(6):
            await asyncio.sleep(0)
            seen.append(records())
        return seen

    @mg.no_grad()
    async def numbers() -> Any:
        for _ in range(2):
            await asyncio.sleep(0)
            yield records()

    async def main() -> Any:
        found = await asyncio.gather(quiet_task(), loud_task(), quiet_task(), quiet_too())
        return found, [(value, records()) async for value in numbers()]

    (a, loud, b, c), pairs = asyncio.run(main())
    assert not any([*a, *b, *c]) and all(loud) and pairs == [(False, True)] * 2
    assert clean()


def test_threads_do_not_meet() -> None:
    wrong: list[str] = []
    begin = threading.Barrier(4)

    def work(quietly: bool) -> None:
        begin.wait(10)
        for _ in range(300):
            if quietly:
                with mg.no_grad():
                    if records():
                        wrong.append("recorded")
            elif not records() or mg.grad(lambda x: x * x)(3.0) != 6.0:
                wrong.append("not recorded")

    threads = [threading.Thread(target=work, args=(i % 2 == 0,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong and clean()


def test_it_can_be_entered_again_and_decorates() -> None:
    off = mg.no_grad()
    with off, off:
        assert not records()
    assert clean()
    assert mg.no_grad()(records)() is False
    assert clean()
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert clean()


def forward_and_backward() -> None:
    x = mg.tensor(np.ones((20, 20)), requires_grad=True)
    with mg.no_grad():
        y = np.tanh(x @ x)
    z = np.tanh(x @ x).sum()
    z.backward()
    mg.hessian(lambda v: np.sum(v**3))(np.ones(3))
    assert not y.requires_grad and z.requires_grad


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
def test_ctrl_c_at_any_moment_leaves_nothing() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    forward_and_backward()  # what loads when it is first used: Python drops interrupts of imports
    before, errors = signal.signal(signal.SIGALRM, interrupt), np.geterr()
    rng, hits, end = np.random.default_rng(), 0, time.monotonic() + 1.5
    try:
        while time.monotonic() < end:
            try:
                # Again after half a second: Python drops one that falls into a callback.
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(2e-5, 4e-3), 0.5)
                while True:
                    forward_and_backward()
            except KeyboardInterrupt:
                signal.setitimer(signal.ITIMER_REAL, 0)
                hits += 1
            assert clean() and np.geterr() == errors
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits > 20
