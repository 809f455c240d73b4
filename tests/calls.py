"""Calls of every public function: one table, from which several properties are tested.

A row is a name and its arguments. `mg` functions stand under their own names, those of mg.linalg
and nn.functional behind "linalg." and "nn.". Every float, alone or in an array, is an argument that
a user may want the gradient of; the values lie away from kinks. Ops of the table have rows by
themselves. tests/functions/test_arguments.py asserts that no function and no parameter is missing.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
import microgradnn.nn.functional as nnf
from microgradnn.engine.op import Op


class Call(NamedTuple):
    """One way to call a public function."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def function(self) -> Callable[..., Any]:
        return found(self.name)


ROOMS = {"": mg, "linalg.": mg.linalg, "nn.": nnf}


def found(name: str) -> Callable[..., Any]:
    """The function of a row."""
    prefix = next((p for p in ROOMS if p and name.startswith(p)), "")
    return getattr(ROOMS[prefix], name.removeprefix(prefix))  # type: ignore[no-any-return]


def public() -> Iterator[str]:
    """The names of all public functions: what is no class, no module, no transform of functions."""
    for prefix, room in ROOMS.items():
        for name in getattr(room, "__all__", vars(room)):
            f = getattr(room, name)
            if callable(f) and not (inspect.isclass(f) or name in TRANSFORMS or name[0] == "_"):
                yield prefix + name


TRANSFORMS = {
    "apply_along_axis", "check_grads", "compile", "custom_jvp", "custom_vjp", "detect_anomaly",
    "elementwise_grad", "grad", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "linearize",
    "nan_origin", "no_grad", "piecewise", "stop_gradient", "tensor", "value_and_grad", "vjp",
}  # fmt: skip
"""What takes functions or makes tensors: no function of numbers alone."""


def A(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of both signs between 0.3 and 2, no two alike: the place decides, not the order."""
    rng = np.random.default_rng([seed, *shape])
    return np.asarray(rng.uniform(0.3, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def P(*shape: int, seed: int = 0) -> np.ndarray:
    """Positive numbers between 0.3 and 2."""
    return np.abs(A(*shape, seed=seed))


def U(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0.15 and 0.85, as probabilities are."""
    return (P(*shape, seed=seed) - 0.3) / 1.7 * 0.7 + 0.15


def R(n: int, seed: int = 0) -> np.ndarray:
    """Rising numbers."""
    return np.cumsum(P(n, seed=seed))


def SQ(n: int, *lead: int) -> np.ndarray:
    """Matrices with eigenvalues and singular values that lie apart."""
    return A(*lead, n, n) / 4 + np.eye(n) * (2.0 + 3.0 * np.arange(n))


def SPD(n: int) -> np.ndarray:
    a = SQ(n)
    return (a + a.T) / 2


def NAN(*shape: int) -> np.ndarray:
    a = A(*shape)
    a.flat[0] = np.nan
    return a


M, V, T3 = (2, 3), (4,), (2, 3, 4)
MASK = np.array([[True, False, True], [True, True, False]])
LABELS, SIGNS = np.array([2, 0]), np.array([1.0, -1.0])
BOTH = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])


def c(name: str, *args: Any, **kwargs: Any) -> Call:
    return Call(name, args, kwargs)


