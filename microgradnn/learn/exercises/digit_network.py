"""The exercise on a network of two layers, for MNIST."""

from typing import Any

import numpy as np

from ...engine import ops
from ...functions.losses import cross_entropy
from ..calls import Calls, digits
from ..exercise import Exercise
from ..guesses import pulled, value
from .classes_of_digits import loss_of, probabilities

NETWORK_STUB = '''
"""$title

$text
"""

import numpy as np


def forward(x, w1, b1, w2, b2):
    """$forward"""
    raise NotImplementedError


def loss_and_gradients(x, labels, w1, b1, w2, b2):
    """$loss_and_gradients"""
    raise NotImplementedError


if __name__ == "__main__":
    from microgradnn.data import batches, load_mnist

    data, rng = load_mnist(), np.random.default_rng(0)
    w1, w2 = rng.normal(0, 0.1, (data.n_features, 128)), rng.normal(0, 0.1, (128, 10))
    params = [w1, np.zeros(128), w2, np.zeros(10)]
    for epoch in range(3):
        for x, labels in batches(data.train.x, data.train.y, batch_size=100, rng=rng):
            loss, *gradients = loss_and_gradients(x, labels, *params)
            params = [p - 0.5 * g for p, g in zip(params, gradients)]
        found = forward(data.test.x, *params).argmax(axis=1)
        print("epoch", epoch, "accuracy", np.mean(found == data.test.y))
'''


def _inputs(rng: np.random.Generator) -> Any:
    sizes = ((3, 4, 5, 3), (2, 3, 2, 4), (4, 2, 3, 3))
    return [
        (digits(rng, (n, i)), rng.integers(0, o, n), digits(rng, (i, h)), digits(rng, (h,)),
         digits(rng, (h, o)), digits(rng, (o,)))
        for n, i, h, o in sizes
    ]  # fmt: skip


def _without_labels(rng: np.random.Generator) -> Any:
    return [(x, *params) for x, _, *params in _inputs(rng)]


