"""The backward pass of a net with two layers, printed: the page of a textbook, and it runs.

mg.compile runs the loss once, writes down what it does, and adds what the rules of the table say.
The text needs NumPy only; it computes what microgradnn computes, to the last bit.
"""

import numpy as np

import microgradnn as mg
from microgradnn import Value


@mg.compile
def loss(weights, x, target):
    W1, b1, W2, b2 = weights
    h = np.tanh(x @ W1 + b1)
    y = h @ W2 + b2
    return np.mean((y - target) ** 2)


x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
target = np.array([[0], [1], [1], [0]], float)  # XOR
rng = np.random.default_rng(0)
weights = [rng.normal(size=shape) for shape in ((2, 4), (4,), (4, 1), (1,))]

value, gradients = loss(weights, x, target)
print(loss.source)

# The text alone: a namespace with nothing in it.
alone = {}
exec(loss.source, alone)
again, slopes = alone["loss_and_gradient"](*weights, x, target)
assert value == again
assert all(np.array_equal(g, s) for g, s in zip(gradients, slopes, strict=True))

# Gradient descent with it.
for _ in range(300):
    value, gradients = loss(weights, x, target)
    weights = [w - 0.2 * g for w, g in zip(weights, gradients, strict=True)]
print(f"after 300 steps: loss {value:.4f}")
assert value < 0.01


# A program of single numbers, in JavaScript and C too.
def neuron(x, w, b):
    return (x * w + b).tanh()


step = mg.compile(neuron, argnums=(0, 1, 2))
output, slopes = step(Value(2.0), Value(-3.0), Value(6.88))
print(step.source_in("js"))
assert "const dx = dz * w;" in step.source_in("js")
assert round(slopes[1].data, 6) == 1.001943
