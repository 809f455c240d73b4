"""Hypothesis profiles, and a guard: no test leaves a switch thrown."""

import gc
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from microgradnn.numerics.recording import recording

pytest.register_assert_rewrite("tests.messages")  # its assertions show both texts

SLOW = [HealthCheck.too_slow]  # the first example of a file imports a framework
settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=SLOW)
# The same examples on every run: more of them would find nothing new the next time.
settings.register_profile("ci", settings.get_profile("dev"), max_examples=20, derandomize=True)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def what_stays_is_not_searched_again() -> Iterator[None]:
    """The garbage collector passes over what was there before the file: 17 000 tests, frameworks.

    Each gc.collect() of a test would go through it, which takes half a second by then.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_switch_is_left_thrown() -> Iterator[None]:
    """Recording is on and NumPy's error handling is untouched after every test."""
    before = np.geterr()
    yield
    assert recording.on and recording.replace is None
    assert np.geterr() == before
