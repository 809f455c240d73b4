"""MNIST in Keras's words: Sequential, compile, fit, evaluate, predict; then predict by hand."""

import numpy as np

from microgradnn import nn
from microgradnn.train.metrics import ConfusionMatrix
from settings import Clock, arguments, mnist

args = arguments(__doc__)
data = mnist(args, flatten=False)
real = data.n_features == 784
x = np.concatenate([data.train.x, data.validation.x])
y = np.concatenate([data.train.y, data.validation.y])

keras = dict(kernel_initializer="glorot_uniform", bias_initializer="zeros")
rng = np.random.default_rng(0)
model = nn.Sequential(
    [
        nn.Flatten(),
        nn.Linear(data.n_features, 128, rng=rng, **keras),
        nn.ReLU(),
        nn.Linear(128, data.n_classes, rng=rng, **keras),
        nn.Softmax(),
    ]
)
print(model.summary(x.shape[1:]))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
with Clock():
    model.fit(x, y, batch_size=32, epochs=1 if args.quick else 10, seed=0, verbose=2)
loss, accuracy = model.evaluate(data.test.x, data.test.y)
print(f"test loss {loss:.4f}, accuracy {accuracy:.4f}")

# What predict() does, with nothing but matrices.
w1, b1, w2, b2 = (p.data for p in model.parameters())
h = np.maximum(np.matmul(data.test.x.reshape(len(data.test), -1), w1) + b1, 0)
z = np.matmul(h, w2) + b2
p = np.exp(z - z.max(1, keepdims=True))
p /= p.sum(1, keepdims=True)
# In float32 sums of n terms differ by about √n roundings if they are taken in another order.
rounding = data.n_features**0.5 * 2.0**-23 * (np.abs(h) @ np.abs(w2)).max()
assert np.allclose(model.predict(data.test.x), p, rtol=rounding, atol=0)
print("first test image:", p[0].argmax(), "  truth:", data.test.y[0])

# Which digits are taken for which? The errors tell more than their number.
table = ConfusionMatrix()
table.update_state(data.test.y, p)
print(table)
if real:
    assert sum(q.size for q in model.parameters()) == 101_770
    assert accuracy > (0.94 if args.quick else 0.975)
else:
    assert accuracy > 0.7
