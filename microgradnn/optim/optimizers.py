"""SGD and Adam. They read `.grad` and assign `.data`, so parameters may be Tensors or Values.

Formulas and defaults are torch.optim's: the learning rate stands outside the velocity, and
weight_decay is coupled, λ·p added to the gradient. A parameter without a gradient is skipped.
"""

from collections.abc import Iterable
from typing import Any

from ..errors import ConfigError
from ..node import Node


class Optimizer:
    """Base of optimisers: holds the parameters; state is kept here, by position."""

    def __init__(self, params: Iterable[Node], lr: float) -> None:
        self.params = list(params)
        if not self.params:
            raise ConfigError(f"{type(self).__name__}: no parameters; pass model.parameters()")
        for p in self.params:
            if not isinstance(p, Node):
                raise ConfigError(
                    f"{type(self).__name__}: parameters must be Tensors or Values, "
                    f"got {type(p).__name__}"
                )
        self._at_least("lr", lr, 0)
        self.lr = lr

    def zero_grad(self) -> None:
        """None; forgets the gradients of all parameters."""
        for p in self.params:
            p.clear_grad()

    def step(self) -> None:
        """None; moves every parameter that has a gradient."""
        for i, p in enumerate(self.params):
            if p.grad is not None:
                # In place, as in torch: no second array.
                p.data -= self.update(i, p.data, p.grad)

    def update(self, i: int, p: Any, g: Any) -> Any:
        """What to subtract from parameter i, which has data p and gradient g."""
        raise NotImplementedError

    def _at_least(self, name: str, value: float, low: float, below: float = float("inf")) -> None:
        if not low <= value < below:
            allowed = f">= {low}" if below == float("inf") else f"in [{low}, {below})"
            raise ConfigError(f"{type(self).__name__}: {name} is {value}, must be {allowed}")


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (torch.optim.SGD).

    g = g + weight_decay·p
    v = momentum·v + (1 - dampening)·g      (v = g in the first step)
    p = p - lr·v                            (nesterov: p - lr·(g + momentum·v))
    """

    def __init__(
        self,
        params: Iterable[Node],
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self._at_least("momentum", momentum, 0)
        self._at_least("weight_decay", weight_decay, 0)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ConfigError("SGD: nesterov needs momentum > 0 and dampening = 0")
        self.momentum, self.dampening = momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self.velocity: list[Any] = [None] * len(self.params)

    def update(self, i: int, p: Any, g: Any) -> Any:
        """lr times the velocity, or times the gradient without momentum."""
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            v = self.velocity[i]
            v = g if v is None else self.momentum * v + (1 - self.dampening) * g
            self.velocity[i] = v
            g = g + self.momentum * v if self.nesterov else v
        return self.lr * g


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1) as in torch.optim.Adam.

        g = g + weight_decay·p
        m = β₁·m + (1 - β₁)·g,   v = β₂·v + (1 - β₂)·g²
        p = p - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + eps)

    Keras differs: its eps is 1e-7 and stands outside the bias correction of v.
    """

    def __init__(
        self,
        params: Iterable[Node],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        for beta in betas:
            self._at_least("beta", beta, 0, 1)
        self._at_least("eps", eps, 0)
        self._at_least("weight_decay", weight_decay, 0)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.m: list[Any] = [0.0] * len(self.params)
        self.v: list[Any] = [0.0] * len(self.params)
        self.t = [0] * len(self.params)

    def update(self, i: int, p: Any, g: Any) -> Any:
        """lr times the corrected mean over the root of the corrected square mean."""
        if self.weight_decay:
            g = g + self.weight_decay * p
        b1, b2 = self.betas
        self.t[i] += 1
        self.m[i] = m = b1 * self.m[i] + (1 - b1) * g
        self.v[i] = v = b2 * self.v[i] + (1 - b2) * (g * g)
        root = (1 - b2 ** self.t[i]) ** 0.5
        return self.lr / (1 - b1 ** self.t[i]) * m / (v**0.5 / root + self.eps)
