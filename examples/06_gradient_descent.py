"""Gradient descent: on x² and on a straight line, by hand and by the engine.

A step goes against the slope: x ← x - rate · f'(x). The rate decides everything: on x², 1 jumps
from 4 to -4 and back for ever, 0.1 goes down the valley.
"""

import numpy as np

import microgradnn as mg
from settings import arguments

args = arguments(__doc__)

# ---- f(x) = x² from the point (4, 16) ---------------------------------------------------------
slope = mg.grad(lambda x: x**2)
assert slope(4.0) == 8.0
for rate, then in ((1.0, (-4.0, 16.0)), (0.1, (3.2, 10.24))):
    x = 4.0 - rate * slope(4.0)
    print(f"x² from (4, 16), slope 8, rate {rate}: to ({x:.4g}, {x * x:.4g})")
    assert np.allclose((x, x * x), then, rtol=1e-15)


# ---- a line through two points: loss Σ(w·x + b - y)² / n --------------------------------------
def loss(w: float, b: float) -> float:
    """The mean squared error of the line on (1, 2) and (2, 3)."""
    return ((w * 1 + b - 2) ** 2 + (w * 2 + b - 3) ** 2) / 2


assert loss(1.0, 1.0) == 0.0 and mg.grad(loss, argnums=(0, 1))(1.0, 1.0) == (0.0, 0.0)

# ---- linear regression: 100 noisy points of y = 2x + 1 ----------------------------------------
rng = np.random.default_rng(0)
x = np.linspace(-10, 10, 100)
y = 2 * x + 1 + 0.2 * rng.normal(size=100)


def step_by_hand(w: float, b: float, rate: float) -> tuple[float, float]:
    """One step with the derivatives worked out on paper: 2/n Σ x·e and 2/n Σ e, e = wx + b - y."""
    e = w * x + b - y
    return w - rate * 2 / len(x) * float(x @ e), b - rate * 2 / len(x) * float(e.sum())


w, b = (mg.tensor(0.0, requires_grad=True, name=n) for n in "wb")
optimizer = mg.optim.SGD([w, b], lr=0.001)
by_hand = (0.0, 0.0)
for step in range(500):
    by_hand = step_by_hand(*by_hand, 0.001)
    error = mg.mse_loss(w * x + b, y)
    if step == 0:
        print(f"loss of w = b = 0: {error.item():.3f}")
    optimizer.zero_grad()
    error.backward()
    optimizer.step()
print(f"after 500 steps by engine {w.item():.12f} {b.item():.12f}")
print(f"               by hand   {by_hand[0]:.12f} {by_hand[1]:.12f}")
assert np.allclose((w.item(), b.item()), by_hand, rtol=1e-12)

steps = 10_000 if args.quick else 100_000
for _ in range(steps):
    by_hand = step_by_hand(*by_hand, 0.001)
best = np.polyfit(x, y, 1)
print(f"{steps} more steps: w {by_hand[0]:.6f}, b {by_hand[1]:.6f}; least squares {best}")
assert np.allclose(by_hand, best, rtol=1e-6 if args.quick else 1e-12)
assert abs(by_hand[0] - 2) < 0.01 and abs(by_hand[1] - 1) < 0.06

# Beyond 2 / (largest curvature) = 0.0294 a step overshoots by more than it gains.
far = (0.0, 0.0)
for _ in range(2000):
    far = step_by_hand(*far, 0.031)
assert not abs(far[0]) < 1e6
