"""MNIST digits with 784-128-10: the training loop in PyTorch's words.

python examples/05_mnist.py [folder with the MNIST files]; without them the small 8×8 digits of
scikit-learn are used, and the first line says so.
"""

import sys

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.data import batches, load_mnist

data = load_mnist(sys.argv[1] if len(sys.argv) > 1 else None)
print(data.source)

rng = np.random.default_rng(0)
model = nn.MLP(data.n_features, [128, data.n_classes], rng=rng)
optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
size = 32 if len(data.train) > 10_000 else 4  # the digits are few: smaller batches, as many steps
for epoch in range(3):
    for x, y in batches(data.train.x, data.train.y, batch_size=size, rng=rng):
        loss = mg.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = (model(data.test.x).data.argmax(-1) == data.test.y).mean()
    print(f"epoch {epoch}  last batch's loss {loss.item():.4f}  test accuracy {right:.4f}")

assert right > (0.95 if len(data.train) > 10_000 else 0.85)
