"""Special points, as one literal table: what we return where the frameworks differ, and why."""

from collections.abc import Callable
from math import inf, log, nan, pi
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
import microgradnn.nn.functional as nnf
from microgradnn import Value
from microgradnn.engine.node import Node
from microgradnn.engine.op import OPS

BIG, TINY = float(np.finfo(float).max), 5e-324
RISING = np.array([1.0, 2.0, 3.0])
#  What a row names that is no op of the table and no function of mg or nn.functional.
EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "x ** 0": lambda x: x**0,
    "x ** 0.0": lambda x: x**0.0,
    "x ** 1": lambda x: x**1,
    "x ** 2": lambda x: x**2,
    "x ** 3": lambda x: x**3,
    "x ** .5": lambda x: x**0.5,
    "x ** -1": lambda x: x**-1,
    "0 ** y": lambda y: 0.0**y,
    "2 ** y": lambda y: 2.0**y,
    "x · log x": lambda x: x * mg.log(x),
    "0 · log x": lambda x: 0.0 * mg.log(x),
    "√(a² + b²)": lambda a, b: mg.sqrt(a * a + b * b),
    "maximum(0, x)": lambda x: mg.maximum(0, x),
    "clip(min=0)": lambda x: mg.clip(x, 0, inf),
    "where(x > 0, log x, 0)": lambda x: mg.where(x > 0, mg.log(x), 0.0),
    "where(x > 0, √x, 0)": lambda x: mg.where(x > 0, mg.sqrt(x), 0.0),
    "where(x < 0, exp x, x)": lambda x: mg.where(x < 0, mg.exp(x), x),
    "double where, log": lambda x: mg.where(x > 0, mg.log(mg.where(x > 0, x, 1.0)), 0.0),
    "double where, √": lambda x: mg.where(x > 0, mg.sqrt(mg.where(x > 0, x, 1.0)), 0.0),
    "double where, 1 / x": lambda x: mg.where(x != 0, 1 / mg.where(x != 0, x, 1.0), 0.0),
    "√x · 0": lambda x: mg.sqrt(x) * 0.0,
    "log x · 0": lambda x: mg.log(x) * 0.0,
    "‖x‖ · 0": lambda x: mg.linalg.norm(x) * 0.0,
    "std · 0": lambda x: mg.std(x) * 0.0,
    "sort · [1, 2, 3]": lambda x: mg.sort(x) * RISING,
    "argmax picks": lambda x: x[np.argmax(x)],
    "softmax · [1, 2, 3]": lambda x: mg.softmax(x) * RISING,
    "maximum(x, x)": lambda x: mg.maximum(x, x),
}


def called(name: str) -> Callable[..., Any]:
    """The function a row names."""
    if name in EXPRESSIONS or name in OPS:
        return EXPRESSIONS.get(name) or OPS[name]
    return next(getattr(m, name) for m in (nnf, mg, mg.linalg) if hasattr(m, name))


