"""A torch.nn.Module as a port: every function of PyTorch that its forward calls is seen."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as tree

from microgradnn.errors import ConfigError

from ..frameworks import one_line
from . import sources, torch_reading, weight_layouts
from .call_reading import Read
from .recorder import Hands, Recorder
from .seen_calls import Array, Passed, PortParameter, PortProgram

KIND = "torch"
LAST = False
GRIDS = (28, 32, 8, 16, 12, 64, 24, 10, 20, 9, 14, 40, 48, 96, 224)
DROPOUTS = ("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout")
torch.set_num_threads(1)  # small sums: more threads take ten times as long
UNTOUCHED = ("__setitem__", "__len__", "__bool__", "backward")


def version() -> str:
    """The version of torch."""
    return f"torch {torch.__version__}"


def fits(thing: Any) -> bool:
    """Whether this is a model of PyTorch."""
    return isinstance(thing, torch.nn.Module)


class Port:
    """See port_process.RemotePort."""

    kind, last = KIND, LAST

    def version(self) -> str:
        """The version of its framework."""
        return version()

    def __init__(self, model: torch.nn.Module, dtype: str) -> None:
        self.own_dtypes = sorted({str(p.dtype).partition(".")[2] for p in model.parameters()})
        self.model, self.dtype = model.to(getattr(torch, dtype)), getattr(torch, dtype)
        self.held: dict[str, tuple[str, str]] = {}
        self.start = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def arrays(self) -> dict[str, torch.Tensor]:
        """Parameters and what layers keep, without counters."""
        found = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        return {name: t for name, t in found.items() if t.is_floating_point()}

    def params(self) -> list[PortParameter]:
        """All of them, in the layout of all."""
        trained = {name for name, p in self.model.named_parameters() if p.requires_grad}
        found = []
        for name, tensor in self.arrays().items():
            part, held = self.held.get(name, ("", ""))
            value = weight_layouts.common(tensor.detach().numpy().copy(), held)
            found.append(PortParameter(name, value, part, held, name in trained))
        return found

    def load(self, values: Mapping[str, Array]) -> None:
        """Sets arrays by name."""
        own = self.arrays()
        with torch.no_grad():
            for name, value in values.items():
                held = self.held.get(name, ("", ""))[1]
                own[name].copy_(
                    torch.from_numpy(weight_layouts.own(value, held, tuple(own[name].shape)))
                )
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def restore(self, path: Path) -> None:
        """Sets the weights in a file. Raises ConfigError."""
        try:
            found = {n: torch.from_numpy(np.array(v)) for n, v in sources.weights(path).items()}
            self.model.load_state_dict(found)
        except RuntimeError as error:
            raise ConfigError(f"{path} does not fit the model: {one_line(error)}") from error
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def input_shape(self) -> list[tuple[tuple[int, ...], int | None]]:
        """Shapes of a sample that the first layer may take; of integers, how many there are."""
        for module in self.model.modules():
            if isinstance(module, torch.nn.Linear):
                return [((module.in_features,), None), ((5, module.in_features), None)]
            if isinstance(module, torch.nn.Embedding):
                return [((6,), module.num_embeddings)]
            if isinstance(module, torch.nn.RNNBase):
                return [((6, module.input_size), None)]
            if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d):
                n = 1 if isinstance(module, torch.nn.Conv1d) else 2
                return [((module.in_channels, *(s,) * n), None) for s in GRIDS]
            if isinstance(module, torch.nn.BatchNorm1d):
                return [((module.num_features,), None)]
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
        pairs = [(recorder.given[n], torch.from_numpy(s)) for n, s in slopes.items()]
        total = [(h * s.to(h.dtype)).sum() for h, s in pairs if h.requires_grad]
        if total:
            every = torch.stack([t.to(self.dtype) for t in total]).sum()
            every.backward()  # type: ignore[no-untyped-call]
        trained = dict(self.model.named_parameters())
        grads = {}
        for name, p in trained.items():
            held = self.held.get(name, ("", ""))[1]
            grads[name] = (
                None if p.grad is None else weight_layouts.common(p.grad.numpy().copy(), held)
            )
        kept = {n: t.detach().numpy().copy() for n, t in self.arrays().items() if n not in trained}
        nodes = [_numpy(h) for h in recorder.given]
        found = [None if h.grad is None else _numpy(h.grad) for h in recorder.used]
        self.model.load_state_dict(self.start)
        return Passed(nodes, found, grads, kept)

    def _run(
        self, x: Array, values: Mapping[int, Array], training: bool
    ) -> tuple[Recorder, list[Any]]:
        self.model.train(training)
        names = {id(t): name for name, t in self.arrays().items()}
        recorder = Recorder(HANDS, names, values)
        given = torch.from_numpy(np.ascontiguousarray(x))
        given = given.to(self.dtype) if given.is_floating_point() else given.long()
        start = recorder.enter(given)
        torch.manual_seed(0)
        with _stack(self.model) as stack, _TorchSeen(recorder, stack, training):
            out = self.model(start)
        outs = [t for t in tree.tree_leaves(out) if isinstance(t, torch.Tensor)]
        return recorder, outs


class _TorchSeen(TorchFunctionMode):
    """Tells a recorder of every function of PyTorch that is called outside of others."""

    def __init__(
        self, recorder: Recorder, stack: list[tuple[str, torch.nn.Module]], calm: bool
    ) -> None:
        super().__init__()
        self.recorder, self.stack, self.calm = recorder, stack, calm

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "function")
        if name == "__get__":
            name = getattr(getattr(func, "__self__", None), "__name__", "")
        before = [t for t in tree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        if name in UNTOUCHED or not self.recorder.concerns(before):
            return func(*args, **kwargs)
        name, func, kwargs = _not_in_place(name, func, kwargs)
        active = name in DROPOUTS and _drops(args, kwargs)
        calm = active and self.calm  # in training its numbers are chance: it hands on what it gets
        out = args[0].clone() if calm else func(*args, **kwargs)
        outs, shape = tree.tree_flatten(out)
        at = [i for i, t in enumerate(outs) if isinstance(t, torch.Tensor) and t.numel()]
        if not at:
            return out
        first = outs[at[0]]
        source = before[0]
        same = not active and _nothing(name, source, first)
        if same and id(source) in self.recorder.nodes:
            return source
        read = _read(name, args, kwargs, first, source)
        title, shown = self._title(name)
        new = self.recorder.call(title, shown, read, before, [outs[i] for i in at])
        for i, t in zip(at, new, strict=True):
            outs[i] = t
        return tree.tree_unflatten(outs, shape)

    def _title(self, name: str) -> tuple[str, str]:
        if not self.stack:
            return name, ""
        path, module = self.stack[-1]
        if any(True for _ in module.children()):
            return (f"{path}.{name}" if path else name), ""
        text = repr(module)
        own = text if "\n" not in text and len(text) < 90 else type(module).__name__
        simple = type(module).__module__.startswith("torch.nn")
        return (path if simple else f"{path}.{name}"), own


def _drops(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a dropout is on."""
    given = {**dict(zip(("input", "p", "training"), args, strict=False)), **kwargs}
    return bool(given.get("training", True)) and given.get("p", 0.5) > 0


