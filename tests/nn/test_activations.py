"""Activation and loss modules against PyTorch's of the same name and options: values and slopes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.nn.mlp import ACTIVATIONS

torch = pytest.importorskip("torch", reason="compares with torch.nn")

# Name: options, our own option names, if they differ.
PLAIN = (
    "Identity ReLU ReLU6 Tanh Sigmoid LogSigmoid SELU SiLU Mish Softsign Hardsigmoid Hardswish "
    "Tanhshrink"
).split()
WITH_OPTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Softplus", dict(beta=2.0, threshold=30.0), {}),
    ("LeakyReLU", dict(negative_slope=0.25), {}),
    ("LeakyReLU", {}, {}),
    ("ELU", dict(alpha=2.0), {}),
    ("CELU", dict(alpha=0.5), {}),
    ("GELU", dict(approximate="tanh"), {}),
    ("GELU", {}, {}),
    ("Hardtanh", dict(min_val=-2.0, max_val=0.5), {}),
    ("Softshrink", dict(lambd=0.25), {}),
    ("Hardshrink", dict(lambd=0.75), {}),
    ("Threshold", dict(threshold=0.1, value=20.0), {}),
    ("Softmax", dict(dim=0), dict(axis=0)),
    ("Softmin", dict(dim=1), dict(axis=1)),
    ("LogSoftmax", dict(dim=-1), dict(axis=-1)),
    ("GLU", dict(dim=0), dict(axis=0)),
    ("GLU", {}, {}),
]
ALL = [(name, {}, {}) for name in PLAIN] + WITH_OPTIONS


def close(got: Any, wanted: Any, ulps: float = 64) -> None:
    wanted = np.asarray(wanted.detach() if isinstance(wanted, torch.Tensor) else wanted)
    assert got.shape == wanted.shape
    scale = np.maximum(1.0, np.abs(wanted))
    assert (np.abs(got - wanted) <= ulps * 2.0**-52 * scale).all(), (got, wanted)


def both(
    ours: nn.Module, theirs: Any, differentiable: int, *xs: np.ndarray, ulps: float = 64
) -> None:
    """The outputs are equal, and the gradients of the first inputs."""
    mine = [mg.tensor(x, requires_grad=i < differentiable) for i, x in enumerate(xs)]
    other = [torch.tensor(x, requires_grad=i < differentiable) for i, x in enumerate(xs)]
    y, z = ours(*mine), theirs(*other)
    close(y.data, z, ulps)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    for a, b in zip(mine[:differentiable], other, strict=False):
        close(a.grad, b.grad, ulps)


@pytest.mark.parametrize(("name", "options", "own"), ALL, ids=[f"{n}{o}" for n, o, _ in ALL])
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.5, 3.0, 20.0]))
def test_an_activation_is_pytorchs(
    name: str, options: dict[str, Any], own: dict[str, Any], seed: int, size: float
) -> None:
    x = np.random.default_rng(seed).uniform(-size, size, (4, 6))
    ours, theirs = getattr(nn, name)(**(own or options)), getattr(torch.nn, name)(**options)
    # hardsigmoid's slope is a float32 constant in torch.
    ulps = 2.0**30 if name in ("Hardsigmoid", "Hardswish") else 64
    both(ours, theirs, 1, x, ulps=ulps)
    both(nn.Sequential(ours), theirs, 1, x, ulps=ulps)


def test_every_function_of_one_input_has_its_module() -> None:
    modules = {name.lower() for name in nn.__all__}
    activations = set(nn.functional.activation.__all__) - {"normalize"}
    assert {name.replace("_", "") for name in activations} <= modules


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.ReLU(), "ReLU()"),
        (nn.LeakyReLU(0.25), "LeakyReLU(negative_slope=0.25)"),
        (nn.ELU(), "ELU(alpha=1.0)"),
        (nn.GELU("tanh"), "GELU(approximate='tanh')"),
        (nn.Softmax(), "Softmax(axis=-1)"),
        (nn.Softplus(), "Softplus(beta=1.0, threshold=inf)"),
        (nn.Threshold(0, 1), "Threshold(threshold=0, value=1)"),
        (nn.MSELoss(), "MSELoss()"),
        (nn.HuberLoss(delta=2.0), "HuberLoss(delta=2.0)"),
        (
            nn.CrossEntropyLoss([1.0, 2.0], label_smoothing=0.1),
            "CrossEntropyLoss(weight: (2,), label_smoothing=0.1)",
        ),
    ],
    ids=str,
)
def test_the_repr_names_the_options(module: nn.Module, text: str) -> None:
    assert repr(module) == text


def test_an_option_may_be_changed_and_modules_are_themselves() -> None:
    module = nn.LeakyReLU(0.5)
    module.negative_slope = 0.25
    assert module(np.array([-4.0]))[0] == -1.0
    assert nn.ReLU() != nn.ReLU() and len({module, nn.LeakyReLU(0.25)}) == 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_mlp_takes_every_activation_by_name(name: str) -> None:
    model = nn.MLP(2, [3, 1], name, rng=np.random.default_rng(0))
    assert type(model[1]) is type(ACTIVATIONS[name]())
    assert model(np.ones((4, 2), np.float32)).dtype == np.float32


# ---- losses -------------------------------------------------------------------------------------


def normal(*shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda r: r.normal(size=shape)


def uniform(*shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda r: r.uniform(0.05, 0.95, shape)


def labels(high: int, *shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda r: r.integers(0, high, shape)


def signs(*shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda r: r.choice([-1.0, 1.0], shape)


W3 = np.array([0.5, 1.0, 2.5])
# Name, options, how many inputs have gradients, inputs.
LOSSES: list[tuple[str, dict[str, Any], int, tuple[Any, ...]]] = [
    ("MSELoss", {}, 2, (normal(4, 3), normal(4, 3))),
    ("L1Loss", {}, 2, (normal(4, 3), normal(4, 3))),
    ("HuberLoss", dict(delta=0.5), 2, (normal(4, 3), normal(4, 3))),
    ("SmoothL1Loss", dict(beta=0.5), 2, (normal(4, 3), normal(4, 3))),
    ("BCELoss", dict(weight=W3), 1, (uniform(4, 3), uniform(4, 3))),
    ("BCEWithLogitsLoss", dict(weight=W3, pos_weight=W3[::-1]), 1, (normal(4, 3), uniform(4, 3))),
    ("SoftMarginLoss", {}, 1, (normal(4, 3), signs(4, 3))),
    ("HingeEmbeddingLoss", dict(margin=0.5), 1, (normal(4, 3), signs(4, 3))),
    ("CrossEntropyLoss", {}, 1, (normal(4, 3), labels(3, 4))),
    ("CrossEntropyLoss", dict(weight=W3, label_smoothing=0.1, ignore_index=1), 1, (normal(9, 3), lambda r: np.arange(9) % 3)),
    ("CrossEntropyLoss", {}, 1, (normal(4, 3, 2), labels(3, 4, 2))),
    ("NLLLoss", dict(weight=W3), 1, (normal(4, 3), labels(3, 4))),
    ("KLDivLoss", dict(log_target=True), 2, (normal(4, 3), normal(4, 3))),
    ("MultiMarginLoss", dict(p=2, margin=0.5, weight=W3), 1, (normal(4, 3), labels(3, 4))),
    ("MultiLabelMarginLoss", {}, 1, (normal(2, 3), lambda r: np.array([[0, 2, -1], [1, -1, 0]]))),
    ("MultiLabelSoftMarginLoss", dict(weight=W3), 1, (normal(4, 3), labels(2, 4, 3))),
    ("MarginRankingLoss", dict(margin=0.5), 2, (normal(4), normal(4), signs(4))),
    ("CosineEmbeddingLoss", dict(margin=0.1), 2, (normal(4, 3), normal(4, 3), signs(4))),
    ("TripletMarginLoss", dict(margin=0.5, swap=True), 3, (normal(4, 3),) * 3),
    ("PoissonNLLLoss", dict(log_input=False, full=True), 1, (uniform(4, 3), uniform(4, 3))),
    ("GaussianNLLLoss", dict(full=True), 3, (normal(4, 3), normal(4, 3), uniform(4, 3))),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # KLDivLoss in torch
@pytest.mark.parametrize(
    ("name", "options", "n", "inputs"), LOSSES, ids=[f"{a}{sorted(b)}" for a, b, *_ in LOSSES]
)
@given(seed=st.integers(0, 2**32 - 1), reduction=st.sampled_from(["mean", "sum", "none"]))
def test_a_loss_is_pytorchs(
    name: str, options: dict[str, Any], n: int, inputs: Any, seed: int, reduction: str
) -> None:
    r = np.random.default_rng(seed)
    xs = [make(r) for make in inputs]
    weights = ("weight", "pos_weight")
    given_to_torch = {k: torch.tensor(v.copy()) if k in weights else v for k, v in options.items()}
    ours = getattr(nn, name)(reduction=reduction, **options)
    theirs = getattr(torch.nn, name)(reduction=reduction, **given_to_torch)
    if name == "MultiLabelSoftMarginLoss":
        xs[1] = xs[1].astype(float)
    both(ours, theirs, n, *xs, ulps=2.0**12)  # sums of a dozen terms; log near 0 in a few


def test_every_loss_is_one_of_torchs_and_is_tested() -> None:
    ours = {n for n in nn.__all__ if n.endswith("Loss")}
    assert ours <= set(dir(torch.nn))
    assert ours == {"CTCLoss", *(name for name, *_ in LOSSES)}  # CTC: test_sequences.py


def test_batchmean_is_the_divergence() -> None:
    p, q = np.array([[0.25, 0.75]]), np.array([[0.5, 0.5]])
    loss = nn.KLDivLoss(reduction="batchmean")(np.log(q), p)
    np.testing.assert_allclose(loss, np.sum(p * np.log(p / q)), rtol=1e-15)


def test_a_weight_is_a_buffer_and_takes_on_the_dtype_of_the_input() -> None:
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0])
    assert [name for name, _ in loss.named_buffers()] == ["weight"]
    z = mg.tensor(np.ones((3, 2), np.float32), requires_grad=True)
    assert loss(z, np.array([0, 1, 1])).dtype == np.float32
    assert loss.float().weight.dtype == np.float32