# fmt: off
# ruff: noqa: E501
TABLE: list[Call] = [
    # ---- reductions
    c("sum", A(*M)), c("sum", A(*T3), axis=(0, 2), keepdims=True, initial=1.5), c("sum", A(*M), 1, where=MASK), c("sum", A(*M), 0, float, initial=A(3)),
    c("prod", A(*M)), c("prod", A(*M), axis=0, initial=1.5, where=MASK, keepdims=True), c("prod", A(*M), dtype=float), c("mean", A(*M), -1), c("mean", A(*T3), (0, 1), float, keepdims=True), c("mean", A(*M), 1, where=MASK),
    c("max", A(*M), 1), c("max", A(*M), initial=0.9, where=MASK), c("max", A(*M), 0, initial=-9.5, keepdims=True), c("min", A(*M), 1), c("min", A(*M), initial=0.1, where=MASK, keepdims=True), c("min", A(*M), 0, initial=-0.9), c("ptp", A(*M), 1, keepdims=True),
    c("var", A(*M)), c("var", A(*M), 1, float, 1, keepdims=True), c("var", A(*M), where=MASK, axis=1), c("var", A(*M), 1, mean=A(2, 1)), c("var", A(*M), correction=0.5), c("var", A(*M), ddof=0.5),
    c("std", A(*M)), c("std", A(*M), 0, float, 1, keepdims=True), c("std", A(*M), where=MASK, axis=1), c("std", A(*M), 1, mean=A(2, 1)), c("std", A(*M), correction=0.5), c("std", A(*M), ddof=0.5),
    c("average", A(*M), 1, P(3)), c("average", A(*M), None, P(*M), True), c("average", A(*M), 0, keepdims=True), c("logsumexp", A(*M), 1, keepdims=True), c("softmax", A(*M)), c("softmax", A(*M), axis=0), c("log_softmax", A(*M), 0),
    c("median", A(3, 4), 1), c("median", A(3, 4), keepdims=True), c("quantile", A(3, 4), 0.3), c("quantile", A(3, 4), U(2), axis=1, keepdims=True), c("quantile", A(4), 0.4, method="hazen"), c("quantile", A(5), 0.4, method="lower"), c("percentile", A(3, 4), 40.0, 0), c("percentile", A(3, 4), 100 * U(2), axis=1, keepdims=True, method="weibull"),
    c("nansum", NAN(*M), 0, float, keepdims=True), c("nansum", NAN(*M), 1, initial=2.5, where=MASK), c("nanprod", NAN(*M), 1, initial=-1.0, where=MASK), c("nanmean", NAN(*M), 0, where=MASK), c("nanvar", NAN(*M), 1, where=MASK, correction=0.5), c("nanstd", NAN(*M), 1, where=MASK, correction=0.5), c("nanvar", NAN(*M), 1, mean=A(M[0], 1)), c("nanstd", NAN(*M), 1, mean=A(M[0], 1)), c("nanvar", A(3, 2), 1, ddof=2), c("nanstd", A(3, 2), 1, ddof=2), c("nanmax", NAN(*M), 1, initial=0.5, where=MASK), c("nanmin", NAN(*M), 1, initial=0.5, where=MASK), c("nanprod", NAN(*M), 1, float, keepdims=True), c("nanmean", NAN(*M), 1, float, keepdims=True), c("nanvar", NAN(3, 4), 1, float, 1, keepdims=True), c("nanvar", NAN(3, 4), ddof=0.5), c("nanstd", NAN(3, 4), 1, float, 1, keepdims=True), c("nanstd", NAN(3, 4), ddof=0.5), c("nanmax", NAN(*M), 1, keepdims=True), c("nanmin", NAN(*M), 1, keepdims=True),
    c("cov", A(1, 4), rowvar=False), c("nanmedian", NAN(3, 4), 1, keepdims=True), c("nanquantile", NAN(3, 4), U(2), 1, keepdims=True, method="linear"), c("nanpercentile", NAN(3, 4), 30.0, 0, keepdims=True, method="hazen"), c("nancumsum", NAN(*M), 1, float), c("nancumprod", NAN(*M), 1, float),
    c("cumsum", A(*M), 1, float), c("cumprod", A(*M), 1, float), c("logcumsumexp", A(*M), 1), c("polygamma", 2, P(*M)), c("cumulative_sum", A(*M), axis=1, dtype=float, include_initial=True), c("cumulative_prod", A(*M), axis=1, dtype=float, include_initial=True), c("trace", A(3, 3), 1, 0, 1, float), c("trace", A(3, 2, 3), axis1=0, axis2=2),
    # ---- shape
    c("reshape", A(*M), (3, -1), "F"), c("ravel", A(*M), "F"), c("transpose", A(*T3), (2, 0, 1)), c("permute_dims", A(*M), (1, 0)), c("matrix_transpose", A(*T3)), c("moveaxis", A(*T3), 0, -1), c("rollaxis", A(*T3), 2, 1), c("swapaxes", A(*T3), 0, 2), c("squeeze", A(1, 3, 1), 0), c("expand_dims", A(*M), (0, 2)), c("broadcast_to", A(*M), (2, 2, 3)), c("broadcast_arrays", A(3, 1), A(1, 2)),
    c("tile", A(*M), (2, 2)), c("repeat", A(*M), [1, 0, 2], 1), c("resize", A(*M), (2, 4)), c("roll", A(*M), (1, -1), (0, 1)), c("rot90", A(*M), 3, (1, 0)), c("flip", A(*M), 1), c("fliplr", A(*M)), c("flipud", A(*M)), c("copy", A(*M)), c("astype", A(*M), float), c("array", [A(3), A(3, seed=1)], float), c("array", [[A(), 2.0], [A(seed=1), 1.0]]),
    c("pad", A(*M), 1), c("pad", A(*M), ((1, 0), (0, 2)), "constant", constant_values=2.5), c("pad", A(*M), 1, constant_values=((1.5, 2.5), (3.5, 0.5))), c("pad", A(*M), 1, constant_values=(1.5, 2.5)), c("pad", A(*M), 1, "reflect"), c("pad", A(*M), 2, "wrap"), c("pad", A(*M), 1, "edge"), c("pad", A(*M), 1, "symmetric"),
    c("concatenate", [A(*M), A(1, 3)], 0, dtype=float), c("concat", [A(*M), A(2, 1)], -1, dtype=float), c("concatenate", [A(*M), A(4)], axis=None), c("stack", [A(*M), A(*M, seed=1)], 1, dtype=float), c("vstack", [A(3), A(*M)], dtype=float), c("hstack", [A(3), A(2)], dtype=float), c("dstack", [A(*M), A(*M, seed=1)]), c("column_stack", [A(3), A(3, 2)]), c("append", A(*M), A(1, 3), 0), c("block", [[A(*M), A(2, 1)], [A(1, 4)]]),
    c("split", A(3, 4), 2, 1), c("split", A(3, 4), [1, 2]), c("array_split", A(5), 3, 0), c("vsplit", A(4, 2), 2), c("hsplit", A(2, 4), 2), c("dsplit", A(2, 2, 4), 2), c("unstack", A(*M), axis=1), c("diag", A(4), 1), c("diag", A(3, 4), -1), c("diagflat", A(*M), -1), c("diagonal", A(3, 4), 1, 1, 0), c("tril", A(3, 3), 1), c("triu", A(2, 3, 3), -1), c("atleast_1d", A()), c("atleast_2d", A(3), A()), c("atleast_3d", A(*M)), c("meshgrid", A(2), A(3), indexing="ij", sparse=True), c("meshgrid", A(2), A(3)),
    c("delete", A(*M), 1, 1), c("delete", A(*M), [0, 2]), c("insert", A(*M), 1, A(2), 1), c("insert", A(4), [0, 2], A(2)), c("insert", A(4), 1, 9.5), c("trim_zeros", np.pad(A(4), 2), "f"), c("sort", A(3, 4), 0), c("sort", A(3, 4), None, kind="stable"), c("sort", A(3, 4), -1, stable=True), c("partition", A(3, 5), 2, 1, "introselect"), c("argmax", A(*M), 1, keepdims=True), c("argmin", A(*M), 1, keepdims=True), c("argsort", A(*M), 0, kind="stable"), c("argsort", A(*M), 1, stable=True), c("argpartition", A(5), 2, 0),
    # ---- choice
    c("where", MASK, A(*M), A(3)), c("where", MASK, A(*M), 0.5), c("select", [A(*M) > 1, A(*M) > 0], [A(*M), A(*M, seed=1)], 0.5), c("select", [A(*M) > 1], [A(*M)], default=A(*M, seed=2)), c("choose", np.array([0, 1, 0]), [A(3), A(3, seed=1)], "wrap"), c("clip", A(*M), -1.05, 0.95), c("clip", A(*M), A(3) - 1.5, None), c("clip", A(*M), min=-1.05, max=A(3) + 1.1), c("take", A(*M), [0, 2, 2], 1, mode="clip"), c("take_along_axis", A(*M), np.array([[2, 0], [1, 1]]), 1), c("compress", [True, False, True], A(*M), 1), c("extract", MASK, A(*M)),
    c("full_like", A(*M), A(), float, shape=(2, 2)), c("full_like", A(*M), 1.5), c("linspace", A(2), A(2, seed=1), 5, True, False, float, -1), c("linspace", 0.5, 2.5, 4, endpoint=False, retstep=True), c("linspace", 0.5, 2.5, num=1), c("nan_to_num", NAN(*M), True, 0.5, 9.5, -9.5), c("nan_to_num", np.array([np.inf, -np.inf, 1.5]), posinf=9.5, neginf=-9.5), c("round", A(*M), 1), c("fix", A(*M)), c("float_power", P(*M), A(3)), c("divmod", A(*M), 0.7), c("modf", A(*M)), c("positive", A(*M)), c("imag", A(*M)), c("sinc", A(*M)), c("leaky_relu", A(*M), 0.3), c("elu", A(*M), 0.7), c("logit", U(*M)),
    # ---- products
    c("dot", A(*M), A(3, 2)), c("dot", A(4), A(4, seed=1)), c("dot", A(), A(*M)), c("dot", A(*M), A(2, 3, 4)), c("vdot", A(*M), A(*M, seed=1)), c("vecdot", A(*M), A(*M, seed=1), axis=0), c("inner", A(*M), A(4, 3)), c("outer", A(4), A(*M)), c("matvec", A(*T3), A(4)), c("vecmat", A(*M), A(*T3)), c("tensordot", A(*T3), A(4, 2), ([0, 2], [1, 0])), c("tensordot", A(*M), A(3, 2), 1), c("kron", A(*M), A(2, 2)), c("cross", A(2, 3), A(3)), c("cross", A(2, 3), A(3, 2), axisa=1, axisb=0, axisc=0), c("cross", A(3, 2), A(3, 2, seed=1), axis=0), c("correlate", A(6), A(3), "same"), c("convolve", A(6), A(3), "valid"), c("linear", A(*M), A(3, 2), A(2)), c("linear", A(*M), A(3, 2)), c("linear", A(*M), A(3, 2), A(1)),
    c("einsum", "ij,jk->ik", A(*M), A(3, 2), optimize=True), c("einsum", "ii,ij", A(3, 3), A(3, 2)), c("einsum", A(*M), [0, 1], A(3, 2), [1, 2], [0, 2]),
    # ---- calculus, statistics, polynomials
    c("diff", A(*M), 2, 1), c("diff", A(*M), 1, -1, A(2, 1), 0.5), c("ediff1d", A(4), A(2), 0.5), c("gradient", A(5), 0.5, edge_order=2), c("gradient", A(5), R(5)), c("gradient", A(5), R(5), edge_order=2), c("gradient", A(3, 4), 0.5, R(4)), c("gradient", A(3, 4), axis=1), c("trapezoid", A(*M), R(3)), c("trapezoid", A(*M), A(*M, seed=1), axis=0), c("trapezoid", A(*M), dx=0.5), c("trapezoid", A(*M), None, P(2)), c("interp", np.array([-0.5, 1.1, 2.2, 19.5]), R(4), A(4), -1.5, 7.5), c("interp", np.array([-0.5, 19.5]), R(4), A(4)), c("unwrap", 5 * A(5), 2.5, 0, period=5.5), c("unwrap", 5 * A(5)),
    c("cov", A(3, 5)), c("cov", A(2, 5), A(1, 5), True, True), c("cov", A(5, 2), rowvar=False, ddof=0), c("cov", A(2, 4), fweights=np.array([1, 2, 1, 3]), aweights=P(4)), c("cov", A(2, 4), aweights=P(4), ddof=0), c("corrcoef", A(3, 5)), c("corrcoef", A(5, 2), A(5, 1), False), c("polyval", A(4), A(*M)), c("vander", A(4), 3, True),
    c("cross_entropy", A(*M), LABELS, P(3)), c("cross_entropy", A(*M), U(*M), P(3), -100, "sum", 0.1), c("cross_entropy", A(*M), LABELS, ignore_index=0, reduction="none"), c("cross_entropy", A(*M), LABELS, P(3), label_smoothing=0.2), c("cross_entropy", A(*M), LABELS, P(3), ignore_index=0), c("cross_entropy", A(2, 3, 4), U(2, 3, 4)),
    c("binary_cross_entropy_with_logits", A(*M), U(*M), P(3), "mean", P(3, seed=1)), c("mse_loss", A(*M), A(*M, seed=1), "mean", P(*M)), c("ldexp", A(*M), np.array([1, 2, 0])),
    # ---- matrices
    c("linalg.cholesky", SPD(3)), c("linalg.cholesky", SPD(3), upper=True), c("linalg.cond", SQ(3)), c("linalg.cond", SQ(3), "fro"), c("linalg.cond", SQ(3), 1), c("linalg.cross", A(2, 3), A(3)), c("linalg.cross", A(3, 2), A(3, 2, seed=1), axis=0), c("linalg.det", SQ(3, 2)), c("linalg.diagonal", A(2, 3, 3), offset=1), c("linalg.eigh", SPD(3), "U"), c("linalg.eigvalsh", SPD(3), "L"), c("linalg.inv", SQ(3)), c("linalg.lstsq", A(4, 2), A(4, 3), 1e-9), c("linalg.lstsq", A(4, 2), A(4)), c("linalg.matmul", A(*M), A(3)), c("linalg.matrix_norm", A(*T3), ord=1, keepdims=True), c("linalg.matrix_norm", A(3, 2), ord="nuc"), c("linalg.matrix_power", SQ(3), -2), c("linalg.matrix_transpose", A(*T3)), c("linalg.multi_dot", [A(*M), A(3, 4), A(4)]),
    c("linalg.norm", A(*M)), c("linalg.norm", A(*M), 3.5, 1, True), c("linalg.norm", A(*M), 1.5, 1), c("linalg.norm", A(*M), -1.5, 1), c("linalg.norm", A(*M), np.inf, 1), c("linalg.norm", A(*M), 0, 0), c("linalg.outer", A(4), A(2)), c("linalg.matrix_exp", A(3, 3)), c("linalg.matrix_exp", 4 * A(2, 2, 2)), c("linalg.solve_triangular", A(3, 3) + 2 * np.eye(3), A(3, 2), upper=True), c("linalg.solve_triangular", A(3, 3), A(2, 3), upper=False, left=False, unitriangular=True), c("linalg.pinv", A(4, 2), 1e-9), c("linalg.pinv", SPD(3), hermitian=True), c("linalg.pinv", A(2, 4), rtol=1e-9), c("linalg.qr", A(4, 2), "reduced"), c("linalg.qr", A(2, 4), "r"), c("linalg.slogdet", SQ(3)), c("linalg.solve", SQ(3), A(3)), c("linalg.solve", SQ(3, 2), A(2, 3, 2)), c("linalg.svd", A(4, 2), False, True, False), c("linalg.svd", SPD(3), compute_uv=False, hermitian=True), c("linalg.svdvals", A(4, 2)), c("linalg.tensordot", A(*M), A(3, 2), axes=1), c("linalg.tensorinv", SQ(4).reshape(2, 2, 4), 2), c("linalg.tensorsolve", SQ(4).reshape(2, 2, 4), A(2, 2)), c("linalg.tensorsolve", SQ(4).reshape(2, 4, 2), A(2, 2), (1,)), c("linalg.trace", A(2, 3, 3), offset=1, dtype=float), c("linalg.vecdot", A(*M), A(3)), c("linalg.vecdot", A(*M), A(*M, seed=1), axis=0), c("linalg.vector_norm", A(*M), axis=1, keepdims=True, ord=3.5), c("linalg.vector_norm", A(*M)),
    # ---- activations
    c("nn.celu", A(*M), 0.7), c("nn.elu", A(*M), 0.7), c("nn.leaky_relu", A(*M), 0.3), c("nn.selu", A(*M)), c("nn.prelu", A(*M), A(3)), c("nn.prelu", A(*M), 0.3), c("nn.rrelu", A(*M), 0.1, 0.4, False), c("nn.gelu", A(*M)), c("nn.gelu", A(*M), "tanh"), c("nn.silu", A(*M)), c("nn.mish", A(*M)), c("nn.softplus", A(*M), 0.7, 9.5), c("nn.softplus", A(*M), 1.5), c("nn.softsign", A(*M)), c("nn.logsigmoid", A(*M)), c("nn.hardsigmoid", A(*M)), c("nn.hardswish", A(*M)), c("nn.hardtanh", A(*M), -0.95, 1.05), c("nn.hardshrink", A(*M), 0.65), c("nn.softshrink", A(*M), 0.65), c("nn.tanhshrink", A(*M)), c("nn.threshold", A(*M), 0.25, 9.5), c("nn.glu", A(2, 4), -1), c("nn.softmax", A(*M), -1), c("nn.log_softmax", A(*M), 0), c("nn.softmin", A(*M), 0), c("nn.normalize", A(*M), 2.5, 1, 0.05), c("nn.normalize", A(*M), 2.0, 1, 9.5),
    c("nn.relu", A(*M)), c("nn.relu6", A(*M)), c("nn.sigmoid", A(*M)), c("nn.tanh", A(*M)), c("nn.linear", A(*M), A(3, 2), A(2)), c("nn.dropout", A(*M), 0.5, False), c("nn.dropout1d", A(2, 3, 4), 0.5, False), c("nn.dropout2d", A(2, 3, 2, 2), 0.5, False), c("nn.dropout3d", A(2, 3, 1, 2, 2), 0.5, False), c("nn.embedding", np.array([[0, 2], [1, 2]]), A(3, 2), 1), c("nn.one_hot", LABELS, 3), c("nn.bilinear", A(*M), A(2, 4), A(5, 3, 4), A(5)),
    c("nn.scaled_dot_product_attention", A(2, 3, 4), A(2, 5, 4), A(2, 5, 4, seed=1), A(3, 5), 0.0, scale=0.7), c("nn.scaled_dot_product_attention", A(2, 3, 4), A(2, 3, 4, seed=1), A(2, 3, 4, seed=2), is_causal=True), c("nn.scaled_dot_product_attention", A(2, 4, 3, 2), A(2, 2, 3, 2), A(2, 2, 3, 2, seed=1), enable_gqa=True), c("nn.cosine_similarity", A(*M), A(*M, seed=1), 1, 1e-3), c("nn.cosine_similarity", A(*M), A(*M, seed=1), eps=9.5), c("nn.pairwise_distance", A(*M), A(*M, seed=1), 2.5, 1e-3, True), c("nn.pdist", A(3, 2), 2.5),
    # ---- images
    *[c(f"nn.adaptive_{how}_pool{n}d", A(1, 2, *(4,) * n), 2) for how in ("avg", "max") for n in (1, 2, 3)],
    *[c(f"nn.avg_pool{n}d", A(1, 2, *(4,) * n), 2, 1, 1, True, False, *(() if n == 1 else (3.5,))) for n in (1, 2, 3)],
    *[c(f"nn.max_pool{n}d", A(1, 2, *(4,) * n), 2, 1, 1, 1, True) for n in (1, 2, 3)], c("nn.max_pool2d", A(1, 2, 4, 4), 2, return_indices=True),
    *[c(f"nn.conv{n}d", A(1, 2, *(4,) * n), A(2, 1, *(2,) * n), A(2), 1, 1, 1, 2) for n in (1, 2, 3)],
    *[c(f"nn.conv_transpose{n}d", A(1, 2, *(3,) * n), A(2, 1, *(2,) * n), A(2), 2, 1, 1, 2, 1) for n in (1, 2, 3)],
    c("nn.channel_shuffle", A(1, 4, 2, 2), 2), c("nn.pixel_shuffle", A(1, 4, 2, 2), 2), c("nn.pixel_unshuffle", A(1, 1, 4, 4), 2), c("nn.unfold", A(1, 2, 4, 4), 2, 1, 1, 2), c("nn.fold", A(1, 8, 9), 4, 2, 1, 1, 2), c("nn.pad", A(1, 2, 4), (1, 2), "constant", 2.5), c("nn.pad", A(1, 2, 4), (1, 2), "reflect"), c("nn.interpolate", A(1, 2, 4), 7, None, "linear", True), c("nn.interpolate", A(1, 2, 4, 4), scale_factor=1.5, mode="bilinear", recompute_scale_factor=True), c("nn.interpolate", A(1, 2, 5, 5), 3, mode="bicubic", antialias=True), c("nn.interpolate", A(1, 2, 4), scale_factor=2.0),
    # ---- normalisation
    c("nn.batch_norm", A(4, 3), A(3), P(3), P(3, seed=1), A(3, seed=1), False, 0.3, 0.05), c("nn.batch_norm", A(4, 3), None, None, P(3, seed=1), A(3, seed=1), True, 0.3, 0.05), c("nn.instance_norm", A(2, 3, 4), None, None, P(3), A(3), True, 0.3, 0.05), c("nn.instance_norm", A(2, 3, 4), A(3), P(3), use_input_stats=False), c("nn.group_norm", A(2, 4, 3), 2, P(4), A(4), 0.05), c("nn.layer_norm", A(2, 4), 4, P(4), A(4), 0.05), c("nn.rms_norm", A(2, 4), 4, P(4), 0.05), c("nn.local_response_norm", A(2, 4, 3), 3, 0.3, 0.6, 1.5),
    # ---- losses
    c("nn.binary_cross_entropy", U(*M), U(*M, seed=1), P(3), "mean"), c("nn.binary_cross_entropy", U(*M), U(*M, seed=1), clip_eps=0.01), c("nn.binary_cross_entropy", np.array([0.001, 0.999]), U(2), clip_eps=0.01), c("nn.cosine_embedding_loss", A(2, 3), A(2, 3, seed=1), SIGNS, 0.05), c("nn.cosine_embedding_loss", P(2, 3), P(2, 3, seed=1), SIGNS, -0.5, "sum"), c("nn.gaussian_nll_loss", A(*M), A(*M, seed=1), P(*M), True, 1e-3, "sum"), c("nn.gaussian_nll_loss", A(*M), A(*M, seed=1), 0.5), c("nn.gaussian_nll_loss", A(*M), A(*M, seed=1), P(2, 1)), c("nn.gaussian_nll_loss", A(*M), A(*M, seed=1), P(*M), eps=9.5), c("nn.hinge_embedding_loss", A(*M), BOTH, 2.5, "sum"), c("nn.huber_loss", A(*M), A(*M, seed=1), "mean", 0.7, P(*M)), c("nn.kl_div", A(*M), U(*M), "batchmean"), c("nn.kl_div", A(*M), A(*M, seed=1), log_target=True), c("nn.l1_loss", A(*M), A(*M, seed=1), "mean", P(*M)), c("nn.margin_ranking_loss", A(4), A(4, seed=1), np.array([1.0, -1.0, 1.0, 1.0]), 5.5, "sum"), c("nn.mse_loss", A(*M), A(*M, seed=1), "mean", P(*M)),
    c("nn.ctc_loss", A(5, 2, 3), np.array([[2, 0], [0, 2]]), np.array([5, 4]), np.array([2, 1]), 1, "sum", True), c("nn.ctc_loss", A(5, 3), np.array([2, 2]), 5, 2),
    c("nn.embedding_bag", np.array([2, 0, 0, 3]), A(4, 2), np.array([0, 1, 4]), mode="sum", per_sample_weights=P(4), include_last_offset=True), c("nn.embedding_bag", np.array([[2, 0], [0, 3]]), A(4, 2), mode="mean", padding_idx=3), c("nn.embedding_bag", np.array([[2, 0], [0, 3]]), A(4, 2), mode="max"),
    c("nn.multi_margin_loss", A(*M), LABELS, 2, 2.5, P(3), "sum"), c("nn.multi_margin_loss", A(*M), LABELS, 1, 2.5), c("nn.multilabel_margin_loss", A(*M), np.array([[0, 2, -1], [1, -1, 0]]), "sum"), c("nn.multilabel_soft_margin_loss", A(*M), U(*M), P(3), "sum"), c("nn.nll_loss", A(*M), LABELS, P(3)), c("nn.nll_loss", A(*M), LABELS, P(3), 0, "sum"), c("nn.poisson_nll_loss", A(*M), P(*M) + 1, True, True, 1e-3, "sum"), c("nn.poisson_nll_loss", P(*M), P(*M) + 1, False, eps=0.05), c("nn.smooth_l1_loss", A(*M), A(*M, seed=1), "sum", 0.7), c("nn.soft_margin_loss", A(*M), BOTH, "sum"), c("nn.triplet_margin_loss", A(*M), A(*M, seed=1), A(*M, seed=2), 5.5, 2.5, 1e-3, True, "sum"), c("nn.cross_entropy", A(*M), LABELS, P(3), 0, "sum", 0.2), c("nn.binary_cross_entropy_with_logits", A(*M), U(*M), P(3), "sum", P(3, seed=1)),
]
# fmt: on


def _ops() -> Iterator[Call]:
    """A call of each public elementwise op, its inputs inside the domain."""
    for name in mg.__all__:
        op = getattr(mg, name)
        if isinstance(op, Op) and op.name != "ldexp":
            xs = []
            for i, (low, high) in enumerate(op.domain):
                xs.append(low + (high - low) * (U(2, 3, seed=i) if i == 0 else U(3, seed=i)))
            yield Call(name, tuple(xs) if op.domain else (A(2, 3), A(3, 2)), {})


CALLS = [*TABLE, *_ops()]


def name_of(call: Call) -> str:
    """What a test calls it."""
    given = ",".join(call.kwargs)
    return f"{call.name}({len(call.args)}{',' * bool(given)}{given})"
