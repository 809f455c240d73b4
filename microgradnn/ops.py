"""THE TABLE: every primitive and its derivative. Nothing else in the project holds a derivative.

Read a line as: name, kernel on numbers, kernel on arrays, then one rule for each input. A rule
gets the cotangent `g`, the output `y` and the inputs, and returns the cotangent of its input. Rules
ignore broadcasting (the walk sums, in one place) and divide with `div`, because 1/0 of plain floats
raises in Python where IEEE says inf. At kinks: relu, abs and sign give 0 at 0, ties of maximum and
max share the gradient, clip passes it at its bounds.

    g  cotangent of the output      y  output      x, a, b, z, t  inputs
"""

import builtins
import math
import operator
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from . import kernels
from .rules import (
    Carrier,
    bilinear,
    custom,
    custom_variadic,
    elementwise,
    linear,
    linear_variadic,
    nondifferentiable,
    on_number,
    reduction,
)

POSITIVE = ((0.1, 3.0),)  # domains: the interval of each input where tests draw values
ANY = (-3.0, 3.0)

# The table is a page of formulas; its columns are aligned by hand and may be wide.
# ruff: noqa: E501
# fmt: off

# ---- arithmetic ---------------------------------------------------------------------------------

add = elementwise("add", operator.add, np.add,
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: g,                                               label="+")
sub = elementwise("sub", operator.sub, np.subtract,
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: -g,                                              label="-")
mul = elementwise("mul", operator.mul, np.multiply,
                  lambda g, y, a, b: g * b,
                  lambda g, y, a, b: g * a,                                           label="*")
div = elementwise("div", operator.truediv, np.divide,
                  lambda g, y, a, b: div(g, b),
                  lambda g, y, a, b: -div(g * y, b), domain=(ANY, *POSITIVE),         label="/")
neg = elementwise("neg", operator.neg, np.negative,
                  lambda g, y, x: -g,                                                 label="-x")
# Where b = 0 the exponent b - 1 becomes 0: x**0 is flat, even at 0 and nan. And 0**b is flat in b
# for b >= 0, where y·log(a) would be 0·inf.
pow = elementwise("pow", lambda a, b: kernels.real(a ** b), operator.pow,
                  lambda g, y, a, b: g * b * pow(a, where(b == 0, 0, b - 1)),
                  lambda g, y, a, b: where((a == 0) & (b >= 0), 0, g * y * log(a)),
                  domain=(*POSITIVE, ANY),                                            label="**")
square     = elementwise("square", lambda x: x * x, np.square,
                         lambda g, y, x: g * (2 * x),                                 label="x²")
reciprocal = elementwise("reciprocal", lambda x: 1 / x, np.reciprocal,
                         lambda g, y, x: -g * y * y, domain=POSITIVE,                 label="1/x")

# ---- elementary functions -----------------------------------------------------------------------

exp    = elementwise("exp",    on_number("exp", math.exp),     np.exp,    lambda g, y, x: g * y)
expm1  = elementwise("expm1",  on_number("expm1", math.expm1), np.expm1,  lambda g, y, x: g * exp(x))
log    = elementwise("log",    on_number("log", math.log),     np.log,    lambda g, y, x: div(g, x),         domain=POSITIVE)
log1p  = elementwise("log1p",  on_number("log1p", math.log1p), np.log1p,  lambda g, y, x: div(g, 1 + x),     domain=((-0.9, 3.0),))
sqrt   = elementwise("sqrt",   on_number("sqrt", math.sqrt),   np.sqrt,   lambda g, y, x: div(g, 2 * y),     domain=POSITIVE)
sin    = elementwise("sin",    on_number("sin", math.sin),     np.sin,    lambda g, y, x: g * cos(x))
cos    = elementwise("cos",    on_number("cos", math.cos),     np.cos,    lambda g, y, x: -g * sin(x))
tan    = elementwise("tan",    on_number("tan", math.tan),     np.tan,    lambda g, y, x: g * (1 + y * y),   domain=((-1.4, 1.4),))
tanh   = elementwise("tanh",   on_number("tanh", math.tanh),   np.tanh,   lambda g, y, x: g * (1 - y * y))
arctan = elementwise("arctan", on_number("arctan", math.atan), np.arctan, lambda g, y, x: div(g, 1 + x * x))
sinh   = elementwise("sinh",   on_number("sinh", math.sinh),   np.sinh,   lambda g, y, x: g * cosh(x))
cosh   = elementwise("cosh",   on_number("cosh", math.cosh),   np.cosh,   lambda g, y, x: g * sinh(x))

