"""GC4 and GC5: a mistake is called by its name, or by none; and the line is the right one."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from tests.check.zoo import WRONG
from tests.check.zoo.entry import assign

RNG = np.random.default_rng(7)


def report(forward, backward, *inputs):
    return check.layer(forward, backward, inputs, probes=False)


def named(found):
    """The keys of the mistakes that a report names, by argument."""
    return {
        argument: f.data["mistake"]
        for f in found.findings
        if f.code == "GC401"
        for argument in f.data["arguments"]
    }


def line_of(found):
    return next((f.data["line"] for f in found.findings if f.code == "GC501"), None)


# ---- the zoo: what each planted mistake is called --------------------------------------------------

ZOO = {
    "affine_backward_db_not_summed": {"b": "not_summed"},
    "prelu_backward_da_not_summed": {"a": "not_summed"},
    "affine_backward_flat_dx": {"x": "shape"},
    "linear_backward_dw_transposed": {"W": "shape"},
    "scale_shift_backward_scalar": {"gamma": "reduced"},
    "sigmoid_forward_float32_cache": {"x": "rounded"},
    "avg_pool_backward_floor": {"x": "whole"},
    "tanh_backward_no_upstream": {"x": "ignored"},
    "sigmoid_backward_abs": {"x": "distorted"},
    "polynomial_grad_squared": {"x": "distorted"},
    "affine_backward_decay": {"w": "added"},
    "relu_backward_dout_mask": {"x": "own_mask"},
    "attention_backward_no_dk": {"K": "zero"},
    "quadratic_grad_half": {"x": "path"},
    "softmax_loss_sign": {"x": "sign"},
    "mse_loss_half": {"pred": "factor"},
    "batchnorm_backward_dvar": {"x": "normalisation"},
    "attention_backward_no_scale": {"Q": "root", "K": "root"},
    "softmax_loss_no_mean": {"x": "mean"},
    "affine_backward_dw_mean": {"w": "twice_mean"},
    "batchnorm_backward_bessel": {"x": "normalisation"},
    "batchnorm_backward_swapped": {"gamma": "swapped", "beta": "swapped"},
    "outer_backward_swapped": {"u": "swapped", "v": "swapped"},
    "shared_backward_transposed": {"W": "transposed"},
    "conv1d_backward_dk_reversed": {"k": "flipped"},
    "spatial_batchnorm_backward_reshape": {"x": "reshaped"},
    "bilinear_backward_untransposed": {"x": "operand"},
    "conv1d_backward_unflipped": {"x": "unflipped"},
    "cumsum_backward_forwards": {"x": "jacobian"},
    "softmax_rows_backward_plus": {"scores": "softmax"},
    "softmax_backward_diagonal": {"x": "diagonal"},
    "batchnorm_backward_no_dmu": {"x": "normalisation"},
    "l2_normalize_backward_no_projection": {"x": "unit_norm"},
    "sigmoid_backward_no_factor": {"x": "factor_missing"},
    "tanh_backward_twice": {"x": "twice"},
    "sigmoid_forward_saves_x": {"x": "input_for_output"},
    "softplus_backward_of_output": {"x": "output_for_input"},
    "leaky_relu_backward_positive": {"x": "mask_inverted"},
    "svm_loss_mask": {"x": "mask_missing"},
    "rnn_backward_overwrites": {"Wh": "overwritten"},
    "word_embedding_backward_fancy": {"W": "repeated"},
    "affine_backward_db_short": {"b": "part"},
    "softmax_loss_label": {"x": "cross_entropy"},
    "softmax_loss_index": {"x": "cross_entropy"},
    "LinearFirstSample": {"b": "part"},
    "softmax_backward_axis": {"x": "softmax"},
    "gelu_backward_sigmoid": {"x": "activation"},
    "batchnorm_backward_dgamma_out": {"gamma": "variable"},
    "gru_step_backward_no_direct": {"h": "use"},
    "svm_loss_no_correct_class": {"x": "path"},
}


@pytest.mark.parametrize("name", ZOO)
def test_a_planted_mistake_has_its_name(name):
    entry = next(e for e in WRONG if e.name == name)
    inputs = entry.make_inputs(np.random.default_rng(0))
    things = [entry.forward, entry.backward] if entry.build is None else [entry.build()]
    for path, value in inputs.params.items():
        assign(things[0], path, value)
    got = named(check.layer(*things, tuple(inputs.args), probes=False))
    assert got == ZOO[name]


# ---- one mistake, or two, in layers of any size: the right name or none ----------------------------


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_grads(dout, cache):
    x, w = cache
    return [dout @ w.T, x.T @ dout, dout.sum(axis=0)]


SPOILED = {
    "sign": lambda g, n: -g,
    "factor": lambda g, n: 0.37 * g,
    "twice_mean": lambda g, n: g / n,
    "mean": lambda g, n: g * n,
    "zero": lambda g, n: 0 * g,
    "slice": lambda g, n: np.concatenate([g[:-1], 0 * g[-1:]]),
}


@settings(max_examples=12)
@given(st.sampled_from(sorted(SPOILED)), st.integers(0, 2), st.integers(3, 6), st.integers(0, 99))
def test_one_spoiled_gradient_of_an_affine_layer(kind, which, n, seed):
    rng = np.random.default_rng(seed)

    def backward(dout, cache):
        grads = affine_grads(dout, cache)
        grads[which] = SPOILED[kind](grads[which], len(dout))
        return tuple(grads)

    # sizes differ, and none is a factor of another
    inputs = rng.normal(size=(n, 7)), rng.normal(size=(7, 11)), rng.normal(size=11)
    assert named(report(affine, backward, *inputs)) == {"xwb"[which]: kind}


@settings(max_examples=5)
@given(st.integers(0, 2), st.integers(0, 99))
def test_what_is_spoiled_at_random_has_no_name(which, seed):
    rng = np.random.default_rng(seed)

    def backward(dout, cache):
        grads = affine_grads(dout, cache)
        g = grads[which]
        grads[which] = g + 0.1 * np.sin(37 * g + np.arange(g.size).reshape(g.shape))
        return tuple(grads)

    inputs = rng.normal(size=(4, 7)), rng.normal(size=(7, 5)), rng.normal(size=5)
    found = report(affine, backward, *inputs)
    assert found.verdict == "FAIL"
    assert named(found) == {}
    assert [f.code for f in found.findings if f.code.startswith("GC4")] == ["GC402"]


def test_two_mistakes_at_once_are_both_told():
    def forward(x, w):
        return np.tanh(x @ w), (x, w)

    def backward(dout, cache):
        x, w = cache
        return -dout @ w.T, x.T @ dout * len(x)  # no derivative of tanh; a sign; a mean

    found = report(forward, backward, RNG.normal(size=(4, 3)), RNG.normal(size=(3, 5)))
    texts = [f.message for f in found.findings if f.code == "GC401"]
    assert len(texts) == 2
    assert all("the derivative of tanh" in t and "is missing; besides, " in t for t in texts)
    assert texts[0].endswith("the sign is flipped")
    assert texts[1].endswith("N being the size of axis 0 of x")


def test_right_code_has_no_mistake():
    found = report(
        affine, lambda d, c: tuple(affine_grads(d, c)), np.ones((4, 3)), np.ones((3, 5)), np.ones(5)
    )
    assert not [f for f in found.findings if f.code[2] in "45"]


def test_it_can_be_left_out():
    def backward(dout, cache):
        return tuple(-g for g in affine_grads(dout, cache))

    inputs = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 5)), RNG.normal(size=5)
    found = check.layer(affine, backward, inputs, ignore="GC4,GC5")
    assert {f.code for f in found.findings} == {"GC201"}


# ---- the line: marked in the source ----------------------------------------------------------------


def norm(x, gamma, beta):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = (xmu**2).mean(axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = xmu / std
    return gamma * xhat + beta, (xmu, std, xhat, gamma)


def norm_dvar(dout, cache):
    xmu, std, xhat, gamma = cache
    n = len(dout)
    dxhat = dout * gamma
    dstd = -(dxhat * xmu).sum(axis=0) / std**2
    dvar = dstd / std  # wrong
    dxmu = dxhat / std + 2 * xmu * dvar / n
    dx = dxmu - dxmu.mean(axis=0)
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def norm_dxmu(dout, cache):
    xmu, std, xhat, gamma = cache
    n = len(dout)
    dxhat = dout * gamma
    dstd = -(dxhat * xmu).sum(axis=0) / std**2
    dvar = 0.5 * dstd / std
    dxmu = dxhat / std + xmu * dvar / n  # wrong
    dx = dxmu - dxmu.mean(axis=0)
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def norm_dgamma(dout, cache):
    xmu, std, xhat, gamma = cache
    n = len(dout)
    dxhat = dout * gamma
    dvar = -0.5 * (dxhat * xmu).sum(axis=0) / std**3
    dx = dxhat / std + 2 * xmu * dvar / n
    dx -= dx.mean(axis=0)
    dgamma = (dout * xmu).sum(axis=0)  # wrong
    return dx, dgamma, dout.sum(axis=0)


def two_layers(x, W1, W2):
    h = np.maximum(x @ W1, 0)
    out = h @ W2
    return out, (x, h, W1, W2)


def two_layers_no_mask(dout, cache):
    x, h, W1, W2 = cache
    dW2 = h.T @ dout
    dh = dout @ W2.T
    dW1 = x.T @ dh  # wrong
    dx = dh @ W1.T
    return dx, dW1, dW2


def two_layers_dh(dout, cache):
    x, h, W1, W2 = cache
    dW2 = h.T @ dout
    dh = 2 * dout @ W2.T  # wrong
    dz = dh * (h > 0)
    return dz @ W1.T, x.T @ dz, dW2


def steps(x, w):
    hs = [np.zeros(len(w))]
    for row in x:
        hs.append(np.tanh(row @ w + hs[-1]))
    return np.array(hs[1:]), (x, w, hs)


def steps_last(dout, cache):
    x, w, hs = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    carry = np.zeros(len(w))
    for t in reversed(range(len(x))):
        dz = (dout[t] + carry) * (1 - hs[t + 1] ** 2)
        dx[t] = dz @ w.T
        dw = np.outer(x[t], dz)  # wrong
        carry = dz
    return dx, dw


def square(n, *shapes):
    return [np.random.default_rng(n).normal(size=s) for s in shapes]


NORMS = square(1, (6, 3), 3, 3)
LAYERS = square(2, (4, 3), (3, 5), (5, 2))
LINES = [
    (norm, norm_dvar, NORMS),
    (norm, norm_dxmu, NORMS),
    (norm, norm_dgamma, NORMS),
    (two_layers, two_layers_no_mask, LAYERS),
    (two_layers, two_layers_dh, LAYERS),
    (steps, steps_last, square(3, (4, 3), (3, 3))),
]


@pytest.mark.parametrize(
    ("forward", "backward", "inputs"), LINES, ids=lambda x: getattr(x, "__name__", "")
)
def test_the_first_wrong_line_is_the_marked_one(forward, backward, inputs):
    lines, start = inspect.getsourcelines(backward)
    marked = next(start + i for i, text in enumerate(lines) if "# wrong" in text)
    assert line_of(report(forward, backward, *inputs)) == marked


def test_what_is_said_of_a_line():
    found = report(norm, norm_dvar, *NORMS)
    text = next(f.message for f in found.findings if f.code == "GC501")
    line = inspect.getsourcelines(norm_dvar)[1] + 5
    assert text == (
        f"the first wrong line is line {line} of test_diagnosis.py, `dvar = dstd / std  # wrong`: "
        "dvar is 2 × the true gradient of var"
    )


def test_the_tracer_of_a_debugger_is_put_back():
    import sys

    def mine(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(mine)
    try:
        report(two_layers, two_layers_dh, *LAYERS)
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after is mine


def test_a_small_eps_is_no_cast():
    found = report(
        lambda p: (-np.log(p), p),
        lambda dout, p: -dout / (p + 1e-6),
        RNG.uniform(0.2, 0.9, (4, 3)),
    )
    assert "rounded" not in named(found).values()
    assert found.verdict in ("FAIL", "CONVENTION")


def test_sizes_that_differ_by_one_are_no_degrees_of_freedom():
    """Divided by the size of another axis: at other shapes that is not N - 1."""

    def forward(x):
        return x.mean(axis=1), x.shape

    def backward(dout, shape):
        return np.repeat(dout[:, None], shape[1], axis=1) / shape[2]

    found = check.layer(forward, backward, np.arange(60.0).reshape(3, 4, 5))
    (named,) = [f.message for f in found.findings if f.code == "GC401"]
    assert named == (
        "dx: it is divided by the size of axis 2 of x where forward divides by the size of axis 1 "
        "of x"
    )


def test_one_entry_is_no_softmax():
    """The gradient of softmax at one number is 0, as that of much else."""

    def forward(x):
        return 0 * x + 3, x

    found = check.layer(forward, lambda dout, x: dout, np.array([[0.3]]))
    assert not any("softmax" in f.message for f in found.findings)


def test_what_forward_keeps_is_the_last_of_its_name():
    """x / s is called like s too, but the cache is what follows it."""

    def forward(x):
        s = np.sqrt(x.var(0) + 1e-5)
        return (x - x.mean(0)) / s, s

    def backward(dout, s):
        dx = dout / s
        return dx

    found = check.layer(forward, backward, np.random.default_rng(0).normal(size=(4, 6)))
    (named,) = [f.message for f in found.findings if f.code == "GC401"]
    assert named.endswith("mean and variance are taken for constants")
