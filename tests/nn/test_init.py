"""Initial weights: the distribution each name promises, and that it is PyTorch's or Keras' own.

For n draws the empirical distribution is within e of the true one, everywhere, but for probability
2·exp(-2·n·e²) (Dvoretzky, Kiefer, Wolfowitz; Massart): e below makes that 1e-9.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, DTypeError, GradientError, ShapeError
from microgradnn.nn import init
from tests.messages import table

SHAPES = [(300, 100), (48, 20, 5, 5), (400, 9, 7)]
LOW = math.erf(-2 / math.sqrt(2))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def distance(n: int) -> float:
    return math.sqrt(math.log(2e9) / (2 * n))


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Of (in, out), or (out, in, *kernel)."""
    if len(shape) == 2:
        return shape
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def uniform(bound: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.clip((x / bound + 1) / 2, 0, 1)


def gaussian(std: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.vectorize(lambda v: (1 + math.erf(v / std / math.sqrt(2))) / 2)(x)


def truncated(std: float) -> Callable[[np.ndarray], np.ndarray]:
    """N(0, std²) given that |x| <= 2·std."""
    whole = gaussian(std)
    return lambda x: np.clip(
        (whole(x) - whole(-2 * std)) / (whole(2 * std) - whole(-2 * std)), 0, 1
    )


def support(x: np.ndarray, bound: float) -> None:
    """No draw is beyond the bound, and with thousands of draws some are near it."""
    assert np.abs(x).max() <= bound * (1 + 1e-7)
    assert np.abs(x).max() >= 0.99 * bound


# What is drawn: the cumulative distribution, and where it ends.
SCALED: dict[str, Any] = {
    "fan_in_uniform": lambda i, o: (uniform(i**-0.5), i**-0.5),
    "glorot_uniform": lambda i, o: (uniform((6 / (i + o)) ** 0.5), (6 / (i + o)) ** 0.5),
    "xavier_uniform": lambda i, o: (uniform((6 / (i + o)) ** 0.5), (6 / (i + o)) ** 0.5),
    "he_uniform": lambda i, o: (uniform((6 / i) ** 0.5), (6 / i) ** 0.5),
    "kaiming_uniform": lambda i, o: (uniform((6 / i) ** 0.5), (6 / i) ** 0.5),
    "lecun_uniform": lambda i, o: (uniform((3 / i) ** 0.5), (3 / i) ** 0.5),
    "xavier_normal": lambda i, o: (gaussian((2 / (i + o)) ** 0.5), None),
    "kaiming_normal": lambda i, o: (gaussian((2 / i) ** 0.5), None),
    "glorot_normal": lambda i, o: cut((2 / (i + o)) ** 0.5),
    "he_normal": lambda i, o: cut((2 / i) ** 0.5),
    "lecun_normal": lambda i, o: cut((1 / i) ** 0.5),
    "uniform": lambda i, o: (uniform(1.0), 1.0),
    "normal": lambda i, o: (gaussian(1.0), None),
    "truncated_normal": lambda i, o: (truncated(1.0), 2.0),
}


def cut(std: float) -> Any:
    """What has this standard deviation after it was cut off at two of those before."""
    return truncated(std / 0.87962566103423978), 2 * std / 0.87962566103423978


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SCALED)
def test_the_distribution_is_what_the_name_says(name: str, shape: tuple[int, ...]) -> None:
    cdf, end = SCALED[name](*fans(shape))
    x = np.sort(init.get(name)(shape, rng(1), np.float64).ravel())
    steps = np.arange(len(x) + 1) / len(x)
    apart = max(np.abs(cdf(x) - steps[1:]).max(), np.abs(cdf(x) - steps[:-1]).max())
    assert apart <= distance(len(x))
    if end is not None:
        support(x, end)
    else:  # of N(0, 1), 20000 draws stay within 2.6 with probability 1e-80
        std = x.std()
        assert np.abs(x).max() > 2.6 * std


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_what_is_truncated_has_the_variance_it_promises(name: str) -> None:
    n_in, n_out = 400, 500
    variance = {
        "glorot_normal": 2 / (n_in + n_out),
        "he_normal": 2 / n_in,
        "lecun_normal": 1 / n_in,
    }
    x = init.get(name)((n_in, n_out), rng(2), np.float64)
    # x² <= 4 / 0.88² times the variance; Hoeffding with n draws, probability 1e-9.
    most = 4 / 0.87962566**2
    assert abs((x**2).mean() / variance[name] - 1) <= most * distance(x.size)


@given(st.integers(2, 9), st.integers(1, 5), st.integers(1, 3), st.floats(0.25, 4.0))
def test_orthogonal_has_orthonormal_rows_or_columns(n: int, m: int, k: int, gain: float) -> None:
    w = init.orthogonal((n, m, k), rng(n), np.float64, gain).reshape(n, m * k)
    product = w @ w.T if n <= m * k else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-13 * gain**2)


def test_orthogonal_matrices_are_equally_likely() -> None:
    corners = np.array([init.orthogonal((2, 2), rng(i), np.float64)[0] for i in range(2000)])
    angles = np.sort(np.arctan2(corners[:, 1], corners[:, 0]) / (2 * np.pi) + 0.5)
    assert np.abs(angles - np.arange(1, 2001) / 2000).max() <= distance(2000) + 1 / 2000


