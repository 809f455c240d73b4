"""How far two correct evaluations of one training step may lie apart: a running error bound.

Both start from the same parameters. Majorants (bounds on the absolute values) and error bounds, in
units of the unit roundoff u, are carried through the network forwards and backwards, as in Higham,
Accuracy and Stability of Numerical Algorithms, §3: a dot product of n terms adds (n + 1)·u times
the sum of absolute products, an activation passes errors on with its Lipschitz constant L, its
derivative with M = max |f''|, and library functions are allowed FUNCTION·u. Twice that bound
separates two evaluations. Terms of order u² are left out.
"""

from collections.abc import Sequence

import numpy as np

from .specs import Model, Optimizer

FUNCTION = 8.0  # roundings granted to exp, tanh, log1p and the formula around one of them
#             max |f''| and a bound on |f| beyond |z|
CURVATURE = {
    "identity": 0.0, "relu": 0.0, "leaky_relu": 0.0, "tanh": 0.77, "sigmoid": 0.1, "elu": 1.0,
    "softplus": 0.25,
}  # fmt: skip
OFFSET = {"sigmoid": 1.0, "softplus": 0.7, "elu": 1.0}


class StepBound:
    """Bounds on |difference| after one step: `loss`, `grads`, and, from update(), parameters."""

    def __init__(self, model: Model, optimizer: Optimizer, dtype: str) -> None:
        self.model, self.spec = model, optimizer
        self.u = 2 * np.finfo(dtype).eps / 2  # of each of two evaluations
        self.loss = 0.0
        self.grads: list[np.ndarray] = []
        self.t = 0
        self.state: list[list[np.ndarray]] = []  # [m, v, error of m, error of v] of each parameter

    def step(self, params: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> None:
        """None; sets `loss` and `grads` for a step from params on the batch (x, y)."""
        f = self.model.activation
        a, ea = np.abs(x), np.zeros(x.shape)
        inputs, ez = [], ea
        z = a
        for i in range(0, len(params), 2):
            w, b = np.abs(params[i]), np.abs(params[i + 1])
            if i:
                a = z + OFFSET.get(f, 0.0)
                ea = ez + FUNCTION * a
            inputs.append((a, ea, ez))
            z = a @ w + b
            ez = ea @ w + (len(w) + 2) * z
        g, eg = self._loss(z, ez, y)
        n = len(x)
        grads = []
        for i in reversed(range(0, len(params), 2)):
            w, (a, ea, e) = np.abs(params[i]), inputs[i // 2]
            grads.append(eg.sum(0) + (n + 2) * g.sum(0))
            grads.append(a.T @ eg + ea.T @ g + (n + 2) * (a.T @ g))
            g, back = g @ w.T, g
            eg = eg @ w.T + (back.shape[1] + 2) * g
            eg = eg + g * (CURVATURE[f] * e + FUNCTION)
        self.grads = [self.u * d for d in reversed(grads)]

    def _loss(self, z: np.ndarray, ez: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Majorant and error of dloss/dz; sets `loss`."""
        if self.model.loss == "ce":
            n, top = len(z), ez.max(1, keepdims=True)
            width = z.max(1, keepdims=True)
            each = 2 * top + FUNCTION * (width + np.log(z.shape[1]) + 1)
            self.loss = self.u * float(each.mean() + (n + z.shape[1]) * (2 * width + 3).mean())
            g = np.full(z.shape, 1.0 / n)
            return g, g * (2 * top + z.shape[1] + FUNCTION * (1 + width))
        n = z.size
        if self.model.loss == "bce":
            each = 2 * ez + FUNCTION * (2 * z + 1)
            self.loss = self.u * float(each.mean() + n * (2 * z + 1).mean())
            g = np.full(z.shape, 1.0 / n)
            return g, g * (ez + FUNCTION)
        r = z + np.abs(y)
        self.loss = self.u * float((2 * r * (ez + 2 * r)).mean() + n * (r * r).mean())
        return 2 * r / n, 2 * (ez + 4 * r) / n

    def update(self, params: Sequence[np.ndarray], grads: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Bounds on the parameters after the optimiser's step from params with grads."""
        s, u = self.spec, self.u
        self.t += 1
        if not self.state:
            self.state = [[0 * p, 0 * p, 0 * p, 0 * p] for p in params]
        bounds = []
        for p, g, eg, state in zip(params, grads, self.grads, self.state, strict=True):
            if s.weight_decay:
                g, eg = g + s.weight_decay * p, eg + 3 * u * (abs(g) + abs(s.weight_decay * p))
            move, em = (self._adam if s.name == "adam" else self._sgd)(g, eg, state)
            bounds.append(em + 4 * u * (abs(p) + abs(move)))
        return bounds

    def _sgd(
        self, g: np.ndarray, eg: np.ndarray, state: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        s = self.spec
        v = s.momentum * state[0] + g
        ev = s.momentum * state[2] + eg + 3 * self.u * (abs(s.momentum * state[0]) + abs(g))
        state[0], state[2] = v, ev
        if s.nesterov:
            v, ev = g + s.momentum * v, eg + s.momentum * ev + 3 * self.u * (abs(g) + abs(v))
        return s.lr * v, s.lr * ev

    def _adam(
        self, g: np.ndarray, eg: np.ndarray, state: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        s, u = self.spec, self.u
        b1, b2 = s.betas
        m = b1 * state[0] + (1 - b1) * g
        v = b2 * state[1] + (1 - b2) * g * g
        em = b1 * state[2] + (1 - b1) * eg + 4 * u * (b1 * abs(state[0]) + (1 - b1) * abs(g))
        ev = b2 * state[3] + (1 - b2) * (2 * abs(g) * eg + eg * eg) + 6 * u * v
        state[:] = [m, v, em, ev]
        c1, c2 = 1 - b1**self.t, (1 - b2**self.t) ** 0.5
        root, low = np.sqrt(v), np.sqrt(np.maximum(v - ev, 0))
        below = low / c2 + s.eps  # the smallest the denominator can be
        eroot = (np.sqrt(v + ev) - low) / c2
        move = s.lr / c1 * m / (root / c2 + s.eps)
        return move, s.lr / c1 * (em / below + abs(m) * eroot / (below * (root / c2 + s.eps))) + (
            8 * u * abs(move)
        )
