"""An exercise as an assignment for otter: a notebook for students, and the tests that mark it.

The tests are of otter's exception-based format (otter-grader.readthedocs.io, "Python Format"). They
run inside of the student's notebook: where that matters take `exercise pack gradescope`.
"""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ..check.grading.pack import library, zipped
from ..errors import CheckError
from .catalogue import Catalogue, catalogue
from .exercise import Exercise
from .shelf import exercise
from .wording import cause_of, example_of

INSTALL = "numpy>=2.0\npython-flint>=0.6\notter-grader>=5\n"


def require(env: Mapping[str, Any], number: str, part: str, lang: str = "en") -> None:
    """Raises CheckError, with what is wrong as its text, unless a part of an exercise is right.

    `env` is the notebook's globals().
    """
    module = ModuleType("notebook")
    vars(module).update(env)
    say = catalogue(lang)
    found = next(p for p in exercise(number).parts if p.name == part).grade(module)
    if found.cause:
        raise CheckError("\n".join(filter(None, (cause_of(found, say), example_of(found, say)))))


def otter_zip(e: Exercise, say: Catalogue) -> bytes:
    """The zip: the notebook, tests/, requirements.txt, this library, and README.txt."""
    name = e.file.removesuffix(".py")
    files = {
        f"{name}.ipynb": _notebook(e, say, name).encode(),
        f"tests/{name}.py": _tests(e, say, name).encode(),
        "requirements.txt": INSTALL.encode(),
        "README.txt": say("ui.otter", name=name).encode() + b"\n",
    }
    return zipped(files | library())


def _tests(e: Exercise, say: Catalogue, name: str) -> str:
    """The test file: a case of one point for each part."""
    lines = [
        "from microgradnn.learn.assignment import require",
        "from otter.test_files import test_case",
        "",
        "OK_FORMAT = False",
        "",
        f"name = {name!r}",
        f"points = {len(e.parts)}",
    ]
    for i, part in enumerate(e.parts, 1):
        lines += [
            "", "",
            f"@test_case(name={part.name!r}, points=1, hidden=False)",
            f"def test_{i}(env):",
            f"    require(env, {e.number!r}, {part.name!r}, lang={say.language!r})",
        ]  # fmt: skip
    return "\n".join([*lines, ""])


def _notebook(e: Exercise, say: Catalogue, name: str) -> str:
    """The notebook: how it is checked, the stub, and a cell that checks it."""
    stub = e.written(say)
    _, text, code = stub.split('"""', 2)
    title, _, told = text.partition("\n")
    told = "\n".join(line for line in told.splitlines() if "python -m microgradnn" not in line)
    cells = [
        _cell("markdown", "title", f"# {title.strip()}\n\n{told.strip()}"),
        _cell("code", "otter", f'import otter\n\ngrader = otter.Notebook("{name}.ipynb")'),
        _cell("code", "answer", code.partition("\nif __name__ ==")[0].strip()),
        _cell("code", "check", f'grader.check("{name}")'),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    more: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source, **more}
