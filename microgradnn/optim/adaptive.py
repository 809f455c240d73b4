"""More rules in the form of optimizers.py: Adadelta, Adamax, NAdam, RAdam, Rprop.

Formulas and defaults are torch.optim's (2.13); p, g and t mean what they mean there. Source of each
is the single-tensor form in torch/optim/*.py, and the paper that is named.
"""

from collections.abc import Mapping
from typing import Any, Unpack

from ..engine import ops
from .arithmetic import Data, Group, Memory, larger, moments, over, put, slot, sqrt
from .base import Optimizer
from .groups import Common, Params, Rate, Shared


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, algorithm 1) as in torch.optim.Adadelta.

        s = rho·s + (1 - rho)·g²
        Δ = √(d + eps)/√(s + eps) · g
        d = rho·d + (1 - rho)·Δ²
        p = p - lr·Δ

    Keras: lr=0.001, rho=0.95, eps=1e-7.
    """

    always = ("step", "square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        options = dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the gradient, scaled to the size of the last changes."""
        rho, eps = group["rho"], group["eps"]
        memory["step"] = memory.get("step", 0) + 1
        s, d = slot(memory, "square_avg", p), slot(memory, "acc_delta", p)
        s *= rho
        s += (1 - rho) * (g * g)
        delta = over(sqrt(d + eps), sqrt(s + eps)) * g
        d *= rho
        d += (1 - rho) * (delta * delta)
        memory["square_avg"], memory["acc_delta"] = s, d
        p -= lr * delta
        return p


class Adamax(Optimizer):
    """Adamax (Kingma & Ba 2015, algorithm 2) as in torch.optim.Adamax.

        m = β₁·m + (1 - β₁)·g,   u = max(β₂·u, |g| + eps)
        p = p - lr/(1 - β₁ᵗ) · m/u

    Keras has u = max(β₂·u, |g|) and divides by u + 1e-7.
    """

    always = ("step", "exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        options = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the corrected mean over the largest gradient, which decays."""
        b1, b2 = group["betas"]
        t = memory["step"] = memory.get("step", 0) + 1
        m, u = slot(memory, "exp_avg", p), slot(memory, "exp_inf", p)
        m *= b1
        m += (1 - b1) * g
        u *= b2
        u = larger(u, abs(g) + group["eps"])
        memory["exp_avg"], memory["exp_inf"] = m, u
        p -= over(lr / (1 - b1**t) * m, u * 1)  # over() writes over the second, here a copy
        return p


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016) as in torch.optim.NAdam.

        μₜ = β₁·(1 - ½·0.96^(t·momentum_decay)),   M = μ₁·μ₂·…·μₜ
        m = β₁·m + (1 - β₁)·g,   v = β₂·v + (1 - β₂)·g²,   d = √(v/(1 - β₂ᵗ)) + eps
        p = p - lr·(1 - μₜ)/(1 - M) · g/d - lr·μₜ₊₁/(1 - M·μₜ₊₁) · m/d

    Its weight decay is coupled; decoupled_weight_decay=True makes it that of AdamW. torch computes
    M in float32, unless its default dtype is float64.
    """

    always = ("step", "exp_avg", "exp_avg_sq", "mu_product")
    numbers = ("mu_product",)

    def __init__(
        self,
        params: Params,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        **common: Unpack[Shared],
    ) -> None:
        options = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the gradient and the mean that the next step would use."""
        b1, b2 = group["betas"]
        t, m, v = moments(memory, p, g, b1, b2)
        now, then = (b1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        product = memory["mu_product"] = memory.get("mu_product", 1.0) * now
        d = sqrt(v / (1 - b2**t))
        d += group["eps"]
        p -= lr * (1 - now) / (1 - product) * over(g, d * 1)
        p -= lr * then / (1 - product * then) * over(m, d)
        return p


class RAdam(Optimizer):
    """Rectified Adam (Liu et al. 2020) as in torch.optim.RAdam.

        m = β₁·m + (1 - β₁)·g,   v = β₂·v + (1 - β₂)·g²
        ρ∞ = 2/(1 - β₂) - 1,   ρ = ρ∞ - 2·t·β₂ᵗ/(1 - β₂ᵗ)
        p = p - lr·m/(1 - β₁ᵗ) · √(1 - β₂ᵗ)/(√v + eps) · r      where ρ > 5, with
            r = √((ρ - 4)·(ρ - 2)·ρ∞ / ((ρ∞ - 4)·(ρ∞ - 2)·ρ))
        p = p - lr·m/(1 - β₁ᵗ)                                  in the first steps, where ρ <= 5

    Its weight decay is coupled; decoupled_weight_decay=True makes it that of AdamW.
    """

    always = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        **common: Unpack[Shared],
    ) -> None:
        options = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        super().__init__(params, options, **common)

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less lr times the mean, over the root of the mean square once that is known well."""
        b1, b2 = group["betas"]
        t, m, v = moments(memory, p, g, b1, b2)
        change = lr / (1 - b1**t) * m
        longest = 2 / (1 - b2) - 1
        length = longest - 2 * t * b2**t / (1 - b2**t)
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            d = sqrt(v)
            d += group["eps"]
            change = over((r * (1 - b2**t)) ** 0.5 * change, d)
        p -= change
        return p


class Rprop(Optimizer):
    """Resilient backpropagation (Riedmiller & Braun 1993) as in torch.optim.Rprop.

        s = s·etas[1] where g has kept its sign, s·etas[0] where it has changed it
        g = 0 where it has changed its sign
        p = p - s·sign(g)

    s, one for each number, is lr before the first update, and stays within step_sizes. So lr has no
    other meaning, and neither have schedules of it.
    """

    always = ("step", "prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        **common: Unpack[Common],
    ) -> None:
        options = dict(lr=lr, etas=etas, step_sizes=step_sizes)
        super().__init__(params, options, **common)

    def problems(self, group: Mapping[str, Any]) -> list[str]:
        """That etas do not shrink and grow, or that step_sizes are no range."""
        (down, up), (low, high) = group["etas"], group["step_sizes"]
        found = (
            [] if 0 < down < 1 < up else [f"etas are {(down, up)}, need 0 < etas[0] < 1 < etas[1]"]
        )
        if low > high:
            found.append(f"step_sizes are {(low, high)}, need step_sizes[0] <= step_sizes[1]")
        return found

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """p less a step of its own for each number, against the sign of the gradient."""
        (down, up), (low, high) = group["etas"], group["step_sizes"]
        memory["step"] = memory.get("step", 0) + 1
        prev, s = slot(memory, "prev", p), slot(memory, "step_size", p, lr)
        turn = ops.sign(g * prev)
        same = turn * 0 + 1  # or nan
        s = s * ops.where(turn > 0, same * up, ops.where(turn < 0, same * down, same))
        s = put(memory, "step_size", ops.clip(s, low, high))
        g = put(memory, "prev", ops.where(turn < 0, g * 0, g))
        p -= ops.sign(g) * s
        return p
