NUMBER = "08"

KEYS = [
    (
        "indices",
        """
import numpy as np

def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def loss_and_gradient(scores, labels):
    n = len(scores)
    p = softmax(scores)
    loss = -np.log(p[np.arange(n), labels]).mean()
    d = p.copy()
    d[np.arange(n), labels] -= 1
    return loss, d / n
""",
    ),
    (
        "logsumexp and one-hot",
        """
import numpy as np

def softmax(scores):
    s = scores.T - np.max(scores, 1)
    return (np.exp(s) / np.exp(s).sum(0)).T

def loss_and_gradient(scores, labels):
    top = scores.max(1)
    norm = top + np.log(np.exp(scores - top[:, None]).sum(1))
    onehot = np.eye(scores.shape[1])[labels]
    loss = np.mean(norm - (scores * onehot).sum(1))
    return loss, (np.exp(scores - norm[:, None]) - onehot) / len(labels)
""",
    ),
]

SOFTMAX = "e = np.exp(scores - scores.max(axis=1, keepdims=True))\np = e / e.sum(axis=1, keepdims=True)\nn = len(scores)\nrow = np.arange(n)\n"
LOSS = SOFTMAX + "loss = -np.log(p[row, labels]).mean()\n"
PART = "loss_and_gradient"
WRONG = [
    ("softmax", "overflow", "e = np.exp(scores)\nreturn e / e.sum(axis=1, keepdims=True)"),
    ("softmax", "softmax_axis", "e = np.exp(scores - scores.max())\nreturn e / e.sum(axis=0)"),
    ("softmax", "softmax_all", "e = np.exp(scores - scores.max())\nreturn e / e.sum()"),
    ("softmax", "softmax_plain", "return scores / scores.sum(axis=1, keepdims=True)"),
    ("softmax", "softmax_unnormed", "return np.exp(scores - scores.max(axis=1, keepdims=True))"),
    ("softmax", "misfit", "e = np.exp(scores)\nreturn e / e.sum(axis=1)"),
    ("softmax", "softmax_sigmoid", "return 1 / (1 + np.exp(-scores))"),
    (PART, "mean_missing", LOSS + "p[row, labels] -= 1\nreturn loss, p"),
    (
        PART,
        "mean_missing",
        SOFTMAX + "loss = -np.log(p[row, labels]).sum()\np[row, labels] -= 1\nreturn loss, p",
    ),
    (PART, "labels_missing", LOSS + "return loss, p / n"),
    (PART, "labels_missing", LOSS + "return loss, p"),
    (
        PART,
        "sign",
        SOFTMAX + "loss = np.log(p[row, labels]).mean()\np[row, labels] -= 1\nreturn loss, p / n",
    ),
    (PART, "sign", LOSS + "y = np.eye(p.shape[1])[labels]\nreturn loss, (y - p) / n"),
    (
        PART,
        "softmax_twice",
        LOSS + "y = np.eye(p.shape[1])[labels]\nreturn loss, (p - y) / n * p * (1 - p)",
    ),
    (PART, "by_p", LOSS + "y = np.eye(p.shape[1])[labels]\nreturn loss, -y / p / n"),
    (PART, "column", LOSS + "p[:, labels] -= 1\nreturn loss, p / n"),
    (
        PART,
        "log_missing",
        SOFTMAX + "loss = -p[row, labels].mean()\np[row, labels] -= 1\nreturn loss, p / n",
    ),
    (
        PART,
        "mean_of_all",
        SOFTMAX
        + "y = np.eye(p.shape[1])[labels]\nreturn -(y * np.log(p)).mean(), (p - y) / p.size",
    ),
    (
        PART,
        "squared_error",
        SOFTMAX + "y = np.eye(p.shape[1])[labels]\nreturn ((p - y) ** 2).mean(), 2 * (p - y) / n",
    ),
    (PART, "count", LOSS + "return loss"),
    (PART, "raises", LOSS + "p[row, label] -= 1\nreturn loss, p / n"),
    (
        "softmax",
        "softmax_axis",
        "e = np.exp(scores - scores.max(axis=1, keepdims=True))\nreturn e / e.sum(axis=0)",
    ),
    (
        "softmax",
        "softmax_all",
        "e = np.exp(scores - scores.max(axis=1, keepdims=True))\nreturn e / e.sum()",
    ),
]
