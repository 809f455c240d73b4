"""Transfer learning: a network that knows the digits learns "is it even?" from thirty images.

Its first layers are frozen (they get no gradient, and the optimiser passes them by); only a new
last layer is trained. The same network from a random start has thirty images for everything.
"""

import numpy as np

from microgradnn import nn, optim
from settings import Clock, arguments, mnist

args = arguments(__doc__)
data = mnist(args)
real, known = data.n_features == 784, 5000 if args.quick else 50_000
few = data.train.x[-30:], data.train.y[-30:] % 2  # not among the first
test = data.test.x, data.test.y % 2


def layers(seed):
    """Two layers with ReLU."""
    rng = np.random.default_rng(seed)
    first, second = nn.Linear(data.n_features, 128, rng=rng), nn.Linear(128, 64, rng=rng)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def learn(model, x, y, **how):
    """The model, trained by Adam."""
    model.compile(optim.Adam(model.parameters(), lr=3e-3), "cross_entropy", ["accuracy"])
    model.fit(x, y, seed=0, **how)
    return model


features = layers(0)
digits = nn.Sequential(features, nn.Linear(64, data.n_classes, rng=np.random.default_rng(2)))
with Clock():
    learn(digits, data.train.x[:known], data.train.y[:known], epochs=3 if real else 15)
print(f"digits: test accuracy {digits.evaluate(data.test.x, data.test.y)[1]:.4f}")

features.requires_grad_(False)
before = features[0].weight.data.copy()
model = nn.Sequential(features, nn.Linear(64, 2, rng=np.random.default_rng(1)))
learn(model, *few, batch_size=10, epochs=30)
print(model.summary((data.n_features,)))
assert (features[0].weight.data == before).all() and features[0].weight.grad is None
assert model.num_parameters(trainable=True) == 64 * 2 + 2

alone = nn.Sequential(layers(1), nn.Linear(64, 2, rng=np.random.default_rng(1)))
learn(alone, *few, batch_size=10, epochs=30)
with_transfer, without = model.evaluate(*test)[1], alone.evaluate(*test)[1]
print(f"even or odd from 30 images: with transfer {with_transfer:.4f}, without {without:.4f}")
assert with_transfer > without
assert with_transfer > (0.85 if real else 0.7)
