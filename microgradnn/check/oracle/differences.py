"""check_grads: both modes of a function against numerical derivatives, to any order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.node import plain
from ...errors import CheckError, ConfigError
from ...transforms import tree
from ...transforms.derivatives import jvp, vjp
from .numeric import extrapolate


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int = 2,
    modes: Sequence[str] = ("fwd", "rev"), atol: float | None = None, rtol: float | None = None,
    eps: float | None = None, seed: int = 0,
) -> None:  # fmt: skip
    """Raises CheckError if a derivative of f at args disagrees with a numerical one.

    One random direction and cotangent for each order and mode ("fwd", "rev"). The numerical side
    is extrapolated from several steps (Ridders 1982), the first of them `eps` (default 2⁻⁵), and
    brings its own error bound; rtol and atol (default √ε of the dtype) are allowed on top.
    """
    if order < 1 or order != int(order) or not modes or not set(modes) <= {"fwd", "rev"}:
        raise ConfigError(
            f"check_grads: order {order}, modes {modes}; order starts at 1, modes are 'fwd', 'rev'"
        )
    if eps is not None and not 0 < eps < np.inf:
        raise ConfigError(f"check_grads: eps is {eps}, must be > 0")
    if not isinstance(args, (tuple, list)):
        raise ConfigError(
            f"check_grads: args is a {type(args).__name__}, need a tuple of arguments, as (x,)"
        )
    rng = np.random.default_rng(seed)
    _check(f, tuple(args), order, tuple(modes), (atol, rtol, eps), rng, "f")


def _check(
    f: Callable[..., Any], args: Any, order: int, modes: Any, how: Any, rng: Any, name: str
) -> None:
    v = tree.map_leaves(lambda x: _signed(rng, x), args)
    forward = jvp(f, args, v)[1] if "fwd" in modes else None
    y, pull = vjp(f, *args) if "rev" in modes else (None, None)
    numeric, error = _numerical(f, args, v, how[2])
    w: Any = None
    if "fwd" in modes:
        _compare(f"jvp of {name}", forward, numeric, error, how)
    if pull is not None:
        w = tree.map_leaves(lambda x: _signed(rng, x), y)
        _compare(f"vjp of {name}", _dot(pull(w), v), _dot(w, numeric), _dot(w, error, True), how)
    if order > 1:
        if "fwd" in modes:
            _check(lambda *xs: jvp(f, xs, v)[1], args, order - 1, modes, how, rng, f"jvp of {name}")
        if "rev" in modes:
            _check(
                lambda *xs: vjp(f, *xs)[1](w), args, order - 1, modes, how, rng, f"vjp of {name}"
            )


def _signed(rng: Any, x: Any) -> Any:
    """Random numbers of both signs in the form of x, none near zero."""
    raw = plain(x)
    v = rng.uniform(0.5, 1.5, np.shape(raw)) * rng.choice([-1.0, 1.0], np.shape(raw))
    return np.asarray(v, getattr(raw, "dtype", float))[()]


def _numerical(f: Callable[..., Any], args: Any, v: Any, eps: float | None) -> tuple[Any, Any]:
    """The derivative of f along v and a bound of its error, each in the form of f's result."""
    xs, vs = [np.asarray(plain(x)) for x in tree.leaves(args)], tree.leaves(v)

    def at(h: float) -> list[Any]:
        moved = [(x + h * d).astype(x.dtype)[()] for x, d in zip(xs, vs, strict=True)]
        ys = f(*tree.rebuild(args, iter(moved)))
        return [np.asarray(plain(y), float) for y in tree.leaves(ys)]

    unit = max([float(np.finfo(x.dtype).eps) for x in xs if x.dtype.kind == "f"], default=2.0**-52)
    scale = max([1.0, *(float(np.abs(y).max(initial=0.0)) for y in at(0.0))])
    h = eps or 2.0**-5
    # x ± h·v is rounded: the step taken is as wrong as that, relative to h, and so is the quotient.
    rounding = unit * max([0.0, *(float(np.abs(x).max(initial=0.0)) for x in xs)])
    while h < 64 * rounding < np.inf:
        h *= 2
    best, bound = extrapolate(at, h, unit, scale, rounding)
    form = f(*args)
    return tree.rebuild(form, iter(best)), tree.rebuild(form, iter(bound))


def _dot(a: Any, b: Any, absolute: bool = False) -> Any:
    pairs = [
        np.asarray(plain(x), float) * np.asarray(plain(y), float)
        for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True)
    ]
    return float(sum((np.abs(p) if absolute else p).sum() for p in pairs))


def _compare(what: str, got: Any, expected: Any, error: Any, how: Any) -> None:
    for g, e, bound in zip(*map(tree.leaves, (got, expected, error)), strict=True):
        g, e = np.asarray(plain(g)), np.asarray(e)
        slack = float(np.sqrt(np.finfo(g.dtype if g.dtype.kind == "f" else float).eps))
        atol, rtol = (slack if t is None else t for t in how[:2])
        allowed = 8 * np.asarray(bound) + atol + rtol * np.abs(e)
        wrong = ~(np.abs(g - e) <= allowed) & ~((g == e) | (np.isnan(g) & np.isnan(e)))
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            limit = float(np.broadcast_to(allowed, wrong.shape)[at])
            raise Disagreement(what, at, float(g[at]), float(e[at]), limit)


class Disagreement(CheckError):
    """A derivative that differs from its numerical value: what, at, yours, true, allowed."""

    def __init__(self, what: str, at: tuple[int, ...], yours: Any, true: Any, allowed: float):
        self.parts = (what, at, yours, true, allowed)
        super().__init__(
            f"check_grads: {what} is {yours} at index {at}, numerically {true} "
            f"(allowed difference {allowed:.2g})"
        )
