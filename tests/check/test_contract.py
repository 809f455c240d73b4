"""GC0: for each rule a function that breaks it and nothing else, and its twin that keeps it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnn import check
from microgradnn.check import CODES, Report

Args = tuple[Any, ...]
X = np.array([[0.5, -1.25], [2.0, 0.75], [-0.3, 1.5]])
COUNT = 0
SETTINGS = {"scale": 2.0, "seen": [1, 2]}
LEFT = np.zeros((3, 2))


def fresh(args: Args) -> Args:
    return tuple(np.array(a) for a in args)


def codes(report: Report) -> set[str]:
    """The codes that make a report what it is: of remarks where there is nothing else."""
    return {f.code for f in report.findings if f.verdict == report.verdict}


def square_forward(x):
    return x**2, x


def square_backward(dout, x):
    return 2 * x * dout


# ---- one wrong function for each code, and the nearest right one ---------------------------------


def raising_backward(dout, x):
    raise KeyError("W1")


def log_forward(x):
    return np.log(x), x


def log_backward(dout, x):
    return dout / x


def noisy_forward(x):
    return x**2 + np.random.rand(*x.shape), x


def seeded_forward(x):
    return x**2 + np.random.default_rng(0).random(x.shape), x


def noisy_backward(dout, x):
    return 2 * x * dout + 1e-9 * np.random.rand(*x.shape) * dout


def seeded_backward(dout, x):
    return 2 * x * dout + 0 * np.random.rand(*x.shape)


def in_place_forward(x):
    kept = x.copy()
    x *= x
    return x.copy(), kept


def copying_forward(x):
    kept = x.copy()
    y = x.copy()
    y *= y
    return y, kept


def in_place_backward(dout, x):
    grad = 2 * dout * x
    x += 1e-3
    return grad


def scaling_backward(dout, x):
    dout *= 2
    return dout * x


def scaling_copy_backward(dout, x):
    dout = dout * 2
    return dout * x


def counting_forward(x):
    global COUNT
    COUNT += 1
    return x**2, x


def setting_forward(x):
    SETTINGS["seen"].append(len(x))
    return x**2, x


def local_forward(x):
    count = COUNT
    count += 1
    return x**2, x


def scaled_forward(x, w):
    """w is a matrix: the gradient of the output's sum in x is w itself."""
    return x * w, (x, w)


def aliased_backward(dout, cache):
    x, w = cache
    dw = dout * x
    w *= dout
    return w, dw


def owned_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x


def add_forward(x, y):
    return x + y, None


def same_backward(dout, cache):
    return dout, dout


def copied_backward(dout, cache):
    return dout.copy(), dout.copy()


def few_backward(dout, cache):
    x, w = cache
    return (dout * w,)


def none_backward(dout, cache):
    x, w = cache
    return dout * w, None


def flat_backward(dout, x):
    return (2 * x * dout).ravel()


def column_backward(dout, x):
    return (2 * x * dout)[:, None]


def integer_backward(dout, cache):
    return np.zeros(cache, int)


def zero_backward(dout, cache):
    return np.zeros(cache)


def sign_forward(x):
    return np.sign(x), x.shape


def complex_backward(dout, x):
    return 2 * x * dout + 0j


def memory_backward(dout, x):
    flat = dout.ravel(order="K") if dout.ndim else dout
    return 2 * x * flat.reshape(dout.shape)


def order_backward(dout, x):
    return 2 * x * dout.ravel().reshape(dout.shape)


def shaping_backward(dout, x):
    d = dout
    d.shape = (-1,)
    return 2 * x * d.reshape(x.shape)


def picky_forward(x):
    if not x.flags.c_contiguous:
        raise ValueError("x must be contiguous")
    return x.ravel() ** 2, x


def raveling_forward(x):
    return x.ravel() ** 2, x


def raveling_backward(dout, x):
    return 2 * x * dout.reshape(x.shape)


def kept_outside_forward(x):
    LEFT[: x.shape[0]] = x
    return x**2, LEFT


def kept_outside_backward(dout, left):
    return 2 * left * dout


def draining_forward(x):
    return x**2, [x]


