"""Composites: functions made of ops, with the names and signatures of NumPy. No rules here.

The elementwise functions of the table (exp, tanh, maximum, …) are public as they are; here are the
functions that take options, check their arguments, or combine several ops. Each is also what
NumPy's own function of that name means when it is given a Tensor (see protocol.py).
"""

from . import linalg, methods
from .calculus import *  # noqa: F403
from .choose import *  # noqa: F403
from .losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    linear,
    mse_loss,
)
from .products import *  # noqa: F403
from .reduce import *  # noqa: F403
from .shape import *  # noqa: F403
from .shape import array_of as array
