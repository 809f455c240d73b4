"""The public calls: every form of their arguments, right and wrong, and what is refused."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import check, custom_jvp, custom_vjp
from microgradnn.check import examine
from microgradnn.errors import CheckError, ConfigError
from tests.check.zoo import right
from tests.strategies import seeds, signed

X = np.array([[0.5, -1.25, 2.0], [0.75, 1.5, -0.3]])
W = np.array([[1.5, -0.5], [0.25, 2.0], [-1.0, 0.75]])
B = np.array([0.1, -0.2])


@pytest.fixture(autouse=True)
def without_names_of_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tested in test_diagnosis."""
    monkeypatch.setattr(examine, "diagnose", lambda *_: [])


def codes(report: Any) -> set[str]:
    return {f.code for f in report.findings if f.verdict != "PASS"}


# ---- vjp -----------------------------------------------------------------------------------------


def sine(x):
    return np.sin(x)


def jax_form(factor):
    return lambda x: (np.sin(x), lambda dout: factor * dout * np.cos(x))


def plain_form(factor):
    return lambda dout, x: factor * dout * np.cos(x)


@pytest.mark.parametrize("form", [jax_form, plain_form])
@pytest.mark.parametrize("args", [(X,), X, [X]])
def test_vjp_with_a_cotangent(form: Any, args: Any) -> None:
    report = check.vjp(sine, form(1), args)
    assert report.verdict == "PASS" and report.name == "sine" and report.coverage == {"x": (6, 6)}
    report = check.vjp(sine, form(1.001), args)
    assert report.verdict == "FAIL" and "GC201" in codes(report)
    assert check.vjp(sine, form(-1), args, name="minus").name == "minus"


def test_vjp_of_a_scalar_function_and_its_gradient() -> None:
    f = lambda x, y: np.sum(np.sin(x) * y)  # noqa: E731
    right_grad = lambda x, y: (np.cos(x) * y, np.sin(x))  # noqa: E731
    wrong_grad = lambda x, y: (np.cos(x) * y, np.sin(x) + 1e-6)  # noqa: E731
    y = X[::-1].copy()
    assert check.vjp(f, right_grad, (X, y)).verdict == "PASS"
    report = check.vjp(f, wrong_grad, (X, y))
    assert report.verdict == "FAIL" and report.findings[0].argument == "y"
    g = lambda x: np.sum(np.sin(x))  # noqa: E731
    assert check.vjp(g, lambda x: np.cos(x), (X,)).verdict == "PASS"
    assert check.vjp(g, lambda x: np.sin(x), (X,)).verdict == "FAIL"


def test_vjp_of_several_arguments_and_results() -> None:
    def f(x, y):
        return x * y, x + y

    def two_results(x, y):
        return f(x, y), lambda douts: (douts[0] * y + douts[1], douts[0] * x + douts[1])

    def swapped(x, y):
        return f(x, y), lambda douts: (douts[0] * x + douts[1], douts[0] * y + douts[1])

    y = X[::-1].copy()
    assert check.vjp(f, two_results, (X, y)).verdict == "PASS"
    report = check.vjp(f, swapped, (X, y))
    assert report.verdict == "FAIL" and {f.argument for f in report.findings} == {"x", "y"}


def test_vjp_of_plain_floats() -> None:
    f = lambda x, y: x**2 * y  # noqa: E731
    f_vjp = lambda x, y: (f(x, y), lambda g: (2 * g * x * y, g * x**2))  # noqa: E731
    wrong = lambda x, y: (f(x, y), lambda g: (g * x * y, g * x**2))  # noqa: E731
    assert check.vjp(f, f_vjp, (0.5, 1.5)).verdict == "PASS"
    assert check.vjp(f, wrong, (0.5, 1.5)).verdict == "FAIL"