# fmt: off
#  op, inputs, params, value, gradients (None: not asked), why
POINTS: list[tuple[str, tuple[Any, ...], dict[str, Any], float, tuple[Any, ...], str]] = [
    ("relu", (0.0,), {}, 0, (0,), "0 at the kink, as in all frameworks"),
    ("relu", (nan,), {}, nan, (0,), "nan passes forward; closed backward as in TF and JAX"),
    ("relu", (-inf,), {}, 0, (0,), "and not -inf·0"),
    ("abs", (0.0,), {}, 0, (0,), "torch, TF"),
    ("abs", (nan,), {}, nan, (nan,), "TF, autograd"),
    ("sign", (0.0,), {}, 0, (None,), "flat: zero, never missing"),
    ("maximum", (1.0, 1.0), {}, 1, (0.5, 0.5), "shared; TF gives all to the first"),
    ("minimum", (1.0, 1.0), {}, 1, (0.5, 0.5), "the same"),
    ("maximum", (0.0, 0.0), {}, 0, (0.5, 0.5), "relu written as maximum(x, 0) has slope 1/2"),
    ("maximum", (2.0, nan), {}, nan, (0, 0), "JAX, autograd"),
    ("clip", (1.0, 1.0, 2.0), {}, 1, (1, 0, 0), "1 at the bounds: torch, TF"),
    ("clip", (2.0, 1.0, 2.0), {}, 2, (1, 0, 0), "1 at the bounds"),
    ("clip", (0.0, 2.0, 1.0), {}, 1, (0, 0, 1), "min > max: max wins, as in NumPy"),
    ("leaky_relu", (0.0,), dict(negative_slope=0.25), 0, (0.25,), "the left slope: torch, TF"),
    ("elu", (0.0,), dict(alpha=2.0), 0, (2.0,), "the left slope: torch, TF, JAX"),
    ("elu", (1000.0,), {}, 1000, (1,), "no inf·0 from the branch not taken"),
    ("sqrt", (0.0,), {}, 0, (inf,), "IEEE"),
    ("sqrt", (-1.0,), {}, nan, (nan,), "IEEE"),
    ("log", (0.0,), {}, -inf, (inf,), "IEEE"),
    ("log", (-1.0,), {}, nan, (-1,), "1/x, all frameworks"),
    ("log1p", (-1.0,), {}, -inf, (inf,), "IEEE"),
    ("reciprocal", (0.0,), {}, inf, (-inf,), "IEEE"),
    ("div", (1.0, 0.0), {}, inf, (inf, -inf), "IEEE"),
    ("div", (0.0, 0.0), {}, nan, (inf, nan), "IEEE"),
    ("exp", (1000.0,), {}, inf, (inf,), "IEEE"),
    ("tanh", (1000.0,), {}, 1, (0,), "saturated"),
    ("sigmoid", (1000.0,), {}, 1, (0,), "saturated"),
    ("sigmoid", (-1000.0,), {}, 0, (0,), "and no overflow on the way"),
    ("sigmoid", (40.0,), {}, 1, (0,), "s(1 - s) in all frameworks"),
    ("softplus", (1000.0,), {}, 1000, (1,), "limit"),
    ("softplus", (-1000.0,), {}, 0, (0,), "limit"),
    ("softplus", (0.0,), {}, log(2), (0.5,), ""),
    ("pow", (0.0, 0.0), {}, 1, (0, 0), "torch: TF and JAX have nan"),
    ("pow", (0.0, 2.0), {}, 0, (0, 0), ""),
    ("pow", (0.0, 0.5), {}, 0, (inf, 0), ""),
    ("pow", (0.0, 1.0), {}, 0, (1, 0), ""),
    ("pow", (0.0, -1.0), {}, inf, (-inf, -inf), "torch"),
    ("pow", (-2.0, 2.0), {}, 4, (-4, nan), "log of a negative base is nan"),
    ("pow", (-2.0, 0.5), {}, nan, (nan, nan), "and not a complex number"),
    ("pow", (-2.0, 0.0), {}, 1, (0, nan), ""),
    ("pow", (nan, 0.0), {}, 1, (0, nan), "x**0 is flat, also at nan"),
    ("bce_with_logits", (40.0, 1.0), {}, 4.248354255291589e-18, (0, -40), "keeps exp(-40)"),
    ("bce_with_logits", (-1000.0, 1.0), {}, 1000, (-1, 1000), "no inf"),
    ("bce_with_logits", (0.0, 1.0), {}, log(2), (-0.5, 0), ""),
    # ---- infinite and tiny numbers
    ("add", (inf, -inf), {}, nan, (1, 1), "linear: the slope does not ask where"),
    ("sub", (inf, inf), {}, nan, (1, -1), "linear"),
    ("mul", (inf, 0.0), {}, nan, (0, inf), "the other factor, whatever the product is"),
    ("neg", (-inf,), {}, inf, (-1,), "linear"),
    ("square", (TINY,), {}, 0, (2 * TINY,), "the square underflows, its slope does not"),
    ("square", (-inf,), {}, inf, (-inf,), "limit"),
    ("sin", (TINY,), {}, TINY, (1,), "subnormal numbers are not flushed to 0, as TF and JAX do"),
    ("sin", (inf,), {}, nan, (nan,), "no limit"),
    ("cos", (inf,), {}, nan, (nan,), "no limit"),
    ("cos", (TINY,), {}, 1, (-TINY,), ""),
    ("tan", (-0.0,), {}, 0, (1,), ""),
    ("tan", (inf,), {}, nan, (nan,), "no limit"),
    ("arctan", (inf,), {}, pi / 2, (0,), "limit"),
    ("sinh", (-inf,), {}, -inf, (inf,), "limit"),
    ("cosh", (-inf,), {}, inf, (-inf,), "limit"),
    ("cosh", (TINY,), {}, 1, (TINY,), ""),
    ("degrees", (nan,), {}, nan, (180 / pi,), "linear"),
    ("radians", (inf,), {}, inf, (pi / 180,), "linear"),
    ("erf", (inf,), {}, 1, (0,), "limit"),
    ("erf", (TINY,), {}, TINY, (2 / pi**0.5,), "2/√π · TINY, rounded"),
    ("erfc", (-inf,), {}, 2, (0,), "limit"),
    ("lgamma", (inf,), {}, inf, (inf,), "limit"),
    ("lgamma", (0.0,), {}, inf, (-inf,), "a pole, from the right"),
    ("digamma", (inf,), {}, inf, (0,), "limit"),
    ("digamma", (0.0,), {}, -inf, (inf,), "a pole, from the right"),
    ("polygamma", (inf,), {}, 0, (0,), "limit"),
    ("erfinv", (0.0,), {}, 0, (pi**0.5 / 2,), ""),
    ("erfinv", (inf,), {}, nan, (nan,), "outside -1 to 1"),
    ("ceil", (TINY,), {}, 1, (0,), "flat"),
    ("bce", (0.0, 0.0), {}, 0, (0, 100), "torch: logarithms are at least -100"),
    # ---- of two numbers, at the tip of a cone
    ("hypot", (0.0, 0.0), {}, 0, (0, 0), "Keras; torch has nan, JAX 1/2"),
    ("hypot", (3.0, 4.0), {}, 5, (0.6, 0.8), ""),
    ("hypot", (1e200, 1e200), {}, 2**0.5 * 1e200, (0.5**0.5, 0.5**0.5), "no overflow on the way"),
    ("arctan2", (0.0, 0.0), {}, 0, (0, 0), "torch; no direction, no slope"),
    ("arctan2", (0.0, -1.0), {}, pi, (-1, 0), ""),
    ("arctan2", (1.0, 0.0), {}, pi / 2, (0, -1), ""),
    ("arctan2", (1e-200, 1e-200), {}, pi / 4, (5e199, -5e199), "no underflow on the way"),
    ("arctan2", (1e200, 1e200), {}, pi / 4, (5e-201, -5e-201), "no overflow on the way"),
    ("√(a² + b²)", (0.0, 0.0), {}, 0, (nan, nan), "inf·0 in all frameworks; use hypot"),
    # ---- choices
    ("maximum(x, x)", (3.0,), {}, 3, (1,), "two halves"),
    ("maximum(0, x)", (0.0,), {}, 0, (0.5,), "shared, in any order"),
    ("clip(min=0)", (0.0,), {}, 0, (1,), "1 at the bounds, unlike relu"),
    ("clip", (1.5, 2.0, 1.0), {}, 1, (0, 0, 1), "min > max: max wins"),
    ("clip", (3.0, 2.0, 1.0), {}, 1, (0, 0, 1), "also above both"),
    ("clip", (1.0, 1.0, 1.0), {}, 1, (1, 0, 0), "both bounds"),
    ("clip", (nan, 0.0, 1.0), {}, nan, (0, 0, 0), "no bound was chosen"),
    ("fmax", (1.0, 1.0), {}, 1, (0.5, 0.5), "ties share"),
    ("fmin", (1.0, 1.0), {}, 1, (0.5, 0.5), "ties share"),
    ("fmax", (1.0, nan), {}, 1, (1, 0), "nan loses"),
    ("fmax", (nan, 2.0), {}, 2, (0, 1), "nan loses"),
    ("fmax", (nan, nan), {}, nan, (1, 0), "torch: the first"),
    ("fmin", (1.0, nan), {}, 1, (1, 0), "nan loses"),
    ("fmin", (nan, 2.0), {}, 2, (0, 1), "nan loses"),
    ("fmin", (nan, nan), {}, nan, (1, 0), "torch: the first"),
    ("where(x > 0, log x, 0)", (0.0,), {}, 0, (nan,), "0·inf, all frameworks"),
    ("where(x > 0, √x, 0)", (0.0,), {}, 0, (nan,), "0·inf; TF has 0"),
    ("where(x > 0, √x, 0)", (-1.0,), {}, 0, (nan,), "0·nan"),
    ("where(x < 0, exp x, x)", (1000.0,), {}, 1000, (nan,), "0·inf, all frameworks"),
    ("double where, log", (0.0,), {}, 0, (0,), "what to write instead"),
    ("double where, log", (4.0,), {}, log(4), (0.25,), ""),
    ("double where, √", (-1.0,), {}, 0, (0,), "what to write instead"),
    ("double where, √", (0.0,), {}, 0, (0,), ""),
    ("double where, √", (4.0,), {}, 2, (0.25,), ""),
    ("double where, 1 / x", (0.0,), {}, 0, (0,), "what to write instead"),
    ("where", (True, 1.0, inf), {}, 1, (None, 1, 0), "what is not chosen does not matter"),
    ("where", (False, nan, 1.0), {}, 1, (None, 0, 1), "what is not chosen does not matter"),
    # ---- remainders: of the sign of the dividend, of the divisor
    ("fmod", (-7.0, 2.0), {}, -1, (1, 3), "-trunc(a / b)"),
    ("fmod", (7.0, -2.0), {}, 1, (1, 3), "-trunc(a / b)"),
    ("fmod", (1.0, 0.0), {}, nan, (1, -inf), "torch"),
    ("remainder", (-7.0, 2.0), {}, 1, (1, 4), "-floor(a / b), all frameworks"),
    ("remainder", (7.0, -2.0), {}, -1, (1, 4), "-floor(a / b)"),
    ("remainder", (16.0, 1.6), {}, 16.0 % 1.6, (1, -9), "not -10: 1.6 is a little more"),
    ("fmod", (1.0, 0.1), {}, 1.0 % 0.1, (1, -9), "the quotient that was taken, not a / b rounded"),
    ("remainder", (6.0, 3.0), {}, 0, (1, -2), "at a jump the slope of the right side"),
    ("remainder", (1.0, 0.0), {}, nan, (1, -inf), ""),
    ("floor_divide", (-7.0, 2.0), {}, -4, (0, 0), "flat: zero, never missing"),
    # ---- signs and steps
    ("abs", (-0.0,), {}, 0, (0,), ""),
    ("abs", (-inf,), {}, inf, (-1,), ""),
    ("sign", (nan,), {}, nan, (0,), "nan passes; torch has 0"),
    ("floor", (nan,), {}, nan, (0,), "flat"),
    ("rint", (2.5,), {}, 2, (0,), "half to even"),
    ("round", (2.5,), {}, 2, (0,), "half to even"),
    ("trunc", (-inf,), {}, -inf, (0,), "flat"),
    ("copysign", (0.0, 1.0), {}, 0, (0, 0), "torch: as abs"),
    ("copysign", (0.0, -1.0), {}, 0, (0, 0), "torch: as abs"),
    ("copysign", (2.0, 0.0), {}, 2, (1, 0), "0 has a sign"),
    ("copysign", (2.0, -0.0), {}, -2, (-1, 0), "and so has -0"),
    ("copysign", (-2.0, -1.0), {}, -2, (1, 0), "sign(a)·sign(b)"),
    ("heaviside", (0.0, 0.25), {}, 0.25, (0, 1), "the second input is the value at 0"),
    ("heaviside", (1.0, 0.25), {}, 1, (0, 0), "flat"),
    ("heaviside", (nan, 0.25), {}, nan, (0, 0), "flat"),
    ("nan_to_num", (inf,), {}, BIG, (0,), "replaced by a constant"),
    ("nan_to_num", (-inf,), {}, -BIG, (0,), "replaced by a constant"),
    ("nan_to_num", (nan,), {}, 0, (0,), "replaced by a constant"),
    ("nan_to_num", (0.0,), {}, 0, (1,), ""),
    ("ldexp", (3.0, 2), {}, 12, (4, None), "the exponent has no gradient"),
    ("ldexp", (0.0, 1), {}, 0, (2, None), ""),
    ("ldexp", (TINY, 1074), {}, 1, (inf, None), "2¹⁰⁷⁴ alone would overflow"),
    ("ldexp", (4.0, -1075), {}, 2 * TINY, (0, None), "2⁻¹⁰⁷⁵ alone would underflow"),
    ("ldexp", (1.0, 2000), {}, inf, (inf, None), "IEEE"),
    # ---- roots, exponentials, logarithms
    ("cbrt", (0.0,), {}, 0, (inf,), "limit"),
    ("cbrt", (-8.0,), {}, -2, (1 / 12,), "real for negative x"),
    ("exp2", (-inf,), {}, 0, (0,), "limit"),
    ("exp2", (1100.0,), {}, inf, (inf,), "IEEE"),
    ("expm1", (-inf,), {}, -1, (0,), "limit"),
    ("log2", (0.0,), {}, -inf, (inf,), "IEEE"),
    ("log2", (-1.0,), {}, nan, (-1 / log(2),), "1/x, as log"),
    ("log2", (inf,), {}, inf, (0,), "limit"),
    ("log10", (0.0,), {}, -inf, (inf,), "IEEE"),
    ("log10", (-1.0,), {}, nan, (-1 / log(10),), "1/x, as log"),
    ("log1p", (-2.0,), {}, nan, (-1,), "1/(1 + x), as log"),
    ("x · log x", (0.0,), {}, nan, (nan,), "a plain product, all frameworks"),
    ("0 · log x", (0.0,), {}, nan, (nan,), "a plain product"),
    ("xlogy", (0.0, 0.0), {}, 0, (0, 0), "TF; torch has nan for y, JAX -inf for x"),
    ("xlogy", (0.0, 2.0), {}, 0, (log(2), 0), "log y: only at y <= 0 the slope is chosen"),
    ("xlogy", (0.0, nan), {}, nan, (nan, 0), "nan is not forgotten"),
    ("xlogy", (1.0, 0.0), {}, -inf, (-inf, inf), "IEEE"),
    ("logaddexp", (0.0, 0.0), {}, log(2), (0.5, 0.5), "softmax"),
    ("logaddexp", (1000.0, 1000.0), {}, 1000 + log(2), (0.5, 0.5), "no overflow"),
    ("logaddexp", (-inf, 0.0), {}, 0, (0, 1), ""),
    ("logaddexp", (-inf, -inf), {}, -inf, (nan, nan), "all frameworks"),
    ("logaddexp2", (2000.0, 2000.0), {}, 2001, (0.5, 0.5), "no overflow"),
    ("logaddexp2", (-inf, -inf), {}, -inf, (nan, nan), "as logaddexp"),
    ("sinc", (0.0,), {}, 1, (0,), "limit; torch and JAX too"),
    ("arcsin", (1.0,), {}, pi / 2, (inf,), "IEEE"),
    ("arccos", (-1.0,), {}, pi, (-inf,), "IEEE"),
    ("arccosh", (1.0,), {}, 0, (inf,), "IEEE"),
    ("arctanh", (-1.0,), {}, -inf, (inf,), "IEEE"),
    ("arcsinh", (1e200,), {}, log(2) + 200 * log(10), (1e-200,), "no overflow on the way"),
    ("√x · 0", (0.0,), {}, 0, (nan,), "0·inf: torch, JAX; TF has 0"),
    ("log x · 0", (0.0,), {}, nan, (nan,), "0·inf, all frameworks"),
    # ---- powers with one constant
    ("x ** 0", (-2.0,), {}, 1, (0,), "flat"),
    ("x ** 0", (0.0,), {}, 1, (0,), "flat; TF has nan"),
    ("x ** 0", (nan,), {}, 1, (0,), "flat, also at nan"),
    ("x ** 0.0", (nan,), {}, 1, (0,), "the same"),
    ("x ** 1", (0.0,), {}, 0, (1,), ""),
    ("x ** 2", (0.0,), {}, 0, (0,), ""),
    ("x ** 2", (-3.0,), {}, 9, (-6,), "a constant exponent needs no logarithm"),
    ("x ** .5", (0.0,), {}, 0, (inf,), ""),
    ("x ** -1", (0.0,), {}, inf, (-inf,), ""),
    ("0 ** y", (0.0,), {}, 1, (0,), "flat for y >= 0"),
    ("0 ** y", (2.0,), {}, 0, (0,), "flat for y >= 0"),
    ("0 ** y", (-1.0,), {}, inf, (-inf,), "torch; TF and JAX have nan"),
    ("pow", (0.0, -2.0), {}, inf, (-inf, -inf), ""),
    ("pow", (-2.0, 3.0), {}, -8, (12, nan), ""),
    ("pow", (inf, 0.0), {}, 1, (0, inf), "x**0 is flat, also at inf"),
    # ---- activations
    ("relu6", (0.0,), {}, 0, (0,), "0 at both kinks: torch, TF, JAX"),
    ("relu6", (6.0,), {}, 6, (0,), "0 at both kinks"),
    ("relu6", (nan,), {}, nan, (0,), "as relu"),
    ("leaky_relu", (-inf,), dict(negative_slope=0.25), -inf, (0.25,), ""),
    ("prelu", (0.0, 0.25), {}, 0, (0.25, 0), "the left slope, as leaky_relu"),
    ("elu", (-1000.0,), dict(alpha=2.0), -2, (0,), "limit"),
    ("selu", (0.0,), {}, 0, (1.0507009873554805 * 1.6732632423543772,), "the left slope: torch, JAX"),
    ("selu", (1000.0,), {}, 1050.7009873554805, (1.0507009873554805,), "no inf·0"),
    ("celu", (0.0,), dict(alpha=2.0), 0, (1,), "smooth there"),
    ("celu", (1000.0,), dict(alpha=2.0), 1000, (1,), "no inf·0"),
    ("hardtanh", (-1.0,), {}, -1, (1,), "it is clip; torch has 0"),
    ("hardtanh", (1.0,), {}, 1, (1,), "it is clip; torch has 0"),
    ("hardsigmoid", (-3.0,), {}, 0, (0,), "it is relu6"),
    ("hardsigmoid", (3.0,), {}, 1, (0,), "it is relu6"),
    ("hardswish", (-3.0,), {}, 0, (0,), "x·relu6(x + 3)/6"),
    ("hardswish", (3.0,), {}, 3, (1,), "x·relu6(x + 3)/6"),
    ("hardshrink", (0.5,), {}, 0, (0,), "0 within its bounds and at them"),
    ("softshrink", (0.5,), {}, 0, (0,), "as relu"),
    ("gelu", (0.0,), {}, 0, (0.5,), ""),
    ("gelu", (1000.0,), {}, 1000, (1,), "limit"),
    ("gelu", (-1000.0,), {}, 0, (0,), "limit"),
    ("gelu", (0.0,), dict(approximate="tanh"), 0, (0.5,), ""),
    ("silu", (-1000.0,), {}, 0, (0,), "limit"),
    ("mish", (0.0,), {}, 0, (0.6,), "tanh(log 2)"),
    ("logsigmoid", (-1000.0,), {}, -1000, (1,), "no log of 0"),
    ("softsign", (0.0,), {}, 0, (1,), "no kink"),
]

