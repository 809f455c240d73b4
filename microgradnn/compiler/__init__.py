"""The compiler: mg.compile(f) prints the backward pass of f, and runs it.

trace.py runs f once on traced tensors; what it did, and what the rules of the table do for its
gradient, becomes a program (program.py), which passes.py clean and emit.py prints.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

from ..errors import ConfigError
from .compiled import Compiled
from .emit import emit
from .program import StraightProgram
from .training_step import CompiledStep

Backend = Literal["numpy", "numba"]

__all__ = ["Compiled", "StraightProgram", "CompiledStep", "compile", "emit"]


@overload
def compile(
    f: Callable[..., Any], argnums: int | Sequence[int] | None = 0, *, backend: Backend = "numpy"
) -> Compiled: ...
@overload
def compile(
    f: Any,
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    ema: Any = None,
    backend: Backend = "numpy",
) -> CompiledStep: ...
def compile(  # noqa: A001
    f: Any,
    argnums: Any = 0,
    *,
    loss: Any = None,
    optimizer: Any = None,
    ema: Any = None,
    backend: str = "numpy",
) -> Compiled | CompiledStep:
    """A compiled function: called as f, it returns (f(*args), gradient by argnums); see Compiled.

    With loss= and optimizer=, f is a model, and what is compiled is a step of training: called with
    a batch (x, target), it updates the model and returns the loss; see CompiledStep. `ema`, an
    optim.EMA, follows. backend="numba" (the extra `fast`) runs the program as loops instead of
    NumPy's functions: for small models, after some seconds of compiling; results differ by
    rounding, as `.plan` says. Raises ConfigError for other combinations.
    """
    if loss is not None or optimizer is not None or ema is not None:
        return CompiledStep(f, loss, optimizer, ema, backend)
    if isinstance(argnums, bool):
        raise ConfigError(f"compile: argnums is {argnums}, need an integer, several, or None")
    return Compiled(f, argnums, backend)
