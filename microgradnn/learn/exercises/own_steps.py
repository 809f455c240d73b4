"""Seven steps to an engine of one's own: one file, which grows."""

from typing import Any

from ..exercise import Exercise
from .graphs import ORDER_CAUSES, PAIRS, Sorting
from .own_network import Learning, ModelItself, OneStep
from .own_numbers import Holding, Operator, sorted_values
from .own_walk import Driving

STUB = '''
"""$title

$text
"""

import math
import random


class Value:
    """$value"""

    def __init__(self, data, parents=(), slopes=()):
        """$init"""
        raise NotImplementedError

    # ---- e2

    def __add__(self, other):
        """$add"""
        raise NotImplementedError

    def __radd__(self, other):
        return self + other

    # ---- e3

    def __mul__(self, other):
        """$mul"""
        raise NotImplementedError

    def __rmul__(self, other):
        return self * other

    # ---- e4

    def order(self):
        """$order"""
        raise NotImplementedError

    # ---- e5

    def backward(self):
        """$backward"""
        raise NotImplementedError

    # ---- e6

    def tanh(self):
        """$tanh"""
        raise NotImplementedError

    def relu(self):
        """$relu"""
        raise NotImplementedError


# ---- e7

XOR = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)]


class MLP:
    """$mlp"""

    def __init__(self, hidden, seed=0):
        """$mlp_init"""
        raise NotImplementedError

    def parameters(self):
        """$parameters"""
        raise NotImplementedError

    def __call__(self, inputs):
        """$call"""
        raise NotImplementedError


def training_step(model, lr):
    """$training_step"""
    raise NotImplementedError


def learn_xor():
    """$learn_xor"""
    raise NotImplementedError
'''


def _step(number: str, name: str, *parts: Any) -> Exercise:
    return Exercise(number, name, STUB, parts, "my_engine")


ENGINE = (
    _step("e1", "number", Holding()),
    _step("e2", "plus", Operator("+")),
    _step("e3", "times", Operator("*")),
    _step("e4", "sorting", Sorting("order", (*PAIRS, PAIRS[-1]), sorted_values,
                                   (*ORDER_CAUSES, "needs"))),
    _step("e5", "backward", Driving("backward", ("+", "*"))),
    _step("e6", "bends", Driving("tanh", ("+", "*", "tanh")), Driving("relu", ("+", "*", "relu"))),
    _step("e7", "xor", ModelItself(), OneStep(), Learning()),
)  # fmt: skip
