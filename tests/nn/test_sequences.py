"""CTC against PyTorch, and against the sum over all alignments; bags and attention's weights."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.nn import functional as F

torch = pytest.importorskip("torch", reason="compares with torch.nn")


def logits(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@settings(deadline=None)
@given(st.data())
def test_ctc_is_pytorchs_behind_log_softmax(data: st.DataObject) -> None:
    """torch's gradient takes log_softmax for granted: the two are equal behind it."""
    draw = data.draw
    n, classes, blank = draw(st.integers(1, 3)), draw(st.integers(2, 4)), draw(st.integers(0, 1))
    sizes = [draw(st.integers(0, 3)) for _ in range(n)]
    times = [draw(st.integers(2 * s + 1, 8)) for s in sizes]
    labels = [[draw(st.integers(0, classes - 2)) for _ in range(s)] for s in sizes]
    labels = [[v + (v >= blank) for v in row] for row in labels]
    in_a_row = np.array(sum(labels, []), int)
    x, options = logits(draw(st.integers(0, 99)), max(times), n, classes), {"blank": blank}
    options["reduction"] = draw(st.sampled_from(["mean", "sum", "none"]))
    t, u = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours = F.ctc_loss(F.log_softmax(t, -1), in_a_row, times, sizes, **options)
    theirs = torch.nn.functional.ctc_loss(
        u.log_softmax(-1),
        torch.tensor(in_a_row),
        torch.tensor(times),
        torch.tensor(sizes),
        **options,
    )
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-12)
    ours.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(t.grad, u.grad.numpy(), rtol=0, atol=1e-12)


def alignments(labels: list[int], time: int, classes: int) -> list[tuple[int, ...]]:
    """All ways to write the labels in so many steps: repeats are one, then blanks (0) go."""
    found = []
    for path in itertools.product(range(classes), repeat=time):
        if [k for k, _ in itertools.groupby(path) if k] == labels:
            found.append(path)
    return found


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], []])
def test_ctc_is_the_sum_over_all_alignments_to_second_order(labels: list[int]) -> None:
    x = logits(1, 4, 3)
    paths = np.array(alignments(labels, 4, 3))

    def plainly(x: Any) -> Any:
        return -mg.logsumexp(x[np.arange(4), paths].sum(-1))

    def ours(x: Any) -> Any:
        padded = np.array([labels + [2] * (3 - len(labels))])
        return F.ctc_loss(x, padded, [4], [len(labels)], reduction="sum")

    for f in (lambda f: f, mg.grad, mg.hessian, mg.jacfwd):
        got, expected = f(ours)(x), f(plainly)(x)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


def test_a_target_that_does_not_fit_is_infinite_and_its_gradient_no_number() -> None:
    x = mg.tensor(logits(2, 2, 2, 3), requires_grad=True)
    given = (F.log_softmax(x, -1), np.array([[1, 1], [1, 2]]), [2, 2], [2, 2])
    loss = F.ctc_loss(*given, reduction="none")
    assert np.isposinf(loss.data[0]) and np.isfinite(loss.data[1])
    loss.sum().backward()
    assert not np.isfinite(x.grad[:, 0]).any() and np.isfinite(x.grad[:, 1]).all()
    x.grad = None
    loss = nn.CTCLoss(reduction="none", zero_infinity=True)(*given)
    assert loss.data[0] == 0
    loss.sum().backward()
    assert (x.grad[:, 0] == 0).all() and (x.grad[:, 1] != 0).any()


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_are_sums_means_and_maxima_of_rows(mode: str) -> None:
    w = mg.tensor(logits(3, 5, 2), requires_grad=True)
    index, starts = np.array([4, 1, 1, 0]), np.array([0, 3, 3])
    y = F.embedding_bag(index, w, starts, mode=mode)  # the second bag is empty
    f = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    expected = [f(w.data[index[:3]], axis=0), np.zeros(2), w.data[0]]
    np.testing.assert_allclose(y.data, expected, rtol=1e-15)


def test_the_weights_of_samples_have_gradients() -> None:
    w, s = (
        mg.tensor(logits(i, *shape), requires_grad=True) for i, shape in enumerate([(5, 2), (2, 3)])
    )
    index = np.array([[4, 1, 1], [0, 2, 4]])
    F.embedding_bag(index, w, mode="sum", per_sample_weights=s).sum().backward()
    np.testing.assert_allclose(s.grad, w.data[index].sum(-1), rtol=1e-15)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("batch", [True, False])
def test_attention_gives_its_weights_if_they_are_wanted(average: bool, batch: bool) -> None:
    ours = nn.MultiheadAttention(4, 2, batch_first=True, dtype=np.float64)
    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
            p.copy_(torch.from_numpy(q.data.T.copy()))
    x = logits(4, 3, 5, 4) if batch else logits(4, 5, 4)
    options = {"need_weights": True, "average_attn_weights": average}
    y, w = ours(x, **options)
    z, v = theirs(*(torch.tensor(x),) * 3, **options)
    for a, b in ((y, z), (w, v)):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=0, atol=1e-14)


def test_layers_in_a_row_drop_differently_and_learn_apart() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.5, rng=np.random.default_rng(0))
    stack = nn.TransformerEncoder(layer, 2)
    assert len({id(g) for _, g in stack.named_generators()}) == 1
    first, second = stack.layers[0].linear1.weight, stack.layers[1].linear1.weight
    assert first is not second and np.array_equal(first.data, second.data)
    masks = [m.dropout1(np.ones((4, 8), np.float32)) for m in stack.layers]
    assert not np.array_equal(*masks)
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    assert np.array_equal(causal, torch.nn.Transformer.generate_square_subsequent_mask(3).numpy())