@pytest.mark.parametrize("name", init.INITIALIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_seed_are_kept(name: str, dtype: Any) -> None:
    one, two = (init.get(name)((4, 3, 2), rng(5), dtype) for _ in range(2))
    assert one.shape == (4, 3, 2) and one.dtype == dtype
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", [*SCALED, "zeros", "ones", "constant"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (0, 3)], ids=str)
def test_no_shape_is_too_small(name: str, shape: tuple[int, ...]) -> None:
    assert init.get(name)(shape, rng(), np.float32).shape == shape


def test_constants() -> None:
    np.testing.assert_array_equal(init.get("zeros")((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(init.get("ones")((2,)), [1, 1])
    np.testing.assert_array_equal(init.get("constant", value=0.5)((2,)), [0.5, 0.5])


def test_get_takes_options_and_functions() -> None:
    draw = init.get("truncated_normal", std=0.1)
    x = draw((100, 100), rng())
    support(x, 0.2)
    assert abs(x.std() - 0.08796) < 0.002
    assert init.get(draw) is draw


def test_keras_start_is_one_argument_away() -> None:
    layer = nn.Linear(
        300, 100, kernel_initializer="glorot_uniform", bias_initializer="zeros", rng=rng()
    )
    support(layer.weight.data, math.sqrt(6 / 400))
    np.testing.assert_array_equal(layer.bias.data, 0)
    model = nn.MLP(
        3, [4, 2], kernel_initializer="ones", bias_initializer=init.get("constant", value=0.1)
    )
    assert all(
        (p.data == (1 if p.ndim == 2 else np.float32(0.1))).all() for p in model.parameters()
    )


def test_a_function_draws_the_weights() -> None:
    seen: list[Any] = []

    def start(shape: Any, rng: np.random.Generator, dtype: Any) -> np.ndarray:
        seen.append((shape, np.dtype(dtype)))
        return np.full(shape, 2.0, dtype)

    layer = nn.Conv2d(2, 6, 3, groups=2, kernel_initializer=start, bias_initializer=start)
    assert seen == [((6, 1, 3, 3), np.float32), ((6,), np.float32)]
    assert (layer.weight.data == 2).all()


# ---- the frameworks' own ------------------------------------------------------------------------


def alike(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Two samples of one distribution, and where it ends they end together."""
    a, b = np.sort(ours.ravel()), np.sort(theirs.ravel())
    at = np.concatenate([a, b])
    apart = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    assert np.abs(apart).max() <= distance(len(a)) + distance(len(b))
    # The standard error of a standard deviation is below 0.71/√n: two of them, six times.
    assert abs(ours.std() / theirs.std() - 1) < 6 / math.sqrt(ours.size)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pytorchs_initializers_have_these_distributions(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn.init")
    generator = torch.Generator().manual_seed(0)
    turn = (lambda t: t.T) if len(shape) == 2 else (lambda t: t)  # theirs is (out, in)
    empty = torch.empty(shape[::-1] if len(shape) == 2 else shape)
    for name, options in {
        "xavier_uniform": {}, "xavier_normal": {},
        "kaiming_uniform": dict(nonlinearity="relu"), "kaiming_normal": dict(nonlinearity="relu"),
    }.items():  # fmt: skip
        fill = getattr(torch.nn.init, f"{name}_")
        theirs = turn(fill(empty.clone(), generator=generator, **options)).numpy()
        alike(init.get(name)(shape, rng(3)), theirs)


def test_layers_start_as_pytorchs_do() -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for ours, theirs in [
            (nn.Linear(300, 100, rng=rng(0)), torch.nn.Linear(300, 100)),
            (nn.Conv1d(40, 100, 7, rng=rng(1)), torch.nn.Conv1d(40, 100, 7)),
            (nn.Conv2d(40, 100, (3, 5), groups=2, rng=rng(2)), torch.nn.Conv2d(40, 100, (3, 5), groups=2)),
            (nn.ConvTranspose2d(20, 100, 4, rng=rng(3)), torch.nn.ConvTranspose2d(20, 100, 4)),
            (nn.Bilinear(20, 30, 40, rng=rng(4)), torch.nn.Bilinear(20, 30, 40)),
            (nn.Embedding(200, 100, rng=rng(5)), torch.nn.Embedding(200, 100)),
            (nn.MultiheadAttention(80, 2, rng=rng(6)), torch.nn.MultiheadAttention(80, 2)),
        ]:  # fmt: skip
            wanted = {name: p.detach().numpy() for name, p in theirs.named_parameters()}
            for name, p in ours.named_parameters():
                if np.any(wanted[name]):
                    alike(p.data, wanted[name])
                else:
                    np.testing.assert_array_equal(p.data, 0)
                if type(ours) is not nn.Embedding:  # the ends of its normal distribution vary
                    ends = np.abs(p.data).max(), np.abs(wanted[name]).max()
                    np.testing.assert_allclose(*ends, rtol=0.15)


# ---- PyTorch's names, which fill a tensor -------------------------------------------------------

FILLS: dict[str, list[dict[str, Any]]] = {
    "xavier_uniform_": [{}, dict(gain=2.0)],
    "xavier_normal_": [{}, dict(gain=0.5)],
    "kaiming_uniform_": [{}, dict(a=5**0.5), dict(mode="fan_out", nonlinearity="relu")],
    "kaiming_normal_": [{}, dict(mode="fan_out", nonlinearity="tanh")],
    "uniform_": [{}, dict(a=-2.0, b=0.5)],
    "normal_": [{}, dict(mean=1.0, std=3.0)],
    "trunc_normal_": [{}, dict(mean=0.5, std=2.0, a=-1.0, b=1.5)],
    "orthogonal_": [{}, dict(gain=3.0)],
    "constant_": [dict(val=2.5)], "ones_": [{}], "zeros_": [{}], "eye_": [{}],
    "dirac_": [{}, dict(groups=2)], "sparse_": [dict(sparsity=0.3), dict(sparsity=0.5, std=2.0)],
}  # fmt: skip


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("shape", [(300, 100), (48, 20, 5, 5)], ids=str)
def test_filled_tensors_are_pytorchs(name: str, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn.init")
    matrix = len(shape) == 2
    if matrix == (name == "dirac_") or not matrix and name in ("eye_", "sparse_"):
        return
    generator = torch.Generator().manual_seed(0)
    for options in FILLS[name]:
        own = mg.tensor(np.zeros(shape), requires_grad=True)
        other = torch.zeros(shape[::-1] if matrix else shape, dtype=torch.float64)
        drawn = name not in ("constant_", "ones_", "zeros_", "eye_", "dirac_")
        array = own.data
        assert (
            getattr(init, name)(own, **options, **(dict(generator=rng(5)) if drawn else {})) is own
        )
        assert own.data is array and own.requires_grad
        getattr(torch.nn.init, name)(
            other, **options, **(dict(generator=generator) if drawn else {})
        )
        theirs = other.numpy().T if matrix else other.numpy()
        if not drawn:
            np.testing.assert_array_equal(own.data, theirs)
        elif name == "orthogonal_":
            a, b = (w.reshape(w.shape[0], -1) for w in (own.data, theirs))
            a, b = (w.T @ w if len(w) > w.shape[1] else w @ w.T for w in (a, b))
            np.testing.assert_allclose(a, b, atol=1e-12)
        else:
            alike(own.data, theirs)
        if name == "sparse_":
            np.testing.assert_array_equal((own.data == 0).sum(1), (theirs == 0).sum(1))


def test_every_name_of_pytorchs_is_tried() -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn.init")
    theirs = {n for n in vars(torch.nn.init) if n.endswith("_") and not n.startswith("_")}
    assert theirs == set(FILLS) == {n for n in init.__all__ if n.endswith("_")}


@pytest.mark.parametrize(
    "name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gains_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn.init")
    assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.2) == torch.nn.init.calculate_gain("leaky_relu", 0.2)


def test_a_graph_that_used_it_is_out_of_date_and_arrays_are_filled_too() -> None:
    w = mg.tensor([[1.0, 2.0]], requires_grad=True)
    loss = (w * w).sum()
    init.ones_(w)
    with pytest.raises(GradientError):
        loss.backward()
    array = np.zeros((2, 2), np.float32)
    assert init.eye_(array) is array and array[0, 0] == 1
    layer = nn.Linear(3, 2)
    init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.weight.dtype == np.float32


LEAF = mg.tensor(np.zeros((2, 3)), requires_grad=True)
test_messages = table(
    (lambda: init.xavier_uniform_(mg.tensor([1.0])), ShapeError, "xavier_uniform_: shape (1,) has 1 axes, need 2 or more"),
    (lambda: init.eye_(mg.tensor([1.0])), ShapeError, "eye_: shape (1,) has 1 axes, need 2"),
    (lambda: init.ones_(LEAF * 2), GradientError, "ones_: a tensor made by mul is no leaf; fill a parameter"),
    (lambda: init.ones_([1.0]), DTypeError, "ones_: got list, need a Tensor or an array"),
    (lambda: init.kaiming_normal_(LEAF, mode="in"), ConfigError, "kaiming_normal_: mode is 'in', must be 'fan_in' or 'fan_out'"),
    (lambda: init.kaiming_normal_(LEAF, nonlinearity="swish"), ConfigError, "calculate_gain: no gain for 'swish'; use one of sigmoid, tanh, relu, selu, linear, leaky_relu"),
    (lambda: init.trunc_normal_(LEAF, a=9.0, b=10.0), ConfigError, "trunc_normal_: nothing of N(0.0, 1.0²) is between 9.0 and 10.0"),
    (lambda: init.sparse_(LEAF, 2.0), ConfigError, "sparse_: sparsity is 2.0, need 0 to 1"),
    (lambda: init.dirac_(mg.tensor(np.zeros((3, 1, 1))), 2), ShapeError, "dirac_: 3 channels are not divided by groups=2"),
)  # fmt: skip
