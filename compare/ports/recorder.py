"""Notes the calls of a port in the order in which they happen, and sets what they give.

One recorder is one pass. A framework's port tells it of every call (call()), with what went in and
what came out, and hands on what it returns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .call_reading import Read
from .seen_calls import CODE, Array, PortCall


@dataclass
class Hands:
    """What a recorder must be able to do with a framework's tensors.

    is_tensor, numpy, leaf    the last makes a tensor of an array like a given one, to be
                              differentiated in
    watch                     a tensor that will know its gradient, in the place of one
    """

    is_tensor: Callable[[Any], bool]
    numpy: Callable[[Any], Array]
    leaf: Callable[[Array, Any], Any]
    watch: Callable[[Any], Any]


@dataclass
class Recorder:
    """One pass. `values` are set at their nodes; `names` are those of parameters, by id."""

    hands: Hands
    names: Mapping[int, str]
    values: Mapping[int, Array]
    calls: list[PortCall] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)  # what each node's call gave
    used: list[Any] = field(default_factory=list)  # what went on in its place
    nodes: dict[int, int] = field(default_factory=dict)  # by id of what went on
    held: dict[str, tuple[str, str]] = field(default_factory=dict)  # part and layout by parameter
    alive: list[Any] = field(default_factory=list)  # so that no id is given twice
    count: dict[str, int] = field(default_factory=dict)

    def enter(self, tensor: Any) -> Any:
        """Makes the next node of a tensor; returns what goes on."""
        node = len(self.given)
        self.given.append(tensor)
        if node in self.values:
            tensor = self.hands.leaf(self.values[node], tensor)
        else:
            tensor = self.hands.watch(tensor)
        self.used.append(tensor)
        self.nodes[id(tensor)] = node
        self.alive += [tensor, self.given[-1]]
        return tensor

    def alias(self, before: Any, after: Any) -> None:
        """Both are the same node."""
        self.nodes[id(after)] = self.nodes[id(before)]
        self.alive.append(after)

    def concerns(self, tensors: Sequence[Any]) -> bool:
        """Whether one of them is a node or a parameter."""
        return any(id(t) in self.nodes or id(t) in self.names for t in tensors)

    def call(
        self, name: str, shown: str, read: Read | None, tensors: Sequence[Any], outs: Sequence[Any]
    ) -> list[Any]:
        """Notes a call by what was read of it, or by the tensors that went in."""
        if read is not None:
            try:
                call = self.read(self.unique(name), shown, read)
            except (TypeError, ValueError):  # made by code that was not seen
                read = None
        if read is None:
            sources = [t for t in tensors if id(t) in self.nodes]
            own = {str(i): self.names[id(t)] for i, t in enumerate(tensors) if id(t) in self.names}
            call = PortCall(
                self.unique(name), CODE, tuple(self.nodes[id(t)] for t in sources),
                tuple(str(i) for i in range(len(sources))), params=own, shown=shown,
            )  # fmt: skip
        self.calls.append(call)
        found = [self.enter(outs[0])]
        for i, more in enumerate(outs[1:], 1):
            node = len(self.given) - i
            more_name = f"{call.name}, output {i + 1}"
            self.calls.append(PortCall(more_name, "item", (node,), options={"index": i}))
            found.append(self.enter(more))
        return found

    def read(self, name: str, shown: str, read: Read) -> PortCall:
        """A call of which the kind is known."""
        sources, parts, params, constants = [], [], {}, {}
        for part, thing in read.given.items():
            if id(thing) in self.names:
                params[part] = self.names[id(thing)]
                self.held.setdefault(params[part], (part, read.held.get(part, "")))
            elif id(thing) in self.nodes:
                sources.append(self.nodes[id(thing)])
                parts.append(part)
            elif thing is not None:
                array = self.hands.numpy(thing) if self.hands.is_tensor(thing) else thing
                constants[part] = np.asarray(array)
        return PortCall(
            name, read.kind, tuple(sources), tuple(parts), read.options, params, constants, shown
        )

    def unique(self, name: str) -> str:
        """The name, with a number if there is one like it."""
        self.count[name] = self.count.get(name, 0) + 1
        return name if self.count[name] == 1 else f"{name} ({self.count[name]})"

    def outputs(self, tensors: Sequence[Any]) -> tuple[int, ...]:
        """The nodes of what the model gave."""
        found = [self.nodes.get(id(t)) for t in tensors]
        return tuple(node for node in found if node is not None)
