"""Nets whose backward takes targets: which loss it is that they give the gradients of.

The loss is written elsewhere, or nowhere. Every loss that is usual is tried, and every form of
targets; the one under which all gradients agree with differences counts, and is told to the user.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..source import all_parameters, required
from ..subject import Pass, Subject, cotangents_like, is_float
from ..words import is_data, is_label, is_output


@dataclass(frozen=True)
class Objective:
    """A loss of the outputs of a run, and what it is called."""

    said: str
    of: Callable[[Sequence[Any]], Any]
    own: bool = False  # the user's code has it


@dataclass(frozen=True)
class Match:
    """A loss, which gradients agree with it, and the weight decay in each of them."""

    loss: Objective
    agrees: tuple[bool, ...]
    decay: tuple[float, ...]
    error: float = 0.0  # of those that agree, at most

    @property
    def rank(self) -> tuple[Any, ...]:
        """The better the greater: all, then many, the user's own loss, no decay, the nearest."""
        own = self.loss.own
        return all(self.agrees), sum(self.agrees), own, not any(self.decay), -self.error


# ---- targets -------------------------------------------------------------------------------------


def targets(out: Any) -> Iterator[tuple[Any, Any]]:
    """Targets for an output, likeliest first: as backward takes them, and in the output's shape."""
    out, rng = np.asarray(out, float), np.random.default_rng(5)
    soft = rng.uniform(0.1, 0.9, out.shape)
    axes = [k for k in (out.ndim - 1, 0) if out.ndim and out.shape[k] > 1]
    sums = [k for k in axes if np.allclose(out.sum(axis=k), 1)]
    hot = {k: _hot(out.shape, k, rng) for k in axes}
    for k in sums:
        yield hot[k], hot[k]
        yield np.argmax(hot[k], axis=k), hot[k]
    yield (soft, soft) if out.ndim else (float(soft), float(soft))
    binary = np.asarray(rng.integers(0, 2, out.shape), float)
    binary.flat[:2] = (1, 0)[: binary.size]
    yield binary, binary
    yield binary.astype(int), binary
    for k in axes:
        if k not in sums:
            yield hot[k], hot[k]
            yield np.argmax(hot[k], axis=k), hot[k]
    if out.ndim == 2 and 1 in out.shape:  # a column, or a row, of single numbers
        yield soft.ravel(), soft
        yield binary.ravel(), binary


def _hot(shape: tuple[int, ...], axis: int, rng: Any) -> Any:
    """Zeros, and a one at a random place along an axis."""
    n = shape[axis]
    rest = shape[:axis] + shape[axis + 1 :]
    whole = rng.integers(0, n, rest)
    if whole.size > 1:
        whole.flat[:2] = n - 1, 0
    return np.moveaxis(np.eye(n)[whole], -1, axis)


def last_output(y: Any, words: Sequence[str | None]) -> Any:
    """The output of a net in what its forward returned: the last layer's, not what it keeps."""
    if isinstance(y, Mapping):
        words, y = [k if isinstance(k, str) else None for k in y], list(y.values())
    if not isinstance(y, (tuple, list)):
        return y
    if len(y) > 1 and isinstance(y[-1], (dict, list, tuple)) and is_array(y[0]):
        return y[0]  # and a cache
    arrays = [x for x in y if is_array(x)]
    pairs = zip(y, words, strict=False) if len(words) == len(y) else ()
    named = [x for x, w in pairs if w and is_output(w) and is_array(x)]
    return (named or arrays or [None])[-1]


def is_array(x: Any) -> bool:
    """Whether x is an array of floats, or of what stands for floats in a trace."""
    return is_float(x) or isinstance(x, np.ndarray) and x.dtype.char == "O"


def roles_in_loss(f: Any) -> list[str] | None:
    """Which of the two arguments of a loss is the output and which the target; or None."""
    words = all_parameters(f)
    if len(words) != 2 or required(f) != words or is_data(words[0]):
        return None
    first, second = (is_label(w) and (w in ("y", "Y") or not is_output(w)) for w in words)
    clear = re.search("pred|hat|prob|out", words[1], re.I) is not None
    return ["target", "output"] if first and (clear or not second) else ["output", "target"]


# ---- losses --------------------------------------------------------------------------------------


def usual(out: Any, target: Any) -> Iterator[Objective]:
    """The usual losses of an output (the first of a run) beside a target of its shape."""
    shape = np.shape(out)
    sizes = {"": 1, "the first axis": shape[0] if shape else 1, "the last axis": shape[-1]
             if shape else 1, "all entries": int(np.prod(shape))}  # fmt: skip
    known: list[tuple[Any, float]] = []
    for name, f, by in _FORMULAS:
        for over, n in sizes.items():
            if (f, by / n) in known:
                continue
            known.append((f, by / n))
            how = f"its mean over {over}" if over else "its sum"
            yield Objective(f"{name}, {how}", _scaled(f, by / n, target))


