"""Exercises with single numbers: sums and products, functions of one number, powers, quotients."""

from functools import partial
from typing import Any

import numpy as np

from ...engine import ops
from ..calls import Calls, numbers
from ..exercise import Exercise
from ..guesses import pulled, usual, value

BOTH = (-3.0, 3.0)
G = (0.5, 2.0)

ADD_STUB = '''
"""$title

$text
"""


def add_backward(g, a, b):
    """$add_backward"""
    raise NotImplementedError  # write your lines here


def mul_backward(g, a, b):
    """$mul_backward"""
    raise NotImplementedError


def twice_backward(g, a):
    """$twice_backward"""
    raise NotImplementedError
'''


def _add(a: Any, b: Any) -> Any:
    return ops.add(a, b)


def _mul(a: Any, b: Any) -> Any:
    return ops.mul(a, b)


def _twice(a: Any) -> Any:
    return ops.add(ops.mul(a, a), a)


ADD_MUL = Exercise(
    "01", "add_mul", ADD_STUB,
    (
        Calls("add_backward", ("da", "db"), numbers(G, BOTH, BOTH), pulled(_add), usual(
            _add,
            as_mul=lambda g, a, b: (g * b, g * a),
            as_mul_again=lambda g, a, b: (g * a, g * b),
            as_mul_again2=lambda g, a, b: (b, a),
            as_mul_again3=lambda g, a, b: (a, b),
            halved=lambda g, a, b: (g / 2, g / 2),
        ), answer="def f(g, a, b):\n    return g, g"),
        Calls("mul_backward", ("da", "db"), numbers(G, BOTH, BOTH), pulled(_mul), usual(
            _mul,
            own_operand=lambda g, a, b: (g * a, g * b),
            own_operand_again=lambda g, a, b: (a, b),
            as_add=lambda g, a, b: (g, g),
            as_square=lambda g, a, b: (2 * g * a, 2 * g * b),
            as_value=lambda g, a, b: (g * (a + b), g * (a + b)),
            as_value_again=lambda g, a, b: (g / a, g / b),
            product_of_all=lambda g, a, b: (g * a * b, g * a * b),
        ), answer="def f(g, a, b):\n    return g * b, g * a"),
        Calls("twice_backward", ("da",), numbers(G, BOTH), pulled(_twice), usual(
            _twice,
            sum_first=lambda g, a: 4 * g * a,
            one_use=lambda g, a: g * (a + 1),
            one_use_again=lambda g, a: a + 1,
            path_missing=lambda g, a: g * 2 * a,
            path_missing_again=lambda g, a: g,
            path_missing_again2=lambda g, a: g * a,
            path_missing_again3=lambda g, a: 2 * a,
            overwritten_use=lambda g, a: 2 * g,
            overwritten_use_again=lambda g, a: g * 2 * a * 1 * g,
            not_derived=lambda g, a: g * (a * a + 1),
            not_derived_again=lambda g, a: g * (2 * a + a),
            g_once=lambda g, a: g * 2 * a + 1,
            g_once_again=lambda g, a: 2 * a + g,
        ), answer="def f(g, a):\n    return g * a + g * a + g"),
    ),
)  # fmt: skip


FUNCTIONS_STUB = '''
"""$title

$text
"""

import math


def tanh_backward(g, x):
    """$tanh_backward"""
    raise NotImplementedError


def exp_backward(g, x):
    """$exp_backward"""
    raise NotImplementedError


def relu_backward(g, x):
    """$relu_backward"""
    raise NotImplementedError
'''


def _signed(rng: np.random.Generator) -> Any:
    """Cotangents and numbers of both signs, none at zero."""
    xs = (-2.0, -0.7, -0.2, 0.3, 0.9, 1.6)
    return [(float(s * np.round(rng.uniform(0.5, 2), 2)), x) for x in xs for s in (1, -1)]


def _out(f: Any, x: Any) -> float:
    return float(value(f, x))


