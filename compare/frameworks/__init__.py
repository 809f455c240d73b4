"""The frameworks, each behind the same small interface, imported only when asked for.

A framework is a module with `version()`, `Session(model, optimizer, dtype, params)` and, where it
has limits, `refuses(model, optimizer)`, which is None or the reason. A session has
    load(params)      sets the parameters; optimiser state stays
    gradients(x, y)   (loss, [gradient of each parameter]) at the parameters, as NumPy
    update()          takes one optimiser step with those gradients; returns the parameters
and, where it has them, after update()
    shadow()          the averaged parameters (Optimizer.ema), then what the layers keep
"""

from importlib import import_module
from types import ModuleType

from microgradnn.optional import missing

MODULES = {
    "microgradnn": "ours",
    "microgradnn-scalar": "ours_scalar",
    "torch": "pytorch",
    "tensorflow": "tf",
    "keras": "keras",
}


# The package that a framework needs; Keras comes with TensorFlow.
PACKAGES = {"torch": "torch", "tensorflow": "tensorflow", "keras": "tensorflow"}


def load(name: str) -> ModuleType | str:
    """The framework's module, or a sentence: which package it needs and how to install it."""
    try:
        module = import_module(f".{MODULES[name]}", __package__)
        module.version()
    except ImportError as error:
        return str(missing(PACKAGES[name], f"comparing with {name}", error))
    return module
