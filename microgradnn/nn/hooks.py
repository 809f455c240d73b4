"""Hooks of modules: functions that see, and may replace, what goes into and comes out of forward.

Gradients come to them as `.grad` does, as plain arrays (Tensors under create_graph=True).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..engine import ops
from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..signatures.handles import Handle

Entries = list[tuple[Callable[..., Any], bool, bool]]  # hook, with_kwargs, always_call


@dataclass
class Hooks:
    """The hooks of one module, by when they are called."""

    before: Entries = field(default_factory=list)
    after: Entries = field(default_factory=list)
    gradient_before: Entries = field(default_factory=list)
    gradient: Entries = field(default_factory=list)

    def enter(
        self,
        when: str,
        hook: Callable[..., Any],
        prepend: bool,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """A handle of a hook that is called from now on, before the others with prepend."""
        if not callable(hook):
            raise ConfigError(f"register hook: got {type(hook).__name__}, need a function")
        entries: Entries = getattr(self, when)
        entry = (hook, with_kwargs, always_call)
        entries.insert(0 if prepend else len(entries), entry)
        return Handle(lambda: _drop(entries, entry))

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """module.forward(*args, **kwargs), with the hooks around it."""
        output, done = None, 0
        try:
            args, kwargs = self._before(module, args, kwargs)
            watch = _Watch(module, self) if self.gradient or self.gradient_before else None
            if watch is not None:
                args = watch.inputs(args)
            output = module.forward(*args, **kwargs)
            for hook, with_kwargs, _ in [*self.after]:
                done += 1
                output = _or(_seen(hook, with_kwargs, module, args, kwargs, output), output)
        except BaseException:
            for hook, with_kwargs, always_call in self.after[done:]:
                if always_call:
                    _seen(hook, with_kwargs, module, args, kwargs, output)
            raise
        return output if watch is None else watch.outputs(output)

    def _before(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hook, with_kwargs, _ in [*self.before]:
            new = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if new is None:
                continue
            if not with_kwargs:
                args = new if isinstance(new, tuple) else (new,)
            elif isinstance(new, tuple) and len(new) == 2:
                args, kwargs = new
            else:
                raise ConfigError(
                    "register_forward_pre_hook: a hook with with_kwargs=True returned "
                    f"{type(new).__name__}, need None or (args, kwargs)"
                )
        return args, kwargs


class _Watch:
    """The gradients of one call of a module, shown to its hooks on their way back."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module, self.before = module, [*hooks.gradient_before]
        self.after = [*hooks.gradient]
        self.of_outputs: tuple[Any, ...] = ()
        self.n, self.tracked = 0, False

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, whose gradients will come by."""
        self.n = len(args)
        at = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
        self.tracked = bool(at)
        out = list(args)
        for i, x in zip(at, _joined([args[i] for i in at], self._back(at)), strict=True):
            out[i] = x
        return tuple(out)

    def _back(self, at: list[int]) -> Callable[[list[Any]], Any]:
        def back(gs: list[Any]) -> list[Any]:
            found: list[Any] = [None] * self.n
            for i, g in zip(at, gs, strict=True):
                found[i] = g
            new = self._show(tuple(found))
            return [new[i] for i in at]

        return back

    def _show(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook, _, _ in self.after:
            new = hook(self.module, found, self.of_outputs)
            if new is not None:
                found = new if isinstance(new, tuple) else (new,)
                if len(found) != self.n:
                    raise ConfigError(
                        f"register_full_backward_hook: a hook returned {len(found)} gradients, "
                        f"need {self.n}, one for each input"
                    )
        return found

    def outputs(self, output: Any) -> Any:
        """The output, whose gradient will come by."""
        several = isinstance(output, tuple)
        parts = list(output) if several else [output]
        at = [i for i, y in enumerate(parts) if isinstance(y, Tensor) and y.requires_grad]

        def back(gs: list[Any]) -> list[Any]:
            found: list[Any] = [None] * len(parts)
            for i, g in zip(at, gs, strict=True):
                found[i] = g
            self.of_outputs = tuple(found)
            for hook, _, _ in self.before:
                new = hook(self.module, self.of_outputs)
                if new is not None:
                    self.of_outputs = new if isinstance(new, tuple) else (new,)
            if not self.tracked:
                self._show((None,) * self.n)
            return [self.of_outputs[i] for i in at]

        for i, y in zip(at, _joined([parts[i] for i in at], back), strict=True):
            parts[i] = y
        return tuple(parts) if several else parts[0]


def _joined(xs: list[Any], back: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """The same tensors; `back` is given all their gradients at once, and gives the new ones."""
    if len(xs) < 2:
        for i, x in enumerate(xs):
            xs[i] = ops.alias(x)
            xs[i].register_hook(lambda g: back([g])[0])
        return xs
    shapes = [x.shape for x in xs]
    ends = [int(sum(x.size for x in xs[: i + 1])) for i in range(len(xs))]
    row = ops.concatenate(*[ops.reshape(x, shape=(-1,)) for x in xs], axis=0)

    def cut(flat: Any) -> list[Any]:
        pieces = (
            ops.getitem(flat, index=(slice(a, b),)) for a, b in zip([0, *ends], ends, strict=False)
        )
        return [ops.reshape(p, shape=s) for p, s in zip(pieces, shapes, strict=True)]

    def hook(g: Any) -> Any:
        new = [ops.reshape(p, shape=(-1,)) for p in back(cut(g))]
        return ops.concatenate(*new, axis=0)

    row.register_hook(hook)
    return cut(row)


def _seen(
    hook: Any, with_kwargs: bool, module: Any, args: Any, kwargs: dict[str, Any], output: Any
) -> Any:
    if with_kwargs:
        return hook(module, args, kwargs, output)
    return hook(module, args, output)


def _or(new: Any, old: Any) -> Any:
    return old if new is None else new


def _drop(entries: Entries, entry: Any) -> None:
    entries[:] = [e for e in entries if e is not entry]
