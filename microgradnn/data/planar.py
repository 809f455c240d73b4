"""Points in the plane with labels, to see how a model divides it: moons, circles, spirals, ….

The shapes are those of scikit-learn (moons, circles), of TensorFlow's Playground (xor, gauss,
spiral) and of Kriener et al., "The Yin-Yang dataset" (2022).
"""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, nearest

Points = tuple[NDArray[np.float32], NDArray[np.int64]]


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Points:
    """(X, y): two half circles that reach into each other; X (n, 2) float32, y (n,) 0 or 1.

    `noise` is the standard deviation added to each coordinate. The same seed gives the same points.
    Raises ConfigError for n < 2 or a negative noise.
    """
    rng, y = _begin("moons", n, noise, seed)
    t = np.pi * _spread(y, 2)
    x = np.where(y == 0, np.cos(t), 1 - np.cos(t))
    z = np.where(y == 0, np.sin(t), 0.5 - np.sin(t))
    return _end(rng, x, z, y, noise)


def circles(n: int = 100, noise: float = 0.1, seed: int = 0) -> Points:
    """(X, y): a circle (1) of half the radius inside of another (0); see moons()."""
    rng, y = _begin("circles", n, noise, seed)
    t, r = 2 * np.pi * _spread(y, 2), np.where(y == 0, 1.0, 0.5)
    return _end(rng, r * np.cos(t), r * np.sin(t), y, noise)


def xor(n: int = 100, noise: float = 0.1, seed: int = 0) -> Points:
    """(X, y): 1 where exactly one coordinate is positive, with a gap at the axes; see moons()."""
    rng, _ = _begin("xor", n, noise, seed)
    x, z = rng.uniform(-1, 1, (2, n))
    x, z = (v + np.where(v > 0, 0.06, -0.06) for v in (x, z))
    return _end(rng, x, z, ((x > 0) != (z > 0)).astype(np.int64), noise)


def gauss(n: int = 100, noise: float = 0.1, seed: int = 0) -> Points:
    """(X, y): two clouds, about (-0.4, -0.4) and (0.4, 0.4); noise is added to their width of 0.1.

    See moons().
    """
    rng, y = _begin("gauss", n, noise, seed)
    centre = np.where(y == 0, -0.4, 0.4)
    return _end(rng, centre, centre, y, 0.1 + noise)


def spiral(n: int = 100, noise: float = 0.05, seed: int = 0) -> Points:
    """(X, y): two arms of a spiral, one and three quarter turns each; see moons()."""
    rng, y = _begin("spiral", n, noise, seed)
    r = _spread(y, 2)
    t = 1.75 * r * 2 * np.pi + np.pi * y
    return _end(rng, r * np.sin(t), r * np.cos(t), y, noise)


def yin_yang(n: int = 100, noise: float = 0.0, seed: int = 0) -> Points:
    """(X, y) of three classes: yin (0), yang (1) and the two dots (2), as in moons()."""
    rng, wanted = _begin("yin_yang", n, noise, seed, 3)
    found: list[tuple[float, float]] = []
    for label in wanted:
        while True:
            x, z = rng.uniform(-1, 1, 2)
            if x * x + z * z <= 1 and _yin_yang(float(x), float(z)) == label:
                found.append((x, z))
                break
    x, z = np.array(found).T
    return _end(rng, x, z, wanted, noise)


def _yin_yang(x: float, z: float) -> int:
    left, right = np.hypot(x + 0.5, z), np.hypot(x - 0.5, z)
    if min(left, right) < 0.2:
        return 2
    return int(not ((z > 0 and right > 0.5) or left <= 0.5))


PLANAR: dict[str, Callable[..., Points]] = {
    f.__name__: f for f in (moons, circles, xor, gauss, spiral, yin_yang)
}


def planar(name: str, n: int = 100, noise: float | None = None, seed: int = 0) -> Points:
    """The points of that name: planar("moons"). Raises ConfigError for another name."""
    if name not in PLANAR:
        raise ConfigError(f"planar: no data set {name!r}{nearest(name, PLANAR)}")
    return PLANAR[name](n, seed=seed, **({} if noise is None else {"noise": noise}))


def _begin(
    who: str, n: int, noise: float, seed: int, classes: int = 2
) -> tuple[np.random.Generator, NDArray[np.int64]]:
    """The generator, and labels in turn."""
    if not isinstance(n, (int, np.integer)) or n < classes:
        raise ConfigError(f"{who}: n is {n!r}, expected a whole number of at least {classes}")
    if not noise >= 0:
        raise ConfigError(f"{who}: noise is {noise!r}, expected a number >= 0")
    return np.random.default_rng(seed), np.arange(n, dtype=np.int64) % classes


def _spread(y: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Numbers from 0 to 1, evenly, for each class."""
    per = np.arange(len(y)) // classes
    return per / max(int(per.max()), 1)


def _end(rng: np.random.Generator, x: Any, z: Any, y: Any, noise: float) -> Points:
    points = np.stack([x, z], axis=1)
    points = points + rng.normal(0.0, 1.0, points.shape) * noise
    order = rng.permutation(len(y))
    return points[order].astype(np.float32), y[order]
