"""The gradient checker: is a derivative right, and how is that known?

layer, vjp, jvp and grads return a Report; dot_product_test and taylor_test are the two tests that
need no reference; gradcheck and gradgradcheck are called as PyTorch's, check_grads as JAX's.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import can_prove, dot_product_test, jvp, layer, taylor_test, vjp
    from .codes import CODES, VERDICTS
    from .engines.judged import engine
    from .oracle.differences import check_grads
    from .own import gradcheck, gradgradcheck, grads
    from .properties import strategies
    from .properties.given_layers import given_layer
    from .properties.machine import stateful
    from .replayed.recognised import optimizer
    from .report import Entry, Finding, Report

__all__ = [
    "CODES", "VERDICTS", "Entry", "Finding", "Report", "can_prove", "check_grads",
    "dot_product_test", "engine", "given_layer", "gradcheck", "gradgradcheck", "grads", "jvp",
    "layer", "optimizer", "stateful", "strategies", "taylor_test", "vjp",
]  # fmt: skip
_HOMES = {
    "CODES": "codes", "VERDICTS": "codes", "Entry": "report", "Finding": "report",
    "Report": "report", "engine": "engines.judged", "check_grads": "oracle.differences",
    "optimizer": "replayed.recognised", "given_layer": "properties.given_layers",
    "stateful": "properties.machine",
    "gradcheck": "own", "gradgradcheck": "own", "grads": "own",
}  # fmt: skip


if not TYPE_CHECKING:  # else type checkers would take any name for one that exists

    def __getattr__(name: str) -> Any:
        # The command line and the pytest plugin load parts of this package only.
        if name not in __all__:
            raise AttributeError(f"module 'microgradnn.check' has no attribute {name!r}")
        if name == "strategies":  # a module, whose names are its own
            return import_module(".properties.strategies", __name__)
        value = getattr(import_module(f".{_HOMES.get(name, 'api')}", __name__), name)
        globals()[name] = value
        return value