# ---- kinks and choices --------------------------------------------------------------------------

sign    = nondifferentiable("sign", kernels.sign_number, np.sign)
abs     = elementwise("abs", operator.abs, np.absolute,
                      lambda g, y, x: g * sign(x),                                    label="|x|")
maximum = elementwise("maximum", lambda a, b: a if a > b or a != a else b, np.maximum,
                      lambda g, y, a, b: where(a > b, g, where(a == b, g / 2, 0)),
                      lambda g, y, a, b: where(a < b, g, where(a == b, g / 2, 0)),    label="max")
minimum = elementwise("minimum", lambda a, b: a if a < b or a != a else b, np.minimum,
                      lambda g, y, a, b: where(a < b, g, where(a == b, g / 2, 0)),
                      lambda g, y, a, b: where(a > b, g, where(a == b, g / 2, 0)),    label="min")
clip    = elementwise("clip", lambda x, lo, hi: minimum(maximum(x, lo), hi), np.clip,
                      lambda g, y, x, lo, hi: where((x >= lo) & (x <= hi), g, 0),
                      lambda g, y, x, lo, hi: where((x < lo) & (lo <= hi), g, 0),
                      lambda g, y, x, lo, hi: where((x > hi) | (lo > hi), g, 0),
                      domain=(ANY, (-2.0, -0.5), (0.5, 2.0)))
where   = elementwise("where", lambda c, a, b: a if c else b, kernels.where,
                      None,
                      lambda g, y, c, a, b: where(c, g, 0),
                      lambda g, y, c, a, b: where(c, 0, g))

# ---- activations: primitives because the plain formula overflows or loses digits ----------------

sigmoid    = elementwise("sigmoid",
                         lambda x: kernels.sigmoid_number(x) if type(x) is float else 1 / (1 + exp(-x)),
                         kernels.sigmoid,
                         lambda g, y, x: g * y * (1 - y),                             label="σ")
relu       = elementwise("relu", kernels.relu_number, kernels.relu,
                         lambda g, y, x: where(x > 0, g, 0),                          label="ReLU")
leaky_relu = elementwise("leaky_relu",
                         lambda x, negative_slope=0.01: x if x > 0 else x * negative_slope,
                         kernels.leaky_relu,
                         lambda g, y, x, negative_slope=0.01: where(x > 0, g, g * negative_slope))
elu        = elementwise("elu",
                         lambda x, alpha=1.0: x if x > 0 else alpha * expm1(x),
                         kernels.elu,
                         lambda g, y, x, alpha=1.0: where(x > 0, g, g * alpha * exp(minimum(x, 0))))
softplus   = elementwise("softplus", lambda x: relu(x) + log1p(exp(-abs(x))), kernels.softplus,
                         lambda g, y, x: g * sigmoid(x))

# ---- losses on logits: primitives for the same reason -------------------------------------------

bce_with_logits = elementwise("bce_with_logits",
                              lambda z, t: relu(z) - z * t + log1p(exp(-abs(z))), kernels.bce_with_logits,
                              lambda g, y, z, t: g * (sigmoid(z) - t),
                              lambda g, y, z, t: -g * z, domain=(ANY, (0.0, 1.0)))
# One loss for each sample, classes on the last axis; t holds integer labels or probabilities.
ce_with_logits = custom("ce_with_logits", kernels.cross_entropy,
                        lambda g, y, z, t: expand_dims(g, axis=-1) * _ce_slope(z, t),
                        lambda g, y, z, t: -expand_dims(g, axis=-1) * log_softmax(z))

# ---- shape: linear, and each other's transposes -------------------------------------------------

