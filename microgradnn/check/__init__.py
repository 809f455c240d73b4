"""The gradient checker: is a derivative right, and how is that known?

layer, vjp, jvp and grads return a Report; dot_product_test and taylor_test are the two tests that
need no reference; gradcheck and gradgradcheck are called as PyTorch's, check_grads as JAX's.
"""

from .api import dot_product_test, gradcheck, gradgradcheck, grads, jvp, layer, taylor_test, vjp
from .grads import check_grads
from .report import CODES, VERDICTS, Entry, Finding, Report

__all__ = [
    "CODES", "VERDICTS", "Entry", "Finding", "Report", "check_grads", "dot_product_test",
    "gradcheck", "gradgradcheck", "grads", "jvp", "layer", "taylor_test", "vjp",
]  # fmt: skip
