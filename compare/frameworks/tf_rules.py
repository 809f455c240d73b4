"""The optimisers' formulas in tf ops, PyTorch's and Keras' form of each."""

from typing import Any

import tensorflow as tf

from ..specs import Optimizer


def update(s: Optimizer, p: Any, g: Any, state: list[Any], now: dict[str, Any]) -> None:
    """Moves the variable p by its gradient g.

    `state` holds three variables like p; `now` the numbers of this step: lr, and c1 = 1 - β₁ᵗ and
    c2 = √(1 - β₂ᵗ), which TensorFlow would compute in float32.
    """
    lr = now["lr"]
    if s.weight_decay and s.decoupled:
        p.assign_sub(lr * s.weight_decay * p)
    elif s.weight_decay:
        g = g + s.weight_decay * p
    if s.name == "sgd":
        p.assign_sub(_velocity(s, g, state[0], lr) if s.momentum else lr * g)
    elif s.name == "rmsprop":
        state[1].assign(s.alpha * state[1] + (1 - s.alpha) * g * g)
        p.assign_sub(lr * g / _root(s, state[1]))
    elif s.name == "adagrad":
        state[1].assign_add(g * g)
        p.assign_sub(lr * g / _root(s, state[1]))
    else:
        _adam(s, p, g, state, now)


def _velocity(s: Optimizer, g: Any, v: Any, lr: Any) -> Any:
    """What to take off; v starts at 0, so the first one is g, as in PyTorch."""
    g = lr * g if s.keras else g
    v.assign(s.momentum * v + g)
    move = g + s.momentum * v if s.nesterov else v
    return move if s.keras else lr * move


def _root(s: Optimizer, v: Any) -> Any:
    return tf.sqrt(v + s.eps) if s.keras else tf.sqrt(v) + s.eps


def _adam(s: Optimizer, p: Any, g: Any, state: list[Any], now: dict[str, Any]) -> None:
    (m, v, top), (b1, b2) = state, s.betas
    m.assign(b1 * m + (1 - b1) * g)
    v.assign(b2 * v + (1 - b2) * g * g)
    if s.amsgrad:
        v = top.assign(tf.maximum(top, v))
    size, c2 = now["lr"] / now["c1"], now["c2"]
    if s.keras:
        p.assign_sub(size * c2 * m / (tf.sqrt(v) + s.eps))
    else:
        p.assign_sub(size * m / (tf.sqrt(v) / c2 + s.eps))
