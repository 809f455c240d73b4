"""Reverse-mode automatic differentiation, small enough to read and exact enough to trust.

To read it: first two lines of the table in engine/ops.py (mul and tanh), then engine/walk.py, which
is all of backpropagation; then the rest of engine/, in the order its docstring gives. functions/
and transforms/ stand on the engine, and the other folders on these.
"""

from . import shadows  # noqa: F401 isort: skip  # before anything else is imported

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import autograd, errors
from .engine.node import Node as _Node
from .engine.ops import (
    abs,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    ceil,
    copysign,
    cos,
    cosh,
    degrees,
    digamma,
    div,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expm1,
    floor,
    floor_divide,
    fmax,
    fmin,
    fmod,
    heaviside,
    hypot,
    ldexp,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    matmul,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    radians,
    reciprocal,
    relu,
    relu6,
    remainder,
    rint,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    sub,
    tan,
    tanh,
    trunc,
    xlogy,
)
from .engine.tensor import Tensor, tensor
from .engine.value import Value
from .functions import *  # noqa: F403
from .functions import linalg
from .numerics.recording import no_grad
from .signatures.telling import tell as _tell
from .transforms.anomaly import detect_anomaly, nan_origin
from .transforms.custom import custom_jvp, custom_vjp
from .transforms.derivatives import grad, jvp, linearize, stop_gradient, value_and_grad, vjp
from .transforms.jacobians import elementwise_grad, hessian, hvp, jacfwd, jacrev

_tell(globals(), "microgradnn.transforms")

if TYPE_CHECKING:
    from . import check, data, nn, optim, scalar, show
    from .check import check_grads
    from .compiler import compile

__version__ = "0.1.0"

__all__ = [
    "Tensor", "Value", "abs", "add", "append", "apply_along_axis", "arccos", "arccosh", "arcsin",
    "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argpartition", "argsort",
    "array", "array_split", "astype", "atleast_1d", "atleast_2d", "atleast_3d", "autograd",
    "average", "binary_cross_entropy_with_logits", "block", "broadcast_arrays", "broadcast_to",
    "cbrt", "ceil", "check", "check_grads", "choose", "clip", "column_stack", "compile", "compress",
    "concat", "concatenate", "convolve", "copy", "copysign", "corrcoef", "correlate", "cos", "cosh",
    "cov", "cross", "cross_entropy", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum",
    "custom_jvp", "custom_vjp", "data", "degrees", "delete", "detect_anomaly", "diag", "diagflat",
    "diagonal", "diff", "digamma", "div", "divmod", "dot", "dsplit", "dstack", "ediff1d", "einsum",
    "elementwise_grad", "elu", "erf", "erfc", "erfinv", "errors", "exp", "exp2", "expand_dims",
    "expm1", "extract", "fix", "flip", "fliplr", "flipud", "float_power", "floor", "floor_divide",
    "fmax", "fmin", "fmod", "full_like", "grad", "gradient", "heaviside", "hessian", "hsplit",
    "hstack", "hvp", "hypot", "imag", "inner", "insert", "interp", "jacfwd", "jacrev", "jvp",
    "kron", "ldexp", "leaky_relu", "lgamma", "linalg", "linear", "linearize", "linspace", "log",
    "log10", "log1p", "log2", "log_softmax", "logaddexp", "logaddexp2", "logcumsumexp", "logit",
    "logsumexp", "matmul", "matrix_transpose", "matvec", "max", "maximum", "mean", "median",
    "meshgrid", "min", "minimum", "modf", "moveaxis", "mse_loss", "mul", "nan_origin", "nan_to_num",
    "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile",
    "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "neg", "nn", "no_grad", "optim",
    "outer", "pad", "partition", "percentile", "permute_dims", "piecewise", "polygamma", "polyval",
    "positive", "pow", "prod", "ptp", "quantile", "radians", "ravel", "reciprocal", "relu", "relu6",
    "remainder", "repeat", "reshape", "resize", "rint", "roll", "rollaxis", "rot90", "round",
    "scalar", "select", "show", "sigmoid", "sign", "sin", "sinc", "sinh", "softmax", "softplus",
    "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sub", "sum",
    "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensor", "tensordot", "tile", "trace",
    "transpose", "trapezoid", "tril", "trim_zeros", "triu", "trunc", "unstack", "unwrap",
    "value_and_grad", "vander", "var", "vdot", "vecdot", "vecmat", "vjp", "vsplit", "vstack",
    "where", "xlogy",
]  # fmt: skip


def _shown(name: str) -> Any:
    """A method of Value and Tensor that is a function of show/, which loads when it is called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(".show", __name__), name)(self, *args, **kwargs)

    method.__name__, method.__qualname__ = name, f"Node.{name}"
    method.__doc__ = f"{name} of microgradnn.show, of this node; see help(microgradnn.show.{name})."
    return method


for _name, _function in {
    "draw": "draw",
    "explain": "explain",
    "_repr_mimebundle_": "node_bundle",
    "_repr_html_": "node_html",
    "__treescope_repr__": "node_treescope",
}.items():
    setattr(_Node, _name, _shown(_function))

if not TYPE_CHECKING:  # else type checkers would take mg.expp for a name that exists

    def __getattr__(name: str) -> Any:
        """Models, optimisers, data, drawings, checker and compiler load when first used."""
        if name in ("check", "data", "nn", "optim", "scalar", "show"):
            return import_module(f".{name}", __name__)
        if name == "compile":
            return import_module(".compiler", __name__).compile
        if name == "check_grads":
            return import_module(".check", __name__).check_grads
        raise AttributeError(f"module 'microgradnn' has no attribute {name!r}")
