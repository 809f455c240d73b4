"""THE TABLE: every primitive and its derivative. Nothing else in the project holds a derivative.

Read a line as: name, what it computes, kernel on numbers, kernel on arrays, then one rule for each
input. `named` finds the kernels by the name (math.exp, np.exp). A rule gets the cotangent `g`, the
output `y` and the inputs, and returns the cotangent of its input. Rules ignore broadcasting (the
walk sums, in one place) and divide with `div`, because 1/0 of plain floats raises in Python where
IEEE says inf. `kink` says which slope is chosen where there are several, `domain` where tests draw
their numbers, `label` what drawings show.

    g  cotangent of the output      y  output      x, a, b, z, t  inputs
"""

import builtins
import itertools
import math
import operator
from functools import partial
from typing import Any

import numpy as np

from ..numerics import kernels, numbers, special
from ..numerics.numbers import eq, ge, gt, le, lt
from .op import Carrier, Op
from .rules import (
    ANY,
    custom,
    custom_variadic,
    elementwise,
    linear,
    linear_variadic,
    multilinear,
    multilinear_variadic,
    named,
    nondifferentiable,
    reduction,
)

__all__ = [  # the ops that are public as they stand here
    "abs", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt",
    "ceil", "copysign", "cos", "cosh", "degrees", "digamma", "div", "erf", "erfc", "erfinv", "exp",
    "exp2", "expm1", "floor", "floor_divide", "fmax", "fmin", "fmod", "heaviside", "hypot", "ldexp",
    "lgamma", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "matmul", "maximum",
    "minimum", "mul", "neg", "pow", "radians", "reciprocal", "relu", "relu6", "remainder", "rint",
    "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "square", "sub", "tan", "tanh", "trunc",
    "xlogy",
]  # fmt: skip

POSITIVE, INSIDE = ((0.1, 3.0),), ((-0.9, 0.9),)  # domains
TIES = "where inputs are equal, they share the slope"


def _constant(value: float, make: Any) -> Any:
    """A constant, given x: the float, or in x's own precision by `make(1)` for other numbers."""

    def like(x: Any) -> Any:
        raw = getattr(x, "_data", x)
        known = type(raw) in (float, int) or getattr(raw, "dtype", np.dtype("O")).char in "efdil?"
        return value if known else make(x * 0 + 1)

    return like


LN2 = _constant(math.log(2), lambda one: log(one * 2))
LN10 = _constant(math.log(10), lambda one: log(one * 10))
PI = _constant(math.pi, lambda one: 4 * arctan(one))
ERF0 = _constant(2 / math.sqrt(math.pi), lambda one: 1 / sqrt(arctan(one)))  # erf'(0) = 2/√π