ARRAYS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any, Any, str]] = [
    ("max", ([3.0, 3.0, 1.0],), {}, 3, [0.5, 0.5, 0], "ties share"),
    ("max", ([[1.0, 1.0], [2.0, 3.0]],), dict(axis=1), [1, 3], [[0.5, 0.5], [0, 1]], "by row"),
    ("min", ([2.0, 2.0, 2.0, 5.0],), {}, 2, [1 / 3, 1 / 3, 1 / 3, 0], "1/n"),
    ("max", ([1.0, nan],), {}, nan, [nan, nan], "TF, JAX, autograd"),
    ("prod", ([2.0, 0.0, 3.0],), {}, 0, [0, 6, 0], "nothing is divided"),
    ("prod", ([0.0, 0.0, 3.0],), {}, 0, [0, 0, 0], ""),
    ("logsumexp", ([-inf, 0.0],), {}, 0, [0, 1], ""),
    ("logsumexp", ([-inf, -inf],), {}, -inf, [nan, nan], "all frameworks"),
    ("softmax", ([1e4, 0.0],), {}, [1, 0], [0, 0], "rows sum to one"),
    ("log_softmax", ([1e4, 0.0, -1e4],), {}, [0, -1e4, -2e4], [-2, 1, 1], "1 - 3·softmax"),
    ("sum", ([],), {}, 0, [], "nothing"),
    ("mean", ([],), {}, nan, [], "nothing, without a warning"),
    ("getitem", ([1.0, 2.0],), dict(index=([1, 1],)), [2, 2], [0, 2], "repeats add up"),
    ("max", ([-inf, -inf],), {}, -inf, [0.5, 0.5], "ties share"),
    ("ptp", ([1.0, 1.0, 3.0, 3.0],), {}, 2, [-0.5, -0.5, 0.5, 0.5], "as max and min"),
    ("ptp", ([2.0, 2.0],), {}, 0, [0, 0], "as max and min"),
    ("nanmax", ([nan, 1.0, 1.0],), {}, 1, [0, 0.5, 0.5], "nan takes no part"),
    ("norm", ([0.0, 0.0],), {}, 0, [0, 0], "torch; TF and JAX have nan"),
    ("‖x‖ · 0", ([0.0, 0.0],), {}, 0, [0, 0], "torch, TF"),
    ("vector_norm", ([0.0, -2.0],), dict(ord=1), 2, [0, -1], "as abs"),
    ("vector_norm", ([2.0, -2.0, 1.0],), dict(ord=inf), 2, [0.5, -0.5, 0], "as max"),
    ("vector_norm", ([0.0, 0.0],), dict(ord=3), 0, [0, 0], "as the 2-norm"),
    ("normalize", ([0.0, 0.0],), dict(dim=0), [0, 0], [1e12, 1e12], "x / max(‖x‖, 1e-12), torch"),
    ("std", ([2.0, 2.0, 2.0],), {}, 0, [0, 0, 0], "torch; TF and JAX have nan"),
    ("std · 0", ([2.0, 2.0],), {}, 0, [0, 0], "torch, TF"),
    ("std", ([2.0],), {}, 0, [0], "ddof=0"),
    ("std", ([2.0],), dict(ddof=1), nan, [nan], "0/0"),
    ("var", ([2.0, 2.0],), {}, 0, [0, 0], ""),
    ("var", ([1.0, 3.0],), {}, 1, [-1, 1], "ddof=0, as in NumPy; torch has 1"),
    ("cumprod", ([2.0, 0.0, 3.0],), dict(axis=0), [2, 0, 0], [1, 8, 0], "TF's is wrong"),
    ("cumprod", ([0.0, 0.0, 3.0],), dict(axis=0), [0, 0, 0], [1, 0, 0], "nothing is divided"),
    ("prod", ([inf, 0.0],), {}, nan, [0, inf], "the product of the others"),
    ("prod", ([],), {}, 1, [], "nothing"),
    ("median", ([1.0, 2.0, 3.0, 4.0],), {}, 2.5, [0, 0.5, 0.5, 0], "JAX; torch takes the lower"),
    ("median", ([3.0, 1.0, 2.0],), {}, 2, [0, 0, 1], ""),
    ("median", ([1.0, 1.0, 1.0],), {}, 1, [0, 1, 0], "stable order decides"),
    ("quantile", ([1.0, 2.0, 4.0],), dict(q=0.25), 1.5, [0.5, 0.5, 0], "interpolated"),
    ("sort · [1, 2, 3]", ([2.0, 1.0, 1.0],), {}, [1, 2, 6], [3, 1, 2], "stable"),
    ("sort · [1, 2, 3]", ([nan, 1.0, 0.0],), {}, [0, 2, nan], [3, 2, 1], "nan is last"),
    ("argmax picks", ([1.0, 3.0, 3.0],), {}, 3, [0, 1, 0], "the first index, unlike max"),
    ("max_pool1d", ([[[1.0, 1.0, 2.0, 3.0]]],), dict(kernel_size=2), [[[1, 3]]], [[[1, 0, 0, 1]]], "a choice"),
    ("max_pool1d", ([[[1.0, nan]]],), dict(kernel_size=2), [[[nan]]], [[[0, 1]]], "nan wins"),
    ("max_pool2d", ([[[[1.0, 1.0], [1.0, 1.0]]]],), dict(kernel_size=2), [[[[1]]]], [[[[1, 0], [0, 0]]]], "the first: torch, TF, JAX"),
    ("softmax", ([-inf, -inf],), {}, [nan, nan], [nan, nan], "all frameworks"),
    ("softmax · [1, 2, 3]", ([-inf, 0.0, 0.0],), {}, [0, 1, 1.5], [0, -0.25, 0.25], "a masked place"),
    ("softmax · [1, 2, 3]", ([0.0, 1000.0, 0.0],), {}, [0, 2, 0], [0, 0, 0], "no overflow"),
    ("log_softmax", ([-inf, 0.0],), {}, [-inf, 0], [1, -1], "1 - 2·softmax"),
    ("logsumexp", ([inf, 0.0],), {}, inf, [nan, 0], "all frameworks"),
    ("det", ([[1.0, 2.0], [2.0, 4.0]],), {}, 0, [[4, -2], [-2, 1]], "cofactors; torch has zeros"),
    ("det", ([[0.0, 0.0], [0.0, 0.0]],), {}, 0, [[0, 0], [0, 0]], "cofactors"),
    ("det", ([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]],), {}, 0, [[2, 0, 0], [0, 0, 0], [0, 0, 0]], "cofactors"),
    ("float_power", ([0.0, 2.0],), dict(x2=2.0), [0, 4], [0, 4], "as pow"),
    ("float_power", ([-2.0, 0.0],), dict(x2=0.5), [nan, 0], [nan, inf], "as pow"),
    ("nan_to_num", ([inf, nan, 1.0],), dict(nan=7.0, posinf=9.0), [9, 7, 1], [0, 0, 1], ""),
    ("mean", ([inf, 1.0],), {}, inf, [0.5, 0.5], "linear"),
    ("average", ([1.0, 3.0],), dict(weights=np.zeros(2)), nan, [nan, nan], "0/0, without an exception"),
]

