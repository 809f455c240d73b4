"""state_dict and load_state_dict: bit-exact continuation, plain contents, complete complaints."""

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import optim
from microgradnn.errors import ConfigError
from microgradnn.optim import SGD, Adam, schedules
from tests.frameworks import framework
from tests.optim.recorded import START, runs, steps
from tests.optim.test_torch import ALL

FEWER = settings(max_examples=max(5, settings().max_examples // 3))


def fresh(arrays: Any, kind: str) -> list[Any]:
    if kind == "value":
        return [mg.Value(float(x)) for x in arrays]
    return [mg.tensor(x, kind, requires_grad=True) for x in arrays]


def plain(x: Any) -> bool:
    if isinstance(x, dict):
        return all(isinstance(k, int | str) for k in x) and all(map(plain, x.values()))
    if isinstance(x, list | tuple):
        return all(map(plain, x))
    return x is None or type(x) in (int, float, str, bool, np.ndarray)


def through_json(state: dict[str, Any]) -> Any:
    """The state as a file gives it back: arrays apart, positions as strings, tuples as lists."""
    arrays: list[np.ndarray] = []

    def hide(x: Any) -> Any:
        arrays.append(x)
        return {"array": len(arrays) - 1}

    text = json.dumps(state, default=hide)
    return json.loads(text, object_hook=lambda d: arrays[d["array"]] if "array" in d else d)


@pytest.mark.parametrize("kind", ["float64", "float32", "value"])
@pytest.mark.parametrize(("name", "options"), ALL)
@given(runs(missing=False), runs(), st.booleans())
@FEWER
def test_training_continues_to_the_last_bit(
    kind: str, name: str, options: Any, before: Any, after: Any, file: bool
) -> None:
    start = [1.0, -2.0] if kind == "value" else START
    if kind == "value":
        before = [(lr, (g[0][0], g[1].item())) for lr, g in before]
        before = [(lr, tuple(map(np.float64, g))) for lr, g in before]
        after = before[::-1]
    make = getattr(optim, name)
    params = fresh(start, kind)
    optimizer = make(params, 0.5, **options)
    for _ in steps(optimizer, params, before):
        pass
    state = optimizer.state_dict()
    assert plain(state)
    kept = copy.deepcopy(state)
    twins = fresh([p.data for p in params], kind)
    twin = make(twins, 0.25, **options)
    twin.load_state_dict(through_json(state) if file else state)
    both = zip(steps(optimizer, params, after), steps(twin, twins, after), strict=True)
    for _ in both:
        for p, q in zip(params, twins, strict=True):
            np.testing.assert_array_equal(p.data, q.data)
    assert repr(state) == repr(kept)  # neither of the two writes into what was saved
    assert repr(twin.state_dict()) == repr(optimizer.state_dict())


def adam(n: int = 1, **options: Any) -> Adam:
    params = [mg.tensor(np.arange(3.0), requires_grad=True) for _ in range(n)]
    optimizer = Adam(params, **options)
    for p in params:
        p.grad = np.ones(3)
    optimizer.step()
    return optimizer


def test_the_structure_is_torchs() -> None:
    torch = framework("torch")
    p = torch.zeros(3, requires_grad=True)
    p.grad = torch.ones(3)
    theirs = torch.optim.Adam([p])
    theirs.step()
    ours = adam().state_dict()
    assert set(ours) == set(theirs.state_dict())
    assert set(ours["state"]) == {0} and ours["param_groups"][0]["params"] == [0]
    assert set(ours["state"][0]) == set(theirs.state_dict()["state"][0])
    for name in ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"):
        assert ours["param_groups"][0][name] == theirs.state_dict()["param_groups"][0][name]


def test_saved_options_win_and_groups_stay_the_same_objects() -> None:
    state = adam(lr=0.5, betas=(0.5, 0.75)).state_dict()
    state["param_groups"][0]["initial_lr"] = 1.0  # a scheduler was there
    optimizer = adam()
    group = optimizer.param_groups[0]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0] is group
    assert (group["lr"], group["betas"], group["initial_lr"]) == (0.5, (0.5, 0.75), 1.0)


def test_a_schedule_goes_on_where_it_was() -> None:
    schedule = schedules.ExponentialDecay(1.0, 1, 0.5)
    state = adam(lr=schedule).state_dict()
    assert state["param_groups"][0]["lr"] == repr(schedule)
    optimizer = Adam([mg.tensor(np.arange(3.0), requires_grad=True)], lr=schedule)
    optimizer.load_state_dict(state)
    assert optimizer.lr == 0.5 and optimizer.param_groups[0]["lr"] is schedule


def spoiled(change: Any) -> dict[str, Any]:
    state = adam(2).state_dict()
    change(state)
    return state


def set_in(*path: Any) -> Any:
    *way, last, value = path

    def change(state: Any) -> None:
        for key in way:
            state = state[key]
        state[last] = value

    return change


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"state": {}}, "got ['state'], need a dict with 'state' and 'param_groups'"),
        (3, "got int, need a dict with 'state' and 'param_groups'"),
        (adam(3).state_dict(), "groups of [3] parameters, expected [2]"),
        (SGD([mg.tensor([1.0]), mg.tensor([2.0])], 0.1).state_dict(), "group 0: no option 'momentum'; group 0: no option 'dampening'; group 0: no option 'nesterov'; group 0: no option 'lr_in_velocity'; group 0: betas is missing; group 0: eps is missing; group 0: amsgrad is missing; group 0: eps_hat is missing"),
        (spoiled(set_in("param_groups", 0, "lr", -1.0)), "group 0: lr is -1.0, must be a finite number >= 0"),
        (spoiled(set_in("param_groups", 0, "lr", "halves")), "group 0: lr was the schedule halves, is 0.001 here"),
        (spoiled(set_in("param_groups", 0, "updates", -1)), "group 0: updates is -1, must be a whole number >= 0"),
        (spoiled(set_in("param_groups", 0, "betas", (0.5, 2.0))), "group 0: betas[1] is 2.0, must be in [0, 1)"),
        (spoiled(set_in("state", 5, {})), "state of parameter 5, which is in no group"),
        (spoiled(set_in("state", 0, {"exp_avg": np.ones(3), "exp_avgsq": np.ones(3)})), "parameter 0: step is missing; parameter 0: exp_avg_sq is missing; parameter 0: unexpected exp_avgsq; did you mean 'exp_avg_sq'?"),
        (spoiled(set_in("state", 1, "exp_avg", np.ones((2, 2)))), "parameter 1: exp_avg has shape (2, 2), expected (3,)"),
        (spoiled(set_in("state", 1, "exp_avg", np.array(["a", "b", "c"]))), "parameter 1: exp_avg holds <U1, need numbers"),
        (spoiled(set_in("state", 1, "step", 1.5)), "parameter 1: step is 1.5, must be a whole number >= 0"),
    ],
)  # fmt: skip
def test_all_that_does_not_fit_is_listed_and_nothing_changes(state: Any, text: str) -> None:
    optimizer = adam(2)
    before = repr(optimizer.state_dict())
    with pytest.raises(ConfigError) as error:
        optimizer.load_state_dict(state)
    assert str(error.value) == f"Adam.load_state_dict: {text}"
    assert repr(optimizer.state_dict()) == before


