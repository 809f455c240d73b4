"""The rules. They run on arrays, in place, and on single numbers alike.

Formulas and defaults are torch.optim's (2.13); each option that makes Keras' or TensorFlow 1's
form of a rule says so. p is the parameter, g its gradient after clipping, `maximize` and coupled
weight_decay, t the number of the update, from 1.
"""

from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from .arithmetic import Data, Group, Memory, larger, moments, not_below_zero, over, root, slot, sqrt
from .base import Optimizer
from .groups import Common, Params, Rate


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (torch.optim.SGD; Sutskever et al. 2013).

        v = momentum·v + (1 - dampening)·g      (v = g in the first update)
        p = p - lr·v                            (nesterov: p - lr·(g + momentum·v))

    With lr_in_velocity, Keras' form: v = momentum·v + (1 - dampening)·lr·g and p = p - v (nesterov:
    p - (lr·g + momentum·v)). It differs once lr changes: old gradients keep their old lr.
    """

    sometimes = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Rate,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        lr_in_velocity: bool = False,
        **common: Unpack[Common],
    ) -> None:
        options = dict(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            lr_in_velocity=lr_in_velocity,
        )
        super().__init__(params, options, **common)

    def problems(self, group: Mapping[str, Any]) -> list[str]:
        """That nesterov has no momentum, or dampening."""
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            return ["nesterov needs momentum > 0 and dampening = 0"]
        return []

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the velocity, or times the gradient without momentum."""
        momentum = group["momentum"]
        if not momentum:
            p -= lr * g
            return p
        inside = group["lr_in_velocity"]
        if inside:
            g = lr * g
        v = memory.get("momentum_buffer")
        if v is None:
            v = np.array(g, p.dtype) if isinstance(p, np.ndarray) else g
        else:
            v *= momentum
            v += (1 - group["dampening"]) * g if group["dampening"] else g
        memory["momentum_buffer"] = v
        if group["nesterov"]:
            v = g + momentum * v
        p -= v if inside else lr * v
        return p


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6e) as in torch.optim.RMSprop.

        s = alpha·s + (1 - alpha)·g²            (s = initial_square_avg before)
        d = √s + eps
        p = p - lr·g/d

    centered        d = √(s - m²) + eps with m = alpha·m + (1 - alpha)·g (Graves 2013). Where s - m²
                    falls below 0 by rounding it counts as 0; torch's parameters become nan there.
    momentum        b = momentum·b + g/d,  p = p - lr·b
    lr_in_velocity  b = momentum·b + lr·g/d,  p = p - b (Keras, TF1)
    eps_inside      d = √(s + eps) (Keras, TF1)

    TF1's tf.train.RMSPropOptimizer: alpha=0.9, eps=1e-10, eps_inside=True, lr_in_velocity=True,
    initial_square_avg=1.0. Keras: alpha=0.9, eps=1e-7, eps_inside=True, lr_in_velocity=True.
    """

    always = ("step", "square_avg")
    sometimes = ("grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        eps_inside: bool = False,
        lr_in_velocity: bool = False,
        initial_square_avg: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        options = dict(
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            eps_inside=eps_inside,
            lr_in_velocity=lr_in_velocity,
            initial_square_avg=initial_square_avg,
        )
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the gradient over the root of its mean square."""
        alpha, momentum = group["alpha"], group["momentum"]
        memory["step"] = memory.get("step", 0) + 1
        s = slot(memory, "square_avg", p, group["initial_square_avg"])
        s *= alpha
        s += (1 - alpha) * (g * g)
        memory["square_avg"] = s
        if group["centered"]:
            m = slot(memory, "grad_avg", p)
            m *= alpha
            m += (1 - alpha) * g
            memory["grad_avg"] = m
            s = not_below_zero(s - m * m)
        d = root(s, group["eps"], group["eps_inside"])
        if not momentum:
            p -= over(lr * g, d)
            return p
        inside = group["lr_in_velocity"]
        b = slot(memory, "momentum_buffer", p)
        b *= momentum
        b += over(lr * g if inside else g, d)
        memory["momentum_buffer"] = b
        p -= b if inside else lr * b
        return p


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011) as in torch.optim.Adagrad.

        s = s + g²                              (s = initial_accumulator_value before)
        p = p - lr/(1 + (t - 1)·lr_decay) · g/(√s + eps)

    With eps_inside the divisor is √(s + eps) (Keras). Keras: initial_accumulator_value=0.1,
    eps=1e-7, eps_inside=True. TF1: initial_accumulator_value=0.1, eps=0.
    """

    always = ("step", "sum")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        eps_inside: bool = False,
        **common: Unpack[Common],
    ) -> None:
        options = dict(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            eps_inside=eps_inside,
        )
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the gradient over the root of the sum of its squares."""
        t = memory["step"] = memory.get("step", 0) + 1
        s = slot(memory, "sum", p, group["initial_accumulator_value"])
        s += g * g
        memory["sum"] = s
        lr = lr / (1 + (t - 1) * group["lr_decay"])
        p -= over(lr * g, root(s, group["eps"], group["eps_inside"]))
        return p


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1) as in torch.optim.Adam.

        m = β₁·m + (1 - β₁)·g,   v = β₂·v + (1 - β₂)·g²
        p = p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + eps)

    amsgrad  the largest v so far takes the place of v (Reddi et al. 2018)
    eps_hat  p = p - lr·√(1 - β₂ᵗ)/(1 - β₁ᵗ) · m / (√v + eps): the ε̂ of the paper's section 2, as
             in Keras (eps=1e-7) and TF1. Where gradients are tiny the two differ by far.
    """

    always = ("step", "exp_avg", "exp_avg_sq")
    sometimes = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        eps_hat: bool = False,
        **common: Unpack[Common],
    ) -> None:
        options = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            eps_hat=eps_hat,
        )
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the corrected mean over the root of the corrected mean square."""
        b1, b2 = group["betas"]
        t, m, v = moments(memory, p, g, b1, b2)
        if group["amsgrad"]:
            v = memory["max_exp_avg_sq"] = larger(slot(memory, "max_exp_avg_sq", p), v)
        size, correction = lr / (1 - b1**t), (1 - b2**t) ** 0.5
        d = sqrt(v)
        if group["eps_hat"]:
            size *= correction
        else:
            d /= correction
        d += group["eps"]
        p -= over(size * m, d)
        return p


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019) as in torch.optim.AdamW.

        p = p·(1 - lr·weight_decay)             before Adam's step, g unchanged

    Keras: eps=1e-7, eps_hat=True, weight_decay=0.004.
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        eps_hat: bool = False,
        **common: Unpack[Common],
    ) -> None:
        common.setdefault("decoupled_weight_decay", True)
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, eps_hat=eps_hat, **common)
