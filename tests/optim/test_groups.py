"""Parameter groups, learning rates, missing gradients, and what is refused with which words."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import optim
from microgradnn.errors import ConfigError, MicrogradError, ShapeError
from microgradnn.optim import SGD, Adagrad, Adam, RMSprop, schedules
from tests.frameworks import framework
from tests.optim.recorded import START, Grads, assert_close, runs, steps
from tests.optim.test_torch import RULES


def leaf(*numbers: float, name: str | None = None) -> mg.Tensor:
    return mg.tensor(list(numbers), requires_grad=True, name=name)


@given(runs(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.125]))
def test_groups_with_their_own_options_are_torchs(run: Any, momentum: float, decay: float) -> None:
    torch = framework("torch")
    own, second = dict(lr=0.25, weight_decay=decay), dict(momentum=momentum, maximize=True)
    ours = [mg.tensor(x, requires_grad=True) for x in START]
    theirs = [torch.tensor(x, requires_grad=True) for x in START]
    a = SGD([{"params": [ours[0]], **own}], lr=0.5, momentum=0.875)
    b = torch.optim.SGD([{"params": [theirs[0]], **own}], lr=0.5, momentum=0.875)
    a.add_param_group({"params": ours[1], **second})
    b.add_param_group({"params": theirs[1], **second})
    options = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    for i in range(2):
        assert [a.param_groups[i][k] for k in options] == [b.param_groups[i][k] for k in options]
    for _, grads in run:
        for p, q, g in zip(ours, theirs, grads, strict=True):
            p.grad, q.grad = g, None if g is None else torch.tensor(g)
        a.step()
        b.step()
        moved = [[p.data for p in ours]], [[q.detach().numpy() for q in theirs]]
        assert_close(*moved, roundings=80, size=16)


def test_names_come_with_pairs() -> None:
    w, b = leaf(1.0), leaf(2.0)
    optimizer = SGD({"w": w, "b": b}.items(), lr=0.5)
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    assert optimizer.param_groups[0]["params"] == [w, b]


def test_the_users_dict_is_left_as_it_is() -> None:
    group: dict[str, Any] = {"params": [leaf(1.0)]}
    SGD([group], lr=0.5)
    assert list(group) == ["params"]


def test_lr_is_that_of_the_first_group_and_sets_all() -> None:
    optimizer = SGD([{"params": [leaf(1.0)], "lr": 0.25}, {"params": [leaf(1.0)]}], lr=0.5)
    assert optimizer.lr == 0.25
    optimizer.lr = np.float64(0.125)
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.125]
    assert type(optimizer.lr) is float
    assert repr(optimizer) == "SGD(2 parameters in 2 groups, lr=0.125)"


@given(runs(missing=False))
def test_a_schedule_is_the_same_as_setting_lr_by_hand(run: list[tuple[float, Grads]]) -> None:
    def moved(lr: Any) -> list[Any]:
        params = [mg.tensor(x, requires_grad=True) for x in START]
        optimizer = SGD(params, lr=lr, momentum=0.5)
        out = []
        for i, (rate, grads) in enumerate(run):
            if not callable(lr):
                optimizer.lr = rate
            assert optimizer.lr == rate and optimizer.param_groups[0]["updates"] == i
            for p, g in zip(params, grads, strict=True):
                p.grad = g
            optimizer.step()
            out.append([p.data.copy() for p in params])
        return out

    rates = [rate for rate, _ in run] + [0.0]
    assert_close(moved(lambda step: np.float32(rates[step])), moved(rates[0]), roundings=0)


def test_a_schedule_counts_only_updates() -> None:
    p, q = leaf(1.0), leaf(1.0)
    halves = schedules.ExponentialDecay(1.0, 1, 0.5)
    optimizer = SGD([{"params": [p]}, {"params": [q]}], lr=halves)
    p.grad = np.ones(1)
    optimizer.step()  # moves only the first group
    optimizer.zero_grad()
    optimizer.step()  # moves nothing
    assert [group["updates"] for group in optimizer.param_groups] == [1, 0]
    assert optimizer.lr == 0.5 and q.data.item() == 1.0 and p.data.item() == 0.0
    optimizer.lr = 0.25
    assert optimizer.param_groups[1]["lr"] == 0.25


@pytest.mark.parametrize("name", RULES)
def test_without_gradients_nothing_moves_and_nothing_is_remembered(name: str) -> None:
    p, frozen = leaf(1.0), mg.tensor([1.0])
    optimizer = getattr(optim, name)([p, frozen], lr=0.5, weight_decay=0.5)
    optimizer.step()
    assert p.data.item() == 1.0 and optimizer.state == [{}, {}]
    (p * 2).sum().backward()
    optimizer.step()
    assert p.data.item() != 1.0 and frozen.data.item() == 1.0 and optimizer.state[1] == {}


def test_zero_grad_forgets_the_gradients_of_all_groups() -> None:
    p, v = leaf(1.0), mg.Value(2.0)
    optimizer = SGD([{"params": [p]}, {"params": [v]}], lr=0.5)
    (p * 2).sum().backward()
    (v * 2).backward()
    optimizer.zero_grad()
    assert p.grad is None and v.grad == 0


def test_a_gradient_with_a_graph_is_used_without_it() -> None:
    p = leaf(3.0)
    (p * p).sum().backward(create_graph=True)
    assert isinstance(p.grad, mg.Tensor)
    SGD([p], lr=0.25, momentum=0.5).step()
    assert type(p.data) is np.ndarray and p.data.item() == 1.5


def test_a_rule_of_ones_own_needs_an_update() -> None:
    class Signs(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        def update(self, p: Any, g: Any, memory: Any, group: Any, lr: Any) -> Any:
            p -= lr * np.sign(g)
            return p

    p = leaf(1.0, 2.0)
    optimizer = Signs([{"params": [p], "lr": 0.25}], lr=0.5)
    (p * p).sum().backward()
    optimizer.step()
    assert p.data.tolist() == [0.75, 1.75]
    unfinished = optim.Optimizer([p], {"lr": 0.5})
    with pytest.raises(NotImplementedError, match="^Optimizer defines no update$"):
        unfinished.step()


def test_gradients_of_the_wrong_shape_are_refused_before_anything_moves() -> None:
    p, q = leaf(1.0, 2.0), leaf(1.0, 2.0, name="w")
    optimizer = SGD([p, q], lr=0.5)
    p.grad = np.ones(2)
    for wrong, text in (
        (np.ones(1), "step: the gradient of 'w' has shape (1,), the parameter (2,)"),
        (1.0, "step: the gradient of 'w' has shape (), the parameter (2,)"),
    ):
        q.grad = wrong
        with pytest.raises(ShapeError) as error:
            optimizer.step()
        assert str(error.value) == text and p.data.tolist() == [1.0, 2.0]
    q.grad = [1.0, 1.0]
    optimizer.step()
    assert q.data.tolist() == [0.5, 1.5]
    q.grad = "steep"
    with pytest.raises(ShapeError, match="^step: the gradient of 'w' is no array: "):
        optimizer.step()


W = leaf(1.0)
MADE = W * 2
LAYER = type("Layer", (), {"named_parameters": lambda self: iter(())})()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SGD([], 0.1), "SGD: no parameters; pass model.parameters()"),
        (lambda: SGD([{"params": []}], 0.1), "SGD: no parameters; pass model.parameters()"),
        (lambda: SGD(W, 0.1), "SGD: got one Tensor, need several parameters; write [w]"),
        (lambda: SGD({W}, 0.1), "SGD: got a set, which has no order; write a list"),
        (lambda: SGD({"params": [W]}, 0.1), "SGD: got a dict, need a list of groups; write [{'params': …}]"),
        (lambda: SGD(LAYER, 0.1), "SGD: got Layer, need parameters; pass model.parameters()"),
        (lambda: SGD(1.0, 0.1), "SGD: got float, need parameters; pass model.parameters()"),
        (lambda: SGD([np.ones(2)], 0.1), "SGD: parameters must be Tensors or Values, got ndarray"),
        (lambda: SGD([W, {"params": []}], 0.1), "SGD: parameters must be Tensors or Values, got dict"),
        (lambda: SGD([{"params": [W]}, W], 0.1), "SGD: a group must be a dict with 'params'"),
        (lambda: SGD([{"parms": [W]}], 0.1), "SGD: a group must be a dict with 'params'"),
        (lambda: SGD([W, MADE], 0.1), "SGD: parameter 1 was made by mul; optimise what it was computed from, or .detach() it"),
        (lambda: SGD([W, W], 0.1), "SGD: parameter 1 is given twice"),
        (lambda: SGD([{"params": [W]}, {"params": [leaf(1.0), W]}], 0.1), "SGD: parameter 1 is in another group already"),
        (lambda: SGD([("w", W), leaf(1.0)], 0.1), "SGD: some parameters have names and some have none"),
        (lambda: SGD([{"params": [("w", W)]}, {"params": [leaf(1.0)]}], 0.1), "SGD: some groups have names and some have none"),
        (lambda: SGD([{"params": [W], "momentun": 0.5}], 0.1), "SGD: no option 'momentun'; did you mean 'momentum'?"),
        (lambda: Adam([W], clipnrom=1.0), "Adam: no option 'clipnrom'; did you mean 'clipnorm'?"),
        (lambda: SGD([W], -1), "SGD: lr is -1, must be a finite number >= 0"),
        (lambda: SGD([W], float("nan")), "SGD: lr is nan, must be a finite number >= 0"),
        (lambda: SGD([W], float("inf")), "SGD: lr is inf, must be a finite number >= 0"),
        (lambda: SGD([W], "0.1"), "SGD: lr is '0.1', must be a finite number >= 0"),
        (lambda: SGD([{"params": [W], "lr": -1.0}], 0.1), "SGD: lr is -1.0, must be a finite number >= 0"),
        (lambda: SGD([W], 0.1, momentum=-0.5, weight_decay=-1.0), "SGD: weight_decay is -1.0, must be a finite number >= 0; momentum is -0.5, must be a finite number >= 0"),
        (lambda: SGD([W], 0.1, nesterov=True), "SGD: nesterov needs momentum > 0 and dampening = 0"),
        (lambda: SGD([W], 0.1, maximize="yes"), "SGD: maximize is 'yes', must be True or False"),
        (lambda: RMSprop([W], alpha=1.0), "RMSprop: alpha is 1.0, must be in [0, 1)"),
        (lambda: Adagrad([W], initial_accumulator_value=-1.0), "Adagrad: initial_accumulator_value is -1.0, must be a finite number >= 0"),
        (lambda: Adam([W], betas=(0.9, 1.0)), "Adam: betas[1] is 1.0, must be in [0, 1)"),
        (lambda: Adam([W], betas=0.9), "Adam: betas is 0.9, must be two numbers"),
        (lambda: SGD([W], 0.1, nesterov=1), "SGD: nesterov is 1, must be True or False"),
        (lambda: optim.Rprop([W], etas=(0.5, 1.0)), "Rprop: etas are (0.5, 1.0), need 0 < etas[0] < 1 < etas[1]"),
        (lambda: optim.Rprop([W], step_sizes=(2, 1)), "Rprop: step_sizes are (2, 1), need step_sizes[0] <= step_sizes[1]"),
        (lambda: optim.Rprop([W], etas=0.5), "Rprop: etas is 0.5, must be two numbers"),
        (lambda: optim.Adadelta([W], rho=1.0), "Adadelta: rho is 1.0, must be in [0, 1)"),
        (lambda: optim.NAdam([W], momentum_decay=-1), "NAdam: momentum_decay is -1, must be a finite number >= 0"),
        (lambda: Adam([W], clipnorm=1.0, clipvalue=2.0), "Adam: clipvalue and clipnorm given, use one"),
        (lambda: Adam([W], global_clipnorm=-1.0), "Adam: global_clipnorm is -1.0, must be a finite number >= 0"),
        (lambda: setattr(SGD([W], 0.1), "lr", None), "SGD: lr is None, must be a finite number >= 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(make: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value) == text
    assert isinstance(error.value, MicrogradError)


@given(runs(missing=False))
def test_a_group_added_later_starts_from_nothing(run: Any) -> None:
    late = SGD([mg.tensor(START[0], requires_grad=True)], 0.5, momentum=0.5)
    p = mg.tensor(START[1], requires_grad=True)
    late.add_param_group({"params": p})
    alone = mg.tensor(START[1], requires_grad=True)
    for _ in zip(
        steps(late, [late.param_groups[0]["params"][0], p], run),
        steps(SGD([alone], 0.5, momentum=0.5), [alone], [(lr, g[1:]) for lr, g in run]),
        strict=True,
    ):
        assert p.data == alone.data
