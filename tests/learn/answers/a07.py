NUMBER = "07"

KEYS = [
    (
        "operators",
        """
def matmul_backward(g, a, b):
    return g @ b.T, a.T @ g

def linear_backward(g, x, w, b):
    return g @ w.T, x.T @ g, g.sum(axis=0)
""",
    ),
    (
        "einsum",
        """
import numpy as np

def matmul_backward(g, a, b):
    return np.einsum("mn,kn->mk", g, b), np.einsum("mk,mn->kn", a, g)

def linear_backward(g, x, w, b):
    dx, dw = matmul_backward(g, x, w)
    return dx, dw, np.ones(len(g)) @ g
""",
    ),
    (
        "loops",
        """
import numpy as np

def matmul_backward(g, a, b):
    da, db = np.zeros_like(a), np.zeros_like(b)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                da[i, k] += g[i, j] * b[k, j]
                db[k, j] += g[i, j] * a[i, k]
    return da, db

def linear_backward(g, x, w, b):
    return np.dot(g, w.transpose()), np.dot(np.swapaxes(x, 0, 1), g), sum(row for row in g)
""",
    ),
]

PART = "matmul_backward"
WRONG = [
    (PART, "misfit", "return g @ b, a @ g"),
    (PART, "misfit", "return b.T @ g, g @ a.T"),
    (PART, "misfit", "return g * b, g * a"),
    (PART, "upstream", "one = np.ones_like(g)\nreturn one @ b.T, a.T @ one"),
    (PART, "only_operand", "return b.T, a.T"),
    (PART, "swapped", "return a.T @ g, g @ b.T"),
    (PART, "transposed", "return (g @ b.T).T, (a.T @ g).T"),
    (PART, "transposed", "return b @ g.T, g.T @ a"),
    (PART, "reshaped", "return g @ b.reshape(b.shape[::-1]), a.reshape(a.shape[::-1]) @ g"),
    (PART, "no_local", "return g, g"),
    (PART, "mean_for_sum", "return g @ b.T / len(g), a.T @ g / len(g)"),
    (PART, "mean_for_sum", "return g @ b.T, a.T @ g / len(a)"),
    (PART, "sign", "return -g @ b.T, -a.T @ g"),
    ("linear_backward", "not_summed", "return g @ w.T, x.T @ g, g"),
    ("linear_backward", "wrong_axis", "return g @ w.T, x.T @ g, g.sum(axis=1)"),
    ("linear_backward", "summed_all", "return g @ w.T, x.T @ g, g.sum()"),
    ("linear_backward", "keeps_axis", "return g @ w.T, x.T @ g, g.sum(axis=0, keepdims=True)"),
    ("linear_backward", "mean_for_sum", "return g @ w.T, x.T @ g, g.mean(axis=0)"),
    ("linear_backward", "ones", "return g @ w.T, x.T @ g, np.ones_like(b)"),
    ("linear_backward", "misfit", "return g @ w, x @ g, g.sum(axis=0)"),
    ("linear_backward", "count", "return g @ w.T, x.T @ g"),
]
