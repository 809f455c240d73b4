"""Inputs on which correct layers make checkers cry wolf: ties, zeros, tiny and saturated numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check import Report
from tests.check.zoo import Entry, Inputs
from tests.check.zoo.entry import assign

# What an array of a layer is filled with.
FILLS = {
    "normal": lambda rng, shape, palette: rng.standard_normal(shape),
    "integers": lambda rng, shape, palette: rng.integers(-2, 3, shape).astype(float),
    "zeros": lambda rng, shape, palette: np.zeros(shape),
    "some zeros": lambda rng, shape, palette: (
        rng.standard_normal(shape) * rng.choice([0.0, 1.0], shape)
    ),
    "to a hundred": lambda rng, shape, palette: rng.uniform(-100, 100, shape),
    "tiny": lambda rng, shape, palette: 1e-8 * rng.standard_normal(shape),
    "equal": lambda rng, shape, palette: np.full(shape, rng.choice(palette)),
    "equal rows": lambda rng, shape, palette: np.broadcast_to(
        rng.standard_normal(shape[-1:]), shape
    ).copy(),
    "equal in rows": lambda rng, shape, palette: np.broadcast_to(
        rng.standard_normal((*shape[:1], *[1] * (len(shape) - 1))), shape
    ).copy(),
    "palette": lambda rng, shape, palette: rng.choice(palette, shape),
}
FORMS = ("as drawn", "one sample", "no axes", "float32", "Fortran order", "alike")
# Arguments with an axis of samples in front; where an entry is missing, only the first has it.
SAMPLES = {
    "softmax_loss": (0, 1), "cross_entropy": (0, 1), "temporal_softmax_loss": (0, 1, 2),
    "svm_loss": (0, 1), "linear_svm_loss": (1, 2), "mse_loss": (0, 1), "mse": (0, 1),
    "huber": (0, 1), "bce_logits_loss": (0, 1), "bce": (0, 1), "rnn_step": (0, 1), "rnn": (0, 1),
    "lstm_step": (0, 1, 2), "lstm": (0, 1), "gru_step": (0, 1), "cosine": (0, 1),
    "bilinear": (0, 2), "TwoLayerNet": (0, 1),
    "columns": (), "dropout_mask": (), "conv1d": (), "quadratic": (),
}  # fmt: skip
WITHOUT_AXES = {
    "relu", "relu_mask", "relu_from_output", "sigmoid", "sigmoid_stable", "tanh", "softplus",
    "softplus_naive", "elu", "gelu", "swish", "polynomial",
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How inputs of an entry are made hard: a fill for each array, a form for all of them."""

    seed: int
    fills: tuple[str, ...]
    palette: tuple[float, ...]
    form: str
    same_labels: bool = False


@st.composite
def recipes(draw: st.DrawFn, entry: Entry) -> Recipe:
    """Recipes for an entry; the layer's input is hard, its weights are now and then."""
    count = len(entry.make_inputs(np.random.default_rng(0)).arrays())
    first = draw(st.sampled_from(list(FILLS)))
    rest = [draw(st.sampled_from(["normal", "normal", *FILLS])) for _ in range(count - 1)]
    numbers = st.floats(-100, 100, allow_subnormal=False) | st.sampled_from([0.0, 1.0, -1.0, 3.0])
    palette = draw(st.lists(numbers, min_size=1, max_size=4))
    form = draw(st.sampled_from(FORMS))
    return Recipe(
        draw(st.integers(0, 999)), (first, *rest), tuple(palette), form, draw(st.booleans())
    )


def made(entry: Entry, recipe: Recipe) -> Inputs:
    """The inputs of a recipe."""
    rng = np.random.default_rng(recipe.seed)
    inputs = entry.make_inputs(rng)
    if recipe.form == "one sample":
        inputs = _first_sample(entry, inputs)
    if recipe.form == "no axes" and entry.name in WITHOUT_AXES:
        inputs = Inputs([np.array(0.5), *inputs.args[1:]], inputs.wrt)
    arrays = [
        np.asarray(FILLS[fill](rng, a.shape, recipe.palette))
        for fill, a in zip(recipe.fills, inputs.arrays(), strict=True)
    ]
    if entry.name == "bce":  # probabilities
        arrays = [np.clip(1 / (1 + np.exp(-a)), 1e-9, 1 - 1e-9) for a in arrays]
    if entry.name == "cosine":  # no vectors of length zero
        arrays = [np.where(np.abs(a).max(axis=1, keepdims=True) < 1e-3, 0.75, a) for a in arrays]
    if recipe.form == "alike":
        arrays = [arrays[0].copy() if a.shape == arrays[0].shape else a for a in arrays]
    if recipe.form == "float32":
        arrays = [a.astype(np.float32) for a in arrays]
    if recipe.form == "Fortran order":
        arrays = [np.asfortranarray(a) for a in arrays]
    inputs = inputs.replaced(arrays)
    return replace(inputs, args=[_labels(a, recipe, arrays) for a in inputs.args])


def _labels(arg: Any, recipe: Recipe, arrays: Sequence[Any]) -> Any:
    """Labels and indices, all of them the same if the recipe says so."""
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "i" and recipe.same_labels:
        return np.full_like(arg, arg.flat[-1])
    if isinstance(arg, list) and recipe.same_labels and arg and isinstance(arg[0], int):
        return [arg[-1]] * len(arg)
    return arg


def _first_sample(entry: Entry, inputs: Inputs) -> Inputs:
    which = SAMPLES.get(entry.name, (0,))
    return replace(inputs, args=[a[:1] if i in which else a for i, a in enumerate(inputs.args)])


def finite(entry: Entry, inputs: Inputs) -> bool:
    """Whether the inputs lie in the domain of the layer."""
    with np.errstate(all="ignore"):
        copied = inputs.replaced([a.copy() for a in inputs.arrays()])
        return all(np.isfinite(out).all() for out in entry.run(copied).outs)


def checked(entry: Entry, inputs: Inputs, **options: Any) -> Report:
    """The report of the public call for an entry's style; names of mistakes are another test's."""
    args = tuple(inputs.args)
    options.setdefault("ignore", "GC4,GC5")
    if entry.style == "pair":
        return check.layer(entry.forward, entry.backward, args, **options)
    if entry.style == "plain":
        return check.vjp(entry.forward, entry.backward, args, **options)
    if entry.style == "loss":
        return check.layer(entry.forward, None, args, **options)
    thing = entry.build()
    for path, value in inputs.params.items():
        assign(thing, path, value)
    return check.layer(thing, args, **options)
