"""Every sentence that microgradnn shows about a graph, once in each language: say(key, lang).

en.py and zh.py hold the same keys, with the same names in braces; a test keeps them complete and
free of keys that nothing uses.
"""

import os

from ...errors import ConfigError
from . import en, zh

CATALOGUES = {"en": en.TEXTS, "zh": zh.TEXTS}


def language(lang: str | None = None) -> str:
    """ "en" or "zh": as asked, or as the environment (LC_ALL, LC_MESSAGES, LANG) says.

    Raises ConfigError for a language that is not there.
    """
    if lang is None:
        said = next(
            (os.environ[v] for v in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(v)), ""
        )
        return "zh" if said.lower().startswith("zh") else "en"
    if lang not in CATALOGUES:
        known = ", ".join(map(repr, CATALOGUES))
        raise ConfigError(f"lang: got {lang!r}, expected one of {known}")
    return lang


def say(key: str, lang: str, **facts: object) -> str:
    """The sentence of that key, with the facts in their places."""
    text = CATALOGUES[lang][key]
    return text.format(**facts) if facts else text
