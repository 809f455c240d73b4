"""What a child says to its parent: lines of JSON, signed with a key that only these two know.

The code that is checked runs beside the sender. What it writes into the pipe is not signed, and a
line that is lost or comes twice breaks the count.
"""

import json
import os
from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

# The messages there are: their words, and what each may be.
FORMS: tuple[dict[str, tuple[type, ...]], ...] = (
    {"found": (list,)},
    {"start": (str,)},
    {"report": (dict,)},
    {"changed": (str,)},
    {"late": (str,), "line": (int, type(None)), "function": (str,)},
    {"exit": (str,), "line": (int, type(None)), "function": (str,)},
    {"error": (str,), "nothing": (bool,)},
    {"end": (bool,)},
)


def _sign(key: bytes, count: int, body: bytes) -> bytes:
    return blake2b(b"%d " % count + body, key=key, digest_size=16).hexdigest().encode()


def sender(fd: int, key: bytes) -> Callable[..., None]:
    """A function that writes one message, given by name, to a file descriptor.

    It raises OSError where the parent is gone. What it stands on is bound here, before code runs
    that might change it: os.write is not looked up again.
    """
    dumps, write, sign, count = json.dumps, os.write, _sign, 0

    def send(**message: Any) -> None:
        nonlocal count
        body = dumps(message).encode()
        line = b"\n" + sign(key, count, body) + b" " + body + b"\n"
        count += 1
        while line:
            line = line[write(fd, line) :]

    return send


class Receiver:
    """The other end: messages that are signed, in their order, and of a form that there is."""

    def __init__(self, key: bytes):
        self.key, self.count = key, 0

    def read(self, line: bytes) -> dict[str, Any] | None:
        """The message in a line, or None if it is none of the sender's, or not the next one."""
        signature, _, body = line.rstrip(b"\r\n").partition(b" ")
        if not compare_digest(signature, _sign(self.key, self.count, body)):
            return None
        self.count += 1
        message = json.loads(body)
        return message if any(_fits(message, form) for form in FORMS) else None


def _fits(message: Any, form: dict[str, tuple[type, ...]]) -> bool:
    return (
        isinstance(message, dict)
        and set(message) == set(form)
        and all(isinstance(message[word], kinds) for word, kinds in form.items())
    )