def draining_backward(dout, cache):
    return 2 * cache.pop() * dout


def listing_backward(dout, cache):
    return 2 * cache[-1] * dout


def summing_forward(x):
    return x**2, [x, np.zeros(x.shape)]


def summing_backward(dout, cache):
    cache[1] = cache[1] + dout * (1 + cache[1] ** 2)
    return 2 * cache[0] * cache[1]


def fresh_backward(dout, cache):
    return 2 * cache[0] * dout


W = np.array([[1.5, -0.5], [0.25, 2.0], [-1.0, 0.75]])
# code: the function that breaks the rule, the one that does not, and the arguments.
CASES: dict[str, list[tuple[tuple[Any, Any], tuple[Any, Any], Args]]] = {
    "GC001": [((square_forward, raising_backward), (square_forward, square_backward), (X,))],
    "GC002": [((log_forward, log_backward), (square_forward, square_backward), (X,))],
    "GC010": [((noisy_forward, square_backward), (seeded_forward, square_backward), (X,))],
    "GC011": [((square_forward, noisy_backward), (square_forward, seeded_backward), (X,))],
    "GC020": [((in_place_forward, square_backward), (copying_forward, square_backward), (X,))],
    "GC022": [((square_forward, scaling_backward), (square_forward, scaling_copy_backward), (X,))],
    "GC023": [
        ((counting_forward, square_backward), (local_forward, square_backward), (X,)),
        ((setting_forward, square_backward), (local_forward, square_backward), (X,)),
    ],
    "GC031": [
        ((add_forward, same_backward), (add_forward, copied_backward), (X, W)),
    ],
    "GC040": [
        ((scaled_forward, few_backward), (scaled_forward, owned_backward), (X, W)),
        ((scaled_forward, none_backward), (scaled_forward, owned_backward), (X, W)),
    ],
    "GC041": [
        ((square_forward, flat_backward), (square_forward, square_backward), (X,)),
        ((square_forward, column_backward), (square_forward, square_backward), (X,)),
    ],
    "GC042": [
        ((square_forward, complex_backward), (square_forward, square_backward), (X,)),
        ((sign_forward, integer_backward), (sign_forward, zero_backward), (X,)),
    ],
    "GC050": [
        ((square_forward, memory_backward), (square_forward, order_backward), (X,)),
    ],
    "GC051": [
        ((picky_forward, raveling_backward), (raveling_forward, raveling_backward), (X,)),
    ],
    "GC060": [
        ((kept_outside_forward, kept_outside_backward), (square_forward, square_backward), (X,)),
    ],
    "GC061": [
        ((draining_forward, draining_backward), (draining_forward, listing_backward), (X,)),
        ((summing_forward, summing_backward), (summing_forward, fresh_backward), (X,)),
    ],
}
ALL = [(code, *case) for code, cases in CASES.items() for case in cases]
# One rule cannot be broken without another.
BESIDE = {
    "GC011": {"GC102", "GC201"},
    "GC020": {"GC060", "GC051"},
    "GC022": {"GC050", "GC061", "GC102"},
    "GC042": {"GC206"},
    "GC060": {"GC023", "GC052"},
    "GC041": {"GC052"},
}


@pytest.mark.parametrize(
    ("code", "wrong", "right", "args"), ALL, ids=[f"{c[0]}-{c[1][1].__name__}" for c in ALL]
)
def test_a_broken_rule_is_named_and_the_twin_that_keeps_it_passes(
    code: str, wrong: Any, right: Any, args: Args
) -> None:
    report = check.layer(*wrong, fresh(args), probes=False, ignore=["GC206", "GC4", "GC5"])
    found = {f.code for f in report.findings}
    assert code in found and found <= {code} | BESIDE.get(code, set()), report
    report = check.layer(*right, fresh(args), probes=False, ignore=["GC206", "GC4", "GC5"])
    assert report.verdict == "PASS" and not report.findings, report


