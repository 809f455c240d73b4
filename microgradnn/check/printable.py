"""Text that terminals, XML and JSON can hold."""

import re

# Also the marks that turn the direction of writing: a line could be made to read otherwise.
_UNPRINTABLE = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def clean(text: str) -> str:
    """The text with what a terminal would obey, and XML and JSON cannot hold, as escapes."""
    return _UNPRINTABLE.sub(lambda m: ascii(m[0])[1:-1], text)