def _kept(v: Any, x: Any, axis: Any) -> Any:
    """v, reduced from x along axis, reshaped so that it broadcasts against x again."""
    if v.shape == ():
        return v
    axes = range(x.ndim) if axis is None else _axes(axis, x.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return v if v.shape == shape else reshape(v, shape=shape)


# The table is a page of formulas; its columns are aligned by hand and may be wider.
# ruff: noqa: E501
# fmt: off

# ---- arithmetic ---------------------------------------------------------------------------------

add = elementwise("add", "a + b", operator.add, np.add,
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: g, label="+")
sub = elementwise("sub", "a - b", operator.sub, np.subtract,
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: -g, label="-")
mul = elementwise("mul", "a * b", operator.mul, np.multiply,
                  lambda g, y, a, b: g * b,
                  lambda g, y, a, b: g * a, label="*")
div = elementwise("div", "a / b", operator.truediv, np.divide,
                  lambda g, y, a, b: div(g, b),
                  lambda g, y, a, b: -div(g * y, b), label="/", domain=(ANY, *POSITIVE))
neg = elementwise("neg", "-x", operator.neg, np.negative,
                  lambda g, y, x: -g, label="-x")
# x**0 is flat in x, even at 0 and nan, where x**-1 is infinite or nan. And 0**b is flat in b for
# b >= 0, where y·log(a) would be 0·inf.
pow = elementwise("pow", "a ** b", numbers.power, operator.pow,
                  lambda g, y, a, b: _power_slope(g, a, b),
                  lambda g, y, a, b: where(eq(a, 0) & ge(b, 0), 0, g * y * log(where(eq(a, 0) & ge(b, 0), 1, a))),
                  label="**", ufunc=np.power, domain=(*POSITIVE, ANY),
                  kink="slope 0 by a where b = 0, by b where a = 0 <= b")
square     = elementwise("square", "x * x", lambda x: x * x, np.square,
                         lambda g, y, x: g * (2 * x), label="x²")
reciprocal = elementwise("reciprocal", "1 / x", lambda x: 1 / x, np.reciprocal,
                         lambda g, y, x: -g * y * y, label="1/x", domain=POSITIVE)

# ---- elementary functions -----------------------------------------------------------------------

exp     = named("exp",     lambda g, y, x: g * y)
expm1   = named("expm1",   lambda g, y, x: g * exp(x), formula="exp(x) - 1")
exp2    = named("exp2",    lambda g, y, x: g * y * LN2(x), formula="2 ** x")
log     = named("log",     lambda g, y, x: div(g, x), domain=POSITIVE)
log1p   = named("log1p",   lambda g, y, x: div(g, 1 + x), formula="log(1 + x)", domain=((-0.9, 3.0),))
log2    = named("log2",    lambda g, y, x: div(g, x * LN2(x)), domain=POSITIVE)
log10   = named("log10",   lambda g, y, x: div(g, x * LN10(x)), domain=POSITIVE)
sqrt    = named("sqrt",    lambda g, y, x: div(g, 2 * y), domain=POSITIVE)
cbrt    = named("cbrt",    lambda g, y, x: div(g, 3 * y * y), label="∛", own=False)
sin     = named("sin",     lambda g, y, x: g * cos(x))
cos     = named("cos",     lambda g, y, x: -g * sin(x))
tan     = named("tan",     lambda g, y, x: g * (1 + y * y), domain=((-1.4, 1.4),))
arcsin  = named("arcsin",  lambda g, y, x: div(g, sqrt((1 - x) * (1 + x))), domain=INSIDE)
arccos  = named("arccos",  lambda g, y, x: -div(g, sqrt((1 - x) * (1 + x))), domain=INSIDE)
arctan  = named("arctan",  lambda g, y, x: div(g, 1 + x * x))
sinh    = named("sinh",    lambda g, y, x: g * cosh(x))
cosh    = named("cosh",    lambda g, y, x: g * sinh(x))
tanh    = named("tanh",    lambda g, y, x: g * (1 - y * y))
arcsinh = named("arcsinh", lambda g, y, x: div(g, hypot(x, 1)))
arccosh = named("arccosh", lambda g, y, x: div(g, sqrt((x - 1) * (x + 1))), domain=((1.1, 3.0),))
arctanh = named("arctanh", lambda g, y, x: div(g, (1 - x) * (1 + x)), domain=INSIDE)
sinc    = named("sinc",    lambda g, y, x: g * _sinc_slope(x), formula="sin(πx) / (πx), and 1 at 0")
degrees = named("degrees", lambda g, y, x: g * 180 / PI(x), formula="180 * x / π")
radians = named("radians", lambda g, y, x: g * PI(x) / 180, formula="π * x / 180")
erf     = named("erf",     lambda g, y, x: g * ERF0(x) * exp(-x * x), array=kernels.erf, formula="2/√π ∫₀ˣ exp(-t²) dt")
erfc    = named("erfc",    lambda g, y, x: -g * ERF0(x) * exp(-x * x), array=kernels.erfc, formula="1 - erf(x)")
lgamma  = elementwise("lgamma", "log |Γ(x)|", *special.LGAMMA, lambda g, y, x: g * digamma(x), domain=POSITIVE)
digamma = elementwise("digamma", "Γ'(x)/Γ(x)", *special.DIGAMMA, lambda g, y, x: g * polygamma(x, n=1), domain=POSITIVE)
polygamma: Op = elementwise("polygamma", "the n-th derivative of digamma", *special.POLYGAMMA,
                            lambda g, y, x, n=1: g * polygamma(x, n=n + 1), domain=POSITIVE)
erfinv  = elementwise("erfinv", "erf⁻¹(x)", *special.ERFINV,
                      lambda g, y, x: div(g * exp(y * y), ERF0(x)), domain=INSIDE)

hypot      = named("hypot",
                   lambda g, y, a, b: g * _quotient(a, y),
                   lambda g, y, a, b: g * _quotient(b, y), formula="sqrt(a*a + b*b)", kink="slopes 0 at (0, 0)")
arctan2    = named("arctan2",
                   lambda g, y, a, b: g * _quotient(_quotient(b, hypot(a, b)), hypot(a, b)),
                   lambda g, y, a, b: -g * _quotient(_quotient(a, hypot(a, b)), hypot(a, b)),
                   formula="the angle of the point (b, a)", kink="slopes 0 at (0, 0)")
logaddexp  = named("logaddexp",
                   lambda g, y, a, b: g * sigmoid(a - b),
                   lambda g, y, a, b: g * sigmoid(b - a), formula="log(exp(a) + exp(b))")
logaddexp2 = named("logaddexp2",
                   lambda g, y, a, b: g * sigmoid((a - b) * LN2(a)),
                   lambda g, y, a, b: g * sigmoid((b - a) * LN2(a)), formula="log2(2**a + 2**b)")
xlogy      = elementwise("xlogy", "x * log(y), and 0 at x = 0",
                         lambda x, y: x * 0 if eq(x, 0) and y == y else x * log(y), kernels.xlogy,
                         lambda g, z, x, y: where(eq(x, 0) & le(y, 0), 0, g * log(y)),
                         lambda g, z, x, y: where(gt(y, 0), div(g * x, y), where(eq(x, 0), 0, div(g * x, y))),
                         domain=(ANY, *POSITIVE), kink="slopes 0 at x = 0 >= y")

# ---- steps: flat between their jumps ------------------------------------------------------------

sign         = nondifferentiable("sign", "-1, 0 or 1", np.sign, number=numbers.sign)
floor        = nondifferentiable("floor", "the largest integer <= x", np.floor)
ceil         = nondifferentiable("ceil", "the smallest integer >= x", np.ceil)
trunc        = nondifferentiable("trunc", "x without its decimals", np.trunc)
rint         = nondifferentiable("rint", "the nearest integer, even in a tie", np.rint, number=numbers.rounded("rint"))
round: Op    = nondifferentiable("round", "x to so many decimals", np.round, number=numbers.rounded("round"))
floor_divide = nondifferentiable("floor_divide", "floor(a / b)", np.floor_divide, 2, label="//",
                                 domain=(ANY, *POSITIVE))

# ---- kinks and choices --------------------------------------------------------------------------

abs       = elementwise("abs", "|x|", operator.abs, np.absolute,
                        lambda g, y, x: g * sign(x), label="|x|", kink="slope 0 at 0")
maximum   = elementwise("maximum", "the larger of a and b", lambda a, b: a if a != a or gt(a, b) else b, np.maximum,
                        lambda g, y, a, b: where(gt(a, b), g, where(eq(a, b), g / 2, 0)),
                        lambda g, y, a, b: where(lt(a, b), g, where(eq(a, b), g / 2, 0)), label="max", kink=TIES)
minimum   = elementwise("minimum", "the smaller of a and b", lambda a, b: a if a != a or lt(a, b) else b, np.minimum,
                        lambda g, y, a, b: where(lt(a, b), g, where(eq(a, b), g / 2, 0)),
                        lambda g, y, a, b: where(gt(a, b), g, where(eq(a, b), g / 2, 0)), label="min", kink=TIES)
# nan loses in these two.
fmax      = elementwise("fmax", "the larger of a and b", lambda a, b: a if b != b or gt(a, b) else b, np.fmax,
                        lambda g, y, a, b: where((b != b) | gt(a, b), g, where(eq(a, b), g / 2, 0)),
                        lambda g, y, a, b: where((a != a) & (b == b) | lt(a, b), g, where(eq(a, b), g / 2, 0)),
                        kink=TIES)
fmin      = elementwise("fmin", "the smaller of a and b", lambda a, b: a if b != b or lt(a, b) else b, np.fmin,
                        lambda g, y, a, b: where((b != b) | lt(a, b), g, where(eq(a, b), g / 2, 0)),
                        lambda g, y, a, b: where((a != a) & (b == b) | gt(a, b), g, where(eq(a, b), g / 2, 0)),
                        kink=TIES)
clip      = elementwise("clip", "min(max(x, lo), hi)", lambda x, lo, hi: minimum(maximum(x, lo), hi), np.clip,
                        lambda g, y, x, lo, hi: where(ge(x, lo) & le(x, hi), g, 0),
                        lambda g, y, x, lo, hi: where(lt(x, lo) & le(lo, hi), g, 0),
                        lambda g, y, x, lo, hi: where(gt(x, hi) | gt(lo, hi), g, 0),
                        domain=(ANY, (-2.0, -0.5), (0.5, 2.0)), kink="slope 1 by x at the bounds")
where     = elementwise("where", "a where c is true, else b", lambda c, a, b: a if c else b, kernels.where,
                        None,
                        lambda g, y, c, a, b: where(c, g, 0),
                        lambda g, y, c, a, b: where(c, 0, g))
fmod      = named("fmod",
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: -g * where(eq(y, y), rint(div(a - y, b)), trunc(div(a, b))),
                  formula="a - b * trunc(a / b)", own=False, domain=(ANY, (0.4, 0.9)))
remainder = named("remainder",
                  lambda g, y, a, b: g,
                  lambda g, y, a, b: -g * where(eq(y, y), rint(div(a - y, b)), floor(div(a, b))),
                  formula="a - b * floor(a / b)", floats=operator.mod, label="%", domain=(ANY, (0.4, 0.9)))
copysign  = named("copysign",
                  lambda g, y, a, b: g * sign(a) * sign(y),
                  lambda g, y, a, b: g * 0, formula="|a| with the sign of b", kink="slope 0 at a = 0")
heaviside = named("heaviside",
                  lambda g, y, x, h: g * 0,
                  lambda g, y, x, h: where(eq(x, 0), g, 0), formula="0 for x < 0, 1 for x > 0, h at 0")
nan_to_num: Op = elementwise(
                 "nan_to_num", "x, with numbers for nan and ±inf", numbers.nan_to_num, np.nan_to_num,
                 lambda g, y, x, nan=0.0, posinf=None, neginf=None: where(lt(abs(x), np.inf), g, 0))
ldexp     = elementwise("ldexp", "x * 2**n", numbers.ldexp, np.ldexp,
                        lambda g, y, x, n: ldexp(g, n),
                        None)

# ---- activations: primitives because the plain formula overflows or loses digits ----------------

sigmoid    = named("sigmoid",
                   lambda g, y, x: g * y * (1 - y),
                   formula="1 / (1 + exp(-x))", floats=numbers.sigmoid, array=kernels.sigmoid, label="σ")
relu       = elementwise("relu", "max(x, 0)", numbers.relu, kernels.relu,
                         lambda g, y, x: where(gt(x, 0), g, 0), label="ReLU", kink="slope 0 at 0")
relu6      = elementwise("relu6", "min(max(x, 0), 6)", lambda x: minimum(relu(x), 6), kernels.relu6,
                         lambda g, y, x: where(gt(x, 0) & lt(x, 6), g, 0), kink="slope 0 at 0 and at 6")
leaky_relu: Op = elementwise("leaky_relu", "x for x > 0, else negative_slope * x",
                         lambda x, negative_slope=0.01: x if gt(x, 0) else x * negative_slope, kernels.leaky_relu,
                         lambda g, y, x, negative_slope=0.01: where(gt(x, 0), g, g * negative_slope),
                         kink="slope negative_slope at 0")
elu: Op    = elementwise("elu", "x for x > 0, else alpha * (exp(x) - 1)",
                         lambda x, alpha=1.0: x if gt(x, 0) else alpha * expm1(x), kernels.elu,
                         lambda g, y, x, alpha=1.0: where(gt(x, 0), g, g * alpha * exp(where(gt(x, 0), 0, x))),
                         kink="slope alpha at 0")
softplus   = named("softplus",
                   lambda g, y, x: g * sigmoid(x),
                   formula="log(1 + exp(x))", array=kernels.softplus)

# ---- losses: primitives for the same reason -----------------------------------------------------

# PyTorch's: neither the logarithms nor p(1 - p) come closer to zero than -100 and 1e-12.
bce = named("bce",
            lambda g, y, p, t: g * (p - t) / maximum(p * (1 - p), 1e-12),
            lambda g, y, p, t: g * (maximum(log1p(-p), -100) - maximum(log(p), -100)),
            formula="-t * log(p) - (1 - t) * log(1 - p)", array=kernels.bce,
            domain=((0.1, 0.9), (0.0, 1.0)))
bce_with_logits = named("bce_with_logits",
                        lambda g, y, z, t: g * (sigmoid(z) - t),
                        lambda g, y, z, t: -g * z, formula="bce(sigmoid(z), t)",
                        array=kernels.bce_with_logits, domain=(ANY, (0.0, 1.0)))
# One loss for each sample, classes on the last axis; t holds integer labels or probabilities.
ce_with_logits = custom("ce_with_logits", kernels.cross_entropy,
                        lambda g, y, z, t: expand_dims(g, axis=-1) * _ce_slope(z, t),
                        lambda g, y, z, t: -expand_dims(g, axis=-1) * log_softmax(z),
                        formula="-Σ t * log_softmax(z) over the last axis, or -log_softmax(z)[label]")

# ---- shape: linear, and each other's transposes -------------------------------------------------

alias        = linear("alias",     np.array,     lambda g, y, x: g, number=lambda x: x, formula="x")
argument     = linear("argument",  lambda x: x[...], lambda g, y, x: g, number=lambda x: x, formula="x", boundary=True)
reshape      = linear("reshape",      np.reshape,     lambda g, y, x, shape: reshape(g, shape=x.shape))
expand_dims  = linear("expand_dims",  np.expand_dims, lambda g, y, x, axis: reshape(g, shape=x.shape))
squeeze      = linear("squeeze",      np.squeeze,     lambda g, y, x, axis=None: reshape(g, shape=x.shape))
transpose    = linear("transpose",    np.transpose,   lambda g, y, x, axes=None: transpose(g, axes=_inverse(axes)))
swapaxes     = linear("swapaxes",     np.swapaxes,    lambda g, y, x, **axes: swapaxes(g, **axes))
broadcast_to = linear("broadcast_to", kernels.broadcast_to, lambda g, y, x, shape: sum_to(g, shape=x.shape))
sum_to       = linear("sum_to",       kernels.sum_to, lambda g, y, x, shape: broadcast_to(g, shape=x.shape),
                      formula="x summed down to shape")
getitem      = linear("getitem",      lambda x, index: x[index],
                      lambda g, y, x, index: put(g, index=index, shape=x.shape), label="[]", formula="x[index]")
put          = linear("put",          kernels.put,    lambda g, y, x, index, shape: getitem(g, index=index),
                      formula="zeros of shape, x added at index")
astype       = linear("astype",       kernels.astype, lambda g, y, x, dtype: astype(g, dtype=x.dtype),
                      formula="x.astype(dtype)")
concatenate  = linear_variadic("concatenate", lambda *xs, axis=0: np.concatenate(xs, axis),
                               lambda g, y, *xs, axis=0: _split(g, xs, axis))
stack        = linear_variadic("stack", lambda *xs, axis=0: np.stack(xs, axis),
                               lambda g, y, *xs, axis=0: _unstack(g, xs, axis))
# Sliding windows of x along its last len(shape) axes, placed after them, and their sum back into x.
windows      = linear("windows", kernels.windows, formula="the windows of x, (..., *places, *shape)",
                      transpose=lambda g, y, x, shape, **how: fold(g, size=x.shape[-len(shape):], **how))
fold         = linear("fold", kernels.fold, formula="windows added where they were taken from",
                      transpose=lambda g, y, x, size, **how: windows(g, shape=x.shape[-len(size):], **how))


def structural(name: str, array: Any, **info: Any) -> Any:
    """An op that moves, repeats, drops elements of x or adds zeros: asked of x's places, `array`
    itself says which went where, and that is all its transpose has to know."""
    def transpose(g: Any, y: Any, x: Any, **params: Any) -> Any:
        places = op(np.arange(1, x.size + 1).reshape(x.shape), **params)  # 0: a zero was added
        flat = put(_flat(g), index=(places.ravel(),), shape=(x.size + 1,))
        return reshape(getitem(flat, index=(slice(1, None),)), shape=x.shape)
    op = linear(name, array, transpose, **info)
    return op


flip, roll, rot90     = structural("flip", np.flip), structural("roll", np.roll), structural("rot90", np.rot90)
tile, repeat, pad     = structural("tile", np.tile), structural("repeat", np.repeat), structural("pad", np.pad)
tril, triu            = structural("tril", np.tril), structural("triu", np.triu)
diag, diagonal        = structural("diag", np.diag), structural("diagonal", np.diagonal)
take, take_along_axis = structural("take", np.take), structural("take_along_axis", np.take_along_axis)
resize, delete        = structural("resize", kernels.resize), structural("delete", np.delete)

# ---- reductions ---------------------------------------------------------------------------------

sum       = linear("sum", kernels.sum, label="Σ", formula="Σ x over axis", transpose=
                   lambda g, y, x, axis=None, keepdims=False: broadcast_to(_kept(g, x, axis), shape=x.shape))
mean      = linear("mean", kernels.mean, formula="Σ x / n over axis", transpose=
                   lambda g, y, x, axis=None, keepdims=False:
                   broadcast_to(div(_kept(g, x, axis), _n(x, y)), shape=x.shape))
reduced   = partial(reduction, expand=_kept, total=sum)  # the rest of the line is the weight dy/dx
max       = reduced("max", kernels.extreme(np.maximum, maximum.number),
                    lambda y, x, axis: _ties(y, x, axis), formula="the largest x over axis", kink=TIES)
min       = reduced("min", kernels.extreme(np.minimum, minimum.number),
                    lambda y, x, axis: _ties(y, x, axis), formula="the smallest x over axis", kink=TIES)
prod      = reduced("prod", np.prod,
                    lambda y, x, axis: _others(x, axis), formula="Π x over axis", label="Π")
logsumexp = reduced("logsumexp", kernels.logsumexp,
                    lambda y, x, axis: exp(x - y), formula="log(Σ exp(x)) over axis")
norm      = reduced("norm", kernels.norm,
                    lambda y, x, axis: _quotient(x, y), formula="sqrt(Σ x²) over axis", label="‖x‖₂", kink="0 at 0")
cumsum    = linear("cumsum", np.cumsum,
                   lambda g, y, x, axis: flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis))
