"""Special points, as one literal table: where the frameworks differ from each other or from us.

An upgrade of a framework that changes one of its conventions fails here, with the point's name.
The rows were measured with torch 2.13, TensorFlow 2.21 and Keras 3.15, JAX 0.10, in float64. A
framework that is not installed is skipped. Signs of zero are not compared, nan equals nan.
"""

from collections.abc import Callable, Iterator
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
import microgradnn.nn.functional as nnf

from .frameworks import Lazy
from .frameworks import framework as imported

torch, F, tf, keras, jax, jnp = map(
    Lazy, ("torch", "torch.nn.functional", "tensorflow", "keras", "jax", "jax.numpy")
)
MODULES = dict(torch="torch", tf="tensorflow", keras="keras", jax="jax")


def same_names(name: str, **others: Any) -> dict[str, Any]:
    """The function that NumPy, torch, TensorFlow and JAX call the same."""
    modules = dict(ours=np, torch=torch, tf=tf, jax=jnp)
    return {key: getattr(module, name) for key, module in modules.items()} | others


def for_all(f: Callable[..., Any]) -> dict[str, Any]:
    """An expression of Python's operators alone."""
    return dict.fromkeys(("ours", "torch", "tf", "jax"), f)


RISING = np.array([1.0, 2.0, 3.0])
BOTH = np.array([[1.0, 1.0, 0.0]])
FIRST, SECOND = np.array([1.0, 0.0]), np.array([0.0, 1.0])
t = torch.tensor

