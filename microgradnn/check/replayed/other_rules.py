"""Rules that optimisers of people and libraries follow and microgradnn.optim has not.

They are here to be recognised only. Each docstring has the formula and where it is from.
"""

from typing import Any

import numpy as np

from ...optim.base import Optimizer

Group = dict[str, Any]


def _slot(memory: Group, name: str, p: Any, start: float = 0.0) -> Any:
    return memory.setdefault(name, np.full_like(p, start))


class Lion(Optimizer):
    """p = p - lr·sign(β₁·m + (1 - β₁)·g),  m = β₂·m + (1 - β₂)·g (Chen et al. 2023)."""

    def __init__(self, params: Any, lr: Any, betas: tuple[float, float], **common: Any) -> None:
        super().__init__(params, dict(lr=lr, betas=betas), **common)

    def update(self, p: Any, g: Any, memory: Group, group: Group, lr: float) -> Any:
        """p less lr times a sign."""
        b1, b2 = group["betas"]
        m = _slot(memory, "exp_avg", p)
        p -= lr * np.sign(b1 * m + (1 - b1) * g)
        memory["exp_avg"] = b2 * m + (1 - b2) * g
        return p


class KerasAdamax(Optimizer):
    """Keras: u = max(β₂·u, |g|),  p = p - lr/(1 - β₁ᵗ)·m/(u + eps)."""

    def __init__(
        self, params: Any, lr: Any, betas: tuple[float, float], eps: float, **common: Any
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps), **common)

    def update(self, p: Any, g: Any, memory: Group, group: Group, lr: float) -> Any:
        """p less lr times the corrected mean over the largest gradient."""
        b1, b2 = group["betas"]
        t = memory["step"] = memory.get("step", 0) + 1
        m = memory["exp_avg"] = b1 * _slot(memory, "exp_avg", p) + (1 - b1) * g
        u = memory["exp_inf"] = np.maximum(b2 * _slot(memory, "exp_inf", p), np.abs(g))
        p -= lr / (1 - b1**t) * m / (u + group["eps"])
        return p


class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al. 2013, algorithm 1, in Keras's form).

    n' = n + g²,  z = z + g - (n'^a - n^a)/lr·p,  p = -z·lr/(n'^a + β),  a = -learning_rate_power
    """

    def __init__(
        self, params: Any, lr: Any, power: float, start: float, beta: float, **common: Any
    ) -> None:
        self.power, self.start, self.beta = power, start, beta
        super().__init__(params, dict(lr=lr), **common)

    def update(self, p: Any, g: Any, memory: Group, group: Group, lr: float) -> Any:
        """The leader of the gradients so far, without penalties."""
        n, z = _slot(memory, "accumulator", p, self.start), _slot(memory, "linear", p)
        old, new = n**self.power, (n + g * g) ** self.power
        memory["accumulator"], memory["linear"] = n + g * g, z + g - (new - old) / lr * p
        p[...] = -memory["linear"] * lr / (new + self.beta)
        return p


class ASGD(Optimizer):
    """Averaged SGD (Polyak & Juditsky 1992) as in torch.optim.ASGD, whose average is beside.

    p = p·(1 - λ·η) - η·g,  η = lr/(1 + λ·lr·t)^α after step t, lr before the first
    """

    def __init__(self, params: Any, lr: Any, lambd: float, power: float, **common: Any) -> None:
        self.lambd, self.power = lambd, power
        super().__init__(params, dict(lr=lr), **common)

    def update(self, p: Any, g: Any, memory: Group, group: Group, lr: float) -> Any:
        """p less a rate of its own times the gradient."""
        eta = memory.get("eta", lr)
        t = memory["step"] = memory.get("step", 0) + 1
        p[...] = p * (1 - self.lambd * eta) - eta * g
        memory["eta"] = lr / (1 + self.lambd * lr * t) ** self.power
        return p


class Adafactor(Optimizer):
    """Adafactor (Shazeer & Stern 2018, algorithm 4) with Keras's numbers.

    β = 1 - t^(-0.8); r, c means over rows and columns of g² + 1e-30, kept with β; v = r·c/mean(r);
    u = g/√v;  p = p - max(1e-3, rms(p))·min(lr, 1/√t)·u/max(1, rms(u))
    """

    def __init__(self, params: Any, lr: Any, **common: Any) -> None:
        super().__init__(params, dict(lr=lr), **common)

    def update(self, p: Any, g: Any, memory: Group, group: Group, lr: float) -> Any:
        """p less a step that grows with p itself."""
        t = memory["step"] = memory.get("step", 0) + 1
        keep, square = 1 - float(t) ** -0.8, g * g + 1e-30
        if p.ndim < 2:
            v = memory["v"] = keep * _slot(memory, "v", p) + (1 - keep) * square
        else:
            r = memory["r"] = keep * memory.get("r", 0.0) + (1 - keep) * square.mean(-1)
            c = memory["c"] = keep * memory.get("c", 0.0) + (1 - keep) * square.mean(-2)
            v = (r / r.mean(-1, keepdims=True))[..., None] * c[..., None, :]
        u = g / np.sqrt(v)
        size = max(1e-3, _rms(p)) * min(lr, 1 / np.sqrt(t))
        p -= size * u / max(1.0, _rms(u))
        return p


def _rms(x: Any) -> float:
    return float(np.sqrt((x * x).mean()))
