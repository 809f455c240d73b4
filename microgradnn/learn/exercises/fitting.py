"""The exercise on a line through points, fitted by gradient descent."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...check.subject import quiet
from ...engine import ops
from ...functions.losses import mse_loss
from ..calls import Calls, same
from ..exercise import Exercise, Told
from ..guesses import pulled, value

LINE_STUB = '''
"""$title

$text
"""

import numpy as np


def loss_and_gradients(w, b, x, y):
    """$loss_and_gradients"""
    raise NotImplementedError


def fit(x, y, lr, steps):
    """$fit"""
    raise NotImplementedError
'''

Pair = tuple[Any, Any]


def _points(rng: np.random.Generator, count: int) -> Pair:
    x = np.round(rng.uniform(-2, 2, count), 2)
    return x, np.round(2 * x + 1 + rng.normal(size=count), 2)


def _lines(rng: np.random.Generator) -> Any:
    return [(float(np.round(rng.normal(), 2)), float(np.round(rng.normal(), 2)),
             *_points(rng, n)) for n in (3, 5, 4, 6)]  # fmt: skip


def _error(w: Any, b: Any, x: Any, y: Any) -> Any:
    return mse_loss(ops.add(ops.mul(w, x), b), y)


def _line(w: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    loss = value(lambda w, b: _error(w, b, x, y), w, b)
    return (loss, *pulled(lambda w, b: _error(w, b, x, y))(1.0, w, b))


def _of_line(change: Callable[..., Any]) -> Callable[..., Any]:
    """change(L, dw, db, residuals, x, n) of the right loss and gradients."""

    def guess(w: Any, b: Any, x: Any, y: Any) -> Any:
        return change(*_line(w, b, x, y), w * x + b - y, x, len(x))

    return guess


def _descent(
    x: Any, y: Any, lr: float, steps: int, move: Callable[..., Pair] | None = None,
    start: float = 0.0,
) -> Pair:  # fmt: skip
    w = b = start
    for i in range(steps):
        _, dw, db = _line(w, b, x, y)
        w, b = move(w, b, dw, db, lr, x, y, i) if move else (w - lr * dw, b - lr * db)
    return float(w), float(b)


SETTINGS = ("started_elsewhere", "rate_fixed", "steps_fixed")


def settings(function: Callable[..., Any], part: str, args: Any) -> Told | None:
    """Whether the start, the learning rate, or the number of steps is not what was asked for."""

    def result(y: Any, lr: float, steps: int) -> Any:
        with quiet():
            got = function(first.copy(), y.copy(), lr, steps)
        return np.hstack([np.ravel(np.asarray(part, float)) for part in got])

    first, y, lr, steps = args
    try:
        if np.any(result(y, lr, 0) != 0):
            return Told(part, "started_elsewhere")
        if same(result(y, lr, steps), result(y, 50 * lr, steps)):
            return Told(part, "rate_fixed")
        if same(result(y, lr, steps), result(y, lr, 20 * steps)):
            return Told(part, "steps_fixed")
    except Exception:  # what it raises elsewhere was told before
        return None
    return None


def _fits(rng: np.random.Generator) -> Any:
    return [(*_points(rng, n), lr, steps) for n, lr, steps in ((4, 0.05, 3), (5, 0.1, 5),
                                                              (3, 0.02, 1))]  # fmt: skip


def _by_samples(x: Any, y: Any, lr: float, steps: int) -> Pair:
    """A step after each point."""
    w = b = 0.0
    for _ in range(steps):
        for i in range(len(x)):
            _, dw, db = _line(w, b, x[i : i + 1], y[i : i + 1])
            w, b = w - lr * dw, b - lr * db
    return float(w), float(b)


def _moving(move: Callable[..., Pair]) -> Callable[..., Pair]:
    return lambda x, y, lr, steps: _descent(x, y, lr, steps, move)


LINE = Exercise(
    "10", "line", LINE_STUB,
    (
        Calls("loss_and_gradients", ("loss", "dw", "db"), _lines, _line, {
            "mean_missing": _of_line(lambda L, dw, db, r, x, n: (L * n, dw * n, db * n)),
            "two_missing": _of_line(lambda L, dw, db, r, x, n: (L, dw / 2, db / 2)),
            "two_missing+": _of_line(lambda L, dw, db, r, x, n: (L / 2, dw / 2, db / 2)),
            "two_and_mean+": _of_line(
                lambda L, dw, db, r, x, n: (L * n / 2, dw * n / 2, db * n / 2)),
            "two_and_mean": _of_line(lambda L, dw, db, r, x, n: (L, dw * n / 2, db * n / 2)),
            "sign": _of_line(lambda L, dw, db, r, x, n: (-L, -dw, -db)),
            "x_missing": _of_line(lambda L, dw, db, r, x, n: (L, db, db)),
            "x_too_many": _of_line(lambda L, dw, db, r, x, n: (L, dw, dw)),
            "swapped": _of_line(lambda L, dw, db, r, x, n: (L, db, dw)),
            "error_not_squared": _of_line(lambda L, dw, db, r, x, n: (r.mean(), dw, db)),
            "error_not_squared++": _of_line(lambda L, dw, db, r, x, n: (r.mean() ** 2, dw, db)),
            "error_not_squared+": _of_line(
                lambda L, dw, db, r, x, n: (L, (r * r * x).mean() * 2, (r * r).mean() * 2)),
            "absolute": _of_line(lambda L, dw, db, r, x, n: (
                np.abs(r).mean(), (np.sign(r) * x).mean(), np.sign(r).mean())),
            "root": _of_line(lambda L, dw, db, r, x, n: (np.sqrt(L), dw, db)),
            "per_sample": _of_line(lambda L, dw, db, r, x, n: (r * r, 2 * r * x, 2 * r)),
            "per_sample+": _of_line(lambda L, dw, db, r, x, n: (r * r, 2 * r * x / n, 2 * r / n)),
            "b_missing": lambda w, b, x, y: _line(w, 0.0, x, y),
            "y_missing": lambda w, b, x, y: _line(w, b, x, 0 * y),
            "one_sample": _of_line(lambda L, dw, db, r, x, n: (
                r[-1] ** 2 / n, 2 * r[-1] * x[-1] / n, 2 * r[-1] / n)),
            "one_sample+": _of_line(lambda L, dw, db, r, x, n: (
                r[-1] ** 2, 2 * r[-1] * x[-1], 2 * r[-1])),
            "targets_alone": _of_line(lambda L, dw, db, r, x, n: (L, 2 * x.mean(), 2.0)),
            "variance": _of_line(lambda L, dw, db, r, x, n: (np.var(r), dw, db)),
            "mean_of_product": _of_line(
                lambda L, dw, db, r, x, n: (L, 2 * r.mean() * x.mean(), db)),
        }, answer="""
