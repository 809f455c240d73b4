"""Every loss against PyTorch: values, gradients, second derivatives, kinks, refusals.

The first part is the comparison itself, which tests/nn/test_functional.py uses too. A case is the
name of a function, its inputs and its options; both frameworks are given the same numbers.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradnn as mg
import microgradnn.nn.functional as nnf
from microgradnn.errors import ConfigError, LabelError, ShapeError
from microgradnn.functions import losses

from ..strategies import seeds, signed

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:reduction. .mean. divides:UserWarning")
F = torch.nn.functional

# ---- what a function is given -------------------------------------------------------------------


class Maker:
    """An array drawn for each case."""

    def __init__(self, text: str, draw: Callable[[np.random.Generator], Any], leaf: bool = True):
        self.text, self.draw, self.leaf = text, draw, leaf

    def __repr__(self) -> str:
        return self.text


def shaped(shape: tuple[int, ...]) -> Maker:
    return Maker("x".join(map(str, shape)) or "()", lambda rng: signed(rng, *shape))


def numbers(low: float, high: float, *shape: int) -> Maker:
    return Maker(f"{low}..{high} {shaped(shape)}", lambda rng: rng.uniform(low, high, shape))


def labels(classes: int, *shape: int) -> Maker:
    return Maker(f"labels {shaped(shape)}", lambda rng: rng.integers(0, classes, shape))


def signs(*shape: int) -> Maker:
    return Maker(f"±1 {shaped(shape)}", lambda rng: rng.choice([-1, 1], shape))


def simplex(*shape: int) -> Maker:
    """Probabilities along axis 1 that are not near 0."""

    def draw(rng: np.random.Generator) -> Any:
        x = rng.uniform(0.2, 1, shape)
        return x / x.sum(1, keepdims=True)

    return Maker(f"simplex {shaped(shape)}", draw)


def fixed(x: Any) -> Maker:
    """Floats that get no gradient: an array, or what a maker makes."""
    if isinstance(x, Maker):
        return Maker(f"fixed {x}", x.draw, leaf=False)
    return Maker(f"fixed {x}", lambda rng: np.array(x), leaf=False)


class Case(NamedTuple):
    """f(*inputs, **options): a tuple among the inputs is a shape, filled with signed numbers."""

    name: str
    inputs: list[Any]
    options: dict[str, Any] = {}
    seed: int = 0

    def __str__(self) -> str:
        inputs = [shaped(x) if isinstance(x, tuple) else x for x in self.inputs]
        texts = [self.name, *map(str, inputs), *(f"{k}={v}" for k, v in self.options.items())]
        return " ".join(texts).replace("\n", "")

    def made(self, dtype: Any) -> Iterator[tuple[Any, Any, bool]]:
        """(place or name, value, whether it gets a gradient) of every argument."""
        rng = np.random.default_rng(self.seed)
        for key, x in [*enumerate(self.inputs), *self.options.items()]:
            x = shaped(x) if isinstance(x, tuple) and isinstance(key, int) else x
            value = np.asarray(x.draw(rng)) if isinstance(x, Maker) else x
            real = isinstance(value, np.ndarray) and value.dtype.kind == "f"
            yield key, value.astype(dtype) if real else value, real and getattr(x, "leaf", True)


def point(name: str, *inputs: Any, **options: Any) -> Case:
    """A case of literal numbers."""
    return Case(name, [np.array(x) if isinstance(x, (list, float)) else x for x in inputs], options)


# ---- the two frameworks -------------------------------------------------------------------------


class Ours:
    """microgradnn: only what gets a gradient is a tensor."""

    @staticmethod
    def function(name: str) -> Any:
        return getattr(nnf, name)

    @staticmethod
    def leaf(value: np.ndarray) -> Any:
        return mg.tensor(value, requires_grad=True)

    @staticmethod
    def constant(value: np.ndarray) -> Any:
        return value.copy()

    @staticmethod
    def pull(y: Any, seed: np.ndarray, leaves: list[Any], again: bool) -> list[Any]:
        for x in leaves:
            x.clear_grad()
        if y.requires_grad:
            y.backward(seed, create_graph=again)
        return [mg.tensor(np.zeros_like(x.data)) if x.grad is None else x.grad for x in leaves]

    @staticmethod
    def raw(x: Any) -> np.ndarray:
        return np.asarray(x.data if isinstance(x, mg.Tensor) else x)


def softplus(x: Any, beta: float = 1.0, threshold: float = inf) -> Any:
    if threshold < inf:
        return F.softplus(x, beta, threshold)
    return torch.logaddexp(x * beta, torch.zeros_like(x)) / beta  # F.softplus overflows at 710


def attention(*inputs: Any, **options: Any) -> Any:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return F.scaled_dot_product_attention(*inputs, **options)


class Torch:
    """PyTorch, with one-line replacements for what is meant to differ or is less exact there."""

    instead: dict[str, Callable[..., Any]] = {
        "linear": lambda x, w, b=None: F.linear(x, w.T, b),  # ours stores (in, out)
        "softplus": softplus,
        "scaled_dot_product_attention": attention,  # the kernel that has a second derivative
        "hardsigmoid": lambda x: F.relu6(x + 3) / 6,  # torch's slope is a 1/6 in float32
    }

    @classmethod
    def function(cls, name: str) -> Any:
        return cls.instead.get(name) or getattr(F, name)

    @staticmethod
    def leaf(value: np.ndarray) -> Any:
        return torch.tensor(value, requires_grad=True)

    @staticmethod
    def constant(value: np.ndarray) -> Any:
        return torch.tensor(value)

    @staticmethod
    def pull(y: Any, seed: np.ndarray, leaves: list[Any], again: bool) -> list[Any]:
        if not y.requires_grad:
            return [torch.zeros_like(x) for x in leaves]
        cotangent = torch.tensor(seed)
        got = torch.autograd.grad(y, leaves, cotangent, create_graph=again, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(got, leaves, strict=True)]

    @staticmethod
    def raw(x: Any) -> np.ndarray:
        return x.detach().numpy(force=True)


Results = dict[str, np.ndarray]


def called(framework: Any, case: Case, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """(outputs, leaves, constants) of one call."""
    positional, options, leaves, constants = [], {}, {}, {}
    for key, value, leaf in case.made(dtype):
        if leaf:
            value = leaves[f"input {key}"] = framework.leaf(value)
        elif isinstance(value, np.ndarray):
            value = constants[f"input {key}"] = framework.constant(value)
        if isinstance(key, int):
            positional.append(value)
        else:
            options[key] = value
    result = framework.function(case.name)(*positional, **options)
    return result if isinstance(result, tuple) else (result,), leaves, constants


def first_order(framework: Any, case: Case, dtype: Any = np.float64) -> Results:
    """Outputs, the product of a cotangent with the Jacobian for each leaf, and the other inputs
    after the call, for a function may change them (running means)."""
    outputs, leaves, constants = called(framework, case, dtype)
    found = {f"output {i}": y for i, y in enumerate(outputs)} | constants
    if leaves:
        seed = cotangent(case, outputs[0].shape, dtype)
        products = framework.pull(outputs[0], seed, [*leaves.values()], False)
        found |= {f"gradient of {k}": g for k, g in zip(leaves, products, strict=True)}
    return {k: framework.raw(v) for k, v in found.items()}


def second_order(framework: Any, case: Case, dtype: Any = np.float64) -> Results:
    """The slopes of a random combination of all gradients."""
    outputs, leaves, _ = called(framework, case, dtype)
    xs = [*leaves.values()]
    products = framework.pull(outputs[0], cotangent(case, outputs[0].shape, dtype), xs, True)
    weights = [framework.constant(cotangent(case, g.shape, dtype)) for g in products]
    total = sum((g * w).sum() for g, w in zip(products, weights, strict=True))
    slopes = framework.pull(total, np.ones((), dtype), xs, False)
    return {f"slope in {k}": framework.raw(g) for k, g in zip(leaves, slopes, strict=True)}


def cotangent(case: Case, shape: Any, dtype: Any) -> np.ndarray:
    return np.asarray(signed(np.random.default_rng(case.seed + 1), *shape), dtype)


# ---- the comparison -----------------------------------------------------------------------------


def agree(
    case: Case, order: Any = first_order, dtypes: Any = (np.float64,), condition: float = 1.0
) -> None:
    """Both frameworks give the same shapes, dtypes and, within rounding, numbers.

    No result is a sum of more terms than the largest array has elements, and no formula rounds
    more than 16 times besides. The error of one rounding is at most eps · the largest number in
    sight, times what the formula makes of it, which is measured: by the error of torch's own
    float32, in units of the eps of float32. (An amplification of a million would be a kink between
    the float32 and the float64 inputs, and the bound would mean nothing: no case has one.)
    One measurement may be lucky; where the condition number of a formula is known and not bounded,
    it is given as `condition`.
    """
    theirs = {dtype: order(Torch, case, dtype) for dtype in (np.float64, np.float32)}
    exact, rough = theirs.values()
    real = [k for k, v in exact.items() if v.dtype.kind == "f"]
    error = max((np.abs(exact[k] - rough[k]).max(initial=0) for k in real), default=0)
    everything = [*exact.values(), *arrays(case)]
    largest = max(np.abs(v).max(initial=1) for v in everything)
    size = largest + error / np.finfo(np.float32).eps
    assert size < 1e6 * largest
    roundings = 16 + max(v.size for v in everything)
    for dtype in dtypes:
        ours = order(Ours, case, dtype)
        assert ours.keys() == exact.keys()
        for key, expected in theirs[dtype].items():
            assert ours[key].dtype == expected.dtype, key
            assert ours[key].shape == expected.shape, key
            bound = roundings * np.finfo(dtype).eps * size * condition if key in real else 0
            np.testing.assert_allclose(ours[key], expected, rtol=0, atol=bound, err_msg=key)


def arrays(case: Case) -> list[np.ndarray]:
    made = [v for _, v, _ in case.made(np.float64)]
    return [v for v in made if isinstance(v, np.ndarray) and v.dtype.kind == "f"]


def same_at(case: Case) -> None:
    """At kinks and limits, where float32 would be at another point: equal within 16 roundings of
    numbers of the size of the result, or of 1, for most formulas add something to 1."""
    ours, theirs = first_order(Ours, case), first_order(Torch, case)
    assert ours.keys() == theirs.keys()
    eps = 16 * 2.0**-53
    for key, expected in theirs.items():
        np.testing.assert_allclose(ours[key], expected, rtol=eps, atol=eps, err_msg=key)


def refused_by_both(case: Case) -> None:
    """torch raises, and so must we: a result would be of something that was not meant."""
    with pytest.raises((RuntimeError, ValueError, IndexError, AssertionError, TypeError)):
        called(Torch, case)
    with pytest.raises((ValueError, IndexError, TypeError, RuntimeError, ZeroDivisionError)):
        called(Ours, case)


# ---- losses: cases ------------------------------------------------------------------------------

x, y = (4, 3), (2, 3, 2)
CASES = [
    Case("mse_loss", [x, x]),
    Case("mse_loss", [(), ()]),
    Case("mse_loss", [x, x], dict(weight=numbers(0.3, 2, 4, 3))),
    Case("l1_loss", [x, x]),
    Case("l1_loss", [y, y], dict(weight=numbers(0.3, 2, 2, 3, 2))),
    Case("huber_loss", [x, x]),
    Case("huber_loss", [x, x], dict(delta=0.5)),
    Case("huber_loss", [x, x], dict(delta=2.5, weight=numbers(0.3, 2, 4, 3))),
    Case("smooth_l1_loss", [x, x]),
    Case("smooth_l1_loss", [x, x], dict(beta=0.5)),
    Case("smooth_l1_loss", [x, x], dict(beta=2.5)),
    Case("smooth_l1_loss", [x, x], dict(beta=0.0)),
    Case("binary_cross_entropy", [numbers(0.05, 0.95, 4, 3), numbers(0, 1, 4, 3)]),
    Case("binary_cross_entropy", [numbers(0.05, 0.95, 4, 3), fixed(numbers(0, 1, 4, 3))], dict(weight=fixed(numbers(0.3, 2, 4, 3)))),
    Case("binary_cross_entropy", [numbers(0.05, 0.95, 4, 3), fixed(numbers(0, 1, 4, 3))], dict(weight=fixed(numbers(0.3, 2, 3)))),
    Case("binary_cross_entropy_with_logits", [x, numbers(0, 1, 4, 3)]),
    Case("binary_cross_entropy_with_logits", [x, numbers(0, 1, 4, 3)], dict(weight=fixed(numbers(0.3, 2, 3)))),
    Case("binary_cross_entropy_with_logits", [x, numbers(0, 1, 4, 3)], dict(weight=fixed(numbers(0.3, 2, 4, 1)))),
    Case("binary_cross_entropy_with_logits", [x, numbers(0, 1, 4, 3)], dict(pos_weight=fixed(numbers(0.3, 2, 3)))),
    Case("binary_cross_entropy_with_logits", [y, numbers(0, 1, 2, 3, 2)], dict(weight=fixed(numbers(0.3, 2, 2)), pos_weight=fixed(numbers(2, 5, 3, 1)))),
    Case("binary_cross_entropy_with_logits", [x, numbers(0, 1, 4, 3)], dict(pos_weight=fixed(numbers(0, 0, 1)))),
    Case("soft_margin_loss", [x, fixed(np.array([[1.0, -1.0, 1.0]] * 4))]),
    Case("soft_margin_loss", [y, signs(2, 3, 2)]),
    Case("cross_entropy", [x, labels(3, 4)]),
    Case("cross_entropy", [x, simplex(4, 3)]),
    Case("cross_entropy", [x, numbers(0.3, 2, 4, 3)]),
    Case("cross_entropy", [(5,), labels(5)]),
    Case("cross_entropy", [(5,), numbers(0.3, 2, 5)]),
    Case("cross_entropy", [y, labels(3, 2, 2)]),
    Case("cross_entropy", [y, simplex(2, 3, 2)]),
    Case("cross_entropy", [(2, 3, 2, 2), labels(3, 2, 2, 2)], dict(ignore_index=1)),
    Case("cross_entropy", [x, labels(3, 4)], dict(weight=fixed(numbers(0.3, 2, 3)))),
    Case("cross_entropy", [x, simplex(4, 3)], dict(weight=fixed(numbers(0.3, 2, 3)))),
    Case("cross_entropy", [x, np.array([0, 2, 1, 1])], dict(ignore_index=1)),
    Case("cross_entropy", [x, np.array([0, -100, 1, -100])]),
    Case("cross_entropy", [x, np.array([0, 7, 1, 7])], dict(ignore_index=7, weight=fixed(numbers(0.3, 2, 3)))),
    Case("cross_entropy", [x, labels(3, 4)], dict(label_smoothing=0.25)),
    Case("cross_entropy", [x, simplex(4, 3)], dict(label_smoothing=0.25)),
    Case("cross_entropy", [x, simplex(4, 3)], dict(label_smoothing=0.25, weight=fixed(numbers(0.3, 2, 3)))),
    Case("cross_entropy", [y, labels(3, 2, 2)], dict(label_smoothing=0.25, weight=fixed(numbers(0.3, 2, 3)))),
    Case("cross_entropy", [x, np.array([0, 2, 1, 1])], dict(label_smoothing=0.25, weight=fixed(numbers(0.3, 2, 3)), ignore_index=2)),
    Case("cross_entropy", [x, np.array([0, 2, 1, 1])], dict(label_smoothing=0.25, ignore_index=2)),
    Case("cross_entropy", [x, labels(3, 4)], dict(label_smoothing=1.0)),
    Case("nll_loss", [x, labels(3, 4)]),
    Case("nll_loss", [(5,), labels(5)]),
    Case("nll_loss", [y, labels(3, 2, 2)]),
    Case("nll_loss", [(2, 3, 2, 2), labels(3, 2, 2, 2)], dict(weight=fixed(numbers(0.3, 2, 3)), ignore_index=0)),
    Case("nll_loss", [x, np.array([0, 2, 1, 1])], dict(ignore_index=1)),
    Case("nll_loss", [x, np.array([0, -100, 1, -100])], dict(weight=fixed(numbers(0.3, 2, 3)))),
    Case("kl_div", [x, simplex(4, 3)]),
    Case("kl_div", [x, x], dict(log_target=True)),
    Case("multi_margin_loss", [x, labels(3, 4)]),
    Case("multi_margin_loss", [(5,), labels(5)]),
    Case("multi_margin_loss", [x, labels(3, 4)], dict(p=2)),
    Case("multi_margin_loss", [x, labels(3, 4)], dict(margin=0.25)),
    Case("multi_margin_loss", [x, labels(3, 4)], dict(p=2, margin=-0.25, weight=fixed(numbers(0.3, 2, 3)))),
    Case("multi_margin_loss", [(5,), labels(5, 1)], dict(weight=fixed(numbers(0.3, 2, 5)))),
    Case("multilabel_margin_loss", [(3, 4), np.array([[3, 0, -1, 1], [-1, 2, 1, 0], [0, 1, 2, 3]])]),
    Case("multilabel_margin_loss", [(1, 4), np.array([[2, 2, -1, -1]])]),
    Case("multilabel_margin_loss", [(4,), np.array([3, 0, -1, -1])]),
    Case("multilabel_soft_margin_loss", [x, fixed(numbers(0, 1, 4, 3))]),
    Case("multilabel_soft_margin_loss", [(3,), fixed(numbers(0, 1, 3))]),
    Case("multilabel_soft_margin_loss", [x, numbers(0, 1, 4, 3)], dict(weight=numbers(0.3, 2, 3))),
    Case("hinge_embedding_loss", [x, signs(4, 3)]),
    Case("hinge_embedding_loss", [x, signs(4, 3)], dict(margin=0.5)),
    Case("hinge_embedding_loss", [x, np.array([[1, -1, 0]] * 4)]),
    Case("margin_ranking_loss", [(6,), (6,), signs(6)]),
    Case("margin_ranking_loss", [x, x, signs(4, 3)], dict(margin=0.5)),
    Case("cosine_embedding_loss", [x, x, signs(4)]),
    Case("cosine_embedding_loss", [x, x, signs(4)], dict(margin=0.25)),
    Case("cosine_embedding_loss", [(5,), (5,), np.array(1)]),
    Case("cosine_embedding_loss", [(5,), (5,), np.array(-1)], dict(margin=-0.5)),
    Case("triplet_margin_loss", [x, x, x]),
    Case("triplet_margin_loss", [(5,), (5,), (5,)]),
    Case("triplet_margin_loss", [x, x, x], dict(margin=4.0, swap=True)),
    Case("triplet_margin_loss", [x, x, x], dict(margin=4.0, p=1.0, eps=0.01)),
    Case("triplet_margin_loss", [x, x, x], dict(margin=4.0, p=3.0)),
    Case("triplet_margin_loss", [x, x, x], dict(margin=4.0, p=inf)),
    Case("poisson_nll_loss", [x, numbers(0, 9, 4, 3)]),
    Case("poisson_nll_loss", [x, fixed(numbers(0, 9, 4, 3))], dict(full=True)),
    Case("poisson_nll_loss", [x, numbers(2, 9, 4, 3)], dict(full=True)),
    Case("poisson_nll_loss", [numbers(0.3, 9, 4, 3), numbers(0, 9, 4, 3)], dict(log_input=False)),
    Case("poisson_nll_loss", [numbers(0.3, 9, 4, 3), numbers(0, 9, 4, 3)], dict(log_input=False, eps=0.5)),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 4, 3)]),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 4)]),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 4, 1)]),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 1, 3)]),
    Case("gaussian_nll_loss", [x, x, 0.75]),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 4, 3)], dict(full=True)),
    Case("gaussian_nll_loss", [x, x, numbers(0.3, 2, 4, 3)], dict(eps=1.0)),
]  # fmt: skip
REDUCED = [
    *(c._replace(options=c.options | dict(reduction=r)) for c in CASES for r in ("mean", "sum", "none")),
    Case("kl_div", [x, simplex(4, 3)], dict(reduction="batchmean")),
    Case("kl_div", [y, y], dict(reduction="batchmean", log_target=True)),
]  # fmt: skip
MEANS = [case for case in REDUCED if case.options["reduction"] == "mean"]
NAMES = [name for name in losses.__all__ if name != "ctc_loss"]  # tests/nn/test_sequences.py


def test_every_loss_has_a_case() -> None:
    assert {case.name for case in CASES} == set(NAMES)
    assert all(getattr(nnf, name) is getattr(losses, name) for name in NAMES)


def test_mean_is_the_default_reduction() -> None:
    for case in CASES:
        mean = case._replace(options=case.options | dict(reduction="mean"))
        np.testing.assert_array_equal(called(Ours, case)[0][0].data, called(Ours, mean)[0][0].data)


@pytest.mark.parametrize("case", REDUCED, ids=str)
def test_value_and_gradient(case: Case) -> None:
    agree(case)


# torch has no second derivative of the first two; in that of the third it adds 1e-12 to p(1 - p).
ONCE = ("multi_margin_loss", "multilabel_margin_loss", "binary_cross_entropy")


@pytest.mark.parametrize("case", [case for case in MEANS if case.name not in ONCE], ids=str)
def test_second_derivative(case: Case) -> None:
    agree(case, second_order)


@pytest.mark.parametrize("case", MEANS, ids=str)
def test_float32_stays_float32(case: Case) -> None:
    agree(case, dtypes=[np.float32])


class Plain(Ours):
    """Our functions on arrays without gradients."""

    leaf = Ours.constant


@pytest.mark.parametrize("case", REDUCED, ids=str)
def test_plain_arrays_give_the_same_plain_numbers(case: Case) -> None:
    same_without_gradients(case)


def same_without_gradients(case: Case) -> None:
    outputs, _, _ = called(Plain, case)
    for got, tensor in zip(outputs, called(Ours, case)[0], strict=True):
        assert isinstance(got, (np.ndarray, np.generic))
        np.testing.assert_array_equal(got, Ours.raw(tensor))


# ---- losses: drawn shapes and options -----------------------------------------------------------


def either(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


#  Inputs and options for a drawn shape s.
DRAWN: dict[str, Callable[[tuple[int, ...]], tuple[list[Any], dict[str, Any]]]] = {
    "mse_loss": lambda s: ([s, s], dict(weight=either(None, numbers(0.3, 2, *s)))),
    "l1_loss": lambda s: ([s, s], dict(weight=either(None, numbers(0.3, 2, *s)))),
    "huber_loss": lambda s: ([s, s], dict(weight=either(None, numbers(0.3, 2, *s)), delta=either(0.5, 1.0, 2.0))),
    "smooth_l1_loss": lambda s: ([s, s], dict(beta=either(0.0, 0.5, 1.0, 2.0))),
    "binary_cross_entropy": lambda s: ([numbers(0.01, 0.99, *s), numbers(0, 1, *s)], dict(weight=either(None, fixed(numbers(0, 2, *s[-1:]))))),
    "binary_cross_entropy_with_logits": lambda s: ([numbers(-9, 9, *s), numbers(0, 1, *s)], dict(weight=either(None, fixed(numbers(0, 2, *s))), pos_weight=either(None, fixed(numbers(0, 9, *s[-1:]))))),
    "soft_margin_loss": lambda s: ([numbers(-9, 9, *s), signs(*s)], {}),
    "kl_div": lambda s: ([s, numbers(0.1, 1, *s)], dict(log_target=st.booleans())),
    "hinge_embedding_loss": lambda s: ([s, signs(*s)], dict(margin=either(-0.5, 0.5, 1.0))),
    "margin_ranking_loss": lambda s: ([s, s, signs(*s)], dict(margin=either(-0.5, 0.0, 1.0))),
    "poisson_nll_loss": lambda s: ([numbers(0.1, 3, *s), fixed(numbers(0, 9, *s))], dict(log_input=st.booleans(), full=st.booleans(), eps=either(1e-8, 0.1))),
    "gaussian_nll_loss": lambda s: ([s, s, either(numbers(0.1, 2, *s), numbers(0.1, 2, *s[:-1], 1))], dict(full=st.booleans(), eps=either(1e-6, 0.5))),
}  # fmt: skip


def drawn(data: st.DataObject, name: str, inputs: list[Any], options: dict[str, Any]) -> Case:
    """The case in which every strategy among the inputs and options is replaced by a draw."""
    options = {"reduction": either("mean", "sum", "none")} | options
    parts = [
        data.draw(v) if isinstance(v, st.SearchStrategy) else v
        for v in (*inputs, *options.values())
    ]
    chosen = dict(zip(options, parts[len(inputs) :], strict=True))
    return Case(name, parts[: len(inputs)], chosen, data.draw(seeds))


@pytest.mark.parametrize("name", DRAWN)
@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_losses_of_pairs_agree(name: str, data: st.DataObject, shape: tuple[int, ...]) -> None:
    agree(drawn(data, name, *DRAWN[name](shape)))


@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), st.integers(1, 4))
def test_losses_of_one_class_agree(data: st.DataObject, rest: tuple[int, ...], n: int) -> None:
    """rest: the batch and what follows the classes."""
    z = (*rest[:1], n, *rest[1:])
    weight = either(None, fixed(numbers(0.3, 2, n)))
    ignored = either(-100, n - 1) if n > 1 else either(-100)
    case = drawn(data, "nll_loss", [z, labels(n, *rest)], dict(weight=weight, ignore_index=ignored))
    smoothing = dict(label_smoothing=data.draw(either(0.0, 0.25, 1.0)))
    _, t, _ = [*case.made(np.float64)][1]
    if np.any(t != case.options["ignore_index"]):  # of nothing the mean is nan: a test below
        agree(case)
        agree(case._replace(name="cross_entropy", options=case.options | smoothing))
    options = case.options | smoothing | dict(ignore_index=-100)
    agree(Case("cross_entropy", [z, numbers(0, 1, *z)], options, case.seed))


@given(st.data(), st.integers(1, 4), st.integers(1, 5))
def test_losses_of_some_classes_agree(data: st.DataObject, batch: int, n: int) -> None:
    weight = either(None, fixed(numbers(0.3, 2, n)))
    options = dict(weight=weight, p=either(1, 2), margin=either(-0.5, 0.5, 1.0))
    agree(drawn(data, "multi_margin_loss", [(batch, n), labels(n, batch)], options))
    some = labels(n + 1, batch, n)
    target = Maker("labels or -1", lambda rng: some.draw(rng) - 1)
    agree(drawn(data, "multilabel_margin_loss", [(batch, n), target], {}))
    soft = [(batch, n), fixed(numbers(0, 1, batch, n))]
    agree(drawn(data, "multilabel_soft_margin_loss", soft, dict(weight=weight)))


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=5))
def test_losses_of_vectors_agree(data: st.DataObject, s: tuple[int, ...]) -> None:
    margin = either(-0.5, 0.0, 0.5)
    agree(drawn(data, "cosine_embedding_loss", [s, s, signs(*s[:-1])], dict(margin=margin)))
    options = dict(margin=either(0.5, 4.0), p=either(1.0, 1.5, 2.0, 3.0, inf), swap=st.booleans())
    agree(drawn(data, "triplet_margin_loss", [s, s, s], options | dict(eps=either(1e-6, 0.1))))


# ---- losses: kinks, limits, refusals ------------------------------------------------------------

POINTS = [
    point("l1_loss", [1.0, 2.0], [1.0, 2.0]),
    point("mse_loss", [1.0, 2.0], [1.0, 2.0]),
    point("huber_loss", [2.0, -2.0, 0.0], [0.0, 0.0, 0.0], delta=2.0),
    point("huber_loss", [1e200, -1e200], [0.0, 0.0]),
    point("smooth_l1_loss", [2.0, -2.0, 0.0], [0.0, 0.0, 0.0], beta=2.0),
    point("smooth_l1_loss", [1.0, 2.0], [1.0, 0.0], beta=0.0),
    point("binary_cross_entropy_with_logits", [1e3, -1e3, 1e3, -1e3, 0.0], [1.0, 0.0, 0.0, 1.0, 0.5]),
    point("binary_cross_entropy_with_logits", [1e3, -1e3], [1.0, 0.0], pos_weight=fixed([0.0, 2.0])),
    point("cross_entropy", [[1e4, 0.0, -1e4]], np.array([2])),
    point("cross_entropy", [[0.0, -inf]], np.array([0])),
    point("cross_entropy", [[1.0, 2.0], [3.0, 0.0]], np.array([-100, -100]), reduction="sum"),
    point("nll_loss", [[-inf, -1.0], [-2.0, -inf]], np.array([1, 0])),
    point("nll_loss", [[-inf, -1.0], [-2.0, -3.0]], np.array([0, 1]), ignore_index=0),
    point("kl_div", [-1.0, -2.0], fixed([0.0, 1.0])),
    point("multi_margin_loss", [[1.0, 0.0, 0.5]], np.array([0])),
    point("multi_margin_loss", [[1.0, 0.0, 0.5]], np.array([0]), p=2),
    point("multilabel_margin_loss", [[1.0, 0.0, 0.5]], np.array([[0, -1, -1]])),
    point("multilabel_margin_loss", [[1.0, 0.0, 0.5]], np.array([[-1, 0, 1]])),
    point("multilabel_soft_margin_loss", [[1e3, -1e3]], fixed([[0.0, 1.0]])),
    point("hinge_embedding_loss", [1.0, 0.0, 2.0], np.array([-1, -1, -1])),
    point("margin_ranking_loss", [1.0, 2.0], [1.0, 1.5], np.array([1, 1]), margin=0.5),
    point("cosine_embedding_loss", [[1.0, 0.0]], [[0.0, 1.0]], np.array([-1])),
    point("triplet_margin_loss", [[0.0, 0.0]], [[3.0, 4.0]], [[6.0, 8.0]], margin=5.0, eps=0.0),
    point("triplet_margin_loss", [[0.0, 0.0]], [[0.0, 0.0]], [[3.0, 4.0]], margin=6.0, eps=0.0),
    point("triplet_margin_loss", [[0.0, 0.0]], [[2.0, 0.0]], [[1.0, 5.0]], margin=9.0, eps=0.0, swap=True),
    point("poisson_nll_loss", [0.0, 1.0, 2.0], fixed([0.0, 1.0, 2.0]), full=True),
    point("poisson_nll_loss", [0.0, 1.0], [0.0, 1.0], log_input=False),
    point("gaussian_nll_loss", [1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [0.0, 1e-9, 1e-6]),
]  # fmt: skip


@pytest.mark.parametrize("case", POINTS, ids=str)
def test_kinks_and_limits(case: Case) -> None:
    none = {"reduction": "none"} | case.options
    same_at(case._replace(options=none))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_the_mean_over_no_label_is_nan(name: str) -> None:
    with np.errstate(invalid="ignore"):  # 0/0, as IEEE has it
        same_at(point(name, [[1.0, 2.0]], np.array([-100])))
        same_at(Case(name, [(0, 3), labels(3, 0)]))


#  torch's guard of 1e-12 is one of float32, so slopes at the guard differ by half of that eps.
GUARD = 2.0**-24


def test_the_logarithms_of_binary_cross_entropy_stop_at_minus_100() -> None:
    """And the slope at p of 0 and 1 is (p - t) / max(p(1 - p), 1e-12)."""
    case = point(
        "binary_cross_entropy", [0.0, 1.0, 0.0, 1.0, 0.0, 1.0], fixed([0.0, 1.0, 1.0, 0.0, 0.5, 0.5]), reduction="none"
    )  # fmt: skip
    with np.errstate(divide="ignore"):  # log 0 is taken and then not used
        ours, theirs = first_order(Ours, case), first_order(Torch, case)
    np.testing.assert_array_equal(theirs["output 0"], [0, 0, 100, 100, 50, 50])
    np.testing.assert_array_equal(ours["output 0"], theirs["output 0"])
    slopes = [results["gradient of input 0"] for results in (ours, theirs)]
    np.testing.assert_allclose(*slopes, rtol=GUARD, atol=0)


def test_cosine_embedding_loss_of_zero_vectors() -> None:
    case = point("cosine_embedding_loss", [[0.0, 0.0]], [[0.0, 1.0]], np.array([1]))
    ours, theirs = first_order(Ours, case), first_order(Torch, case)
    for key, expected in theirs.items():
        np.testing.assert_allclose(ours[key], expected, rtol=GUARD, atol=0, err_msg=key)


def test_soft_margin_loss_is_exact_in_both_tails() -> None:
    """log(1 + exp(x)), which torch computes as it stands: inf at 1000, three digits at -30."""
    x = mg.tensor([1000.0, 30.0, -30.0, -1000.0], requires_grad=True)
    y = nnf.soft_margin_loss(x, -np.ones(4), reduction="none")
    y.sum().backward()
    small, slope = 9.357622968839737e-14, 9.357622968839299e-14  # log1p(exp(-30)), σ(-30)
    np.testing.assert_allclose(y.data, [1000, 30 + small, small, 0], rtol=4 * 2.0**-52, atol=0)
    np.testing.assert_allclose(x.grad, [1, 1 - slope, slope, 0], rtol=4 * 2.0**-52, atol=0)


@given(
    hnp.arrays(float, 4, elements=st.floats(0, 1)), hnp.arrays(float, 4, elements=st.floats(0, 1))
)
def test_clip_eps_is_binary_cross_entropy_of_the_clipped(p: np.ndarray, t: np.ndarray) -> None:
    x = mg.tensor(p, requires_grad=True)
    got = nnf.binary_cross_entropy(x, t, reduction="none", clip_eps=0.125)
    clipped = np.clip(p, 0.125, 0.875)
    expected = F.binary_cross_entropy(torch.tensor(clipped), torch.tensor(t), reduction="none")
    # logarithms and products of numbers below 3, five roundings in each framework
    np.testing.assert_allclose(got.data, expected.numpy(), rtol=0, atol=10 * 3 * 2.0**-53)
    got.sum().backward()
    inside = (p >= 0.125) & (p <= 0.875)
    slope = np.where(inside, (clipped - t) / (clipped * (1 - clipped)), 0)
    np.testing.assert_allclose(x.grad, slope, rtol=0, atol=10 * 10 * 2.0**-53)


#  What torch refuses because the result would be of something else than was meant.
REFUSED = [
    point("huber_loss", [1.0], [2.0], delta=0.0),
    point("huber_loss", [1.0], [2.0], delta=-1.0),
    point("smooth_l1_loss", [1.0], [2.0], beta=-1.0),
    Case("mse_loss", [(3,), (3,)], dict(weight=numbers(1, 2, 1))),
    Case("l1_loss", [(3,), (3,)], dict(weight=numbers(1, 2, 3, 1))),
    Case("huber_loss", [(3,), (3,)], dict(weight=numbers(1, 2, 4))),
    point("binary_cross_entropy", [0.5, 1.5], [0.0, 1.0]),
    point("binary_cross_entropy", [0.5, -0.5], [0.0, 1.0]),
    point("binary_cross_entropy", [0.5, 0.5], [0.0, 2.0]),
    Case("binary_cross_entropy", [numbers(0, 1, 2), numbers(0, 1, 2)], dict(weight=numbers(1, 2, 3, 2))),
    Case("binary_cross_entropy_with_logits", [(2,), numbers(0, 1, 2)], dict(weight=fixed(numbers(1, 2, 3, 2)))),
    Case("binary_cross_entropy_with_logits", [(2,), numbers(0, 1, 2)], dict(pos_weight=fixed(numbers(1, 2, 3, 2)))),
    Case("cross_entropy", [(4, 3), labels(3, 4)], dict(weight=fixed(numbers(1, 2, 2)))),
    Case("cross_entropy", [(4, 3), labels(3, 4)], dict(weight=fixed(numbers(1, 2, 5)))),
    Case("cross_entropy", [(4, 3), labels(3, 4)], dict(label_smoothing=1.5)),
    Case("cross_entropy", [(4, 3), simplex(4, 3)], dict(ignore_index=1)),
    Case("nll_loss", [(4, 3), labels(2, 4)], dict(weight=fixed(numbers(1, 2, 2)))),
    Case("nll_loss", [(4, 3), labels(3, 4)], dict(weight=fixed(numbers(1, 2, 5)))),
    Case("nll_loss", [(2, 3, 4), labels(3, 2, 3)]),
    Case("multi_margin_loss", [(4, 3), labels(2, 4)], dict(weight=fixed(numbers(1, 2, 2)))),
    Case("multi_margin_loss", [(4, 3), labels(3, 4)], dict(weight=fixed(numbers(1, 2, 5)))),
    Case("multilabel_margin_loss", [(2, 3), labels(3, 2, 2)]),
    Case("multilabel_margin_loss", [(2, 3), labels(3, 2, 4)]),
    Case("multilabel_margin_loss", [(2, 3), numbers(0, 2, 2, 3)]),
    Case("margin_ranking_loss", [(3, 1), (3,), signs(3)]),
    Case("margin_ranking_loss", [(3,), (3,), signs(3, 1)]),
    Case("cosine_embedding_loss", [(2, 3), (2, 3), signs(2, 1)]),
    Case("cosine_embedding_loss", [(2, 3), (3,), signs(2)]),
    Case("triplet_margin_loss", [(2, 3), (3,), (2, 3)]),
    Case("gaussian_nll_loss", [(2, 3), (2, 3), numbers(1, 2, 3)]),
    Case("gaussian_nll_loss", [(2, 3), (2, 3), -1.0]),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_torch_refuses_is_refused(case: Case) -> None:
    refused_by_both(case)


@pytest.mark.parametrize(
    "name", [n for n in DRAWN if n != "margin_ranking_loss"] + ["multilabel_soft_margin_loss"]
)
def test_different_shapes_are_not_broadcast(name: str) -> None:
    """(3, 1) against (3,) would compare every output with every target."""
    variance = [np.full((3, 1), 0.5)] if name == "gaussian_nll_loss" else []
    with pytest.raises(ShapeError) as caught:
        getattr(nnf, name)(mg.tensor(np.full((3, 1), 0.5)), np.ones(3), *variance)
    text = f"{name}: input has shape (3, 1), target (3,); reshape one of them"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "case", [*{case.name: case for case in CASES}.values()], ids=lambda c: c.name
)
def test_an_unknown_reduction_is_named(case: Case) -> None:
    with pytest.raises(ConfigError) as caught:
        called(Ours, case._replace(options=case.options | dict(reduction="avg")))
    assert str(caught.value) == f"{case.name}: reduction 'avg'; use 'mean', 'sum' or 'none'"


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "multi_margin_loss"])
@pytest.mark.parametrize(
    ("target", "error", "text"),
    [
        ([0, 3], LabelError, "label 3 at index (1,) is out of range; labels for 3 classes are 0 to 2"),
        ([-1, 0], LabelError, "label -1 at index (0,) is out of range; labels for 3 classes are 0 to 2"),
        ([0], ShapeError, "labels have shape (1,), expected (2,) for logits of shape (2, 3)"),
        ([[0], [1]], ShapeError, "labels have shape (2, 1), expected (2,) for logits of shape (2, 3)"),
    ],
)  # fmt: skip
def test_wrong_labels_are_named(name: str, target: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        getattr(nnf, name)(np.ones((2, 3)), np.array(target))
    assert str(caught.value) == f"{name}: {text}"
