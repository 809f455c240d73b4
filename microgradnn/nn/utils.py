"""Gradient clipping between backward() and step(): torch.nn.utils, for Tensors and Values."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.node import Node, plain
from ..errors import ConfigError, GradientError
from ..optim.clip import by_value, total_norm
from ..optim.groups import as_list, number_problem

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_value_(parameters: Node | Iterable[Node], clip_value: float) -> None:
    """Moves every number of every `.grad` into -clip_value … clip_value, in place."""
    _need("clip_grad_value_", "clip_value", clip_value)
    for p in _with_gradient("clip_grad_value_", parameters):
        if type(p.grad) is np.ndarray:
            np.clip(p.grad, -clip_value, clip_value, out=p.grad)
        else:
            p.grad = by_value(p.grad, clip_value)


def clip_grad_norm_(
    parameters: Node | Iterable[Node],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    eps: float = 0.0,
) -> float:
    """The norm of all gradients as one vector; they become g · min(1, max_norm/(norm + eps)).

    In place. norm_type p means (Σ|g|ᵖ)^(1/p), and inf the largest |g|. With eps=0, as in
    TensorFlow, the norm becomes max_norm itself; torch has eps=1e-6. If the norm is not
    finite, gradients become nan, or 0 next to an inf, as in torch; with error_if_nonfinite it is a
    GradientError, and nothing changes.
    """
    _need("clip_grad_norm_", "max_norm", max_norm, infinite=True)
    _need("clip_grad_norm_", "eps", eps)
    if not float(norm_type) > 0:
        raise ConfigError(f"clip_grad_norm_: norm_type is {norm_type!r}, must be > 0 or inf")
    params = _with_gradient("clip_grad_norm_", parameters)
    total = total_norm([plain(p.grad) for p in params], float(norm_type))
    if error_if_nonfinite and not math.isfinite(total):
        raise GradientError(
            f"clip_grad_norm_: the norm of the gradients is {total}; look for the op with "
            "mg.detect_anomaly(), or pass error_if_nonfinite=False"
        )
    if not total + eps <= max_norm:
        with np.errstate(invalid="ignore"):  # inf · 0 is nan
            for p in params:
                _scale(p, max_norm / (total + eps))
    return total


def _need(owner: str, name: str, x: Any, infinite: bool = False) -> None:
    problem = None if infinite and x == math.inf else number_problem(name, x, 0)
    if problem:
        raise ConfigError(f"{owner}: {problem}")


def _with_gradient(owner: str, parameters: Node | Iterable[Node]) -> list[Node]:
    params = [parameters] if isinstance(parameters, Node) else as_list(owner, parameters)
    for p in params:
        if not isinstance(p, Node):
            raise ConfigError(
                f"{owner}: parameters must be Tensors or Values, got {type(p).__name__}"
            )
    return [p for p in params if p.grad is not None]


def _scale(p: Node, factor: float) -> None:
    if type(p.grad) is np.ndarray:
        p.grad *= factor
    else:
        p.grad = p.grad * factor