def _slope(f: Any, x: Any) -> float:
    return float(pulled(f)(1.0, x)[0])


def _given_output(f: Any, g: float, x: float) -> float:
    """The formula for the output, given the input: the slope where the output would be x."""
    slope = f.pull(0, 1.0, x, [np.asarray(x)])
    return g * float(slope)


def _given_input(f: Any, g: float, x: float) -> float:
    return g * _slope(f, _out(f, x))


FUNCTIONS = Exercise(
    "02", "functions", FUNCTIONS_STUB,
    (
        Calls("tanh_backward", ("dx",), _signed, pulled(ops.tanh), usual(
            ops.tanh,
            input_for_output=partial(_given_output, ops.tanh),
            input_for_output_again=lambda g, x: _given_output(ops.tanh, 1.0, x),
            output_for_input=partial(_given_input, ops.tanh),
            bracket=lambda g, x: g * (1 - _out(ops.tanh, x)) ** 2,
            two_for_square=lambda g, x: g * (1 - 2 * _out(ops.tanh, x)),
            square_missing=lambda g, x: g * (1 - _out(ops.tanh, x)),
            square_missing_again=lambda g, x: 1 - _out(ops.tanh, x),
            square_missing_again2=lambda g, x: g / float(np.cosh(x)),
            square_inside=lambda g, x: g * (1 - float(np.tanh(x**2))),
            of_sigmoid=lambda g, x: g * _slope(ops.sigmoid, x),
            of_sigmoid_again=lambda g, x: g * _out(ops.tanh, x) * (1 - _out(ops.tanh, x)),
            plus_for_minus=lambda g, x: g * (1 + _out(ops.tanh, x) ** 2),
            one_missing=lambda g, x: g * _out(ops.tanh, x) ** 2,
            one_missing_again=lambda g, x: -g * _out(ops.tanh, x) ** 2,
        ), answer="def f(g, x):\n    y = np.tanh(x)\n    return g * (1 - y**2)"),
        Calls("exp_backward", ("dx",), _signed, pulled(ops.exp), usual(
            ops.exp,
            power_rule=lambda g, x: g * x * float(np.exp(x - 1)),
            power_rule_again=lambda g, x: x * float(np.exp(x - 1)),
            output_for_input=partial(_given_input, ops.exp),
            minus_in_exponent=lambda g, x: g * float(np.exp(-x)),
            g_inside=lambda g, x: float(np.exp(g * x)),
            g_inside_again=lambda g, x: g * float(np.exp(g * x)),
            times_input=lambda g, x: g * x * _out(ops.exp, x),
            input_alone=lambda g, x: g * x,
            input_alone_again=lambda g, x: x,
            of_log=lambda g, x: g / x,
        ), answer="def f(g, x):\n    return g * np.exp(x)"),
        Calls("relu_backward", ("dx",), _signed, pulled(ops.relu), usual(
            ops.relu,
            own_mask=lambda g, x: max(g, 0.0),
            mask_inverted=lambda g, x: g * (x < 0),
            times_input=lambda g, x: g * x,
            times_input_again=lambda g, x: x,
            of_abs=lambda g, x: g * (1 if x > 0 else -1),
            value_again2=lambda g, x: max(g * x, 0.0),
            leaky=lambda g, x: g if x > 0 else 0.01 * g,
            leaky_again=lambda g, x: g if x > 0 else 0.1 * g,
        )),
    ),
)  # fmt: skip


POWERS_STUB = '''
"""$title

$text
"""


def pow_backward(g, a, n):
    """$pow_backward"""
    raise NotImplementedError


def div_backward(g, a, b):
    """$div_backward"""
    raise NotImplementedError
'''


def _powers(rng: np.random.Generator) -> Any:
    pairs = ((2.0, 3.0), (1.5, 2.0), (0.5, -1.0), (3.0, 0.5), (1.25, 4.0), (2.5, -2.0))
    return [(float(np.round(rng.uniform(0.5, 2), 2)), a, n) for a, n in pairs]