def test_vjp_wrt() -> None:
    f = lambda x, w: x @ w  # noqa: E731
    f_vjp = lambda dout, x, w: dout @ w.T  # noqa: E731
    for wrt in ("x", 0, ["x"], (0,)):
        report = check.vjp(f, f_vjp, (X, W), wrt=wrt)
        assert report.verdict == "PASS" and set(report.coverage) == {"x"}
    with pytest.raises(ConfigError, match=r"wrt names 'q'; float arrays here are \['x', 'w'\]"):
        check.vjp(f, f_vjp, (X, W), wrt="q")


# ---- jvp -----------------------------------------------------------------------------------------


def jax_jvp(factor):
    return lambda primals, tangents: (
        np.sin(primals[0]), factor * np.cos(primals[0]) * tangents[0],
    )  # fmt: skip


def flat_jvp(factor):
    return lambda x, t: factor * np.cos(x) * t


@pytest.mark.parametrize("form", [jax_jvp, flat_jvp])
def test_jvp(form: Any) -> None:
    report = check.jvp(sine, form(1), (X,))
    assert report.verdict == "PASS" and report.methods["out"] == "traced exactly"
    for factor in (1 + 1e-9, 2, -1):
        report = check.jvp(sine, form(factor), (X,))
        assert report.verdict == "FAIL" and codes(report) == {"GC201"}
    assert check.jvp(sine, form(1), X).verdict == "PASS"


def test_jvp_of_several_arguments() -> None:
    f = lambda x, w: x @ w  # noqa: E731
    assert check.jvp(f, lambda x, w, dx, dw: dx @ w + x @ dw, (X, W)).verdict == "PASS"
    assert check.jvp(f, lambda x, w, dx, dw: dx @ w, (X, W)).verdict == "FAIL"
    both = lambda p, t: (f(*p), t[0] @ p[1] + p[0] @ t[1])  # noqa: E731
    assert check.jvp(f, both, (X, W)).verdict == "PASS"


@pytest.mark.parametrize(
    ("f_jvp", "code", "verdict"),
    [
        (lambda x, t: np.cos(x) * np.abs(t), "GC102", "FAIL"),
        (lambda x, t: np.cos(x) * t + 1e-3, "GC102", "FAIL"),
        (lambda x, t: (np.cos(x) * t).T, "GC041", "CONTRACT"),
        (lambda x, t: np.cos(x) * t * np.random.rand(), "GC011", "NONDETERMINISTIC"),
        (lambda x, t: 1 / 0, "GC001", "CONTRACT"),
    ],
)
def test_jvps_that_break_a_rule(f_jvp: Any, code: str, verdict: str) -> None:
    report = check.jvp(sine, f_jvp, (X,))
    assert code in codes(report) <= {code, "GC201"} and report.verdict == verdict
    assert check.jvp(sine, flat_jvp(1), (X,)).ok


def test_jvp_where_nothing_can_be_traced() -> None:
    def f(x):
        if x.dtype != np.float64:
            raise TypeError("a buffer of doubles is needed")
        return np.sin(x)

    report = check.jvp(f, flat_jvp(1), (X,))
    assert report.verdict == "PASS" and "differences" in report.methods["out"]
    assert check.jvp(f, flat_jvp(1.001), (X,)).verdict == "FAIL"


# ---- dot products and Taylor remainders ----------------------------------------------------------


def test_dot_product_of_a_linear_map_and_its_adjoint() -> None:
    forward, adjoint = (lambda x: np.cumsum(x)), (lambda v: np.cumsum(v[::-1])[::-1])
    x = np.arange(5.0)
    assert check.dot_product_test(forward, adjoint, (x,)).verdict == "PASS"
    report = check.dot_product_test(forward, forward, (x,))
    assert report.verdict == "FAIL" and codes(report) == {"GC103"}
    assert "are not each other's transpose" in str(report)
    assert report.reproduce == "check.dot_product_test(f_jvp, f_vjp, args, seed=0)"


