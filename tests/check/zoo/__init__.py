"""Hand-written forward and backward passes, RIGHT and WRONG, to try a gradient checker on.

right.py and wrong.py are what students hand in; entry.py says what an Entry is and runs it.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from microgradnn.check.files.discover import Found, find

from . import inputs, right, wrong
from .entry import KINDS, Entry, Inputs, Run

__all__ = ["BY_NAME", "KINDS", "RIGHT", "WRONG", "Entry", "Inputs", "Run", "found"]


def pair(name: str, make: Any, layer: str = "", **more: Any) -> Entry:
    forward, backward = getattr(right, f"{name}_forward"), getattr(right, f"{name}_backward")
    return Entry(name, layer or name, "pair", make, forward, backward, **more)


def plain(name: str, make: Any) -> Entry:
    return Entry(name, name, "plain", make, getattr(right, name), getattr(right, f"{name}_grad"))


def loss(name: str, make: Any, layer: str = "") -> Entry:
    return Entry(name, layer or name, "loss", make, getattr(right, name))


def layer(name: str, like: str, build: Any, make: Any, **attrs: str) -> Entry:
    attrs = {k.replace("__", "."): v for k, v in attrs.items()}
    return Entry(name, like, "layer", make, build=build, attrs=attrs)


SMALL_NET = {
    "layers__0__W": (4, 5), "layers__0__b": 5, "layers__2__W": (5, 3), "layers__2__b": 3,
}  # fmt: skip

RIGHT: list[Entry] = [
    pair("affine", inputs.affine),
    pair("linear", inputs.linear, keys=("dX", "dW", "db")),
    pair("columns", inputs.columns),
    pair("dense_loops", inputs.dense, "affine"),
    pair("add", inputs.add),
    pair("scale_shift", inputs.scale_shift),
    pair("relu", inputs.one),
    pair("relu_mask", inputs.cube, "relu"),
    pair("relu_copy", inputs.one, "relu"),
    pair("relu_from_output", inputs.one, "relu"),
    pair("leaky_relu", inputs.with_static(0.1)),
    pair("prelu", inputs.add),
    pair("sigmoid", inputs.one),
    pair("sigmoid_stable", inputs.one, "sigmoid"),
    pair("tanh", inputs.cube),
    plain("softplus", inputs.one),
    pair("softplus_naive", inputs.one, "softplus"),
    pair("elu", inputs.with_static(1.3)),
    pair("gelu", inputs.one),
    plain("swish", inputs.one),
    pair("softmax", inputs.one),
    pair("softmax_rows", inputs.one, "softmax"),
    pair("log_softmax", inputs.cube),
    pair("logsumexp", inputs.one),
    loss("softmax_loss", inputs.scores),
    pair("cross_entropy", inputs.scores_onehot),
    loss("temporal_softmax_loss", inputs.captions),
    loss("svm_loss", inputs.scores),
    loss("linear_svm_loss", inputs.linear_svm),
    loss("mse_loss", inputs.targets),
    pair("mse", inputs.two_alike),
    pair("huber", inputs.huber),
    loss("bce_logits_loss", inputs.binary),
    pair("bce", inputs.probabilities),
    pair("batchnorm", inputs.batchnorm),
    pair("batchnorm_alt", inputs.batchnorm_alt, "batchnorm"),
    pair("batchnorm_eval", inputs.batchnorm_eval),
    pair("spatial_batchnorm", inputs.spatial_batchnorm),
    pair("layernorm", inputs.layernorm),
    pair("layernorm_last", inputs.layernorm_last),
    pair("groupnorm", inputs.groupnorm),
    plain("standardize", inputs.one),
    pair("l2_normalize", inputs.one),
    pair("dropout", inputs.dropout),
    pair("dropout_mask", inputs.dropout_mask),
    pair("conv_naive", inputs.conv),
    pair("conv_im2col", inputs.conv_im2col),
    pair("conv1d", inputs.conv1d),
    pair("max_pool_naive", inputs.max_pool),
    pair("max_pool_reshape", inputs.images),
    pair("avg_pool", inputs.avg_pool),
    pair("global_avg_pool", inputs.images),
    pair("max_rows", inputs.one),
    pair("rnn_step", inputs.rnn_step),
    pair("rnn", inputs.rnn),
    pair("vanilla_rnn", inputs.vanilla_rnn),
    pair("lstm_step", inputs.lstm_step, outs=2),
    pair("lstm", inputs.lstm),
    pair("gru_step", inputs.gru_step, keys=("x", "h")),
    pair("word_embedding", inputs.word_embedding),
    pair("embedding_loop", inputs.embedding),
    pair("attention", inputs.attention),
    pair("self_attention", inputs.self_attention),
    pair("cosine", inputs.two_alike),
    pair("bilinear", inputs.bilinear),
    plain("quadratic", inputs.quadratic),
    pair("cumsum", inputs.one),
    pair("outer", inputs.outer),
    pair("matmul", inputs.matmul),
    plain("polynomial", inputs.one),
    pair("affine_relu", inputs.affine_relu),
    pair("residual", inputs.residual),
    pair("shared", inputs.shared),
    layer(
        "Linear", "affine", lambda: right.Linear(4, 5),
        inputs.with_params((4,), W=(4, 5), b=5), W="dW", b="db",
    ),
    layer("ReLU", "relu", right.ReLU, inputs.one),
    layer("Sigmoid", "sigmoid", right.Sigmoid, inputs.one),
    layer(
        "BatchNorm", "batchnorm_layer", lambda: right.BatchNorm(4),
        inputs.with_params((4,), gamma=4, beta=4), gamma="dgamma", beta="dbeta",
    ),
    layer(
        "Accumulating", "linear", lambda: right.Accumulating(4, 5),
        inputs.with_params((4,), weight=(5, 4), bias=5), weight="weight_grad", bias="bias_grad",
    ),
    layer(
        "DictLinear", "affine", lambda: right.DictLinear(4, 5),
        inputs.with_params((4,), params__W=(4, 5), params__b=5),
        params__W="grads.W", params__b="grads.b",
    ),
    layer(
        "Sequential", "small_network", right.small_network,
        inputs.with_params((4,), **SMALL_NET),
        layers__0__W="layers.0.dW", layers__0__b="layers.0.db",
        layers__2__W="layers.2.dW", layers__2__b="layers.2.db",
    ),
    Entry(
        "TwoLayerNet", "two_layer_net", "net", inputs.network, build=right.TwoLayerNet,
        attrs={f"params.{name}": name for name in ("W1", "b1", "W2", "b2")},
    ),
]  # fmt: skip

BY_NAME = {entry.name: entry for entry in RIGHT}


def planted(plant: wrong.Plant) -> Entry:
    """The right entry with the mistake in it."""
    base = BY_NAME[plant.of]
    change = {
        "name": plant.name,
        "make_inputs": plant.make_inputs or base.make_inputs,
        "forward": plant.forward or base.forward,
        "backward": plant.backward or base.backward,
        "build": plant.build or base.build,
    }
    said = {name: getattr(plant, name) for name in ("of", "kind", "what", "line", "shows")}
    return replace(base, **change, **said)


WRONG: list[Entry] = [planted(plant) for plant in wrong.PLANTED]


@cache
def found() -> dict[str, Found]:
    """What the checker finds in the file of the right ones, by name; read once, it is long."""
    return {f.name: f for f in find(right)}
