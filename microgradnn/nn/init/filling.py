"""PyTorch's initialisers: `xavier_uniform_(layer.weight)` fills a tensor, in place, and returns it.

The weights of a Linear are stored (in, out) here, (out, in) in PyTorch: fan_in, fan_out and the
rows of sparse_ are those of the layer, not of the axes, so a layer starts as it does there. Those
of convolutions are stored as in PyTorch. `generator` is a NumPy generator; without one, numbers
are different each time.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ...engine.node import plain
from ...engine.tensor import Tensor
from ...errors import ConfigError, DTypeError, GradientError, ShapeError
from ...signatures.telling import tell as _tell
from .drawing import fans, orthogonal

T = TypeVar("T", Tensor, np.ndarray)
Generator: TypeAlias = "np.random.Generator | None"


def _shape(name: str, tensor: Any, least: int = 0, most: int = 99) -> tuple[int, ...]:
    if not isinstance(tensor, (Tensor, np.ndarray)):
        raise DTypeError(f"{name}: got {type(tensor).__name__}, need a Tensor or an array")
    if isinstance(tensor, Tensor) and tensor.op is not None:
        raise GradientError(f"{name}: {tensor.describe()} is no leaf; fill a parameter")
    if not least <= tensor.ndim <= most:
        wanted = f"{least}" if least == most else f"{least} or more"
        raise ShapeError(f"{name}: shape {tensor.shape} has {tensor.ndim} axes, need {wanted}")
    return np.shape(plain(tensor))


def _filled(tensor: T, values: Any) -> T:
    """The tensor, which now holds these values."""
    array = tensor.data if isinstance(tensor, Tensor) else tensor
    array[...] = values
    if isinstance(tensor, Tensor):
        tensor.data = array  # notes that it has changed
    return tensor


def _rng(generator: np.random.Generator | None) -> np.random.Generator:
    return np.random.default_rng() if generator is None else generator


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before this function are larger: √2 for "relu", 5/3 for "tanh".

    `param` is the negative_slope of "leaky_relu", 0.01 by default. 1 for "linear", "sigmoid" and
    the convolutions. Raises ConfigError for other names.
    """
    gains = {"sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75, "linear": 1.0}
    gains["leaky_relu"] = math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    name = "linear" if nonlinearity.startswith("conv") else nonlinearity
    if name not in gains:
        raise ConfigError(
            f"calculate_gain: no gain for {nonlinearity!r}; use one of {', '.join(gains)}"
        )
    return gains[name]


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> T:
    """The tensor, drawn from U(a, b)."""
    return _filled(tensor, _rng(generator).uniform(a, b, _shape("uniform_", tensor)))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> T:
    """The tensor, drawn from N(mean, std²)."""
    return _filled(tensor, _rng(generator).normal(mean, std, _shape("normal_", tensor)))


def trunc_normal_(
    tensor: T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator = None,
) -> T:
    """The tensor, drawn from N(mean, std²), what is not in a … b again."""
    shape, rng = _shape("trunc_normal_", tensor), _rng(generator)
    if not a < b or b < mean - 8 * std or a > mean + 8 * std:
        raise ConfigError(f"trunc_normal_: nothing of N({mean}, {std}²) is between {a} and {b}")
    x = np.asarray(rng.normal(mean, std, shape))
    while np.any(out := (x < a) | (x > b)):
        x[out] = rng.normal(mean, std, np.count_nonzero(out))
    return _filled(tensor, x)


def constant_(tensor: T, val: float) -> T:
    """The tensor, full of val."""
    _shape("constant_", tensor)
    return _filled(tensor, val)


def ones_(tensor: T) -> T:
    """The tensor, full of ones."""
    _shape("ones_", tensor)
    return _filled(tensor, 1.0)


def zeros_(tensor: T) -> T:
    """The tensor, full of zeros."""
    _shape("zeros_", tensor)
    return _filled(tensor, 0.0)


def eye_(tensor: T) -> T:
    """The matrix, with ones on its diagonal: a Linear then passes its input on."""
    rows, columns = _shape("eye_", tensor, 2, 2)
    return _filled(tensor, np.eye(rows, columns))


def dirac_(tensor: T, groups: int = 1) -> T:
    """The weight of a convolution that passes its channels on, as many as there are, by groups."""
    shape: tuple[int, ...] = _shape("dirac_", tensor, 3, 5)
    if shape[0] % groups:
        raise ShapeError(f"dirac_: {shape[0]} channels are not divided by groups={groups}")
    values, each = np.zeros(shape), shape[0] // groups
    for g in range(groups):
        for d in range(min(each, shape[1])):
            values[(g * each + d, d, *(n // 2 for n in shape[2:]))] = 1
    return _filled(tensor, values)


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator = None) -> T:
    """The tensor, from U(-a, a) with a = gain·√(6/(fan_in + fan_out)) (Glorot and Bengio 2010)."""
    a = gain * math.sqrt(6 / sum(fans(_shape("xavier_uniform_", tensor, 2))))
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator = None) -> T:
    """The tensor, from N(0, s²) with s = gain·√(2/(fan_in + fan_out)) (Glorot and Bengio 2010)."""
    std = gain * math.sqrt(2 / sum(fans(_shape("xavier_normal_", tensor, 2))))
    return normal_(tensor, 0.0, std, generator)


def _kaiming(name: str, tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation gain/√fan (He et al. 2015)."""
    fan_in, fan_out = fans(_shape(name, tensor, 2))
    if mode not in ("fan_in", "fan_out"):
        raise ConfigError(f"{name}: mode is {mode!r}, must be 'fan_in' or 'fan_out'")
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> T:
    """The tensor, from U(-b, b) with b = gain·√(3/fan); a is the slope of leaky_relu."""
    bound = math.sqrt(3) * _kaiming("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> T:
    """The tensor, from N(0, gain²/fan); a is the slope of leaky_relu."""
    std = _kaiming("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: T, gain: float = 1.0, generator: Generator = None) -> T:
    """The tensor, gain times a matrix with orthonormal rows or columns (Saxe et al. 2014)."""
    shape = _shape("orthogonal_", tensor, 2)
    return _filled(tensor, orthogonal(shape, _rng(generator), np.float64, gain))


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator = None) -> T:
    """The matrix, from N(0, std²), a share `sparsity` of what goes out of each input 0."""
    shape, rng = _shape("sparse_", tensor, 2, 2), _rng(generator)
    if not 0 <= sparsity <= 1:
        raise ConfigError(f"sparse_: sparsity is {sparsity}, need 0 to 1")
    values, n = rng.normal(0.0, std, shape), math.ceil(sparsity * shape[1])
    for row in values:
        row[rng.permutation(shape[1])[:n]] = 0
    return _filled(tensor, values)


__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_",
    "normal_", "ones_", "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

_tell(globals(), __name__)