def _not_in_place(name: str, func: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """The function that gives a new tensor, where it is known."""
    if kwargs.get("inplace"):
        kwargs = {**kwargs, "inplace": False}
    plain = name[:-1] if name.endswith("_") and not name.endswith("__") else ""
    if plain and hasattr(torch.Tensor, plain):
        return plain, getattr(torch.Tensor, plain), kwargs
    return name, func, kwargs


def _nothing(name: str, before: torch.Tensor, after: torch.Tensor) -> bool:
    """Whether a function changed nothing: no shape, no number, no gradient."""
    if name in ("detach", "data") or before.shape != after.shape or before.dtype != after.dtype:
        return False
    quiet = name in torch_reading.UNSEEN or name in torch_reading.SHAPED or name == "dropout"
    return quiet and bool(torch.equal(before, after))


def _read(
    name: str, args: Any, kwargs: dict[str, Any], out: torch.Tensor, before: torch.Tensor
) -> Read | None:
    if name in ("detach", "data"):
        return Read("stop_gradient", {"input": before})
    if before.dtype != out.dtype and name in (*torch_reading.UNSEEN, "half", "bfloat16"):
        return Read("cast", {"input": before}, {"dtype": str(out.dtype).partition(".")[2]})
    if name in ("T", "mT"):
        name, args = "transpose", (before, -1, -2)
    turned = name in ("transpose", "t") and before.dim() == 2
    if turned and isinstance(before, torch.nn.Parameter):  # turned, it is as all hold it
        return Read("identity", {"input": before}, held={"input": "transposed"})
    try:
        return torch_reading.read(name, args, kwargs, out)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None  # called in a way that is not known here


@contextlib.contextmanager
def _stack(model: torch.nn.Module) -> Iterator[list[tuple[str, torch.nn.Module]]]:
    """The modules that are being called, innermost last."""
    stack: list[tuple[str, torch.nn.Module]] = []
    handles = []
    for name, module in model.named_modules():
        handles.append(
            module.register_forward_pre_hook(lambda m, _, name=name: stack.append((name, m)))
        )
        handles.append(
            module.register_forward_hook(lambda *_: (stack.pop(), None)[1], always_call=True)
        )
    try:
        yield stack
    finally:
        for handle in handles:
            handle.remove()


def _numpy(t: torch.Tensor) -> Array:
    t = t.detach()
    t = t.float() if t.dtype == torch.bfloat16 else t
    return np.array(t.numpy(), dtype=float if t.is_floating_point() else None)


def _leaf(value: Array, like: torch.Tensor) -> torch.Tensor:
    made = torch.from_numpy(np.array(value)).to(like.dtype)
    return made.requires_grad_() if made.is_floating_point() else made


def _watch(t: torch.Tensor) -> torch.Tensor:
    if t.requires_grad:
        t.retain_grad()
    elif t.is_floating_point() and t.is_leaf and t.grad_fn is None:
        t = t.detach().requires_grad_()
    return t


HANDS = Hands(lambda t: isinstance(t, torch.Tensor), _numpy, _leaf, _watch)
