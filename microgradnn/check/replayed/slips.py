"""Mistakes in optimisers: what makes a right rule the one that somebody wrote by mistake."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ...optim.base import Optimizer
from .hyper import Hyper
from .variants import ADAM, Form, Tamper

FAR = 10**9  # a number of steps at which no bias is left to correct


def slips(form: Form, h: Hyper) -> Iterator[Form]:
    """The mistakes that can be made of a form."""
    for make in (_general, _state, _corrections, _means, _decays):
        for about, fix, change in make(form, h):
            new = {"about": about, "fix": fix, "mistake": True, **change}
            new["options"] = form.options | change.get("options", {})
            new["tamper"] = (*form.tamper, *change.get("tamper", ()))
            yield replace(form, **new)


Slips = Iterator[tuple[str, str, dict[str, Any]]]


def _general(form: Form, h: Hyper) -> Slips:
    yield "it goes up the gradient", "subtract the step", {"options": {"maximize": True}}
    if h["lr"] != 1:
        yield "lr is missing", "multiply the step by lr", {"tamper": (_unit,)}
    if form.options.get("eps"):
        text = "eps is missing: it divides by 0 where the gradient was always 0"
        yield text, "add eps to the root", {"options": {"eps": 0.0}}


def _unit(optimizer: Optimizer, k: int, lr: float) -> None:
    optimizer.param_groups[0]["lr"] = 1.0


def _state(form: Form, h: Hyper) -> Slips:
    if form.name == "SGD":
        return
    text = "what it remembers starts anew at each step"
    yield text, "keep the state from one step to the next", {"tamper": (_forget,)}
    text = "all parameters share one state"
    yield text, "keep a state for each parameter", {"tamper": (_share,)}


def _forget(optimizer: Optimizer, k: int, lr: float) -> None:
    steps = [memory.get("step") for memory in optimizer.state]
    for memory, step in zip(optimizer.state, steps, strict=True):
        memory.clear()
        if step is not None:
            memory["step"] = step


def _share(optimizer: Optimizer, k: int, lr: float) -> None:
    optimizer.state[:] = [optimizer.state[0]] * len(optimizer.state)


# ---- Adam's kin ----------------------------------------------------------------------------------


def _corrections(form: Form, h: Hyper) -> Slips:
    if form.family not in (*ADAM, "AdamW"):
        return
    write = "divide m by 1 - β₁ᵗ and v by 1 - β₂ᵗ"
    yield "the bias correction is missing", write, {"tamper": (_count(lambda k, i, n: FAR),)}
    text = "t does not advance: the bias correction is always that of the first step"
    yield text, "add 1 to t at each step", {"tamper": (_count(lambda k, i, n: 0),)}
    text = "t is advanced for each parameter: with n parameters n times a step"
    yield text, "add 1 to t once a step", {"tamper": (_count(lambda k, i, n: (k - 1) * n + i),)}
    text = "t is 2 at the first step"
    yield text, "let t be 1 at the first step", {"tamper": (_count(lambda k, i, n: k),)}
    if form.family != "Adamax":
        b1, b2 = form.options["betas"]
        yield "β₁ and β₂ are exchanged", "m has β₁, v has β₂", {"options": {"betas": (b2, b1)}}
    if form.family in ("Adam", "AdamW") and not form.options.get("eps_hat"):
        text = "the bias correction of m is missing"
        yield text, "divide m by 1 - β₁ᵗ", {"tamper": (_first_moment(b1),)}
        text = "the bias correction of v is missing"
        change = {"options": {"eps_hat": True}, "tamper": (_second_moment(b2),)}
        yield text, "divide v by 1 - β₂ᵗ", change


def _count(steps: Callable[[int, int, int], int]) -> Tamper:
    """Says how many updates there have been: of step k, parameter i of n, from 0."""

    def tamper(optimizer: Optimizer, k: int, lr: float) -> None:
        for i, memory in enumerate(optimizer.state):
            memory["step"] = steps(k, i, len(optimizer.state))

    return tamper


def _scaled(factor: Callable[[int], float]) -> Tamper:
    def tamper(optimizer: Optimizer, k: int, lr: float) -> None:
        optimizer.param_groups[0]["lr"] *= factor(k)

    return tamper


def _first_moment(b1: float) -> Tamper:
    return _scaled(lambda k: 1 - b1**k)


def _second_moment(b2: float) -> Tamper:
    return _scaled(lambda k: (1 - b2**k) ** -0.5)


# ---- means, decay --------------------------------------------------------------------------------


def _means(form: Form, h: Hyper) -> Slips:
    eps = form.options.get("eps", 0.0)
    if form.family in ("Adam", "AdamW") and not form.options.get("eps_hat"):
        b1, b2 = form.options["betas"]
        less = (1 - b2) ** 0.5
        squares = {"options": {"eps": eps * less}, "factor": less}
        text = "the mean of the {} lacks its factor 1 - {}"
        fix = "write β·v + (1 - β)·…"
        yield text.format("gradients", "β₁"), fix, {"factor": 1 / (1 - b1)}
        yield text.format("squares", "β₂"), fix, squares
        both = {**squares, "factor": less / (1 - b1)}
        yield "the means lack their factors 1 - β₁ and 1 - β₂", fix, both
    if form.family == "RMSprop" and not form.options["centered"]:
        rho = form.options["alpha"]
        if not form.options.get("eps_inside"):
            less = (1 - rho) ** 0.5
            text = "the mean of the squares lacks its factor 1 - ρ"
            change = {"options": {"eps": eps * less}, "factor": less}
            yield text, "write ρ·s + (1 - ρ)·g²", change
        text = "ρ and 1 - ρ are exchanged"
        yield text, "write ρ·s + (1 - ρ)·g²", {"options": {"alpha": 1 - rho}}


def _decays(form: Form, h: Hyper) -> Slips:
    decay = form.options.get("weight_decay", 0.0)
    if not decay:
        return
    if form.options.get("decoupled_weight_decay"):
        text = "the weight decay is not multiplied by lr"
        yield text, "write p - lr·λ·p", {"tamper": (_undecayed(decay),)}
    text = "the weight decay has the wrong sign"
    yield text, "parameters become smaller by it", {"tamper": (_decaying(-decay),)}


def _undecayed(decay: float) -> Tamper:
    def tamper(optimizer: Optimizer, k: int, lr: float) -> None:
        optimizer.param_groups[0]["weight_decay"] = decay / lr

    return tamper


def _decaying(decay: float) -> Tamper:
    def tamper(optimizer: Optimizer, k: int, lr: float) -> None:
        optimizer.param_groups[0]["weight_decay"] = decay

    return tamper
