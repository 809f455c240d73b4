"""The exercise on softmax with cross entropy."""

from typing import Any

import numpy as np

from ...engine import ops
from ...functions.losses import cross_entropy
from ..calls import Calls, digits
from ..exercise import Exercise
from ..guesses import pulled, value

LOSS_STUB = '''
"""$title

$text
"""

import numpy as np


def softmax(scores):
    """$softmax"""
    raise NotImplementedError


def loss_and_gradient(scores, labels):
    """$loss_and_gradient"""
    raise NotImplementedError
'''


def probabilities(x: Any, axis: int = -1) -> Any:
    """The softmax of an array, by the engine."""
    return value(lambda s: ops.softmax(s, axis=axis), x)


def _shifted(scores: Any) -> Any:
    """exp of the scores, the largest of each row taken away."""
    return np.exp(scores - scores.max(axis=1, keepdims=True))


def _scores(rng: np.random.Generator) -> Any:
    ordinary = [digits(rng, s) * 2 for s in ((3, 4), (2, 3), (4, 5), (1, 3))]
    apart = ordinary[1] + np.array([[0.0], [2000.0]])
    return [(s,) for s in (*ordinary, ordinary[0] + 1000.0, apart)]


def _labelled(rng: np.random.Generator) -> Any:
    out = [(s, rng.integers(0, s.shape[1], len(s))) for (s,) in _scores(rng)]
    out[0][1][:] = (1, 0, 1)  # a class that occurs twice
    return out


def loss_of(scores: Any, labels: Any) -> tuple[Any, ...]:
    """The right loss and its gradient by the scores."""

    def mean(s: Any) -> Any:
        return cross_entropy(s, labels)

    return value(mean, scores), pulled(mean)(1.0, scores)[0]


def _changed(loss: Any = None, gradient: Any = None) -> Any:
    """A guess from the right loss L, gradient d, probabilities p, labels as 0 and 1, and N."""

    def guess(scores: Any, labels: Any) -> tuple[Any, ...]:
        right, d = loss_of(scores, labels)
        p, y, n = probabilities(scores), np.eye(scores.shape[1])[labels], len(scores)
        return (loss(right, p, y, n) if loss else right,
                gradient(d, p, y, n) if gradient else d)  # fmt: skip

    return guess


def _naive_loss(scores: Any, labels: Any) -> tuple[Any, Any]:
    """Right but for large scores, whose exp is inf."""
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = np.eye(scores.shape[1])[labels]
    return -np.log((p * y).sum(axis=1)).mean(), (p - y) / len(scores)


def _one_maximum(scores: Any) -> Any:
    """The largest score of all rows is taken away from each: rows far below it become 0 / 0."""
    e = np.exp(scores - scores.max())
    return e / e.sum(axis=1, keepdims=True)