@given(seeds)
def test_dot_product_of_jvp_and_vjp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = signed(rng, 2, 3), signed(rng, 3, 4)
    jvp = lambda x, w, dx, dw: dx @ w + x @ dw  # noqa: E731
    vjp = lambda dout, x, w: (dout @ w.T, x.T @ dout)  # noqa: E731
    assert check.dot_product_test(jvp, vjp, (x, w), seed=seed % 1000).verdict == "PASS"
    wrong = lambda dout, x, w: (dout @ w.T, 1.0001 * x.T @ dout)  # noqa: E731
    assert check.dot_product_test(jvp, wrong, (x, w), seed=seed % 1000).verdict == "FAIL"
    as_jax = lambda x, w: (x @ w, lambda dout: (dout @ w.T, x.T @ dout))  # noqa: E731
    assert check.dot_product_test(jvp, as_jax, (x, w)).verdict == "PASS"


def test_taylor() -> None:
    f, df = (lambda x: np.sum(np.exp(x) * x)), (lambda x: np.exp(x) * (1 + x))
    for grad in (df, df(X)):
        report = check.taylor_test(f, grad, X)
        assert report.verdict == "PASS"
        rates = report.findings[0].data["rates"]
        assert np.median(rates) == pytest.approx(2, abs=0.1)
        assert len(report.findings[0].data["remainders"]) == len(report.findings[0].data["steps"])
    report = check.taylor_test(f, lambda x: 1.01 * df(x), X)
    assert report.verdict == "FAIL" and codes(report) == {"GC208"}
    assert np.median(report.findings[0].data["rates"]) == pytest.approx(1, abs=0.2)
    assert "2 is right, 1 says that the gradient is wrong" in str(report)


def test_taylor_along_a_direction_and_of_several_arguments() -> None:
    f = lambda x, y: np.sum(x**2 * y)  # noqa: E731
    grad = lambda x, y: (2 * x * y, x**2)  # noqa: E731
    assert check.taylor_test(f, grad, (X, X + 1)).verdict == "PASS"
    assert check.taylor_test(f, lambda x, y: (2 * x * y, x), (X, X + 1)).verdict == "FAIL"
    only_first = np.zeros(X.shape)
    only_first[0, 0] = 1.0
    g, dg = (
        (lambda x: np.sum(np.sin(x))),
        (lambda x: np.where(np.arange(6).reshape(2, 3) == 5, 9, np.cos(x))),
    )
    assert check.taylor_test(g, dg, X, only_first).verdict == "PASS"
    assert check.taylor_test(g, dg, X).verdict == "FAIL"
    assert codes(check.taylor_test(g, np.zeros(6), X)) == {"GC041"}


# ---- grads, gradcheck ----------------------------------------------------------------------------


@custom_vjp
def halved(x):
    return x**3


halved.defvjp(lambda x: (x**3, x), lambda x, g: (g * 1.5 * x**2,))


@custom_vjp
def cubed(x):
    return x**3


cubed.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2,))


@custom_jvp
def skewed(x):
    return np.sin(x)


skewed.defjvp(
    lambda primals, tangents: (np.sin(primals[0]), 1.01 * np.cos(primals[0]) * tangents[0])
)


@custom_vjp
def flat(x):
    """The first derivative is right; differentiated again it is a constant."""
    return x**3


flat.defvjp(
    lambda x: (x**3, 3 * mg.stop_gradient(x) ** 2), lambda slope, g: (g * slope,)
)  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("modes", [("rev",), ("fwd",), ("fwd", "rev")])
def test_grads_of_right_functions(order: int, modes: Any) -> None:
    f = lambda x, w: np.tanh(x @ w) + np.sum(x**2)  # noqa: E731
    report = check.grads(f, (X, W), order, modes)
    assert report.verdict == "PASS", report
    assert check.grads(lambda x: np.exp(np.sin(x)), X, order, modes).ok


