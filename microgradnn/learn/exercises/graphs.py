"""The exercise on the order in which a graph is walked; and how an order is graded."""

from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True)
class SmallGraph:
    """Nodes of any kind, by their names, operands first; parents: names by name."""

    nodes: Mapping[str, Any]
    parents: Mapping[str, Sequence[str]]

    @property
    def root(self) -> Any:
        """The last node."""
        return list(self.nodes.values())[-1]

    def named(self, x: Any) -> str:
        """What a node is called; of what is none, its own text."""
        return next((name for name, node in self.nodes.items() if node is x), repr(x)[:40])

    def __str__(self) -> str:
        sums = (f"{n} = {' + '.join(p)}" for n, p in self.parents.items() if p)
        return ", ".join(sums) or next(iter(self.nodes))


def built(text: str, make: Callable[[str, Sequence[Any]], Any]) -> SmallGraph:
    """The graph written as "b=aa c=bb": names of one letter, parents behind "="."""
    nodes: dict[str, Any] = {}
    parents: dict[str, Sequence[str]] = {}
    for word in text.split():
        name, _, above = word.partition("=")
        nodes[name] = make(name, [nodes[p] for p in above])
        parents[name] = list(above)
    return SmallGraph(nodes, parents)


PAIRS = (
    "a", "a b=aa", "a b=aa c=bb", "a b c=ab", "a b=aa c=aa d=bc", "a b=aa c=ab",
    "a b c=ab d=ac e=cd", "a b=aa c=bb d=ca e=db", "a b=aa c=aa d=cc e=bd",
    "a b c=aa d=bc e=dc f=ea", "e d=ee c=dd b=cd a=bc", "a b=aa c=bb d=cc e=dd f=ee g=ff h=gg",
)  # fmt: skip
SINGLES = ("a b=a", "a b=a c=a d=bc", "a b=a c=ab", "a b=a c=b d=ca e=db")
ALIKE = "a b c=ab d=ab e=cd"
DEEP = 3000
ORDER_CAUSES = (
    "order_reversed", "order_repeats", "order_lacks_root", "order_lacks", "order_before",
    "order_remembers", "order_names", "order_foreign", "order_deep", "order_set", "order_alike",
)  # fmt: skip


@dataclass(frozen=True)
class Sorting:
    """A part that sorts a graph: order(root) of the learner's, where make makes the nodes.

    prepared  gives both for a learner's file, or says why it cannot; and a make whose nodes look
              alike, though they are different ones
    """

    name: str
    graphs: Sequence[str]
    prepared: Callable[[ModuleType, str], Any]
    causes: Sequence[str] = ORDER_CAUSES

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        ready = self.prepared(module, self.name)
        if isinstance(ready, Told):
            return ready
        function, make, alike = ready
        graphs = [built(text, make) for text in self.graphs]
        found = []
        for graph in graphs:
            found.append(self._sorted(function, graph))
            if found[-1].cause not in ("", "order_reversed"):
                break
        said = next((f for f in reversed(found) if f.cause), found[0])
        if said.cause == "order_reversed" and not all(f.cause for f in found[1:]):
            said = Told(self.name, "order_before", said.words)  # in one graph, not in others
        if not said.cause:
            said = self._sorted(function, graphs[-1])
            if not said.cause:
                same = self._sorted(function, built(ALIKE, alike))
                deep = self._deep(function, make)
                return Told(self.name, "order_alike", same.words) if same.cause else deep
            return Told(self.name, "order_remembers", said.words)
        if said.cause == "order_foreign" and not found[0].cause:  # right once, then with more in it
            fresh = self._sorted(function, built(self.graphs[0], make))
            return Told(self.name, "order_remembers" if fresh.cause else said.cause, said.words)
        return said

    def _sorted(self, function: Callable[..., Any], graph: SmallGraph) -> Told:
        call = f"{self.name}({graph.named(graph.root)})"
        words = {"graph": str(graph), "call": call}
        try:
            with quiet():
                got = function(graph.root)
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", words | raised_words(error, function))
        if got is None:
            return Told(self.name, "nothing", words)
        if isinstance(got, (set, frozenset)):
            return Told(self.name, "order_set", words)
        if not isinstance(got, (list, tuple)):
            try:
                got = list(got)
            except Exception:
                kind = type(got).__name__
                return Told(self.name, "type", words | {"output": "order", "kind": kind})
        cause = _disorder(list(got), graph)
        yours = f"[{', '.join(map(graph.named, got))}]"[:200]
        return Told(self.name, cause, words | {"yours": yours, "right": ", ".join(graph.nodes)})

    def _deep(self, function: Callable[..., Any], make: Callable[..., Any]) -> Told:
        """A chain that is longer than Python's recursion goes is no mistake here."""
        node = start = make("a", [])
        for i in range(DEEP):
            node = make(f"n{i}", [node, start])
        try:
            with quiet():
                got = list(function(node))
        except RecursionError:
            return Told(self.name)
        except Exception as error:
            call = {"call": f"{self.name}(n{DEEP - 1})"}
            return Told(self.name, "raises", call | raised_words(error, function))
        right = len(got) == DEEP + 1 and got[-1] is node
        words = {"depth": str(DEEP), "yours": str(len(got)), "right": str(DEEP + 1)}
        return Told(self.name, "" if right else "order_deep", words)


def _disorder(got: list[Any], graph: SmallGraph) -> str:
    """What is wrong with an order of nodes; "" if nothing."""
    if got and all(isinstance(x, str) for x in got):
        return "order_names"
    known = {id(node): name for name, node in graph.nodes.items()}
    if any(id(x) not in known for x in got):
        return "order_foreign"
    place = {known[id(x)]: i for i, x in enumerate(got)}
    if len(place) < len(got):
        return "order_repeats"
    if graph.named(graph.root) not in place:
        return "order_lacks_root"
    if len(got) < len(_needed(graph)):
        return "order_lacks"
    edges = [(p, n) for n in place for p in graph.parents[n]]
    if all(place[p] < place[n] for p, n in edges):
        return ""
    return "order_reversed" if all(place[p] > place[n] for p, n in edges) else "order_before"


def _needed(graph: SmallGraph) -> set[str]:
    """The names of all that the root was computed from, and its own."""
    left = [graph.named(graph.root)]
    found = set(left)
    while left:
        new = [p for p in graph.parents[left.pop()] if p not in found]
        found.update(new)
        left += new
    return found


def _plain(module: ModuleType, name: str) -> Any:
    function = getattr(module, name, None)
    if not callable(function):
        return Told(name, "missing", {"name": name})
    return (function, lambda n, parents: Link(n, tuple(parents)),
            lambda n, parents: Link("t", tuple(parents)))  # fmt: skip


ORDER = Exercise(
    "03", "order", ORDER_STUB,
    (Sorting("topological_order", (*PAIRS, *SINGLES, PAIRS[-1]), _plain),),
)  # fmt: skip
