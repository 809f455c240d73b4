"""Functions that take functions and return their derivatives, in JAX's words; rules of your own.

autograd has PyTorch's words for the same, anomaly finds where a nan was born.
"""

from ..signatures.telling import tell as _tell
from .anomaly import detect_anomaly as detect_anomaly
from .anomaly import nan_origin as nan_origin
from .custom import custom_jvp as custom_jvp
from .custom import custom_vjp as custom_vjp
from .derivatives import grad as grad
from .derivatives import jvp as jvp
from .derivatives import linearize as linearize
from .derivatives import stop_gradient as stop_gradient
from .derivatives import value_and_grad as value_and_grad
from .derivatives import vjp as vjp
from .jacobians import elementwise_grad as elementwise_grad
from .jacobians import hessian as hessian
from .jacobians import hvp as hvp
from .jacobians import jacfwd as jacfwd
from .jacobians import jacrev as jacrev

_tell(globals(), "microgradnn.transforms")
