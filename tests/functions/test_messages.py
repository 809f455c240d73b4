"""What functions and losses say where they refuse: the exact texts, in one table."""

import numpy as np

import microgradnn as mg
from microgradnn.errors import (
    ConfigError,
    DataError,
    DTypeError,
    GradientError,
    LabelError,
    RuleError,
    ShapeError,
)
from microgradnn.nn import functional as nnf

from .. import messages

V, N = np.arange(3.0), np.ones((2, 3))

test_messages = messages.table(
    (
        lambda: mg.elu(V, mg.tensor(0.5, requires_grad=True)),
        GradientError,
        "elu: alpha requires grad, but has no derivative here and would count as a constant; pass "
        "its .detach(), or write the formula with other functions",
    ),
    (
        lambda: np.histogram(mg.tensor(V, requires_grad=True)),
        GradientError,
        "np.histogram: an argument requires grad, but has no derivative here and would count as a "
        "constant; pass its .detach(), or write the formula with other functions",
    ),
    (lambda: mg.diff(V, -1), ShapeError, "diff: order -1 is negative"),
    (lambda: mg.gradient(N, 1.0, 1.0, 1.0), DTypeError, "gradient: 3 spacings for 2 axes"),
    (lambda: mg.gradient(V, edge_order=3), ShapeError, "gradient: edge_order 3; use 1 or 2"),
    (
        lambda: mg.gradient(V[:2], edge_order=2),
        ShapeError,
        "gradient: 2 samples; edge_order 2 needs 3",
    ),
    (
        lambda: mg.interp(1.0, V, V[:2]),
        ShapeError,
        "interp: xp (3,) and fp (2,) must be vectors of one length",
    ),
    (
        lambda: mg.cov(np.ones((1, 2, 3))),
        ShapeError,
        "cov: 3 dimensions; a matrix or vector is needed",
    ),
    (
        lambda: mg.where(V > 1, V),
        ShapeError,
        "where: got one of x and y; give both, or neither for the indices",
    ),
    (
        lambda: mg.select([], []),
        ShapeError,
        "select: 0 conditions for 0 choices; need as many, at least one",
    ),
    (
        lambda: mg.piecewise(V, [V > 1], [1.0, 2.0, 3.0]),
        ShapeError,
        "piecewise: 1 conditions for 3 functions",
    ),
    (
        lambda: mg.choose([3], [V]),
        ShapeError,
        "choose: an index is outside 0 to 0; use mode='clip' or 'wrap'",
    ),
    (lambda: mg.cross(V, V[:2]), ShapeError, "cross: vectors of 3 and 2 components; both need 3"),
    (
        lambda: mg.tensordot(N, N, 1),
        ShapeError,
        "tensordot: (2, 3) along (1,) does not fit (2, 3) along (0,)",
    ),
    (lambda: mg.einsum("ij,jk->ik", N), ShapeError, "einsum: 2 subscripts for 1 operands"),
    (
        lambda: mg.einsum("ijk->i", N),
        ShapeError,
        "einsum: subscripts 'ijk' do not fit an operand of shape (2, 3)",
    ),
    (
        lambda: mg.correlate(V, V, "wide"),
        ShapeError,
        "correlate: mode 'wide'; use 'valid', 'same' or 'full'",
    ),
    (lambda: mg.convolve([], V), ShapeError, "convolve: neither vector may be empty"),
    (
        lambda: mg.reshape(V, 2),
        ShapeError,
        "reshape: inputs of shapes (3,): cannot reshape array of size 3 into shape (2,)",
    ),
    (
        lambda: mg.reshape(V, 3, order="K"),
        RuleError,
        "reshape: order='K' depends on memory, not on values; use 'C' or 'F'",
    ),
    (
        lambda: mg.concatenate([N, V]),
        ShapeError,
        "concatenate: inputs of shapes (2, 3), (3,): all the input arrays must have same number of dimensions, but the array at index 0 has 2 dimension(s) and the array at index 1 has 1 dimension(s)",
    ),
    (lambda: mg.block([[], [V]]), ShapeError, "block: a list of blocks is empty"),
    (
        lambda: mg.meshgrid(V, V, indexing="yx"),
        ShapeError,
        "meshgrid: indexing 'yx'; use 'xy' or 'ij'",
    ),
    (lambda: mg.split(V, 2), ShapeError, "split: 3 elements do not split into 2 equal parts"),
    (lambda: mg.array_split(V, 0), ShapeError, "array_split: 0 sections; need 1 or more"),
    (lambda: mg.vsplit(V, 1), ShapeError, "vsplit: 1 dimensions, need 2 or more"),
    (lambda: mg.dsplit(N, 1), ShapeError, "dsplit: 2 dimensions, need 3 or more"),
    (
        lambda: mg.pad(mg.tensor(V), 1, "linear_ramp"),
        RuleError,
        "np.pad: mode='linear_ramp' is not supported for tensors; use constant, edge, reflect, symmetric, wrap, empty",
    ),
    (
        lambda: mg.max(V, where=V > 1),
        ShapeError,
        "max: where= needs initial=, the answer if no element is left",
    ),
    (
        lambda: mg.average(N, 0, np.ones(5)),
        ShapeError,
        "average: weights of shape (5,) do not fit (2, 3) along axis 0",
    ),
    (lambda: mg.cumulative_sum(N), ShapeError, "cumulative_sum: axis is needed for 2 dimensions"),
    (
        lambda: mg.linalg.inv(N),
        ShapeError,
        "linalg.inv: got shape (2, 3), need square matrices (…, n, n)",
    ),
    (
        lambda: mg.linalg.svd(N),
        RuleError,
        "linalg.svd: full_matrices=True has no derivative for shape (2, 3); write full_matrices=False",
    ),
    (
        lambda: mg.linalg.qr(N.T, "complete"),
        RuleError,
        "linalg.qr: mode='complete' has no derivative for shape (3, 2); use 'reduced'",
    ),
    (
        lambda: mg.linalg.norm(V, "fro", 0),
        ShapeError,
        "norm: order 'fro' is for matrices; give two axes",
    ),
    (
        lambda: mg.linalg.norm(N, 3, (0, 1)),
        ShapeError,
        "norm: order 3; use None, 'fro', 'nuc', ±1, ±2 or ±inf",
    ),
    (lambda: mg.linalg.norm(N, None, (0, 0)), ShapeError, "norm: axis (0, 0) names an axis twice"),
    (
        lambda: mg.linalg.norm(np.ones((1, 2, 3)), 2, (0, 1, 2)),
        ShapeError,
        "norm: 3 axes; a norm is over one (vectors) or two (matrices)",
    ),
    (lambda: mg.linalg.multi_dot([N]), ShapeError, "multi_dot: 1 arrays, need 2 or more"),
    (
        lambda: nnf.huber_loss(V, V, delta=0),
        ConfigError,
        "huber_loss: delta is 0, need a positive number",
    ),
    (
        lambda: nnf.smooth_l1_loss(V, V, beta=-1),
        ConfigError,
        "smooth_l1_loss: beta is -1, need 0 or more",
    ),
    (
        lambda: mg.cross_entropy(N, [0, 1], label_smoothing=2),
        ConfigError,
        "cross_entropy: label_smoothing is 2, need 0 to 1",
    ),
    (
        lambda: mg.cross_entropy(N, [0, 1], weight=[1.0]),
        ShapeError,
        "cross_entropy: weight has shape (1,), expected (3,)",
    ),
    (
        lambda: mg.cross_entropy(N, N / 3, ignore_index=1),
        ConfigError,
        "cross_entropy: ignore_index is for labels, not for probabilities",
    ),
    (
        lambda: nnf.binary_cross_entropy(V / 2, V),
        ConfigError,
        "binary_cross_entropy: a target is outside 0 to 1",
    ),
    (
        lambda: nnf.cosine_embedding_loss(N, N, V),
        ShapeError,
        "cosine_embedding_loss: target has shape (3,), expected (2,)",
    ),
    (
        lambda: nnf.gaussian_nll_loss(N, N, V),
        ShapeError,
        "gaussian_nll_loss: var has shape (3,), input (2, 3)",
    ),
    (
        lambda: mg.mse_loss(np.ones((3, 1)), np.ones(3)),
        ShapeError,
        "mse_loss: input has shape (3, 1), target (3,); reshape one of them",
    ),
    (
        lambda: mg.cross_entropy(np.ones((2, 3)), np.array([0, 3])),
        LabelError,
        "cross_entropy: label 3 at index (1,) is out of range; labels for 3 classes are 0 to 2",
    ),
    (
        lambda: mg.cross_entropy(np.ones((2, 3)), np.array([-1, 0])),
        LabelError,
        "cross_entropy: label -1 at index (0,) is out of range; labels for 3 classes are 0 to 2",
    ),
    (
        lambda: mg.cross_entropy(np.ones((2, 3)), np.array([0])),
        ShapeError,
        "cross_entropy: labels have shape (1,), expected (2,) for logits of shape (2, 3)",
    ),
    (
        lambda: mg.cross_entropy(np.ones((2, 3)), np.ones((2, 2))),
        ShapeError,
        "cross_entropy: probabilities have shape (2, 2), logits (2, 3); they must be equal, "
        "or pass integer labels of shape (2,)",
    ),
    (
        lambda: mg.mse_loss(np.ones(2), np.ones(2), reduction="avg"),
        ConfigError,
        "mse_loss: reduction 'avg'; use 'mean', 'sum' or 'none'",
    ),
    (
        lambda: nnf.cross_entropy(np.ones((2, 3)), np.ones((2, 2))),
        ShapeError,
        "cross_entropy: probabilities have shape (2, 2), logits (2, 3); they must be equal, "
        "or pass integer labels of shape (2,)",
    ),
    (
        lambda: nnf.nll_loss(np.ones((2, 3)), np.ones(2)),
        DTypeError,
        "nll_loss: labels are float64, need integers",
    ),
    (
        lambda: nnf.multilabel_margin_loss(np.ones((1, 3)), np.array([[0, 3, -1]])),
        LabelError,
        "multilabel_margin_loss: labels must be -1 to 2",
    ),
    (
        lambda: nnf.multilabel_margin_loss(np.ones((1, 3)), np.array([[0, -2, -1]])),
        LabelError,
        "multilabel_margin_loss: labels must be -1 to 2",
    ),
    (
        lambda: nnf.binary_cross_entropy(np.array([0.5, 1.5]), np.ones(2)),
        ConfigError,
        "binary_cross_entropy: a probability is outside 0 to 1; pass σ(logits)",
    ),
    (
        lambda: nnf.gaussian_nll_loss(np.ones(2), np.ones(2), np.array([1.0, -1.0])),
        ConfigError,
        "gaussian_nll_loss: var has a negative entry",
    ),
    (
        lambda: mg.vander(np.ones(2), 10**400),
        ShapeError,
        "vander: N is an integer of 1329 bits, need at most 100000",
    ),
    (
        lambda: mg.var(np.ones(2), dtype=bool),
        DTypeError,
        "var: dtype=bool holds no fractions; use a float dtype, or none",
    ),
    (
        lambda: mg.linalg.det(np.ones((2, 2), np.longdouble)),
        DTypeError,
        "linalg.det: got dtype float128, need float32, float64 or integers; write "
        "x.astype(np.float64)",
    ),
    (
        lambda: mg.linalg.cond(np.ones((0, 0))),
        ShapeError,
        "linalg.cond: got shape (0, 0), an empty matrix has none",
    ),
    (
        lambda: mg.linalg.svd(np.array([[1.0, np.inf], [2.0, 1.0]])),
        DataError,
        "linalg.svd: the matrix holds inf or nan, and has no singular or eigenvalues",
    ),
    (
        lambda: mg.linalg.matrix_exp(np.array([[np.inf]])),
        DataError,
        "linalg.matrix_exp: the matrix holds inf or nan, or its norm overflows",
    ),
    (
        lambda: mg.linalg.solve_triangular(np.ones((2, 2)), np.ones(2), upper=True),
        ShapeError,
        "linalg.solve_triangular: got shape (2,), need matrices (…, m, n)",
    ),
)
