"""nan_origin: the first line of the user's code that made nan or inf, or whose derivative does."""

import inspect
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import GradientError

from ..strategies import seeds

# Each function has one line marked with its op; x is what it is called with. The mark is the truth.


def log_of_a_negative(x: Any) -> Any:
    y = x * 2.0
    z = np.log(y)  # HERE log
    return z.sum()


def log_as_the_loss(x: Any) -> Any:
    return mg.log(x[0])  # HERE log


def log_of_zero(x: Any) -> Any:
    return (np.log(x * 0.0) * 2.0).sum()  # HERE log


def sqrt_of_sqrt(x: Any) -> Any:
    a = np.sqrt(x - 2.0)  # HERE sqrt
    b = np.sqrt(a)
    return b.sum()


def infinity_first_nan_later(x: Any) -> Any:
    a = np.exp(x * 1000.0)  # HERE exp
    b = a - a
    return b.sum()


def overflow_in_exp(x: Any) -> Any:
    e = np.exp(x * 1e4)  # HERE exp
    return (e / e.sum()).sum()


def division_by_zero(x: Any) -> Any:
    n = x - x
    return (x / n).sum()  # HERE div


def zero_by_zero(x: Any) -> Any:
    n = x * 0.0
    q = n / n  # HERE div
    return q.sum()


def power_of_zero(x: Any) -> Any:
    y = x * 0.0
    return (y**-1).sum()  # HERE pow


def root_of_a_negative(x: Any) -> Any:
    y = -np.abs(x)
    return (y**0.5).sum()  # HERE pow


def arccos_outside(x: Any) -> Any:
    y = np.abs(x) + 1.0
    return np.arccos(y).sum()  # HERE arccos


def float32_overflow(x: Any) -> Any:
    y = x.astype(np.float32) * np.float32(1e20)
    z = y * y  # HERE mul
    return z.sum()


def reciprocal_of_zero(x: Any) -> Any:
    y = np.reciprocal(x * 0.0)  # HERE reciprocal
    return (y * y).sum()


def constant_with_nan(x: Any) -> Any:
    target = np.array([1.0, np.nan, 2.0])
    e = x - target  # HERE sub
    return np.square(e).mean()


def several_on_one_line(x: Any) -> Any:
    return (np.exp(x) + np.log(x * 0.0 - 1.0) + np.tanh(x)).sum()  # HERE log


def over_lines(x: Any) -> Any:
    return (
        np.exp(x)
        + np.log(x * 0.0 - 1.0)  # HERE log
        - np.tanh(x)
    ).sum()


def in_a_comprehension(x: Any) -> Any:
    parts = [
        np.log(v - 3.0)  # HERE log
        for v in x
    ]
    return sum(parts)


def helper(v: Any) -> Any:
    w = v - 5.0
    return np.log(w)  # HERE log


def in_a_helper(x: Any) -> Any:
    h = np.tanh(x)
    return helper(h).sum()


def in_a_lambda(x: Any) -> Any:
    f = lambda v: np.sqrt(v - 9.0)  # noqa: E731  # HERE sqrt
    return f(np.cos(x)).sum()


def softmax_of_a_masked_row(x: Any) -> Any:
    scores = mg.where(np.zeros(3, bool), x, -np.inf)
    w = mg.softmax(scores)  # HERE softmax
    return (w * x).sum()


def a_harmless_infinity_before(x: Any) -> Any:
    scores = mg.where(np.array([True, False, True]), x, -np.inf)
    w = mg.softmax(scores)
    return np.log(w[0] * 0.0)  # HERE log


def log_of_softmax(x: Any) -> Any:
    p = mg.softmax(x * 1e4)
    return np.log(p).sum()  # HERE log


def in_a_dict(x: Any) -> Any:
    return {"a": x.sum(), "b": (np.log(x - 3.0), 1)}  # HERE log


def without_history(x: Any) -> Any:
    with mg.no_grad():
        target = np.log(x * 0.0 - 1.0)  # HERE log
    return np.square(x - target).sum()


def of_values(x: Any) -> Any:
    a, b, c = (mg.Value(float(v)) for v in x.data)
    d = a * b - 100.0
    e = d.log()  # HERE log
    return e + c


# ---- finite values, but a derivative that is not


