"""How far the parameters, and averages of them, may lie apart after an optimiser's step.

Each framework steps from the same parameters with its own gradients, which differ by no more than
their bound, and its own state, whose error is carried along.
"""

from collections.abc import Sequence

import numpy as np

from .specs import Optimizer

Array = np.ndarray
Pair = tuple[Array, Array]
POWER = 2.0  # roundings granted to βᵗ and to the rate of a schedule, and one more for each step


class UpdateBound:
    """The state of an optimiser and its errors; u is the unit roundoff of two evaluations."""

    def __init__(self, spec: Optimizer, u: float) -> None:
        self.spec, self.u, self.t = spec, u, 0
        self.state: list[list[Array]] = []  # [m, v, error of m, error of v] of each parameter
        self.average: list[Pair] = []  # (s, error of s) of each

    def step(
        self, params: Sequence[Array], grads: Sequence[Array], errors: Sequence[Array]
    ) -> tuple[list[Array], list[Array]]:
        """Bounds on the parameters after the step, and on their averages."""
        s, u, lr = self.spec, self.u, self.spec.rate(self.t)
        if not self.state:
            start = s.accumulator if s.name == "adagrad" else 0.0
            self.state = [[0 * p, 0 * p + start, 0 * p, 0 * p] for p in params]
            self.average = [(p, 0 * p) for p in params]
        self.t += 1
        bounds, after = [], []
        for p, g, eg, state in zip(params, grads, errors, self.state, strict=True):
            shrunk = s.weight_decay * lr * p if s.decoupled else 0 * p
            if s.weight_decay and not s.decoupled:
                decay = s.weight_decay * p
                g, eg = g + decay, eg + 3 * u * (abs(g) + abs(decay))
            move, em = self._move(g, eg, state, lr)
            em = em + u * self._rate_error(lr) * (abs(move) + abs(shrunk))
            bounds.append(em + 4 * u * (abs(p) + abs(move) + abs(shrunk)))
            after.append(p - shrunk - move)
        return bounds, self._averages(after, bounds)

    def _rate_error(self, lr: float) -> float:
        """The relative error of a schedule's rate: a cosine cancels, PyTorch's is recursive."""
        if self.spec.schedule is None:
            return 0.0
        return (POWER + self.t) * self.spec.lr / max(lr, self.u * self.spec.lr)

    def _averages(self, after: Sequence[Array], bounds: Sequence[Array]) -> list[Array]:
        if self.spec.ema is None:
            return []
        d, u, new = self.spec.ema.at(self.t - 1), self.u, []
        for (s, es), p, ep in zip(self.average, after, bounds, strict=True):
            error = d * es + (1 - d) * ep + 4 * u * (abs(s) + abs(p))
            new.append((s - (1 - d) * (s - p), error))
        self.average = new
        return [error for _, error in new]

    def _move(self, g: Array, eg: Array, state: list[Array], lr: float) -> Pair:
        match self.spec.name:
            case "sgd":
                return self._velocity(g, eg, state, lr)
            case "rmsprop":
                return self._scaled(g, eg, state, lr, self.spec.alpha, 1 - self.spec.alpha)
            case "adagrad":
                return self._scaled(g, eg, state, lr, 1.0, 1.0)
        return self._adam(g, eg, state, lr)

    def _velocity(self, g: Array, eg: Array, state: list[Array], lr: float) -> Pair:
        s, u = self.spec, self.u
        inside, outside = (lr, 1.0) if s.keras else (1.0, lr)
        g, eg = inside * g, inside * eg + u * abs(inside * g)
        v = s.momentum * state[0] + g
        ev = s.momentum * state[2] + eg + 3 * u * (abs(s.momentum * state[0]) + abs(g))
        state[0], state[2] = v, ev
        if s.nesterov:
            v, ev = g + s.momentum * v, eg + s.momentum * ev + 3 * u * (abs(g) + abs(v))
        return outside * v, outside * ev

    def _scaled(
        self, g: Array, eg: Array, state: list[Array], lr: float, old: float, new: float
    ) -> Pair:
        v, ev = self._squares(g, eg, state, old, new)
        return self._over(lr * g, lr * eg, v, ev, 1.0)

    def _squares(self, g: Array, eg: Array, state: list[Array], old: float, new: float) -> Pair:
        """v = old·v + new·g² with its error."""
        v = old * state[1] + new * g * g
        ev = old * state[3] + new * (2 * abs(g) * eg + eg * eg) + 6 * self.u * v
        state[1], state[3] = v, ev
        return v, ev

    def _over(self, m: Array, em: Array, v: Array, ev: Array, c2: float) -> Pair:
        """m / (√v / c2 + eps), or m / √(v + eps), with its error."""
        eps, u = self.spec.eps, self.u
        low, high = np.maximum(v - ev, 0), v + ev
        if self.spec.keras and self.spec.name in ("rmsprop", "adagrad"):
            least, d, most = (np.sqrt(a + eps) for a in (low, v, high))
        else:
            least, d, most = (np.sqrt(a) / c2 + eps for a in (low, v, high))
        move = m / d
        return move, em / least + abs(m) * (most - least) / (least * d) + 8 * u * abs(move)

    def _adam(self, g: Array, eg: Array, state: list[Array], lr: float) -> Pair:
        (b1, b2), u, t = self.spec.betas, self.u, self.t
        m = b1 * state[0] + (1 - b1) * g
        em = b1 * state[2] + (1 - b1) * eg + 4 * u * (abs(state[0]) + (1 - b1) * abs(g))
        v, ev = self._squares(g, eg, state, b2, 1 - b2)
        state[0], state[2] = m, em
        c1, c2 = 1 - b1**t, (1 - b2**t) ** 0.5
        size = lr / c1 * (c2 if self.spec.keras else 1.0)
        move, error = self._over(size * m, size * em, v, ev, 1.0 if self.spec.keras else c2)
        power = POWER * u * (b1**t / c1 + b2**t / c2**2)
        return move, error + power * abs(move)
