NUMBER = "02"

KEYS = [
    (
        "math",
        """
import math

def tanh_backward(g, x):
    y = math.tanh(x)
    return g * (1 - y ** 2)

def exp_backward(g, x):
    return g * math.exp(x)

def relu_backward(g, x):
    return g if x > 0 else 0
""",
    ),
    (
        "numpy",
        """
import numpy as np

def tanh_backward(g, x):
    return g / np.cosh(x) ** 2

def exp_backward(g, x):
    return np.multiply(g, np.exp(x))

def relu_backward(g, x):
    return np.where(x > 0, g, 0.0)
""",
    ),
    (
        "by exponentials, and masks",
        """
from math import e

def sigmoid(x):
    return 1 / (1 + e ** -x)

def tanh_backward(g, x):
    s = sigmoid(2 * x)
    return 4 * s * (1 - s) * g

def exp_backward(g, x):
    return e ** x * g

def relu_backward(g, x):
    return (x > 0) * g
""",
    ),
]

WRONG = [
    ("tanh_backward", "input_for_output", "return g * (1 - x**2)"),
    ("tanh_backward", "input_for_output", "return 1 - x**2"),
    ("tanh_backward", "upstream", "return 1 - math.tanh(x)**2"),
    ("tanh_backward", "square_missing", "return g * (1 - math.tanh(x))"),
    ("tanh_backward", "of_sigmoid", "y = math.tanh(x)\nreturn g * y * (1 - y)"),
    ("tanh_backward", "of_sigmoid", "s = 1 / (1 + math.exp(-x))\nreturn g * s * (1 - s)"),
    ("tanh_backward", "plus_for_minus", "return g * (1 + math.tanh(x)**2)"),
    ("tanh_backward", "one_missing", "return g * math.tanh(x)**2"),
    ("tanh_backward", "output_for_input", "y = math.tanh(x)\nreturn g * (1 - math.tanh(y)**2)"),
    ("tanh_backward", "value", "return g * math.tanh(x)"),
    ("tanh_backward", "sign", "return g * (math.tanh(x)**2 - 1)"),
    ("tanh_backward", "inverse", "return g / (1 - math.tanh(x)**2)"),
    ("exp_backward", "upstream", "return math.exp(x)"),
    ("exp_backward", "power_rule", "return g * x * math.exp(x - 1)"),
    ("exp_backward", "no_local", "return g"),
    ("exp_backward", "g_inside", "return math.exp(g * x)"),
    ("exp_backward", "times_input", "return g * x * math.exp(x)"),
    ("exp_backward", "input_alone", "return g * x"),
    ("exp_backward", "of_log", "return g / x"),
    ("exp_backward", "added", "return g + math.exp(x)"),
    ("relu_backward", "no_local", "return g"),
    ("relu_backward", "own_mask", "return g if g > 0 else 0"),
    ("relu_backward", "own_mask", "return max(g, 0)"),
    ("relu_backward", "upstream", "return 1 if x > 0 else 0"),
    ("relu_backward", "upstream", "return x > 0"),
    ("relu_backward", "mask_inverted", "return g if x < 0 else 0"),
    ("relu_backward", "value", "return g * max(x, 0)"),
    ("relu_backward", "of_abs", "return g if x > 0 else -g"),
    ("relu_backward", "leaky", "return g if x > 0 else 0.01 * g"),
    ("relu_backward", "nothing", "if x > 0:\n    return g"),
    ("tanh_backward", "input_for_g", "return x * (1 - math.tanh(x)**2)"),
    ("tanh_backward", "two_for_square", "return g * (1 - math.tanh(x) * 2)"),
    ("exp_backward", "input_for_g", "return x * math.exp(x)"),
]
