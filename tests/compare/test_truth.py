"""Who is right: values proved by balls, derivatives by differences of definitions."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare import closing, frameworks, judging, lockstep
from compare.claims import Claim
from compare.frameworks import ours
from compare.layers import Activation, Linear
from compare.model_graph import Recorded
from compare.reference import Reference
from compare.specs import Model, Optimizer
from compare.tasks import Task, gates
from compare.truth import Truth
from microgradnn.engine import ops
from tests.compare.drawn import KINDS, trainings

pytest.importorskip("flint", reason="proofs are made of its balls")


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_value_of_a_drawn_pass_is_within_its_bound_of_the_proved_one(
    kind: str, data: st.DataObject
) -> None:
    task = data.draw(trainings("torch", kind))
    of = Reference(task.model, "float64")
    x, y = next(task.batches("float64"))
    due, sync = of.run(task.params, x, y)
    truth = Truth(of, task.params, x, y, sync)
    kinds = {
        "node": (due.nodes, due.node_limits),
        "slope": (due.slopes, due.slope_limits),
        "grad": (due.grads, due.grad_limits),
        "loss": ([np.array(due.loss)], [np.array(due.loss_limit)]),
    }
    which = data.draw(st.sampled_from(list(kinds)))
    values, limits = kinds[which]
    i = data.draw(st.integers(0, len(values) - 1))
    if which == "slope" and not of.learns[i]:
        return
    entry = tuple(data.draw(st.integers(0, n - 1)) for n in values[i].shape)
    proved = truth.of_claim(Claim(which, i, ""), entry)
    allowed = float(np.broadcast_to(limits[i], values[i].shape)[entry])
    assert proved is not None
    assert proved.off(float(values[i][entry])) <= allowed / 2  # one evaluation, not two


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any], str]] = {
    "rule of tanh": (
        ops.tanh,
        "rules",
        lambda rules: tuple(lambda g, y, x, f=f: f(g, y, x) * (1 + 1e-9) for f in rules),
        "gradient of the input of layer 2, Activation(tanh) at [",
    ),
    "tanh itself": (
        ops.tanh,
        "array",
        lambda tanh: lambda x: tanh(x) * (1 + 1e-9),
        "output of layer 2, Activation(tanh) at [",
    ),
    "rule of the loss": (
        ops.bce_with_logits,
        "rules",
        lambda rules: tuple(lambda g, y, *x, f=f: -f(g, y, *x) for f in rules),
        "gradient of the input of the loss at [",
    ),
}


def with_torch() -> dict[str, ModuleType | str]:
    torch = frameworks.load("torch")
    if isinstance(torch, str):
        pytest.skip(torch)
    return {"microgradnn": ours, "torch": torch}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("alone", [False, True])
def test_a_fault_in_this_library_is_found_as_ours(
    fault: str, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, attribute, spoil, name = FAULTS[fault]
    monkeypatch.setattr(owner, attribute, spoil(getattr(owner, attribute)))
    (task,) = (t for t in gates() if t.name == "xor-mlp")
    both = {"microgradnn": ours} if alone else with_torch()
    mine, *others = lockstep.run(task, both, 2, "float64")
    if alone and fault == "tanh itself":  # a value is confirmed where another says otherwise
        return
    assert mine.verdict.startswith("DISAGREE ") and name in mine.verdict
    assert " of this library is wrong, and so was the reference" in mine.verdict
    assert [row.verdict for row in others] == ["agree"] * len(others)


def test_a_fault_in_another_framework_is_found_as_its_own_with_the_true_value() -> None:
    class Wrong(ours.Session):
        def gradients(self, *args: Any) -> Recorded:
            found = super().gradients(*args)
            found.grads[0] = found.grads[0] * 1.5
            return found

    module = ModuleType("wrong")
    module.Session = Wrong  # type: ignore[attr-defined]
    (task,) = (t for t in gates() if t.name == "xor-mlp")
    mine, other = lockstep.run(task, {"microgradnn": ours, "wrong": module}, 1)
    assert mine.verdict == "agree"
    assert other.violation is not None
    assert other.violation.true == f"true is {other.violation.expected:.17g}, proved"


def test_without_flint_the_reference_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "have", lambda package: False)
    test = FAULTS["rule of tanh"]
    monkeypatch.setattr(test[0], test[1], test[2](getattr(test[0], test[1])))
    (task,) = (t for t in gates() if t.name == "xor-mlp")
    mine, torch = lockstep.run(task, with_torch(), 1, "float64")
    assert (mine.verdict, torch.verdict[:8]) == ("agree", "DISAGREE")
    assert "proved" not in torch.verdict


def test_a_kink_is_said_and_the_slope_that_is_usual_there_is_right() -> None:
    model = Model((2, 1), layers=(Linear(2, 2), Activation("relu"), Linear(2, 1)))
    of = Reference(model, "float64")
    params = [np.zeros((2, 2)), np.zeros(2), np.ones((2, 1)), np.zeros(1)]
    x, y = np.ones((1, 2)), np.ones((1, 1))
    _, sync = of.run(params, x, y)
    proved = Truth(of, params, x, y, sync).of_claim(Claim("slope", 0, ""), (0, 0))
    said = "at a kink, 0 from the left and -2 from the right, where 0 is usual"
    assert str(proved) == said
    assert proved is not None
    assert [proved.off(g) for g in (0.0, -1.0, -2.0, 0.5, -3.0)] == [0, 1, 2, 0.5, 3]


def test_a_loss_that_cancels_is_within_its_bound_and_told_as_poor() -> None:
    torch = with_torch()["torch"]
    (task,) = (t for t in gates() if t.name == "and")
    (row,) = lockstep.run(task, {"torch": torch}, 101)
    assert row.verdict == "agree"
    off, where, theirs, expected = row.poorest
    assert 0.6 < off < 0.7 and where.startswith("the loss ")
    assert abs(theirs - expected) == pytest.approx(off * abs(expected), rel=1e-6)
    said = closing.sentences([row])[0]
    assert said == (
        f"torch, and: {where} is {theirs:.3g} where {expected:.3g} is right, 67 % off: its formula "
        "loses these digits to rounding"
    )


def test_a_tie_in_the_loss_does_not_disturb_the_confirmation() -> None:
    model = Model((1, 1), "identity", "mae")
    task = Task(
        "tie", "tie", model, Optimizer(), model.zeros(), np.ones((2, 1)), np.zeros((2, 1)), 1
    )
    (row,) = lockstep.run(task, {"microgradnn": ours})
    assert row.verdict == "agree"


KINKS = {
    "relu": ("relu", "mse", 0.0, 1.0),
    "leaky_relu": ("leaky_relu", "mse", 0.125, 1.0),
    "mae": ("identity", "mae", 0.0, 1.0),
}


def at_kinks(name: str) -> Task:
    """A training step that has exact zeros where it counts, beside other numbers."""
    activation, loss, *_ = KINKS[name]
    model = Model((2, 2, 1), activation, loss)
    rng = np.random.default_rng(0)
    params = [np.array([[1.0, 2.0], [-1.0, 1.0]]), np.zeros(2), np.ones((2, 1)), np.zeros(1)]
    x = rng.integers(-2, 3, (8, 2)).astype(float)
    y = np.zeros((8, 1))
    return Task("kinks", "kinks", model, Optimizer(), params, x, y, 1)


@pytest.mark.parametrize("ours_too", [False, True])
@pytest.mark.parametrize("name", KINKS)
def test_another_slope_at_exact_zeros_is_found_and_on_the_right_side(
    name: str, ours_too: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a subgradient, so no proof finds it: the choice that all frameworks share does."""
    *_, usual, other = KINKS[name]
    op = {"relu": ops.relu, "leaky_relu": ops.leaky_relu, "mae": ops.abs}[name]
    both = with_torch()
    if ours_too:
        (rule,) = op.rules

        def spoilt(g: Any, y: Any, x: Any, **how: Any) -> Any:
            right = rule(g, y, x, **how)
            return right + (x == 0) * (other - usual) * g

        monkeypatch.setattr(op, "rules", (spoilt,))
    else:

        class Wrong(ours.Session):
            def gradients(self, x: Any, y: Any, sync: Any = None) -> Recorded:
                found = super().gradients(x, y, sync)
                at = {"mae": 2}.get(name, 0)
                if sync is not None:
                    due = sync.slopes[1] * other if name != "mae" else np.full((8, 1), other / 8)
                    zero = sync.nodes[at] == 0
                    found.slopes = list(found.slopes)
                    found.slopes[at] = np.where(zero, due, found.slopes[at])
                return found

        module = ModuleType("wrong")
        module.Session = Wrong  # type: ignore[attr-defined]
        both["torch"] = module
    mine, other_row = lockstep.run(at_kinks(name), both, 1)
    wrong, right = (mine, other_row) if ours_too else (other_row, mine)
    assert wrong.verdict.startswith("DISAGREE ") and "at a kink" in wrong.verdict
    assert f"where {0 if usual == 0 else ''}" in wrong.verdict
    assert right.verdict == "agree"