def test_nothing_is_said_of_a_rule_that_is_ignored() -> None:
    for code, wrong, _, args in ALL:
        report = check.layer(*wrong, fresh(args), probes=False, ignore=[code])
        found = {f.code for f in report.findings}
        if code in ("GC001", "GC011", "GC041", "GC042") and not report.points:
            assert code in found and not report.ok  # why nothing was checked is always said
        else:
            assert code not in found, report
        report = check.layer(*wrong, fresh(args), probes=False, select=[code])
        assert {f.code for f in report.findings} == {code}


def only(code: str, report: Report) -> str:
    (message,) = [f.message for f in report.findings if f.code == code]
    return message


MESSAGES: list[tuple[str, Callable[..., Any], Callable[..., Any], Args, str]] = [
    ("GC001", square_forward, raising_backward, (X,), "backward raises KeyError: 'W1' (line "),
    ("GC010", noisy_forward, square_backward, (X,),
     "forward gives other results at a second call with the same arguments"),
    ("GC011", square_forward, noisy_backward, (X,),
     "backward gives other results at a second call with the same arguments"),
    ("GC020", in_place_forward, square_backward, (X,), "forward changes its input x in place"),
    ("GC022", square_forward, scaling_backward, (X,),
     "backward changes the cotangent it is given, in place"),
    ("GC023", counting_forward, square_backward, (X,), "the module's variable COUNT is changed by a call"),
    ("GC040", scaled_forward, none_backward, (X, W), "the gradient of w is None"),
    ("GC040", scaled_forward, few_backward, (X, W), "backward returns no gradient of w"),
    ("GC041", square_forward, flat_backward, (X,), "dx has shape (6,), but x has shape (3, 2)"),
    ("GC042", square_forward, complex_backward, (X,), "dx has dtype complex128, but x has dtype float64"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "forward", "backward", "args", "text"), MESSAGES,
    ids=[f"{m[0]}-{m[2].__name__}" for m in MESSAGES],
)  # fmt: skip
def test_messages_say_what_and_where(
    code: str, forward: Any, backward: Any, args: Args, text: str
) -> None:
    message = only(code, check.layer(forward, backward, fresh(args), probes=False))
    assert message.startswith(text) if code == "GC001" else message == text
    if code == "GC001":
        assert message.endswith("of test_contract.py)")


def test_what_raises_in_forward_is_reported_with_its_line() -> None:
    def forward(x):
        return x @ x, x

    report = check.layer(forward, square_backward, (X,))
    assert report.verdict == "CONTRACT" and report.status == 5
    assert only("GC001", report).startswith("forward raises ValueError: matmul")
    assert "of test_contract.py)" in only("GC001", report)


def test_inputs_changed_by_backward() -> None:
    def forward(x, w):
        return x * w, (x, w)

    def backward(dout, cache):
        x, w = cache
        grads = dout * w, dout * x
        w -= 0.1
        return grads

    report = check.layer(forward, backward, (X, W), probes=False, select=["GC02"])
    assert codes(report) == {"GC021"}
    assert only("GC021", report) == "backward changes its input w in place"
    assert check.layer(forward, owned_backward, (X, W), probes=False, select=["GC02"]).ok


def test_labels_and_masks_count_as_inputs() -> None:
    def forward(x, mask):
        mask[x < 0] = 0
        return x * mask, mask.copy()

    def backward(dout, mask):
        return dout * mask

    report = check.layer(forward, backward, (X, np.ones(X.shape, int)), probes=False)
    assert "GC020" in codes(report) and "mask" in only("GC020", report)


def test_a_gradient_that_is_an_input() -> None:
    def forward(x, w):
        return (x * w).sum(), (x, w)

    def backward(dout, cache):
        return cache[1] if dout == 1 else dout * cache[1], dout * cache[0]

    def alias(dout, cache):
        x, w = cache
        x *= w * dout / x
        return x, dout * 0

    report = check.layer(forward, alias, (X, W), probes=False)
    assert "GC030" in {f.code for f in report.findings}
    assert "GC030" not in {f.code for f in check.layer(forward, backward, (X, W)).findings}
    assert "dx shares memory with the input x" in [f.message for f in report.findings]


