"""The helper for tables of error texts can fail: wrong text, wrong class, no error, bad form."""

import pytest

from tests import messages


def stop(error: Exception) -> None:
    raise error


test_right_rows_pass = messages.table(
    (lambda: stop(ValueError("relu: no")), ValueError, "relu: no"),
    (
        lambda: stop(OSError("a: Tensor and str do not mix")),
        OSError,
        "a: Tensor and str do not mix",
    ),
    (lambda: stop(KeyError("a: no b")), KeyError, repr("a: no b")),
)


@pytest.mark.parametrize(
    "row",
    [
        (lambda: stop(ValueError("no!")), ValueError, "no"),
        (lambda: stop(FileNotFoundError("no")), OSError, "no"),
        (lambda: None, ValueError, "no"),
    ],
)
def test_wrong_rows_fail(row: messages.Row) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        messages.exactly(*row)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("no", "it does not begin with who speaks"),
        ("what it is that went wrong: no", "it does not begin with who speaks"),
        ("relu: Bad input", "it begins with Bad"),
        ("relu: bad\ninput", "it has several lines"),
        ("relu: bad input.", "it ends with a full stop"),
        ("relu: got <object at 0x7f60fb9b4f40>", "it shows an address"),
        ("relu: 'int' object is not callable", "'object is' is what Python says"),
        ("relu: takes 1 positional argument", "'takes 1 positional' is what Python says"),
        ("update: write w = w - ...", ""),
    ],
)
def test_a_bad_form_is_told(text: str, what: str) -> None:
    assert messages.complaint(text) == what
