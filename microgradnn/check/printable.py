"""Text that terminals, XML and JSON can hold."""

import re

_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text with what a terminal would obey, and XML and JSON cannot hold, as escapes."""
    return _UNPRINTABLE.sub(lambda m: ascii(m[0])[1:-1], text)
