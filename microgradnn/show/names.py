"""What nodes are called: the user's variables, paths into models, and v1, v2, … for the rest."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from ..engine.node import Argument, Node

DEPTH = 16
MANY = 2000  # how long lists may be, and how many lists and models of one variable are looked into


@dataclass(frozen=True)
class Where:
    """Where a variable of the user holds a node.

    name    net.layers[0].w[1]
    owners  the models it is inside of, outermost first: ("net", "net.layers[0]")
    short   its name inside of the innermost
    """

    name: str
    owners: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.name[len(self.owners[-1]) :].lstrip(".") if self.owners else self.name


def users_frame() -> FrameType | None:
    """The innermost frame that is not this library's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != "microgradnn":
            return frame
        frame = frame.f_back
    return None


def users_variables() -> dict[str, Any]:
    """The variables that the user's line sees: its function's, then its module's."""
    frame = users_frame()
    if frame is None:
        return {}
    inner = dict(frame.f_locals)
    return inner | {k: v for k, v in frame.f_globals.items() if k not in inner}


def places(variables: Mapping[str, Any], kinds: dict[str, str]) -> dict[int, Where]:
    """id(node) to where a variable holds it; a variable of its own before a place in a model.

    kinds gets the class of each model that was looked into, by its name.
    """
    found: dict[int, Where] = {}
    named = [(k, v) for k, v in variables.items() if not k.startswith("_") and k.isidentifier()]
    for name, value in named:
        if isinstance(value, Node):
            found.setdefault(id(value), Where(name))
    for name, value in named:
        if not isinstance(value, (Node, type)):
            for node, place in _inside(value, name, (), set(), kinds):
                found.setdefault(id(node), place)
    return found


def _inside(
    value: Any, name: str, owners: tuple[str, ...], seen: set[int], kinds: dict[str, str]
) -> Iterator[tuple[Node, Where]]:
    """The nodes in a list, a dict or a model, each with its place."""
    if isinstance(value, Node):
        yield value, Where(name, owners)
        return
    deep = name.count("[") + name.count(".") > DEPTH
    if deep or len(seen) > MANY or id(value) in seen:
        return
    seen.add(id(value))
    if is_model(value):
        kinds[name] = type(value).__name__
    held = is_model(value) or is_matrix(value)
    for part, item in _parts(value):
        inner = (*owners, name) if held else owners
        yield from _inside(item, name + part, inner, seen, kinds)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, (list, tuple)) and len(value) <= MANY:
        return ((f"[{i}]", item) for i, item in enumerate(value))
    if isinstance(value, dict) and len(value) <= MANY:
        return ((f"[{k!r}]", v) for k, v in value.items() if isinstance(k, (str, int)))
    if is_model(value):
        return ((f".{k}", v) for k, v in list(vars(value).items()) if not k.startswith("_"))
    return ()


def is_model(value: Any) -> bool:
    """Whether it is an object with parameters(), as models have in PyTorch and micrograd."""
    kind = type(value)
    return callable(getattr(kind, "parameters", None)) and hasattr(value, "__dict__")


def is_matrix(value: Any) -> bool:
    """Whether it is a list of lists of nodes: a matrix of single numbers."""
    return (
        isinstance(value, (list, tuple))
        and 1 < len(value) <= MANY
        and all(isinstance(row, (list, tuple)) and row for row in value)
        and all(isinstance(row[0], Node) for row in value)
    )


class Names:
    """The name of each node of one graph, no two alike: names[node]."""

    def __init__(self, nodes: Iterable[Any], variables: Mapping[str, Any]) -> None:
        ordered = sorted(nodes, key=lambda n: n.stamp)
        self.kinds: dict[str, str] = {}  # the class of each model, by its name
        self.places = places(variables, self.kinds)
        self._arrays = {
            k: v for k, v in variables.items() if isinstance(v, np.ndarray) and k[:1] != "_"
        }
        self._names: dict[Any, str] = {}
        taken: set[str] = set()
        for node in ordered:
            place, given = self.places.get(id(node)), node.name
            given = str(given) if given and not isinstance(given, Argument) else ""
            listed = place is not None and not place.owners and not place.name.isidentifier()
            name = given if place is None or (listed and given) else place.name
            if name:
                self._names[node] = _free(name, taken)
        numbers = (f"v{i}" for i in itertools.count(1))
        self.numbered = {node for node in ordered if node not in self._names}
        for node in ordered:
            if node in self.numbered:
                free = (name for name in numbers if name not in taken)
                self._names[node] = next(free)

    def __getitem__(self, node: Any) -> str:
        return self._names[node]

    def of(self, node: Any) -> str:
        """The name of a node that may be outside of the graph: it requires no gradient."""
        if node in self._names:
            return self._names[node]
        place = self.places.get(id(node))
        return place.name if place else str(node.name or "array")

    def array(self, x: np.ndarray) -> str:
        """The variable that holds the same numbers as x, or "array"."""
        same = (
            name
            for name, v in self._arrays.items()
            if v.shape == x.shape and v.dtype == x.dtype and np.array_equal(v, x)
        )
        return next(same, "array")

    def place(self, node: Any) -> Where:
        """Where a model holds it, or its name."""
        return self.places.get(id(node)) or Where(self._names[node])


def _free(name: str, taken: set[str]) -> str:
    """The name, with ' behind it as often as needed to be the only one."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name
