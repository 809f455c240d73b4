"""np.linalg on tensors: the same names, arguments and results, in stacks of matrices.

Refused by name: eig and eigvals (their results are complex in general; see eigh), and the columns
that full_matrices=True and mode="complete" add, which are not functions of the input.
"""

from ...signatures.telling import tell as _tell
from ..products import cross, matmul, outer, tensordot, vecdot
from ..shape import matrix_transpose
from .exponential import matrix_exp
from .factors import (
    EighResult,
    QRResult,
    SlogdetResult,
    SVDResult,
    cholesky,
    det,
    eigh,
    eigvalsh,
    qr,
    slogdet,
    svd,
    svdvals,
)
from .inverses import (
    inv,
    lstsq,
    matrix_power,
    multi_dot,
    pinv,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from .matrices import diagonal, trace
from .norms import cond, matrix_norm, norm, vector_norm

__all__ = [
    "EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "cond", "cross", "det",
    "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul", "matrix_exp", "matrix_norm",
    "matrix_power", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet",
    "solve", "solve_triangular", "svd", "svdvals", "tensordot", "tensorinv",
    "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip

_tell(globals(), "microgradnn.functions")
