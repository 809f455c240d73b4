"""PyTorch's method names on Tensors: each call here and in PyTorch, value, kind and gradient."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.errors import (
    DTypeError,
    GradientError,
    LabelError,
    MicrogradError,
    RuleError,
    ShapeError,
)
from microgradnn.functions import torch_names
from microgradnn.functions.torch_rows import ROWS
from microgradnn.signatures.torch_methods import TorchMethods
from tests.messages import table

torch = pytest.importorskip("torch", reason="compares with PyTorch's methods")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4)) + 0.1  # no ties, no zeros
CUBE, VECTOR, SQUARE = RNG.normal(size=(2, 3, 4)), RNG.normal(size=4), RNG.normal(size=(3, 3))
SQUARE = SQUARE @ SQUARE.T + np.eye(3)
UNIT, POSITIVE = np.tanh(X), np.exp(X)
HOLES = np.where(X > 0.3, np.nan, X)
AT = np.array([[0, 2, 1, 2], [1, 1, 0, 2]])  # rows that repeat along dim 0
ONE_EACH = np.array([[0, 1, 2, 0], [2, 0, 1, 1]])

# Each is called with a tensor of ours or of PyTorch's, and `of`, which makes a second one.
CALLS: dict[str, list[tuple[np.ndarray, Callable[[Any, Any], Any]]]] = {
    "dim": [(X, lambda x, of: x.dim())],
    "ndimension": [(CUBE, lambda x, of: x.ndimension())],
    "numel": [(X, lambda x, of: x.numel())],
    "nelement": [(X, lambda x, of: x.nelement())],
    "element_size": [(X, lambda x, of: x.element_size())],
    "is_floating_point": [(X, lambda x, of: x.is_floating_point()), (AT, lambda x, of: x.is_floating_point())],
    "is_contiguous": [(X, lambda x, of: x.is_contiguous())],
    "is_leaf": [(X, lambda x, of: (x.is_leaf, (x * 2).is_leaf))],
    "is_cuda": [(X, lambda x, of: x.is_cuda)],
    "device": [(X, lambda x, of: str(x.device) == "cpu")],
    "grad_fn": [(X, lambda x, of: (x.grad_fn is None, (x * 2).grad_fn is None))],
    "retains_grad": [(X, lambda x, of: (x.retains_grad, (x * 2).retains_grad))],
    "clone": [(X, lambda x, of: x.clone())],
    "contiguous": [(X, lambda x, of: x.contiguous())],
    "cpu": [(X, lambda x, of: x.cpu())],
    "to": [(X, lambda x, of: x.to("cpu")), (X, lambda x, of: x.to(of(CUBE))), (X, lambda x, of: x.to(of(X.astype("f4")))), (X, lambda x, of: x.to(device="cpu", copy=True))],
    "type": [],
    "cuda": [],
    "float": [(X, lambda x, of: x.float())],
    "double": [(X, lambda x, of: x.double())],
    "half": [(X, lambda x, of: x.half())],
    "long": [(X * 9, lambda x, of: x.long())],
    "int": [(X * 9, lambda x, of: x.int())],
    "short": [(X * 9, lambda x, of: x.short())],
    "char": [(X * 9, lambda x, of: x.char())],
    "byte": [(POSITIVE, lambda x, of: x.byte())],
    "bool": [(X, lambda x, of: x.bool())],
    "type_as": [(X, lambda x, of: x.type_as(of(AT)))],
    "unsqueeze": [(X, lambda x, of: x.unsqueeze(0)), (X, lambda x, of: x.unsqueeze(dim=-1)), (X, lambda x, of: x.unsqueeze(1))],
    "view_as": [(X, lambda x, of: x.view_as(of(X.reshape(2, 6))))],
    "reshape_as": [(X, lambda x, of: x.reshape_as(of(X.reshape(2, 6))))],
    "expand": [(VECTOR, lambda x, of: x.expand(3, -1)), (VECTOR, lambda x, of: x.expand((2, 3, 4))), (X, lambda x, of: x[:, :1].expand(-1, 5))],
    "expand_as": [(VECTOR, lambda x, of: x.expand_as(of(X)))],
    "sum_to_size": [(X, lambda x, of: x.sum_to_size(1, 4)), (X, lambda x, of: x.sum_to_size((3, 1)))],
    "t": [(X, lambda x, of: x.t()), (VECTOR, lambda x, of: x.t())],
    "movedim": [(CUBE, lambda x, of: x.movedim(0, 2)), (CUBE, lambda x, of: x.movedim((0, 1), (2, 0)))],
    "swapdims": [(CUBE, lambda x, of: x.swapdims(0, 2))],
    "unflatten": [(X, lambda x, of: x.unflatten(1, (2, -1))), (X, lambda x, of: x.unflatten(dim=-1, sizes=(2, 2)))],
    "fliplr": [(X, lambda x, of: x.fliplr())],
    "flipud": [(X, lambda x, of: x.flipud())],
    "repeat_interleave": [(X, lambda x, of: x.repeat_interleave(2)), (X, lambda x, of: x.repeat_interleave(2, dim=1)), (X, lambda x, of: x.repeat_interleave(of(np.array([1, 0, 2])), dim=0))],
    "rot90": [(X, lambda x, of: x.rot90()), (CUBE, lambda x, of: x.rot90(1, (1, 2)))],
    "unfold": [(VECTOR, lambda x, of: x.unfold(0, 2, 1)), (CUBE, lambda x, of: x.unfold(-1, 3, 1)), (CUBE, lambda x, of: x.unfold(1, 2, 2))],
    "diag": [(X, lambda x, of: x.diag()), (VECTOR, lambda x, of: x.diag(diagonal=1)), (X, lambda x, of: x.diag(-1))],
    "diagflat": [(X, lambda x, of: x.diagflat(1))],
    "unbind": [(X, lambda x, of: x.unbind()), (CUBE, lambda x, of: x.unbind(dim=2))],
    "chunk": [(X, lambda x, of: x.chunk(2)), (X, lambda x, of: x.chunk(3, dim=1)), (X, lambda x, of: x.chunk(9, 1))],
    "tensor_split": [(X, lambda x, of: x.tensor_split(2)), (X, lambda x, of: x.tensor_split((1, 2), dim=1))],
    "narrow": [(X, lambda x, of: x.narrow(1, 1, 2)), (X, lambda x, of: x.narrow(0, -2, 1)), (X, lambda x, of: x.narrow(0, 3, 0))],
    "select": [(CUBE, lambda x, of: x.select(1, -1)), (X, lambda x, of: x.select(dim=0, index=1))],
    "gather": [(X, lambda x, of: x.gather(0, of(AT))), (X, lambda x, of: x.gather(dim=1, index=of(AT))), (X, lambda x, of: x.gather(-1, of(AT[:, :1]))), (VECTOR, lambda x, of: x.gather(0, of(np.array([3, 3, 0, 1, 2, 3]))))],
    "take_along_dim": [(X, lambda x, of: x.take_along_dim(of(ONE_EACH[:1]), dim=0)), (X, lambda x, of: x.take_along_dim(of(np.array([3, 11]))))],
    "scatter": [(X, lambda x, of: x.scatter(0, of(ONE_EACH), of(X[:2]))), (X, lambda x, of: x.scatter(1, of(AT[:, :1]), 7.0)), (X, lambda x, of: x.scatter(dim=0, index=of(ONE_EACH), src=of(X[:2]) * 2))],
    "scatter_add": [(X, lambda x, of: x.scatter_add(0, of(AT), of(X[:2]))), (X, lambda x, of: x.scatter_add(1, of(AT), of(X[:2])))],
    "index_select": [(X, lambda x, of: x.index_select(1, of(np.array([2, 0, 2])))), (CUBE, lambda x, of: x.index_select(dim=-1, index=of(np.array([1]))))],
    "index_add": [(X, lambda x, of: x.index_add(0, of(np.array([0, 2, 0])), of(X), alpha=2)), (X, lambda x, of: x.index_add(1, of(np.array([0, 0])), of(X[:, :2])))],
    "index_fill": [(X, lambda x, of: x.index_fill(1, of(np.array([0, 2])), -1.0))],
    "masked_fill": [(X, lambda x, of: x.masked_fill(of(X > 0), 7.0)), (X, lambda x, of: x.detach().masked_fill(of(VECTOR > 0), float("-inf")))],
    "masked_select": [(X, lambda x, of: x.masked_select(of(X > 0))), (VECTOR, lambda x, of: x.masked_select(of(X > 0)))],
    "where": [(X, lambda x, of: x.where(of(X > 0), of(-X)))],
    "topk": [(X, lambda x, of: x.topk(2)), (X, lambda x, of: x.topk(2, dim=0, largest=False)), (CUBE, lambda x, of: x.topk(k=3, dim=1))],
    "kthvalue": [(X, lambda x, of: x.kthvalue(2)), (X, lambda x, of: x.kthvalue(1, dim=0, keepdim=True))],
    "median": [(X, lambda x, of: x.median()), (X, lambda x, of: x.median(dim=1)), (CUBE, lambda x, of: x.median(0, True)), (HOLES, lambda x, of: x.median(dim=1).values)],
    "quantile": [(X, lambda x, of: x.quantile(0.3)), (X, lambda x, of: x.quantile(0.5, dim=1, keepdim=True))],
    "cummax": [(X, lambda x, of: x.cummax(1)), (CUBE, lambda x, of: x.cummax(dim=0))],
    "cummin": [(X, lambda x, of: x.cummin(-1))],
    "clamp": [(X, lambda x, of: x.clamp(-0.5, 0.5)), (X, lambda x, of: x.clamp(min=0.2)), (X, lambda x, of: x.clamp(max=of(-X)))],
    "clamp_min": [(X, lambda x, of: x.clamp_min(0.2))],
    "clamp_max": [(X, lambda x, of: x.clamp_max(0.2))],
    "add": [(X, lambda x, of: x.add(of(VECTOR))), (X, lambda x, of: x.add(of(X), alpha=-0.5))],
    "sub": [(X, lambda x, of: x.sub(of(X), alpha=0.5)), (X, lambda x, of: x.sub(2))],
    "subtract": [(X, lambda x, of: x.subtract(of(VECTOR)))],
    "multiply": [(X, lambda x, of: x.multiply(of(VECTOR)))],
    "div": [(X, lambda x, of: x.div(of(VECTOR))), (X, lambda x, of: x.div(0.25, rounding_mode="floor")), (X, lambda x, of: x.div(0.25, rounding_mode="trunc"))],
    "divide": [(X, lambda x, of: x.divide(of(VECTOR)))],
    "true_divide": [(X, lambda x, of: x.true_divide(2))],
    "lerp": [(X, lambda x, of: x.lerp(of(-X), 0.25)), (X, lambda x, of: x.lerp(of(VECTOR), of(UNIT)))],
    "addcmul": [(X, lambda x, of: x.addcmul(of(X), of(VECTOR), value=0.5))],
    "addcdiv": [(X, lambda x, of: x.addcdiv(of(X), of(VECTOR), value=0.5))],
    "rsqrt": [(POSITIVE, lambda x, of: x.rsqrt())],
    "frac": [(X * 3, lambda x, of: x.frac())],
    "sgn": [(X, lambda x, of: x.sgn())],
    **{name: [(UNIT, lambda x, of, name=name: getattr(x, name)())] for name in ("acos", "asin", "asinh", "atan", "atanh")},
    "acosh": [(POSITIVE + 1, lambda x, of: x.acosh())],
    "atan2": [(X, lambda x, of: x.atan2(of(VECTOR)))],
    "amax": [(X, lambda x, of: x.amax(dim=1)), (CUBE, lambda x, of: x.amax((0, 2), keepdim=True)), (X, lambda x, of: x.amax())],
    "amin": [(X, lambda x, of: x.amin(0)), (np.zeros((2, 2)), lambda x, of: x.amin(0))],
    "aminmax": [(X, lambda x, of: x.aminmax(dim=1, keepdim=True))],
    "nansum": [(HOLES, lambda x, of: x.nansum(dim=1))],
    "nanmean": [(HOLES, lambda x, of: x.nanmean(dim=1, keepdim=True))],
    "logcumsumexp": [(X, lambda x, of: x.logcumsumexp(1)), (CUBE, lambda x, of: x.logcumsumexp(dim=-2))],
    "norm": [(X, lambda x, of: x.norm()), (X, lambda x, of: x.norm(dim=1)), (X, lambda x, of: x.norm(p=1, dim=0, keepdim=True)), (X, lambda x, of: x.norm(float("inf"))), (X, lambda x, of: x.norm("fro")), (X, lambda x, of: x.norm(3))],
    "dist": [(X, lambda x, of: x.dist(of(-X))), (X, lambda x, of: x.dist(of(-X), 1))],
    "count_nonzero": [(X, lambda x, of: x.count_nonzero()), (X, lambda x, of: x.count_nonzero(dim=1))],
    "matmul": [(X, lambda x, of: x.matmul(of(VECTOR)))],
    "mm": [(X, lambda x, of: x.mm(of(X.T)))],
    "bmm": [(CUBE, lambda x, of: x.bmm(of(CUBE).transpose(1, 2)))],
    "mv": [(X, lambda x, of: x.mv(of(VECTOR)))],
    "addmm": [(SQUARE, lambda x, of: x.addmm(of(X), of(X.T), beta=0.5, alpha=2))],
    "addmv": [(VECTOR, lambda x, of: x.addmv(of(X.T), of(X[:, 0])))],
    "baddbmm": [(CUBE, lambda x, of: x.baddbmm(of(CUBE), of(CUBE[:, :1, :4] * np.ones((1, 4, 1)))))],
    "outer": [(VECTOR, lambda x, of: x.outer(of(VECTOR)))],
    "ger": [(VECTOR, lambda x, of: x.ger(of(VECTOR)))],
    "inner": [(X, lambda x, of: x.inner(of(VECTOR)))],
    "vdot": [(VECTOR, lambda x, of: x.vdot(of(VECTOR)))],
    "kron": [(X, lambda x, of: x.kron(of(SQUARE)))],
    "cross": [(SQUARE, lambda x, of: x.cross(of(X[:, :3]), dim=1))],
    "det": [(SQUARE, lambda x, of: x.det())],
    "slogdet": [(SQUARE, lambda x, of: x.slogdet()[1])],
    "logdet": [(SQUARE, lambda x, of: x.logdet()), (-SQUARE, lambda x, of: x.detach().logdet())],
    "inverse": [(SQUARE, lambda x, of: x.inverse())],
    "pinverse": [(X, lambda x, of: x.pinverse())],
    "matrix_power": [(SQUARE, lambda x, of: x.matrix_power(3))],
    "cholesky": [(SQUARE, lambda x, of: ((x + x.t()) / 2).cholesky()), (SQUARE, lambda x, of: ((x + x.t()) / 2).cholesky(upper=True))],
    "qr": [(SQUARE, lambda x, of: x.qr()[0] @ x.qr()[1])],
    **{name: [(X, lambda x, of, name=name: getattr(x, name)(of(VECTOR))), (X, lambda x, of, name=name: getattr(x, name)(0.3))] for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: [(X, lambda x, of, name=name: getattr(x, name)(of(AT[:1])))] for name in ("logical_and", "logical_or", "logical_xor")},
    "logical_not": [(AT, lambda x, of: x.logical_not())],
    **{name: [(np.array([np.nan, np.inf, -np.inf, -0.0, 1.0]), lambda x, of, name=name: getattr(x, name)())] for name in ("isnan", "isinf", "isfinite", "signbit")},
    "isclose": [(X, lambda x, of: x.isclose(of(X + 1e-7)))],
    "allclose": [(X, lambda x, of: (x.allclose(of(X)), x.allclose(of(-X))))],
    "equal": [(X, lambda x, of: (x.equal(of(X)), x.equal(of(-X))))],
    "new_zeros": [(X, lambda x, of: x.new_zeros(2, 3)), (X, lambda x, of: x.new_zeros((2,)))],
    "new_ones": [(X, lambda x, of: x.new_ones(2, 3))],
    "new_full": [(X, lambda x, of: x.new_full((2, 3), 7))],
    "new_tensor": [(X, lambda x, of: x.new_tensor([1, 2]))],
    **{name: [(X, lambda x, of, name=name: getattr(x, name)(of(VECTOR)))] for name in ("not_equal", "less", "less_equal", "greater", "greater_equal")},
    **{name: [(np.array([np.inf, -np.inf, 1.0]), lambda x, of, name=name: getattr(x, name)())] for name in ("isposinf", "isneginf")},
    "argwhere": [(AT, lambda x, of: x.argwhere())],
    "fix": [(X * 3, lambda x, of: x.fix())],
    "logit": [(np.abs(UNIT), lambda x, of: x.logit()), (np.abs(UNIT), lambda x, of: x.logit(eps=0.3))],
    "float_power": [(POSITIVE, lambda x, of: x.float_power(of(X)))],
    "nanquantile": [(HOLES, lambda x, of: x.nanquantile(0.5, dim=0, keepdim=True))],
    "diff": [(X, lambda x, of: x.diff()), (X, lambda x, of: x.diff(n=2, dim=0))],
    "cov": [(X, lambda x, of: x.cov()), (X, lambda x, of: x.cov(correction=0))],
    "corrcoef": [(X, lambda x, of: x.corrcoef())],
    "addr": [(X, lambda x, of: x.addr(of(X[:, 0]), of(VECTOR), beta=0.5, alpha=2))],
    "adjoint": [(CUBE, lambda x, of: x.adjoint())],
    "hsplit": [(X, lambda x, of: x.hsplit(2))],
    "vsplit": [(X, lambda x, of: x.vsplit((1, 2)))],
    "index_copy": [(X, lambda x, of: x.index_copy(0, of(np.array([2, 0])), of(X[:2] * 7)))],
    # ---- names that NumPy has too, with PyTorch's words
    "sum": [(X, lambda x, of: x.sum(dim=1)), (CUBE, lambda x, of: x.sum(dim=(0, 2), keepdim=True)), (CUBE, lambda x, of: x.sum(dim=[1, 2])), (X, lambda x, of: x.sum(0))],
    "prod": [(X, lambda x, of: x.prod(dim=0, keepdim=True))],
    "mean": [(X, lambda x, of: x.mean(dim=-1)), (X, lambda x, of: x.mean(dim=[0, 1])), (X, lambda x, of: x.mean(1, keepdim=True))],
    "max": [(X, lambda x, of: x.max(dim=1)), (X, lambda x, of: x.max(dim=0, keepdim=True)), (X, lambda x, of: x.max(of(-X))), (X, lambda x, of: x.max()), (np.ones((2, 3)), lambda x, of: x.max(dim=1)), (HOLES, lambda x, of: x.max(dim=1))],
    "min": [(X, lambda x, of: x.min(dim=1)), (X, lambda x, of: x.min(dim=0, keepdim=True)), (X, lambda x, of: x.min(other=of(-X)))],
    "var": [(X, lambda x, of: x.var(dim=1)), (X, lambda x, of: x.var(dim=0, unbiased=False)), (X, lambda x, of: x.var(dim=0, correction=0, keepdim=True)), (X, lambda x, of: x.var(unbiased=True))],
    "std": [(X, lambda x, of: x.std(dim=1)), (X, lambda x, of: x.std(dim=(0, 1), keepdim=True)), (X, lambda x, of: x.std(unbiased=False))],
    "logsumexp": [(X, lambda x, of: x.logsumexp(dim=1)), (X, lambda x, of: x.logsumexp(dim=0, keepdim=True))],
    "softmax": [(X, lambda x, of: x.softmax(dim=0)), (X, lambda x, of: x.softmax(-1))],
    "log_softmax": [(X, lambda x, of: x.log_softmax(dim=1))],
    "cumsum": [(X, lambda x, of: x.cumsum(dim=1)), (X, lambda x, of: x.cumsum(0))],
    "cumprod": [(X, lambda x, of: x.cumprod(dim=1))],
    "squeeze": [(X[:1], lambda x, of: x.squeeze(dim=0)), (X[:1], lambda x, of: x.squeeze())],
    "roll": [(X, lambda x, of: x.roll(shifts=1, dims=0)), (X, lambda x, of: x.roll((1, 2), dims=(0, 1)))],
    "argmax": [(X, lambda x, of: x.argmax(dim=1)), (X, lambda x, of: x.argmax(dim=0, keepdim=True)), (X, lambda x, of: x.argmax())],
    "argmin": [(X, lambda x, of: x.argmin(dim=1))],
    "all": [(AT, lambda x, of: x.all(dim=1)), (AT, lambda x, of: x.all())],
    "any": [(AT, lambda x, of: x.any(dim=0, keepdim=True))],
    "split": [(X, lambda x, of: x.split(2, dim=0)), (X, lambda x, of: x.split([1, 3], dim=1)), (X, lambda x, of: x.split(split_size=3, dim=-1))],
    "sort": [(X, lambda x, of: x.sort(dim=1)), (X, lambda x, of: x.sort(descending=True)), (AT, lambda x, of: x.sort(dim=1, descending=True, stable=True)), (HOLES, lambda x, of: x.sort(dim=0, descending=True, stable=True))],
    "argsort": [(X, lambda x, of: x.argsort(dim=0, descending=True)), (AT, lambda x, of: x.argsort(dim=1, stable=True))],
    "flatten": [(CUBE, lambda x, of: x.flatten(1)), (CUBE, lambda x, of: x.flatten(start_dim=1, end_dim=2)), (CUBE, lambda x, of: x.flatten(0, 1)), (CUBE, lambda x, of: x.flatten())],
    "flip": [(X, lambda x, of: x.flip(0, 1)), (X, lambda x, of: x.flip(dims=(1,))), (X, lambda x, of: x.flip(dims=[0])), (X, lambda x, of: x.flip(0))],
    "transpose": [(CUBE, lambda x, of: x.transpose(1, 2)), (CUBE, lambda x, of: x.transpose(-1, 0)), (X, lambda x, of: x.transpose(1, 0)), (X, lambda x, of: x.transpose(dim0=0, dim1=1))],
    "permute": [(CUBE, lambda x, of: x.permute(2, 0, 1)), (CUBE, lambda x, of: x.permute(dims=(1, 0, 2)))],
    "diagonal": [(CUBE, lambda x, of: x.diagonal(dim1=1, dim2=2)), (X, lambda x, of: x.diagonal(1))],
    "tril": [(X, lambda x, of: x.tril(diagonal=1))],
    "triu": [(X, lambda x, of: x.triu(diagonal=-1))],
    "take": [(X, lambda x, of: x.take(index=of(np.array([0, 11])))), (X, lambda x, of: x.take(of(np.array([3]))))],
    "reshape": [(X, lambda x, of: x.reshape(shape=(2, 6))), (X, lambda x, of: x.reshape(2, -1))],
    "view": [(X, lambda x, of: x.view(size=(2, 6))), (X, lambda x, of: x.view(-1))],
    "nonzero": [(AT, lambda x, of: x.nonzero(as_tuple=True)), (AT, lambda x, of: x.nonzero(as_tuple=False))],
    "size": [(X, lambda x, of: (x.size(0), x.size(-1), tuple(x.size())))],
}  # fmt: skip
ALL = [
    pytest.param(x, call, id=f"{name}-{i}")
    for name, calls in CALLS.items()
    for i, (x, call) in enumerate(calls)
]


def test_every_name_is_tried_and_is_pytorchs() -> None:
    properties = {n for n in CALLS if isinstance(inspect.getattr_static(mg.Tensor, n), property)}
    both = {*torch_names.TURNS, *torch_names.SAME}
    assert set(CALLS) == {*ROWS, *both} | properties
    assert not [name for name in CALLS if not hasattr(torch.Tensor, name)]


def parts(y: Any) -> list[Any]:
    if (
        hasattr(y, "_fields")
        or type(y) in (tuple, list)
        or type(y).__module__ == "torch.return_types"
    ):
        return [leaf for part in y for leaf in parts(part)]
    return [y]


def tracking(y: Any) -> bool:
    return bool(getattr(y, "requires_grad", False))


def raw(y: Any) -> Any:
    return (
        y.detach().numpy()
        if isinstance(y, torch.Tensor)
        else getattr(y, "data", y)
        if isinstance(y, mg.Tensor)
        else y
    )


@pytest.mark.filterwarnings("ignore:torch.(qr|cholesky) is deprecated")
@pytest.mark.parametrize(("x", "call"), ALL)
def test_values_kinds_and_gradients_are_pytorchs(x: np.ndarray, call: Any) -> None:
    seconds: list[Any] = []

    def make(kind: Any) -> Any:
        def of(array: np.ndarray) -> Any:
            seconds.append(kind(array))
            return seconds[-1]

        return of

    kinds = (
        lambda a: mg.tensor(a, requires_grad=a.dtype.kind == "f"),
        lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f"),
    )
    leaves, results = [], []
    for kind in kinds:
        seconds = []
        leaf = kind(x)
        results.append(parts(call(leaf, make(kind))))
        leaves.append([leaf, *seconds])
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results, strict=True):
        a, b = np.asarray(raw(ours)), np.asarray(raw(theirs))
        assert a.shape == b.shape
        assert a.dtype == b.dtype or a.dtype.kind == b.dtype.kind == "i", (a.dtype, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
        assert tracking(ours) == tracking(theirs)
    for own in results:
        total = sum((y * y.detach().cos()).sum() for y in own if tracking(y))
        if hasattr(total, "backward"):
            total.backward()
    for p, q in zip(*leaves, strict=True):
        if q.grad is None:
            assert p.grad is None
        else:
            eps = max(np.finfo(np.asarray(raw(y)).dtype).eps for y in results[0] if tracking(y))
            np.testing.assert_allclose(
                p.grad, q.grad.numpy(force=True), rtol=max(1e-9, 4 * eps), atol=1e-11
            )


# ---- in place, where nothing is recorded --------------------------------------------------------

IN_PLACE: list[Callable[[Any, Any], Any]] = [
    lambda x, of: x.add_(of(VECTOR)), lambda x, of: x.add_(of(X), alpha=-0.5),
    lambda x, of: x.mul_(2), lambda x, of: x.sub_(1).div_(3), lambda x, of: x.zero_(),
    lambda x, of: x.fill_(2.5), lambda x, of: x.copy_(of(VECTOR)), lambda x, of: x.clamp_(min=0),
    lambda x, of: x.exp_(), lambda x, of: x.neg_(), lambda x, of: x.addcmul_(of(X), of(X), value=2),
    lambda x, of: x.masked_fill_(of(X > 0), 1.0), lambda x, of: x.lerp_(of(VECTOR), 0.5),
    lambda x, of: x.index_fill_(0, of(np.array([1])), 3.0), lambda x, of: x.detach().zero_(),
]  # fmt: skip


@pytest.mark.parametrize("change", IN_PLACE)
def test_a_leaf_is_changed_in_place_under_no_grad(change: Any) -> None:
    ours, theirs = mg.tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    array = ours.data
    with mg.no_grad():
        result = change(ours, mg.tensor)
    with torch.no_grad():
        change(theirs, torch.tensor)
    assert ours.data is array and np.shares_memory(result.data, array) and ours.requires_grad
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-14)


def test_every_name_in_place_of_pytorch_is_there() -> None:
    shapes = {"detach", "put", "resize", "squeeze", "swapaxes", "swapdims", "t", "transpose",
              "unsqueeze"}  # these change what an array is, not its numbers  # fmt: skip
    ours = [name for name in dir(mg.Tensor) if not name.startswith("_") and name not in shapes]
    missing = [
        n for n in ours if hasattr(torch.Tensor, n + "_") and not hasattr(mg.Tensor, n + "_")
    ]
    assert missing == [] and not hasattr(mg.tensor(X), "uniform_")


def test_a_graph_that_used_it_is_out_of_date() -> None:
    x = mg.tensor(X, requires_grad=True)
    loss = (x * x).sum()
    with mg.no_grad():
        x.add_(1)
    with pytest.raises(MicrogradError):
        loss.backward()


def test_what_numpys_words_mean_stays() -> None:
    x = mg.tensor(X)
    np.testing.assert_array_equal(x.max(axis=1).data, X.max(1))
    np.testing.assert_allclose(x.std(axis=0).data, X.std(0))
    assert [p.shape for p in x.split(2, axis=1)] == [(3, 2), (3, 2)]
    np.testing.assert_array_equal(x.flatten("F").data, X.flatten("F"))
    assert x.size == 12 and isinstance(x.size, int) and x.size * 1.0 == 12.0
    np.testing.assert_array_equal(x.transpose(1, 0).data, X.T)


def test_help_says_what_a_name_equals() -> None:
    assert mg.Tensor.unsqueeze.__doc__ == "np.expand_dims(x, dim), by PyTorch's name for it."
    signature = "(self, dim: 'Whole', index: 'Self | Plain') -> 'Self'"
    assert str(inspect.signature(mg.Tensor.gather)) == signature


@pytest.mark.parametrize("name", ROWS)
def test_parameters_are_declared_as_they_are(name: str) -> None:
    declared, own = vars(TorchMethods)[name], ROWS[name][1]
    a, b = (list(inspect.signature(f).parameters.values())[1:] for f in (declared, own))
    if any(p.kind is p.POSITIONAL_ONLY for p in b):  # an op of the table
        assert not a
    else:
        assert [(p.name, p.kind, p.default) for p in a] == [(p.name, p.kind, p.default) for p in b]


JUNK = ["a", None, mg.tensor([1, 2]), -7, 1e9, [1, "b"], {}, object()]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of powers that overflow
@pytest.mark.parametrize("name", ROWS)
def test_junk_is_refused_in_a_sentence(name: str) -> None:
    method = getattr(mg.tensor(X, requires_grad=True), name)
    calls = [((j,), {}) for j in JUNK] + [((j, k), {}) for j in JUNK[:5] for k in JUNK[:5]]
    calls += [((), {word: j}) for word in ("dim", "keepdim", "axis") for j in JUNK]
    for args, kwargs in calls:
        try:
            method(*args, **kwargs)
        except MicrogradError as error:
            assert len(str(error)) > len(name) + 5
        except MemoryError:
            pass


T = mg.tensor(X, requires_grad=True)
test_messages = table(
    (lambda: T.add_(1), GradientError, "add_: a tensor that is in a graph is not changed in place; write x = x.add(…), or change a leaf inside no_grad()"),
    (lambda: (T * 2).zero_(), GradientError, "zero_: a tensor that is in a graph is not changed in place; write x = a new tensor, or change a leaf inside no_grad()"),
    (lambda: mg.tensor(X).add_(CUBE), ShapeError, "add_: could not broadcast input array from shape (2,3,4) into shape (3,4)"),
    (lambda: T.uniform_, AttributeError, "Tensor: no attribute 'uniform_'; draw with nn.init.uniform_(x) or with NumPy"),
    (lambda: T.to("cuda"), RuleError, "to: there is no device 'cuda'; everything is on the CPU"),
    (lambda: T.cuda(), RuleError, "cuda: there is no device 'cuda'; everything is on the CPU"),
    (lambda: T.sum(dim=0, axis=1), RuleError, "sum: got dim and axis, which mean one thing; give one"),
    (lambda: T.size(2), ShapeError, "size: dim 2, but the shape is (3, 4)"),
    (lambda: T.gather(2, AT), ShapeError, "gather: dim 2 is outside -2 … 1"),
    (lambda: T.gather(0.5, AT), DTypeError, "gather: dim is 0.5, need one integer"),
    (lambda: T.gather(0, AT + 2), LabelError, "gather: index 4 is outside 0 … 2"),
    (lambda: T.gather(0, X), DTypeError, "gather: index has dtype float64, need integers"),
    (lambda: T.gather(0, [1, 2]), ShapeError, "gather: index has 1 axes, need 2"),
    (lambda: T.gather(0, np.zeros((1, 5), int)), ShapeError, "gather: index has shape (1, 5), more than (3, 4)"),
    (lambda: T.scatter(0, AT, X[:1]), ShapeError, "scatter: src has shape (1, 4), less than that of index, (2, 4)"),
    (lambda: T.index_select(0, AT), ShapeError, "index_select: index has shape (2, 4), need one axis"),
    (lambda: T.masked_fill(AT, 0), DTypeError, "masked_fill: mask has dtype int64, need bool; write mask > 0"),
    (lambda: T.topk(5), ShapeError, "topk: k=5, but dim 1 has 4 elements"),
    (lambda: T.kthvalue(0), ShapeError, "kthvalue: k=0, but dim 1 has 4 elements, the first is k=1"),
    (lambda: T[:0].median(dim=0), ShapeError, "median: dim 0 has no elements"),
    (lambda: T.split([1, 1], dim=0), ShapeError, "split: sizes [1, 1] add up to 2, dim 0 has 3"),
    (lambda: T.split(0, dim=0), ShapeError, "split: size 0, need 1 or more"),
    (lambda: T.chunk(0), ShapeError, "chunk: 0 chunks, need 1 or more"),
    (lambda: T.narrow(0, 2, 2), ShapeError, "narrow: 2 from 2 on, but dim 0 has 3"),
    (lambda: T.select(0, 3), LabelError, "select: index 3, but dim 0 has 3"),
    (lambda: T.unfold(0, 4, 1), ShapeError, "unfold: size 4, step 1, but the axis has 3 elements"),
    (lambda: T.expand(2), ShapeError, "expand: shape (3, 4) does not become (2,)"),
    (lambda: mg.tensor(CUBE).t(), ShapeError, "t: shape (2, 3, 4) has more than two axes; use .mT or .swapaxes(0, 1)"),
    (lambda: T.div(2, rounding_mode="up"), RuleError, "div: rounding_mode='up'; use 'floor', 'trunc' or None"),
    (lambda: T.mm(VECTOR), ShapeError, "mm: got 2 and 1 axes, need 2 and 2; see matmul"),
    (lambda: T.flatten(start_dim=1, end_dim=0), ShapeError, "flatten: start_dim 1 comes after end_dim 0"),
    (lambda: T.sort(), GradientError, "sort: tensors are not changed in place; use np.sort, or PyTorch's x.sort(dim=-1)"),
    (lambda: T.unsqueeze(axis=0), RuleError, "unsqueeze: no option axis=; it has dim="),
)  # fmt: skip
