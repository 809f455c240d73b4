"""Warnings: typed, once for each place, at the user's line; and sentences where surprises were."""

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, check, nn
from microgradnn.errors import (
    DTypeError,
    GradientError,
    MicrogradWarning,
    NumericWarning,
    RuleError,
)
from microgradnn.nn import functional as nnf
from microgradnn.notices import notice
from tests.messages import table


def recorded(call: Callable[[], Any], times: int = 3) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(times):
            call()
    return list(seen)


def logits() -> mg.Tensor:
    return mg.tensor([[1.0, 2.0], [0.5, -1.0]], requires_grad=True)


LABELS, HALVES = np.array([0, 1]), np.full((2, 2), 0.5)
ZERO = mg.tensor([0.0, 1.0], requires_grad=True)

# Each on a line of its own, because a place is warned of once.
WARN: list[tuple[Callable[[], Any], str]] = [
    (lambda: mg.cross_entropy(mg.softmax(logits()), LABELS), "cross_entropy: its input was made by softmax"),
    (lambda: nnf.cross_entropy(nn.Softmax(-1)(logits()), LABELS), "cross_entropy: its input was made by softmax"),
    (lambda: nn.CrossEntropyLoss()(nn.Sequential(nn.Linear(2, 2), nn.Softmax(-1))(np.ones((2, 2), "f4")), LABELS), "cross_entropy: its input was made by softmax"),
    (lambda: mg.cross_entropy(mg.sigmoid(logits()), LABELS), "cross_entropy: its input was made by sigmoid"),
    (lambda: nnf.nll_loss(mg.softmax(logits()), LABELS), "nll_loss: its input was made by softmax"),
    (lambda: nn.BCEWithLogitsLoss()(mg.sigmoid(logits()), HALVES), "binary_cross_entropy_with_logits: its input was made by sigmoid"),
    (lambda: mg.binary_cross_entropy_with_logits(logits().sigmoid(), HALVES), "binary_cross_entropy_with_logits: its input was made by sigmoid"),
    (lambda: -(mg.log(ZERO) * 2).mean(), "log: 0 among the inputs"),
    (lambda: np.log(ZERO), "log: 0 among the inputs"),
    (lambda: ZERO.log2(), "log2: 0 among the inputs"),
    (lambda: mg.log10(ZERO), "log10: 0 among the inputs"),
    (lambda: mg.log1p(-ZERO[1:]), "log1p: -1 among the inputs"),
    (lambda: mg.grad(lambda x: mg.sum(mg.log(x)))(np.array([0.0, 1.0])), "log: 0 among the inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WARN, ids=[str(i) for i in range(len(WARN))])
def test_it_warns_once_and_at_this_line(call: Any, text: str) -> None:
    (only,) = [w for w in recorded(call) if issubclass(w.category, MicrogradWarning)]
    assert str(only.message).startswith(text)
    assert only.filename == __file__ and only.lineno == call.__code__.co_firstlineno


def test_another_line_is_warned_of_again() -> None:
    def here() -> None:
        notice("two lines")
        notice("two lines")

    assert len(recorded(here)) == 2


def test_as_an_error_it_stops_each_time() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(NumericWarning):
                mg.log(ZERO)


def test_numpys_settings_hold_and_no_warning_without_a_cause() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(divide="ignore"):
            assert mg.log(ZERO).data[0] == -np.inf
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            mg.log(ZERO)
        mg.log(mg.tensor([1.0, np.nan, np.inf]))
        mg.cross_entropy(logits(), LABELS)
        mg.cross_entropy(nnf.log_softmax(logits()), LABELS)  # twice is as once


def test_gradchecks_warning_is_at_this_line() -> None:
    (seen,) = recorded(lambda: check.gradcheck(lambda x: x * 2, [np.ones(2)], eps=1e-3), 1)
    assert seen.filename == __file__ and issubclass(seen.category, MicrogradWarning)


# ---- words and formats --------------------------------------------------------------------------


def test_a_loss_is_formatted_as_its_number() -> None:
    loss = (logits() ** 2).mean()
    assert f"{loss:.4f}" == "1.5625" and f"{loss:8.2e}" == "1.56e+00" and f"{loss:.1f}" == "1.6"
    assert f"{Value(2.5):.2f}" == "2.50" and f"{mg.tensor([[3]]):03d}" == "003"
    assert f"{loss}" == str(loss) and f"{Value(2.5)}" == str(Value(2.5))


FUNCTIONS = [
    (f"{prefix}{name}", getattr(module, name))
    for prefix, module in (("", mg), ("linalg.", mg.linalg))
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
]
WITH_AXIS = [
    pytest.param(function, word, ours, id=f"{name}-{word}")
    for name, function in FUNCTIONS
    for word, ours in (("dim", "axis"), ("keepdim", "keepdims"))
    if ours in inspect.signature(function).parameters and name != "apply_along_axis"
]


@pytest.mark.parametrize(("function", "word", "ours"), WITH_AXIS)
def test_pytorchs_words_are_answered_with_numpys(function: Any, word: str, ours: str) -> None:
    with pytest.raises(RuleError) as caught:
        function(np.ones((2, 3)), **{word: 0})
    assert str(caught.value).endswith(
        f"{word}= is PyTorch's word, here it is {ours}=; methods of a Tensor that PyTorch has too "
        "take both"
    )


T = mg.tensor([1.0, 2.0], requires_grad=True)
test_messages = table(
    (lambda: math.exp(T[0]), GradientError, "float(): a tensor made by getitem requires grad and would lose it; use x.exp(), not math.exp(x), and .item() for the number alone"),
    (lambda: math.exp(Value(1.0)), DTypeError, "float: a Value would lose its gradient; write v.exp(), not math.exp(v), or v.item() for the number alone"),
    (lambda: f"{T:.3f}", DTypeError, "format: '.3f' is for one number, got a tensor of shape (2,); write x.mean(), or str(x)"),
    (lambda: mg.mean(T, dim=0), RuleError, "mean: dim= is PyTorch's word, here it is axis=; methods of a Tensor that PyTorch has too take both"),
    (lambda: mg.sum(T, axis=0, keepdim=True), RuleError, "sum: keepdim= is PyTorch's word, here it is keepdims=; methods of a Tensor that PyTorch has too take both"),
)  # fmt: skip
