"""Starting values for weights: `f(shape, rng, dtype)` returns an array drawn from an explicit rng.

The fans are those of the layout: of two axes (in, out), as Linear has it; of three and more
(out, in, *kernel), as convolutions have it, where each counts times the size of the kernel.

Sources: Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming), LeCun et al. 1998, Saxe et al.
2014 (orthogonal). "normal" means two things: Keras' glorot_normal, he_normal and lecun_normal are
cut off at two standard deviations, PyTorch's xavier_normal and kaiming_normal are not.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...errors import ConfigError, ShapeError, unknown
from ...signatures.expected import brief
from ...signatures.telling import tell as _tell

Shape = tuple[int, ...]
Initializer = str | Callable[..., np.ndarray]
TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of N(0, 1) cut off at ±2."""


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out): how many inputs an output sums over, and outputs an input goes into."""
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    if len(shape) == 2:
        return shape[0], shape[1]
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


# ---- distributions ------------------------------------------------------------------------------


def zeros(
    shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Zeros; rng is not needed."""
    return np.zeros(shape, dtype)


def ones(
    shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Ones; rng is not needed."""
    return np.ones(shape, dtype)


def constant(
    shape: Shape,
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
    value: float = 0,
) -> np.ndarray:
    """`value` everywhere; rng is not needed."""
    return np.full(shape, value, dtype)


def uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32, bound: float = 1.0
) -> np.ndarray:
    """U(-bound, bound)."""
    return rng.uniform(-bound, bound, shape).astype(dtype)


def normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32, std: float = 1.0
) -> np.ndarray:
    """N(0, std²)."""
    return rng.normal(0.0, std, shape).astype(dtype)


def truncated_normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32, std: float = 1.0
) -> np.ndarray:
    """N(0, std²), drawn again where it is beyond ±2·std: tf.random.truncated_normal.

    What is left has standard deviation 0.8796·std. (torch's trunc_normal_ cuts at ±2 instead.)
    """
    z = np.asarray(rng.standard_normal(shape))
    while np.any(far := np.abs(z) > 2):
        z[far] = rng.standard_normal(np.count_nonzero(far))
    return (std * z).astype(dtype)


def orthogonal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32, gain: float = 1.0
) -> np.ndarray:
    """gain · Q with orthonormal rows or columns, whichever are fewer; all such Q equally likely.

    Of three and more axes all but the first are taken as one, as in torch.
    """
    if len(shape) < 2:
        raise ShapeError(f"orthogonal: shape {shape} has fewer than two axes")
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1, 1)  # else QR's own choice of signs would show
    q = q.T if rows < columns else q
    return (gain * q.reshape(shape)).astype(dtype)


# ---- scaled by the fans -------------------------------------------------------------------------

_uniform, _normal, _truncated_normal = uniform, normal, truncated_normal  # inside, unnamed


def fan_in_uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """U(-1/√in, 1/√in), the default of torch.nn.Linear and of torch's convolutions."""
    return _uniform(shape, rng, dtype, 1 / math.sqrt(max(fans(shape)[0], 1)))


def xavier_uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """U(-a, a) with a = √(6 / (in + out)), the default of Keras' Dense ("glorot_uniform")."""
    return _uniform(shape, rng, dtype, math.sqrt(6 / max(sum(fans(shape)), 1)))


def xavier_normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """N(0, 2 / (in + out)), not truncated (as in torch)."""
    return _normal(shape, rng, dtype, math.sqrt(2 / max(sum(fans(shape)), 1)))


def glorot_normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Variance 2 / (in + out), cut off at two standard deviations before scaling (as in Keras)."""
    return _truncated(shape, rng, dtype, 2 / max(sum(fans(shape)), 1))


def kaiming_uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """U(-a, a) with a = √(6 / in), made for ReLU; Keras' "he_uniform"."""
    return _uniform(shape, rng, dtype, math.sqrt(6 / max(fans(shape)[0], 1)))


def kaiming_normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """N(0, 2 / in), made for ReLU, not truncated (as in torch)."""
    return _normal(shape, rng, dtype, math.sqrt(2 / max(fans(shape)[0], 1)))


def he_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Variance 2 / in, made for ReLU, cut off before scaling (as in Keras)."""
    return _truncated(shape, rng, dtype, 2 / max(fans(shape)[0], 1))


def lecun_uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """U(-a, a) with a = √(3 / in)."""
    return _uniform(shape, rng, dtype, math.sqrt(3 / max(fans(shape)[0], 1)))


def lecun_normal(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Variance 1 / in, made for SELU, cut off before scaling (as in Keras)."""
    return _truncated(shape, rng, dtype, 1 / max(fans(shape)[0], 1))


def _truncated(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike, variance: float
) -> np.ndarray:
    """Truncated so that the variance is this one after the cut."""
    return _truncated_normal(shape, rng, dtype, math.sqrt(variance) / TRUNCATED_STD)


glorot_uniform, he_uniform = xavier_uniform, kaiming_uniform

# ---- by name ------------------------------------------------------------------------------------

_tell(globals(), __name__, but="get draw")

INITIALIZERS: dict[str, Callable[..., np.ndarray]] = {
    "zeros": zeros, "ones": ones, "constant": constant, "uniform": uniform, "normal": normal,
    "truncated_normal": truncated_normal, "orthogonal": orthogonal,
    "fan_in_uniform": fan_in_uniform, "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal, "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal, "kaiming_uniform": kaiming_uniform,
    "kaiming_normal": kaiming_normal, "he_uniform": he_uniform, "he_normal": he_normal,
    "lecun_uniform": lecun_uniform, "lecun_normal": lecun_normal,
}  # fmt: skip


def get(initializer: Initializer, **options: Any) -> Callable[..., np.ndarray]:
    """The function of that name, with the options: get("truncated_normal", std=0.1).

    A function comes back as it is. Raises ConfigError for a name that there is not.
    """
    if callable(initializer):
        return partial(initializer, **options) if options else initializer
    if not isinstance(initializer, str):
        need = "need a name or a function"
        raise ConfigError(f"init.get: initializer is {brief(initializer)}, {need}")
    if initializer not in INITIALIZERS:
        raise unknown("init.get", "initializer", initializer, INITIALIZERS)
    return get(INITIALIZERS[initializer], **options)


def draw(
    owner: str, what: str, initializer: Initializer, shape: Shape, rng: np.random.Generator,
    dtype: DTypeLike,
) -> np.ndarray:  # fmt: skip
    """The starting array of a layer's parameter. Raises ShapeError if it has another shape."""
    array = np.asarray(get(initializer)(shape, rng, dtype))
    if array.shape != shape:
        raise ShapeError(f"{owner}: {what} made shape {array.shape}, expected {shape}")
    return array