def root_at_zero(x: Any) -> Any:
    y = x - x.data
    return np.sqrt(y).sum()  # HERE sqrt


def two_roots_at_zero(x: Any) -> Any:
    a = np.sqrt(x - x.data)  # HERE sqrt
    return np.sqrt(a).sum()


def on_another_branch_too(x: Any) -> Any:
    first = np.sqrt(x * 0.0)  # HERE sqrt
    second = np.sqrt(x - x.data)
    return (first + second).sum()


def masked_log(x: Any) -> Any:
    z = x - x.data
    y = np.log(z)  # HERE log
    return np.where(z > 0, y, 0.0).sum()


def masked_division(x: Any) -> Any:
    n = x - x.data
    return np.where(n != 0, x / n, 0.0).sum()  # HERE div


def masked_exp(x: Any) -> Any:
    big = x + 1e4
    e = np.exp(big)  # HERE exp
    return np.where(big < 50.0, e, big).sum()


def masked_roots(x: Any) -> Any:
    a = np.sqrt(x - 9.0)  # HERE sqrt
    b = np.sqrt(a)
    return np.where(x > 9.0, b, 0.0).sum()


def not_taken_by_the_index(x: Any) -> Any:
    y = np.sqrt(np.concatenate([x[:1] * 0.0, x * x]))  # HERE sqrt
    return y[1:].sum()


def lost_to_the_maximum(x: Any) -> Any:
    y = np.sqrt(x * 0.0)  # HERE sqrt
    return np.maximum(y, 1.0).sum()


def clipped(x: Any) -> Any:
    y = np.log(x * 0.0)  # HERE log
    return np.clip(y, -10.0, 10.0).sum()


def arcsin_at_one(x: Any) -> Any:
    y = np.cos(x * 0.0)
    return np.arcsin(y).sum()  # HERE arcsin


def small_power_at_zero(x: Any) -> Any:
    y = x * 0.0
    return (y**0.5).sum()  # HERE pow


def length_by_hand(x: Any) -> Any:
    d = x - x.data
    return np.sqrt((d * d).sum())  # HERE sqrt


CASES: dict[str, tuple[Callable[..., Any], str]] = {
    f.__name__: (f, direction)
    for direction, fs in {
        "forward": (
            log_of_a_negative, log_as_the_loss, log_of_zero, sqrt_of_sqrt, infinity_first_nan_later,
            overflow_in_exp, division_by_zero, zero_by_zero, power_of_zero, root_of_a_negative,
            arccos_outside, float32_overflow, reciprocal_of_zero, constant_with_nan,
            several_on_one_line, over_lines, in_a_comprehension, in_a_helper, in_a_lambda,
            softmax_of_a_masked_row, a_harmless_infinity_before, log_of_softmax, in_a_dict,
            without_history, of_values,
        ),
        "backward": (
            root_at_zero, two_roots_at_zero, on_another_branch_too, not_taken_by_the_index,
            lost_to_the_maximum, arcsin_at_one, small_power_at_zero, length_by_hand,
            masked_log, masked_division, masked_exp, masked_roots, clipped,
        ),
    }.items()
    for f in fs
}  # fmt: skip
X = np.array([-1.0, 0.5, 1.0])
BY_HELPER = {"in_a_helper": helper}


def marked(f: Callable[..., Any]) -> tuple[int, str]:
    """(line, op) of the mark in the source of f."""
    lines, start = inspect.getsourcelines(f)
    ((at, text),) = [(i, t) for i, t in enumerate(lines) if "# HERE " in t]
    return start + at, text.split("# HERE ")[1].strip()


@pytest.mark.parametrize("case", CASES)
def test_the_marked_line_is_found(case: str) -> None:
    f, direction = CASES[case]
    line, op = marked(BY_HELPER.get(case, f))
    origin = mg.nan_origin(f, X)
    assert origin is not None
    assert (origin.line, origin.op, origin.file) == (line, op, __file__), str(origin)
    assert origin.source == linecache.getline(__file__, line).strip()
    assert (
        origin.direction == direction
        and origin.cause
        and origin.fix
        and f"{__file__}:{line}" in str(origin)
    )


