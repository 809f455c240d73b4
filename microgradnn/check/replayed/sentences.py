"""What an optimiser is called, and sentences about it."""

from typing import Any

import numpy as np

from .hyper import Hyper, roles
from .session import Replay
from .variants import Form

# What else a name may be kept for: classes called SGD have momentum, too.
_WIDER = {
    "SGD": ("SGD", "momentum", "Nesterov"), "Adam": ("Adam", "AdamW", "AMSGrad"),
    "RMSprop": ("RMSprop",), "momentum": ("momentum", "Nesterov"),
}  # fmt: skip
# What the rules of microgradnn.optim call what users call m, v, s.
_MEMORY = {
    "m": ("exp_avg",), "v": ("exp_avg_sq", "momentum_buffer"),
    "s": ("square_avg", "sum"), "config": ("square_avg", "sum"),
}  # fmt: skip


def fits_claim(form: Form, claim: str) -> bool:
    """Whether a form is what a name promises."""
    return form.family in _WIDER.get(claim, (claim,)) and not (
        claim == "AdamW" and "coupled" in form.name and "decoupled" not in form.name
    )


def names(same: list[Form]) -> str:
    """The forms that agree, in words."""
    first, *others = dict.fromkeys(map(str, same))
    if not others:
        return first
    return f"{first}; with these numbers also {' and '.join(others[:3])}"


def differs(best: tuple[int, Form, Hyper, Any], replay: Replay) -> tuple[str, str]:
    """Where the nearest form differs first: in which step, and in what it remembers."""
    k, form, h, (_, i, at) = best
    lrs = [lr or h["lr"] for lr in replay.lrs]
    path, memory = form.replayed(replay.start, replay.grads, lrs)
    before = replay.path[k - 1][i][at] if k else replay.start[i][at]
    yours, theirs = replay.path[k][i][at] - before, path[k][i][at] - before
    place = f"parameter {i}[{', '.join(map(str, at))}]"
    text = (
        f"nearest is {form}; it differs first in step {k + 1}: {place} moves by {yours:.6g}, "
        f"there by {theirs:.6g}"
    )
    return text, _terms(replay.states[k], memory[k], replay.exact)


def _terms(yours: dict[str, Any], theirs: dict[str, Any], exact: float) -> str:
    """What of its memory is right and what is wrong, as far as names tell."""
    said = []
    for name, each in roles(yours).items():
        for word in (w for role in each for w in _MEMORY.get(role, ()) if w in theirs):
            mine, own = np.asarray(yours[name]), np.asarray(theirs[word])
            if mine.shape == own.shape:
                good = np.allclose(mine, own, rtol=max(exact, 1e-9), atol=1e-12)
                said.append(f"its {name} is {'right' if good else 'wrong'} there")
                break
    return ", ".join(said)
