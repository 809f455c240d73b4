"""The three MNIST trainings of examples 08, 09 and 10, here, in PyTorch and in Keras: seconds.

Same sizes, batches, optimisers and numbers of steps; each framework draws its own weights and
order. One thread each (set OMP_NUM_THREADS=1 too), one after the other, in one run: read ratios.
"""

import os
import time

import numpy as np

from settings import arguments, mnist

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before tensorflow is imported
args = arguments(__doc__, "torch", "tensorflow")
data = mnist(args)

import keras
import tensorflow as tf
import torch

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.data import batches

torch.set_num_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
n, c, (x, y) = data.n_features, data.n_classes, (data.train.x, data.train.y)
# name: hidden layers, activation, batch, steps, rate, λ of Σ w² (Keras), loss summed over a batch
RUNS = {
    "08: 784-500-10, SGD, L2": ((500,), "relu", 100, 11_000, 0.5, 0.5e-4, False),
    "09: 784-128-256-10, SGD, sum": ((128, 256), "sigmoid", 256, 3000, 0.001, 0.0, True),
    "10: 784-128-10, Adam": ((128,), "relu", 32, 17_180, None, 0.0, False),
}


def ours(hidden, activation, size, steps, rate, l2, total):
    """Seconds and accuracy of microgradnn, eager."""
    model = nn.MLP(n, [*hidden, c], activation, rng=np.random.default_rng(0))
    params = model.parameters()
    optimizer = optim.Adam(params) if rate is None else optim.SGD(params, lr=rate)
    rng, done, start = np.random.default_rng(0), 0, time.perf_counter()
    while done < steps:
        for images, digits in batches(x, y, batch_size=size, rng=rng):
            loss = mg.cross_entropy(model(images), digits, reduction="sum" if total else "mean")
            if l2:
                loss = loss + l2 * sum((p * p).sum() for p in params if p.ndim == 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                break
    seconds = time.perf_counter() - start
    return seconds, (model(data.test.x).data.argmax(1) == data.test.y).mean()


def pytorch(hidden, activation, size, steps, rate, l2, total):
    """Seconds and accuracy of PyTorch, eager."""
    act = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}[activation]
    widths, layers = [n, *hidden, c], []
    for a, b in zip(widths[:-1], widths[1:], strict=True):
        layers += [torch.nn.Linear(a, b), act()]
    model = torch.nn.Sequential(*layers[:-1])
    params = list(model.parameters())
    optimizer = torch.optim.Adam(params) if rate is None else torch.optim.SGD(params, lr=rate)
    criterion = torch.nn.CrossEntropyLoss(reduction="sum" if total else "mean")
    tx, ty, done, start = torch.from_numpy(x), torch.from_numpy(y), 0, time.perf_counter()
    while done < steps:
        for index in torch.randperm(len(x)).split(size):
            loss = criterion(model(tx[index]), ty[index])
            if l2:
                loss = loss + l2 * sum((p * p).sum() for p in params if p.ndim == 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                break
    seconds = time.perf_counter() - start
    with torch.no_grad():
        right = (model(torch.from_numpy(data.test.x)).numpy().argmax(1) == data.test.y).mean()
    return seconds, right


def in_keras(hidden, activation, size, steps, rate, l2, total):
    """Seconds and accuracy of Keras on TensorFlow, fit() with its compiled step."""
    penalty = keras.regularizers.L2(l2) if l2 else None
    layers = [keras.layers.Dense(m, activation, kernel_regularizer=penalty) for m in hidden]
    last = keras.layers.Dense(c, kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((n,)), *layers, last])
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum" if total else "sum_over_batch_size"
    )
    optimizer = keras.optimizers.Adam() if rate is None else keras.optimizers.SGD(rate)
    model.compile(optimizer, loss)
    per_epoch = -(-len(x) // size)
    start = time.perf_counter()
    whole, rest = divmod(steps, per_epoch)
    if whole:
        model.fit(x, y, batch_size=size, epochs=whole, verbose=0)
    if rest:
        model.fit(x, y, batch_size=size, epochs=1, steps_per_epoch=rest, verbose=0)
    seconds = time.perf_counter() - start
    return seconds, (model.predict(data.test.x, verbose=0).argmax(1) == data.test.y).mean()


for name, settings in RUNS.items():
    if args.quick:
        settings = (*settings[:3], 30, *settings[4:])
    print(f"{name}, {settings[3]} steps")
    for framework in (ours, pytorch, in_keras):
        seconds, accuracy = framework(*settings)
        each = 1e3 * seconds / settings[3]
        label = {"ours": "microgradnn", "in_keras": "Keras"}.get(framework.__name__, "PyTorch")
        print(f"  {label:12s} {seconds:6.1f} s  {each:6.2f} ms a step  accuracy {accuracy:.4f}")
        assert args.quick or n != 784 or accuracy > 0.9