def test_grads_find_wrong_rules_in_the_order_and_mode_where_they_are() -> None:
    x = np.array([0.5, -1.5])
    assert check.grads(cubed, x).verdict == "PASS"
    report = check.grads(halved, x)
    assert report.verdict == "FAIL" and codes(report) == {"GC201"}
    assert report.worst is not None and report.worst.yours == pytest.approx(report.worst.true / 2)
    assert not check.grads(lambda x: halved(x) * 2 + x, x).ok
    assert check.grads(skewed, x, modes=("fwd",)).verdict == "FAIL"
    assert check.grads(flat, x, order=1).verdict == "PASS"
    report = check.grads(flat, x, order=2)
    assert report.verdict == "FAIL" and codes(report) == {"GC207"}, report


def test_grads_wrt() -> None:
    f = lambda x, w: halved(x) * w  # noqa: E731
    x, w = np.array([0.5, 1.5]), np.array([2.0, -1.0])
    assert not check.grads(f, (x, w)).ok
    for wrt in ("w", 1, ["w"]):
        assert check.grads(f, (x, w), wrt=wrt).ok
    assert not check.grads(f, (x, w), wrt="x").ok


def test_gradcheck_is_called_as_in_torch() -> None:
    x = mg.tensor([0.5, -1.5], requires_grad=True)
    constant = mg.tensor([2.0, 3.0])
    assert check.gradcheck(cubed, (x,)) is True
    assert check.gradcheck(cubed, x) is True
    assert check.gradcheck(lambda x, c: cubed(x) * c, (x, constant)) is True
    assert check.gradcheck(lambda x, c: x * halved(c), (x, constant)) is True  # needs no gradient
    assert check.gradcheck(lambda x: np.sum(np.sin(x)), (np.array([0.5, 1.0]),)) is True
    with pytest.raises(CheckError, match="GC201"):
        check.gradcheck(halved, (x,))
    assert check.gradcheck(halved, (x,), raise_exception=False) is False
    assert check.gradcheck(skewed, (x,), check_forward_ad=True, raise_exception=False) is False
    assert check.gradcheck(cubed, (x,), check_forward_ad=False, check_backward_ad=True) is True


def test_gradgradcheck() -> None:
    x = mg.tensor([0.5, -1.5], requires_grad=True)
    assert check.gradgradcheck(lambda x: np.sin(x) ** 2, (x,)) is True
    assert check.gradgradcheck(flat, (x,), raise_exception=False) is False
    assert check.gradcheck(flat, (x,)) is True


@pytest.mark.parametrize(
    "options",
    [{"eps": 1e-6}, {"atol": 1e-4, "rtol": 1e-3}, {"nondet_tol": 0.1}, {"fast_mode": True}],
)
def test_tolerances_are_not_needed(options: Any) -> None:
    x = mg.tensor([0.5], requires_grad=True)
    with pytest.warns(UserWarning, match=f"gradcheck: {', '.join(options)} not needed") as seen:
        assert check.gradcheck(cubed, (x,), **options)
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not check.gradcheck(halved, (x,), raise_exception=False, **options)


def test_gradcheck_of_nothing() -> None:
    with pytest.raises(
        ConfigError, match="gradcheck: no input requires grad; make one with mg.tensor"
    ):
        check.gradcheck(cubed, (mg.tensor([0.5]),))


# ---- layer: functions ----------------------------------------------------------------------------


AFFINE = right.affine_forward, right.affine_backward


def wrong_affine(dout, cache):
    dx, dw, db = right.affine_backward(dout, cache)
    return dx, dw * 2, db


