"""The helper for tables of error texts can fail: wrong text, wrong class, no error."""

import pytest

from tests import messages


def stop(error: Exception) -> None:
    raise error


test_right_rows_pass = messages.table(
    (lambda: stop(ValueError("no")), ValueError, "no"),
    (lambda: stop(OSError("a: b")), OSError, "a: b"),
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
