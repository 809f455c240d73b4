"""A Module of this library as a port: layers are seen by hooks, ops between in the graph."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, MicrogradError

from . import sources, weight_layouts
from .our_reading import read_module, read_op
from .recorder import Hands, Recorder
from .seen_calls import Array, Passed, PortParameter, PortProgram

KIND = "microgradnn"
LAST = False


def version() -> str:
    """The version of this library."""
    return f"microgradnn {mg.__version__}"


def fits(thing: Any) -> bool:
    """Whether this is a Module of this library."""
    return isinstance(thing, nn.Module)


class Port:
    """See port_process.RemotePort."""

    kind, last = KIND, LAST

    def version(self) -> str:
        """The version of its framework."""
        return version()

    def __init__(self, model: nn.Module, dtype: str) -> None:
        self.model, self.dtype = model.to(dtype), dtype
        self.held: dict[str, tuple[str, str]] = {}
        self.start = model.state_dict()
        self.tokens = {name: object() for name in self.start}  # each stands for an array

    def arrays(self) -> dict[str, Array]:
        """Parameters and buffers of numbers."""
        return {n: a for n, a in self.model.state_dict().items() if a.dtype.kind == "f"}

    def params(self) -> list[PortParameter]:
        """All of them, in the layout of all."""
        trained = {n for n, p in self.model.named_parameters() if p.requires_grad}
        found = []
        for name, array in self.arrays().items():
            part, held = self.held.get(name, ("", ""))
            found.append(
                PortParameter(name, weight_layouts.common(array, held), part, held, name in trained)
            )
        return found

    def load(self, values: Mapping[str, Array]) -> None:
        """Sets arrays by name."""
        state = self.model.state_dict()
        for name, value in values.items():
            held = self.held.get(name, ("", ""))[1]
            state[name] = weight_layouts.own(value, held, state[name].shape).astype(
                state[name].dtype
            )
        self.model.load_state_dict(state)
        self.start = self.model.state_dict()

    def restore(self, path: Path) -> None:
        """Sets the weights in a file. Raises ConfigError."""
        try:
            self.model.load_state_dict(sources.weights(path))
        except MicrogradError as error:
            raise ConfigError(f"{path} does not fit the model: {error}") from error
        self.start = self.model.state_dict()

    def input_shape(self) -> list[tuple[tuple[int, ...], int | None]]:
        """Shapes of a sample that the first layer may take; of integers, how many there are."""
        for module in self.model.modules():
            if isinstance(module, nn.Linear):
                return [((module.in_features,), None)]
            if isinstance(module, nn.Embedding):
                return [((6,), module.num_embeddings)]
            if isinstance(module, nn.LSTM | nn.GRU | nn.RNN):
                return [((6, module.input_size), None)]
            if isinstance(module, nn.Conv1d):  # and Conv2d
                n = 2 if isinstance(module, nn.Conv2d) else 1
                return [((module.in_channels, *(s,) * n), None) for s in (28, 32, 8, 16, 12)]
        return []

    def trace(self, x: Array, training: bool) -> PortProgram:
        """The calls of one pass."""
        recorder, outs = self._run(x, {}, training)
        self.model.load_state_dict(self.start)
        self.held = {**recorder.held, **self.held}
        return PortProgram(recorder.calls, recorder.outputs(outs), self.params())

    def passed(
        self, x: Array, values: Mapping[int, Array], slopes: Mapping[int, Array], training: bool
    ) -> Passed:
        """A pass with `values` set at their nodes, and `slopes` as the gradients behind them."""
        recorder, _ = self._run(x, values, training)
        self.model.zero_grad()
        parts = [(recorder.given[n] * s).sum() for n, s in slopes.items()
                 if getattr(recorder.given[n], "requires_grad", False)]  # fmt: skip
        if parts:
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            total.backward()
        grads: dict[str, Array | None] = {}
        for name, p in self.model.named_parameters():
            held = self.held.get(name, ("", ""))[1]
            grads[name] = None if p.grad is None else weight_layouts.common(np.array(p.grad), held)
        kept = {n: a for n, a in self.arrays().items() if n not in grads}
        nodes = [_numpy(h) for h in recorder.given]
        found = [_slope(h) for h in recorder.used]
        self.model.load_state_dict(self.start)
        return Passed(nodes, found, grads, kept)

    def _run(
        self, x: Array, values: Mapping[int, Array], training: bool
    ) -> tuple[Recorder, list[Any]]:
        self.model.train(training)
        names = {id(p): n for n, p in self.model.named_parameters()}
        names |= {id(token): n for n, token in self.tokens.items()}
        recorder = Recorder(HANDS, names, values)
        seen = _OurSeen(recorder, self.tokens, training)
        start: Any = (
            x if x.dtype.kind != "f" else mg.tensor(x.astype(self.dtype), requires_grad=True)
        )
        start = recorder.enter(start)
        handles = [m.register_forward_hook(seen.hook(n)) for n, m in self._leaves()]
        handles += [m.register_forward_pre_hook(seen.before) for _, m in self._leaves()]
        try:
            out = self.model(start)
        finally:
            for handle in handles:
                handle.remove()
        outs = [t for t in (out if isinstance(out, tuple) else (out,)) if isinstance(t, mg.Tensor)]
        return recorder, [seen.reach(t) for t in outs]

    def _leaves(self) -> list[tuple[str, nn.Module]]:
        """Modules that are seen as one call."""
        whole = (nn.LSTM, nn.GRU, nn.RNN, nn.MultiheadAttention)
        found: list[tuple[str, nn.Module]] = []
        inside: list[str] = []
        for name, module in self.model.named_modules():
            if any(name.startswith(f"{outer}.") for outer in inside):
                continue
            if isinstance(module, whole) or not list(module.children()):
                if type(module).__module__.startswith("microgradnn."):
                    found.append((name or "model", module))
                    inside.append(name)
        return found


class _OurSeen:
    """Tells a recorder of modules that were called, and of ops between them."""

    def __init__(self, recorder: Recorder, tokens: Mapping[str, Any], training: bool) -> None:
        self.recorder, self.tokens, self.training = recorder, tokens, training

    def before(self, module: nn.Module, given: Sequence[Any]) -> tuple[Any, ...]:
        """A hook: what a module is given, as nodes."""
        return tuple(self.reach(x) for x in given)

    def hook(self, name: str) -> Any:
        """A hook for the module of this name."""
        start = f"{name}." if name else ""
        own = {n[len(start) :]: t for n, t in self.tokens.items() if n.startswith(start)}

        def seen(module: nn.Module, given: Sequence[Any], out: Any) -> Any:
            first = out[0] if isinstance(out, tuple) else out
            if not given or not isinstance(first, mg.Tensor):
                return None
            calm = self.training and isinstance(module, nn.Dropout) and module.p > 0
            first = given[0] * 1.0 if calm else first
            read = read_module(module, given[0], first, self.training and module.training, own)
            if first is given[0]:
                return None
            before = [*given, *own.values()]
            shown = f"{type(module).__name__}({module.extra_repr()})"
            (new,) = self.recorder.call(name or "model", shown, read, before, [first])
            return (new, *out[1:]) if isinstance(out, tuple) else new

        return seen

    def reach(self, t: Any) -> Any:
        """A tensor as a node: ops between it and known nodes become calls."""
        known = id(t) in self.recorder.nodes or id(t) in self.recorder.names
        if known or not isinstance(t, mg.Tensor) or t.op is None:
            return t
        parents = [self.reach(p) for p in t.parents]
        if not self.recorder.concerns(parents):
            return t
        again = mg.Tensor.record(t.op, tuple(parents), dict(t.params))
        read = read_op(again, parents, parents)
        return self.recorder.call(str(t.op.name), "", read, parents, [again])[0]


def _numpy(t: Any) -> Array:
    return np.array(getattr(t, "data", t))


def _slope(t: Any) -> Array | None:
    g = getattr(t, "grad", None)
    return None if g is None else np.array(getattr(g, "data", g))


def _leaf(value: Array, like: Any) -> Any:
    if not isinstance(like, mg.Tensor):
        return np.asarray(value)
    return mg.tensor(np.asarray(value, like.dtype), requires_grad=True)


def _watch(t: Any) -> Any:
    if isinstance(t, mg.Tensor) and t.requires_grad and t.op is not None:
        t.retain_grad()
    return t


HANDS = Hands(lambda t: isinstance(t, mg.Tensor), _numpy, _leaf, _watch)
