"""What PyTorch asks of a hand-written Function beside right gradients of all inputs at once.

Cotangents may be None, gradients asked of some inputs only, gradients differentiated again, and a
jvp has to be the transpose of backward.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..oracle.numeric import extrapolate
from ..report import Entry, Finding
from ..subject import Subject, cotangents_like, quiet
from .algebra import not_transposed
from .results import close, raised, size_of


def laws(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """Findings about them, for a call (see subjects.torch_call)."""
    with quiet():
        found = _unused(call, subject, rng)
        found += _some(call, subject, rng) if call.cls is not None and not found else []
        found += _twice(call, subject, rng) if call.double else []
        found += _forwards(call, subject, rng) if "jvp" in vars(call.cls or object) else []
    return found


def _contract(code: str, text: str, name: str | None = None) -> list[Finding]:
    return [Finding(code, "CONTRACT", text, name, "your point")]


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).split(chr(10))[0][:120]}"


def _drawn(subject: Subject, rng: Any) -> list[Any]:
    """Cotangents."""
    outs = subject.start([np.array(a) for a in subject.arrays]).outs
    return [np.asarray(d) for d in cotangents_like(outs, rng)]


def _pulled(
    call: Any, subject: Subject, douts: Sequence[Any], some: Any = None, of: Any = None
) -> list[Any]:
    """The gradients of the inputs `of` as arrays, where only the outputs `some` are used."""
    leaves = call.leaves([np.array(a) for a in call.filled(subject.arrays)])
    for k, x in enumerate(leaves):
        x.requires_grad_(of is None or k in of)
    outs = call.picked(call.fresh(leaves))
    picked = range(len(outs)) if some is None else some
    wanted = [k for k in range(len(leaves)) if of is None or k in of]
    grads = call.pulled(
        [leaves[k] for k in wanted], [outs[i] for i in picked], [np.array(douts[i]) for i in picked]
    )
    found = {k: _array(g) for k, g in zip(wanted, grads, strict=True)}
    return [found.get(k) for k in call.keep]


def _array(t: Any) -> Any:
    return None if t is None else t.detach().to_dense().double().numpy()


def _unused(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """Outputs that nobody uses: their cotangents are None, or zeros, and that is the same."""
    douts = _drawn(subject, rng)
    for i in range(len(douts) if len(douts) > 1 else 0):
        zeros = [np.asarray(d if j == i else 0 * d) for j, d in enumerate(douts)]
        try:
            with_zeros = _pulled(call, subject, zeros)
            alone = _pulled(call, subject, douts, some=[i])
        except Exception as error:
            text = f"where only output {i} is used, backward raises {_words(error)}"
            return _contract("GC053", text)
        for name, a, b in zip(subject.names, alone, with_zeros, strict=True):
            there = [g for g in (a, b) if g is not None]
            if there and not close(there[0], there[-1] if len(there) > 1 else 0 * there[0],
                                   size=size_of([b], douts)):  # fmt: skip
                text = f"d{name} is another where only output {i} is used than where the others "
                return _contract("GC053", text + "get zeros")
    return []


def _some(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """Gradients asked of one input alone are those asked of all."""
    douts = _drawn(subject, rng)
    whole = _pulled(call, subject, douts)
    for i, name in enumerate(subject.names if len(subject.names) > 1 else ()):
        try:
            alone = _pulled(call, subject, douts, of=[call.keep[i]])[i]
        except Exception as error:
            text = f"where only {name} requires a gradient, backward raises {_words(error)}"
            return _contract("GC043", text, name)
        if alone is None or not close(alone, whole[i], size=size_of(whole)):
            text = f"d{name} is {'None' if alone is None else 'another'} where only {name} "
            return _contract("GC043", text + "requires a gradient: see needs_input_grad", name)
    return []


# ---- second derivatives --------------------------------------------------------------------------


def _twice(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """The derivative of backward, as autograd has it, beside differences of backward.

    Where it refuses, by once_differentiable or an error, nobody is misled.
    """
    douts = _drawn(subject, rng)
    along, weights = (
        [np.asarray(d) for d in cotangents_like(subject.arrays, rng)] for _ in range(2)
    )
    terms = _second(call, subject, douts, along, weights)
    if terms is None:
        return []
    yours = float(terms.sum())
    true, error = _by_steps(subject, douts, along, weights)
    if not abs(yours - true) > 32 * error + 1e-6 * max(abs(true), size_of([terms])):
        return []
    worst = Entry("second", (), yours, true, abs(yours - true), float("nan"), error)
    return [Finding(
        "GC207", subject.second, "the second derivative is wrong: autograd differentiates backward "
        "as if some of what it uses were constant", worst=worst, point="your point",
        method="differences of backward along a random direction",
        hint="save inputs and outputs only, by ctx.save_for_backward, and compute the rest again; "
        "or write @once_differentiable above backward",
    )]  # fmt: skip


def _by_steps(subject: Subject, douts: Any, along: Any, weights: Any) -> tuple[float, float]:
    """The derivative of ⟨weights, gradients⟩ along a direction by differences, and its error."""

    def at(h: float) -> list[Any]:
        moved = [a + h * d for a, d in zip(subject.arrays, along, strict=True)]
        grads = subject.start(moved).pull(*[np.array(d) for d in douts])
        parts = [np.sum(w * g) for w, g in zip(weights, grads, strict=True) if g is not None]
        return [np.asarray(sum(parts), float)]

    size = max(abs(float(at(0.0)[0])), 1e-300)
    found = [extrapolate(at, step, 2.0**-50, size, levels=6)
             for step in (2.0**-9, 2.0**-5, 2.0**-14)]  # fmt: skip
    return min(((float(v[0]), float(e[0])) for v, e in found), key=lambda pair: pair[1])


def _second(call: Any, subject: Subject, douts: Any, along: Any, weights: Any) -> Any:
    """The terms of the derivative of ⟨weights, gradients⟩ along a direction; None if refused."""
    torch = call.torch
    try:
        leaves = call.leaves([np.array(a) for a in call.filled(subject.arrays)])
        outs = call.picked(call.fresh(leaves))
        given = [
            torch.from_numpy(np.array(d)).to(o.dtype).requires_grad_().clone()
            for o, d in zip(outs, douts, strict=True)
        ]  # copies, for backward may change them
        kept = [leaves[k] for k in call.keep]
        grads = call.pulled(kept, outs, given, create_graph=True)
        parts = [
            (g * torch.from_numpy(w).to(g.dtype)).sum()
            for g, w in zip(grads, weights, strict=True) if g is not None and g.requires_grad
        ]  # fmt: skip
        if not parts:
            return None
        sum(parts).backward()  # grad() would not meet what once_differentiable raises
    except Exception:  # it says so, and nobody is misled
        return None
    found = [_array(x.grad) for x in kept]
    return np.array([0.0 if s is None else float((s * d).sum())
                     for s, d in zip(found, along, strict=True)])  # fmt: skip


# ---- forward mode --------------------------------------------------------------------------------


def _forwards(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩, where the class has a jvp."""
    tangents = [np.asarray(d) for d in cotangents_like(subject.arrays, rng)]
    try:
        ju = _pushed(call, subject, tangents)
    except Exception as error:
        return [raised("jvp", error)]
    douts = [np.asarray(d) for d in cotangents_like(ju, rng)]
    grads = _pulled(call, subject, douts)
    known = [(g, t) for g, t in zip(grads, tangents, strict=True) if g is not None]
    pulled = [g for g, _ in known], [t for _, t in known]
    unit = 2.0**-52 if call.double else 2.0**-23
    return not_transposed((douts, ju), pulled, unit, 2.0**10, "jvp and backward")


def _pushed(call: Any, subject: Subject, tangents: Sequence[Any]) -> list[Any]:
    """What jvp gives for tangents of the inputs that are checked, and none of the others."""
    torch, ahead = call.torch, call.torch.autograd.forward_ad
    given = dict(zip(call.keep, tangents, strict=True))
    with ahead.dual_level():
        leaves = [
            ahead.make_dual(x, torch.from_numpy(given[k]).to(x.dtype)) if k in given else x
            for k, x in enumerate(call.leaves(call.filled(subject.arrays)))
        ]
        outs = call.picked(call.fresh(leaves))
        moves = [ahead.unpack_dual(o).tangent for o in outs]
        return [
            np.zeros(tuple(o.shape)) if t is None else _array(t)
            for o, t in zip(outs, moves, strict=True)
        ]