@pytest.mark.parametrize("case", [c for c in CASES if c != "of_values"])
def test_detect_anomaly_says_the_same(case: str) -> None:
    f, _ = CASES[case]
    x = mg.tensor(X, requires_grad=True)
    expected = mg.nan_origin(f, X)
    with np.errstate(all="ignore"), mg.detect_anomaly(), pytest.raises(GradientError) as caught:
        out = f(x)
        (out["b"][0] if isinstance(out, dict) else out).sum().backward()
    assert str(caught.value).endswith(str(expected).split(";", 1)[1])


def test_the_whole_message() -> None:
    line, _ = marked(masked_log)
    assert str(mg.nan_origin(masked_log, X)) == (
        f"the gradient of log is not finite (nan at index (0,)); it was called in {__file__}:{line}: "
        "y = np.log(z)  # HERE log; its result is masked, but both branches are computed, and in "
        "backward 0 * inf is nan; write safe = np.where(x > 0, x, 1.0); "
        "y = np.where(x > 0, np.log(safe), 0.0)"
    )
    line, _ = marked(log_of_a_negative)
    assert str(mg.nan_origin(log_of_a_negative, X)) == (
        "the result of log is not finite (log(-2) = nan at index (0,)); it was called in "
        f"{__file__}:{line}: z = np.log(y)  # HERE log; log is defined for numbers > 0; write "
        "np.log(np.maximum(x, 1e-12)), or keep x > 0"
    )
    assert str(mg.nan_origin(log_of_zero, np.array([0.0, 1.0, np.nan]))) == (
        "argument 0 has nan at [2]; it was there before the function began; look at the data, or at "
        "the step that made it"
    )


def test_nothing_is_found_where_all_is_finite() -> None:
    assert mg.nan_origin(lambda x: np.tanh(x).sum(), X) is None
    assert mg.nan_origin(lambda x: np.linalg.norm(x), np.zeros(3)) is None
    assert mg.nan_origin(lambda x: np.where(x > 0, x, 0.0), X) is None
    assert mg.nan_origin(lambda n: n + 1, 3) is None
    x = np.array([-1.0, 2.0])
    safe = lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)  # noqa: E731
    assert mg.nan_origin(safe, x) is None


def test_scalars_keywords_and_derivatives_of_derivatives() -> None:
    f = lambda a, *, b: mg.log(a - b)  # noqa: E731
    assert "log(-1) = nan" in str(mg.nan_origin(f, 1.0, b=2.0))
    root = lambda x: x**1.5  # noqa: E731
    origin = mg.nan_origin(mg.grad(mg.grad(root)), 0.0)
    assert origin is not None and origin.source.startswith("root = lambda")
    origin = mg.nan_origin(mg.hessian(lambda x: mg.sqrt(x @ x)), np.zeros(2))
    assert origin is not None and "mg.sqrt(x @ x)" in origin.source


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        h = self.linear(x)
        return np.log(h * 0.0)  # HERE log


def test_modules_of_ones_own_and_of_the_library() -> None:
    net, x = Net(), np.ones((4, 3), np.float32)
    origin = mg.nan_origin(net, x)
    assert origin is not None and (origin.line, origin.op) == marked(Net)
    model = nn.Sequential(nn.Linear(3, 2))
    model[0].weight.data[0, 0] = np.nan
    here = inspect.currentframe()
    assert here is not None
    origin = mg.nan_origin(lambda v: model(v), x)
    assert origin is not None and (origin.line, origin.op) == (here.f_lineno - 1, "linear")
    assert "was not finite before" in origin.cause


def test_fit_stops_at_the_line_of_the_model() -> None:
    model = Net()
    x, y = np.ones((8, 3), np.float32), np.zeros(8, int)
    with np.errstate(all="ignore"), mg.detect_anomaly(), pytest.raises(GradientError) as caught:
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
        model.fit(x, y, epochs=1, verbose=0)
    line, _ = marked(Net)
    assert f"it was called in {__file__}:{line}: " in str(caught.value)


# ---- programs that are drawn ---------------------------------------------------------------------

