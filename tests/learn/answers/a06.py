NUMBER = "06"

UNBROADCAST = """
import numpy as np

def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g
"""
KEYS = [
    (
        "loops",
        UNBROADCAST
        + """
def add_backward(g, a, b):
    return unbroadcast(g, a.shape), unbroadcast(g, b.shape)

def mul_backward(g, a, b):
    return unbroadcast(g * b, a.shape), unbroadcast(g * a, b.shape)
""",
    ),
    (
        "all axes at once",
        """
import numpy as np

def unbroadcast(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return np.add.reduce(g, axis=axes, keepdims=True).reshape(shape)

def add_backward(g, a, b):
    return [unbroadcast(g, np.shape(x)) for x in (a, b)]

def mul_backward(g, a, b):
    da, db = g * b, g * a
    return unbroadcast(da, a.shape), unbroadcast(db, b.shape)
""",
    ),
]

OWN_SUM = UNBROADCAST[UNBROADCAST.index("def ") :] + "\n\n"
FRONT = "while g.ndim > len(shape):\n    g = g.sum(axis=0)\n"
OWN = "def {}(g, a, b):\n    return {}\n"
WRONG = [
    ("unbroadcast", "not_summed", "return g"),
    ("unbroadcast", "front_only", FRONT + "return g"),
    (
        "unbroadcast",
        "no_keepdims",
        FRONT
        + "axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] > 1)\nreturn g.sum(axis=axes) if axes else g",
    ),
    ("unbroadcast", "summed_all", "return g.sum()"),
    ("unbroadcast", "summed_all", "return np.full(shape, g.sum())"),
    (
        "unbroadcast",
        "mean_for_sum",
        FRONT.replace("sum", "mean")
        + "for i, n in enumerate(shape):\n    if n == 1:\n        g = g.mean(axis=i, keepdims=True)\nreturn g",
    ),
    (
        "unbroadcast",
        "one_copy",
        "while g.ndim > len(shape):\n    g = g[0]\nreturn g[tuple(slice(0, n) for n in shape)]",
    ),
    ("unbroadcast", "ones", "return np.ones(shape)"),
    (
        "unbroadcast",
        "misfit",
        "return np.broadcast_to(g, shape) if g.size <= 3 else g + np.zeros(7)",
    ),
    ("unbroadcast", "raises", "return g.reshape(shape)"),
    ("add_backward", "not_summed", "return g, g"),
    ("add_backward", "summed_all", "return np.full(a.shape, g.sum()), np.full(b.shape, g.sum())"),
    (
        "add_backward",
        "upstream",
        OWN_SUM
        + OWN.format(
            "add_backward",
            "unbroadcast(np.ones_like(g), a.shape), unbroadcast(np.ones_like(g), b.shape)",
        ),
    ),
    ("add_backward", "nothing", "da = g\ndb = g"),
    ("add_backward", "changes", "g += 1\nreturn g, g"),
    ("mul_backward", "not_summed", "return g * b, g * a"),
    (
        "mul_backward",
        "own_operand",
        OWN_SUM
        + OWN.format("mul_backward", "unbroadcast(g * a, a.shape), unbroadcast(g * b, b.shape)"),
    ),
    (
        "mul_backward",
        "as_add",
        OWN_SUM + OWN.format("mul_backward", "unbroadcast(g, a.shape), unbroadcast(g, b.shape)"),
    ),
    (
        "mul_backward",
        "summed_first",
        OWN_SUM
        + OWN.format("mul_backward", "unbroadcast(g, a.shape) * b, unbroadcast(g, b.shape) * a"),
    ),
    (
        "mul_backward",
        "upstream",
        OWN_SUM
        + OWN.format(
            "mul_backward",
            "unbroadcast(np.ones_like(g) * b, a.shape), unbroadcast(np.ones_like(g) * a, b.shape)",
        ),
    ),
    (
        "mul_backward",
        "mean_for_sum",
        "one = 1.0\ndef un(g, s):\n    k = g.size / np.prod(s, dtype=float)\n    p = (1,) * (g.ndim - len(s)) + tuple(s)\n    return g.sum(axis=tuple(i for i, n in enumerate(p) if n == 1), keepdims=True).reshape(s) / k\nreturn un(g * b, a.shape), un(g * a, b.shape)",
    ),
]