alias        = linear("alias",        lambda x: x,    lambda g, y, x: g, number=lambda x: x)
reshape      = linear("reshape",      np.reshape,     lambda g, y, x, shape: reshape(g, shape=x.shape))
expand_dims  = linear("expand_dims",  np.expand_dims, lambda g, y, x, axis: reshape(g, shape=x.shape))
squeeze      = linear("squeeze",      np.squeeze,     lambda g, y, x, axis=None: reshape(g, shape=x.shape))
transpose    = linear("transpose",    np.transpose,   lambda g, y, x, axes=None: transpose(g, axes=_inverse(axes)))
swapaxes     = linear("swapaxes",     np.swapaxes,    lambda g, y, x, axis1, axis2: swapaxes(g, axis1=axis1, axis2=axis2))
broadcast_to = linear("broadcast_to", kernels.broadcast_to, lambda g, y, x, shape: sum_to(g, shape=x.shape))
sum_to       = linear("sum_to",       kernels.sum_to, lambda g, y, x, shape: broadcast_to(g, shape=x.shape))
getitem      = linear("getitem",      lambda x, index: x[index],
                      lambda g, y, x, index: put(g, index=index, shape=x.shape),      label="[]")
put          = linear("put",          kernels.put,    lambda g, y, x, index, shape: getitem(g, index=index))
astype       = linear("astype",       lambda x, dtype: x.astype(dtype),
                      lambda g, y, x, dtype: astype(g, dtype=x.dtype))
concatenate  = linear_variadic("concatenate", lambda *xs, axis=0: np.concatenate(xs, axis),
                               lambda g, y, *xs, axis=0: _split(g, xs, axis))
stack        = linear_variadic("stack", lambda *xs, axis=0: np.stack(xs, axis),
                               lambda g, y, *xs, axis=0: _unstack(g, xs, axis))

# ---- reductions ---------------------------------------------------------------------------------


