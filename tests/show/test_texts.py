"""The catalogues: complete in every language, and nothing in them that nobody says."""

import re
from pathlib import Path
from string import Formatter

import pytest

from microgradnn.show import texts

ROOM = Path(__file__).parents[2] / "microgradnn" / "show"
SOURCES = {p: p.read_text("utf-8") for p in ROOM.rglob("*") if p.suffix in (".py", ".js", ".html")}
CODE = "".join(text for path, text in SOURCES.items() if path.parent.name != "texts")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_every_sentence_with_the_same_facts() -> None:
    for lang, catalogue in texts.CATALOGUES.items():
        assert list(catalogue) == list(texts.CATALOGUES["en"]), lang
        for key, text in catalogue.items():
            assert text.strip() and fields(text) == fields(texts.CATALOGUES["en"][key]), key


def test_every_sentence_is_used_and_none_is_missing() -> None:
    keys = set(texts.CATALOGUES["en"])
    groups = set(re.findall(r'f"(\w+)\.\{|`(\w+)\.\$\{', CODE))
    groups = {name for pair in groups for name in pair} - {"typed"}
    assert set(re.findall(r'wrong\(\s*"(\w+)"', CODE)) | {"nearest", "wrote"} == {
        k.removeprefix("typed.") for k in keys if k.startswith("typed.")
    }
    said = set(re.findall(r'say\(\s*"(\w+\.\w+)"', CODE))
    assert said <= keys
    keys = {k for k in keys if not k.startswith("typed.")}
    named = set(re.findall(r'["\'](\w+\.\w+)["\']', CODE))
    unused = {k for k in keys if k not in named and k.partition(".")[0] not in groups}
    assert not unused


def test_chinese_sentences_are_chinese() -> None:
    for key, text in texts.CATALOGUES["zh"].items():
        assert re.search("[\u4e00-\u9fff]", text), key


def test_the_language_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert texts.language() == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert texts.language() == "zh"
    monkeypatch.setenv("LC_ALL", "C")
    assert texts.language() == "en" and texts.language("zh") == "zh"
