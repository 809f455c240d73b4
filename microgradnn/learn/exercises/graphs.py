"""Exercises on graphs: the order of numbers, adding gradients up, setting them to zero."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...check.subject import quiet
from ..calls import raised_words
from ..exercise import Exercise, Told

ORDER_STUB = '''
"""$title

$text
"""


class Node:
    """$node"""

    def __init__(self, name, parents=()):
        self.name = name
        self.parents = parents

    def __repr__(self):
        return self.name


def topological_order(root):
    """$topological_order"""
    raise NotImplementedError


if __name__ == "__main__":
    a = Node("a")
    b = Node("b", (a, a))  # b = a + a
    c = Node("c", (b, b))  # c = b + b
    print(topological_order(c))  # [a, b, c]
'''


class Link:
    """A node as the exercise's stub has it."""

    def __init__(self, name: str, parents: tuple["Link", ...] = ()):
        self.name, self.parents = name, parents

    def __repr__(self) -> str:
        return self.name


def _nodes(text: str) -> list[Link]:
    """The nodes of a graph written as "b=aa c=bb": names of one letter, parents behind "="."""
    found: dict[str, Link] = {}
    for word in text.split():
        name, _, parents = word.partition("=")
        made = [found.setdefault(p, Link(p)) for p in parents]
        found[name] = Link(name, tuple(made))
    return list(found.values())


GRAPHS = (
    "a", "a b=a", "a b=aa c=bb", "a b c=ab", "a b=a c=a d=bc", "a b=a c=ab", "a b c=ab d=ac e=cd",
    "a b=a c=b d=ca e=db", "a b=a c=a d=c e=bd", "a b c=a d=bc e=dc f=ea",
    "a b=aa c=bb d=cc e=dd f=ee g=ff h=gg",
)  # fmt: skip
DEEP = 3000


@dataclass(frozen=True)
class Sorting:
    """The part topological_order."""

    name: str = "topological_order"
    causes: Sequence[str] = (
        "order_reversed", "order_repeats", "order_lacks_root", "order_lacks", "order_before",
        "order_remembers", "order_names", "order_foreign", "order_deep",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        graphs = list(map(_nodes, GRAPHS))
        found = []
        for nodes in graphs:
            found.append(self._sorted(function, nodes))
            if found[-1].cause not in ("", "order_reversed"):
                break
        said = next((f for f in reversed(found) if f.cause), found[0])
        if not said.cause:
            said = self._sorted(function, nodes)
            if not said.cause:
                return self._deep(function)
            return Told(self.name, "order_remembers", said.words)
        if said.cause == "order_foreign" and not found[0].cause:  # right once, then with more in it
            fresh = self._sorted(function, _nodes(GRAPHS[0]))
            return Told(self.name, "order_remembers" if fresh.cause else said.cause, said.words)
        return said

    def _sorted(self, function: Callable[..., Any], nodes: list[Link]) -> Told:
        words = {"graph": _written(nodes), "call": f"{self.name}({nodes[-1]})"}
        try:
            with quiet():
                got = function(nodes[-1])
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", words | raised_words(error, function))
        if got is None:
            return Told(self.name, "nothing", words)
        if not isinstance(got, (list, tuple)):
            try:
                got = list(got)
            except TypeError:
                kind = type(got).__name__
                return Told(self.name, "type", words | {"output": "list", "kind": kind})
        cause = _disorder(list(got), nodes)
        right = ", ".join(n.name for n in nodes)
        return Told(self.name, cause, words | {"yours": str(list(got))[:200], "right": right})

    def _deep(self, function: Callable[..., Any]) -> Told:
        """A chain that is longer than Python's recursion goes is a remark only."""
        node = Link("a")
        for i in range(DEEP):
            node = Link(f"n{i}", (node,))
        try:
            with quiet():
                got = list(function(node))
        except RecursionError:
            return Told(self.name)
        except Exception as error:
            return Told(self.name, "raises", {"call": f"{self.name}(n{DEEP - 1})"}
                        | raised_words(error, function))  # fmt: skip
        right = len(got) == DEEP + 1 and got[-1] is node
        words = {"depth": str(DEEP), "yours": str(len(got)), "right": str(DEEP + 1)}
        return Told(self.name, "" if right else "order_deep", words)


def _written(nodes: Sequence[Link]) -> str:
    sums = (f"{n} = {' + '.join(p.name for p in n.parents)}" for n in nodes if n.parents)
    return ", ".join(sums) or str(nodes[0])


def _disorder(got: list[Any], nodes: list[Link]) -> str:
    """What is wrong with an order of nodes; "" if nothing."""
    if got and all(isinstance(x, str) for x in got):
        return "order_names"
    if any(not any(x is n for n in nodes) for x in got):
        return "order_foreign"
    needed = _ancestors(nodes[-1])
    if len({id(x) for x in got}) < len(got):
        return "order_repeats"
    if nodes[-1] not in got:
        return "order_lacks_root"
    if len(got) < len(needed):
        return "order_lacks"
    place = {id(x): i for i, x in enumerate(got)}
    edges = [(p, n) for n in got for p in n.parents]
    if all(place[id(p)] < place[id(n)] for p, n in edges):
        return ""
    if all(place[id(p)] > place[id(n)] for p, n in edges):
        return "order_reversed"
    return "order_before"


def _ancestors(root: Link) -> set[Link]:
    found, left = {root}, [root]
    while left:
        new = [p for p in left.pop().parents if p not in found]
        found.update(new)
        left += new
    return found


ORDER = Exercise("03", "order", ORDER_STUB, (Sorting(),))
