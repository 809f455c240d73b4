import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.data import Split, batches, one_hot, subset
from microgradnn.errors import ConfigError, DTypeError, LabelError, ShapeError


def rng(seed=0):
    return np.random.default_rng(seed)


@st.composite
def sizes(draw):
    n = draw(st.integers(1, 50))
    return n, draw(st.integers(1, n))


@given(sizes=sizes(), seed=st.integers(0, 2**32), shuffle=st.booleans())
def test_batches_partition_the_data_and_keep_rows_together(sizes, seed, shuffle):
    n, size = sizes
    x, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    found = list(
        batches(x, y, batch_size=size, rng=rng(seed) if shuffle else None, shuffle=shuffle)
    )
    assert [len(b) for _, b in found[:-1]] == [size] * (len(found) - 1)
    assert 1 <= len(found[-1][1]) <= size
    labels = np.concatenate([b for _, b in found])
    np.testing.assert_array_equal(np.sort(labels), y)
    np.testing.assert_array_equal(np.concatenate([b for b, _ in found]), x[labels])
    if not shuffle:
        np.testing.assert_array_equal(labels, y)


@given(sizes=sizes(), seed=st.integers(0, 2**32))
def test_drop_last_leaves_out_only_the_smaller_batch(sizes, seed):
    n, size = sizes
    every = list(batches(np.arange(n), batch_size=size, rng=rng(seed)))
    full = list(batches(np.arange(n), batch_size=size, rng=rng(seed), drop_last=True))
    assert len(full) == n // size
    for a, b in zip(full, every, strict=False):
        np.testing.assert_array_equal(a, b)
        assert len(a) == size


def test_the_seed_decides_the_order_and_a_generator_moves_on():
    def order(generator):
        return np.concatenate(list(batches(np.arange(100), batch_size=7, rng=generator)))

    generator = rng(3)
    first, second = order(generator), order(generator)
    np.testing.assert_array_equal(first, order(rng(3)))
    assert (first != second).any()
    assert (first != order(rng(4))).any()


def test_tuples_lists_and_a_missing_y():
    a, b, y = np.arange(6), np.arange(12).reshape(6, 2), [0, 1, 2, 3, 4, 5]
    for (xa, xb), yb in batches((a, b), y, batch_size=4, rng=rng()):
        np.testing.assert_array_equal(xa, yb)
        np.testing.assert_array_equal(xb, b[yb])
    (only,) = batches([5, 6], batch_size=2, shuffle=False)
    np.testing.assert_array_equal(only, [5, 6])


def test_a_shuffled_batch_is_a_copy_and_another_is_a_view():
    x = np.zeros(4)
    assert not np.shares_memory(next(batches(x, batch_size=4, rng=rng())), x)
    assert np.shares_memory(next(batches(x, batch_size=4, shuffle=False)), x)


X = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: batches(X, batch_size=2),
            DTypeError,
            "batches: rng is None, expected a numpy Generator; "
            "write rng=np.random.default_rng(0); or write shuffle=False",
        ),
        (
            lambda: batches(X, batch_size=2, rng=0),
            DTypeError,
            "batches: rng is of type int, expected a numpy Generator; "
            "write rng=np.random.default_rng(0); or write shuffle=False",
        ),
        (
            lambda: batches(X, batch_size=2, rng=rng(), shuffle=False),
            ConfigError,
            "batches: shuffle=False uses no rng; leave out one of the two",
        ),
        (
            lambda: batches(X, np.zeros(4), batch_size=2, rng=rng()),
            ShapeError,
            "batches: x has 5 samples, y has 4; expected equal numbers",
        ),
        (
            lambda: batches((X, np.zeros(3)), np.zeros(5), batch_size=2, rng=rng()),
            ShapeError,
            "batches: x[0] has 5 samples, x[1] has 3; expected equal numbers",
        ),
        (
            lambda: batches(X[:0], batch_size=2, rng=rng()),
            ShapeError,
            "batches: x has no samples, expected at least one",
        ),
        (
            lambda: batches((), batch_size=2, rng=rng()),
            ShapeError,
            "batches: no arrays in x, expected an array or a tuple of arrays",
        ),
        (
            lambda: batches(np.float64(1), batch_size=2, rng=rng()),
            ShapeError,
            "batches: x is a single float64 value, expected an array with one row per sample",
        ),
        (
            lambda: batches(X, batch_size=6, rng=rng()),
            ShapeError,
            "batches: batch_size 6 is larger than the data (5 samples); write batch_size=5 or less",
        ),
        (
            lambda: batches(X, batch_size=0, rng=rng()),
            ConfigError,
            "batches: batch_size is 0, expected a positive integer",
        ),
        (
            lambda: batches(X, batch_size=2.0, rng=rng()),
            ConfigError,
            "batches: batch_size is 2.0, expected a positive integer",
        ),
        (
            lambda: subset(Split(X, np.zeros(5, int)), 6, rng()),
            ShapeError,
            "subset: n 6 is larger than the split (5 samples); write n=5 or less",
        ),
        (
            lambda: subset(Split(X, np.zeros(5, int)), 2, 0),
            DTypeError,
            "subset: rng is of type int, expected a numpy Generator; "
            "write rng=np.random.default_rng(0)",
        ),
        (
            lambda: one_hot([0, 1, 3], 3),
            LabelError,
            "one_hot: label 3 at index 2, expected 0 to 2",
        ),
        (
            lambda: one_hot([[0, 1], [-1, 0]], 3),
            LabelError,
            "one_hot: label -1 at index (1, 0), expected 0 to 2",
        ),
        (lambda: one_hot(3, 3), LabelError, "one_hot: label 3, expected 0 to 2"),
        (
            lambda: one_hot([0.0, 1.0], 3),
            DTypeError,
            "one_hot: labels of dtype float64, expected integers; write y.astype(int)",
        ),
        (
            lambda: one_hot([0], True),
            ConfigError,
            "one_hot: n_classes is True, expected a positive integer",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_the_call(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), data=st.data())
def test_a_subset_is_balanced_and_draws_no_sample_twice(labels, data):
    n = data.draw(st.integers(1, len(labels)))
    y = np.array(labels)
    chosen = subset(Split(np.arange(len(y)), y), n, rng(data.draw(st.integers(0, 9))))
    assert len(chosen) == n == len(set(chosen.x))
    np.testing.assert_array_equal(chosen.y, y[chosen.x])
    for length in range(1, n + 1):
        counts = np.bincount(chosen.y[:length], minlength=5)
        left = counts < np.bincount(y, minlength=5)
        assert not left.any() or counts.max() - counts[left].min() <= 1


def test_a_subset_depends_on_the_seed_only():
    split = Split(np.arange(1000), np.arange(1000) % 10)
    np.testing.assert_array_equal(subset(split, 50, rng(1)).x, subset(split, 50, rng(1)).x)
    assert (subset(split, 50, rng(1)).x != subset(split, 50, rng(2)).x).any()


@given(labels=st.lists(st.integers(0, 6)), dtype=st.sampled_from(["f4", "f8", "i8"]))
def test_one_hot_marks_each_label_once(labels, dtype):
    rows = one_hot(labels, 7, dtype=dtype)
    assert rows.shape == (len(labels), 7)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows.sum(axis=1), np.ones(len(labels)))
    np.testing.assert_array_equal(rows.argmax(axis=1), labels)
