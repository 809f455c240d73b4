"""How many public parameters and results are annotated with Any, or not at all. The share only falls.

python tests/typing/test_any_share.py     prints the table
"""

import ast
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

LIMITS = {
    "microgradnn": 0.05,
    "microgradnn.linalg": 0.0,
    "microgradnn.nn": 0.05,
    "microgradnn.nn.functional": 0.03,
    "microgradnn.optim": 0.0,
    "microgradnn.train": 0.04,
    "microgradnn.data": 0.09,
    "microgradnn.check": 0.01,
}
NOT_MODULES = {"microgradnn.linalg": "microgradnn"}  # an attribute of that module


def share(package: str) -> tuple[int, int]:
    """How many annotations of the package's public functions and methods are Any, of how many."""
    found = [a for _, a in annotations(package)]
    return sum(a in (Any, "Any", inspect.Parameter.empty) for a in found), len(found)


def annotations(package: str) -> Iterator[tuple[str, Any]]:
    """The annotations of parameters and results, each with its place; inherited methods once."""
    home = NOT_MODULES.get(package)
    module = (
        getattr(import_module(home), package.split(".")[-1]) if home else import_module(package)
    )
    seen: set[Any] = set()
    for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
        thing = getattr(module, name)
        functions = (
            {f"{name}.{place}": method for place, method in public_methods(thing)}
            if inspect.isclass(thing)
            else {name: thing}
        )
        told = filled_in(thing) if inspect.isclass(thing) else {}
        for place, function in functions.items():
            if isinstance(function, types.FunctionType) and function not in seen:
                seen.add(function)
                declared = told.get(place.rpartition(".")[2])
                if declared is not None:
                    yield from written(place, declared)
                    continue
                for one in typing.get_overloads(inspect.unwrap(function)) or [function]:
                    yield from of(place, one)


def filled_in(cls: type) -> dict[str, ast.FunctionDef]:
    """The methods that signatures/ declares for type checkers and that are filled in later."""
    found: dict[str, ast.FunctionDef] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("microgradnn.signatures"):
            for node in ast.walk(ast.parse(inspect.getsource(sys.modules[base.__module__]))):
                if isinstance(node, ast.FunctionDef):
                    found.setdefault(node.name, node)
    return found


def written(place: str, declared: ast.FunctionDef) -> Iterator[tuple[str, Any]]:
    """The annotations as they are written."""
    given = declared.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    for one in every:
        if one is not None and one.arg != "self":
            yield f"{place}({one.arg})", ast.unparse(one.annotation) if one.annotation else "Any"
    yield f"{place} ->", ast.unparse(declared.returns) if declared.returns else "Any"


def public_methods(cls: type) -> Iterator[tuple[str, Any]]:
    for base in cls.__mro__:
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else member
            function = getattr(function, "__func__", function)
            if base.__module__.startswith("microgradnn") and isinstance(
                function, types.FunctionType
            ):
                if name in ("__init__", "__call__") or not name.startswith("_"):
                    yield name, function


def of(place: str, function: Any) -> Iterator[tuple[str, Any]]:
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "cls"):
            yield f"{place}({parameter.name})", parameter.annotation
    if function.__name__ != "__init__":
        yield f"{place} ->", signature.return_annotation


@pytest.mark.parametrize("package", LIMITS)
def test_the_share_of_any_is_below_its_limit(package: str) -> None:
    number, of_all = share(package)
    assert number <= LIMITS[package] * of_all, f"{number} of {of_all} annotations are Any"


if __name__ == "__main__":
    for package in LIMITS:
        number, of_all = share(package)
        print(f"{package:28} {number:4} of {of_all:4}  {number / of_all:5.1%}")
