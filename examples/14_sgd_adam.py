"""SGD against Adam: the same network, start and batches, two curves."""

import numpy as np
from settings import Clock, arguments, picture

from microgradnn import nn, optim
from microgradnn.data import load_mnist, subset

args = arguments(__doc__)
data = load_mnist(args.data)
print(data.source)
real = data.n_features == 784
n = 1000 if args.quick or not real else 10_000
train = subset(data.train, n, np.random.default_rng(0))
optimizers = {
    "SGD, rate 0.1": lambda params: optim.SGD(params, lr=0.1),
    "SGD with momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "Adam, rate 0.001": lambda params: optim.Adam(params, lr=0.001),
}
curves = {}
with Clock():
    for name, optimizer in optimizers.items():
        model = nn.MLP(data.n_features, [128, data.n_classes], rng=np.random.default_rng(0))
        model.compile(optimizer, "cross_entropy", ["accuracy"])
        history = model.fit(
            train.x, train.y, batch_size=50, epochs=4 if args.quick else 10, seed=0,
            validation_data=(data.validation.x, data.validation.y), verbose=0,
        ).history  # fmt: skip
        curves[name] = history["loss"]
        print(f"{name:20s} loss {history['loss'][0]:.4f} … {history['loss'][-1]:.4f}  "
              f"validation accuracy {history['val_accuracy'][-1]:.4f}")  # fmt: skip
        assert history["loss"][-1] < 0.7 * history["loss"][0]
picture(
    args.out / "sgd_adam.png",
    lambda axes: (
        [axes.plot(range(1, len(c) + 1), c, "o-", label=name) for name, c in curves.items()],
        axes.legend(),
        axes.set(xlabel="epoch", ylabel="training loss", yscale="log"),
    ),
)
assert curves["Adam, rate 0.001"][-1] < curves["SGD, rate 0.1"][-1]