@pytest.mark.parametrize(
    ("spoil", "layout"),
    [
        (lambda d: d.flags.c_contiguous, "strided"),
        (lambda d: d.flags.writeable and d.flags.owndata, "read-only"),
        (lambda d: 0 not in d.strides, "stride-0"),
    ],
)
def test_layouts_of_the_cotangent(spoil: Any, layout: str) -> None:
    def backward(dout, x):
        return 2 * x * dout * (1 if spoil(np.asarray(dout)) else 3)

    report = check.layer(square_forward, backward, (X,), probes=False, select=["GC050"])
    (finding,) = report.findings
    assert finding.verdict == "CONTRACT"
    expected = "strided" if layout == "read-only" else layout
    assert finding.message == f"with a {expected} cotangent dx is different"
    assert finding.data["layout"] == expected


def test_backward_that_refuses_a_read_only_cotangent_says_so() -> None:
    def backward(dout, x):
        d = np.asarray(dout)
        d.flags.writeable = True
        return 2 * x * d

    report = check.layer(square_forward, backward, (X,), probes=False, select=["GC050"])
    assert not report.findings or "raises" in report.findings[0].message

    def writes(dout, x):
        old = dout[0, 0]
        dout[0, 0] = 1.0
        dout[0, 0] = old
        return 2 * x * dout

    report = check.layer(square_forward, writes, (X,), probes=False, select=["GC050"])
    assert only("GC050", report).startswith("with a read-only cotangent it raises ValueError")


# ---- objects -------------------------------------------------------------------------------------


class Scale:
    """y = x * w, the gradient of w in dw."""

    def __init__(self, w=W):
        self.w = w.copy()
        self.dw = np.zeros_like(w)

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = dout * self.x
        return dout * self.w


class AddsAndReplaces(Scale):
    def __init__(self):
        super().__init__()
        self.b, self.db = np.ones(2), np.zeros(2)

    def forward(self, x):
        return super().forward(x) + self.b

    def backward(self, dout):
        self.db += dout.sum(0)
        return super().backward(dout)


class OnlyReplaces(AddsAndReplaces):
    def backward(self, dout):
        self.db = np.zeros(2)
        return super().backward(dout)


class KeepsTheFirst(Scale):
    def forward(self, x):
        if not hasattr(self, "x"):
            self.x = x
        return x * self.w


class SharesByClass(Scale):
    store: dict[str, Any] = {}

    def forward(self, x):
        SharesByClass.store["x"] = x
        return x * self.w

    def backward(self, dout):
        self.dw = dout * SharesByClass.store["x"]
        return dout * self.w


@pytest.mark.parametrize(
    ("thing", "code"),
    [(AddsAndReplaces, "GC061"), (KeepsTheFirst, "GC060"), (SharesByClass, "GC060")],
)
def test_objects_that_keep_too_much(thing: Any, code: str) -> None:
    report = check.layer(thing(), X, probes=False)
    assert codes(report) == {code} and report.verdict == "CONTRACT", report
    assert check.layer(Scale(), X, probes=False).verdict == "PASS"
    assert check.layer(OnlyReplaces(), X, probes=False).verdict == "PASS"


def test_gradients_that_add_up_are_a_remark() -> None:
    class Adds(Scale):
        def backward(self, dout):
            self.dw += dout * self.x
            return dout * self.w

    report = check.layer(Adds(), X, probes=False)
    assert report.verdict == "PASS"
    assert "gradients of parameters add up until they are set to zero" in report.explain()


def test_the_object_given_is_not_touched() -> None:
    layer = Scale()
    before = layer.w.copy()
    check.layer(layer, X)
    assert not hasattr(layer, "x") and (layer.w == before).all() and not layer.dw.any()


def test_arguments_given_are_not_touched_whatever_the_code_does() -> None:
    for _, wrong, _, args in ALL:
        given = fresh(args)
        check.layer(*wrong, given)
        for x, before in zip(given, args, strict=True):
            assert (x == before).all(), wrong[1].__name__


def test_every_code_of_the_contract_is_tested_here() -> None:
    tested = set(CASES) | {"GC021", "GC030"}
    unused = {
        "GC052",
        "GC003",
        "GC004",
        "GC005",
        "GC006",
        "GC043",
        "GC053",
        "GC054",
    }  # in other files
    assert {c for c in CODES if c[2] == "0"} == tested | unused
