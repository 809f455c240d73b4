"""Each language says all that the others say, no more, with the same words put in."""

import ast
import re
from pathlib import Path

import pytest

from microgradnn import learn
from microgradnn.errors import ConfigError
from microgradnn.learn.catalogue import LANGUAGES, catalogue, chosen
from microgradnn.learn.shelf import EXERCISES

HOME = Path(learn.__file__).parent
EN, ZH = catalogue("en"), catalogue("zh")


def text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def test_every_language_has_a_catalogue() -> None:
    assert {p.stem for p in HOME.glob("*.toml")} == set(LANGUAGES)


def test_the_languages_have_the_same_texts() -> None:
    assert set(EN.texts) == set(ZH.texts)
    for key, value in EN.texts.items():
        other = ZH.texts[key]
        assert set(re.findall(r"\{\w+\}", text(value))) == set(
            re.findall(r"\{\w+\}", text(other))
        ), key
        assert isinstance(value, str) or len(value) == len(other) >= 2, key
        assert text(value).strip() and text(other).strip(), key


def test_no_text_is_unused() -> None:
    said = set()
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
    assert {k for k in EN.texts if k.startswith("ui.")} == {
        s for s in said if re.fullmatch(r"ui\.\w+", s)
    }
    for e in EXERCISES:
        assert set(EN.under(f"exercise.{e.number}.hints")) == {p.name for p in e.parts}
        assert set(EN.under(f"exercise.{e.series or e.number}.doc")) == set(
            re.findall(r"\$(\w+)", e.stub)
        )
    numbers = {k.split(".")[1] for k in EN.texts if k.startswith("exercise.")}
    assert numbers == {name for e in EXERCISES for name in (e.number, e.series) if name}


def test_chinese_has_chinese_punctuation() -> None:
    han = "[\u4e00-\u9fff]"
    for key, value in ZH.texts.items():
        assert not re.search(rf"{han}[,:;?!(]|[,;?!)]{han}", text(value)), key


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": "C.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_user(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert chosen().language == language
    assert chosen("zh").language == "zh"


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(
        ConfigError, match=r"^exercise: no language is called 'fr'; use one of en, zh$"
    ):
        chosen("fr")


@pytest.mark.parametrize("e", EXERCISES, ids=lambda e: e.number)
def test_the_stubs_of_both_languages_are_the_same_program(e) -> None:
    def program(written: str) -> str:
        tree = ast.parse(written)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
                node
            ):
                node.body[0] = ast.Pass()
        return ast.dump(tree)

    assert program(e.written(EN)) == program(e.written(ZH))
    assert all(len(line) <= 100 for line in e.written(EN).splitlines())