#  op, inputs, params, second derivatives, why
SECOND: list[tuple[str, tuple[Any, ...], dict[str, Any], list[list[float]], str]] = [
    ("pow", (0.0, 2.0), {}, [[2, 0], [0, 0]], "torch has nan for y"),
    ("pow", (0.0, 3.0), {}, [[0, 0], [0, 0]], ""),
    ("x ** 2", (0.0,), {}, [[2]], "2·1·x⁰"),
    ("x ** 2", (-3.0,), {}, [[2]], ""),
    ("x ** 3", (0.0,), {}, [[0]], "6x"),
    ("x ** 1", (0.0,), {}, [[0]], "flat"),
    ("x ** 0", (0.0,), {}, [[0]], "flat"),
    ("x ** .5", (0.0,), {}, [[-inf]], "limit"),
    ("0 ** y", (2.0,), {}, [[0]], "flat"),
    ("2 ** y", (0.0,), {}, [[log(2) ** 2]], ""),
    ("relu", (0.0,), {}, [[0]], "flat on both sides"),
    ("relu6", (6.0,), {}, [[0]], "flat on both sides"),
    ("leaky_relu", (0.0,), {}, [[0]], "straight on both sides"),
    ("abs", (0.0,), {}, [[0]], "straight on both sides"),
    ("maximum", (1.0, 1.0), {}, [[0, 0], [0, 0]], "straight on both sides"),
    ("clip", (1.0, 1.0, 2.0), {}, [[0] * 3] * 3, "straight on both sides"),
    ("fmax", (nan, 1.0), {}, [[0, 0], [0, 0]], ""),
    ("square", (0.0,), {}, [[2]], ""),
    ("sqrt", (0.0,), {}, [[-inf]], "limit"),
    ("log", (0.0,), {}, [[-inf]], "limit"),
    ("hypot", (0.0, 0.0), {}, [[0, 0], [0, 0]], "of the slope that is chosen"),
    ("hypot", (3.0, 4.0), {}, [[0.128, -0.096], [-0.096, 0.072]], "b²/r³, -ab/r³, a²/r³"),
    ("arctan2", (0.0, 1.0), {}, [[0, -1], [-1, 0]], ""),
    ("xlogy", (0.0, 2.0), {}, [[0, 0.5], [0.5, 0]], "1/y, also at x = 0"),
    ("sinc", (0.0,), {}, [[-(pi**2) / 3]], "limit; torch has nan"),
    ("softplus", (0.0,), {}, [[0.25]], ""),
    ("softplus", (1000.0,), {}, [[0]], "limit"),
    ("softplus", (-1000.0,), {}, [[0]], "limit"),
    ("sigmoid", (0.0,), {}, [[0]], "where it bends"),
    ("tanh", (0.0,), {}, [[0]], "where it bends"),
    ("logaddexp", (0.0, 0.0), {}, [[0.25, -0.25], [-0.25, 0.25]], ""),
    ("gelu", (0.0,), {}, [[2 / (2 * pi) ** 0.5]], "2φ(0)"),
    ("silu", (0.0,), {}, [[0.5]], ""),
    ("bce_with_logits", (0.0, 1.0), {}, [[0.25, -1], [-1, 0]], ""),
    ("copysign", (0.0, 1.0), {}, [[0, 0], [0, 0]], "as abs; torch has nan"),
    ("nan_to_num", (inf,), {}, [[0]], "a constant"),
    ("double where, log", (0.0,), {}, [[0]], "what to write instead"),
]