cumprod   = custom("cumprod", np.cumprod, lambda g, y, x, axis: _cumprod_slope(g, x, axis))
softmax     = custom("softmax", kernels.softmax,
                     lambda g, y, x, axis=-1: y * (g - sum(g * y, axis=axis, keepdims=True)),
                     formula="exp(x) / Σ exp(x) along axis")
log_softmax = custom("log_softmax", kernels.log_softmax,
                     lambda g, y, x, axis=-1: g - exp(y) * sum(g, axis=axis, keepdims=True),
                     formula="x - log(Σ exp(x)) along axis")

# ---- products -----------------------------------------------------------------------------------

matmul  = multilinear("matmul", np.matmul,
                      lambda g, y, a, b: _matmul_left(g, a, b),
                      lambda g, y, a, b: _matmul_right(g, a, b), ufunc=np.matmul, label="@", formula="a @ b")
# Subscripts in which every index of an operand is unique and occurs again elsewhere (functions/
# sees to that): then the cotangent of an operand is an einsum of the others and g.
einsum  = multilinear_variadic("einsum", lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 2),
                               lambda g, y, *xs, subscripts: _einsum_parts(g, xs, subscripts))
# x @ w + b as one op, because a layer is most of what a model computes.
affine  = custom("linear", kernels.linear,
                 lambda g, y, x, w, b: _matmul_left(g, x, w),
                 lambda g, y, x, w, b: _matmul_right(g, x, w),
                 lambda g, y, x, w, b: g, formula="x @ w + b")
