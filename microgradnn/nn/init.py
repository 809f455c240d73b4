"""Starting values for weights of shape (in, out). Each returns an array drawn from an explicit rng.

Sources: Glorot & Bengio 2010 (xavier), He et al. 2015 (kaiming); torch.nn.Linear draws weight and
bias from U(-1/√in, 1/√in).
"""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def zeros(
    shape: Shape, rng: np.random.Generator | None = None, dtype: Any = np.float32
) -> np.ndarray:
    """Zeros; rng is not needed."""
    return np.zeros(shape, dtype)


def uniform(
    shape: Shape, rng: np.random.Generator, dtype: Any = np.float32, bound: float = 1.0
) -> np.ndarray:
    """U(-bound, bound)."""
    return rng.uniform(-bound, bound, shape).astype(dtype)


def normal(
    shape: Shape, rng: np.random.Generator, dtype: Any = np.float32, std: float = 1.0
) -> np.ndarray:
    """N(0, std²)."""
    return rng.normal(0.0, std, shape).astype(dtype)


def fan_in_uniform(shape: Shape, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """U(-1/√in, 1/√in), the default of torch.nn.Linear."""
    return uniform(shape, rng, dtype, 1 / math.sqrt(max(shape[0], 1)))


def xavier_uniform(shape: Shape, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """U(-a, a) with a = √(6 / (in + out)), the default of Keras' Dense ("glorot_uniform")."""
    return uniform(shape, rng, dtype, math.sqrt(6 / (shape[0] + shape[-1])))


def xavier_normal(shape: Shape, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """N(0, 2 / (in + out)), not truncated (as in torch)."""
    return normal(shape, rng, dtype, math.sqrt(2 / (shape[0] + shape[-1])))


def kaiming_uniform(shape: Shape, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """U(-a, a) with a = √(6 / in), made for ReLU."""
    return uniform(shape, rng, dtype, math.sqrt(6 / max(shape[0], 1)))


def kaiming_normal(shape: Shape, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """N(0, 2 / in), made for ReLU, not truncated (as in torch)."""
    return normal(shape, rng, dtype, math.sqrt(2 / max(shape[0], 1)))
