"""Packages that only some features need: loaded here, or missed in one sentence that helps.

Everything but NumPy is optional. A feature calls need() before it computes anything.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from .errors import MissingPackageError

# What is imported: what pip calls it, and the extra in pyproject.toml that installs it.
PACKAGES = {
    "distributed": ("distributed", "cluster"),
    "flint": ("python-flint", "check"),
    "hypothesis": ("hypothesis", "test"),
    "jax": ("jax", "test"),
    "matplotlib": ("matplotlib", "plots"),
    "micrograd": ("micrograd", "test"),
    "numba": ("numba", "fast"),
    "PIL": ("pillow", "plots"),
    "rich": ("rich", "progress"),
    "safetensors": ("safetensors", "checkpoints"),
    "sklearn": ("scikit-learn", "data"),
    "tensorflow": ("tensorflow", "compare"),
    "torch": ("torch", "compare"),
}


def need(module: str, what: str) -> ModuleType:
    """The module, imported: need("safetensors.numpy", "a checkpoint").

    `what` begins the sentence that says what is missing. Raises MissingPackageError, which is an
    ImportError too, with the command that installs the package.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise missing(module, what, error) from error


def missing(module: str, what: str, error: ImportError) -> MissingPackageError:
    """The error to raise after an import statement failed with `error`; see need()."""
    package = module.partition(".")[0]
    name, extra = PACKAGES[package]
    absent = (error.name or "").partition(".")[0] == package
    why = "is not installed" if absent else f"cannot be imported ({error})"
    return MissingPackageError(
        f"{what} needs {name}, which {why}; in a clone of microgradnn write: "
        f"pip install -e '.[{extra}]'"
    )


def have(package: str) -> bool:
    """Whether a package is installed; it is not imported."""
    return find_spec(package) is not None