HARMLESS = [
    "np.tanh({})",
    "({} * 0.5)",
    "np.sin({})",
    "np.abs({})",
    "({} + 0.25)",
    "np.exp(-np.abs({}))",
]
MAKERS = {
    "log": "np.log(-1.0 - np.abs({}))", "sqrt": "np.sqrt(-1.0 - np.abs({}))",
    "div": "(1.0 / ({0} - {0}))", "exp": "np.exp(1e4 + {})", "arccos": "np.arccos(3.0 + np.abs({}))",
    "pow": "((-1.0 - np.abs({})) ** 0.5)", "log1p": "np.log1p(-2.0 - np.abs({}))",
    "cosh": "np.cosh(1e4 + {})", "reciprocal": "np.reciprocal({} * 0.0)", "arctanh": "np.arctanh(2.0 + np.abs({}))",
}  # fmt: skip
SLOPES = {
    "sqrt": "np.sqrt({} * 0.0)", "pow": "(({} * 0.0) ** 0.5)", "cbrt": "np.cbrt({} * 0.0)",
    "arcsin": "np.arcsin({} * 0.0 + 1.0)",
    "log": "np.where({0} * 0.0 > 0.0, np.log({0} * 0.0), 0.0)",
    "div": "np.where({0} > 99.0, {0} / ({0} - {0}), 0.0)",
}  # fmt: skip


@given(seeds, st.sampled_from([*MAKERS.items(), *SLOPES.items()]))
def test_one_maker_is_found_in_a_drawn_program(seed: int, maker: tuple[str, str]) -> None:
    rng = np.random.default_rng(seed)
    op, bad = maker
    n = int(rng.integers(3, 9))
    at = int(rng.integers(1, n))
    lines, names = ["def f(v0):"], ["v0"]
    for i in range(1, n):
        a, b = rng.choice(names), rng.choice(names[-2:] if i > at else names)
        expression = bad.format(b) if i == at else HARMLESS[rng.integers(len(HARMLESS))].format(a)
        lines.append(f"    v{i} = {expression}" + (f" + {b} * 0.125" if i != at else ""))
        names.append(f"v{i}")
    lines.append("    return (" + " + ".join(names[1:]) + ").sum()")
    name, source = f"<drawn {seed} {op}>", "\n".join(lines) + "\n"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), space)
    origin = mg.nan_origin(space["f"], rng.normal(size=3))
    assert origin is not None and (origin.file, origin.line) == (name, at + 1), (
        f"{source}\n{origin}"
    )
    assert origin.op == op


# ---- what is left behind -------------------------------------------------------------------------


def test_a_generator_that_waits_in_it_leaves_others_alone() -> None:
    def waiting() -> Any:
        with mg.detect_anomaly():
            yield mg.sqrt(mg.tensor(0.0, requires_grad=True))

    steps = waiting()
    inside, outside = next(steps), mg.sqrt(mg.tensor(0.0, requires_grad=True))
    outside.backward()
    with pytest.raises(GradientError, match="^detect_anomaly: the gradient of sqrt is not finite"):
        inside.backward()


# ---- numbers, masks and constants ----------------------------------------------------------------


def test_a_single_number_has_an_origin_too() -> None:
    found = mg.nan_origin(lambda v: (v - 1.0).log(), mg.Value(0.0))
    assert (found.op, found.direction, found.numbers) == ("log", "forward", "log(-1) = nan")
    assert mg.nan_origin(lambda v: (v + 2.0).log(), mg.Value(0.0)) is None


@pytest.mark.parametrize("masked", [True, False])
def test_what_where_leaves_out_is_not_the_origin(masked: bool) -> None:
    """log makes a nan in both; where keeps it in one only, and there it is named."""
    x = np.array([4.0, -1.0])
    keep = np.array([True, not masked])
    with np.errstate(all="ignore"):
        found = mg.nan_origin(lambda v: mg.where(keep, mg.log(v), 0.0).sum(), x)
    assert (found is None) == masked
    assert masked or (found.op, found.index) == ("log", (1,))


@pytest.mark.parametrize(
    ("f", "op", "cause"),
    [
        (lambda v: mg.sum(v * np.array([np.inf, 1.0])), "mul", "0 * inf"),
        (lambda v: mg.sum(v + np.array([np.inf, 1.0])), "add", "was infinite already"),
        (lambda v: mg.sum(v + np.array([np.nan, 1.0])), "add", "was nan already"),
    ],
)
def test_a_constant_that_is_not_finite_is_named(f: Any, op: str, cause: str) -> None:
    found = mg.nan_origin(f, np.array([0.0, 1.0]))
    assert (found.op, found.index) == (op, (0,)) and cause in found.cause
