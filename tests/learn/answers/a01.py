NUMBER = "01"

KEYS = [
    (
        "plain",
        """
def add_backward(g, a, b):
    return g, g

def mul_backward(g, a, b):
    return g * b, g * a

def twice_backward(g, a):
    return g * (2 * a + 1)
""",
    ),
    (
        "step by step",
        """
def add_backward(g, a, b):
    da = 1.0 * g
    db = 1.0 * g
    return [da, db]

def mul_backward(g, a, b):
    local = (b, a)
    return tuple(g * d for d in local)

def twice_backward(g, a):
    from_square, from_sum = add_backward(g, a * a, a)
    first, second = mul_backward(from_square, a, a)
    return first + second + from_sum
""",
    ),
    (
        "numpy",
        """
import numpy as np

add_backward = lambda g, a, b: (g, g)
mul_backward = lambda upstream, left, right: (np.multiply(upstream, right), np.float64(left) * upstream)

def twice_backward(g, a):
    da = 0
    da += g * a
    da += g * a
    da += g
    return np.array(da)
""",
    ),
]

WRONG = [
    ("add_backward", "upstream", "return 1, 1"),
    ("add_backward", "upstream", "return 1.0, g"),
    ("add_backward", "as_mul", "return g * b, g * a"),
    ("add_backward", "as_mul", "return g * a, g * b"),
    ("add_backward", "value", "return g * (a + b), g * (a + b)"),
    ("add_backward", "count", "return g"),
    ("add_backward", "nothing", "da = g\ndb = g"),
    ("add_backward", "halved", "return g / 2, g / 2"),
    ("add_backward", "sign", "return g, -g"),
    ("add_backward", "type", "return 'g', 'g'"),
    ("add_backward", "raises", "return G, G"),
    ("add_backward", "empty", "raise NotImplementedError"),
    ("add_backward", "zero", "return 0, 0"),
    ("mul_backward", "own_operand", "return g * a, g * b"),
    ("mul_backward", "own_operand", "return a, b"),
    ("mul_backward", "own_operand", "return g * b, g * b"),
    ("mul_backward", "upstream", "return b, a"),
    ("mul_backward", "as_add", "return g, g"),
    ("mul_backward", "product_of_all", "return g * a * b, g * a * b"),
    ("mul_backward", "added", "return g + b, g + a"),
    ("mul_backward", "sign", "return -g * b, -g * a"),
    ("mul_backward", "factor", "return 2 * g * b, 2 * g * a"),
    ("mul_backward", "missing", "def mul_backwards(g, a, b):\n    return g * b, g * a"),
    ("twice_backward", "one_use", "return g * a + g"),
    ("twice_backward", "path_missing", "return g * 2 * a"),
    ("twice_backward", "upstream", "return 2 * a + 1"),
    ("twice_backward", "value", "return g * (a * a + a)"),
    ("twice_backward", "g_once", "return g * 2 * a + 1"),
    ("twice_backward", "overwritten_use", "return 2 * g"),
    ("twice_backward", "path_missing", "return g"),
    ("twice_backward", "count", "return g * a, g * a, g"),
]
