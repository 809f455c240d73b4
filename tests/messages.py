"""Exact error texts: a folder's table of (call, exception type, whole text), one row a message.

In tests/<folder>/test_messages.py, or at the end of a test file:

    test_messages = messages.table(
        (lambda: mg.exp(), TypeError, "exp: 1 argument is missing: x"),
        ...
    )

Each text is also asked whether it is said as the house says things: see complaint().
"""

import decimal
import fractions
import re
from collections.abc import Callable
from typing import Any

import pytest

import microgradnn as mg
from microgradnn import nn, optim, train

Row = tuple[Callable[[], Any], type[BaseException], str]

PYTHONS = re.compile(
    r"unsupported operand|takes \d+ positional|required positional|unexpected keyword|object (is|has|does|of type|cannot)"
    r"|has no attribute|not (callable|iterable|subscriptable)|must be real number|got multiple values"
)


def exactly(call: Callable[[], Any], error: type[BaseException], text: str) -> None:
    """Asserts that the call raises this very class of error (no subclass) with this whole text."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == text


def complaint(text: str) -> str:
    """What is wrong with the form of a message; "" if nothing.

    It is one line without a full stop: who speaks (an op, a class, an option, a file), a colon, and
    a sentence that begins with a small letter or a name; no address, none of Python's own words.
    """
    who, _, said = text.strip("'\"").partition(": ")  # a KeyError shows its text in quotes
    if not said or len(who.split()) > 2:
        return "it does not begin with who speaks"
    first = re.split(r"\W", said, maxsplit=1)[0]
    named = any(hasattr(room, first) for room in (mg, nn, optim, train, fractions, decimal))
    if first[:1].isupper() and not first.isupper() and not named:
        return f"it begins with {first}"
    if "\n" in text:
        return "it has several lines"
    if text.endswith(".") and not text.endswith("..."):
        return "it ends with a full stop"
    if re.search(r"\b0x[0-9a-f]{5,}| at 0x", text):
        return "it shows an address"
    python = PYTHONS.search(text)
    return f"{python[0]!r} is what Python says" if python else ""


def table(*rows: Row) -> Callable[..., None]:
    """Returns a test with one case for each row, named by the beginning of its text."""

    @pytest.mark.parametrize(("call", "error", "text"), rows, ids=[text[:60] for *_, text in rows])
    def test(call: Callable[[], Any], error: type[BaseException], text: str) -> None:
        exactly(call, error, text)
        assert complaint(text) == ""

    return test
