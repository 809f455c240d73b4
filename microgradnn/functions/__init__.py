"""Composites: functions made of ops, with the names and signatures of NumPy. No rules here.

The elementwise functions of the table (exp, tanh, maximum, …) are public as they are; here are the
functions that take options, check their arguments, or combine several ops. Each is also what
NumPy's own function of that name means when it is given a Tensor (see engine/protocol.py).
"""

import typing as _typing

from ..engine.tensor import Tensor as _Tensor
from ..signatures.telling import tell as _tell
from ..signatures.telling import tell_methods as _tell_methods
from . import in_place as in_place  # attaches operators to Tensor
from . import linalg as linalg
from . import methods as methods  # these too
from . import torch_names as torch_names  # and these
from .arrange import *  # noqa: F403
from .calculus import *  # noqa: F403
from .choosing import *  # noqa: F403
from .diagonals import *  # noqa: F403
from .einstein import einsum as einsum
from .elements import *  # noqa: F403
from .joining import *  # noqa: F403
from .products import *  # noqa: F403
from .reduce import *  # noqa: F403
from .running import *  # noqa: F403
from .shape import *  # noqa: F403
from .sorting import *  # noqa: F403
from .splitting import *  # noqa: F403
from .without_nan import *  # noqa: F403

_tell(globals(), "microgradnn.functions")
_tell_methods(_Tensor, "microgradnn.functions")

if not _typing.TYPE_CHECKING:  # type checkers see the imports
    __all__ = ["linalg"] + [
        name for name in globals() if name[0] != "_" and callable(globals()[name])
    ]