#  function, x, its second derivatives, why
HESSIANS: list[tuple[str, list[float], Any, str]] = [
    ("prod", [2.0, 0.0, 3.0], [[0, 3, 0], [3, 0, 2], [0, 2, 0]], "the products of all others"),
    ("prod", [0.0, 0.0, 3.0], [[0, 3, 0], [3, 0, 0], [0, 0, 0]], "with two zeros too"),
    ("norm", [0.0, 0.0], [[0, 0], [0, 0]], "of the slope that is chosen"),
    ("std", [2.0, 2.0], [[0, 0], [0, 0]], "of the slope that is chosen"),
    ("var", [2.0, 2.0], [[0.5, -0.5], [-0.5, 0.5]], ""),
    ("max", [2.0, 2.0], [[0, 0], [0, 0]], "straight"),
    ("logsumexp", [-inf, 0.0], [[0, 0], [0, 0]], "limit"),
    ("logsumexp", [0.0, 0.0], [[0.25, -0.25], [-0.25, 0.25]], ""),
]
# fmt: on


def test_every_op_of_single_numbers_has_a_row() -> None:
    assert {op.name for op in OPS.values() if op.pointwise} - {row[0] for row in POINTS} == set()


def make(carrier: str, x: float) -> Any:
    return mg.tensor(x, requires_grad=True) if carrier == "Tensor" else Value(x)


