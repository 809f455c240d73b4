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

MODULES = {
    "microgradnn": "ours",
    "microgradnn-scalar": "scalar",
    "torch": "pytorch",
    "tensorflow": "tf",
    "keras": "keras",
}


def load(name: str) -> ModuleType | str:
    """The framework's module, or the reason why it cannot be used here."""
    try:
        module = import_module(f".{MODULES[name]}", __package__)
        module.version()
    except ImportError as error:
        return f"not installed: {error}"
    return module
