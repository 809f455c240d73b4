"""MNIST 784-500-10 with L2, a decaying learning rate, averaged weights and checkpoints.

The tutorial's settings: batches of 100, weights from a normal distribution cut off at 2σ, rate
0.8 · 0.99^(epoch), λ/2 Σ w² with λ = 0.0001, decay of the average at most 0.99, 11 000 steps.
Checkpoints are written every 1 000 steps. Say where, and the run can be stopped with Ctrl-C: the
same command goes on where it was. From a second window the newest checkpoint is evaluated every
five seconds:

    python examples/08_mnist_ema.py --out runs
    python -m microgradnn watch runs/mnist_ema
"""

from functools import partial

import numpy as np

from microgradnn import nn, optim
from microgradnn.nn import init
from microgradnn.train import BackupAndRestore
from settings import Clock, arguments, folder, mnist

args = arguments(__doc__, "safetensors")
data = mnist(args)
real, size = data.n_features == 784, 100 if data.n_features == 784 else 10
per_epoch = -(-len(data.train) // size)
rng = np.random.default_rng(0)


def layer(n: int, m: int) -> nn.Linear:
    """A layer with the tutorial's start, and the penalty on its weights alone."""
    return nn.Linear(
        n,
        m,
        kernel_initializer=partial(init.truncated_normal, std=0.1),
        bias_initializer="zeros",
        kernel_regularizer=nn.L2(1e-4 / 2),
        rng=rng,
    )


model = nn.Sequential(layer(data.n_features, 500), nn.ReLU(), layer(500, data.n_classes))
rate = optim.schedules.ExponentialDecay(0.8, decay_steps=per_epoch, decay_rate=0.99)
model.compile(
    optimizer=optim.SGD(model.parameters(), lr=rate),
    loss="cross_entropy",
    metrics=["accuracy"],
    ema=optim.EMA(model, 0.99, num_updates=True),
)
checkpoints = folder(args) / "mnist_ema"
print("checkpoints:", checkpoints)
with Clock():
    history = model.fit(
        data.train.x,
        data.train.y,
        batch_size=size,
        epochs=2 if args.quick else 20,  # 20 × 550 = 11 000 steps
        validation_data=(data.validation.x, data.validation.y),
        callbacks=[BackupAndRestore(checkpoints, save_freq=1000)],
        seed=0,
        verbose=2,
    )
loss, right = model.evaluate(data.validation.x, data.validation.y)
_, test = model.evaluate(data.test.x, data.test.y)
last = history.history["loss"][-1]
print(f"validation {right:.2%}, test {test:.2%}, last training loss {last:.5f}")
if real:
    assert sum(p.size for p in model.parameters()) == 397_510
    assert right > (0.96 if args.quick else 0.983)
else:
    assert right > 0.85
