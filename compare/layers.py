"""The layers a model may have, as data, and the walk through them that every framework shares.

Images are (batch, channels, height, width), weights of Linear (in, out), of Conv2d (out, in, k, k).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """Base: a layer without parameters. Its arrays come in the order of `shapes`."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the parameters; the first is the weight."""
        return ()

    @property
    def kept(self) -> tuple[Shape, ...]:
        """The shapes of what is kept from step to step without being trained."""
        return ()

    @property
    def fan_in(self) -> int | None:
        """How many inputs one output sums up; None for a layer without a matrix."""
        return None


@dataclass(frozen=True)
class Activation(Layer):
    """One of specs.ACTIVATIONS, elementwise."""

    name: str


@dataclass(frozen=True)
class Linear(Layer):
    """x @ W + b: n inputs, m outputs."""

    n: int
    m: int
    bias: bool = True  # before a norm it has no effect, and a gradient made of rounding alone

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """W and b."""
        return ((self.n, self.m), (self.m,))[: 1 + self.bias]

    @property
    def fan_in(self) -> int:
        """n."""
        return self.n


@dataclass(frozen=True)
class Conv2d(Layer):
    """A k×k convolution with stride 1 and `padding` zeros on every side."""

    n: int
    m: int
    k: int
    padding: int = 0
    bias: bool = True

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Weight and bias."""
        return ((self.m, self.n, self.k, self.k), (self.m,))[: 1 + self.bias]

    @property
    def fan_in(self) -> int:
        """The size of one window."""
        return self.n * self.k * self.k


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """The largest of each k×k window; windows do not overlap, what does not fill one is left."""

    k: int


@dataclass(frozen=True)
class Image(Layer):
    """Rows of numbers as images of this (channels, height, width)."""

    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Flatten(Layer):
    """Images as rows of numbers, channel by channel."""


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Each of n channels (axis 1) standardised over all else, in training mode."""

    n: int
    space: int = 0  # 2 for images
    eps: float = 2.0**-10
    momentum: float = 0.125  # the weight of the new statistics, as in PyTorch

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Gain and shift."""
        return (self.n,), (self.n,)

    @property
    def kept(self) -> tuple[Shape, ...]:
        """Running mean, from 0, and running variance, from 1."""
        return (self.n,), (self.n,)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """The last axis, of n numbers, standardised."""

    n: int
    eps: float = 2.0**-10

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Gain and shift."""
        return (self.n,), (self.n,)


@dataclass(frozen=True)
class Residual(Layer):
    """shortcut(x) + inner(x); without shortcut x + inner(x)."""

    inner: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


def flat(layers: Sequence[Layer]) -> list[Layer]:
    """All layers in the order of their parameters: of a Residual the inner ones first."""
    found: list[Layer] = []
    for layer in layers:
        inside = [*layer.inner, *layer.shortcut] if isinstance(layer, Residual) else []
        found += flat(inside) if inside else [layer]
    return found


def walk(
    layers: Sequence[Layer],
    h: Any,
    params: Iterator[Any],
    kept: Iterator[Any],
    apply: Callable[..., Any],
    add: Callable[[Any, Any], Any] = lambda a, b: a + b,
    probe: Callable[[Any], Any] = lambda h: h,
) -> Any:
    """The output for h. `apply(layer, h, own, own_kept)` does one layer, with its own arrays.

    What a layer or the sum of two branches gives goes through `probe`, in this order: that is where
    the lockstep records values and gradients, and sets them.
    """
    for layer in layers:
        if isinstance(layer, Residual):
            y = walk(layer.inner, h, params, kept, apply, add, probe)
            h = add(walk(layer.shortcut, h, params, kept, apply, add, probe), y)
        else:
            own = [next(params) for _ in layer.shapes]
            h = apply(layer, h, own, [next(kept) for _ in layer.kept])
        h = probe(h)
    return h


def penalised(layers: Sequence[Layer]) -> list[bool]:
    """For each parameter whether the L2 penalty counts it: weights of Linear and Conv2d."""
    pairs = [(layer, i) for layer in flat(layers) for i in range(len(layer.shapes))]
    return [i == 0 and layer.fan_in is not None for layer, i in pairs]


def size(layers: Sequence[Layer]) -> int:
    """How many weights matrices and kernels have."""
    return sum(prod(layer.shapes[0]) for layer in flat(layers) if layer.fan_in)