SOFTMAX_LOSS = Exercise(
    "08", "softmax_loss", LOSS_STUB,
    (
        Calls("softmax", ("p",), _scores, lambda s: (probabilities(s),), {
            "overflow": lambda s: np.exp(s) / np.exp(s).sum(axis=1, keepdims=True),
            "softmax_axis": lambda s: probabilities(s, 0),
            "softmax_axis+": lambda s: _shifted(s) / _shifted(s).sum(axis=0),
            "softmax_all": lambda s: probabilities(s.ravel()).reshape(s.shape),
            "softmax_all++": lambda s: np.exp(s) / np.exp(s).sum(),
            "softmax_all+": lambda s: _shifted(s) / _shifted(s).sum(),
            "softmax_plain": lambda s: s / s.sum(axis=1, keepdims=True),
            "softmax_logs": lambda s: np.log(probabilities(s)),
            "softmax_unnormed": lambda s: np.exp(s),
            "softmax_unnormed+": lambda s: np.exp(s - s.max(axis=1, keepdims=True)),
            "softmax_unnormed++": lambda s: np.exp(s - s.max()),
            "base_two": lambda s: probabilities(s * np.log(2)),
            "divided_by_max": lambda s: probabilities(s / s.max(axis=1, keepdims=True)),
            "softmax_sigmoid": lambda s: value(ops.sigmoid, s),
            "max_of_all": _one_maximum,
        }, answer="""
def f(scores):
    s = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(s)
    return e / e.sum(axis=1, keepdims=True)
"""),
        Calls("loss_and_gradient", ("loss", "dscores"), _labelled, loss_of, {
            "overflow": _naive_loss,
            "column": lambda s, labels: (-np.log(probabilities(s)[:, labels]).mean(), None),
            "other_log": _changed(lambda L, p, y, n: L / np.log(2)),
            "other_log+": _changed(lambda L, p, y, n: L / np.log(10)),
            "mean_missing": _changed(lambda L, p, y, n: L * n, lambda d, p, y, n: d * n),
            "labels_missing": _changed(gradient=lambda d, p, y, n: p / n),
            "labels_missing+": _changed(gradient=lambda d, p, y, n: p),
            "sign": _changed(lambda L, p, y, n: -L, lambda d, p, y, n: -d),
            "sign+": _changed(gradient=lambda d, p, y, n: (y - p)),
            "softmax_twice": _changed(gradient=lambda d, p, y, n: d * p * (1 - p)),
            "softmax_twice+": _changed(gradient=lambda d, p, y, n: d * n * p * (1 - p)),
            "by_p": _changed(gradient=lambda d, p, y, n: -y / p / n),
            "by_p+": _changed(gradient=lambda d, p, y, n: -y / p),
            "column++": _changed(gradient=lambda d, p, y, n: (p - y.max(axis=0)) / n),
            "column+": _changed(gradient=lambda d, p, y, n: p - y.max(axis=0)),
            "log_missing": _changed(lambda L, p, y, n: -(p * y).sum() / n),
            "log_missing+": _changed(lambda L, p, y, n: (1 - (p * y).sum(axis=1)).mean()),
            "mean_of_all": _changed(lambda L, p, y, n: L / y.shape[1],
                                    lambda d, p, y, n: d / y.shape[1]),
            "labels_alone": _changed(gradient=lambda d, p, y, n: -y / n),
            "labels_numbers": lambda s, labels: (
                loss_of(s, labels)[0], (probabilities(s) - labels[:, None]) / len(s)),
            "diagonal": _changed(gradient=lambda d, p, y, n: -y * (1 - p) / n),
            "diagonal+": _changed(gradient=lambda d, p, y, n: -y * (1 - p)),
            "per_sample": _changed(lambda L, p, y, n: -np.log((p * y).sum(axis=1))),
            "binary": _changed(lambda L, p, y, n: L - ((1 - y) * np.log(1 - p)).sum() / n),
            "entropy": _changed(lambda L, p, y, n: -(p * np.log(p)).sum() / n),
            "loss_after": _changed(lambda L, p, y, n: -np.log(
                np.abs((p * y).sum(axis=1) - 1)).mean()),
            "loss_after+": _changed(lambda L, p, y, n: np.nan),
            "squared_error": _changed(lambda L, p, y, n: ((p - y) ** 2).mean(),
                                      lambda d, p, y, n: 2 * (p - y) / n),
            "squared_error+": _changed(lambda L, p, y, n: ((p - y) ** 2).sum() / n),
        }, uses={"softmax": probabilities}, answer="""
def f(scores, labels):
    n = len(scores)
    k = scores.shape[1]
    s = scores - scores.max(axis=1, keepdims=True)
    total = np.exp(s).sum(axis=1, keepdims=True)
    p = np.exp(s) / total
    y = np.eye(k)[labels]
    loss = -(y * (s - np.log(total))).sum() / n
    return loss, (p - y) / n
"""),
    ),
)  # fmt: skip
