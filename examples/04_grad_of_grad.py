"""Derivatives of derivatives, in both directions: five ways to the same number.

f(x) = tanh(x), f''(x) = -2·tanh(x)·(1 - tanh²(x)).
"""

import math

from microgradnn import grad, jvp, tanh

x = 0.7
y = math.tanh(x)
exact = -2 * y * (1 - y * y)

ways = {
    "reverse over reverse": grad(grad(tanh))(x),
    "forward over reverse": jvp(grad(tanh), (x,), (1.0,))[1],
    "reverse over forward": grad(lambda v: jvp(tanh, (v,), (1.0,))[1])(x),
    "forward over forward": jvp(lambda v: jvp(tanh, (v,), (1.0,))[1], (x,), (1.0,))[1],
    "by hand": exact,
}
for way, result in ways.items():
    print(f"{way:22s} {result:+.16f}")
    assert abs(result - exact) < 4e-16

# The inner derivative does not mix up its x with the outer one: d/dx [x · d/dy (x·y)] = 2x.
assert grad(lambda a: a * grad(lambda b: a * b)(a))(3.0) == 6.0
