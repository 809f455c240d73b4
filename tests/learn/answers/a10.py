NUMBER = "10"

KEYS = [
    (
        "plain",
        """
import numpy as np

def loss_and_gradients(w, b, x, y):
    r = w * x + b - y
    return np.mean(r ** 2), 2 * np.mean(r * x), 2 * np.mean(r)

def fit(x, y, lr, steps):
    w = b = 0.0
    for _ in range(steps):
        _, dw, db = loss_and_gradients(w, b, x, y)
        w, b = w - lr * dw, b - lr * db
    return w, b
""",
    ),
    (
        "loops",
        """
def loss_and_gradients(w, b, x, y):
    loss = dw = db = 0
    n = len(x)
    for xi, yi in zip(x, y):
        error = yi - (w * xi + b)
        loss += error * error / n
        dw -= 2 / n * error * xi
        db -= 2 / n * error
    return [loss, dw, db]

def fit(x, y, lr, steps):
    params = [0, 0]
    step = 0
    while step < steps:
        grads = loss_and_gradients(*params, x, y)[1:]
        params = [p - lr * g for p, g in zip(params, grads)]
        step += 1
    return tuple(params)
""",
    ),
]

R = "r = w * x + b - y\n"
LOSS = "def loss_and_gradients(w, b, x, y):\n    r = w * x + b - y\n    return np.mean(r ** 2), 2 * np.mean(r * x), 2 * np.mean(r)\n\n"
FIT = (
    LOSS
    + """def fit(x, y, lr, steps):
    w = b = 0.0
    for _ in range(steps):
        _, dw, db = loss_and_gradients(w, b, x, y)
        w, b = w - lr * dw, b - lr * db
    return w, b
"""
)


def fit(*pairs: tuple[str, str]) -> str:
    text = FIT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


STEP = "w, b = w - lr * dw, b - lr * db"
PART = "loss_and_gradients"
WRONG = [
    (PART, "mean_missing", R + "return (r**2).sum(), 2 * (r * x).sum(), 2 * r.sum()"),
    (PART, "two_missing", R + "return (r**2).mean(), (r * x).mean(), r.mean()"),
    (PART, "two_and_mean", R + "return (r**2).mean(), (r * x).sum(), r.sum()"),
    (PART, "sign", "r = y - w * x - b\nreturn (r**2).mean(), 2 * (r * x).mean(), 2 * r.mean()"),
    (PART, "x_missing", R + "return (r**2).mean(), 2 * r.mean(), 2 * r.mean()"),
    (PART, "x_too_many", R + "return (r**2).mean(), 2 * (r * x).mean(), 2 * (r * x).mean()"),
    (PART, "swapped", R + "return (r**2).mean(), 2 * r.mean(), 2 * (r * x).mean()"),
    (PART, "error_not_squared", R + "return r.mean(), 2 * (r * x).mean(), 2 * r.mean()"),
    (PART, "absolute", R + "return abs(r).mean(), (np.sign(r) * x).mean(), np.sign(r).mean()"),
    (PART, "root", R + "return np.sqrt((r**2).mean()), 2 * (r * x).mean(), 2 * r.mean()"),
    (PART, "per_sample", R + "return r**2, 2 * r * x, 2 * r"),
    ("fit", "ascent", fit((STEP, "w, b = w + lr * dw, b + lr * db"))),
    ("fit", "one_after_other", fit((STEP, "w = w - lr * dw\n        _, _, db = loss_and_gradients(w, b, x, y)\n        b = b - lr * db"))),
    ("fit", "one_parameter", fit((STEP, "w = w - lr * dw"))),
    ("fit", "no_rate", fit((STEP, "w, b = w - dw, b - db"))),
    ("fit", "steps_off", fit(("range(steps)", "range(1, steps)"))),
    ("fit", "one_step_made", fit(("    return w, b\n", "        return w, b\n"))),
    ("fit", "same_gradient", fit(("loss_and_gradients(w, b, x, y)\n        w", "loss_and_gradients(0, 0, x, y)\n        w"))),
    ("fit", "step_alone", fit((STEP, "w, b = -lr * dw, -lr * db"))),
    ("fit", "unchanged", fit((STEP, "w - lr * dw, b - lr * db"))),
    ("fit", "solved", "return tuple(np.polyfit(x, y, 1))"),
    (PART, "b_missing", "r = w * x - y\nreturn (r**2).mean(), 2 * (r * x).mean(), 2 * r.mean()"),
    (PART, "y_missing", "r = w * x + b\nreturn (r**2).mean(), 2 * (r * x).mean(), 2 * r.mean()"),
    (PART, "one_sample", "for a, c in zip(x, y):\n    r = w * a + b - c\n    loss, dw, db = r * r / len(x), 2 * r * a / len(x), 2 * r / len(x)\nreturn loss, dw, db"),
    ("fit", "one_ascent", fit((STEP, "w, b = w - lr * dw, b + lr * db"))),
]  # fmt: skip
