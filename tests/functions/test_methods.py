"""The methods of tensors: what signatures/ declares is what functions/ fills in, and is NumPy's."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.signatures import array_methods, torch_methods

DECLARED: dict[str, ast.FunctionDef] = {}  # of overloads the first, which is NumPy's
for file in (array_methods.__file__, torch_methods.__file__):
    for node in ast.walk(ast.parse(Path(file).read_text())):
        if isinstance(node, ast.FunctionDef):
            DECLARED.setdefault(node.name, node)
FILLED = {
    name: method
    for name, method in vars(mg.Tensor).items()
    if not name.startswith("__")
    and getattr(getattr(method, "fget", method), "__module__", "").startswith(
        "microgradnn.functions"
    )
}


def test_every_method_is_declared_and_every_declaration_filled_in() -> None:
    assert sorted(DECLARED) == sorted(FILLED)


def says_its_parameters(name: str) -> bool:
    method = FILLED.get(name)
    if not hasattr(method, "__wrapped__"):
        return False
    kinds = {p.kind for p in inspect.signature(method).parameters.values()}
    return inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize("name", list(filter(says_its_parameters, DECLARED)))
def test_parameters_are_those_of_the_function(name: str) -> None:
    given = DECLARED[name].args
    keywords = dict(zip((a.arg for a in given.kwonlyargs), given.kw_defaults, strict=True))
    # PyTorch's words for what NumPy's words say already: by name, no default of their own
    words = {k for k, d in keywords.items() if isinstance(d, ast.Constant) and d.value is ...}
    positional = [a.arg for a in (*given.args, *filter(None, [given.vararg]))][1:]
    declared = positional + [k for k in keywords if k not in words]
    function = list(inspect.signature(FILLED[name]).parameters.values())[1:]
    assert declared == [p.name for p in function]
    expected = [p.default for p in function if p.default is not inspect.Parameter.empty]
    kept = [d for k, d in keywords.items() if d is not None and k not in words]
    assert [ast.literal_eval(d) for d in (*given.defaults, *kept)] == expected


def test_compress_takes_the_condition_as_numpys_method_does() -> None:
    x, keep = np.arange(6.0).reshape(2, 3), [True, False, True]
    t = mg.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(t.compress(keep, 1).data, x.compress(keep, 1))
    t.compress(keep, axis=1).sum().backward()
    np.testing.assert_array_equal(t.grad, [[1, 0, 1], [1, 0, 1]])
