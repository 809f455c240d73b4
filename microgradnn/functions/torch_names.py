"""What a PyTorch user types on a Tensor: the names of torch_rows.py, dim= and keepdim=, add_.

Where PyTorch and NumPy have one name for one thing, PyTorch's words dim= and keepdim= are taken
beside axis= and keepdims=. Where they mean different things by it (max, min, sort, argsort, split,
std, var, transpose, flatten), a word of PyTorch's makes the call PyTorch's: x.max(dim=0) returns
(values, indices), x.std(dim=0) divides by n - 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine import ops
from ..engine.node import Node, plain
from ..engine.tensor import Tensor
from ..errors import DTypeError, GradientError, MicrogradError, RuleError, ShapeError
from ..numerics.recording import recording
from ..signatures.handles import Handle
from ..signatures.operands import Size
from ..signatures.telling import no_option
from ..signatures.torch_methods import TorchMethods
from . import choosing, diagonals, places, reduce, shape
from . import torch_forms as forms
from .torch_rows import ROWS

Method = Callable[..., Any]

# ---- names that only PyTorch has -----------------------------------------------------------------


def _named(name: str, function: Any, text: str) -> Method:
    """The function as a method of that name; what it raises is typed and begins with the name."""
    if getattr(function, "__name__", "") == "<lambda>":
        function.__name__ = function.__qualname__ = name

    def method(x: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(x, *args, **kwargs)
        except MicrogradError:
            raise
        except (TypeError, AttributeError, DeprecationWarning) as error:
            raise no_option(name, function, error) or DTypeError(f"{name}: {error}") from error
        except (ValueError, IndexError, ArithmeticError) as error:
            raise ShapeError(f"{name}: {error}") from error

    method.__name__ = method.__qualname__ = name
    method.__doc__ = text
    method.__wrapped__ = vars(TorchMethods).get(name, function)  # type: ignore[attr-defined]
    return method


for _name, (_equals, _function) in ROWS.items():
    setattr(Tensor, _name, _named(_name, _function, f"{_equals}, by PyTorch's name for it."))

# ---- names that both have: PyTorch's words make a call PyTorch's --------------------------------

WORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "shifts": "shift"}
"""PyTorch's words for arguments that NumPy has too."""


def _spread(measure: Method) -> Method:
    """var or std of a sample: divided by n - 1 unless correction= or unbiased= says otherwise."""
    return lambda x, axis=None, *, correction=1, unbiased=True, keepdims=False: measure(
        x, axis, correction=correction if unbiased else 0, keepdims=keepdims
    )


def _extreme(name: str, pair: Method) -> Method:
    """max or min: (values, indices) along one axis, or the larger of each two elements."""
    return lambda x, axis, keepdims=False: (
        pair(x, axis) if isinstance(axis, Node) else places.extreme(name, x, axis, keepdims)
    )


def _of_two(args: Any) -> bool:
    return isinstance(args[0], Node)


# Name: words that make a call PyTorch's, its function, and whether positional arguments do.
_SORTING = ("dim", "descending", "stable")
TURNS: dict[str, tuple[tuple[str, ...], Method, Callable[[Any], bool] | None]] = {
    "max": (("dim", "keepdim", "other"), _extreme("max", ops.maximum), _of_two),
    "min": (("dim", "keepdim", "other"), _extreme("min", ops.minimum), _of_two),
    "var": (("dim", "keepdim", "unbiased"), _spread(reduce.var), None),
    "std": (("dim", "keepdim", "unbiased"), _spread(reduce.std), None),
    "split": (("dim", "split_size", "split_size_or_sections"), places.parts, None),
    "sort": (
        _SORTING,
        lambda x, axis=-1, descending=False, stable=True: places.ordered(x, axis, descending),
        None,
    ),
    "argsort": (
        _SORTING,
        lambda x, axis=-1, descending=False, stable=True: places.order(x, axis, descending),
        None,
    ),
    "flatten": (
        ("start_dim", "end_dim"),
        forms.flattened,
        lambda args: isinstance(args[0], (int, np.integer)),
    ),
    "flip": ((), lambda x, *axis: Tensor.flip(x, axis), lambda args: len(args) > 1),
    "transpose": (("dim0", "dim1"), shape.swapaxes, None),
    "permute": (("dims",), shape.transpose, None),
    "diagonal": (("dim1", "dim2"), diagonals.diagonal, None),
    "tril": (("diagonal",), diagonals.tril, None),
    "triu": (("diagonal",), diagonals.triu, None),
    "take": (("index",), choosing.take, None),
    "reshape": (("shape",), shape.reshape, None),
    "view": (("size",), shape.reshape, None),
    "nonzero": (("as_tuple",), forms.nonzero, None),
}
_RENAMED: dict[str, dict[str, str]] = {
    "max": {"other": "axis"}, "min": {"other": "axis"},
    "split": {"split_size": "size", "split_size_or_sections": "size", "dim": "dim"},
    "transpose": {"dim0": "axis1", "dim1": "axis2"}, "tril": {"diagonal": "k"},
    "diagonal": {"dim1": "axis1", "dim2": "axis2"}, "triu": {"diagonal": "k"},
    "take": {"index": "indices"}, "permute": {"dims": "axes"}, "view": {"size": "shape"},
}  # fmt: skip
SAME = (
    "sum", "prod", "mean", "logsumexp", "softmax", "log_softmax", "cumsum", "cumprod", "squeeze",
    "roll", "argmax", "argmin", "all", "any",
)  # fmt: skip