def same(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=4 * 2.0**-52, atol=0)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: f"{p[0]}{p[1]}")
@pytest.mark.parametrize("carrier", ["Tensor", "Value"])
def test_numbers(point: Any, carrier: str) -> None:
    name, xs, params, value, grads, _ = point
    leaves = [x if type(x) in (bool, int) else make(carrier, x) for x in xs]
    with np.errstate(all="ignore"):
        y = called(name)(*leaves, **params)
    same(y.data, value)
    y.backward()
    for leaf, expected in zip(leaves, grads, strict=True):
        if isinstance(leaf, Node):
            same(leaf.grad, 0 if expected is None else expected)


@pytest.mark.parametrize("point", SECOND, ids=lambda p: f"{p[0]}{p[1]}")
@pytest.mark.parametrize("carrier", ["Tensor", "Value", "nested Value"])
def test_second_derivatives(point: Any, carrier: str) -> None:
    name, xs, params, expected, _ = point
    leaves = [make(carrier, x) for x in xs]
    inputs = [Value(x) for x in leaves] if carrier == "nested Value" else leaves
    with np.errstate(all="ignore"):
        called(name)(*inputs, **params).backward(create_graph=carrier != "nested Value")
        first = [x.grad for x in inputs]
        for g, row in zip(first, expected, strict=True):
            for x in leaves:
                x.clear_grad()
            if getattr(g, "requires_grad", False):
                g.backward()
            same([0 if x.grad is None else x.grad for x in leaves], row)


