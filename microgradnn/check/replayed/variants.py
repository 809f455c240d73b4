"""The optimisers there are, in all their forms: the rules of microgradnn.optim, with options.

No formula stands here; those that optim has not are in other_rules.py. Where frameworks disagree
optim's classes have an option for each side; a mistake (slips.py) is a right rule with another
option, another lr, or a memory tampered with.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engine.tensor import Tensor
from ...optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from ...optim.base import Optimizer
from .hyper import Hyper
from .other_rules import ASGD, Adafactor, Ftrl, KerasAdamax, Lion

Arrays = list[Any]  # of one step: the parameters, or their gradients
ADAM = ("Adam", "AMSGrad", "NAdam", "RAdam", "Adamax")  # the kin that correct a bias

# What is done before a step: the optimiser, the number of the step from 1, and its lr.
Tamper = Callable[[Optimizer, int, float], None]


@dataclass(frozen=True)
class Form:
    """One rule in one form.

    name     as users know it: "Keras's Adam"
    about    what makes it this form, in a few words; of a mistake what is wrong
    family   the kind of rule, whatever its form: "Adam"
    rule     its class in microgradnn.optim; options: what that class is given beside lr
    tamper   what is done before each step, for a mistake
    factor   what lr is multiplied by
    mistake  whether it is none that anybody means
    fix      of a mistake, what to write instead
    """

    name: str
    about: str
    family: str
    rule: Callable[..., Optimizer]
    options: dict[str, Any]
    tamper: tuple[Tamper, ...] = ()
    factor: float = 1.0
    mistake: bool = False
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.about}" if self.about else self.name

    def replayed(
        self, start: Arrays, grads: Sequence[Arrays], lrs: Sequence[float]
    ) -> tuple[list[Arrays], list[dict[str, Any]]]:
        """The parameters after each step, and what the rule then remembers of the first one."""
        params = [Tensor(np.array(p), requires_grad=True) for p in start]
        optimizer = self.rule(params, lr=lrs[0] * self.factor, **self.options)
        path, memory = [], []
        for k, (given, lr) in enumerate(zip(grads, lrs, strict=True), 1):
            for p, g in zip(params, given, strict=True):
                p.grad = np.array(g)
            optimizer.param_groups[0]["lr"] = lr * self.factor
            for tamper in self.tamper:
                tamper(optimizer, k, lr)
            optimizer.step()
            path.append([np.array(p.data) for p in params])
            memory.append({name: np.array(x) for name, x in optimizer.state[0].items()})
        return path, memory


def forms(h: Hyper) -> Iterator[Form]:
    """All rules in all forms, with these numbers; those without weight decay first."""
    plain = [*_momenta(h), *_squares(h), *_adams(h), *_others(h)]
    yield from plain
    if decay := h.get("weight_decay", 0.0):
        for form in plain:
            coupled = {"weight_decay": decay}
            name = {"Adam": "AdamW"}.get(form.family, f"{form.family} with decoupled weight decay")
            own = f"{form.name.partition(form.family)[0]}{name}"
            about = f"{form.about}; p·(1 - lr·λ)" if form.about else "p·(1 - lr·λ)"
            free = {**coupled, "decoupled_weight_decay": True}
            family = "AdamW" if form.family == "Adam" else form.family
            yield replace(form, name=own, about=about, options=form.options | free, family=family)
            about = f"{form.about}; L2, g + λ·p" if form.about else "L2, g + λ·p"
            own = f"{form.name} with coupled weight decay"
            yield replace(form, name=own, about=about, options=form.options | coupled)


def _momenta(h: Hyper) -> Iterator[Form]:
    yield Form("SGD", "", "SGD", SGD, {})
    if mu := h.get("momentum", 0.0):
        outside, inside = "lr outside the velocity", "lr inside the velocity"
        for family, nesterov in (("momentum", False), ("Nesterov", True)):
            word = "SGD with Nesterov momentum" if nesterov else "SGD with momentum"
            o: dict[str, Any] = {"momentum": mu, "nesterov": nesterov}
            if h.get("dampening", 0.0) and not nesterov:
                o |= {"dampening": h["dampening"]}
            yield Form(f"PyTorch's {word}", outside, family, SGD, o)
            yield Form(f"Keras's {word}", inside, family, SGD, {**o, "lr_in_velocity": True})
        damped = {"momentum": mu, "dampening": mu}
        about = "the velocity is a mean, β·v + (1 - β)·g"
        yield Form("SGD with momentum", about, "momentum", SGD, damped, (_from_zero,))


def _from_zero(optimizer: Optimizer, k: int, lr: float) -> None:
    if k == 1:
        for memory, p in zip(optimizer.state, optimizer.param_groups[0]["params"], strict=True):
            memory["momentum_buffer"] = np.zeros_like(p.data)


def _squares(h: Hyper) -> Iterator[Form]:
    eps, rho, mu = h["eps"], h.get("rho", 0.0), h.get("momentum", 0.0)
    outside, inside = "√s + eps", "√(s + eps)"
    for centered in (False, True) if rho else ():
        more = ", centered" if centered else ""
        for momentum in (0.0, mu) if mu else (0.0,):
            o = {"alpha": rho, "eps": eps, "centered": centered, "momentum": momentum}
            word = "RMSprop" + (" with momentum" if momentum else "")
            yield Form(f"PyTorch's {word}", outside + more, "RMSprop", RMSprop, o)
            o = {**o, "eps_inside": True, "lr_in_velocity": True}
            yield Form(f"Keras's {word}", inside + more, "RMSprop", RMSprop, o)
            o = {**o, "initial_square_avg": 1.0}
            about = f"{inside}, s starts at 1{more}"
            yield Form(f"TensorFlow 1's {word}", about, "RMSprop", RMSprop, o)
    for start, owner, own_inside in ((0.0, "PyTorch's ", False), (0.1, "Keras's ", True)):
        more = f", s starts at {start:g}" if start else ""
        o = {"eps": eps, "initial_accumulator_value": start}
        for within in (own_inside, not own_inside):
            name = f"{owner if within == own_inside else ''}Adagrad"
            about = (inside if within else outside) + more
            yield Form(name, about, "Adagrad", Adagrad, {**o, "eps_inside": within})
    if rho:
        yield Form("Adadelta", "", "Adadelta", Adadelta, {"rho": rho, "eps": eps})


def _adams(h: Hyper) -> Iterator[Form]:
    if not (h.get("beta1") and h.get("beta2")):
        return
    o = {"betas": (h["beta1"], h["beta2"]), "eps": h["eps"]}
    inside, outside = "eps inside the bias correction", "eps outside the bias correction"
    for family, more in (("Adam", {}), ("AMSGrad", {"amsgrad": True})):
        yield Form(f"PyTorch's {family}", inside, family, Adam, {**o, **more})
        yield Form(f"Keras's {family}", outside, family, Adam, {**o, **more, "eps_hat": True})
    for rule in (Adamax, NAdam, RAdam):
        yield Form(f"PyTorch's {rule.__name__}", "", rule.__name__, rule, o)
    yield Form("Keras's Adamax", "eps outside the maximum", "Adamax", KerasAdamax, o)
    yield Form("Keras's NAdam", "momentum decay 1", "NAdam", NAdam, {**o, "momentum_decay": 1.0})
    yield Form("Lion", "", "Lion", Lion, {"betas": o["betas"]})


def _others(h: Hyper) -> Iterator[Form]:
    yield Form("PyTorch's Rprop", "", "Rprop", Rprop, {})
    for power in dict.fromkeys((0.75, h.get("momentum", 0.75))):
        for lambd in dict.fromkeys((1e-4, h.get("weight_decay", 0.0) or 1e-4)):
            yield Form("PyTorch's ASGD", "", "ASGD", ASGD, {"lambd": lambd, "power": power})
    for beta in dict.fromkeys((0.0, h.get("momentum", 0.0))):
        o = {"power": 0.5, "start": 0.1, "beta": beta}
        yield Form("Keras's Ftrl", f"beta {beta:g}" if beta else "", "Ftrl", Ftrl, o)
    yield Form("Keras's Adafactor", "", "Adafactor", Adafactor, {})
