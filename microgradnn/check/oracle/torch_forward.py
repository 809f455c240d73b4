"""PyTorch's own derivative of a forward whose backward was written by hand.

While it is run, every autograd.Function of the user's is its forward alone, recorded by autograd as
any other code: F.apply is put aside where it is found, in classes, modules and instances.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from ...optional import need
from ..subject import quiet
from .derivations import Derivation, Underived

METHOD = "PyTorch's own derivative of forward, in float64"
STEPS = ("round", "floor", "ceil", "trunc", "sign", "fix")


def torch_module() -> Any:
    """PyTorch, or the sentence that it is missing."""
    return need("torch", "a check of PyTorch code")


class RawContext:
    """What forward is given for ctx: it keeps what is kept, and marks nothing."""

    def __init__(self, count: int) -> None:
        self.needs_input_grad = (True,) * count
        self.saved_tensors: tuple[Any, ...] = ()
        self.saved_variables: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors."""
        self.saved_tensors = self.saved_variables = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keeps tensors for jvp."""

    def mark_dirty(self, *tensors: Any) -> None:
        """They are changed in place: autograd sees that by itself here."""

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """The real call says which outputs have no derivative."""

    def set_materialize_grads(self, value: bool) -> None:
        """It is about backward."""

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Nothing, as in PyTorch today."""


def is_function(thing: Any, torch: Any) -> bool:
    """Whether thing is an autograd.Function of somebody's."""
    base = torch.autograd.Function
    return isinstance(thing, type) and issubclass(thing, base) and thing is not base


def with_setup(cls: Any, torch: Any) -> bool:
    """Whether a Function has its context set up by a method of its own."""
    return cls.setup_context is not torch.autograd.Function.setup_context


def forward_only(cls: Any, torch: Any, *args: Any, **kwargs: Any) -> Any:
    """What cls.forward gives, on copies of leaves, which it may change in place."""
    args = tuple(a.clone() if _leaf(a, torch) else a for a in args)
    if with_setup(cls, torch):
        return cls.forward(*args, **kwargs)
    return cls.forward(RawContext(len(args)), *args, **kwargs)


def _leaf(a: Any, torch: Any) -> bool:
    return isinstance(a, torch.Tensor) and a.is_leaf and a.requires_grad


@contextmanager
def forwards(places: Sequence[dict[str, Any]], things: Sequence[Any]) -> Iterator[list[Any]]:
    """Within it the Functions in places and things are their forwards; the classes met are given.

    things are Functions and modules.
    """
    torch = torch_module()
    met: list[Any] = []

    def call(cls: Any, *args: Any, **kwargs: Any) -> Any:
        met.append(cls)
        return forward_only(cls, torch, *args, **kwargs)

    homes = [*places, *(getattr(m, "__dict__", {}) for m in things if not isinstance(m, type))]
    found = {v for home in homes for v in _values(home) if is_function(v, torch)}
    found |= {t for t in things if is_function(t, torch)}
    bound = [(home, k, v) for home in homes for k, v in home.items() if _applies(v, torch)]
    found |= {v.__self__ for _, _, v in bound}
    before = [(cls, vars(cls).get("apply")) for cls in found]
    try:
        for cls in found:
            cls.apply = staticmethod(partial(call, cls))
        for home, k, v in bound:
            home[k] = partial(call, v.__self__)
        yield met
    finally:
        for home, k, v in bound:
            home[k] = v
        for cls, own in before:
            if own is None:
                del cls.apply
            else:
                cls.apply = own


def _values(home: dict[str, Any]) -> list[Any]:
    return [v for v in home.values() if isinstance(v, type)]


def _applies(v: Any, torch: Any) -> bool:
    """Whether it is F.apply, kept under a name of its own."""
    return isinstance(v, MethodType) and v.__name__ == "apply" and is_function(v.__self__, torch)


def derivation(
    run: Callable[[Sequence[Any], bool], tuple[list[Any], list[Any]]],
    places: Sequence[dict[str, Any]], things: Sequence[Any], single: bool,
    rewind: Callable[[], None],
) -> Derivation:  # fmt: skip
    """How PyTorch differentiates run(arrays, double) -> leaves, outputs.

    rewind puts generators of random numbers back, as before the forward it is compared with.
    """

    def gradients(arrays: Sequence[Any], douts: Sequence[Any], steps: bool) -> Any:
        torch = torch_module()
        rewind()
        with quiet(), _double(torch, not single), forwards(places, things) as met:
            try:
                with _straight(torch) if steps else torch.enable_grad():
                    leaves, outs = run(arrays, not single)
                grads = _pulled(torch, leaves, outs, douts)
            except Exception as error:
                text = str(error).split("\n")[0][:120]
                raise Underived(f"autograd cannot follow forward: {text}") from error
        if not met:
            raise Underived("it has no hand-written backward: autograd itself is checked")
        return [o.detach().numpy() for o in outs], grads

    return Derivation(
        lambda arrays, douts: gradients(arrays, douts, False), METHOD,
        lambda arrays, douts: gradients(arrays, douts, True), 2.0**-23 if single else 2.0**-52,
    )  # fmt: skip


def _pulled(torch: Any, leaves: Any, outs: Any, douts: Sequence[Any]) -> list[Any]:
    moving = [(o, d) for o, d in zip(outs, douts, strict=True) if o.requires_grad]
    if not moving:
        raise Underived("forward leaves the graph: none of its outputs is recorded by autograd")
    given = [torch.from_numpy(np.array(d)).to(o.dtype) for o, d in moving]
    grads = torch.autograd.grad([o for o, _ in moving], leaves, given, allow_unused=True)
    return [
        np.zeros(tuple(x.shape)) if g is None else g.detach().to_dense().double().numpy()
        for g, x in zip(grads, leaves, strict=True)
    ]


@contextmanager
def _double(torch: Any, double: bool) -> Iterator[None]:
    """Within it new tensors are float64, so that buffers which forward makes are."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if double else before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def operations(torch: Any, run: Callable[[], Any]) -> int:
    """How many of PyTorch's functions run() calls."""
    count = 0

    class Counting(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            """What func gives, counted."""
            nonlocal count
            count += 1
            return func(*args, **(kwargs or {}))

    with Counting():
        run()
    return count


@contextmanager
def _straight(torch: Any) -> Iterator[None]:
    """Within it the steps of forward have the derivative of the identity."""

    class Straight(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            """What func gives; of a step, what it gives plus nothing that has a derivative of 1."""
            out = func(*args, **(kwargs or {}))
            name = getattr(func, "__name__", "").rstrip("_")
            if name in STEPS and isinstance(out, torch.Tensor) and out.is_floating_point():
                return out.detach() + (args[0] - args[0].detach())
            return out

    with torch.enable_grad(), Straight():
        yield
