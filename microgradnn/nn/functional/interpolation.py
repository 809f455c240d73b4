"""Images of another size: interpolate, by PyTorch's rules.

Every mode is linear and acts on one axis after the other, so each axis is one matrix product with
the weights of the old pixels in the new ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import ops
from ...engine.op import constant
from ...errors import ConfigError, ShapeError
from ...functions.shape import float_array
from ...functions.types import A, Like

Factors = float | Sequence[float]
_SMOOTH = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}  # and their number of axes
_MODES = ("nearest", "nearest-exact", "area", *_SMOOTH)
_CUBIC = -0.75  # PyTorch's and OpenCV's; Keys 1981, and PyTorch with antialias, have -0.5


def interpolate(
    input: Like[A],
    size: int | Sequence[int] | None = None,
    scale_factor: Factors | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> A:
    """The image (N, C, *space) with other space: `size`, or its size times scale_factor.

    mode: nearest, nearest-exact, area (means of the covered pixels), or linear, bilinear,
    trilinear, bicubic for one, two, three and two axes of space; these take align_corners: whether
    the first and last pixels keep their places. Raises ShapeError and ConfigError. See
    torch.nn.functional.interpolate.
    """
    x = float_array(input)
    n = x.ndim - 2
    if not 1 <= n <= 3:
        raise ShapeError(
            f"interpolate: input has shape {x.shape}, expected (batch, channels, 1 to 3 axes)"
        )
    _check_mode(mode, align_corners, antialias, n)
    old = x.shape[2:]
    new, scales = _sizes(old, size, scale_factor, bool(recompute_scale_factor))
    for i, (m, k, scale) in enumerate(zip(old, new, scales, strict=True)):
        weights_of = _antialiased if antialias else _weights
        weights = weights_of(mode, m, k, scale, bool(align_corners))
        x = _along(x, i + 2, weights.astype(x.dtype))
    return x


def _along(x: Any, axis: int, weights: np.ndarray) -> Any:
    """x with its axis multiplied by weights (new, old)."""
    if axis == x.ndim - 1:
        return ops.matmul(x, weights.T)
    turned = ops.swapaxes(x, axis1=axis, axis2=-1)
    return ops.swapaxes(ops.matmul(turned, weights.T), axis1=axis, axis2=-1)


def _check_mode(mode: str, align_corners: bool | None, antialias: bool, n: int) -> None:
    if mode not in _MODES:
        raise ConfigError(f"interpolate: mode is {mode!r}, expected one of {', '.join(_MODES)}")
    if mode not in _SMOOTH and align_corners is not None:
        raise ConfigError(
            f"interpolate: align_corners is for {', '.join(_SMOOTH)}, not for {mode}; leave it out"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ConfigError(f"interpolate: antialias is for bilinear and bicubic, not for {mode}")
    if _SMOOTH.get(mode, n) != n:
        right = [name for name, axes in _SMOOTH.items() if axes == n]
        raise ConfigError(
            f"interpolate: {mode} is for {_SMOOTH[mode]} axes of space, got {n}; "
            f"use {' or '.join(right)}"
        )


def _sizes(
    old: tuple[int, ...], size: Any, factor: Any, recompute: bool
) -> tuple[list[int], list[float | None]]:
    """The new sizes, and the factors that PyTorch computes the places of pixels with."""
    n = len(old)
    if (size is None) == (factor is None):
        raise ConfigError("interpolate: expected either size or scale_factor")
    if size is not None:
        new = _each("size", size, n)
        if recompute:
            raise ConfigError("interpolate: recompute_scale_factor needs scale_factor, got size")
    else:
        factors = _each("scale_factor", factor, n)
        new = [math.floor(m * f) for m, f in zip(old, factors, strict=True)]
    whole = all(isinstance(k, (int, np.integer)) and k > 0 for k in new)
    if not whole or 0 in old:
        raise ShapeError(f"interpolate: {old} cannot become {tuple(new)}; sizes must be positive")
    known = factor is not None and not recompute
    return new, list(factors) if known else [None] * n


def _each(name: str, value: Any, n: int) -> list[Any]:
    value = constant("interpolate", name, value)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    numbers = all(isinstance(v, (int, float, np.number)) and v > 0 for v in values)
    if len(values) != n or not numbers:
        raise ConfigError(f"interpolate: {name} is {value!r}, expected {n} positive numbers or one")
    return values


def _weights(mode: str, old: int, new: int, factor: float | None, corners: bool) -> np.ndarray:
    """The matrix (new, old) of one axis."""
    step = old / new if factor is None else 1 / factor
    here = np.arange(new)
    if mode == "area":
        ends = [(i * old // new, -(-(i + 1) * old // new)) for i in range(new)]
        return np.array([_block(old, a, b) for a, b in ends])
    if mode.startswith("nearest"):
        # In float32, as PyTorch computes it: the last digit decides between two pixels.
        shift = np.float32(0.5 if mode == "nearest-exact" else 0.0)
        place = np.floor((here.astype(np.float32) + shift) * np.float32(step)).astype(int)
        return np.eye(old)[np.minimum(place, old - 1)]
    if corners:
        place = here * ((old - 1) / (new - 1) if new > 1 else 0.0)
    else:
        place = (here + 0.5) * step - 0.5
    if mode == "bicubic":
        return _spread(place, old, _cubic(place % 1), 1)
    if old == new:
        return np.eye(old)  # as PyTorch, even where the factor is not quite 1
    place = np.maximum(place, 0)
    return _spread(place, old, np.stack([1 - place % 1, place % 1]), 0)


def _block(old: int, start: int, stop: int) -> np.ndarray:
    row = np.zeros(old)
    row[start:stop] = 1 / (stop - start)
    return row


def _spread(place: np.ndarray, old: int, shares: np.ndarray, before: int) -> np.ndarray:
    """The matrix whose row i has shares[:, i] from column floor(place[i]) - before on.

    What lies outside goes to the border.
    """
    weights = np.zeros((len(place), old))
    for k, share in enumerate(shares):
        column = np.clip(np.floor(place).astype(int) - before + k, 0, old - 1)
        np.add.at(weights, (np.arange(len(place)), column), share)
    return weights


def _cubic(t: np.ndarray) -> np.ndarray:
    """The shares of the four pixels around a place, t behind the second."""
    return np.stack([_keys(_CUBIC, d) for d in (t + 1, t, 1 - t, 2 - t)])


def _keys(a: float, d: np.ndarray) -> np.ndarray:
    """The share of a pixel at distance d, at most 2 (Keys 1981)."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, near, far)


def _antialiased(mode: str, old: int, new: int, factor: float | None, corners: bool) -> np.ndarray:
    """The matrix (new, old) of one axis, with a filter as wide as a new pixel (as in Pillow)."""
    if old == new:
        return np.eye(old)
    step = old / new if factor is None else 1 / factor
    if corners:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    wide = max(step, 1.0)
    reach = (2 if mode == "bicubic" else 1) * wide
    middle = step * (np.arange(new) + 0.5)
    first = np.maximum((middle - reach + 0.5).astype(int), 0)[:, None]
    behind = np.minimum((middle + reach + 0.5).astype(int), old)[:, None]
    column = np.arange(old)
    far = np.abs(column + 0.5 - middle[:, None]) / wide
    shares = np.where(far < 2, _keys(-0.5, far), 0) if mode == "bicubic" else np.maximum(1 - far, 0)
    shares = np.where((first <= column) & (column < behind), shares, 0)
    return shares / shares.sum(1, keepdims=True)


__all__ = ["interpolate"]
