"""What signatures/ declares for type checkers is what is filled in: methods of numbers and arrays."""

import ast
import inspect
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import show
from microgradnn.engine.elementwise import Elementwise
from microgradnn.errors import MicrogradError
from microgradnn.signatures import array_methods, element_methods, torch_methods


def declarations(*modules: types.ModuleType) -> dict[str, ast.FunctionDef]:
    """The functions in the files by name; of overloads the first, which is NumPy's."""
    found: dict[str, ast.FunctionDef] = {}
    for module in modules:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, node)
    return found


DECLARED, ELEMENTWISE = declarations(array_methods, torch_methods), declarations(element_methods)
FILLED = {
    name: method
    for name, method in vars(mg.Tensor).items()
    if not name.startswith("__")
    and not name.endswith("_")  # x.add_ takes what x.add takes
    and getattr(getattr(method, "fget", method), "__module__", "").startswith(
        "microgradnn.functions"
    )
}


def test_every_method_is_declared_and_every_declaration_filled_in() -> None:
    assert sorted(DECLARED) == sorted(FILLED)


def says_its_parameters(name: str) -> bool:
    method = FILLED.get(name)
    if not hasattr(method, "__wrapped__") or DECLARED[name].decorator_list:  # overloads
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


# ---- one op of the table ------------------------------------------------------------------------


SHOWN = {"explain", "draw"}  # they stand in show/, and microgradnn/__init__.py hands them on


def test_every_elementwise_method_is_declared_and_every_declaration_filled_in() -> None:
    own = {name for name, method in vars(Elementwise).items() if inspect.isfunction(method)}
    assert own - SHOWN == set(ELEMENTWISE) - SHOWN
    for name in SHOWN:
        method = inspect.signature(getattr(show, name)).parameters
        given = ELEMENTWISE[name].args
        assert list(method)[1:] == [a.arg for a in (*given.args, *given.kwonlyargs)][1:]


METHODS = [name for name in ELEMENTWISE if not name.startswith("__") and name not in SHOWN]
NODES = [mg.Value(0.5), mg.tensor([0.5, 0.25], requires_grad=True)]


@pytest.mark.parametrize("x", NODES, ids=["Value", "Tensor"])
@pytest.mark.parametrize("name", METHODS)
def test_methods_take_what_is_declared_and_refuse_the_rest(name: str, x: Any) -> None:
    """Also a buffer to write into, by position or by name: it keeps its numbers."""
    given = ELEMENTWISE[name].args
    inputs = [2] * (len(given.posonlyargs) - 1 if given.posonlyargs else 0)
    method, buffer = getattr(x, name), np.full(2, 7.0)
    with np.errstate(invalid="ignore"):
        assert type(method(*inputs)) is type(x)
    options = len(given.args) - 1 if not given.posonlyargs else 0
    for args, kwargs in [
        ([*inputs, *[1] * options, buffer], {}),
        (inputs, {"out": buffer}),
        (inputs, {"where": np.array([True, False])}),
        (inputs[1:], {} if inputs else {"x": 1}),
    ]:
        with pytest.raises(MicrogradError, match="^[a-z0-9_]+: "):
            method(*args, **kwargs)
    assert buffer.tolist() == [7, 7]