FORMS: dict[str, dict[str, Any]] = {
    "tuple": {"inputs": (X, W, B)},
    "list": {"inputs": [X, W, B]},
    "dict": {"inputs": {"x": X, "w": W, "b": B}},
    "dict in another order": {"inputs": {"b": B, "w": W, "x": X}},
    "params by name": {"inputs": X, "params": {"w": W, "b": B}},
    "params in order": {"inputs": (X,), "params": (W, B)},
    "one param": {"inputs": (X, W), "params": B},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_of_the_inputs(form: Any) -> None:
    report = check.layer(*AFFINE, **form)
    assert report.verdict == "PASS" and list(report.coverage) == ["x", "w", "b"]
    report = check.layer(right.affine_forward, wrong_affine, **form)
    assert report.verdict == "FAIL" and [f.argument for f in report.findings] == ["w"]


def test_gradients_in_a_dict_by_name() -> None:
    x, w, b = X, W.T.copy(), B[None]
    assert check.layer(right.linear_forward, right.linear_backward, (x, w, b)).verdict == "PASS"

    def wrong(dout, saved):
        grads = right.linear_backward(dout, saved)
        return {**grads, "db": -grads["db"]}

    report = check.layer(right.linear_forward, wrong, (x, w, b))
    assert report.verdict == "FAIL" and [f.argument for f in report.findings] == ["b"]


def test_hyper_are_keywords_of_forward() -> None:
    def forward(x, scale=1.0, *, power):
        return scale * x**power, (x, scale, power)

    def backward(dout, cache):
        x, scale, power = cache
        return dout * scale * power * x ** (power - 1)

    report = check.layer(forward, backward, (X,), hyper={"scale": 0.5, "power": 3})
    assert report.verdict == "PASS", report
    only_two = lambda dout, cache: dout * cache[1] * 2 * cache[0]  # noqa: E731
    assert check.layer(forward, only_two, (X,), hyper={"power": 2}).ok
    assert not check.layer(forward, only_two, (X,), hyper={"power": 3}).ok


def test_wrt_chooses_among_the_inputs() -> None:
    def only_w(dout, cache):
        return right.affine_backward(dout, cache)[1]

    report = check.layer(right.affine_forward, only_w, (X, W, B), wrt="w")
    assert report.verdict == "PASS" and set(report.coverage) == {"w"}
    assert check.layer(right.affine_forward, only_w, (X, W, B), wrt=[1]).verdict == "PASS"
    assert not check.layer(right.affine_forward, only_w, (X, W, B)).ok
    with pytest.raises(ConfigError, match=r"wrt names 'weight'; float arrays here are"):
        check.layer(*AFFINE, (X, W, B), wrt="weight")


def test_no_cache() -> None:
    f = lambda x: np.tanh(x)  # noqa: E731
    assert (
        check.layer(f, lambda dout, x: dout * (1 - np.tanh(x) ** 2), X, cache=False).verdict
        == "PASS"
    )
    assert check.layer(f, lambda dout, x: dout * (1 - np.tanh(x)), X, cache=False).verdict == "FAIL"
    two = lambda x: (np.sin(x), np.cos(x))  # noqa: E731
    back = lambda d, e, x: d * np.cos(x) - e * np.sin(x)  # noqa: E731
    assert check.layer(two, back, X, cache=False).verdict == "PASS"
    assert check.layer(two, lambda d, e, x: d * np.cos(x), X, cache=False).verdict == "FAIL"


def test_losses_return_their_gradient() -> None:
    y = np.array([2, 0])
    assert check.layer(right.softmax_loss, None, (X, y)).verdict == "PASS"

    def wrong(x, y):
        loss, dx = right.softmax_loss(x, y)
        return loss, dx * len(x)

    report = check.layer(wrong, None, (X, y))
    assert report.verdict == "FAIL" and codes(report) == {"GC201"}
    with pytest.raises(ConfigError, match=r"without a backward has to return \(loss, gradients\)"):
        check.layer(np.sum, None, (X,))


def test_other_inputs_are_checked_too() -> None:
    def square_only(dout, cache):
        x, w, b = cache
        dx, dw, db = right.affine_backward(dout, cache)
        return dx, dw if x.shape[0] == 2 else dw * 0, db

    assert check.layer(right.affine_forward, square_only, (X, W, B)).verdict == "PASS"
    rng = np.random.default_rng(0)
    other = rng.standard_normal((4, 3)), W, B
    report = check.layer(right.affine_forward, square_only, (X, W, B), others=[other])
    assert report.verdict == "FAIL" and report.findings[0].point == "other shapes (1)"
    report = check.layer(*AFFINE, (X, W, B), others=[other, (X, W)])
    assert report.verdict == "PASS" and "other shapes (1)" in report.points
    assert any("other inputs were left out: " in note for note in report.notes)


def test_cotangents() -> None:
    def pull(dout, x):
        return dout * np.cos(x) if np.ptp(np.asarray(dout, float)) else dout * 3

    forward = lambda x: (np.sin(x), x)  # noqa: E731
    ones = np.ones(X.shape)
    for given_ones in (ones, [ones], (ones,)):
        report = check.layer(
            forward, pull, X, cotangents=given_ones, select=["GC201"], probes=False
        )
        assert report.verdict == "FAIL"
    assert check.layer(forward, pull, X, select=["GC201"], probes=False).verdict == "PASS"


def test_arguments_of_other_kinds_are_passed_on() -> None:
    class Settings:
        power = 2

    def forward(x, settings, name, k=3, flag=True):
        assert name == "layer" and flag is False
        return x**settings.power * k, (x, k)

    def backward(dout, cache):
        x, k = cache
        return 2 * dout * x * k

    assert check.layer(forward, backward, (X, Settings(), "layer", 4, False)).verdict == "PASS"
    assert check.layer(lambda x, k: forward(x, Settings(), "layer", k, False),
                       lambda d, c: backward(d, c) / c[1], (X, 4)).verdict == "FAIL"  # fmt: skip


# ---- layer: objects ------------------------------------------------------------------------------


class Base:
    wrong = 1.0

    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b


class Attributes(Base):
    def backward(self, dout):
        self.dW, self.db = self.wrong * self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T


class GradSuffix(Base):
    def backward(self, grad):
        self.W_grad, self.b_grad = self.wrong * self.x.T @ grad, grad.sum(0)
        return grad @ self.W.T


class ParamsAndGrads(Base):
    def __init__(self):
        self.params, self.grads = {"W": W.copy(), "b": B.copy()}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads = {"W": self.wrong * self.x.T @ dout, "b": dout.sum(0)}
        return dout @ self.params["W"].T


class ListOfGrads(Base):
    """As in the book by Saitoh: params and grads are lists, written in place."""

    def __init__(self):
        self.params = [W.copy(), B.copy()]
        self.grads = [np.zeros_like(W), np.zeros_like(B)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, dout):
        self.grads[0][...] = self.wrong * self.x.T @ dout
        self.grads[1][...] = dout.sum(0)
        return dout @ self.params[0].T


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, np.zeros_like(data)


class DataAndGrad(Base):
    """As in PyTorch: parameters with data and grad, which adds up."""

    def __init__(self):
        self.weight, self.bias = Parameter(W.copy()), Parameter(B.copy())

    def zero_grad(self):
        self.weight.grad = np.zeros_like(W)
        self.bias.grad = np.zeros_like(B)

    def forward(self, x):
        self.x = x
        return x @ self.weight.data + self.bias.data

    def backward(self, dout):
        self.weight.grad += self.wrong * self.x.T @ dout
        self.bias.grad += dout.sum(0)
        return dout @ self.weight.data.T


class Steps(Base):
    """backward takes the step down the gradient itself."""

    def backward(self, output_gradient, learning_rate):
        dW = self.wrong * self.x.T @ output_gradient
        dx = output_gradient @ self.W.T
        self.W -= learning_rate * dW
        self.b -= learning_rate * output_gradient.sum(0)
        return dx


class Output(Base):
    """forward returns nothing and leaves output; so does backward with dinputs."""

    def __init__(self):
        self.weights, self.biases = W.copy(), B.copy()

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.wrong * self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(0)
        self.dinputs = dvalues @ self.weights.T


class Returned(Base):
    def backward(self, dout):
        dW, db = self.wrong * self.x.T @ dout, dout.sum(0)
        dx = dout @ self.W.T
        return dx, dW, db


class Called(Base):
    def __call__(self, x):
        return Base.forward(self, x)

    forward = None  # type: ignore[assignment]

    def backward(self, dout):
        self.dW, self.db = self.wrong * self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T


STYLES = [
    Attributes, GradSuffix, ParamsAndGrads, ListOfGrads, DataAndGrad, Steps, Output, Returned, Called,
]  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_layer_objects_of_every_convention(style: Any) -> None:
    report = check.layer(style(), X)
    assert report.verdict == ("CONVENTION" if style is Steps else "PASS"), report
    assert len(report.coverage) == 3, report.coverage
    assert all(some == total for some, total in report.coverage.values())

    class Wrong(style):
        wrong = 1.0001

    report = check.layer(Wrong(), X)
    assert report.verdict == "FAIL" and len(codes(report)) == 1, report
    (found,) = [f for f in report.findings if f.verdict == "FAIL"]
    assert found.code == "GC201" and found.worst.yours == pytest.approx(1.0001 * found.worst.true)
    assert found.argument != "x" and np.shape(found.data["true"]) == W.shape
    assert report.name == "Wrong"


def test_parameters_may_be_named() -> None:
    class Odd(Base):
        def backward(self, dout):
            self.up, self.down = self.x.T @ dout * self.wrong, dout.sum(0)
            return dout @ self.W.T

    report = check.layer(Odd(), X, params={"W": "up", "b": "down"})
    assert report.verdict == "PASS" and set(report.coverage) == {"x", "W", "b"}
    odd = Odd()
    odd.wrong = 2.0
    report = check.layer(odd, X, params={"W": "up"})
    assert report.verdict == "FAIL" and report.findings[0].argument == "W"
    with pytest.raises(ConfigError, match="Odd has no float array 'V'; it has W, b"):
        check.layer(Odd(), X, params={"V": "up"})
    assert set(check.layer(Attributes(), X, params=["W"]).coverage) == {"x", "W"}


def test_attributes_are_set_by_hyper() -> None:
    class Dropout:
        train = True

        def forward(self, x):
            self.mask = np.random.default_rng(0).random(x.shape) < 0.5 if self.train else 1.0
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask if self.train else dout * 0.5

    assert check.layer(Dropout(), X).verdict == "PASS"
    assert check.layer(Dropout(), X, hyper={"train": False}).verdict == "FAIL"


def test_loss_objects() -> None:
    class MSE:
        factor = 2.0

        def forward(self, prediction, target):
            self.diff = prediction - target
            return np.mean(self.diff**2)

        def backward(self, dout=1.0):
            return dout * self.factor * self.diff / self.diff.size

    class Ignores(MSE):
        def backward(self, dout=1.0):
            return self.factor * self.diff / self.diff.size

    class Without(MSE):
        def backward(self):
            return self.factor * self.diff / self.diff.size

    target = X[::-1].copy()
    for kind in (MSE, Ignores, Without):
        report = check.layer(kind(), (X, target))
        assert report.verdict == "PASS" and "prediction" in report.coverage, (kind, str(report))
        wrong = kind()
        wrong.factor = 1.0
        report = check.layer(wrong, (X, target))
        assert report.verdict == "FAIL" and report.findings[0].argument == "prediction", kind


def test_networks_whose_loss_returns_gradients() -> None:
    net = right.TwoLayerNet()
    x, y = np.random.default_rng(0).standard_normal((5, 4)), np.array([0, 2, 1, 1, 0])
    report = check.layer(net, (x, y))
    assert report.verdict == "PASS" and set(report.coverage) == {"W1", "b1", "W2", "b2"}

    class Wrong(right.TwoLayerNet):
        def loss(self, X, y):
            loss, grads = super().loss(X, y)
            grads["b2"] = grads["b2"] * 3
            return loss, grads

    report = check.layer(Wrong(), (x, y))
    assert report.verdict == "FAIL" and [f.argument for f in report.findings] == ["b2"]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: check.layer(*AFFINE), "layer: no inputs given; write check.layer(forward, backward, (x, w, b))"),
        (lambda: check.layer(*AFFINE, (np.ones((2, 3), int), 2, "a")),
         "layer: no float array among the inputs (ndarray, int, str); gradients are taken of arrays of "
         "float64 or float32: write x.astype(float)"),
        (lambda: check.layer(3, 4, X), "layer: got int and int, need a forward and a backward function, "
         "or an object with forward and backward methods"),
        (lambda: check.layer(right.affine_forward, "backward", X), "layer: got function and str, need a "
         "forward and a backward function, or an object with forward and backward methods"),
        (lambda: check.layer(*AFFINE, {"x": X, "v": W}), "layer: forward has no argument ['v']; it has "
         "['x', 'w', 'b']"),
        (lambda: check.layer(*AFFINE, (X, W, B), seed=-1), "check: seed is -1, need an integer from 0 on"),
        (lambda: check.layer(*AFFINE, (X, W, B), seed=0.5), "check: seed is 0.5, need an integer from 0 on"),
        (lambda: check.layer(Attributes(), None), "layer: no inputs given; write check.layer(forward, "
         "backward, (x, w, b))"),
        (lambda: check.vjp(sine, plain_form(1), (X,), seed=-2), "check: seed is -2, need an integer from 0 on"),
    ],
)  # fmt: skip
def test_wrong_use_is_refused_with_a_text_that_helps(call: Any, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        call()
    assert str(raised.value) == text


def test_an_object_that_leaves_no_output() -> None:
    class Silent:
        def forward(self, x):
            self.hidden = "x"

        def backward(self, dout):
            return dout

    with pytest.raises(ConfigError, match="forward of Silent returns None and leaves no output"):
        check.layer(Silent(), X)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_all_shapes(shape: Any, dtype: Any) -> None:
    x = np.full(shape, 0.75, dtype)
    forward, pull = (lambda x: (np.sin(x), x)), (lambda d, x: d * np.cos(x))
    report = check.layer(forward, pull, (x,))
    assert report.verdict == ("PASS" if x.size else "NOTHING"), report
    if x.size:
        assert not check.layer(forward, lambda d, x: d * np.sin(x), (x,)).ok


@given(st.integers(0, 2**31), st.booleans())
def test_the_state_of_the_world_is_left_as_it_was(seed: int, right_one: bool) -> None:
    np.random.seed(seed)  # noqa: NPY002
    before, errors = np.random.get_state()[1].copy(), np.geterr()  # noqa: NPY002
    backward = right.affine_backward if right_one else wrong_affine
    assert check.layer(right.affine_forward, backward, (X, W, B), probes=False).ok is right_one
    assert (np.random.get_state()[1] == before).all() and np.geterr() == errors  # noqa: NPY002


def test_gradcheck_takes_the_names_of_torch_and_no_others() -> None:
    x = mg.tensor(np.ones(3), requires_grad=True)
    with pytest.warns(UserWarning, match="fast_mode not needed"):
        assert check.gradcheck(lambda x: (x * x).sum(), x, fast_mode=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'raise_excepton'"):
        check.gradcheck(lambda x: (x * x).sum(), x, raise_excepton=False)


@pytest.mark.parametrize("setting", [{"params": ["W"]}, {"hyper": {"reg": 1.0}}])
def test_settings_that_a_network_would_ignore_are_refused(setting: Any) -> None:
    class Net:
        def __init__(self) -> None:
            self.params = {"W": np.ones((2, 3))}

        def loss(self, x: Any) -> Any:
            return (x @ self.params["W"]).sum(), {"W": x.sum(0)[:, None] * np.ones(3)}

    x = np.random.default_rng(0).standard_normal((4, 2))
    assert check.layer(Net(), x).ok
    with pytest.raises(ConfigError, match="params and hyper are for layers"):
        check.layer(Net(), x, **setting)
