"""Exact error texts: a folder's table of (call, exception type, whole text), one row a message.

In tests/<folder>/test_messages.py, or at the end of a test file:

    test_messages = messages.table(
        (lambda: mg.exp(), TypeError, "exp: 1 argument is missing: x"),
        ...
    )
"""

from collections.abc import Callable
from typing import Any

import pytest

Row = tuple[Callable[[], Any], type[BaseException], str]


def exactly(call: Callable[[], Any], error: type[BaseException], text: str) -> None:
    """Asserts that the call raises this very class of error (no subclass) with this whole text."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == text


def table(*rows: Row) -> Callable[..., None]:
    """Returns a test with one case for each row, named by the beginning of its text."""

    @pytest.mark.parametrize(("call", "error", "text"), rows, ids=[text[:60] for *_, text in rows])
    def test(call: Callable[[], Any], error: type[BaseException], text: str) -> None:
        exactly(call, error, text)

    return test
