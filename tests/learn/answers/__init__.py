"""Right and wrong answers to the exercises: nothing in the package can import them.

Each module has KEYS, whole files that are right, in several styles, and WRONG: the part, the cause
that must be told, and the lines that stand below the def line of the stub.
"""

import re
import textwrap
from types import ModuleType
from typing import Any

from microgradnn.learn.exercise import Exercise, Told

HEAD = "import math\nimport numpy as np\n\n\n"


def loaded(text: str) -> ModuleType:
    module = ModuleType("answer")
    code = compile(text, "answer.py", "exec")
    exec(code, vars(module))
    return module


def answer(e: Exercise, part: str, body: str) -> str:
    """A file with one function: the def line of the stub, and a body below it."""
    if body.startswith(("def ", "class ", "\nimport ")):
        return HEAD + body
    (line,) = re.findall(rf"^def {part}\(.*$", e.stub, re.M)
    return HEAD + f"{line}\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


def graded(e: Exercise, text: str, part: str = "") -> list[Told]:
    module = loaded(text)
    return [p.grade(module) for p in e.parts if not part or p.name == part]


def table(modules: Any, name: str) -> list[Any]:
    return [(m.NUMBER, *row) for m in modules for row in getattr(m, name)]