def _scaled(f: Any, by: float, target: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda outs: by * np.sum(f(outs[0], target))


def _square(p: Any, t: Any) -> Any:
    return (p - t) ** 2


def _entropy(p: Any, t: Any) -> Any:
    chosen = np.broadcast_to(np.asarray(t) != 0, np.shape(p))
    return -np.asarray(t)[chosen] * np.log(p[chosen]) if np.ndim(p) else -t * np.log(p)


def _binary(p: Any, t: Any) -> Any:
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


_FORMULAS: tuple[tuple[str, Callable[..., Any], float], ...] = (
    ("half the squared error", _square, 0.5),
    ("the squared error", _square, 1.0),
    ("the cross entropy", _entropy, 1.0),
    ("the binary cross entropy", _binary, 1.0),
)


# ---- which one fits ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Probe:
    """One gradient along one direction: its slope, and the outputs before and behind."""

    yours: float
    array: float  # the array itself along the direction
    before: list[Any]
    behind: list[Any]
    step: float

    def true(self, loss: Objective) -> float:
        """The slope of a loss."""
        with np.errstate(all="ignore"):
            return float(loss.of(self.behind) - loss.of(self.before)) / (2 * self.step)


def fitting(subject: Subject, losses: Sequence[Objective]) -> Match | None:
    """The loss that most gradients of the subject are those of; None if it cannot be run."""
    try:
        probes = [_probes(subject, k) for k in range(len(subject.arrays))]
        fits = [_fit(probes, loss, _near(subject)) for loss in losses]
    except Exception:  # whatever the user's code raises
        return None
    return max(fits, key=lambda fit: fit.rank, default=None)


def _near(subject: Subject) -> float:
    return 1e-2 if any(np.asarray(a).dtype == np.float32 for a in subject.arrays) else 1e-6


def _probes(subject: Subject, k: int) -> list[_Probe]:
    """Two random directions of one array."""
    found = []
    step = _near(subject)
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        way = np.asarray(cotangents_like([subject.arrays[k]], rng)[0])
        here = [np.array(a) for a in subject.arrays]
        run = subject.start(here)
        grad = run.pull(*cotangents_like(run.outs, rng))[k]
        outs: list[list[Any]] = []
        for h in (-step, step):
            moved = [np.array(a) for a in subject.arrays]
            moved[k] = moved[k] + way.dtype.type(h) * way
            outs.append([np.array(o) for o in subject.start(moved).outs])
        along = float(np.vdot(subject.arrays[k], way))
        found.append(_Probe(float(np.vdot(grad, way)), along, outs[0], outs[1], step))
    return found


def _fit(probes: list[list[_Probe]], loss: Objective, near: float) -> Match:
    agrees, decay, errors = [], [], [0.0]
    for first, second in probes:
        true = [p.true(loss) for p in (first, second)]
        off = [p.yours - t for p, t in zip((first, second), true, strict=True)]
        size = sum(abs(t) for t in true) + abs(first.yours) + abs(second.yours)
        fine = bool(max(map(abs, off)) <= near * size + 1e-12) and size > 1e-9
        share = [e / p.array if p.array else np.nan
                 for e, p in zip(off, (first, second), strict=True)]  # fmt: skip
        decays = not fine and share[0] > 0 and abs(share[1] / share[0] - 1) < 1e-4
        agrees.append(fine or decays)
        errors += [max(map(abs, off)) / size] if fine else []
        decay.append(float(f"{share[0]:.4g}") if decays else 0.0)  # differences are rough
    return Match(loss, tuple(agrees), tuple(decay), max(errors))


def with_loss(subject: Subject, fit: Match) -> Subject:
    """The subject with the loss in place of the outputs; its backward takes no cotangent."""

    def wrapped(start: Callable[[list[Any]], Pass]) -> Callable[[list[Any]], Pass]:
        def run(arrays: list[Any]) -> Pass:
            inner = start(arrays)
            value = fit.loss.of(inner.outs)
            for c, a in zip(fit.decay, arrays, strict=True):
                value = value + c / 2 * np.sum(a**2) if c else value
            return Pass([value], lambda dout: inner.pull(), inner.held, inner.before)

        return run

    decays = {n: c for n, c in zip(subject.names, fit.decay, strict=True) if c}
    more = "".join(f", and the decay {c:.4g} of {n}" for n, c in decays.items())
    note = f"backward is read so: the gradient of {fit.loss.said}{more}"
    return replace(
        subject, start=wrapped(subject.start), turned=None, scaled=True,
        used=wrapped(subject.used) if subject.used else None,
        notes=[*subject.notes, note], names=subject.names,
    )  # fmt: skip


def agrees(subject: Subject) -> bool:
    """Whether the gradients agree with a difference of the outputs along a random direction."""
    rng = np.random.default_rng(0)
    single = any(a.dtype == np.float32 for a in subject.arrays)
    step, near = (1e-2, 1e-2) if single else (1e-6, 1e-6)
    ways = [rng.uniform(0.5, 1.5, a.shape) for a in subject.arrays]

    def outs(by: float) -> list[Any]:
        moved = [a + a.dtype.type(by) * u for a, u in zip(subject.arrays, ways, strict=True)]
        return subject.start(moved).outs

    try:
        here = subject.start([np.array(a) for a in subject.arrays])
        douts = cotangents_like(here.outs, rng)
        douts = [np.ones_like(d) for d in douts] if subject.scaled else douts
        yours = sum(np.vdot(g, u) for g, u in zip(here.pull(*douts), ways, strict=True))
        change = zip(douts, outs(step), outs(-step), strict=True)
        true = sum(np.vdot(d, (np.asarray(b) - a) / (2 * step)) for d, b, a in change)
    except Exception:  # whatever the user's code raises
        return False
    return bool(abs(yours - true) <= near * (1 + abs(true)))
