"""What layers check: the arguments they are made with, and the shapes they are called with."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.node import plain
from ..errors import ConfigError, ShapeError

Shape = tuple[int, ...]
Sizes = int | Sequence[int]


def shape_of(x: Any) -> Shape:
    """The shape of a tensor, array or number."""
    x = plain(x)
    return x.shape if isinstance(x, np.ndarray) else np.shape(x)


def is_integer(n: Any) -> bool:
    """Whether n is one, of Python or NumPy."""
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool)


def positive(owner: str, **given: Any) -> None:
    """Raises ConfigError unless each is a positive integer."""
    for name, n in given.items():
        if not is_integer(n) or n < 1:
            raise ConfigError(f"{owner}: {name} is {n!r}, need a positive integer")


def sizes(owner: str, n: int, least: int = 1, **given: Any) -> list[Shape]:
    """Each of the given as a tuple of n integers: one integer stands for n of them."""
    found = []
    for name, value in given.items():
        several = (value,) * n if is_integer(value) else value
        good = isinstance(several, (tuple, list)) and len(several) == n
        if not good or not all(is_integer(k) and k >= least for k in several):
            many = f" or {n} of them" if n > 1 else ""
            raise ConfigError(
                f"{owner}: {name} is {value!r}, need an integer of at least {least}{many}"
            )
        found.append(tuple(int(k) for k in several))
    return found


def probability(owner: str, p: Any) -> float:
    """p as a float. Raises ConfigError unless it is between 0 and 1."""
    if not isinstance(p, (int, float, np.number)) or not 0 <= p <= 1:
        raise ConfigError(f"{owner}: p is {p!r}, need a probability between 0 and 1")
    return float(p)


def divides(owner: str, what: str, n: int, parts: int) -> None:
    """Raises ConfigError unless n things split into equal parts."""
    if n % parts:
        raise ConfigError(f"{owner}: {n} {what} do not split into {parts} equal parts")


def check_features(owner: str, x: Any, expected: int) -> None:
    """Raises ShapeError unless the last axis of x has `expected` elements."""
    shape = shape_of(x)
    if not shape or shape[-1] != expected:
        flat = len(shape) > 2 and math.prod(shape[1:]) == expected
        hint = "; put nn.Flatten() before it" if flat else ""
        raise ShapeError(f"{owner}: input has shape {shape}, expected (..., {expected}){hint}")


def check_ending(owner: str, x: Any, ending: Shape) -> None:
    """Raises ShapeError unless the shape of x ends so."""
    shape = shape_of(x)
    if shape[max(len(shape) - len(ending), 0) :] != ending:
        expected = ", ".join(map(str, ending))
        raise ShapeError(f"{owner}: input has shape {shape}, expected (..., {expected})")


def check_channels(owner: str, x: Any, channels: int | None, space: str, single: bool) -> None:
    """Raises ShapeError unless x is (batch, channels, *space), or without batch if `single`.

    `space` names the other axes; channels=None allows any number of them.
    """
    shape, n = shape_of(x), len(space.split())
    lengths = (n + 1, n + 2) if single else (n + 2,)
    fits = len(shape) in lengths
    if fits and channels in (None, shape[-n - 1]):
        return
    wanted = ", ".join(map(str, (channels or "channels", *space.split())))
    other = f" or ({wanted})" if single else ""
    hint = ""
    if channels == 1 and len(shape) == n + 1:
        hint = "; add the axis of channels with x[:, None]"
    elif fits and shape[-1] == channels:
        hint = f"; channels come before space, as from np.moveaxis(x, -1, {-n - 1})"
    raise ShapeError(f"{owner}: input has shape {shape}, expected (batch, {wanted}){other}{hint}")


def arguments(*values: Any, **options: tuple[Any, Any]) -> str:
    """The text of arguments: the values, then those options that are not at their default.

    Each option is given with its default.
    """
    changed = [f"{k}={v!r}" for k, (v, default) in options.items() if v != default]
    return ", ".join([*map(repr, values), *changed])
