"""How a function of PyTorch's tensors is called with arrays, and its gradients are asked for.

Arrays become tensors that share their memory, strides included, so that what backward changes in
place is seen, and cotangents come as autograd hands them on: strided, or spread with stride 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..oracle.torch_forward import torch_module
from ..subject import Arguments, Pass


@dataclass
class TorchCall:
    """How a function of tensors is called with arrays.

    call     what is called with the arguments, and with params where there are any
    wrt      which of the float arrays among the arguments get a gradient
    double   whether it runs in float64
    cloned   whether it changes its inputs in place, and says so: then it is given copies
    outs     which of the tensors that come back have derivatives; none before it was run
    arrays   the values of all that gets a gradient; keep: which of these are checked
    cls      the Function, where it is one and nothing around it
    """

    call: Callable[..., Any]
    args: Arguments
    params: dict[str, Any] = field(default_factory=dict)
    wrt: Sequence[int] = ()
    double: bool = True
    cloned: bool = False
    outs: list[int] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    keep: Sequence[int] = ()
    cls: Any = None
    rewind: Callable[[], None] = lambda: None
    torch: Any = field(default_factory=torch_module)

    def leaves(self, arrays: Sequence[Any], double: bool | None = None) -> list[Any]:
        """The arrays as tensors that require gradients; of other dtypes only where they must be."""
        single, wide = self.torch.float32, self.torch.float64
        out = []
        for a in arrays:
            t = self.torch.from_numpy(np.asarray(a))
            if double is not None:
                t = t.to(wide if double else single)
            elif not self.double and t.dtype is wide:
                t = t.to(single)
            out.append(t.requires_grad_())
        return out

    def filled(self, new: Sequence[Any]) -> list[Any]:
        """All arrays, with new ones in the places of those that are checked."""
        given = dict(zip(self.keep, new, strict=True))
        return [given.get(k, a) for k, a in enumerate(self.arrays)]

    def run(self, leaves: Sequence[Any]) -> list[Any]:
        """The tensors of floats that come back, all of them."""
        given = [x.clone() for x in leaves] if self.cloned else list(leaves)
        count = len(self.wrt)
        double = self.torch.float64 in [x.dtype for x in leaves]
        filled = self.args.filled(self.wrt, given[:count])
        with self.torch.enable_grad():
            args = [self._tensors(a, double) for a in filled]
            named = dict(zip(self.params, given[count:], strict=True))
            out = self.call(named, *args) if self.params else self.call(*args)
        return [t for t in _flat(out, self.torch) if t.is_floating_point() or t.is_complex()]

    def fresh(self, leaves: Sequence[Any]) -> list[Any]:
        """The same with generators of random numbers put back before."""
        self.rewind()
        return self.run(leaves)

    def _tensors(self, tree: Any, double: bool) -> Any:
        """The arrays in an argument as tensors, floats of the dtype of the others."""
        if isinstance(tree, np.ndarray):
            t = self.torch.from_numpy(np.ascontiguousarray(tree))
            return (
                t.to(self.torch.float64 if double else self.torch.float32)
                if (t.is_floating_point())
                else t
            )
        if isinstance(tree, dict):
            return {k: self._tensors(v, double) for k, v in tree.items()}
        if type(tree) in (list, tuple):
            return type(tree)(self._tensors(v, double) for v in tree)
        return tree

    def picked(self, found: Sequence[Any]) -> list[Any]:
        """Those of the outputs that have derivatives."""
        if not self.outs:
            self.outs = [k for k, t in enumerate(found) if t.requires_grad]
        return [found[k] for k in self.outs]

    def start(self, arrays: Sequence[Any]) -> Pass:
        """See Subject."""
        leaves = self.leaves(arrays)
        outs = self.picked(self.run(leaves))
        if not outs:
            raise TypeError("no output requires a gradient: forward leaves the graph")

        def pull(*douts: Any) -> list[Any]:
            return [None if g is None else plain(g) for g in self.pulled(leaves, outs, douts)]

        held, before = self.args.held(self.args.args)
        return Pass([plain(o) for o in outs], pull, held, before)

    def pulled(self, leaves: Any, outs: Any, douts: Sequence[Any], **options: Any) -> Any:
        """The gradients as tensors; cotangents of the right dtype share memory with the arrays."""
        given = [
            d if isinstance(d, self.torch.Tensor)
            else self.torch.from_numpy(np.asarray(d)).to(o.dtype)
            for o, d in zip(outs, douts, strict=True)
        ]  # fmt: skip
        return self.torch.autograd.grad(
            outs, leaves, given, retain_graph=True, allow_unused=True, **options
        )


def plain(t: Any) -> Any:
    """A tensor as an array."""
    t = t.detach()
    return (t.to_dense() if t.is_sparse else t).resolve_conj().resolve_neg().numpy()


def _flat(out: Any, torch: Any) -> list[Any]:
    """The tensors in what came back."""
    if isinstance(out, torch.Tensor):
        return [out]
    parts = out.values() if isinstance(out, dict) else out if isinstance(out, (tuple, list)) else ()
    return [t for part in parts for t in _flat(part, torch)]