def _both(name: str) -> Method:
    """NumPy's method, which understands PyTorch's words."""
    numpys: Any = getattr(Tensor, name)
    words, torchs, places = TURNS.get(name, ((), numpys, None))
    turned = numpys if torchs is numpys else _named(name, torchs, "")
    words_here = frozenset(words)
    renamed = WORDS | _RENAMED.get(name, {})
    all_words = frozenset(renamed) | words_here

    @functools.wraps(numpys)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if kwargs and not all_words.isdisjoint(kwargs):
            theirs = not words_here.isdisjoint(kwargs)
            given = {renamed.get(k, k): forms.axes(v) for k, v in kwargs.items()}
            if len(given) < len(kwargs):
                raise RuleError(
                    f"{name}: got {' and '.join(kwargs)}, which mean one thing; give one"
                )
            return (turned if theirs else numpys)(self, *args, **given)
        if places is not None and args and places(args):
            return turned(self, *args, **kwargs)
        return numpys(self, *args, **kwargs)

    return method


for _name in (*SAME, *TURNS):
    setattr(Tensor, _name, _both(_name))

# ---- names that end with _: in place, where nothing has been recorded ---------------------------

_BASES: dict[str, Method] = {
    "zero_": lambda x: 0,
    "fill_": lambda x, value: plain(value),
    "copy_": lambda x, src, non_blocking=False: plain(src),
}
_CHANGING = (
    "abs absolute acos acosh add addcdiv addcmul addmm addmv addr arccos arccosh arcsin arcsinh "
    "arctan arctan2 arctanh asin asinh atan atan2 atanh baddbmm ceil clamp clamp_max clamp_min "
    "clip copysign cos cosh cumprod cumsum deg2rad digamma div divide elu eq erf erfc erfinv exp "
    "exp2 expm1 fix float_power floor floor_divide fmod frac ge greater greater_equal gt heaviside "
    "hypot index_add index_copy index_fill ldexp le leaky_relu lerp less less_equal lgamma log "
    "log10 log1p log2 logical_and logical_not logical_or logical_xor logit lt masked_fill mul "
    "multiply nan_to_num ne neg negative not_equal polygamma pow rad2deg reciprocal relu relu6 "
    "remainder round rsqrt scatter scatter_add sgn sigmoid sign sin sinc sinh sqrt square sub "
    "subtract tan tanh tril triu true_divide trunc xlogy"
)
_DRAWN = "uniform_ normal_ trunc_normal_ random_ exponential_ bernoulli_ geometric_ cauchy_"


def _in_place(name: str) -> Method:
    """x.add_(…) and the like: the data becomes that of x.add(…), where nothing is recorded."""

    def change(self: Tensor, *args: object, **kwargs: object) -> Tensor:
        if self.op is not None or (self.requires_grad and recording.on):
            instead = f"x = x.{name[:-1]}(…)" if name not in _BASES else "x = a new tensor"
            raise GradientError(
                f"{name}: a tensor that is in a graph is not changed in place; write {instead}, "
                "or change a leaf inside no_grad()"
            )
        base = _BASES.get(name) or getattr(type(self), name[:-1])
        new = plain(base(self, *args, **kwargs))
        try:
            np.copyto(self.data, new, casting="same_kind")
        except (TypeError, ValueError) as error:
            raise ShapeError(f"{name}: {error}") from error
        self.data = self.data  # notes that it has changed
        return self

    change.__name__ = change.__qualname__ = name
    change.__doc__ = f"self, changed in place as {name} of PyTorch does; inside no_grad()."
    return change


def _drawn(name: str) -> property:
    """What the name of a method that is not here says, as no method: hasattr finds none."""

    def absent(self: Tensor) -> NoReturn:
        raise AttributeError(
            f"Tensor: no attribute {name!r}; draw with nn.init.{name}(x) or with NumPy"
        )

    return property(absent)


# Not in Tensor.__getattr__: a class that has one finds all its attributes at half the speed.
for _name in (*(f"{_name}_" for _name in _CHANGING.split()), *_BASES):
    setattr(Tensor, _name, _in_place(_name))
for _name in _DRAWN.split():
    setattr(Tensor, _name, _drawn(_name))

# ---- hooks ---------------------------------------------------------------------------------------


def _register_hook(self: Tensor, hook: Callable[[Any], Any]) -> Handle:
    """A handle that removes the hook again: handle.remove(), handle(), or the end of a with block.

    From now on every backward pass calls hook(gradient of this node), and what it returns, unless
    that is None, is used in place of the gradient.
    """
    return Handle(Node.register_hook(self, hook))


_register_hook.__name__ = "register_hook"
setattr(Tensor, "register_hook", _register_hook)  # noqa: B010  mypy refuses to assign a method

# ---- what a tensor is, as properties ------------------------------------------------------------


def _property(name: str, text: str, get: Callable[[Any], Any]) -> None:
    setattr(Tensor, name, property(get, doc=text))


_property("is_leaf", "Whether no op made it.", lambda x: x.op is None)
_property("grad_fn", "The op that made it, None for a leaf.", lambda x: x.op)
_property("retains_grad", "Whether retain_grad() was called on a result.",
          lambda x: x.op is not None and x.keeps_grad)  # fmt: skip
_property("device", "'cpu': there is no other.", lambda x: "cpu")
_property("is_cuda", "False.", lambda x: False)
_property("size", "How many elements; x.size(0) is a length and x.size() the shape, as in PyTorch.",
          lambda x: Size.of(x.shape))  # fmt: skip