def test_a_number_is_not_loaded_over_a_schedule() -> None:
    optimizer = adam(lr=schedules.ExponentialDecay(1.0, 1, 0.5))
    with pytest.raises(ConfigError) as error:
        optimizer.load_state_dict(adam(lr=0.5).state_dict())
    assert str(error.value) == (
        "Adam.load_state_dict: group 0: lr was 0.5, is a schedule here; load first, then set .lr"
    )


def test_rules_about_several_options_hold_for_loaded_ones_too() -> None:
    optimizer = SGD([mg.tensor([1.0])], 0.1)
    state = optimizer.state_dict()
    state["param_groups"][0]["nesterov"] = True
    with pytest.raises(ConfigError) as error:
        optimizer.load_state_dict(state)
    assert str(error.value) == (
        "SGD.load_state_dict: group 0: nesterov needs momentum > 0 and dampening = 0"
    )


def test_names_that_changed_place_are_seen() -> None:
    a, b = mg.tensor([1.0], requires_grad=True), mg.tensor([2.0], requires_grad=True)
    state = SGD([("a", a), ("b", b)], 0.1).state_dict()
    with pytest.raises(ConfigError) as error:
        SGD([("b", b), ("a", a)], 0.1).load_state_dict(state)
    assert str(error.value) == (
        "SGD.load_state_dict: group 0: parameters ['a', 'b'], expected ['b', 'a']"
    )
    SGD([b, a], 0.1).load_state_dict(state)  # without names there is nothing to compare
