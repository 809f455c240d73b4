"""A stretch of calls as a program of its own, in formulas, that repairs can change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import microgradnn as mg

from . import port_formulas
from .seen_calls import Array, PortCall

Turn = Callable[[Any], Any]


@dataclass(frozen=True)
class Local:
    """Calls by the node that they give, in order.

    params   values by name
    turns    what is done with a parameter before a call uses it, by (node, part)
    """

    calls: tuple[tuple[int, PortCall], ...]
    inputs: tuple[int, ...]
    end: int
    params: Mapping[str, Array]
    turns: Mapping[tuple[int, str], Turn] = field(default_factory=dict)

    def known(self) -> bool:
        """Whether all calls have a form."""
        return all(port_formulas.known(call) for _, call in self.calls)

    def call(self, node: int) -> PortCall:
        """The call that gives a node."""
        return dict(self.calls)[node]

    def with_call(self, node: int, new: PortCall) -> "Local":
        """Another call in the place of one."""
        return replace(self, calls=tuple((n, new if n == node else c) for n, c in self.calls))

    def with_turn(self, node: int, part: str, turn: Turn) -> "Local":
        """A parameter used otherwise."""
        return replace(self, turns={**self.turns, (node, part): turn})

    def without(self, node: int) -> "Local":
        """Without a call; what used its node uses its first source."""
        source = self.call(node).sources[0]
        calls = tuple((n, _moved(c, node, source)) for n, c in self.calls if n != node)
        return replace(self, calls=calls, end=source if self.end == node else self.end)

    def behind(self, node: int, new: PortCall) -> "Local":
        """With a call behind a node, or behind an input."""
        made = min([0, *(n for n, _ in self.calls)]) - 1
        place = [n for n, _ in self.calls].index(node) + 1 if node not in self.inputs else 0
        moved = [(n, _moved(c, node, made)) for n, c in self.calls]
        moved.insert(place, (made, replace(new, sources=(node,), parts=("input",))))
        return replace(self, calls=tuple(moved), end=made if self.end == node else self.end)

    def run(self, at: Mapping[int, Any], params: Mapping[str, Any] | None = None) -> Any:
        """What the last node is, for the values of the inputs."""
        given = dict(self.params if params is None else params)
        values = dict(at)
        for node, call in self.calls:
            own = dict(given)
            for part, name in call.params.items():
                if (node, part) in self.turns:
                    own[name] = self.turns[node, part](mg.tensor(given[name]) if isinstance(
                        given[name], np.ndarray) else given[name])  # fmt: skip
            values[node] = port_formulas.evaluate(call, [values[s] for s in call.sources], own)
        return values[self.end]

    def pull(
        self, at: Mapping[int, Array], g: Callable[[Array], Array]
    ) -> tuple[Array, dict[int, Array], dict[str, Array]]:
        """The last node's value and, for its gradient g(value), those of inputs and parameters."""
        moving = [n for n, v in at.items() if v.dtype.kind == "f"]
        names = [name for _, c in self.calls for name in c.params.values()]
        names = [n for n in dict.fromkeys(names) if self.params[n].dtype.kind == "f"]

        def f(*given: Any) -> Any:
            values = {**at, **dict(zip(moving, given, strict=False))}
            own = dict(zip(names, given[len(moving) :], strict=True))
            return self.run(values, {**self.params, **own})

        start = [at[n] for n in moving] + [self.params[n] for n in names]
        out, back = mg.vjp(f, *start)
        value = np.asarray(getattr(out, "data", out))
        said = back(g(value).astype(value.dtype))
        said = said if isinstance(said, tuple) else (said,)
        plain = [np.asarray(getattr(v, "data", v)) for v in said]
        return (
            value,
            dict(zip(moving, plain, strict=False)),
            dict(zip(names, plain[len(moving) :], strict=True)),
        )


def _moved(call: PortCall, before: int, after: int) -> PortCall:
    return replace(call, sources=tuple(after if s == before else s for s in call.sources))
