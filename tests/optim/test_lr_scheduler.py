"""lr_scheduler against torch's, epoch by epoch, and against values computed by hand."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import optim
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
from tests.frameworks import framework

RATES = (0.5, 0.1)  # of two groups
EPOCHS = 25
gammas = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
counts = st.integers(1, 12)
Make = Callable[[Any, Any], Any]


def optimizer(rule: str = "SGD") -> Any:
    groups = [{"params": [mg.tensor([1.0], requires_grad=True)], "lr": lr} for lr in RATES]
    return getattr(optim, rule)(groups, lr=1.0)


def torchs(rule: str = "SGD") -> Any:
    torch = framework("torch")
    groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in RATES]
    return getattr(torch.optim, rule)(groups, lr=1.0)


def momenta(o: Any) -> list[float]:
    return [g["momentum"] if "momentum" in g else g["betas"][0] for g in o.param_groups]


def agree(make: Make, epochs: int = EPOCHS, rule: str = "SGD") -> None:
    """make(lr_scheduler module, optimizer) sets the same rates and momenta in every epoch."""
    own, other = optimizer(rule), torchs(rule)
    ours, theirs = make(lr_scheduler, own), make(framework("torch").optim.lr_scheduler, other)
    for epoch in range(epochs):
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
        np.testing.assert_allclose(momenta(own), momenta(other), rtol=4 * EPOCHS * 2.0**-53)
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


@given(counts, st.sampled_from([0.5, 1.0, 2.0]))
def test_polynomial(n: int, power: float) -> None:
    agree(lambda kind, o: kind.PolynomialLR(o, n, power))


@given(counts)
def test_products(n: int) -> None:
    agree(lambda kind, o: kind.MultiplicativeLR(o, lambda epoch: 1 - 1 / (epoch + n)))
    agree(lambda kind, o: kind.MultiplicativeLR(o, [lambda epoch: 0.9, lambda epoch: 1 / epoch]))


def chained(kind: Any, o: Any, n: int, gamma: float) -> Any:
    parts = [
        kind.ConstantLR(o, 0.25, n),
        kind.StepLR(o, n, 0.5),
        kind.ExponentialLR(o, gamma),
        kind.MultiplicativeLR(o, lambda epoch: 1 - 1 / (epoch + n)),
        kind.LinearLR(o, 0.5, 1.0, n),
        kind.PolynomialLR(o, 30),
        kind.MultiStepLR(o, [n, 2 * n], 0.5),
    ]
    return kind.ChainedScheduler(parts)


@given(counts, st.sampled_from([0.5, 0.9, 1.0]))
def test_several_at_once(n: int, gamma: float) -> None:
    own, other = optimizer(), torchs()
    ours = chained(lr_scheduler, own, n, gamma)
    theirs = chained(framework("torch").optim.lr_scheduler, other, n, gamma)
    for _ in range(EPOCHS):  # torch's has no last_epoch
        rates = [group["lr"] for group in other.param_groups]
        np.testing.assert_allclose(ours.get_last_lr(), rates, rtol=30 * EPOCHS * 2.0**-53)
        other.step()
        ours.step()
        theirs.step()


@given(counts, st.integers(1, 3), st.sampled_from([0.0, 0.01]))
def test_cosine_with_restarts(n: int, times: int, low: float) -> None:
    agree(lambda kind, o: kind.CosineAnnealingWarmRestarts(o, n, times, low))


@given(
    counts,
    st.integers(1, 3),
    st.lists(st.one_of(st.none(), st.integers(0, 400).map(lambda i: i / 8)), max_size=8),
)
def test_cosine_with_restarts_goes_to_any_epoch(n: int, times: int, path: list[Any]) -> None:
    own, other = optimizer(), torchs()
    kind = framework("torch").optim.lr_scheduler
    ours = lr_scheduler.CosineAnnealingWarmRestarts(own, n, times)
    theirs = kind.CosineAnnealingWarmRestarts(other, n, times)
    other.step()
    at = 0.0
    for epoch in path:
        at = at + 1 if epoch is None else epoch
        ours.step(epoch)
        theirs.step(epoch)
        assert ours.last_epoch == int(at)
        if not at.is_integer():  # there torch's logarithm may round past a restart
            rates = [group["lr"] for group in other.param_groups]
            np.testing.assert_allclose(ours.get_last_lr(), rates, rtol=1e-12, atol=1e-14)


cycles = st.fixed_dictionaries(
    dict(
        cycle_momentum=st.booleans(),
        base_momentum=st.sampled_from([0.5, [0.25, 0.75]]),
        max_momentum=st.sampled_from([0.9, [0.8, 0.95]]),
    )
)


@given(
    st.integers(1, 25),
    cycles,
    st.fixed_dictionaries(
        dict(
            max_lr=st.sampled_from([1.0, [0.5, 0.25]]),
            pct_start=st.sampled_from([0.0, 0.3, 0.49, 0.9]),
            anneal_strategy=st.sampled_from(["cos", "linear"]),
            div_factor=st.sampled_from([1.0, 25.0]),
            final_div_factor=st.sampled_from([1.0, 1e4]),
            three_phase=st.booleans(),
        )
    ),
    st.sampled_from(["SGD", "RMSprop", "Adam", "NAdam"]),
)
def test_one_cycle(n: int, cycle: Any, options: dict[str, Any], rule: str) -> None:
    if options["three_phase"]:
        options |= dict(pct_start=0.3)  # torch's later phases would begin before the first one ends
    agree(lambda kind, o: kind.OneCycleLR(o, total_steps=n, **options, **cycle), n, rule)


@given(
    counts,
    st.one_of(st.none(), counts),
    cycles,
    st.fixed_dictionaries(
        dict(
            base_lr=st.sampled_from([0.0, 0.125, [0.5, 0.25]]),
            max_lr=st.sampled_from([1.0, [0.5, 0.75]]),
            mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
            gamma=st.sampled_from([0.5, 0.99]),
            scale_fn=st.sampled_from([None, lambda x: 1 / x if x else 1.0]),
            scale_mode=st.sampled_from(["cycle", "iterations"]),
        )
    ),
    st.sampled_from(["SGD", "Adam"]),
)
def test_cycles(up: int, down: Any, cycle: Any, options: dict[str, Any], rule: str) -> None:
    agree(
        lambda kind, o: kind.CyclicLR(o, step_size_up=up, step_size_down=down, **options, **cycle),
        rule=rule,
    )


def test_one_cycle_ends_where_it_says() -> None:
    own = optimizer()
    scheduler = lr_scheduler.OneCycleLR(own, 1.0, epochs=2, steps_per_epoch=5)
    for _ in range(9):
        scheduler.step()
    last = scheduler.get_last_lr()
    np.testing.assert_allclose(last, [1 / 25 / 1e4] * 2)
    scheduler.step()  # the one after the last step of the optimizer, which no step uses
    assert scheduler.get_last_lr() == last and momenta(own) == [0.95, 0.95]
    with pytest.raises(ConfigError) as error:
        scheduler.step()
    assert str(error.value) == "OneCycleLR: step 11 of total_steps=10; the cycle is over"
    assert scheduler.get_last_lr() == last


def test_a_cycle_that_only_rises_ends_at_the_top() -> None:
    scheduler = lr_scheduler.OneCycleLR(optimizer(), 1.0, 3, pct_start=1.0)
    for _ in range(3):  # torch divides by 0 in the third
        scheduler.step()
    assert scheduler.rates(2) == [1.0, 1.0]


def test_a_cycle_in_a_sequence_sets_the_momenta_of_its_time() -> None:
    own = optimizer("Adam")
    parts = [
        lr_scheduler.ConstantLR(own, 0.5),
        lr_scheduler.CyclicLR(own, 0.25, 0.5, 2, base_momentum=0.5, max_momentum=1.0 - 2.0**-3),
    ]
    scheduler = SequentialLR(own, parts, [2])
    seen = []
    for _ in range(6):
        seen.append((scheduler.get_last_lr()[0], momenta(own)[0]))
        scheduler.step()
    assert seen[2:] == [(0.25, 0.875), (0.375, 0.6875), (0.5, 0.5), (0.375, 0.6875)]


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
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda epoch: 1 - 0.5 / epoch),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 7, 2.0),
    "ChainedScheduler": lambda o: chained(lr_scheduler, o, 2, 0.9),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, [1.0, 0.5], 12, three_phase=True),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 2, 3, "exp_range", 0.9),
    "SequentialLR": lambda o: warmed(lr_scheduler, o, 2, 3),
    "ReduceLROnPlateau": lambda o: ReduceLROnPlateau(o, patience=1, cooldown=1, factor=0.5),
}


def test_every_scheduler_is_tried() -> None:
    assert set(MAKE) == set(lr_scheduler.__all__) - {"LRScheduler"}


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
    assert momenta(twin) == momenta(own)
    assert advance(name, again, METRICS[n:]) == advance(name, scheduler, METRICS[n:])
    assert momenta(twin) == momenta(own)
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
        (lambda: lr_scheduler.ChainedScheduler([]), "ChainedScheduler: got no schedulers, need one at least"),
        (lambda: lr_scheduler.ChainedScheduler([3]), "ChainedScheduler: scheduler 0 is a int, need one whose rate follows from the epoch"),
        (lambda: lr_scheduler.ChainedScheduler([StepLR(OPT, 1), LambdaLR(OPT, float)]), "ChainedScheduler: scheduler 1, LambdaLR, sets the rate itself; chain schedulers that multiply it, such as StepLR"),
        (lambda: lr_scheduler.OneCycleLR(OPT, 1.0), "OneCycleLR: give total_steps, or epochs and steps_per_epoch"),
        (lambda: lr_scheduler.OneCycleLR(OPT, [1.0], 5), "OneCycleLR: got 1 max_lr, need 2, one for each group"),
        (lambda: lr_scheduler.OneCycleLR(OPT, 1.0, 5, pct_start=30), "OneCycleLR: pct_start is 30, must be a number in [0, 1]"),
        (lambda: lr_scheduler.OneCycleLR(OPT, 1.0, 5, anneal_strategy="sin"), "OneCycleLR: anneal_strategy is 'sin', must be 'cos' or 'linear'"),
        (lambda: lr_scheduler.OneCycleLR(optimizer("Adagrad"), 1.0, 5), "OneCycleLR: Adagrad has neither momentum nor betas; write cycle_momentum=False"),
        (lambda: lr_scheduler.CyclicLR(OPT, 0.1, 1.0, mode="up"), "CyclicLR: mode is 'up', must be 'triangular' or 'triangular2' or 'exp_range'"),
        (lambda: lr_scheduler.CyclicLR(OPT, 0.1, 1.0, 0), "CyclicLR: step_size_up is 0, must be a finite number >= 1"),
        (lambda: lr_scheduler.CosineAnnealingWarmRestarts(OPT, 5).step(-1), "CosineAnnealingWarmRestarts.step: epoch is -1, must be a finite number >= 0"),
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
