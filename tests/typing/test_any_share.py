"""How many public parameters and results are annotated with Any, or not at all. The share only falls.

python tests/typing/test_any_share.py     prints the table
"""

import inspect
import types
import typing
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

LIMITS = {
    "microgradnn": 0.13,
    "microgradnn.linalg": 0.0,
    "microgradnn.nn": 0.16,
    "microgradnn.nn.functional": 0.03,
    "microgradnn.optim": 0.2,
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
        for place, function in functions.items():
            if isinstance(function, types.FunctionType) and function not in seen:
                seen.add(function)
                for one in typing.get_overloads(inspect.unwrap(function)) or [function]:
                    yield from of(place, one)


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
