"""The texts that a learner reads, one file for each language."""

import locale
import os
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import unknown

LANGUAGES = {"en": "English", "zh": "中文"}


class _Words(dict[str, object]):
    """What is put into a text; a word that is not known is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


class Catalogue:
    """The texts of one language: say("ui.right", count=3) is the text with its words put in."""

    def __init__(self, language: str, texts: dict[str, Any]):
        self.language = language
        self.texts = dict(_flat(texts, ""))

    def __call__(self, key: str, **words: object) -> str:
        text = self.texts[key]
        assert isinstance(text, str), key
        return text.format_map(_Words(words))

    def hints(self, key: str, **words: object) -> list[str]:
        """The texts of a list, each with its words put in."""
        return [text.format_map(_Words(words)) for text in self.texts[key]]

    def under(self, start: str) -> dict[str, str]:
        """All texts whose keys begin so, by the rest of the key."""
        n = len(start) + 1
        return {k[n:]: v for k, v in self.texts.items() if k.startswith(f"{start}.")}


def _flat(texts: dict[str, Any], start: str) -> Any:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{key}.")
        else:
            yield (
                start + key,
                [v.strip("\n") for v in value] if isinstance(value, list) else value.strip("\n"),
            )


@cache
def catalogue(language: str) -> Catalogue:
    """The texts of a language of LANGUAGES."""
    text = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return Catalogue(language, tomllib.loads(text))


def chosen(language: str | None = None) -> Catalogue:
    """The texts of the language asked for, or of the user's: LC_ALL, LC_MESSAGES, LANG, then en.

    Raises ConfigError for a language that there is not.
    """
    if language is not None:
        if language not in LANGUAGES:
            raise unknown("exercise", "language", language, LANGUAGES)
        return catalogue(language)
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next((n for n in names if n), "") or locale.getlocale()[0] or ""
    return catalogue("zh" if name.lower().startswith(("zh", "chinese")) else "en")
