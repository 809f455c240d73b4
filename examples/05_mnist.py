"""MNIST digits with 784-128-10: the training loop in PyTorch's words.

python examples/05_mnist.py [--data FOLDER]. Without MNIST and without a network the small 8×8
digits of scikit-learn are used, and the first line says so.
"""

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.data import batches
from settings import arguments, mnist

args = arguments(__doc__)
data = mnist(args)
real = data.n_features == 784

rng = np.random.default_rng(0)
model = nn.MLP(data.n_features, [128, data.n_classes], rng=rng)
optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
size = 32 if real else 4  # the small digits are few: smaller batches, as many steps
for epoch in range(1 if args.quick else 3):
    for x, y in batches(data.train.x, data.train.y, batch_size=size, rng=rng):
        loss = mg.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = (model(data.test.x).data.argmax(-1) == data.test.y).mean()
    print(f"epoch {epoch}  last batch's loss {loss.item():.4f}  test accuracy {right:.4f}")

assert right > (0.95 if real and not args.quick else 0.8)
