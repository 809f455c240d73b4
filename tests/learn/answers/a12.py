NUMBER = "12"

FORWARD = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward(x, w1, b1, w2, b2):
    return sigmoid(x @ w1 + b1) @ w2 + b2
"""
LOSS = """
def loss_and_gradients(x, labels, w1, b1, w2, b2):
    n = len(x)
    z = x @ w1 + b1
    h = 1 / (1 + np.exp(-z))
    s = h @ w2 + b2
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    d = p.copy()
    d[np.arange(n), labels] -= 1
    d /= n
    dh = d @ w2.T
    dz = dh * h * (1 - h)
    return loss, x.T @ dz, dz.sum(axis=0), h.T @ d, d.sum(axis=0)
"""
KEYS = [
    ("plain", FORWARD + LOSS),
    (
        "one sample after the other",
        FORWARD
        + """
def loss_and_gradients(x, labels, w1, b1, w2, b2):
    total, grads = 0.0, [0 * w1, 0 * b1, 0 * w2, 0 * b2]
    for row, label in zip(x, labels):
        h = sigmoid(row @ w1 + b1)
        s = h @ w2 + b2
        logs = s - np.log(np.sum(np.exp(s)))
        total -= logs[label]
        d = np.exp(logs)
        d[label] -= 1
        back = (w2 @ d) * h * (1 - h)
        for g, part in zip(grads, (np.outer(row, back), back, np.outer(h, d), d)):
            g += part
    return (total / len(x), *[g / len(x) for g in grads])
""",
    ),
]


def loss(*pairs: tuple[str, str]) -> str:
    text = LOSS.lstrip()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


H = "h = 1 / (1 + np.exp(-(x @ w1 + b1)))\n"
PART = "loss_and_gradients"
WRONG = [
    ("forward", "hidden_linear", "return (x @ w1 + b1) @ w2 + b2"),
    ("forward", "hidden_other", "return np.maximum(x @ w1 + b1, 0) @ w2 + b2"),
    ("forward", "hidden_other", "return np.tanh(x @ w1 + b1) @ w2 + b2"),
    ("forward", "bias_missing", "h = 1 / (1 + np.exp(-(x @ w1)))\nreturn h @ w2 + b2"),
    ("forward", "bias_missing", H + "return h @ w2"),
    ("forward", "softmax_early", H + "s = h @ w2 + b2\ne = np.exp(s)\nreturn e / e.sum(axis=1, keepdims=True)"),
    ("forward", "output_bent", H + "return 1 / (1 + np.exp(-(h @ w2 + b2)))"),
    ("forward", "half_way", H + "return h"),
    (PART, "hidden_slope", loss(("dh * h * (1 - h)", "dh"))),
    (PART, "input_for_output", loss(("dh * h * (1 - h)", "dh * z * (1 - z)"))),
    (PART, "hidden_before", loss(("h.T @ d", "z.T @ d"))),
    (PART, "mean_missing", loss(("    d /= n\n", ""))),
    (PART, "mean_missing", loss(("    d /= n\n", ""), (".mean()", ".sum()"))),
    (PART, "labels_missing", loss(("    d[np.arange(n), labels] -= 1\n", ""))),
    (PART, "bias_not_summed", loss(("dz.sum(axis=0)", "dz"), ("d.sum(axis=0)", "d"))),
    (PART, "bias_mean", loss(("dz.sum(axis=0)", "dz.mean(axis=0)"), ("d.sum(axis=0)", "d.mean(axis=0)"))),
    (PART, "relu_slope", loss(("dh * h * (1 - h)", "dh * (z > 0)"))),
    (PART, "tanh_slope", loss(("dh * h * (1 - h)", "dh * (1 - h * h)"))),
    (PART, "misfit", loss(("d @ w2.T", "d @ w2"))),
    (PART, "sign", loss(("d /= n", "d /= -n"))),
    ("forward", "sigmoid_flipped", "return 1 / (1 + np.exp(x @ w1 + b1)) @ w2 + b2"),
    (PART, "slope_half", loss(("dh * h * (1 - h)", "dh * h"))),
]  # fmt: skip
