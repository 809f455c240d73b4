"""HIPS autograd's primitives as subjects of the checker, where it is installed."""

import pytest

from microgradnn import check
from microgradnn.check.files.discover import find

pytest.importorskip("autograd")

TEXT = """
    import autograd.numpy as np
    from autograd.extend import defvjp, primitive

    @primitive
    def logsumexp(x):
        m = np.max(x)
        return m + np.log(np.sum(np.exp(x - m)))

    defvjp(logsumexp, lambda ans, x: lambda g: g * np.exp(x - ans))

    @primitive
    def scale(x, w):
        return np.sin(x) * w

    defvjp(
        scale, lambda ans, x, w: lambda g: g * np.sin(x) * w, lambda ans, x, w: lambda g: g * np.sin(x)
    )

    @primitive
    def first_only(x, y):
        return x * np.exp(y)

    defvjp(first_only, lambda ans, x, y: lambda g: g * np.exp(y), None)
"""


def test_primitives(load):
    module = load(TEXT)
    x, y = module.np.linspace(-1, 2, 12).reshape(2, 6) + 0.05
    assert [f.style for f in find(module)] == ["hips"] * 3
    right = check.layer(module.logsumexp, (x,))
    assert right.verdict == "PASS" and right.proved
    for f, name in ((module.scale, "x"), (module.first_only, "y")):  # None is a gradient of zeros
        wrong = check.layer(f, (x, y))
        assert wrong.verdict == "FAIL"
        assert [f.argument for f in wrong.findings if f.code == "GC201"] == [name]
