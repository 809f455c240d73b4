"""Metrics against scikit-learn, Keras, textbook tables and themselves fed in pieces."""

import warnings
from math import inf, isnan, nan

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import DataError, ShapeError
from microgradnn.train import metrics as m

from ..frameworks import framework

AVERAGES = ["macro", "micro", "weighted", None]
RATIOS = [m.Precision, m.Recall, m.F1Score]
SCORES = [-1.5, 0.0, 0.25, 0.5, 1.0, 3.0]  # few, so that ties are common
PROBABILITIES = [0.0, 0.2, 0.5, 0.7, 1.0]
NUMBERS = st.floats(-100, 100).map(lambda x: round(x, 3))


def lists(draw, values, *shape):
    size = int(np.prod(shape))
    drawn = draw(st.lists(values, min_size=size, max_size=size))
    return np.array(drawn).reshape(shape)


@st.composite
def weights(draw, n):
    """None, or multiples of 1/4, whose sums are exact in any order; not all 0."""
    if draw(st.booleans()):
        return None
    w = lists(draw, st.integers(0, 8), n) / 4
    assume(w.any())
    return w


@st.composite
def labelled(draw, kind=None):
    """Labels, predictions and weights, and how to tell: labels, scores, one-hot, yes, flags."""
    kind = kind or draw(st.sampled_from(["labels", "scores", "one-hot", "yes", "flags"]))
    n, classes = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    y = lists(draw, st.integers(0, classes - 1), n)
    w = draw(weights(n))
    if kind == "labels":
        return y, lists(draw, st.integers(0, classes - 1), n), w
    if kind == "yes":
        return y % 2, lists(draw, st.sampled_from(PROBABILITIES), n), w
    if kind == "flags":
        true = lists(draw, st.integers(0, 1), n, classes)
        return true, lists(draw, st.sampled_from(PROBABILITIES), n, classes), w
    scores = lists(draw, st.sampled_from(SCORES), n, classes)
    return np.eye(classes)[y] if kind == "one-hot" else y, scores, w


@st.composite
def measured(draw):
    n, outputs = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    y, p = lists(draw, NUMBERS, n, outputs), lists(draw, NUMBERS, n, outputs)
    return y, p, draw(weights(n))


