NUMBER = "11"

KEYS = [
    (
        "plain",
        """
import numpy as np

def gradient(w, x, t):
    p = 1 / (1 + np.exp(-(x @ w)))
    return x.T @ (p - t) / len(t)

def train(x, t, lr, steps):
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w - lr * gradient(w, x, t)
    return w

def xor_network():
    w = np.array([[-0.5, -1.5], [1, 1], [1, 1]])  # OR, AND
    return w, np.array([-0.5, 1, -2])
""",
    ),
    (
        "loops and other gates",
        """
import numpy as np

def gradient(w, x, t):
    total = np.zeros(3)
    for row, target in zip(x, t):
        z = np.dot(row, w)
        total += (0.5 * (1 + np.tanh(z / 2)) - target) * row
    return total / len(x)

def train(x, t, lr, steps):
    w = np.zeros(3)
    for step in range(1, steps + 1):
        w -= lr * gradient(w, x, t)
    return w

def xor_network():
    hidden = [[-0.5, -0.5], [1, -1], [-1, 1]]  # x1 AND NOT x2, x2 AND NOT x1
    return hidden, [-0.5, 1, 1]
""",
    ),
    (
        "three hidden units",
        """
import numpy as np

def sigmoid(z):
    return np.where(z > 0, 1 / (1 + np.exp(-abs(z))), np.exp(-abs(z)) / (1 + np.exp(-abs(z))))

def gradient(w, x, t):
    return ((sigmoid(x @ w) - t)[:, None] * x).mean(axis=0)

def train(x, t, lr, steps):
    return w_after(np.zeros(3), x, t, lr, steps)

def w_after(w, x, t, lr, steps):
    return w if steps == 0 else w_after(w - lr * gradient(w, x, t), x, t, lr, steps - 1)

def xor_network():
    return np.array([[1.5, -0.5, 1], [-1, 1, 0], [-1, 1, 0]]), np.array([-1.5, 1, 1, 0])
""",
    ),
]

P = "p = 1 / (1 + np.exp(-(x @ w)))\n"
TRAIN = """def gradient(w, x, t):
    p = 1 / (1 + np.exp(-(x @ w)))
    return x.T @ (p - t) / len(t)


def train(x, t, lr, steps):
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w - lr * gradient(w, x, t)
    return w
"""


def train(*pairs: tuple[str, str]) -> str:
    text = TRAIN
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


WRONG = [
    ("gradient", "mean_missing", P + "return x.T @ (p - t)"),
    ("gradient", "sign", P + "return x.T @ (t - p) / len(t)"),
    ("gradient", "sigmoid_missing", "return x.T @ (x @ w - t) / len(t)"),
    ("gradient", "sigmoid_twice", P + "return x.T @ ((p - t) * p * (1 - p)) / len(t)"),
    ("gradient", "targets_missing", P + "return x.T @ p / len(t)"),
    ("gradient", "per_sample", P + "return x * (p - t)[:, None]"),
    ("gradient", "per_sample", P + "return p - t"),
    ("gradient", "rounded", P + "return x.T @ ((p > 0.5) - t) / len(t)"),
    ("gradient", "misfit", P + "return x @ (p - t) / len(t)"),
    ("train", "ascent", train(("w - lr", "w + lr"))),
    ("train", "no_rate", train(("lr * grad", "grad"))),
    ("train", "steps_off", train(("range(steps)", "range(steps - 1)"))),
    ("train", "same_gradient", train(("lr * gradient(w, x", "lr * gradient(0 * w, x"))),
    ("train", "unchanged", train(("w = w - lr", "w - lr"))),
    ("train", "borrowed", train((" / len(t)", ""))),
    ("xor_network", "xor_line", "return np.array([[-0.5], [1], [1]]), np.array([-0.5, 1])"),
    ("xor_network", "xor_line", "return np.zeros((3, 2)), np.zeros(3)"),
    ("xor_network", "xor_other", "return np.array([[-0.5, -1.5], [1, 1], [1, 1]]), np.array([-0.5, 1, -0.4])"),
    ("xor_network", "xor_other", "return np.array([[-0.5, -1.5], [1, 1], [1, 1]]), np.array([-1.5, 1, 1])"),
    ("xor_network", "xor_shapes", "return np.array([[1, 1], [1, 1]]), np.array([1, -2])"),
    ("xor_network", "count", "return np.array([-0.5, 1, 1])"),
    ("gradient", "sigmoid_flipped", "p = 1 / (1 + np.exp(x @ w))\nreturn x.T @ (p - t) / len(t)"),
]  # fmt: skip
