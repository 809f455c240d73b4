"""teach(): a context that warns of what goes wrong in learning, with the user's own line."""

import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable
from types import FrameType
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.op import Op
from ..engine.walk import pull
from ..errors import ConfigError, GradientError, MicrogradWarning
from ..numerics.recording import Switch, recording
from ..transforms.anomaly import traced_op
from ..transforms.code_lines import CodeLine, users_place
from ..transforms.nan_origin import finite, of_gradient, of_value
from . import texts
from .names import places, users_variables

DEAD, SATURATED, FEW = 0.9, 0.5, 8
"""The share of outputs that are off, or saturated, from which on it is told; at least so many."""
EDGES = {"sigmoid": (0.01, 0.99), "tanh": (-0.99, 0.99)}


class TeachingWarning(MicrogradWarning):
    """What teach() has to say."""


class teach(Switch):  # noqa: N801
    """A context that warns, once each, of the usual mistakes, and names the line of the program.

    In it a backward pass looks for: a second pass over one graph, gradients left over from before
    an update, parameters that the loss does not use, ReLUs that are off for all samples, saturated
    sigmoids, nan or inf and where they began. Errors for data changed in place and for a loss that
    is not one number are explained. `params` are the parameters, or a model that has them. It
    slows every op down: for learning.

    >>> with teach(model):
    ...     loss.backward()
    """

    def __init__(self, params: Any = None, lang: str | None = None) -> None:
        super().__init__()
        self.lang = texts.language(lang)
        self._params = dict(_named(params))
        self._said: set[tuple[str, Any]] = set()
        self._swept: Any = None
        self._outputs: dict[tuple[CodeLine, str], list[Any]] = defaultdict(list)
        self._stamps: dict[int, int] = {}

    def _value(self) -> tuple[bool, Any]:
        return recording.on, self._taught

    def __call__(self, function: Any) -> Any:
        """Refuses: a decorated function would warn once for all of its calls."""
        raise ConfigError("teach: use it in a with statement, with teach(model): …")

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        _, error, trace = raised
        self._look_at_outputs()
        self._swept = None
        if isinstance(error, GradientError):
            for key, sign in _ERRORS.items():
                if sign in str(error):
                    self._tell(key, _line(trace))

    # ---- what is seen ---------------------------------------------------------------------------

    def _taught(self, op: Op) -> Op:
        """The op, which knows its line and shows each of its nodes to this in backward."""
        traced = traced_op(op)
        traced.watch = self._watch
        return traced

    def _watch(self, node: Any, g: Any, grads: dict[Any, Any]) -> None:
        if self._swept is not grads:
            self._look_at_outputs()
            self._swept = grads
            self._begin(node, grads)
        line, name = node.op.place, node.op.name
        if name in EDGES or name in ("relu", "relu6"):
            self._outputs[line, name].append(node._data)
        if finite(g):
            for p in node.parents:
                if isinstance(p, Node) and grads.get(p) is not None and not finite(grads[p]):
                    origin = of_gradient(node, g, grads, pull)
                    place = CodeLine(origin.file, origin.line) if origin.file else line
                    self._tell("teach.nan", place, what=str(origin))

    def _begin(self, root: Any, grads: dict[Any, Any]) -> None:
        """At the first node of a pass: what is known before it."""
        here = users_place()
        if not finite(root):
            self._tell("teach.nan", here, what=str(of_value(root)))
        if not _by_backward():
            return
        if root.__dict__.get("taught"):
            self._tell("teach.twice", here)
        root.taught = True
        for name, p in self._params.items():
            if p not in grads:
                self._tell("teach.unused", here, name=name)
        leaves = [n for n in grads if n.op is None]
        for leaf in leaves:
            left = leaf.grad is not None and np.any(np.asarray(leaf.grad, float))
            if left and self._stamps.get(id(leaf), leaf.stamp) != leaf.stamp:
                self._tell("teach.not_zeroed", here, name=self._name(leaf))
        self._stamps = {id(leaf): leaf.stamp for leaf in leaves}
        self._kept = leaves  # so that no other leaf gets one of these ids

    def _look_at_outputs(self) -> None:
        """At the end of a pass: how many outputs of each line are off, or saturated."""
        for (line, name), outputs in self._outputs.items():
            off, of = _off(outputs, name)
            if of >= FEW and off / of >= (SATURATED if name in EDGES else DEAD):
                key = "teach.saturated" if name in EDGES else "teach.dead"
                self._tell(key, line, name=name, share=f"{off} / {of}")
        self._outputs.clear()

    def _name(self, leaf: Any) -> str:
        known = (name for name, p in self._params.items() if p is leaf)
        held = places(users_variables(), {}).get(id(leaf))
        return next(known, held.name if held else leaf.describe())

    def _tell(self, key: str, line: CodeLine, **facts: object) -> None:
        of_line = key in ("teach.dead", "teach.saturated", "teach.nan")
        once = key, line if of_line else facts.get("name")
        if once in self._said:
            return
        self._said.add(once)
        said = texts.say(key, self.lang, **facts)
        warnings.warn_explicit(said, TeachingWarning, line.file, line.line, registry={})


_ERRORS = {
    "teach.in_place": "was changed after it was used",
    "teach.not_one": "need a single number",
}


def _named(params: Any) -> Iterable[tuple[str, Any]]:
    """(name, parameter) of a model, or of a list."""
    if params is None:
        return []
    if callable(getattr(params, "named_parameters", None)):
        return list(params.named_parameters())
    found = params.parameters() if callable(getattr(params, "parameters", None)) else params
    try:
        found = list(found)
        held = places(users_variables(), {})
        called = [held[id(p)].name if id(p) in held else p.name for p in found]
        return [
            (str(n or f"parameter {i}"), p)
            for i, (n, p) in enumerate(zip(called, found, strict=True))
        ]
    except (TypeError, AttributeError) as error:
        raise ConfigError(
            f"teach: got {type(params).__name__}, expected a model or a list of parameters"
        ) from error


def _by_backward() -> bool:
    """Whether the pass is that of backward(), which adds to the leaves' gradients."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not Node.backward.__code__:
        frame = frame.f_back
    return frame is not None


def _off(outputs: list[Any], name: str) -> tuple[int, int]:
    """How many outputs of an activation pass almost nothing back, of how many.

    In a batch (samples, units) a ReLU counts as off if it is off for every sample.
    """
    low, high = EDGES.get(name, (0.0, np.inf))
    off = of = 0
    for y in outputs:
        array = np.asarray(y, float)
        shut: Any = (array <= low) | (array >= high)
        if name not in EDGES and array.ndim > 1 and array.shape[0] > 1:
            shut = shut.all(axis=0)
        off, of = off + int(shut.sum()), of + shut.size
    return off, of


def _line(trace: Any) -> CodeLine:
    """The line of the with block that raised."""
    return CodeLine(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