def f(w, b, x, y):
    n = len(x)
    r = w * x + b - y
    return np.mean(r**2), np.mean(2 * r * x), np.mean(2 * r)
"""),
        Calls("fit", ("w", "b"), _fits, _descent, {
            "ascent": _moving(lambda w, b, dw, db, lr, x, y, i: (w + lr * dw, b + lr * db)),
            "two_missing": lambda x, y, lr, steps: _descent(x, y, lr / 2, steps),
            "mean_missing": lambda x, y, lr, steps: _descent(x, y, lr * len(x), steps),
            "started_elsewhere": lambda x, y, lr, steps: _descent(x, y, lr, steps, start=1.0),
            "one_ascent": _moving(lambda w, b, dw, db, lr, x, y, i: (w - lr * dw, b + lr * db)),
            "one_ascent+": _moving(lambda w, b, dw, db, lr, x, y, i: (w + lr * dw, b - lr * db)),
            "one_parameter": _moving(lambda w, b, dw, db, lr, x, y, i: (w - lr * dw, b)),
            "one_parameter+": _moving(lambda w, b, dw, db, lr, x, y, i: (w, b - lr * db)),
            "one_after_other": _moving(lambda w, b, dw, db, lr, x, y, i: (
                w - lr * dw, b - lr * _line(w - lr * dw, b, x, y)[2])),
            "one_after_other+": _moving(lambda w, b, dw, db, lr, x, y, i: (
                w - lr * _line(w, b - lr * db, x, y)[1], b - lr * db)),
            "no_rate": _moving(lambda w, b, dw, db, lr, x, y, i: (w - dw, b - db)),
            "step_alone": _moving(lambda w, b, dw, db, lr, x, y, i: (-lr * dw, -lr * db)),
            "same_gradient": lambda x, y, lr, steps: tuple(
                -lr * steps * d for d in _line(0.0, 0.0, x, y)[1:]),
            "steps_off": lambda x, y, lr, steps: _descent(x, y, lr, steps - 1),
            "steps_off+": lambda x, y, lr, steps: _descent(x, y, lr, steps + 1),
            "one_step_made": lambda x, y, lr, steps: _descent(x, y, lr, 1),
            "mean_twice": lambda x, y, lr, steps: _descent(x, y, lr / len(x), steps),
            "rate_falls": _moving(lambda w, b, dw, db, lr, x, y, i: (
                w - lr / (i + 1) * dw, b - lr / (i + 1) * db)),
            "results_order": lambda x, y, lr, steps: _descent(x, y, lr, steps)[::-1],
            "one_by_one": lambda x, y, lr, steps: _by_samples(x, y, lr, steps),
            "solved": lambda x, y, lr, steps: tuple(np.polyfit(x, y, 1)),
            "unchanged": lambda x, y, lr, steps: (0.0, 0.0),
        }, settings, SETTINGS, uses={"loss_and_gradients": _line}),
    ),
)  # fmt: skip
