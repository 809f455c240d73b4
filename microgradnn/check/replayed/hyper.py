"""What the arguments of a hand-written optimiser stand for, by their names."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Hyper = dict[str, float]  # of each role its number

# The numbers that are given where they can be given: all different, none a usual one.
DRAWN: Hyper = {
    "lr": 0.05, "momentum": 0.85, "beta1": 0.8, "beta2": 0.95, "rho": 0.875, "eps": 1e-3,
    "weight_decay": 0.03, "dampening": 0.3,
}  # fmt: skip
NO_EPS: Hyper = {**DRAWN, "eps": 1e-18}  # the same, when eps is not to matter
# Numbers that people write into the code, the most usual first.
USUAL: dict[str, tuple[float, ...]] = {
    "momentum": (0.9, 0.0), "beta1": (0.9,), "beta2": (0.999, 0.99), "rho": (0.9, 0.99, 0.95),
    "eps": (1e-8, 1e-7, 1e-6, 1e-10, 1e-5, 1e-4, 0.0), "weight_decay": (0.0,), "dampening": (0.0,),
}  # fmt: skip
_WORDS = {
    "lr": r"(current_?)?(lr|learning_?rate)|eta|step_?size|rate|lrate|a0",
    "betas": r"betas",
    "beta1": r"beta_?1|b1",
    "beta2": r"beta_?2|b2",
    "eps": r"eps|epsilon|delta|e",
    "rho": r"rho|decay_?rate|square_?decay|smoothing",
    "momentum": r"momentum|mu|mom|m_?coef",
    "weight_decay": r"weight_?decay|wd|l2|lambda_?|lambd|lamb|lmbda|reg",
    "dampening": r"dampening",
    "t": r"t|step|steps|i|it|iters?|iteration|time_?step|num_?steps",
    "params": r"params?|parameters|w|weights?|theta|x|p|variables|values|model_params|vars",
    "grads": r"grads?|gradients?|dw|g|dx|d?params_grad|dtheta|dparams|derivatives?|grad_w",
    "config": r"config|state|cache|opt_?state|optim_?config|memory|opt_?config",
    "m": r"m|exp_avg|first_moment|moment_?1|mt",
    "v": r"v|velocit(y|ies)|exp_avg_sq|second_moment|moment_?2|vt|v_?prev",
    "s": r"s|sq|squares?|square_avg|grad_?squared|accumulat(or|ed)|sum_?sq|h",
}
# Names that stand for one thing or another, as the others have it.
_BOTH = r"beta|gamma|alpha|decay"


def roles(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What each name may stand for; () where that is not known."""
    names = list(names)
    found = {name: tuple(r for r, w in _WORDS.items() if re.fullmatch(w, _bare(name)))
             for name in names}  # fmt: skip
    have = {r for each in found.values() for r in each}
    for name in names:
        if re.fullmatch(_BOTH, _bare(name)):
            lr = _bare(name) == "alpha" and "lr" not in have
            found[name] = ("lr",) if lr else ("momentum", "rho")
    return found


def _bare(name: str) -> str:
    return name.strip("_").lower()


def numbers(named: Mapping[str, Any], drawn: Hyper) -> tuple[Hyper, dict[str, Any]]:
    """The numbers of each role, and by the names of the arguments that stand for them.

    `named` are the defaults by name; names that say nothing are left out.
    """
    given: dict[str, Any] = {}
    for name, each in roles(named).items():
        if each == ("betas",):
            given[name] = (drawn["beta1"], drawn["beta2"])
        elif each and each[0] in drawn:
            if _bare(name) == "decay" and not named[name]:  # of lr, in some books: none
                continue
            given[name] = drawn[each[0]]
    return read(given), given


def read(named: Mapping[str, Any]) -> Hyper:
    """The roles of numbers that are there already: settings, attributes."""
    unsure: Hyper = {}
    sure: Hyper = {}
    for name, each in roles(named).items():
        value = named[name]
        if each == ("betas",) and len(value) == 2:
            sure |= {"beta1": float(value[0]), "beta2": float(value[1])}
        elif each and each[0] in DRAWN and isinstance(value, (int, float)):
            (unsure if len(each) > 1 else sure).update(dict.fromkeys(each, float(value)))
    return unsure | sure
