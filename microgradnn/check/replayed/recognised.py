"""check.optimizer: which rule is it that takes these steps, and if none, where does it differ?"""

import inspect
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..report import Finding, Report
from ..subject import alone, quiet
from . import libraries, step_functions, step_objects
from .hyper import DRAWN, NO_EPS, USUAL, Hyper, roles
from .naming import claimed, emptied
from .sentences import differs, fits_claim, names
from .session import Replay, played
from .slips import slips
from .variants import Arrays, Form, forms

STEPS, SHAPE, PARAMS = 6, (3, 2), 2
CHECKS = ("GC003", "GC201", "GC401", "GC402", "GC403")


@alone
def optimizer(step: object, *, seed: int = 0, name: str = "") -> Report:
    """The report on an optimiser: which rule in whose form it is, or where it differs from all.

        check.optimizer(sgd_momentum)            update(w, dw, config), step(params, grads, lr=…), …
        check.optimizer(Adam)                    a class with update(params, grads) or step()
        check.optimizer(torch.optim.Adam(ps))    an object of PyTorch or Keras: a copy of it

    It takes six steps with recorded gradients, of all sizes, at one of them zero, while lr changes,
    and each step is compared with those of the rules of microgradnn.optim in the forms of PyTorch,
    Keras, TensorFlow 1 and textbooks. What is named Adam and is none is wrong. Raises ConfigError
    where it cannot be called in any way that is known.
    """
    start = time.perf_counter()
    name = name or getattr(step, "__name__", type(step).__name__)
    finding = _empty(step)
    notes: tuple[str, ...] = ()
    if finding is None:
        found = list(_replays(step, seed))
        if not found:
            raise ConfigError(
                f"optimizer: {name} was called in {len(_ways(step))} ways and moves nothing; write "
                "update(w, dw, config), step(params, grads), or a class with one of these methods"
            )
        finding, replay = _judged(found, name)
        finding = _mild(finding, step, name, seed)
        notes = (f"called as {replay.how}, with {_numbers(replay.hyper)}",)
    return Report(
        name, (finding,), CHECKS, (f"{STEPS} steps",), seed=seed, notes=notes,
        reproduce=f"check.optimizer({name}, seed={seed})", seconds=time.perf_counter() - start,
    )  # fmt: skip


def _empty(thing: Any) -> Finding | None:
    empty = emptied(thing)
    if empty is None:
        return None
    return Finding("GC003", "NOT_WRITTEN", f"{empty.__qualname__} is not written yet")


def _numbers(hyper: Hyper) -> str:
    return ", ".join(f"{role} {x:g}" for role, x in hyper.items()) or "numbers of its own"


# ---- what it does --------------------------------------------------------------------------------


def _ways(thing: Any, drawn: Hyper = DRAWN) -> list[Any]:
    if found := libraries.ways(thing):
        return list(found)
    known = step_functions if inspect.isroutine(thing) else step_objects
    return known.ways(thing, drawn)


def recorded(seed: int, even: bool = False) -> tuple[Arrays, list[Arrays], list[float]]:
    """Parameters, gradients of several sizes, unless even, and learning rates."""
    rng = np.random.default_rng(seed)
    start = [rng.uniform(0.5, 1.5, SHAPE) * rng.choice([-1, 1], SHAPE) for _ in range(PARAMS)]
    sizes = np.array([[1.0, 0.3], [1e-3, 1e-7], [1.0, 1e-5]])
    sizes = np.ones(SHAPE) if even else sizes
    grads = [[rng.normal(size=SHAPE) * sizes for _ in start] for _ in range(STEPS)]
    grads[2] = [np.zeros(SHAPE) for _ in start]
    lrs = [DRAWN["lr"] * (1 if k < 3 else 0.5) for k in range(STEPS)]
    return start, grads, lrs


def _replays(thing: Any, seed: int, drawn: Hyper = DRAWN) -> Iterator[Replay]:
    start, grads, lrs = recorded(seed, drawn is NO_EPS)
    for how, begin in _ways(thing, drawn):
        try:
            with quiet():
                replay = played(begin, start, grads, lrs, how)
                moves = replay.moves
        except Exception:  # it is called otherwise
            continue
        if moves:
            yield replay


# ---- which rule that is --------------------------------------------------------------------------


def _judged(found: list[Replay], name: str) -> tuple[Finding, Replay]:
    claim = claimed(name)
    for replay in found:
        if same := [f for f, h in _candidates(replay) if _agrees(f, h, replay)]:
            return _recognised(same, claim, name), replay
    for replay in found:
        wrong = [
            m for f, h in _candidates(replay) if not claim or fits_claim(f, claim)
            for m in slips(f, h) if _agrees(m, h, replay)
        ]  # fmt: skip
        if wrong:
            return _mistaken(wrong), replay
    return _unrecognised(found[0], claim, name), found[0]


def _candidates(replay: Replay) -> Iterator[tuple[Form, Hyper]]:
    """All forms, with its own numbers; where these are not known with the usual ones."""
    missing = [role for role in USUAL if role not in replay.hyper]
    seen = set()
    for values in itertools.product(*(USUAL[role] for role in missing)):
        h = {**replay.hyper, **dict(zip(missing, values, strict=True))}
        for form in forms(h):
            key = (form.name, form.about, repr(form.options))
            if key not in seen:
                seen.add(key)
                if not replay.hyper.get("lr"):
                    h = {**h, "lr": _rate(form, replay)}
                yield form, h