def ratios(y, said, **options):
    """scikit-learn's precision, recall and F1, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sk.precision_recall_fscore_support(y, said, **options)[:3]


def close(got, wanted, rtol=1e-12, atol=1e-12):
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=atol)


# ---- scikit-learn -------------------------------------------------------------------------------


ZERO = st.sampled_from([0.0, 1.0, nan])


@pytest.mark.parametrize("average", AVERAGES)
@given(data=st.data(), kind=st.sampled_from(["labels", "scores"]), zero=ZERO)
def test_ratios_of_classes(average, data, kind, zero):
    y, p, w = data.draw(labelled(kind))
    said = p if kind == "labels" else p.argmax(-1)
    options = dict(average=average, zero_division=zero, sample_weight=w)
    classes = max(2, y.max() + 1, said.max() + 1) if kind == "labels" else p.shape[1]
    found = ratios(y, said, labels=range(classes) if average is None else None, **options)
    every = ratios(y, said, labels=range(6 if kind == "labels" else classes), **options)
    for ratio, wanted, wanted_of_all in zip(RATIOS, found, every, strict=True):
        close(ratio(average, zero_division=zero)(y, p, w), wanted)
        metric = ratio(average, zero_division=zero, num_classes=6 if kind == "labels" else classes)
        close(metric(y, p, w), wanted_of_all)


@given(data=st.data(), zero=ZERO)
def test_ratios_of_two_classes(data, zero):
    y, p, w = data.draw(labelled("yes"))
    options = dict(average="binary", zero_division=zero)
    logits = np.where(p > 0.5, 2.0, -3.0)
    for ratio, wanted in zip(RATIOS, ratios(y, p > 0.5, sample_weight=w, **options), strict=True):
        close(ratio(zero_division=zero)(y, p, w), wanted)
        close(ratio(zero_division=zero)(y, p[:, None], w), wanted)
        close(ratio(zero_division=zero, from_logits=True)(y, logits, w), wanted)
        close(ratio(zero_division=zero)(y, (p > 0.5).astype(int), w), wanted)
    for ratio, wanted in zip(RATIOS, ratios(y, p > 0.2, sample_weight=w, **options), strict=True):
        close(ratio(zero_division=zero, threshold=0.2)(y, p, w), wanted)


@pytest.mark.parametrize("average", AVERAGES)
@given(data=st.data(), zero=ZERO)
def test_ratios_of_many_labels_in_a_row(average, data, zero):
    y, p, w = data.draw(labelled("flags"))
    options = dict(average=average, zero_division=zero, sample_weight=w)
    found = ratios(y, (p > 0.5).astype(int), **options)
    for ratio, wanted in zip(RATIOS, found, strict=True):
        close(ratio(average, zero_division=zero)(y, p, w), wanted)


@given(data=st.data(), kind=st.sampled_from(["labels", "scores", "one-hot", "yes"]))
def test_confusion_matrix_and_accuracy(data, kind):
    y, p, w = data.draw(labelled(kind))
    said = {"labels": p, "yes": p > 0.5}.get(kind, p.argmax(-1))
    true = y.argmax(-1) if kind == "one-hot" else y
    table = m.ConfusionMatrix()(y, p, w)
    assert table.dtype == (np.int64 if w is None else np.float64)
    wanted = sk.confusion_matrix(true, said, labels=range(len(table)), sample_weight=w)
    np.testing.assert_array_equal(table, wanted)
    right = m.Accuracy()(y, p, w)
    close(right, sk.accuracy_score(true, said, sample_weight=w))
    close(right, table.trace() / table.sum())
    if kind != "one-hot":  # which would be many labels in a row
        for ratio in RATIOS:
            close(ratio("micro")(y, p, w), right)


@given(data=st.data())
def test_the_accuracy_that_the_shapes_choose(data):
    y, p, w = data.draw(labelled("scores"))
    sparse = m.SparseCategoricalAccuracy()(y, p, w)
    hot = np.eye(p.shape[1])[y]
    assert sparse == m.CategoricalAccuracy()(hot, p, w)
    for labels in (y, y[:, None], hot):
        assert sparse == m.Accuracy()(labels, p, w) == m.TopKAccuracy(1)(labels, p, w)
    y, p, w = data.draw(labelled("yes"))
    wanted = m.BinaryAccuracy()(y, p, w)
    for labels in (y, y[:, None], y.astype(bool), y.astype(float)):
        for shaped in (p, p[:, None]):
            assert wanted == m.Accuracy()(labels, shaped, w)


@given(data=st.data(), shift=st.permutations(range(5)))
def test_top_k(data, shift):
    y, p, w = data.draw(labelled("scores"))
    classes = p.shape[1]
    distinct = p.argsort(-1).argsort(-1).astype(float)
    for k in range(1, classes + 1):
        options = dict(k=k, labels=range(classes), sample_weight=w)
        if 2 < classes > k:
            wanted = sk.top_k_accuracy_score(y, distinct, **options)
            close(m.SparseTopKCategoricalAccuracy(k)(y, distinct, w), wanted)
        # With ties: the first k of a stable order.
        first = np.argsort(-p, axis=-1, kind="stable")[:, :k]
        wanted = np.average((first == y[:, None]).any(-1), weights=w)
        close(m.SparseTopKCategoricalAccuracy(k)(y, p, w), wanted)
        close(m.TopKCategoricalAccuracy(k)(np.eye(classes)[y], p, w), wanted)


@given(case=measured())
def test_errors_of_numbers(case):
    y, p, w = case
    close(m.MeanSquaredError()(y, p, w), sk.mean_squared_error(y, p, sample_weight=w))
    close(m.MeanAbsoluteError()(y, p, w), sk.mean_absolute_error(y, p, sample_weight=w))
    close(m.RootMeanSquaredError()(y, p, w) ** 2, m.MeanSquaredError()(y, p, w))
    wanted = sk.root_mean_squared_error(y[:, 0], p[:, 0], sample_weight=w)
    close(m.RootMeanSquaredError()(y[:, 0], p[:, :1], w), wanted)
    everything = np.repeat(np.ones(len(y)) if w is None else w, y.shape[1])
    close(m.Mean()(p, w), np.average(p.ravel(), weights=everything), atol=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("uniform_average", "uniform_average"),
        ("variance_weighted_average", "variance_weighted"),
        (None, "raw_values"),
    ],
)
@given(case=measured())
def test_r2(ours, theirs, case):
    y, p, w = case
    y = y.round()  # spreads that are 0 or not tiny
    mean = np.average(y, axis=0, weights=w)
    assume(
        all(
            len(set(c)) == 1 or (abs(c - a) * (1 if w is None else w)).sum() > 0.1
            for c, a in zip(y.T, mean, strict=True)
        )
    )
    wanted = sk.r2_score(y, p, sample_weight=w, multioutput=theirs)
    close(m.R2Score(ours)(y, p, w), wanted, rtol=1e-9, atol=1e-9)


def test_r2_of_a_large_mean_keeps_its_digits_in_any_batches():
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    p = y + 0.5 * rng.normal(size=500)
    for offset in (0.0, 1e6, -1e10):
        shifted = (y * 4096).round() / 4096 + offset, (p * 4096).round() / 4096 + offset
        metric = m.R2Score()
        for part in np.split(np.arange(500), [1, 2, 40, 333]):
            metric.update_state(shifted[0][part], shifted[1][part])
        close(metric.result(), sk.r2_score(*shifted), rtol=1e-6 if offset < -1e9 else 1e-10)


def test_r2_where_there_is_nothing_to_explain():
    third = [1 / 3] * 7
    assert m.R2Score()(third, third) == 1.0
    assert m.R2Score()(third, [0.0] * 7) == 0.0
    assert isnan(m.R2Score()([1.0], [1.0]))
    np.testing.assert_array_equal(m.R2Score(None)([[1.0, 2.0]], [[1.0, 2.0]]), [nan, nan])
    for n in range(2, 40):  # the mean of n times 0.1 is not always 0.1
        assert m.R2Score()([0.1] * n, [0.1] * n, np.arange(n)) == 1.0
        assert m.R2Score()([0.1] * n, [0.0] * n, np.arange(n)) == 0.0
    metric = m.R2Score()
    for value in third:
        metric.update_state([value], [value + 1])
    assert metric.result() == 0.0


# ---- in pieces ----------------------------------------------------------------------------------

FOR_KIND = {
    "labels": [m.Accuracy, m.ConfusionMatrix],
    "scores": [m.Accuracy, m.ConfusionMatrix, m.SparseCategoricalAccuracy, lambda: m.SparseTopKCategoricalAccuracy(2)],
    "one-hot": [m.Accuracy, m.ConfusionMatrix, m.CategoricalAccuracy, lambda: m.TopKCategoricalAccuracy(2)],
    "yes": [m.Accuracy, m.BinaryAccuracy, m.ConfusionMatrix, m.Precision, m.Recall, m.F1Score],
    "flags": [m.BinaryAccuracy],
}  # fmt: skip
for kind in ("labels", "scores", "flags"):
    FOR_KIND[kind] += [
        lambda c=c, a=a, z=z: c(a, zero_division=z)
        for c in RATIOS
        for a in AVERAGES
        for z in (0.0, nan)
    ]


@st.composite
def pieces(draw, n):
    """Index arrays: some order of all rows, cut somewhere."""
    order = np.array(draw(st.permutations(range(n))))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, n - 1)), max_size=4)))
    return [part for part in np.split(order, cuts) if len(part)]


def fed(metric, y, p, w, parts):
    for i in parts:
        metric.update_state(y[i], p[i], None if w is None else w[i])
    return metric.result()


@pytest.mark.parametrize("kind", FOR_KIND)
@given(data=st.data())
@settings(max_examples=20)
def test_counts_are_the_same_in_any_pieces(kind, data):
    y, p, w = data.draw(labelled(kind))
    parts = data.draw(pieces(len(y)))
    for make in FOR_KIND[kind]:
        wanted = make()(y, p, w)
        metric = make()
        np.testing.assert_array_equal(fed(metric, y, p, w, parts), wanted)
        metric.reset_state()
        np.testing.assert_array_equal(metric(y, p, w), wanted)


@given(data=st.data())
def test_numbers_are_the_same_in_any_pieces(data):
    y, p, w = data.draw(measured())
    parts = data.draw(pieces(len(y)))
    constant = np.ones_like(y)
    for make in (m.MeanSquaredError, m.RootMeanSquaredError, m.MeanAbsoluteError):
        close(fed(make(), y, p, w, parts), make()(y, p, w))
    mean = m.Mean()
    for i in parts:
        mean.update_state(p[i], None if w is None else w[i])
    close(mean.result(), m.Mean()(p, w), atol=1e-9)
    for how in m.R2Score.AGGREGATIONS:
        far = y.round() + np.arange(len(y))[:, None] ** 2 * 500.0  # all different
        if w is None or np.count_nonzero(w) > 1:
            close(fed(m.R2Score(how), far, p, w, parts), m.R2Score(how)(far, p, w), rtol=1e-9)
        close(fed(m.R2Score(how), constant, p, w, parts), m.R2Score(how)(constant, p, w))


@given(data=st.data(), kind=st.sampled_from(["labels", "flags"]))
def test_a_weight_is_a_number_of_copies(data, kind):
    y, p, _ = data.draw(labelled(kind))
    copies = lists(data.draw, st.integers(0, 3), len(y))
    assume(copies.any())
    many = {} if kind == "flags" else dict(num_classes=5)
    makers = [lambda c=c, a=a: c(a, **many) for c in RATIOS for a in AVERAGES]
    makers += [m.BinaryAccuracy] if kind == "flags" else [m.Accuracy, lambda: m.ConfusionMatrix(5)]
    for make in makers:
        wanted = make()(np.repeat(y, copies, 0), np.repeat(p, copies, 0))
        np.testing.assert_array_equal(make()(y, p, copies), wanted)


def test_a_call_goes_on_and_reset_forgets():
    metric = m.Accuracy()
    assert metric([1, 0], [1, 0]) == 1.0
    assert metric([1, 0], [0, 1]) == 0.5
    metric.reset_state()
    assert metric([1, 0], [0, 1]) == 0.0
    mean = m.Mean()
    assert mean(2.0, sample_weight=3) == 2.0
    assert mean([6.0]) == 3.0


def test_a_confusion_matrix_is_a_copy_and_grows():
    metric = m.ConfusionMatrix()
    first = metric([0, 1], [0, 0])
    np.testing.assert_array_equal(first, [[1, 0], [1, 0]])
    metric.update_state([0], [3])
    assert metric.result().shape == (4, 4)
    metric.result()[:] = 9
    np.testing.assert_array_equal(metric.result().sum(), 3)
    np.testing.assert_array_equal(first, [[1, 0], [1, 0]])
    assert m.ConfusionMatrix(5)([0, 1], [0, 0]).shape == (5, 5)


# ---- Keras --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras():
    return framework("keras")


@given(data=st.data())
@settings(max_examples=8)
def test_keras_accuracies(keras, data):
    def agree(ours, theirs, y, p):
        theirs.update_state(y, p.astype(np.float32), w)
        close(ours(y, p.astype(np.float32), w), float(theirs.result()), rtol=1e-6)

    y, p, w = data.draw(labelled("scores"))
    p = p.argsort(-1).argsort(-1).astype(float)  # Keras decides ties otherwise
    k, hot = data.draw(st.integers(1, p.shape[1])), np.eye(p.shape[1])[y]
    agree(m.SparseCategoricalAccuracy(), keras.metrics.SparseCategoricalAccuracy(), y, p)
    agree(m.CategoricalAccuracy(), keras.metrics.CategoricalAccuracy(), hot, p)
    agree(m.TopKCategoricalAccuracy(k), keras.metrics.TopKCategoricalAccuracy(k), hot, p)
    agree(m.SparseTopKCategoricalAccuracy(k), keras.metrics.SparseTopKCategoricalAccuracy(k), y, p)
    y, p, w = data.draw(labelled("yes"))
    agree(m.BinaryAccuracy(), keras.metrics.BinaryAccuracy(), y[:, None], p[:, None])
    agree(m.BinaryAccuracy(threshold=0.2), keras.metrics.BinaryAccuracy(threshold=0.2), y, p)
    agree(m.Precision(), keras.metrics.Precision(), y, p)
    agree(m.Recall(), keras.metrics.Recall(), y, p)
    y, p, w = data.draw(labelled("flags"))
    agree(m.BinaryAccuracy(), keras.metrics.BinaryAccuracy(), y, p)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 2, 1], np.eye(3)),
        ([[0], [2], [1]], np.eye(3)),
        (np.eye(3)[[0, 2, 1]], np.eye(3)),
        ([[0], [1], [1]], [[0.2], [0.9], [0.1]]),
        ([0, 1, 1], [[0.2], [0.9], [0.1]]),
        ([[0, 2], [1, 1]], np.eye(4)[:, :3].reshape(2, 2, 3)),
    ],
)
def test_keras_string_accuracy(keras, y, p):
    from keras.src.trainers.compile_utils import get_metric

    y, p = np.array(y), np.array(p, np.float32)
    theirs = get_metric("accuracy", y, p)
    theirs.update_state(y, p)
    close(m.get("accuracy")(y, p), float(theirs.result()), rtol=1e-6)


# ---- examples -----------------------------------------------------------------------------------

#  TP, FP, FN, TN: precision, recall, F1, accuracy. Predicting "ill" for 100 people, by hand.
TEXTBOOK = [
    ((30, 10, 20, 40), (3 / 4, 3 / 5, 2 / 3, 7 / 10)),
    ((1, 0, 9, 90), (1, 1 / 10, 2 / 11, 91 / 100)),
    ((10, 90, 0, 0), (1 / 10, 1, 2 / 11, 1 / 10)),
    ((0, 0, 5, 95), (0, 0, 0, 95 / 100)),
    ((0, 5, 0, 95), (0, 0, 0, 95 / 100)),
    ((0, 0, 0, 100), (0, 0, 0, 1)),
    ((100, 0, 0, 0), (1, 1, 1, 1)),
]


@pytest.mark.parametrize(("counts", "wanted"), TEXTBOOK)
def test_textbook(counts, wanted):
    y, p = np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts)
    for make, value in zip((m.Precision, m.Recall, m.F1Score, m.Accuracy), wanted, strict=True):
        close(make()(y, p), value, rtol=1e-15, atol=0)
    tp, fp, fn, tn = counts
    np.testing.assert_array_equal(m.ConfusionMatrix()(y, p), [[tn, fp], [fn, tp]])


def test_ties_go_to_the_lower_index():
    flat = np.zeros((4, 4))
    for k in range(1, 5):
        metric = m.SparseTopKCategoricalAccuracy(k)
        assert [metric.values([label], flat[:1]).item() for label in range(4)] == [
            i < k for i in range(4)
        ]
    assert m.Accuracy()([0, 1, 2, 3], flat) == 0.25
    assert m.BinaryAccuracy()([0], [0.5]) == 1.0  # not above the threshold
    assert m.BinaryAccuracy(from_logits=True)([0], [0.0]) == 1.0
    assert m.Accuracy(from_logits=True)([0, 1, 1], [-3, 4, 2]) == 1.0  # integers, but logits


@given(z=st.floats(-30, 30), threshold=st.floats(0.01, 0.99))
def test_a_logit_is_compared_as_its_probability(z, threshold):
    p = 1 / (1 + np.exp(-z))
    assume(abs(p - threshold) > 1e-9)
    assert m.Accuracy(threshold=threshold, from_logits=True)([1], [z]) == float(p > threshold)


def test_tensors_lists_values_and_other_dtypes():
    y, p = [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    scores = mg.tensor(p, requires_grad=True)
    assert m.Accuracy()(y, p) == m.Accuracy()(mg.tensor(np.array(y)), scores) == 2 / 3
    assert m.Accuracy()(y, list(scores)) == 2 / 3
    assert m.Precision("macro")(y, scores) == m.Precision("macro")(y, p)
    assert m.Accuracy()(np.array(y, np.uint8), np.array(p, np.float16)) == 2 / 3
    assert m.MeanSquaredError()([mg.Value(1.0)], [mg.Value(3.0)]) == 4.0
    assert m.Mean()(mg.tensor(5.0), 2) == 5.0
    assert m.MeanAbsoluteError()(np.array([0], np.uint8), np.array([255], np.uint8)) == 255.0
    assert m.MeanSquaredError()(np.array([1], np.uint8), np.array([0], np.uint8)) == 1.0


def test_sequences_are_rows_of_rows():
    rng = np.random.default_rng(1)
    y, p, w = rng.integers(0, 3, (4, 5)), rng.normal(size=(4, 5, 3)), rng.integers(1, 4, 4)
    flat = y.ravel(), p.reshape(20, 3), np.repeat(w, 5)
    each = rng.integers(0, 4, (4, 5))
    for make in (
        m.Accuracy,
        m.ConfusionMatrix,
        lambda: m.F1Score("macro"),
        lambda: m.TopKAccuracy(2),
    ):
        np.testing.assert_array_equal(make()(y, p, w), make()(*flat))
        np.testing.assert_array_equal(make()(y, p, w[:, None]), make()(*flat))
        np.testing.assert_array_equal(make()(y, p, each), make()(*flat[:2], each.ravel()))
    assert m.Accuracy()(y, p, 7) == m.Accuracy()(y, p)
    yes, said = rng.integers(0, 2, (4, 5, 3)), rng.random((4, 5, 3))
    np.testing.assert_array_equal(
        m.Recall(None)(yes, said, w),
        m.Recall(None)(yes.reshape(20, 3), said.reshape(20, 3), flat[2]),
    )


def test_infinite_scores_have_an_order():
    assert m.Accuracy()([0, 1], [[inf, 0.0], [-inf, 0.0]]) == 1.0
    assert m.Mean()([1.0, inf]) == inf
    assert isnan(m.Mean()([1.0, nan]))


def test_the_table_of_a_confusion_matrix():
    metric = m.ConfusionMatrix()
    assert str(metric) == "confusion_matrix: no data"
    metric.update_state(
        [0] * 13 + [1] * 16 + [2] * 9, [0] * 13 + [0] + [1] * 5 + [2] * 10 + [2] * 9
    )
    assert str(metric).splitlines() == [
        "true \\ predicted   0  1   2",
        "               0  13  0   0",
        "               1   1  5  10",
        "               2   0  0   9",
    ]
    metric.update_state([1], [1], [0.25])
    assert str(metric).splitlines()[2] == "               1   1  5.25  10"
    assert str(m.ConfusionMatrix(2, "c")) == "c: no data"


# ---- names --------------------------------------------------------------------------------------

CLASSES = {
    "acc": m.Accuracy,
    "accuracy": m.Accuracy,
    "mse": m.MeanSquaredError,
    "mae": m.MeanAbsoluteError,
    "rmse": m.RootMeanSquaredError,
    "precision": m.Precision,
    "recall": m.Recall,
    "f1": m.F1Score,
    "r2": m.R2Score,
    "top_k_accuracy": m.TopKAccuracy,
    "sparse_categorical_accuracy": m.SparseCategoricalAccuracy,
    "confusion_matrix": m.ConfusionMatrix,
}


@pytest.mark.parametrize(("name", "kind"), CLASSES.items())
def test_get_by_name(name, kind):
    first, second = m.get(name), m.get(name)
    assert type(first) is type(second) is kind
    assert first is not second
    assert first.name == name


def test_every_class_has_its_name():
    for name in m.__all__:
        kind = getattr(m, name)
        if isinstance(kind, type) and kind not in (m.Metric, m.Mean, m.MeanMetricWrapper):
            named = kind().name
            assert type(m.get(named)) is type(m.get(kind)) is kind
    assert m.Mean().name == "mean"
    assert m.F1Score().name == "f1_score"
    assert m.TopKCategoricalAccuracy().name == "top_k_categorical_accuracy"
    assert m.Recall("macro", "mine").name == "mine"


def test_get_what_is_a_metric_or_a_function():
    metric = m.Accuracy()
    assert m.get(metric) is metric

    def worst(y_true, y_pred):
        return abs(y_true - y_pred)

    wrapped = m.get(worst)
    assert wrapped.name == "worst"
    assert wrapped([1.0, 2.0], [1.0, 4.0]) == 1.0
    assert wrapped([0.0], [4.0], [2.0]) == 2.5
    number = m.get(lambda t, p: mg.tensor(abs(t - p).mean()))
    assert number([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.0
    assert number([0.0], [4.0]) == 1.0  # of 4 rows
    assert m.MeanMetricWrapper(worst, "w").name == "w"


def test_a_metric_of_ones_own():
    class Most(m.Metric):
        def reset_state(self):
            self.most = -inf

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.most = max(self.most, np.max(y_pred))

        def result(self):
            return self.most

    metric = m.get(Most)
    assert metric.name == "most"
    assert metric([0], [3.0]) == metric([0], [1.0]) == 3.0


# ---- errors -------------------------------------------------------------------------------------

THREE = np.zeros((3, 3))


def test_kinds_of_data_do_not_mix():
    metric = m.F1Score("macro")
    metric.update_state(np.eye(3), THREE)
    with pytest.raises(
        ShapeError, match="data of 2 classes after data of 3 labels in a row; call reset_state"
    ):
        metric.update_state([0, 1], [0, 1])
    with pytest.raises(ShapeError, match="data of 2 labels after data of 3 labels in a row"):
        metric.update_state(np.eye(2), np.eye(2))
    metric.reset_state()
    metric.update_state([0, 1], [0, 1])
    with pytest.raises(ShapeError, match="data of 3 labels after data of 2 classes"):
        metric.update_state(np.eye(3), THREE)
    metric = m.R2Score()
    metric.update_state([0.0, 1.0], [0.0, 1.0])
    with pytest.raises(
        ShapeError, match=r"y_true has shape \(3, 3\), expected 1 outputs as before"
    ):
        metric.update_state(THREE, THREE)


@pytest.mark.parametrize(
    "make", [m.Accuracy, m.ConfusionMatrix, lambda: m.F1Score(None), m.MeanSquaredError, m.R2Score]
)
def test_a_bad_batch_changes_nothing(make):
    good, bad = ([0, 1, 1], [0.0, 1.0, 0.0]), ([0, 1, 1], [0.0, 1.0, nan])
    metric = make()
    before = metric(*good)
    with pytest.raises(DataError):
        metric.update_state(*bad)
    with pytest.raises(ShapeError):
        metric.update_state(*good, [1.0, 2.0])
    np.testing.assert_array_equal(metric.result(), before)


def test_what_is_given_is_not_changed():
    y, p, w = np.array([0, 1]), np.array([[0.5, 0.1], [0.2, 0.3]]), np.array([1.0, 2.0])
    copies = y.copy(), p.copy(), w.copy()
    for make in (m.Accuracy, m.ConfusionMatrix, m.F1Score, lambda: m.TopKAccuracy(2)):
        make()(y, p, w)
    for array, copy in zip((y, p, w), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
