"""The frameworks, each behind the same small interface, imported only when asked for.

A framework is a module with `version()`, `Session(model, optimizer, dtype, params)` and, where it
has limits, `refuses(model, optimizer, dtype)`, which is None or the reason. A session has
    load(params, kept=())       sets the parameters and, where it has them, running statistics
    gradients(x, y, sync=None)  a model_graph.Recorded at the parameters: loss, gradients, and what
                                every layer gave forwards (nodes) and got backwards (slopes)
    update()                    takes one optimiser step with the gradients of the last pass;
                                returns the parameters
and, where it has them, averages() of the parameters (Optimizer.ema) and kept(), the running
statistics. All arrays are NumPy's, in the layout of layers.py.

With `sync` (a model_graph.Sync) the pass is synchronised: after layers.walk's probe has noted the
value of node i, sync.nodes[i] goes on in its place, and sync.slopes[i] is the gradient that the
layer behind it gets. The simplest way: let the probe give new leaves with the values, and add
Σ (node · slope) to the loss before going backwards; then the leaves' gradients are the slopes.
"""

import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from microgradnn.optional import missing

from ..adapter import Framework

MODULES = {
    "microgradnn": "ours",
    "microgradnn-scalar": "ours_scalar",
    "microgradnn-compiled": "ours_compiled",
    "torch": "pytorch",
    "tensorflow": "tf",
    "keras": "keras",
    "keras-torch": "keras",
    "keras-jax": "keras",
    "jax": "jax_numpy",
    "micrograd": "micrograd_scalar",
}
ALL = "all"  # in place of names
# What runs unless it is said otherwise: the rest takes minutes more, or says the same again.
USUAL = (
    "microgradnn",
    "microgradnn-scalar",
    "microgradnn-compiled",
    "torch",
    "tensorflow",
    "keras",
)
# Read when tensorflow is imported: without what it logs, and in the order that it documents.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Keras runs on one of these in a process, from its import on.
BACKENDS = {"keras": "tensorflow", "keras-torch": "torch", "keras-jax": "jax"}


# The package that a framework needs; Keras comes with TensorFlow.
PACKAGES = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "micrograd": "micrograd",
    **BACKENDS,
}


class Broken(str):
    """Why a framework that is there cannot be used; one that is not installed is a plain str."""


def load(name: str) -> Framework | str:
    """The framework's module, or a sentence: what it needs, or why it could not be imported.

    "FILE.py:Class" is a session of the user's own.
    """
    if name in BACKENDS and "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = BACKENDS[name]
    try:
        own = ".py:" in name
        module: Any = _own(name) if own else import_module(f".{MODULES[name]}", __package__)
        module.version()
    except ModuleNotFoundError as error:
        if name in PACKAGES and error.name in (None, PACKAGES[name]):
            return str(missing(PACKAGES[name], f"comparing with {name}", error))
        return Broken(f"{name} cannot be imported: {one_line(error)}")
    except Exception as error:  # whatever a foreign package does when it is imported
        return Broken(f"{name} cannot be imported: {one_line(error)}")
    if name in BACKENDS and module.backend() != BACKENDS[name]:
        return Broken(f"{name} cannot be used: Keras runs on {module.backend()} in this process")
    found: Framework = module
    return found


def _own(name: str) -> SimpleNamespace:
    """A user's class as a framework; version() and refuses() may be static methods of it."""
    path, _, called = name.rpartition(":")
    spec = spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    session = getattr(module, called, None)
    if not isinstance(session, type):
        raise AttributeError(f"{path} has no class {called}")
    version = getattr(session, "version", lambda: "of your own")
    found = SimpleNamespace(Session=session, version=version)
    if hasattr(session, "refuses"):
        found.refuses = session.refuses
    return found


def one_line(error: BaseException) -> str:
    """Returns the kind of an error and the first line of what it says."""
    said = str(error).strip().splitlines()
    if type(error).__name__ == "ProcessError":  # it has been one already, in another process
        return str(error)
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
