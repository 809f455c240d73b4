"""lr_scheduler against torch's, epoch by epoch, and against values computed by hand."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import ConfigError
from microgradnn.optim import SGD, lr_scheduler, schedules
from microgradnn.optim.lr_scheduler import (
    ExponentialLR,
    LambdaLR,
    LinearLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from tests.optim.recorded import framework

RATES = (0.5, 0.1)  # of two groups
EPOCHS = 25
gammas = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
counts = st.integers(1, 12)
Make = Callable[[Any, Any], Any]


def optimizer() -> SGD:
    groups = [{"params": [mg.tensor([1.0], requires_grad=True)], "lr": lr} for lr in RATES]
    return SGD(groups, lr=1.0)


def torchs() -> Any:
    torch = framework("torch")
    return torch.optim.SGD([{"params": [torch.zeros(1)], "lr": lr} for lr in RATES], lr=1.0)


def agree(make: Make) -> None:
    """make(lr_scheduler module, optimizer) sets the same rates in every epoch."""
    own, other = optimizer(), torchs()
    ours, theirs = make(lr_scheduler, own), make(framework("torch").optim.lr_scheduler, other)
    for epoch in range(EPOCHS):
        assert ours.last_epoch == theirs.last_epoch == epoch
        got = [group["lr"] for group in own.param_groups]
        assert got == ours.get_last_lr()
        # torch multiplies the last rate in most of them: one rounding or two per epoch, relative
        # to the rate; CosineAnnealingLR multiplies by up to 1/sin²(π/(2·T_max)) < 60 as it rises.
        np.testing.assert_allclose(
            got,
            [group["lr"] for group in other.param_groups],
            rtol=4 * EPOCHS * 2.0**-53,
            atol=1e-14,
        )
        other.step()  # else torch warns
        ours.step()
        theirs.step()


@given(counts, gammas)
def test_step(n: int, gamma: float) -> None:
    agree(lambda kind, o: kind.StepLR(o, n, gamma))
    agree(lambda kind, o: kind.ExponentialLR(o, gamma))


@given(st.lists(st.integers(0, 20), max_size=4).map(sorted), gammas)
def test_milestones_also_twice_the_same(milestones: list[int], gamma: float) -> None:
    agree(lambda kind, o: kind.MultiStepLR(o, milestones, gamma))


@given(counts, st.sampled_from([0.01, 0.25, 1.0]), gammas)
def test_warm_up(n: int, start: float, end: float) -> None:
    agree(lambda kind, o: kind.LinearLR(o, start, end, n))
    agree(lambda kind, o: kind.ConstantLR(o, start, n))


@given(counts, st.sampled_from([0.0, 0.01]))
def test_cosine_down_and_up_again(n: int, low: float) -> None:
    agree(lambda kind, o: kind.CosineAnnealingLR(o, n, low))


@given(counts, counts)
def test_lambdas(n: int, m: int) -> None:
    agree(lambda kind, o: kind.LambdaLR(o, lambda epoch: 1 / (1 + epoch / n)))
    agree(
        lambda kind, o: kind.LambdaLR(
            o, [lambda epoch: 0.5 ** (epoch // n), lambda epoch: m + epoch]
        )
    )


def warmed(kind: Any, o: Any, n: int, m: int) -> Any:
    parts = [
        kind.LinearLR(o, 0.25, total_iters=n),
        kind.CosineAnnealingLR(o, 20),
        kind.StepLR(o, 2, 0.5),
    ]
    return kind.SequentialLR(o, parts, [n, n + m])


@given(counts, counts)
def test_one_after_another(n: int, m: int) -> None:
    agree(lambda kind, o: warmed(kind, o, n, m))


@given(
    st.lists(st.floats(-2, 2), min_size=EPOCHS, max_size=EPOCHS),
    st.fixed_dictionaries(
        dict(
            mode=st.sampled_from(["min", "max"]),
            threshold_mode=st.sampled_from(["rel", "abs"]),
            patience=st.integers(0, 3),
            cooldown=st.integers(0, 3),
            threshold=st.sampled_from([0.0, 1e-4, 0.5]),
            min_lr=st.sampled_from([0.0, 0.01, [0.2, 0.02]]),
            eps=st.sampled_from([1e-8, 0.01]),
        )
    ),
)
def test_plateau(metrics: list[float], options: dict[str, Any]) -> None:
    own, other = optimizer(), torchs()
    ours = ReduceLROnPlateau(own, factor=0.5, **options)
    theirs = framework("torch").optim.lr_scheduler.ReduceLROnPlateau(other, factor=0.5, **options)
    for metric in [*metrics, float("nan"), 0.0]:
        ours.step(mg.tensor(metric))
        theirs.step(metric)
        assert ours.get_last_lr() == [group["lr"] for group in other.param_groups]
        assert (ours.best, ours.num_bad_epochs) == (theirs.best, theirs.num_bad_epochs)


def test_rates_do_not_drift() -> None:
    own = optimizer()
    scheduler = ExponentialLR(own, 0.99)
    for _ in range(1000):
        scheduler.step()
    assert scheduler.get_last_lr() == [lr * 0.99**1000 for lr in RATES]


MAKE: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: StepLR(o, 2, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3], 0.5),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.5, 3),
    "LinearLR": lambda o: LinearLR(o, 0.5, 1.0, 4),
    "ExponentialLR": lambda o: ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 7, 0.01),
    "LambdaLR": lambda o: LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "SequentialLR": lambda o: warmed(lr_scheduler, o, 2, 3),
    "ReduceLROnPlateau": lambda o: ReduceLROnPlateau(o, patience=1, cooldown=1, factor=0.5),
}
METRICS = [3.0, 2.0, 2.5, 2.0, 1.0, 4.0, 4.0, 4.0, 4.0, 4.0]


def advance(name: str, scheduler: Any, metrics: list[float]) -> list[list[float]]:
    out = []
    for metric in metrics:
        scheduler.step(*([metric] if name == "ReduceLROnPlateau" else []))
        out.append(scheduler.get_last_lr())
    return out


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("n", [0, 1, 4, 6])
@pytest.mark.parametrize("file", [False, True])
def test_a_schedule_continues_where_it_was_saved(name: str, n: int, file: bool) -> None:
    own, twin = optimizer(), optimizer()
    scheduler = MAKE[name](own)
    advance(name, scheduler, METRICS[:n])
    saved = {"optimizer": own.state_dict(), "scheduler": scheduler.state_dict()}
    if file:
        saved = json.loads(json.dumps(saved))
    again = MAKE[name](twin)
    again.load_state_dict(saved["scheduler"])
    twin.load_state_dict(saved["optimizer"])
    assert again.get_last_lr() == scheduler.get_last_lr()
    assert [g["lr"] for g in twin.param_groups] == scheduler.get_last_lr()
    assert advance(name, again, METRICS[n:]) == advance(name, scheduler, METRICS[n:])
    assert again.state_dict() == scheduler.state_dict()


def test_last_epoch_continues_a_loaded_optimizer() -> None:
    own, twin = optimizer(), optimizer()
    scheduler = ExponentialLR(own, 0.5)
    advance("", scheduler, METRICS[:4])
    twin.load_state_dict(own.state_dict())
    again = ExponentialLR(twin, 0.5, last_epoch=scheduler.last_epoch)  # steps once, as in torch
    scheduler.step()
    assert again.get_last_lr() == scheduler.get_last_lr()


def two(o: Any) -> list[Any]:
    return [StepLR(o, 1), StepLR(o, 1)]


OPT = optimizer()


def grown() -> None:
    own = optimizer()
    scheduler = StepLR(own, 1)
    own.add_param_group({"params": [mg.tensor([1.0])]})
    scheduler.step()


def loaded(change: Callable[[dict[str, Any]], Any], name: str = "StepLR") -> None:
    scheduler = MAKE[name](optimizer())
    state = scheduler.state_dict()
    change(state)
    before = repr(scheduler.state_dict())
    try:
        scheduler.load_state_dict(state)
    finally:
        assert repr(scheduler.state_dict()) == before


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: StepLR(3, 1), "StepLR: got int, need an optimizer"),
        (lambda: StepLR(SGD([mg.tensor([1.0])], schedules.CosineDecay(0.1, 5)), 1), "StepLR: lr of group 0 is a schedule already; use one or the other"),
        (lambda: StepLR(optimizer(), 1, last_epoch=3), "StepLR: group 0 has no initial_lr to continue from; load the optimizer's state first, or leave out last_epoch"),
        (lambda: StepLR(OPT, 0), "StepLR: step_size is 0, must be a finite number >= 1"),
        (lambda: LinearLR(OPT, -0.5, total_iters=3), "LinearLR: start_factor is -0.5, must be a finite number >= 0"),
        (lambda: LambdaLR(OPT, [abs]), "LambdaLR: got 1 functions, need one for each of 2 groups"),
        (grown, "StepLR: the optimizer has 3 groups, had 2; make the scheduler after the last add_param_group"),
        (lambda: SequentialLR(OPT, [], []), "SequentialLR: got 0 schedulers and 0 milestones, need one milestone between two schedulers"),
        (lambda: SequentialLR(OPT, two(OPT), [0]), "SequentialLR: milestones[0] is 0, must be a finite number >= 1"),
        (lambda: SequentialLR(OPT, [*two(OPT), *two(OPT)], [3, 3, 4]), "SequentialLR: milestones [3, 3, 4] must increase"),
        (lambda: SequentialLR(OPT, two(optimizer()), [3]), "SequentialLR: scheduler 0 belongs to another optimizer"),
        (lambda: SequentialLR(OPT, [ReduceLROnPlateau(OPT)], []), "SequentialLR: scheduler 0 is a ReduceLROnPlateau, need one whose rate follows from the epoch"),
        (lambda: ReduceLROnPlateau(OPT, mode="down"), "ReduceLROnPlateau: mode is 'down', must be 'min' or 'max'"),
        (lambda: ReduceLROnPlateau(OPT, factor=1.0), "ReduceLROnPlateau: factor is 1.0, must be in [0, 1)"),
        (lambda: ReduceLROnPlateau(OPT, min_lr=[0.1]), "ReduceLROnPlateau: got 1 min_lr, need 2, one for each group"),
        (lambda: loaded(lambda s: s.update(gama=1)), "StepLR.load_state_dict: unexpected gama; did you mean 'gamma'?"),
        (lambda: ReduceLROnPlateau(OPT, min_lr=-1.0), "ReduceLROnPlateau: min_lr[0] is -1.0, must be a finite number >= 0; min_lr[1] is -1.0, must be a finite number >= 0"),
        (lambda: StepLR(OPT, 1).load_state_dict(3), "StepLR.load_state_dict: got int, need a dict"),
        (lambda: loaded(lambda s: s.pop("last_epoch")), "StepLR.load_state_dict: last_epoch is missing"),
        (lambda: loaded(lambda s: s.update(base_lrs=(1.0,))), "StepLR.load_state_dict: base_lrs has 1 rates, expected 2"),
        (lambda: loaded(lambda s: s.update(schedulers=()), "SequentialLR"), "SequentialLR.load_state_dict: 0 schedulers, expected 3"),
        (lambda: loaded(lambda s: s["schedulers"][1].pop("T_max"), "SequentialLR"), "SequentialLR.load_state_dict: scheduler 1: T_max is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(make: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value) == text