def _rate(form: Form, replay: Replay) -> float:
    """The learning rate with which a form takes the first step, where it is not known."""
    with quiet():
        unit = form.replayed(replay.start, replay.grads[:1], [1.0])[0][0]
        ratios = np.concatenate([
            ((after - p) / (own - p)).ravel()
            for p, after, own in zip(replay.start, replay.path[0], unit, strict=True)
        ])  # fmt: skip
        rate = float(np.median(ratios[np.isfinite(ratios)])) if np.isfinite(ratios).any() else 0.0
    return float(f"{rate:.6g}") if rate > 0 else 1.0


def _agrees(form: Form, h: Hyper, replay: Replay) -> bool:
    return _first(form, h, replay, 1) is None and _first(form, h, replay, STEPS) is None


def _first(form: Form, h: Hyper, replay: Replay, steps: int) -> tuple[int, int, Any] | None:
    """The step, the parameter and the entry where a form differs first; None if it does not."""
    lrs = [lr or h["lr"] for lr in replay.lrs[:steps]]
    with quiet():
        try:
            path, _ = form.replayed(replay.start, replay.grads[:steps], lrs)
        except (ConfigError, ZeroDivisionError, OverflowError):
            return 0, 0, (0, 0)
    for k, (yours, own) in enumerate(zip(replay.path, path, strict=False)):
        for i, (y, t) in enumerate(zip(yours, own, strict=True)):
            near = np.abs(y - t) <= replay.exact * np.maximum(1.0, np.abs(t))
            off = ~(near | (np.isnan(y) & np.isnan(t)))
            if off.any():
                return k, i, tuple(int(j) for j in np.argwhere(off)[0])
    return None


def _recognised(same: list[Form], claim: str, name: str) -> Finding:
    right = [f for f in same if not claim or fits_claim(f, claim)]
    if right:
        return Finding("GC403", "PASS", f"this is {names(right)}")
    text = f"it is called {name}, and is {names(same)}"
    return Finding("GC401", "FAIL", text, hint=f"to mend it: look up the rule of {claim}")


def _mistaken(wrong: list[Form]) -> Finding:
    first = wrong[0]
    more = dict.fromkeys(w.about for w in wrong if w.about != first.about)
    text = f"{first.name}, but {first.about}" + "".join(f"; or {m}" for m in list(more)[:2])
    return Finding("GC401", "FAIL", text, hint=f"to mend it: {first.fix}")


def _unrecognised(replay: Replay, claim: str, name: str) -> Finding:
    """The rule that agrees for longest, and where it differs first."""
    best: tuple[int, Form, Hyper, Any] | None = None
    for form, h in _candidates(replay):
        if not claim or fits_claim(form, claim):
            at = _first(form, h, replay, STEPS)
            if at is not None and (best is None or at[0] > best[0]):
                best = at[0], form, h, at
    whole = claim in NEEDED and all(role in replay.hyper for role in NEEDED[claim])
    kind = f"is called {name} and is no {claim}" if claim else "is no rule that is known here"
    verdict = "FAIL" if whole else "INCONCLUSIVE"
    text, hint = differs(best, replay) if best else ("", "")
    return Finding("GC402", verdict, f"it {kind}; {text}".rstrip("; "), hint=hint)


def _mild(finding: Finding, thing: Any, name: str, seed: int) -> Finding:
    """The finding; no FAIL where only eps stands elsewhere, or numbers are not understood."""
    if (finding.code, finding.verdict) != ("GC402", "FAIL"):
        return finding
    if libraries.ways(thing) or _strange(thing):
        return replace(finding, verdict="INCONCLUSIVE")
    for replay in _replays(thing, seed, NO_EPS):
        same = [f for f, h in _candidates(replay) if _agrees(f, h, replay)]
        if same and fits_claim(same[0], claimed(name)):
            where = "but for the place of its eps, which no framework has there"
            text = f"this is {same[0].family} {where}"
            return Finding("GC209", "CONVENTION", text)
    return finding


def _strange(thing: Any) -> list[str]:
    """Arguments that are numbers, not 0, and stand for what is not known here."""
    try:
        named = {n: p.default for n, p in inspect.signature(thing).parameters.items()}
    except (TypeError, ValueError):
        return []
    return [n for n, each in roles(named).items() if not each and named[n]
            and isinstance(named[n], (int, float))]  # fmt: skip


# What must be known of the numbers before it can be said that it is no form of a rule. Of rules
# that are not here only one form is known.
NEEDED = {
    "SGD": ("lr",), "momentum": ("lr", "momentum"), "Nesterov": ("lr", "momentum"),
    "RMSprop": ("lr", "rho", "eps"), "Adagrad": ("lr", "eps"),
    "Adam": ("lr", "beta1", "beta2", "eps"), "AdamW": ("lr", "beta1", "beta2", "eps"),
}  # fmt: skip