def _power(g: Any, a: Any, n: Any) -> Any:
    return pulled(lambda x: x**n)(g, a)


DIVIDED = ((0.5, 3.0), (0.5, 3.0))

POWERS = Exercise(
    "05", "pow_div", POWERS_STUB,
    (
        Calls("pow_backward", ("da",), _powers, _power, {
            "exponent_kept": lambda g, a, n: g * n * a**n,
            "exponent_kept+": lambda g, a, n: n * a**n,
            "n_missing": lambda g, a, n: g * a ** (n - 1),
            "n_missing+": lambda g, a, n: a ** (n - 1),
            "linear": lambda g, a, n: g * n * a,
            "linear+": lambda g, a, n: g * n,
            "as_exp": lambda g, a, n: g * a**n * float(np.log(a)),
            "as_exp+": lambda g, a, n: g * n * a**n * float(np.log(a)),
            "integral": lambda g, a, n: g * a ** (n + 1) / (n + 1) if n != -1 else g * np.log(a),
            "n_reduced_too+": lambda g, a, n: g * (n - 1) * a**n,
            "n_reduced_too": lambda g, a, n: g * (n - 1) * a ** (n - 1),
            "exponent_raised": lambda g, a, n: g * n * a ** (n + 1),
            "exponent_raised+": lambda g, a, n: g * n * a ** (n - 2),
            "upstream": lambda g, a, n: _power(1.0, a, n),
            "sign": lambda g, a, n: -_power(g, a, n)[0],
            "zero": lambda g, a, n: 0.0,
            "value": lambda g, a, n: g * a**n,
            "value+": lambda g, a, n: a**n,
            "no_local": lambda g, a, n: g,
            "added": lambda g, a, n: g + _power(1.0, a, n)[0],
            "inverse": lambda g, a, n: g / _power(1.0, a, n)[0],
            "twice": lambda g, a, n: _power(g, a, n)[0] ** 2 / g,
        }, answer="def f(g, a, n):\n    return g * n * a ** (n - 1)"),
        Calls("div_backward", ("da", "db"), numbers((0.5, 2.0), *DIVIDED), pulled(ops.div), usual(
            ops.div,
            square_of_b=lambda g, a, b: (g / b, -g * a / b),
            square_of_b_again3=lambda g, a, b: (g / b, -g * a),
            square_of_b_again4=lambda g, a, b: (g / b, -g * a / b**3),
            two_for_square=lambda g, a, b: (g / b, -g * a / (2 * b)),
            square_of_b_again=lambda g, a, b: (g / b**2, -g / b),
            minus_missing=lambda g, a, b: (g / b, g * a / b**2),
            minus_missing_again=lambda g, a, b: (1 / b, a / b**2),
            minus_missing_again2=lambda g, a, b: (g / b, g * a / b),
            numerator=lambda g, a, b: (g / b, -g / b**2),
            numerator_again=lambda g, a, b: (g * a / b, -g / b),
            as_mul=lambda g, a, b: (g * b, g * a),
            as_mul_again=lambda g, a, b: (g * b, g / a),
            upside_down=lambda g, a, b: (g * -b / a**2, g / a),
            square_of_a=lambda g, a, b: (g / b, -g * a**2 / b**2),
            square_of_a_again=lambda g, a, b: (g / b, -g * b / a**2),
            difference=lambda g, a, b: (g, -g),
            quotient_rule=lambda g, a, b: (g * (b - a) / b**2, g * (a - b) / b**2),
            quotient_rule_again=lambda g, a, b: (g * (b - a) / b**2,) * 2,
            integral=lambda g, a, b: (g / b, g * a * float(np.log(b))),
            integral_again=lambda g, a, b: (g / b, a * float(np.log(b))),
        ), answer="def f(g, a, b):\n    return g / b, -g * a / b**2"),
    ),
)  # fmt: skip