# fmt: off
#  What is called in each framework.
FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {
    "relu":            dict(ours=mg.relu, torch=F.relu, tf=tf.nn.relu, jax=jax.nn.relu),
    "relu6":           dict(ours=mg.relu6, torch=F.relu6, tf=tf.nn.relu6, jax=jax.nn.relu6),
    "leaky_relu":      dict(ours=mg.leaky_relu, torch=F.leaky_relu, tf=tf.nn.leaky_relu, keras=lambda x: keras.layers.LeakyReLU(dtype="float64")(x), jax=jax.nn.leaky_relu),
    "elu":             dict(ours=mg.elu, torch=F.elu, tf=tf.nn.elu, jax=jax.nn.elu),
    "elu(x, 2)":       dict(ours=lambda x: mg.elu(x, 2.0), torch=lambda x: F.elu(x, 2.0), keras=lambda x: keras.activations.elu(x, 2.0), jax=lambda x: jax.nn.elu(x, 2.0)),
    "selu":            dict(ours=nnf.selu, torch=F.selu, tf=tf.nn.selu, jax=jax.nn.selu),
    "gelu":            dict(ours=nnf.gelu, torch=F.gelu, tf=tf.nn.gelu, keras=keras.ops.gelu, jax=jax.nn.gelu),
    "hardsigmoid":     dict(ours=nnf.hardsigmoid, torch=F.hardsigmoid, keras=keras.activations.hard_sigmoid, jax=jax.nn.hard_sigmoid),
    "hardtanh":        dict(ours=nnf.hardtanh, torch=F.hardtanh, keras=keras.activations.hard_tanh, jax=jax.nn.hard_tanh),
    "hardswish":       dict(ours=nnf.hardswish, torch=F.hardswish, keras=keras.activations.hard_swish, jax=jax.nn.hard_swish),
    "softplus":        dict(ours=mg.softplus, torch=F.softplus, tf=tf.nn.softplus, jax=jax.nn.softplus),
    "sigmoid":         dict(ours=mg.sigmoid, torch=torch.sigmoid, tf=tf.sigmoid, jax=jax.nn.sigmoid),
    "silu":            dict(ours=nnf.silu, torch=F.silu, tf=tf.nn.silu, jax=jax.nn.silu),
    "abs":             same_names("abs"),
    "sign":            same_names("sign"),
    "floor":           same_names("floor"),
    "round":           same_names("round"),
    "a // b":          for_all(lambda a, b: a // b),
    "a % b":           for_all(lambda a, b: a % b),
    "a / b":           for_all(lambda a, b: a / b),
    "a · b":           for_all(lambda a, b: a * b),
    "1 / x":           for_all(lambda x: 1.0 / x),
    "a ** b":          for_all(lambda a, b: a**b),
    "x ** 0":          for_all(lambda x: x**0),
    "x ** 0.0":        for_all(lambda x: x**0.0),
    "x, y → x":        for_all(lambda x, y: x * 1.0),
    "x ** .5":         for_all(lambda x: x**0.5),
    "0 ** y":          for_all(lambda y: 0.0**y),
    "sqrt":            same_names("sqrt"),
    "exp":             same_names("exp"),
    "tanh":            same_names("tanh"),
    "log":             same_names("log", tf=tf.math.log),
    "log1p":           same_names("log1p", tf=tf.math.log1p),
    "reciprocal":      same_names("reciprocal", tf=tf.math.reciprocal),
    "rsqrt":           dict(torch=torch.rsqrt, tf=tf.math.rsqrt, jax=jax.lax.rsqrt),
    "x · log x":       dict(ours=lambda x: x * np.log(x), torch=lambda x: x * torch.log(x), tf=lambda x: x * tf.math.log(x), jax=lambda x: x * jnp.log(x)),
    "xlogy":           dict(ours=mg.xlogy, torch=torch.xlogy, tf=tf.math.xlogy, jax=jax.scipy.special.xlogy),
    "maximum":         same_names("maximum"),
    "minimum":         same_names("minimum"),
    "maximum(x, x)":   dict(ours=lambda x: np.maximum(x, x), torch=lambda x: torch.maximum(x, x), tf=lambda x: tf.maximum(x, x), jax=lambda x: jnp.maximum(x, x)),
    "clip(x, 1, 2)":   dict(ours=lambda x: np.clip(x, 1, 2), torch=lambda x: torch.clamp(x, 1, 2), tf=lambda x: tf.clip_by_value(x, 1, 2), jax=lambda x: jnp.clip(x, 1, 2)),
    "clip(x, 2, 1)":   dict(ours=lambda x: np.clip(x, 2, 1), torch=lambda x: torch.clamp(x, 2, 1), tf=lambda x: tf.clip_by_value(x, 2, 1), jax=lambda x: jnp.clip(x, 2, 1)),
    "clip(min=0)":     dict(ours=lambda x: mg.clip(x, min=0), torch=lambda x: torch.clamp(x, min=0), jax=lambda x: jnp.clip(x, min=0)),
    "max":             same_names("max", tf=tf.reduce_max),
    "min":             same_names("min", tf=tf.reduce_min),
    "max(axis=0)":     dict(ours=lambda x: np.max(x, axis=0), torch=lambda x: torch.max(x, 0).values, tf=lambda x: tf.reduce_max(x, 0), jax=lambda x: jnp.max(x, 0)),
    "amax(axis=0)":    dict(ours=lambda x: np.amax(x, axis=0), torch=lambda x: torch.amax(x, 0)),
    "max_pool2d":      dict(ours=lambda x: nnf.max_pool2d(x, 2), torch=lambda x: F.max_pool2d(x, 2), tf=lambda x: tf.nn.max_pool2d(tf.transpose(x, [0, 2, 3, 1]), 2, 2, "VALID"), jax=lambda x: jax.lax.reduce_window(x, -inf, imported("jax").lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")),
    "sum":             same_names("sum", tf=tf.reduce_sum),
    "mean":            same_names("mean", tf=tf.reduce_mean),
    "prod":            same_names("prod", tf=tf.reduce_prod),
    "cumprod":         dict(ours=np.cumprod, torch=lambda x: torch.cumprod(x, 0), tf=tf.math.cumprod, jax=jnp.cumprod),
    "norm":            dict(ours=np.linalg.norm, torch=torch.linalg.norm, tf=tf.norm, jax=jnp.linalg.norm),
    "norm(ord=1)":     dict(ours=lambda x: np.linalg.norm(x, 1), torch=lambda x: torch.linalg.norm(x, 1), tf=lambda x: tf.norm(x, 1), jax=lambda x: jnp.linalg.norm(x, 1)),
    "norm(ord=inf)":   dict(ours=lambda x: np.linalg.norm(x, inf), torch=lambda x: torch.linalg.norm(x, inf), tf=lambda x: tf.norm(x, inf), jax=lambda x: jnp.linalg.norm(x, inf)),
    "normalize":       dict(ours=lambda x: nnf.normalize(x, dim=0), torch=lambda x: F.normalize(x, dim=0), tf=tf.math.l2_normalize, keras=keras.ops.normalize),
    "std":             dict(ours=np.std, torch=lambda x: torch.std(x, correction=0), tf=tf.math.reduce_std, jax=jnp.std),
    "std(default)":    dict(ours=np.std, torch=torch.std, tf=tf.math.reduce_std, jax=jnp.std),
    "var":             dict(ours=np.var, torch=lambda x: torch.var(x, correction=0), tf=tf.math.reduce_variance, jax=jnp.var),
    "var(default)":    dict(ours=np.var, torch=torch.var, tf=tf.math.reduce_variance, jax=jnp.var),
    "arctan2":         dict(ours=np.arctan2, torch=torch.atan2, tf=tf.atan2, jax=jnp.arctan2),
    "hypot":           dict(ours=np.hypot, torch=torch.hypot, keras=keras.ops.hypot, jax=jnp.hypot),
    "√(a² + b²)":      dict(ours=lambda a, b: np.sqrt(a * a + b * b), torch=lambda a, b: torch.sqrt(a * a + b * b), tf=lambda a, b: tf.sqrt(a * a + b * b), jax=lambda a, b: jnp.sqrt(a * a + b * b)),
    "logaddexp":       dict(ours=np.logaddexp, torch=torch.logaddexp, keras=keras.ops.logaddexp, jax=jnp.logaddexp),
    "logsumexp":       dict(ours=mg.logsumexp, torch=lambda x: torch.logsumexp(x, 0), tf=tf.reduce_logsumexp, jax=jax.nn.logsumexp),
    "softmax":         dict(ours=mg.softmax, torch=lambda x: F.softmax(x, 0), tf=tf.nn.softmax, jax=jax.nn.softmax),
    "log_softmax":     dict(ours=mg.log_softmax, torch=lambda x: F.log_softmax(x, 0), tf=tf.nn.log_softmax, jax=jax.nn.log_softmax),
    "sort · 1, 2, 3":  dict(ours=lambda x: np.sort(x) * RISING, torch=lambda x: torch.sort(x).values * t(RISING), tf=lambda x: tf.sort(x) * RISING, jax=lambda x: jnp.sort(x) * RISING),
    "sort descending · 1, 2, 3": dict(torch=lambda x: torch.sort(x, descending=True).values * t(RISING), tf=lambda x: tf.sort(x, direction="DESCENDING") * RISING, jax=lambda x: jnp.sort(x, descending=True) * RISING),
    "median":          dict(ours=np.median, torch=torch.median, jax=jnp.median),
    "where(x > 0, log x, 0)":    dict(ours=lambda x: mg.where(x > 0, np.log(x), 0.0), torch=lambda x: torch.where(x > 0, torch.log(x), 0.0), tf=lambda x: tf.where(x > 0, tf.math.log(x), 0.0), jax=lambda x: jnp.where(x > 0, jnp.log(x), 0.0)),
    "where(x > 0, sqrt x, 0)":   dict(ours=lambda x: mg.where(x > 0, np.sqrt(x), 0.0), torch=lambda x: torch.where(x > 0, torch.sqrt(x), 0.0), tf=lambda x: tf.where(x > 0, tf.sqrt(x), 0.0), jax=lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)),
    "where(x < 0, exp x, x)":    dict(ours=lambda x: mg.where(x < 0, np.exp(x), x), torch=lambda x: torch.where(x < 0, torch.exp(x), x), tf=lambda x: tf.where(x < 0, tf.exp(x), x), jax=lambda x: jnp.where(x < 0, jnp.exp(x), x)),
    "x[[-1]]":         dict(ours=lambda x: x[[-1]], torch=lambda x: x[[-1]], tf=lambda x: tf.gather(x, [-1]), jax=lambda x: x[jnp.array([-1])]),
    "x[[5]]":          dict(ours=lambda x: x[[5]], torch=lambda x: x[[5]], tf=lambda x: tf.gather(x, [5]), jax=lambda x: x[jnp.array([5])]),
    "x[[1, 1]]":       dict(ours=lambda x: x[[1, 1]], torch=lambda x: x[[1, 1]], tf=lambda x: tf.gather(x, [1, 1]), jax=lambda x: x[jnp.array([1, 1])]),
    "det":             dict(ours=np.linalg.det, torch=torch.linalg.det, tf=tf.linalg.det, jax=jnp.linalg.det),
    "mse":             dict(ours=nnf.mse_loss, torch=F.mse_loss, keras=keras.losses.mean_squared_error),
    "l1":              dict(ours=nnf.l1_loss, torch=F.l1_loss, keras=keras.losses.mean_absolute_error, jax=lambda a, b: abs(a - b).mean()),
    "mse of (3, 1) and (3,)":    dict(ours=lambda p: nnf.mse_loss(p, RISING), torch=lambda p: F.mse_loss(p, t(RISING)), keras=lambda p: keras.losses.mean_squared_error(RISING, p)),
    "huber(δ=2)":      dict(ours=lambda x: nnf.huber_loss(x, np.zeros(1), delta=2.0), torch=lambda x: F.huber_loss(x, t(np.zeros(1)), delta=2.0), keras=lambda x: keras.losses.huber([0.0], x, delta=2.0)),
    "smooth_l1(β=2)":  dict(ours=lambda x: nnf.smooth_l1_loss(x, np.zeros(1), beta=2.0), torch=lambda x: F.smooth_l1_loss(x, t(np.zeros(1)), beta=2.0)),
    "bce(p, 1)":       dict(ours=lambda p: nnf.binary_cross_entropy(p, np.ones(1)), torch=lambda p: F.binary_cross_entropy(p, t(np.ones(1))), keras=lambda p: keras.losses.binary_crossentropy([1.0], p)),
    "bce(p, 1, clip_eps)":       dict(ours=lambda p: nnf.binary_cross_entropy(p, np.ones(1), clip_eps=1e-7)),
    "bce_with_logits": dict(ours=mg.binary_cross_entropy_with_logits, torch=F.binary_cross_entropy_with_logits, tf=lambda z, t: tf.nn.sigmoid_cross_entropy_with_logits(t, z)),
    "ce(z, [1, 1, 0])":          dict(ours=lambda z: mg.cross_entropy(z, BOTH), torch=lambda z: F.cross_entropy(z, t(BOTH)), tf=lambda z: tf.nn.softmax_cross_entropy_with_logits(BOTH, z)),
    "ce(z, [1, 0])":             dict(ours=lambda z: mg.cross_entropy(z, FIRST[None]), torch=lambda z: F.cross_entropy(z, t(FIRST[None])), tf=lambda z: tf.nn.softmax_cross_entropy_with_logits(FIRST[None], z)),
    "ce(z, 0)":        dict(ours=lambda z: mg.cross_entropy(z, np.array([0])), torch=lambda z: F.cross_entropy(z, t([0])), tf=lambda z: tf.nn.sparse_softmax_cross_entropy_with_logits([0], z)),
    "ce(z, 5)":        dict(ours=lambda z: mg.cross_entropy(z, np.array([5])), torch=lambda z: F.cross_entropy(z, t([5])), tf=lambda z: tf.nn.sparse_softmax_cross_entropy_with_logits([5], z)),
    "ce(z, [0, -100])":          dict(ours=lambda z: mg.cross_entropy(z, np.array([0, -100])), torch=lambda z: F.cross_entropy(z, t([0, -100])), tf=lambda z: tf.nn.sparse_softmax_cross_entropy_with_logits([0, -100], z)),
    "-log p₀":         dict(ours=lambda p: nnf.nll_loss(np.log(p), np.array([0])), torch=lambda p: F.nll_loss(torch.log(p), t([0])), keras=lambda p: keras.losses.categorical_crossentropy(FIRST[None], p)),
    "-log softmax(z)₀":          dict(ours=lambda z: nnf.nll_loss(np.log(mg.softmax(z)), np.array([0])), torch=lambda z: F.nll_loss(torch.log(F.softmax(z, -1)), t([0])), tf=lambda z: keras.losses.categorical_crossentropy(FIRST[None], tf.nn.softmax(z)), keras=lambda z: keras.losses.categorical_crossentropy(FIRST[None], keras.activations.softmax(z))),
    "kl(q, [0, 1])":   dict(ours=lambda q: nnf.kl_div(np.log(q), SECOND, "sum"), torch=lambda q: F.kl_div(torch.log(q), t(SECOND), reduction="sum"), keras=lambda q: keras.losses.kl_divergence(SECOND, q)),
    "hinge(margin - x)":         dict(ours=lambda x: nnf.hinge_embedding_loss(x, -np.ones(1)), torch=lambda x: F.hinge_embedding_loss(x, t(-np.ones(1))), keras=lambda x: keras.losses.hinge([1.0], x), jax=lambda x: jnp.maximum(1 - x, 0).sum()),
    "multi_margin":    dict(ours=lambda x: nnf.multi_margin_loss(x, np.array([0])), torch=lambda x: F.multi_margin_loss(x, t([0])), keras=lambda x: keras.losses.categorical_hinge([[1.0, 0.0, 0.0]], x)),
    "poisson":         dict(ours=lambda p: nnf.poisson_nll_loss(p, np.ones(1), log_input=False), torch=lambda p: F.poisson_nll_loss(p, t(np.ones(1)), log_input=False), keras=lambda p: keras.losses.poisson(np.ones(1), p)),
    "cosine":          dict(ours=lambda x: nnf.cosine_similarity(x, SECOND, dim=0), torch=lambda x: F.cosine_similarity(x, t(SECOND), dim=0), keras=lambda x: keras.losses.cosine_similarity(SECOND, x)),
}
ALL = "ours torch tf jax"

#  function, inputs, {frameworks: (value, gradient for each input)}, why ours. An error is named.
POINTS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("relu", (0.0,), {ALL: (0, 0)}, "0 at the kink"),
    ("relu", (nan,), {"ours tf jax": (nan, 0), "torch": (nan, 1)}, "closed unless x > 0"),
    ("maximum", (0.0, 0.0), {"ours torch jax": (0, 0.5, 0.5), "tf": (0, 1, 0)}, "not relu; TF gives all to the first"),
    ("maximum", (1.0, 1.0), {"ours torch jax": (1, 0.5, 0.5), "tf": (1, 1, 0)}, "symmetric"),
    ("minimum", (1.0, 1.0), {"ours torch jax": (1, 0.5, 0.5), "tf": (1, 1, 0)}, "the same"),
    ("maximum", (2.0, nan), {"ours jax": (nan, 0, 0), "torch": (nan, 1, 1), "tf": (nan, 0, 1)}, "neither was chosen"),
    ("maximum(x, x)", (3.0,), {ALL: (3, 1)}, ""),
    ("clip(min=0)", (0.0,), {"ours torch": (0, 1), "jax": (0, 0.5)}, "1 at the bounds"),
    ("clip(x, 1, 2)", ([1.0, 2.0],), {"ours torch tf": ([1, 2], [1, 1]), "jax": ([1, 2], [0.5, 0.5])}, "1 at the bounds"),
    ("clip(x, 2, 1)", (1.5,), {"ours torch jax": (1, 0), "tf": (2, 0)}, "min > max: NumPy's max wins"),
    ("hardtanh", ([-1.0, 1.0],), {"ours keras jax": ([-1, 1], [1, 1]), "torch": ([-1, 1], [0, 0])}, "hardtanh is clip"),
    ("relu6", ([0.0, 6.0],), {ALL: ([0, 6], [0, 0])}, "0 at both kinks, unlike clip"),
    ("hardsigmoid", ([-3.0, 3.0],), {"ours torch keras jax": ([0, 1], [0, 0])}, "it is relu6"),
    ("hardsigmoid", (1.0,), {"ours keras jax": (2 / 3, 1 / 6), "torch": (2 / 3, float(np.float32(1 / 6)))}, "torch leaks float32"),
    ("hardswish", ([-3.0, 3.0],), {"ours torch keras jax": ([0, 3], [0, 1])}, "x·relu6(x + 3)/6"),
    ("leaky_relu", (0.0,), {"ours torch": (0, 0.01), "tf": (0, float(np.float32(0.2))), "keras": (0, float(np.float32(0.3))), "jax": (0, 1)}, "left slope; three defaults, two in float32"),
    ("elu", (0.0,), {ALL: (0, 1)}, ""),
    ("elu(x, 2)", (0.0,), {"ours torch keras jax": (0, 2)}, "left slope"),
    ("elu", (1000.0,), {ALL: (1000, 1)}, "no inf·0 from the branch not taken"),
    ("selu", (0.0,), {"ours torch jax": (0, 1.7580993408473768), "tf": (0, 1.0507009873554805)}, "left slope λα; TF has the right slope λ"),
    ("gelu", (1.0,), {"ours torch tf": (0.8413447460685429, 1.0833154705876864), "keras jax": (0.8411919906082768, 1.0829640838457826)}, "erf; tanh is an option"),
    ("silu", (1000.0,), {ALL: (1000, 1)}, "limit"),
    ("softplus", (20.5,), {"ours tf jax": (20.5 + 1.2501528648238605e-09, 1 - 1.2501528632611694e-09), "torch": (20.5, 1)}, "no threshold"),
    ("softplus", ([-1000.0, 1000.0],), {ALL: ([0, 1000], [0, 1])}, "limits"),
    ("sigmoid", (40.0,), {ALL: (1, 0)}, "s(1 - s)"),
    ("tanh", (1000.0,), {ALL: (1, 0)}, "saturated"),
    ("abs", (0.0,), {"ours torch tf": (0, 0), "jax": (0, 1)}, "symmetric"),
    ("abs", (nan,), {"ours tf": (nan, nan), "torch": (nan, 0), "jax": (nan, -1)}, "no sign, no slope"),
    ("sign", (nan,), {"ours": (nan, 0), "torch": (0, 0), "tf": (nan, 0), "jax": (nan, 0)}, "nan passes"),
    ("floor", (1.5,), {"ours torch jax": (1, 0), "tf": (1, None)}, "flat: zero, never missing"),
    ("round", (2.5,), {"ours torch jax": (2, 0), "tf": (2, None)}, "half to even everywhere"),
    ("a // b", (-7.0, 2.0), {"ours jax": (-4, 0, 0), "torch": "RuntimeError", "tf": (-4, None, None)}, "flat"),
    ("a % b", (-7.0, 2.0), {ALL: (1, 1, 4)}, "of the divisor's sign"),
    ("x, y → x", (1.0, 2.0), {"ours torch tf": (1, 1, None), "jax": (1, 1, 0)}, "an input that is not used"),
    ("a / b", (1.0, 0.0), {ALL: (inf, inf, -inf)}, "IEEE"),
    ("a / b", (0.0, 0.0), {ALL: (nan, inf, nan)}, "IEEE"),
    ("1 / x", (0.0,), {ALL: (inf, -inf)}, "IEEE"),
    ("a · b", (5e-310, 0.5), {"ours torch": (2.5e-310, 0.5, 5e-310), "tf jax": (0, 0.5, 0)}, "TF and JAX flush subnormals"),
    ("a ** b", (0.0, 0.0), {"ours torch": (1, 0, 0), "tf jax": (1, nan, 0)}, "x**0 is flat"),
    ("a ** b", (0.0, 2.0), {ALL: (0, 0, 0)}, ""),
    ("a ** b", (0.0, 0.5), {ALL: (0, inf, 0)}, ""),
    ("a ** b", (0.0, 1.0), {ALL: (0, 1, 0)}, ""),
    ("a ** b", (0.0, -1.0), {"ours torch": (inf, -inf, -inf), "tf jax": (inf, -inf, nan)}, "the limit"),
    ("a ** b", (-2.0, 2.0), {"ours torch jax": (4, -4, nan), "tf": (4, -4, 0)}, "log of a negative base is nan"),
    ("a ** b", (-2.0, 0.5), {ALL: (nan, nan, nan)}, "never complex"),
    ("x ** 0", ([-2.0, 0.0, nan],), {"ours torch jax": ([1, 1, 1], [0, 0, 0]), "tf": ([1, 1, 1], [0, nan, nan])}, "flat, also at nan"),
    ("x ** 0.0", ([-2.0, 0.0, nan],), {"ours torch": ([1, 1, 1], [0, 0, 0]), "tf jax": ([1, 1, 1], [0, nan, nan])}, "the same; JAX has a rule for integers alone"),
    ("x ** .5", (0.0,), {ALL: (0, inf)}, ""),
    ("0 ** y", ([0.0, 2.0, -1.0],), {"ours torch": ([1, 0, inf], [0, 0, -inf]), "tf jax": ([1, 0, inf], [0, 0, nan])}, "as a ** b"),
    ("sqrt", ([0.0, -1.0],), {ALL: ([0, nan], [inf, nan])}, "IEEE"),
    ("log", ([0.0, -1.0],), {ALL: ([-inf, nan], [inf, -1])}, "1/x, also below 0"),
    ("log1p", (-1.0,), {ALL: (-inf, inf)}, "IEEE"),
    ("exp", (1000.0,), {ALL: (inf, inf)}, "IEEE"),
    ("exp", (-740.0,), {"ours torch": (4.2e-322, 4.2e-322), "tf jax": (0, 0)}, "TF and JAX flush subnormals"),
    ("x · log x", (0.0,), {ALL: (nan, nan)}, "a plain product; xlogy knows better"),
    ("xlogy", (0.0, 0.0), {"ours tf": (0, 0, 0), "torch": (0, 0, nan), "jax": (0, -inf, nan)}, "0·log y is flat in y"),
    ("where(x > 0, log x, 0)", (0.0,), {ALL: (0, nan)}, "0·inf; use the double where"),
    ("where(x > 0, sqrt x, 0)", ([0.0, -1.0],), {"ours torch jax": ([0, 0], [nan, nan]), "tf": ([0, 0], [0, 0])}, "TF's sqrt stops a zero"),
    ("where(x < 0, exp x, x)", (1000.0,), {ALL: (1000, nan)}, "0·inf"),
    ("max", ([3.0, 3.0, 1.0],), {ALL: (3, [0.5, 0.5, 0])}, "ties share"),
    ("min", ([2.0, 2.0, 2.0, 5.0],), {ALL: (2, [1 / 3, 1 / 3, 1 / 3, 0])}, "ties share"),
    ("max(axis=0)", ([3.0, 3.0, 1.0],), {"ours tf jax": (3, [0.5, 0.5, 0]), "torch": (3, [1, 0, 0])}, "as without axis"),
    ("amax(axis=0)", ([3.0, 3.0, 1.0],), {"ours torch": (3, [0.5, 0.5, 0])}, "torch's other maximum"),
    ("max", ([1.0, nan],), {"ours tf jax": (nan, [nan, nan]), "torch": (nan, [0, 1])}, "nan equals nothing: 0/0; torch gives all to the nan"),
    ("max", ([],), {"ours": "ShapeError", "torch": "RuntimeError", "tf": (-inf, []), "jax": "ValueError"}, "there is none"),
    ("max_pool2d", ([[[[1.0, 1.0], [1.0, 1.0]]]],), {ALL: ([[[[1]]]], [[[[1, 0], [0, 0]]]])}, "the first: a choice, not a maximum"),
    ("sum", ([],), {ALL: (0, [])}, ""),
    ("mean", ([],), {ALL: (nan, [])}, "without a warning"),
    ("prod", ([2.0, 0.0, 3.0],), {ALL: (0, [0, 6, 0])}, "nothing is divided"),
    ("prod", ([0.0, 0.0, 3.0],), {ALL: (0, [0, 0, 0])}, ""),
    ("cumprod", ([2.0, 0.0, 3.0],), {"ours torch jax": ([2, 0, 0], [1, 8, 0]), "tf": ([2, 0, 0], [1, 0, 0])}, "TF's is wrong"),
    ("norm", ([0.0, 0.0],), {"ours torch": (0, [0, 0]), "tf jax": (0, [nan, nan])}, "the least subgradient"),
    ("norm(ord=1)", ([0.0, -2.0],), {"ours torch tf": (2, [0, -1]), "jax": (2, [1, -1])}, "as abs"),
    ("norm(ord=inf)", ([2.0, -2.0, 1.0],), {ALL: (2, [0.5, -0.5, 0])}, "as max"),
    ("normalize", ([0.0, 0.0],), {"ours torch": ([0, 0], [1e12, 1e12]), "tf": ([0, 0], [1e6, 1e6]), "keras": ([0, 0], [1e7, 1e7])}, "x / max(‖x‖, 1e-12)"),
    ("std", ([2.0, 2.0],), {"ours torch": (0, [0, 0]), "tf jax": (0, [nan, nan])}, "as norm"),
    ("std", ([2.0],), {"ours torch": (0, [0]), "tf jax": (0, [nan])}, "as norm"),
    ("std(default)", ([2.0],), {"ours": (0, [0]), "torch": (nan, [nan]), "tf jax": (0, [nan])}, "NumPy: ddof=0"),
    ("var(default)", ([1.0, 3.0],), {"ours tf jax": (1, [-1, 1]), "torch": (2, [-2, 2])}, "NumPy: ddof=0"),
    ("var", ([2.0],), {ALL: (0, [0])}, ""),
    ("arctan2", (0.0, 0.0), {"ours torch": (0, 0, 0), "tf jax": (0, nan, nan)}, "no direction, no slope"),
    ("hypot", (0.0, 0.0), {"ours keras": (0, 0, 0), "torch": (0, nan, nan), "jax": (0, 0.5, 0.5)}, "as norm"),
    ("√(a² + b²)", (0.0, 0.0), {ALL: (0, nan, nan)}, "inf·0"),
    ("logaddexp", (0.0, 0.0), {"ours torch jax": (log(2), 0.5, 0.5), "keras": (log(2), 1, 0)}, "softmax; Keras's is wrong"),
    ("logaddexp", (-inf, -inf), {"ours torch keras jax": (-inf, nan, nan)}, ""),
    ("logsumexp", ([-inf, 0.0],), {ALL: (0, [0, 1])}, ""),
    ("logsumexp", ([-inf, -inf],), {ALL: (-inf, [nan, nan])}, ""),
    ("logsumexp", ([inf, 0.0],), {ALL: (inf, [nan, 0])}, ""),
    ("softmax", ([-inf, -inf],), {ALL: ([nan, nan], [nan, nan])}, ""),
    ("log_softmax", ([1e4, 0.0, -1e4],), {ALL: ([0, -1e4, -2e4], [-2, 1, 1])}, "1 - 3·softmax"),
    ("sort · 1, 2, 3", ([2.0, 1.0, 1.0],), {ALL: ([1, 2, 6], [3, 1, 2])}, "stable"),
    ("sort descending · 1, 2, 3", ([2.0, 1.0, 1.0],), {"torch tf": ([2, 2, 3], [1, 2, 3]), "jax": ([2, 2, 3], [1, 3, 2])}, "JAX reverses"),
    ("median", ([1.0, 2.0, 3.0, 4.0],), {"ours jax": (2.5, [0, 0.5, 0.5, 0]), "torch": (2, [0, 1, 0, 0])}, "NumPy: the mean of two"),
    ("x[[-1]]", ([1.0, 2.0],), {"ours torch jax": ([2], [0, 1]), "tf": "InvalidArgumentError"}, "from the end"),
    ("x[[5]]", ([1.0, 2.0],), {"ours torch": "IndexError", "tf": "InvalidArgumentError", "jax": ([2], [0, 0])}, "JAX clamps the value and drops the gradient"),
    ("x[[1, 1]]", ([1.0, 2.0],), {ALL: ([2, 2], [0, 2])}, "repeats add up"),
    ("det", ([[1.0, 2.0], [2.0, 4.0]],), {"ours jax": (0, [[4, -2], [-2, 1]]), "torch": (0, [[0, 0], [0, 0]]), "tf": "InvalidArgumentError"}, "cofactors; torch's is wrong"),
    # ---- losses
    ("mse", ([1.0, 3.0], [1.0, 1.0]), {"ours torch keras": (2, [0, 2], [0, -2])}, ""),
    ("mse of (3, 1) and (3,)", ([[1.0], [2.0], [3.0]],), {"ours": "ShapeError", "torch": "UserWarning", "keras": ([0, 0, 0], [[0], [0], [0]])}, "4/3 would be the broadcast loss"),
    ("l1", ([1.0], [1.0]), {"ours torch keras": (0, [0], [0]), "jax": (0, [1], [-1])}, "as abs"),
    ("huber(δ=2)", ([2.0],), {"ours torch keras": (2, [2])}, ""),
    ("huber(δ=2)", ([3.0],), {"ours torch keras": (4, [2])}, ""),
    ("smooth_l1(β=2)", ([3.0],), {"ours torch": (2, [1])}, "huber / β"),
    ("bce(p, 1)", ([0.0],), {"ours": (100, [-1e12]), "torch": (100, [-1 / float(np.float32(1e-12))]), "keras": (-log(1e-7), [0])}, "log p not below -100"),
    ("bce(p, 1)", ([1e-9],), {"ours torch": (-log(1e-9), [-1e9]), "keras": (-log(1e-7), [0])}, "Keras clips p to 1e-7"),
    ("bce(p, 1)", ([1.0],), {"ours torch": (0, [0]), "keras": (-log(1 - 1e-7), [0])}, "(p - t) / max(p·(1 - p), 1e-12); the limit is -1"),
    ("bce(p, 1)", ([0.5],), {"ours torch keras": (log(2), [-2])}, "equal inside"),
    ("bce(p, 1)", ([1.1],), {"ours": "ConfigError", "torch": "RuntimeError", "keras": (-log(1 - 1e-7), [0])}, "not a probability"),
    ("bce(p, 1, clip_eps)", ([0.0],), {"ours": (-log(1e-7), [0])}, "as Keras, when asked"),
    ("bce_with_logits", ([0.0], [1.0]), {"ours torch tf": ([log(2)], [-0.5], [0])}, ""),
    ("bce_with_logits", ([-1000.0], [1.0]), {"ours torch tf": ([1000], [-1], [1000])}, "no inf"),
    ("bce_with_logits", ([40.0], [1.0]), {"ours torch": ([4.248354255291589e-18], [0], [-40]), "tf": ([4.248354255291589e-18], [-4.248354255291589e-18], [-40])}, "σ(40) - 1 rounds to 0"),
    ("ce(z, [1, 1, 0])", ([[0.2, 0.8, 0.5]],), {"ours torch": (2.256780339812249, [[-0.5206110415883005, -0.12649636617841842, 0.6471074077667189]]), "tf": (2.256780339812249, [[-0.7603055207941503, -0.5632481830892092, 0.32355370388335947]])}, "softmax·Σt - t; TF's is wrong unless Σt = 1"),
    ("ce(z, [1, 0])", ([[0.0, -inf]],), {"ours torch tf": (nan, [[0, 0]])}, "0·inf"),
    ("ce(z, 0)", ([[0.0, -inf]],), {"ours torch tf": (0, [[0, 0]])}, "a label picks"),
    ("ce(z, 5)", ([[0.0, 1.0]],), {"ours": "LabelError", "torch": "IndexError", "tf": "InvalidArgumentError"}, ""),
    ("ce(z, [0, -100])", ([[0.0, 0.0], [1.0, 2.0]],), {"ours torch": (log(2), [[-0.5, 0.5], [0, 0]]), "tf": "InvalidArgumentError"}, "ignore_index"),
    ("-log p₀", ([[0.0, 1.0]],), {"ours torch": (inf, [[-inf, 0]]), "keras": ([-log(1e-7)], [[0, 0]])}, "Keras clips p"),
    ("-log softmax(z)₀", ([[-50.0, 50.0]],), {"ours torch": (100, [[-1, 1]]), "tf": ([-log(1e-7)], [[0, 0]]), "keras": ([100], [[-1, 1]])}, "Keras finds the logits of its own softmax, and not of TF's"),
    ("kl(q, [0, 1])", ([0.0, 1.0],), {"ours torch": (nan, [nan, -1]), "keras": (0, [0, -1])}, "Keras clips both"),
    ("hinge(margin - x)", ([1.0],), {"ours torch keras": (0, [-1]), "jax": (0, [-0.5])}, "clip, 1 at the bound"),
    ("multi_margin", ([[1.0, 2.0, 4.0]],), {"ours torch": (2, [[-2 / 3, 1 / 3, 1 / 3]]), "keras": ([4], [[-1, 0, 1]])}, "all others / classes; Keras has the worst one"),
    ("poisson", ([0.0],), {"ours torch": (-log(1e-8), [1 - 1e8]), "keras": (-log(1e-7), [1 - 1e7])}, "p - t·log(p + 1e-8); Keras adds 1e-7"),
    ("cosine", ([0.0, 2.0],), {"ours torch": (1, [0, 0]), "keras": (-1, [0, 0])}, "Keras negates"),
]

#  The derivative where zero comes from above: 0·inf is nan, unless a framework looks for it.
ZERO: list[tuple[str, Any, dict[str, Any]]] = [
    ("sqrt", 0.0, {"ours torch jax": nan, "tf": 0}),
    ("sqrt", -1.0, {"ours torch jax": nan, "tf": 0}),
    ("reciprocal", 0.0, {"ours torch jax": nan, "tf": 0}),
    ("rsqrt", 0.0, {"torch jax": nan, "tf": 0}),
    ("1 / x", 0.0, {ALL: nan}),
    ("log", 0.0, {ALL: nan}),
    ("x ** .5", 0.0, {ALL: nan}),
    ("exp", 1000.0, {ALL: nan}),
    ("norm", [0.0, 0.0], {"ours torch": [0, 0], "tf": [0, 0], "jax": [nan, nan]}),
    ("std", [2.0, 2.0], {"ours torch": [0, 0], "tf": [0, 0], "jax": [nan, nan]}),
]

f4, f8, i4, i8 = np.ones(2, "f4"), np.ones(2), np.ones(2, "i4"), np.ones(2, "i8")
#  expression, it for each framework or for all, {frameworks: dtype and value}: no gradients.
PLAIN: list[tuple[str, Any, dict[str, Any]]] = [
    ("[1.0]", dict(ours=lambda of: mg.tensor([1.0]), torch=lambda of: torch.tensor([1.0]), tf=lambda of: tf.constant([1.0]), jax=lambda of: jnp.array([1.0])), {"ours jax": ("float64", [1]), "torch tf": ("float32", [1])}),
    ("[1]", dict(ours=lambda of: mg.tensor([1]), torch=lambda of: torch.tensor([1]), tf=lambda of: tf.constant([1]), jax=lambda of: jnp.array([1])), {"ours torch jax": ("int64", [1]), "tf": ("int32", [1])}),
    ("f4 + f8", lambda of: of(f4) + of(f8), {"ours torch jax": ("float64", [2, 2]), "tf": "InvalidArgumentError"}),
    ("f4 + 1.5", lambda of: of(f4) + 1.5, {ALL: ("float32", [2.5, 2.5])}),
    ("f4 + np.float64(1.5)", lambda of: of(f4) + np.float64(1.5), {"ours jax": ("float64", [2.5, 2.5]), "torch tf": ("float32", [2.5, 2.5])}),
    ("f4 + f8 of no axes", lambda of: of(f4) + of(np.array(1.5)), {"ours jax": ("float64", [2.5, 2.5]), "torch": ("float32", [2.5, 2.5]), "tf": "InvalidArgumentError"}),
    ("f4 + np.array(1.5)", lambda of: of(f4) + np.array(1.5), {"ours torch jax": ("float64", [2.5, 2.5]), "tf": ("float32", [2.5, 2.5])}),
    ("np.ones(2) + f4", lambda of: f8 + of(f4), {"ours jax": ("float64", [2, 2]), "torch": "TypeError", "tf": ("float32", [2, 2])}),
    ("i4 + f4", lambda of: of(i4) + of(f4), {"ours": ("float64", [2, 2]), "torch jax": ("float32", [2, 2]), "tf": "InvalidArgumentError"}),
    ("i4 + 1.5", lambda of: of(i4) + 1.5, {"ours jax": ("float64", [2.5, 2.5]), "torch": ("float32", [2.5, 2.5]), "tf": "InvalidArgumentError"}),
    ("i4 + np.float64(1.5)", lambda of: of(i4) + np.float64(1.5), {"ours jax": ("float64", [2.5, 2.5]), "torch": ("float32", [2.5, 2.5]), "tf": ("int32", [2, 2])}),
    ("i8 / i8", lambda of: of(i8) / of(i8), {"ours tf jax": ("float64", [1, 1]), "torch": ("float32", [1, 1])}),
    ("-7 // 2", lambda of: of([-7]) // of([2]), {ALL: ("int64", [-4])}),
    ("-7 % 2", lambda of: of([-7]) % of([2]), {ALL: ("int64", [1])}),
    ("1 // 0", lambda of: of([1]) // of([0]), {"ours": ("int64", [0]), "torch": "RuntimeError", "tf": "InvalidArgumentError", "jax": ("int64", [-2])}),
    ("2 ** [-1]", lambda of: of([2]) ** of([-1]), {"ours": "DTypeError", "torch": ("int64", [0]), "tf": "InvalidArgumentError", "jax": ("int64", [-(2**63)])}),
    ("True + True", lambda of: of([True]) + of([True]), {"ours torch jax": ("bool", [True]), "tf": "InvalidArgumentError"}),
    ("sum(i4)", dict(ours=lambda of: np.sum(of(i4)), torch=lambda of: torch.sum(of(i4)), tf=lambda of: tf.reduce_sum(of(i4)), jax=lambda of: jnp.sum(of(i4))), {"ours torch jax": ("int64", 2), "tf": ("int32", 2)}),
    ("mean([1, 2])", dict(ours=lambda of: np.mean(of([1, 2])), torch=lambda of: torch.mean(of([1, 2])), tf=lambda of: tf.reduce_mean(of([1, 2])), jax=lambda of: jnp.mean(of([1, 2]))), {"ours jax": ("float64", 1.5), "torch": "RuntimeError", "tf": ("int64", 1)}),
    ("argmax([1, nan])", dict(ours=lambda of: np.argmax(of([1, nan])), torch=lambda of: torch.argmax(of([1, nan])), tf=lambda of: tf.argmax(of([1, nan])), jax=lambda of: jnp.argmax(of([1, nan]))), {"ours torch jax": ("int64", 1), "tf": ("int64", 0)}),
    ("argmax of 2×2", dict(ours=lambda of: np.argmax(of([[1, 2], [3, 0]])), torch=lambda of: torch.argmax(of([[1, 2], [3, 0]])), tf=lambda of: tf.argmax(of([[1, 2], [3, 0]])), jax=lambda of: jnp.argmax(of([[1, 2], [3, 0]]))), {"ours torch jax": ("int64", 2), "tf": ("int64", [1, 0])}),
    ("(2, 3) @ (3,)", lambda of: of(np.ones((2, 3))) @ of(np.ones(3)), {"ours torch jax": ("float64", [3, 3]), "tf": "InvalidArgumentError"}),
    ("x[[0, 1]]", lambda of: of(np.eye(2))[[0, 1]], {"ours torch": ("float64", np.eye(2)), "tf": ("float64", 0), "jax": "TypeError"}),
    ("cast(0.1)", dict(ours=lambda of: of(0.1), torch=lambda of: of(0.1), tf=lambda of: tf.cast(0.1, "float64"), keras=lambda of: keras.ops.cast(0.1, "float64")), {"ours torch": ("float64", 0.1), "tf keras": ("float64", float(np.float32(0.1)))}),
    ("MeanSquaredError()", dict(keras=lambda of: keras.losses.MeanSquaredError()(of(f8), of(f8))), {"keras": ("float32", 0)}),
    ("Dense(1)", dict(keras=lambda of: keras.layers.Dense(1, kernel_initializer="ones")(of(np.ones((1, 2))))), {"keras": ("float32", [[2]])}),
    ("L2(0.1)", dict(keras=lambda of: keras.regularizers.L2(0.1)(of([1.0, 2.0]))), {"keras": ("float64", 5 * float(np.float32(0.1)))}),
]
# fmt: on


def cases(rows: list[Any]) -> list[Any]:
    """One case for each row and framework."""
    return [
        pytest.param(framework, *row[:2], expected, id=f"{framework}-{row[0]}{number}")
        for number, row in enumerate(rows)
        for names, expected in row[2].items()
        for framework in names.split()
    ]


@pytest.fixture(autouse=True)
def in_float64(framework: str) -> Iterator[None]:
    """The framework is there, or the test is skipped; and JAX has more than float32."""
    if framework != "ours":
        imported(MODULES[framework])
    if framework != "jax":
        yield
        return
    config = imported("jax").config
    before = config.jax_enable_x64
    config.update("jax_enable_x64", True)
    yield
    config.update("jax_enable_x64", before)


def to_framework(framework: str, x: Any) -> Any:
    make = dict(ours=mg.tensor, torch=t, tf=tf.constant, keras=tf.constant, jax=jnp.asarray)
    return make[framework](np.asarray(x))


def measure(framework: str, f: Callable[..., Any], xs: Any) -> list[Any]:
    """The value of f and the gradients of its sum; None where the framework has none."""
    leaves = [to_framework(framework, np.array(x, float)) for x in xs]
    if framework == "ours":
        for leaf in leaves:
            leaf.requires_grad_()
        with np.errstate(all="ignore"):
            y = f(*leaves)
        y.backward(np.ones(y.shape))
        return [y.data, *(leaf.grad for leaf in leaves)]
    if framework == "torch":
        for leaf in leaves:
            leaf.requires_grad_()
        y = f(*leaves)
        y.sum().backward()
        return [y.detach(), *(leaf.grad for leaf in leaves)]
    if framework == "jax":
        y, pull = jax.vjp(lambda *xs: f(*xs), *leaves)
        return [y, *pull(jnp.ones(y.shape))]
    with imported("tensorflow").GradientTape() as tape:
        tape.watch(leaves)
        y = f(*leaves)
    return [y, *(g if g is None else tf.convert_to_tensor(g) for g in tape.gradient(y, leaves))]


def same(got: Any, expected: Any, rtol: float = 4 * 2.0**-52) -> None:
    if expected is None:
        assert got is None
    else:
        np.testing.assert_allclose(np.asarray(got), expected, rtol=rtol, atol=0)


def refuses(run: Callable[[], Any], expected: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: B017
        run()
    assert expected in [kind.__name__ for kind in type(raised.value).__mro__]


RTOL = {"gelu": 1e-6, "softplus": 8 * 2.0**-52}  # TensorFlow has a float32 constant in its erf


@pytest.mark.filterwarnings(r"ignore:std\(\). degrees of freedom is <= 0")
@pytest.mark.filterwarnings("error:Using a target size")
@pytest.mark.parametrize(("framework", "name", "xs", "expected"), cases(POINTS))
def test_points(framework: str, name: str, xs: Any, expected: Any) -> None:
    f = FUNCTIONS[name][framework]
    if isinstance(expected, str):
        return refuses(lambda: measure(framework, f, xs), expected)
    for got, wanted in zip(measure(framework, f, xs), expected, strict=True):
        same(got, wanted, RTOL.get(name, 4 * 2.0**-52))


@pytest.mark.parametrize(("framework", "name", "x", "expected"), cases(ZERO))
def test_zero_from_above(framework: str, name: str, x: Any, expected: Any) -> None:
    f = FUNCTIONS[name][framework]
    _, slope = measure(framework, lambda x: f(x) * 0.0, (x,))
    same(slope, expected)


@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")  # in torch
@pytest.mark.parametrize(("framework", "name", "f", "expected"), cases(PLAIN))
def test_values(framework: str, name: str, f: Any, expected: Any) -> None:
    if isinstance(f, dict):
        f = f[framework]

    def run() -> Any:
        with np.errstate(all="ignore"):
            return f(lambda x: to_framework(framework, x))

    if isinstance(expected, str):
        return refuses(run, expected)
    y = run()
    dtype, value = expected
    same(y.data if framework == "ours" and isinstance(y, mg.Tensor) else y, value)
    assert getattr(y.dtype, "name", str(y.dtype).removeprefix("torch.")) == dtype
