"""The text of six programs, kept in golden/; and how long it is beside a textbook's."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from tests.compiler.golden_programs import FOLDER, PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_is_as_it_was(name: str) -> None:
    step = PROGRAMS[name]()
    assert step.source == (FOLDER / f"{name}.txt").read_text()
    assert PROGRAMS[name]().source == step.source
    compile(step.source, name, "exec")


def test_the_text_in_the_documentation_is_the_real_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "compiler.md").read_text()
    shown = re.findall(r"```python\n([^`]*)```\n\n`text` is\n\n```text\n(.*?)```", page, re.S)
    assert len(shown) == 2
    for block, text in shown:
        space: dict[str, Any] = {}
        exec(compile(block, "docs/compiler.md", "exec"), space)
        assert space["text"] == text


# What a textbook prints of a net with three layers: forward, backward, and what both need.
TEXTBOOK = """
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def mlp_and_gradient(W1, b1, W2, b2, W3, b3, x, t):
    # forward
    z1 = x @ W1 + b1
    h1 = np.maximum(z1, 0)
    z2 = h1 @ W2 + b2
    h2 = np.maximum(z2, 0)
    z3 = h2 @ W3 + b3
    p = softmax(z3)
    n = len(x)
    loss = -np.log(p[np.arange(n), t]).mean()

    # backward
    dz3 = p.copy()
    dz3[np.arange(n), t] -= 1
    dz3 /= n
    dW3 = h2.T @ dz3
    db3 = dz3.sum(axis=0)
    dh2 = dz3 @ W3.T
    dz2 = dh2 * (z2 > 0)
    dW2 = h1.T @ dz2
    db2 = dz2.sum(axis=0)
    dh1 = dz2 @ W2.T
    dz1 = dh1 * (z1 > 0)
    dW1 = x.T @ dz1
    db1 = dz1.sum(axis=0)
    return loss, (dW1, db1, dW2, db2, dW3, db3)
"""


def code(text: str) -> list[str]:
    return [x for x in text.splitlines() if x.strip() and not x.strip().startswith("#")]


def test_a_net_of_three_layers_is_as_long_as_in_a_textbook() -> None:
    def mlp(p: Any, x: Any, t: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = p
        h1 = mg.relu(x @ W1 + b1)
        h2 = mg.relu(h1 @ W2 + b2)
        z3 = h2 @ W3 + b3
        return mg.cross_entropy(z3, t)

    rng = np.random.default_rng(0)
    p = [rng.normal(size=s) for s in ((4, 8), (8,), (8, 8), (8,), (8, 3), (3,))]
    x, t = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
    step = mg.compile(mlp)
    step(p, x, t)
    assert len(code(step.source)) <= 1.3 * len(code(TEXTBOOK))
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    exec(TEXTBOOK, theirs)
    exec(step.source, ours)
    a, b = (space["mlp_and_gradient"](*p, x, t) for space in (theirs, ours))
    assert np.isclose(a[0], b[0])
    assert all(np.allclose(g, k) for g, k in zip(a[1], b[1], strict=True))
