"""The comparison notices wrong optimisers and layers; test_planted.py has wrong gradients."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from compare import lockstep
from compare.frameworks import ours
from compare.layers import Activation, BatchNorm, Layer, LayerNorm, Linear, Residual
from compare.specs import Average, Model, Optimizer, Schedule
from compare.tasks import Task


def fake(session: type) -> dict[str, Any]:
    """microgradnn beside a framework with this session."""
    module = ModuleType("fake")
    module.Session = session
    return {"microgradnn": ours, "fake": module}


MISTAKES: dict[str, tuple[Optimizer, dict[str, Any]]] = {
    "eps in the wrong place": (Optimizer("adam", eps=2.0**-6), {"form": "keras"}),
    "eps inside the root": (Optimizer("rmsprop", eps=2.0**-6), {"form": "keras"}),
    "coupled decay": (Optimizer("adamw", weight_decay=0.125), {"name": "adam"}),
    "velocity with the rate": (
        Optimizer("sgd", momentum=0.5, schedule=Schedule("step", 1)),
        {"form": "keras"},
    ),
    "no nesterov": (Optimizer("sgd", momentum=0.5, nesterov=True), {"nesterov": False}),
    "another decay": (Optimizer(ema=Average(0.875)), {"ema": Average(0.875, True)}),
    "smooth, not stairs": (
        Optimizer(schedule=Schedule("step", 2)),
        {"schedule": Schedule("exponential", 2)},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_optimiser_is_noticed(mistake: str) -> None:
    how, change = MISTAKES[mistake]

    class Wrong(ours.Session):
        def __init__(self, model: Model, spec: Optimizer, *rest: Any) -> None:
            super().__init__(model, replace(spec, **change), *rest)

    rng = np.random.default_rng(0)
    model = Model((2, 3, 1), "tanh")
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    task = Task("wrong", "wrong", model, how, model.start(rng), x, y, 4)
    (_, row) = lockstep.run(task, fake(Wrong))
    weight = "weight of layer 1, Linear(2, 3)"
    name = f"average of {weight}" if how.ema else f"{weight} after the update"
    assert row.verdict.startswith("DISAGREE at step ") and f": {name} at [" in row.verdict


WRONG_LAYERS: dict[str, tuple[Layer, Layer]] = {
    "eps of a batch norm": (BatchNorm(3), BatchNorm(3, eps=2.0**-11)),
    "its momentum": (BatchNorm(3), BatchNorm(3, momentum=0.25)),
    "eps of a layer norm": (LayerNorm(3), LayerNorm(3, eps=2.0**-11)),
    "a shortcut": (Residual((Activation("tanh"),)), Activation("tanh")),
    "an activation": (Activation("gelu"), Activation("silu")),
}


NAMED = {
    "eps of a batch norm": "layer 2, BatchNorm(3, 0)",
    "its momentum": "running mean 0",
    "eps of a layer norm": "layer 2, LayerNorm(3)",
    "a shortcut": "mse_loss: input has shape (6, 3)",  # the node of the missing sum went further
    "an activation": "layer 2, Activation(gelu)",
}


@pytest.mark.parametrize("mistake", WRONG_LAYERS)
def test_a_wrong_layer_is_noticed(mistake: str) -> None:
    right, other = WRONG_LAYERS[mistake]

    class Wrong(ours.Session):
        def __init__(self, model: Model, *rest: Any) -> None:
            chain = tuple(other if layer == right else layer for layer in model.layers)
            super().__init__(replace(model, layers=chain), *rest)

    rng = np.random.default_rng(0)
    model = Model((2, 1), layers=(Linear(2, 3), right, Linear(3, 1)))
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    task = Task("wrong", "wrong", model, Optimizer(), model.start(rng), x, y, 1)
    (_, row) = lockstep.run(task, fake(Wrong))
    assert row.verdict.startswith(("DISAGREE ", "FAILED ")) and NAMED[mistake] in row.verdict