@pytest.mark.parametrize("point", HESSIANS, ids=lambda p: f"{p[0]}{p[1]}")
def test_hessians(point: Any) -> None:
    name, x, expected, _ = point
    same(mg.hessian(called(name))(np.array(x)), expected)


@pytest.mark.parametrize("point", ARRAYS, ids=lambda p: f"{p[0]}{p[1]}")
def test_arrays(point: Any) -> None:
    name, (x,), params, value, grad, _ = point
    leaf = mg.tensor(np.array(x, float), requires_grad=True)
    with np.errstate(all="ignore"):
        y = called(name)(leaf, **params)
    same(y.data, value)
    y.backward(np.ones(y.shape))
    same(leaf.grad, grad)


def test_cross_entropy_keeps_the_sum_of_targets() -> None:
    z = mg.tensor([[0.2, 0.8, 0.5]], requires_grad=True)
    mg.cross_entropy(z, np.array([[1.0, 1.0, 0.0]])).backward()
    e = np.exp([0.2, 0.8, 0.5])
    np.testing.assert_allclose(z.grad[0], 2 * e / e.sum() - [1, 1, 0], rtol=0, atol=4 * 2.0**-52)


def test_logsumexp_does_not_overflow_and_its_gradient_carries_the_rounding_of_y() -> None:
    x = mg.tensor([1e4, 1e4], requires_grad=True)
    y = mg.logsumexp(x)
    same(y.data, 1e4 + log(2))
    y.backward()  # exp(x - y), as in torch: an absolute error of |y|·ε in the exponent
    np.testing.assert_allclose(x.grad, 0.5, rtol=1e4 * 2.0**-52, atol=0)
