"""The model that FILE.py:NAME is, and weights from files; in the port's own process."""

import difflib
import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from microgradnn.errors import ConfigError
from microgradnn.optional import missing, need

from ..frameworks import one_line

# The modules here by the package whose models they know; the first that knows a model has it.
KINDS = {"torch": "torch_port", "keras": "keras_port", "jax": "jax_port", "microgradnn": "our_port"}
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "tensorflow",
}  # fmt: skip


def prepare(path: Path, dtype: str) -> None:
    """Sets what must be set before the file's frameworks are imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["JAX_ENABLE_X64"] = "1" if dtype == "float64" else "0"
    text = (
        path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".py"
        else "import keras"
    )
    for words, name, setting in (
        (r"keras|tensorflow", "keras_port", True), (r"jax|flax|equinox|haiku", "jax_port", False)
    ):  # fmt: skip
        if re.search(rf"^\s*(import|from)\s+({words})\b", text, re.M):
            try:
                port = import_module(f".{name}", __package__)
            except ImportError:
                continue  # the file itself will say so
            port.install()
            if setting:
                port.keras.config.set_floatx(dtype)
                port.keras.config.set_dtype_policy(dtype)


def load(source: str) -> Any:
    """What the source names: FILE.py:NAME, or FILE.keras. Raises ConfigError."""
    if source.endswith(".keras"):
        keras = import_module("keras")
        try:
            return keras.saving.load_model(source, safe_mode=True, compile=False)
        except Exception as error:  # whatever is in the file
            raise ConfigError(f"{source} cannot be loaded: {one_line(error)}") from error
    path, _, name = source.rpartition(":")
    module = _module(Path(path))
    found = getattr(module, name, None)
    if found is None:
        own = [
            n
            for n, v in vars(module).items()
            if not n.startswith("_") and not isinstance(v, ModuleType)
        ]
        near = difflib.get_close_matches(name, own, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(own)}"
        raise ConfigError(f"{path} has no {name!r}{hint}")
    return found


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file")
    sys.path.insert(0, str(path.parent.resolve()))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        known = error.name in ("torch", "tensorflow", "keras", "jax")
        name = "tensorflow" if error.name == "keras" else error.name or ""
        said = str(missing(name, "this port", error)) if known else one_line(error)
        raise ConfigError(f"{path} cannot be imported: {said}") from error
    except Exception as error:  # whatever is in the file
        raise ConfigError(f"{path} cannot be imported: {one_line(error)}") from error
    return module


def kind_of(thing: Any) -> ModuleType | None:
    """The module here that knows such a model."""
    for package, name in KINDS.items():
        if package in sys.modules:
            try:
                kind = import_module(f".{name}", __package__)
            except ImportError:
                continue
            if kind.fits(thing):
                return kind
    return None


def made(thing: Any, source: str) -> tuple[Any, ModuleType]:
    """The model, made by calling what is no model itself, and its kind. Raises ConfigError."""
    kind = None if isinstance(thing, type) else kind_of(thing)
    if kind is None and callable(thing):
        try:
            thing = thing()
        except Exception as error:  # whatever the user's function raises
            raise ConfigError(
                f"{source} is a function, and calling it without arguments raises {one_line(error)}"
            ) from error
        kind = kind_of(thing)
    if kind is None:
        raise ConfigError(
            f"{source} is {type(thing).__name__}, need a torch.nn.Module, a Keras model, a "
            "microgradnn Module, a pair (apply, params) for JAX, or a function that makes one"
        )
    return thing, kind


def weights(path: Path) -> Mapping[str, Any]:
    """The arrays in a file, by name; nothing in it is run. Raises ConfigError."""
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as found:
                return dict(found)
        if path.suffix == ".safetensors":
            need("safetensors", "weights from .safetensors")
            return dict(import_module("safetensors.numpy").load_file(path))
        if path.suffix in (".pt", ".pth", ".bin"):
            torch = need("torch", "weights of PyTorch")
            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.get("state_dict", found)
            return {n: t.detach().double().numpy() for n, t in found.items() if hasattr(t, "numpy")}
    except ConfigError:
        raise
    except Exception as error:  # a broken file, or one that would run code
        raise ConfigError(f"{path} cannot be loaded: {one_line(error)}") from error
    raise ConfigError(f"{path}: need .safetensors, .npz, .pt, .weights.h5 or .keras")
