"""SGD against Adam: the same network, start and batches, two curves."""

import numpy as np

from microgradnn import nn, optim
from microgradnn.data import subset
from settings import Clock, arguments, mnist, picture

args = arguments(__doc__, "matplotlib")
data = mnist(args)
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
        epochs, validation = 4 if args.quick else 10, (data.validation.x, data.validation.y)
        how = dict(batch_size=50, epochs=epochs, seed=0, validation_data=validation, verbose=0)
        history = model.fit(train.x, train.y, **how).history
        loss, accuracy = history["loss"], history["val_accuracy"][-1]
        print(f"{name:20s} loss {loss[0]:.4f} … {loss[-1]:.4f}  accuracy {accuracy:.4f}")
        assert loss[-1] < 0.7 * loss[0]
        curves[name] = loss
picture(
    args,
    "sgd_adam.png",
    lambda axes: (
        [axes.plot(range(1, len(c) + 1), c, "o-", label=name) for name, c in curves.items()],
        axes.legend(),
        axes.set(xlabel="epoch", ylabel="training loss", yscale="log"),
    ),
)
assert curves["Adam, rate 0.001"][-1] < curves["SGD, rate 0.1"][-1]