def _bent(hidden: Any) -> Any:
    """The network with this function in its hidden layer."""

    def network(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return ops.add(ops.matmul(hidden(ops.add(ops.matmul(x, w1), b1)), w2), b2)

    return network


_network = _bent(ops.sigmoid)


def _forward(*args: Any) -> tuple[Any]:
    return (value(_network, *args),)


def _with_hidden(f: Any) -> Any:
    return lambda *args: value(_bent(f), *args)


def _network_loss(x: Any, labels: Any, *params: Any) -> tuple[Any, ...]:
    def loss(*ps: Any) -> Any:
        return cross_entropy(_network(x, *ps), labels)

    return (value(loss, *params), *pulled(loss)(1.0, *params))


def _stepwise(**change: Any) -> Any:
    """The pass written step by step, some results replaced: d of the scores, dh, dz, db2, db1.

    A change gets the result and (x, z, h, d, w2).
    """
    product, bent = pulled(ops.matmul), pulled(ops.sigmoid)

    def guess(x: Any, labels: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> tuple[Any, ...]:
        def kept(name: str, result: Any) -> Any:
            return change[name](result, x, z, h, d, w2) if name in change else result

        z = x @ w1 + b1
        h = value(ops.sigmoid, z)
        loss, d = loss_of(_forward(x, w1, b1, w2, b2)[0], labels)
        loss, d = kept("loss", loss), kept("d", d)
        dh, dw2 = product(d, kept("h", h), w2)
        dz = kept("dz", bent(kept("dh", dh), z)[0])
        dw1 = product(dz, x, w1)[1]
        sums = kept("db1", dz.sum(axis=0)), kept("db2", d.sum(axis=0))
        return loss, kept("dw1", dw1), sums[0], kept("dw2", dw2), sums[1]

    return guess


def _without_ones(x: Any, labels: Any, *params: Any) -> Any:
    """The 1 is not subtracted at the labels."""
    p = probabilities(_forward(x, *params)[0]) / len(x)
    return _stepwise(d=lambda r, *a: p)(x, labels, *params)


def _with_softmax_slope(x: Any, labels: Any, *params: Any) -> Any:
    """p * (1 - p) is multiplied in, though the gradient of softmax is in p - y already."""
    p = probabilities(_forward(x, *params)[0])
    return _stepwise(d=lambda r, *a: r * p * (1 - p))(x, labels, *params)


NETWORK = Exercise(
    "12", "mnist_mlp", NETWORK_STUB,
    (
        Calls("forward", ("scores",), _without_labels, _forward, {
            "hidden_linear": _with_hidden(lambda z: z),
            "sigmoid_flipped": _with_hidden(lambda z: ops.sigmoid(ops.neg(z))),
            "hidden_other": _with_hidden(ops.relu),
            "hidden_other+": _with_hidden(ops.tanh),
            "bias_place": lambda x, w1, b1, w2, b2: (value(ops.sigmoid, x @ w1) + b1) @ w2 + b2,
            "bias_missing": lambda x, w1, b1, w2, b2: _forward(x, w1, 0 * b1, w2, b2)[0],
            "bias_missing+": lambda x, w1, b1, w2, b2: _forward(x, w1, b1, w2, 0 * b2)[0],
            "bias_missing++": lambda x, w1, b1, w2, b2: _forward(x, w1, 0 * b1, w2, 0 * b2)[0],
            "softmax_early": lambda *args: probabilities(_forward(*args)[0]),
            "output_bent": lambda *args: value(ops.sigmoid, _forward(*args)[0]),
            "output_bent+": lambda *args: value(ops.relu, _forward(*args)[0]),
            "half_way": lambda x, w1, b1, w2, b2: value(ops.sigmoid, x @ w1 + b1),
        }, answer="""
def f(x, w1, b1, w2, b2):
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    return h @ w2 + b2
"""),
        Calls("loss_and_gradients", ("loss", "dw1", "db1", "dw2", "db2"), _inputs, _network_loss, {
            "hidden_slope": _stepwise(dz=lambda dz, x, z, h, d, w2: d @ w2.T),
            "input_for_output": _stepwise(
                dz=lambda dz, x, z, h, d, w2: d @ w2.T * (z * (1 - z))),
            "hidden_before": _stepwise(h=lambda r, x, z, h, d, w2: z),
            "mean_missing": _stepwise(
                loss=lambda r, *a: r * len(a[0]), d=lambda r, *a: r * len(a[0])),
            "mean_missing+": _stepwise(d=lambda r, *a: r * len(a[0])),
            "labels_missing": _without_ones,
            "bias_not_summed": _stepwise(db1=lambda r, x, z, h, d, w2: d @ w2.T * h * (1 - h),
                                         db2=lambda r, x, z, h, d, w2: d),
            "bias_not_summed+": _stepwise(db2=lambda r, x, z, h, d, w2: d),
            "bias_mean": _stepwise(
                db1=lambda r, *a: r / len(a[0]), db2=lambda r, *a: r / len(a[0])),
            "sign": _stepwise(d=lambda r, *a: -r),
            "slope_half": _stepwise(dz=lambda dz, x, z, h, d, w2: d @ w2.T * h),
            "slope_half+": _stepwise(dz=lambda dz, x, z, h, d, w2: d @ w2.T * (1 - h)),
            "relu_slope": _stepwise(dz=lambda dz, x, z, h, d, w2: d @ w2.T * (z > 0)),
            "tanh_slope": _stepwise(dz=lambda dz, x, z, h, d, w2: d @ w2.T * (1 - h * h)),
            "slope_alone": _stepwise(dz=lambda dz, x, z, h, d, w2: h * (1 - h)),
            "zero": lambda x, labels, *ps: (
                _network_loss(x, labels, *ps)[0], *(0 * p for p in ps)),
            "softmax_twice": _with_softmax_slope,
        }, uses={"forward": lambda *args: _forward(*args)[0]}, answer="""
def f(x, labels, w1, b1, w2, b2):
    n = len(x)
    z = x @ w1 + b1
    h = 1 / (1 + np.exp(-z))
    scores = h @ w2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    y = np.eye(scores.shape[1])[labels]
    loss = -np.log((p * y).sum(axis=1)).mean()
    d = (p - y) / n
    dh = d @ w2.T
    dz = dh * h * (1 - h)
    dw1 = x.T @ dz
    db1 = dz.sum(axis=0)
    dw2 = h.T @ d
    db2 = d.sum(axis=0)
    return loss, dw1, db1, dw2, db2
"""),
    ),
)  # fmt: skip
