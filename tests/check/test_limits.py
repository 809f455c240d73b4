"""The time limit of a file counts the time in which the machine let it run."""

import sys
import time
from typing import Any

import pytest

from microgradnn.check.files import limits


@pytest.mark.parametrize(("share", "late"), [(0.0, True), (0.9, False)])
def test_time_in_a_queue_does_not_count(
    share: float, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_queued", lambda: share * time.monotonic())
    said: list[dict[str, Any]] = []
    file = limits.File(__file__, "this file")
    watch = limits.Watch(
        lambda **message: said.append(message), sys.__stderr__.fileno(), lambda _: None, file, 0.3
    )
    with watch:
        time.sleep(0.7)
    assert bool(said) == late
    assert all(message["late"] in ("hangs", "slow") for message in said)


def test_the_time_in_the_queue_is_known_on_linux() -> None:
    waited = limits._queued()
    assert waited >= 0.0 and limits._queued() >= waited