# Σ wᵢxᵢ + b of single numbers, given flat as (*w, *x, b): one node where sums and products make 2n.
sumprod = custom_variadic("sumprod", lambda *wxb: np.dot(*_halves(wxb)) + wxb[-1],
                          lambda g, y, *wxb: [*map(operator.mul, itertools.repeat(g), _crossed(wxb)), g],
                          number=lambda *wxb: builtins.sum(map(operator.mul, *_halves(wxb)), wxb[-1]),
                          label="dot", formula="Σ wᵢ * xᵢ + b, of (*w, *x, b)")

# fmt: on
# ---- parts of rules that need more than a line; in ops, so they differentiate too ---------------


def _axes(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    return tuple(int(a) % ndim for a in axes) if ndim else ()


def _n(x: Any, y: Any) -> int:
    """How many elements of x one element of y was reduced from; 1 if there are none."""
    return builtins.max(x.size, 1) // builtins.max(y.size, 1)


def _inverse(axes: Any) -> Any:
    return None if axes is None else tuple(np.argsort([a % len(axes) for a in axes]))


def _ties(y: Any, x: Any, axis: Any) -> Any:
    """1/n at each of the n places where x equals its extreme y, 0 elsewhere (nan for nan)."""
    hit = eq(x, y).astype(x.dtype)
    if x.dtype.char == "O":  # ones of the kind of x: a Fraction over an int is exact
        hit = (getattr(x, "_data", x) * 0 + 1) * hit
    return hit / np.sum(hit, axis, keepdims=True)


def _power_slope(g: Any, a: Any, b: Any) -> Any:
    """g·b·a**(b - 1), and 0 where b is 0 and a is 0 or nan."""
    flat = b == 0 if type(b) in (int, float) else eq(b, 0)
    if flat is False or not np.any(flat):
        return g * b * pow(a, b - 1)
    flat = flat & (eq(a, 0) | (a != a))
    return where(flat, 0, g * b * pow(a, where(flat, 0, b - 1)))


def _quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0: the slope that is chosen at the tip of a cone."""
    zero = eq(b, 0)
    return where(zero, 0, div(a, where(zero, 1, b)))


def _sinc_slope(x: Any) -> Any:
    """(cos πx - sinc x) / x, by its series near 0, where the difference would cancel."""
    if getattr(x, "dtype", np.dtype("O")).char == "O" and type(getattr(x, "_data", x)) is not float:
        zero = eq(x, 0)  # other numbers have digits enough for the formula as it is
        return where(zero, 0, div(cos(PI(x) * x) - sinc(x), where(zero, 1, x)))
    near = lt(abs(x), 0.25)
    pi = PI(x)
    far, close = where(near, 1.0, x), where(near, x, 0.0) * pi
    total, z = 0.0, close * close
    for k in range(12, 0, -1):  # Σ (-1)ᵏ 2k z^(2k-1) / (2k+1)!, by Horner
        total = total * z + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return where(near, total * close * pi, div(cos(far * pi) - sinc(far), far))


def _cumprod_slope(g: Any, x: Any, axis: int) -> Any:
    """Σ_{j≥i} gⱼ Π_{k≤j, k≠i} xₖ: the product before i times s, where sᵢ = gᵢ + xᵢ₊₁·sᵢ₊₁.

    The recurrence is solved in log2(n) steps that double its stride; nothing is divided.
    """
    g, x = (swapaxes(v, axis1=axis, axis2=-1) for v in (g, x))
    n, k = x.shape[-1], 1
    one, zero = np.ones((*x.shape[:-1], 1), x.dtype), np.zeros(x.shape, x.dtype)
    before = cumprod(concatenate(one, x[..., :-1], axis=-1), axis=-1) if n else x
    s, a = g, concatenate(x[..., 1:], zero[..., :1], axis=-1)
    while k < n:
        s = s + a * concatenate(s[..., k:], zero[..., :k], axis=-1)
        a = a * concatenate(a[..., k:], zero[..., :k], axis=-1)
        k *= 2
    return swapaxes(before * s, axis1=axis, axis2=-1)


def _einsum_parts(g: Any, xs: Any, subscripts: str) -> list[Any]:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    return [
        einsum(
            g,
            *xs[:i],
            *xs[i + 1 :],
            subscripts=",".join([output, *terms[:i], *terms[i + 1 :]]) + "->" + term,
        )
        for i, term in enumerate(terms)
    ]


def _others(x: Any, axis: Any) -> Any:
    """For each element the product of all others along axis: exact with zeros, nothing divided."""
    axes = tuple(range(x.ndim)) if axis is None else _axes(axis, x.ndim)
    if not axes:
        return np.ones(x.shape, x.dtype)
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
    return (expand_dims(g, axis=-2) if a.ndim == 1 else g) @ b.mT


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else expand_dims(a, axis=-1) * expand_dims(g, axis=-2)
    return squeeze(a.mT @ expand_dims(g, axis=-1), axis=-1) if b.ndim == 1 else a.mT @ g


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
