"""Steps of Adam as people get them wrong, and the right one as it is written by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np

ANSWER = """
def f(p, g, m, v, t, lr, beta1, beta2, eps):
    m1 = beta1 * m + (1 - beta1) * g
    v1 = beta2 * v + (1 - beta2) * g**2
    mh = m1 / (1 - beta1**t)
    vh = v1 / (1 - beta2**t)
    return p - lr * mh / (np.sqrt(vh) + eps), m1, v1
"""


def _adam(**change: Callable[..., Any]) -> Callable[..., Any]:
    """A step of Adam in which some of the places are filled in another way.

    The places: m and v are the new means, mh and vh what is divided, down is what p loses.
    """

    def step(p: Any, g: Any, m: Any, v: Any, t: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
        place: dict[str, Callable[..., Any]] = {
            "m": lambda: b1 * m + (1 - b1) * g,
            "v": lambda: b2 * v + (1 - b2) * g * g,
            "mh": lambda m: m / (1 - b1**t),
            "vh": lambda v: v / (1 - b2**t),
            "down": lambda mh, vh: lr * mh / (np.sqrt(vh) + eps),
        }
        place |= {k: lambda *x, f=f: f(*x, p, g, m, v, t, lr, b1, b2, eps) for k, f in
                  change.items()}  # fmt: skip
        new_m, new_v = place["m"](), place["v"]()
        return p - place["down"](place["mh"](new_m), place["vh"](new_v)), new_m, new_v

    return step


WRONG = {
    "no_correction": _adam(mh=lambda mh, *_: mh, vh=lambda vh, *_: vh),
    "half_correction": _adam(vh=lambda vh, *_: vh),
    "half_correction+": _adam(mh=lambda mh, *_: mh),
    "no_square": _adam(v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + (1 - b2) * g),
    "no_square+": _adam(
        v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + (1 - b2) * np.abs(g)),
    "no_root": _adam(down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / (v + eps)),
    "eps_inside": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / np.sqrt(v + eps)),
    "eps_missing": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / np.sqrt(v)),
    "correction_multiplied": _adam(
        mh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x * (1 - b1**t),
        vh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x * (1 - b2**t)),
    "betas_swapped": lambda p, g, m, v, t, lr, b1, b2, eps: _adam()(
        p, g, m, v, t, lr, b2, b1, eps),
    "ascent": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: -lr * m / (np.sqrt(v) + eps)),
    "count_from_zero": lambda p, g, m, v, t, lr, b1, b2, eps: _adam()(
        p, g, m, v, t + 1, lr, b1, b2, eps),
    "gradient_for_mean": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * g / (np.sqrt(v) + eps)),
    "states_kept": lambda p, g, m, v, t, lr, b1, b2, eps: (
        _adam()(p, g, m, v, t, lr, b1, b2, eps)[0], m, v),
    "sum_for_mean": _adam(m=lambda p, g, m, v, t, lr, b1, b2, eps: b1 * m + g,
                          v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + g * g),
    "sum_for_mean+": _adam(m=lambda p, g, m, v, t, lr, b1, b2, eps: b1 * m + g),
    "sum_for_mean++": _adam(v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + g * g),
    "powers": _adam(mh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b1),
                    vh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b2)),
    "powers+": _adam(mh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b1 * t),
                     vh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b2 * t)),
    "corrected_kept": lambda p, g, m, v, t, lr, b1, b2, eps: _kept_corrected(
        p, g, m, v, t, lr, b1, b2, eps),
    "step_alone": lambda p, *rest: (_adam()(p, *rest)[0] - p, *_adam()(p, *rest)[1:]),
    "step_alone+": lambda p, *rest: (p - _adam()(p, *rest)[0], *_adam()(p, *rest)[1:]),
    "no_rate": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: m / (np.sqrt(v) + eps)),
}  # fmt: skip


def _kept_corrected(
    p: Any, g: Any, m: Any, v: Any, t: Any, lr: Any, b1: Any, b2: Any, eps: Any
) -> Any:
    """The corrected means are returned in the place of the means."""
    new, m, v = _adam()(p, g, m, v, t, lr, b1, b2, eps)
    return new, m / (1 - b1**t), v / (1 - b2**t)
