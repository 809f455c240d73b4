"""PyTorch's method names on Tensors, in one table. Each is a thin name for what is here already.

A row is a name, what it equals in NumPy's words, and the function. torch_names.py gives them to the
class. No derivative stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.tensor import Tensor
from . import (
    arrange,
    calculus,
    choosing,
    diagonals,
    elements,
    linalg,
    places,
    products,
    reduce,
    running,
    shape,
    sorting,
    splitting,
    without_nan,
)
from . import torch_forms as forms

Method = Callable[..., Any]

# fmt: off
ROWS: dict[str, tuple[str, Method]] = {
    # ---- what it is
    "dim": ("x.ndim", lambda x: x.ndim),
    "ndimension": ("x.ndim", lambda x: x.ndim),
    "numel": ("x.size", lambda x: int(x.size)),
    "nelement": ("x.size", lambda x: int(x.size)),
    "element_size": ("x.itemsize", lambda x: x.itemsize),
    "is_floating_point": ("x.dtype.kind == 'f'", lambda x: x.dtype.kind == "f"),
    "is_contiguous": ("True: what memory looks like is NumPy's matter", lambda x: True),
    # ---- the same numbers
    "clone": ("np.copy(x)", shape.copy),
    "contiguous": ("x itself", lambda x: x),
    "cpu": ("x itself", lambda x: x),
    "cuda": ("refused: there is no device but the CPU",
        lambda x, device="cuda", **how: forms.no_device("cuda", device)),
    "to": ("x.astype(dtype)", forms.to),
    "type": ("x.astype(dtype)", lambda x, dtype: forms.cast(x, np.dtype(dtype))),
    "float": ("x.astype(np.float32)", forms.casting(np.float32)),
    "double": ("x.astype(np.float64)", forms.casting(np.float64)),
    "half": ("x.astype(np.float16)", forms.casting(np.float16)),
    "long": ("x.astype(np.int64)", forms.casting(np.int64)),
    "int": ("x.astype(np.int32)", forms.casting(np.int32)),
    "short": ("x.astype(np.int16)", forms.casting(np.int16)),
    "char": ("x.astype(np.int8)", forms.casting(np.int8)),
    "byte": ("x.astype(np.uint8)", forms.casting(np.uint8)),
    "bool": ("x.astype(bool)", forms.casting(np.bool_)),
    "type_as": ("x.astype(other.dtype)", lambda x, other: forms.cast(x, plain(other).dtype)),
    # ---- form
    "unsqueeze": ("np.expand_dims(x, dim)", lambda x, dim: shape.expand_dims(x, dim)),
    "view_as": ("np.reshape(x, other.shape)", lambda x, other: shape.reshape(x, other.shape)),
    "reshape_as": ("np.reshape(x, other.shape)", lambda x, other: shape.reshape(x, other.shape)),
    "expand": ("np.broadcast_to(x, sizes), where -1 keeps a length",
        lambda x, *sizes: forms.expand(x, forms.listed(sizes))),
    "expand_as": ("np.broadcast_to(x, other.shape)",
        lambda x, other: shape.broadcast_to(x, other.shape)),
    "sum_to_size": ("x summed down to a shape",
        lambda x, *size: ops.sum_to(x, shape=forms.listed(size))),
    "t": ("x.T, of two axes at most", lambda x: forms.turned(x)),
    "movedim": ("np.moveaxis(x, source, destination)",
        lambda x, source, destination: shape.moveaxis(x, source, destination)),
    "swapdims": ("np.swapaxes(x, dim0, dim1)", lambda x, dim0, dim1: shape.swapaxes(x, dim0, dim1)),
    "unflatten": ("np.reshape(x, …) of one axis", forms.unflatten),
    "fliplr": ("np.fliplr(x)", arrange.fliplr),
    "flipud": ("np.flipud(x)", arrange.flipud),
    "repeat_interleave": ("np.repeat(x, repeats, dim)",
        lambda x, repeats, dim=None: arrange.repeat(x, plain(repeats), dim)),
    "rot90": ("np.rot90(x, k, dims)", lambda x, k=1, dims=(0, 1): arrange.rot90(x, k, dims)),
    "unfold": ("the windows of an axis", places.unfold),
    "diag": ("np.diag(x, diagonal)", lambda x, diagonal=0: diagonals.diag(x, diagonal)),
    "diagflat": ("np.diagflat(x, offset)", lambda x, offset=0: diagonals.diagflat(x, offset)),
    # ---- parts
    "unbind": ("np.unstack(x, axis=dim)", lambda x, dim=0: splitting.unstack(x, axis=dim)),
    "chunk": ("at most so many equal parts along dim", places.chunk),
    "tensor_split": ("np.array_split(x, indices_or_sections, dim)",
        lambda x, indices_or_sections, dim=0:
        tuple(splitting.array_split(x, indices_or_sections, dim))),
    "hsplit": ("np.hsplit(x, …)", lambda x, indices_or_sections:
        tuple(splitting.hsplit(x, indices_or_sections))),
    "vsplit": ("np.vsplit(x, …)", lambda x, indices_or_sections:
        tuple(splitting.vsplit(x, indices_or_sections))),
    "narrow": ("x[start : start + length] along dim", places.narrow),
    "select": ("x[index] along dim", places.select),
    # ---- chosen by indices and masks
    "gather": ("np.take_along_axis(x, index, dim)", places.gather),
    "take_along_dim": ("np.take_along_axis(x, indices, dim)",
        lambda x, indices, dim=None: choosing.take_along_axis(x, indices, dim)),
    "scatter": ("a copy with src at index along dim", places.scatter),
    "scatter_add": ("a copy with src added at index along dim", places.scatter_add),
    "index_select": ("np.take(x, index, dim)", places.index_select),
    "index_add": ("a copy with source added at index along dim", places.index_add),
    "index_copy": ("a copy with source at index along dim", places.index_copy),
    "index_fill": ("a copy with value at index along dim", places.index_fill),
    "masked_fill": ("np.where(mask, value, x)",
        lambda x, mask, value: ops.where(places.mask_of("masked_fill", mask), value, x)),
    "masked_select": ("x[mask], both broadcast", places.masked_select),
    "where": ("np.where(condition, x, other)",
        lambda x, condition, other: choosing.where(condition, x, other)),
    # ---- order
    "topk": ("(values, indices) of the k largest along dim", places.topk),
    "kthvalue": ("(values, indices) of the k-th smallest along dim", places.kthvalue),
    "median": ("the lower middle element; with dim (values, indices)", places.median),
    "quantile": ("np.quantile(x, q, dim)",
        lambda x, q, dim=None, keepdim=False: sorting.quantile(x, q, dim, keepdims=keepdim)),
    "cummax": ("(values, indices) of np.maximum.accumulate(x, dim)",
        lambda x, dim: places.running_extreme("cummax", x, dim)),
    "cummin": ("(values, indices) of np.minimum.accumulate(x, dim)",
        lambda x, dim: places.running_extreme("cummin", x, dim)),
    # ---- element by element
    "clamp": ("np.clip(x, min, max)", lambda x, min=None, max=None: choosing.clip(x, min, max)),
    "clamp_min": ("np.maximum(x, min)", lambda x, min: choosing.clip(x, min, None)),
    "clamp_max": ("np.minimum(x, max)", lambda x, max: choosing.clip(x, None, max)),
    "add": ("x + alpha * other",
        lambda x, other, alpha=1: ops.add(x, other if alpha == 1 else alpha * other)),
    "sub": ("x - alpha * other",
        lambda x, other, alpha=1: ops.sub(x, other if alpha == 1 else alpha * other)),
    "subtract": ("x - alpha * other",
        lambda x, other, alpha=1: ops.sub(x, other if alpha == 1 else alpha * other)),
    "multiply": ("x * other", lambda x, other: ops.mul(x, other)),
    "div": ("x / other, rounded if rounding_mode says how", forms.divided),
    "divide": ("x / other, rounded if rounding_mode says how", forms.divided),
    "true_divide": ("x / other", lambda x, other: ops.div(x, other)),
    "lerp": ("x + weight * (end - x)", lambda x, end, weight: x + weight * (end - x)),
    "addcmul": ("x + value * a * b",
        lambda x, tensor1, tensor2, value=1: x + value * tensor1 * tensor2),
    "addcdiv": ("x + value * a / b",
        lambda x, tensor1, tensor2, value=1: x + ops.div(value * tensor1, tensor2)),
    "rsqrt": ("1 / np.sqrt(x)", lambda x: ops.reciprocal(ops.sqrt(x))),
    "frac": ("x - np.trunc(x)", lambda x: x - ops.trunc(x)),
    "sgn": ("np.sign(x)", ops.sign),
    "acos": ("np.arccos(x)", ops.arccos),
    "acosh": ("np.arccosh(x)", ops.arccosh),
    "asin": ("np.arcsin(x)", ops.arcsin),
    "asinh": ("np.arcsinh(x)", ops.arcsinh),
    "atan": ("np.arctan(x)", ops.arctan),
    "atan2": ("np.arctan2(x, other)", lambda x, other: ops.arctan2(x, other)),
    "fix": ("np.trunc(x)", lambda x: ops.trunc(x)),
    "logit": ("log(x / (1 - x)), x kept in eps … 1 - eps if that is given", forms.logit),
    "float_power": ("np.float_power(x, exponent)",
        lambda x, exponent: elements.float_power(x, exponent)),
    "atanh": ("np.arctanh(x)", ops.arctanh),
    # ---- reductions
    "amax": ("np.max(x, dim)",
        lambda x, dim=None, keepdim=False: reduce.max(x, forms.axes(dim), keepdims=keepdim)),
    "amin": ("np.min(x, dim)",
        lambda x, dim=None, keepdim=False: reduce.min(x, forms.axes(dim), keepdims=keepdim)),
    "aminmax": ("(np.min(x, dim), np.max(x, dim))",
        lambda x, dim=None, keepdim=False:
        (reduce.min(x, dim, keepdims=keepdim), reduce.max(x, dim, keepdims=keepdim))),
    "nansum": ("np.nansum(x, dim)",
        lambda x, dim=None, keepdim=False:
        without_nan.nansum(x, forms.axes(dim), keepdims=keepdim)),
    "nanmean": ("np.nanmean(x, dim)",
        lambda x, dim=None, keepdim=False:
        without_nan.nanmean(x, forms.axes(dim), keepdims=keepdim)),
    "nanquantile": ("np.nanquantile(x, q, dim)", lambda x, q, dim=None, keepdim=False:
        without_nan.nanquantile(x, q, dim, keepdims=keepdim)),
    "diff": ("np.diff(x, n, dim)", lambda x, n=1, dim=-1: calculus.diff(x, n, dim)),
    "cov": ("np.cov(x, ddof=correction)", lambda x, correction=1: calculus.cov(x, ddof=correction)),
    "corrcoef": ("np.corrcoef(x)", lambda x: calculus.corrcoef(x)),
    "norm": ("np.linalg.vector_norm(x, ord=p, axis=dim)", forms.norm),
    "dist": ("np.linalg.vector_norm(x - other, ord=p)",
        lambda x, other, p=2: linalg.vector_norm(x - other, ord=p)),
    "count_nonzero": ("np.count_nonzero(x, dim)",
        lambda x, dim=None: np.asarray(np.count_nonzero(plain(x), forms.axes(dim)))),
    "logcumsumexp": ("np.logaddexp.accumulate(x, dim)",
        lambda x, dim: running.logcumsumexp(x, places.axis_of("logcumsumexp", x, dim))),
    # ---- products and matrices
    "matmul": ("x @ other", lambda x, other: ops.matmul(x, other)),
    "mm": ("x @ mat2, of two matrices", lambda x, mat2: forms.product("mm", x, mat2, 2, 2)),
    "bmm": ("x @ mat2, of two stacks of matrices",
        lambda x, mat2: forms.product("bmm", x, mat2, 3, 3)),
    "mv": ("x @ vec, of a matrix and a vector", lambda x, vec: forms.product("mv", x, vec, 2, 1)),
    "addmm": ("beta * x + alpha * (a @ b)",
        lambda x, mat1, mat2, beta=1, alpha=1:
        beta * x + alpha * forms.product("addmm", mat1, mat2, 2, 2)),
    "addmv": ("beta * x + alpha * (a @ b)",
        lambda x, mat, vec, beta=1, alpha=1:
        beta * x + alpha * forms.product("addmv", mat, vec, 2, 1)),
    "baddbmm": ("beta * x + alpha * (a @ b)",
        lambda x, batch1, batch2, beta=1, alpha=1:
        beta * x + alpha * forms.product("baddbmm", batch1, batch2, 3, 3)),
    "addr": ("beta * x + alpha * np.outer(a, b)", lambda x, vec1, vec2, beta=1, alpha=1:
        beta * x + alpha * products.outer(vec1, vec2)),
    "adjoint": ("x.mT", lambda x: x.mT),
    "outer": ("np.outer(x, vec2)", lambda x, vec2: products.outer(x, vec2)),
    "ger": ("np.outer(x, vec2)", lambda x, vec2: products.outer(x, vec2)),
    "inner": ("np.inner(x, other)", lambda x, other: products.inner(x, other)),
    "vdot": ("np.vdot(x, other)", lambda x, other: products.vdot(x, other)),
    "kron": ("np.kron(x, other)", lambda x, other: products.kron(x, other)),
    "cross": ("np.cross(x, other, axis=dim)",
        lambda x, other, dim=-1: products.cross(x, other, axis=dim)),
    "det": ("np.linalg.det(x)", linalg.det),
    "slogdet": ("np.linalg.slogdet(x)", linalg.slogdet),
    "logdet": ("log of np.linalg.det(x), nan where that is < 0", lambda x: forms.logdet(x)),
    "inverse": ("np.linalg.inv(x)", linalg.inv),
    "pinverse": ("np.linalg.pinv(x)", lambda x: linalg.pinv(x)),
    "matrix_power": ("np.linalg.matrix_power(x, n)", lambda x, n: linalg.matrix_power(x, n)),
    "cholesky": ("np.linalg.cholesky(x)", lambda x, upper=False: linalg.cholesky(x, upper=upper)),
    "qr": ("np.linalg.qr(x)", lambda x: linalg.qr(x)),
    # ---- questions, answered by plain arrays
    "eq": ("x == other", forms.ask(np.equal)),
    "ne": ("x != other", forms.ask(np.not_equal)),
    "lt": ("x < other", forms.ask(np.less)),
    "le": ("x <= other", forms.ask(np.less_equal)),
    "gt": ("x > other", forms.ask(np.greater)),
    "ge": ("x >= other", forms.ask(np.greater_equal)),
    "not_equal": ("x != other", forms.ask(np.not_equal)),
    "less": ("x < other", forms.ask(np.less)),
    "less_equal": ("x <= other", forms.ask(np.less_equal)),
    "greater": ("x > other", forms.ask(np.greater)),
    "greater_equal": ("x >= other", forms.ask(np.greater_equal)),
    "isposinf": ("np.isposinf(x)", lambda x: np.isposinf(plain(x))),
    "isneginf": ("np.isneginf(x)", lambda x: np.isneginf(plain(x))),
    "argwhere": ("np.argwhere(x)", lambda x: np.argwhere(plain(x))),
    "logical_and": ("np.logical_and(x, other)", forms.ask(np.logical_and)),
    "logical_or": ("np.logical_or(x, other)", forms.ask(np.logical_or)),
    "logical_xor": ("np.logical_xor(x, other)", forms.ask(np.logical_xor)),
    "logical_not": ("np.logical_not(x)", lambda x: np.logical_not(plain(x))),
    "isnan": ("np.isnan(x)", lambda x: np.isnan(plain(x))),
    "isinf": ("np.isinf(x)", lambda x: np.isinf(plain(x))),
    "isfinite": ("np.isfinite(x)", lambda x: np.isfinite(plain(x))),
    "signbit": ("np.signbit(x)", lambda x: np.signbit(plain(x))),
    "isclose": ("np.isclose(x, other, rtol, atol)",
        lambda x, other, rtol=1e-5, atol=1e-8, equal_nan=False:
        np.isclose(plain(x), plain(other), rtol, atol, equal_nan)),
    "allclose": ("np.allclose(x, other, rtol, atol)",
        lambda x, other, rtol=1e-5, atol=1e-8, equal_nan=False:
        np.allclose(plain(x), plain(other), rtol, atol, equal_nan)),
    "equal": ("np.array_equal(x, other)", lambda x, other: np.array_equal(plain(x), plain(other))),
    # ---- new tensors of the same dtype
    "new_zeros": ("np.zeros(size, x.dtype)", lambda x, *size, dtype=None, requires_grad=False:
                  forms.new(x, forms.listed(size), 0, dtype, requires_grad)),
    "new_ones": ("np.ones(size, x.dtype)", lambda x, *size, dtype=None, requires_grad=False:
                 forms.new(x, forms.listed(size), 1, dtype, requires_grad)),
    "new_full": ("np.full(size, value, x.dtype)",
                 lambda x, size, fill_value, dtype=None, requires_grad=False:
                 forms.new(x, size, fill_value, dtype, requires_grad)),
    "new_tensor": ("mg.tensor(data, x.dtype)", lambda x, data, dtype=None, requires_grad=False:
                   Tensor(plain(data), dtype or x.dtype, requires_grad)),
}
# fmt: on
