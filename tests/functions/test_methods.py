"""The methods of arrays: what signatures/array_methods.py declares is what functions/methods.py fills in."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.signatures import array_methods

TREE = ast.parse(Path(array_methods.__file__).read_text())
DECLARED = {
    node.name: node for node in ast.walk(TREE) if isinstance(node, ast.FunctionDef)
}  # fmt: skip
FILLED = {
    name: method
    for name, method in vars(mg.Tensor).items()
    if getattr(method, "__module__", "").startswith("microgradnn.functions")
}


def test_every_method_is_declared_and_every_declaration_filled_in() -> None:
    assert sorted(DECLARED) == sorted(FILLED)


@pytest.mark.parametrize("name", [n for n in DECLARED if hasattr(FILLED.get(n), "__wrapped__")])
def test_parameters_are_those_of_the_function(name: str) -> None:
    given = DECLARED[name].args
    declared = [a.arg for a in (*given.args, *given.kwonlyargs)][1:]
    function = list(inspect.signature(FILLED[name]).parameters.values())[1:]
    assert declared == [p.name for p in function]
    expected = [p.default for p in function if p.default is not inspect.Parameter.empty]
    defaults = [*given.defaults, *(d for d in given.kw_defaults if d is not None)]
    assert [ast.literal_eval(d) for d in defaults] == expected


def test_compress_takes_the_condition_as_numpys_method_does() -> None:
    x, keep = np.arange(6.0).reshape(2, 3), [True, False, True]
    t = mg.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(t.compress(keep, 1).data, x.compress(keep, 1))
    t.compress(keep, axis=1).sum().backward()
    np.testing.assert_array_equal(t.grad, [[1, 0, 1], [1, 0, 1]])