def _kept(v: Any, x: Any, axis: Any) -> Any:
    """v, reduced from x along axis, reshaped so that it broadcasts against x again."""
    if v.shape == ():
        return v
    axes = range(x.ndim) if axis is None else _axes(axis, x.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return v if v.shape == shape else reshape(v, shape=shape)


sum       = linear("sum", kernels.sum,
                   lambda g, y, x, axis=None, keepdims=False: broadcast_to(_kept(g, x, axis), shape=x.shape),
                   label="Σ")
mean      = linear("mean", kernels.mean,
                   lambda g, y, x, axis=None, keepdims=False: broadcast_to(_kept(g, x, axis) * (y.size / builtins.max(x.size, 1)), shape=x.shape))
reduced   = partial(reduction, expand=_kept, total=sum)  # the rest of the line is the weight dy/dx
max       = reduced("max",       np.max,            lambda y, x, axis: _ties(y, x, axis))
min       = reduced("min",       np.min,            lambda y, x, axis: _ties(y, x, axis))
prod      = reduced("prod",      np.prod,           lambda y, x, axis: _others(x, axis), label="Π")
logsumexp = reduced("logsumexp", kernels.logsumexp, lambda y, x, axis: exp(x - y))
softmax     = custom("softmax", kernels.softmax,
                     lambda g, y, x, axis=-1: y * (g - sum(g * y, axis=axis, keepdims=True)))
log_softmax = custom("log_softmax", kernels.log_softmax,
                     lambda g, y, x, axis=-1: g - exp(y) * sum(g, axis=axis, keepdims=True))

# ---- products -----------------------------------------------------------------------------------

matmul  = bilinear("matmul", np.matmul,
                   lambda g, y, a, b: _matmul_left(g, a, b),
                   lambda g, y, a, b: _matmul_right(g, a, b),                         label="@")
# x @ w + b as one op, because a layer is most of what a model computes.
affine  = custom("linear", kernels.linear,
                 lambda g, y, x, w, b: _matmul_left(g, x, w),
                 lambda g, y, x, w, b: _matmul_right(g, x, w),
                 lambda g, y, x, w, b: g)
# Σ wᵢxᵢ + b of single numbers, given flat as (*w, *x, b): one node where sums and products make 2n.
sumprod = custom_variadic("sumprod", lambda *wxb: np.dot(*_halves(wxb)) + wxb[-1],
                          lambda g, y, *wxb: [*map(operator.mul, repeat(g), _crossed(wxb)), g],
                          number=lambda *wxb: builtins.sum(map(operator.mul, *_halves(wxb)), wxb[-1]),
                          label="dot")

# fmt: on
# ---- parts of rules that need more than a line; in ops, so they differentiate too ---------------


def _axes(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return tuple(a % ndim for a in ((axis,) if isinstance(axis, int) else axis))


def _inverse(axes: Any) -> Any:
    return None if axes is None else tuple(np.argsort([a % len(axes) for a in axes]))


def _ties(y: Any, x: Any, axis: Any) -> Any:
    """1/n at each of the n places where x equals its extreme y, 0 elsewhere (nan for nan)."""
    hit = (x == y).astype(x.dtype)
    return hit / np.sum(hit, axis, keepdims=True)


def _others(x: Any, axis: Any) -> Any:
    """For each element the product of all others along axis: exact with zeros, nothing divided."""
    axes = tuple(range(x.ndim)) if axis is None else _axes(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    moved = transpose(x, axes=order)
    rows = reshape(moved, shape=(*moved.shape[: x.ndim - len(axes)], -1)) if x.size else moved
    return transpose(reshape(_others_in_rows(rows), shape=moved.shape), axes=_inverse(order))


def _others_in_rows(x: Any) -> Any:
    # Pair the elements and ask the same of the products of pairs: log2(n) levels of plain products.
    n = x.shape[-1] if x.ndim else 1
    if n <= 1:
        return np.ones(x.shape, x.dtype)
    if n % 2:
        x = concatenate(x, np.ones((*x.shape[:-1], 1), x.dtype), axis=-1)
    a, b = (getitem(x, index=(..., slice(i, None, 2))) for i in (0, 1))
    e = _others_in_rows(a * b)
    both = reshape(stack(e * b, e * a, axis=-1), shape=x.shape)
    return getitem(both, index=(..., slice(0, n)))


def _split(g: Any, xs: Any, axis: int | None) -> list[Any]:
    if axis is None:  # NumPy flattens first
        return [
            reshape(p, shape=x.shape)
            for p, x in zip(_split(g, [_flat(x) for x in xs], 0), xs, strict=True)
        ]
    ends = np.cumsum([x.shape[axis] for x in xs])
    lead = (slice(None),) * (axis % g.ndim)
    return [
        getitem(g, index=(*lead, slice(int(e) - x.shape[axis], int(e))))
        for x, e in zip(xs, ends, strict=True)
    ]


def _flat(x: Any) -> Any:
    return reshape(x, shape=(-1,))


def _unstack(g: Any, xs: Any, axis: int) -> list[Any]:
    return [getitem(g, index=(*(slice(None),) * (axis % g.ndim), i)) for i in range(len(xs))]


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return expand_dims(g, axis=-1) * b
    return matmul(expand_dims(g, axis=-2) if a.ndim == 1 else g, swapaxes(b, axis1=-1, axis2=-2))


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else expand_dims(a, axis=-1) * expand_dims(g, axis=-2)
    left = swapaxes(a, axis1=-1, axis2=-2)
    return (
        squeeze(matmul(left, expand_dims(g, axis=-1)), axis=-1) if b.ndim == 1 else matmul(left, g)
    )


def _ce_slope(z: Any, t: Any) -> Any:
    if t.dtype.kind in "iu":
        return softmax(z) - kernels.one_hot(t.data if isinstance(t, Carrier) else t, z.shape[-1])
    return softmax(z) * sum(t, axis=-1, keepdims=True) - t


def _halves(wxb: tuple[Any, ...]) -> tuple[Any, Any]:
    n = len(wxb) // 2
    return wxb[:n], wxb[n:-1]


def _crossed(wxb: tuple[Any, ...]) -> tuple[Any, ...]:
    n = len(wxb) // 2
    return wxb[n:-1] + wxb[:n]
