"""What training leaves behind: running means and variances, and the rates of dropout."""

from collections.abc import Sequence

import numpy as np

from .aligned import PortSide
from .experiments import Cause
from .pairing import Pairing
from .port_differences import PortDifference
from .seen_calls import Array, PortCall

NEAR = 1e-6


def compared(a: PortSide, b: PortSide, pairing: Pairing) -> tuple[list[PortDifference], list[str]]:
    """Differences, and what is known of them."""
    differences, notes = _chances(a, b), []
    for call in b.program.calls:
        if call.kind != "batch_norm" or not call.options["training"] or "var" not in call.params:
            continue
        twin = _twin(call, a, pairing)
        if twin is None:
            continue
        said = _norm(a, b, twin, call)
        if isinstance(said, PortDifference):
            differences.append(said)
        elif said:
            notes.append(said)
    return differences, list(dict.fromkeys(notes))


def _twin(call: PortCall, a: PortSide, pairing: Pairing) -> PortCall | None:
    ours = pairing.matched.pairs.get(call.params["var"])
    return next((c for c in a.program.calls if ours and ours in c.params.values()), None)


def _norm(a: PortSide, b: PortSide, one: PortCall, two: PortCall) -> PortDifference | str | None:
    """The statistics of one batch norm after a batch."""
    due = [a.passed.kept[one.params[part]] for part in ("mean", "var")]
    got = [b.passed.kept[two.params[part]] for part in ("mean", "var")]
    if _near(due[0], got[0]) and _near(due[1], got[1]):
        return None
    if not one.options["training"]:
        return None  # that is told of the layer
    rates = [_rate(side, call) for side, call in ((a, one), (b, two))]
    if None not in rates and abs(rates[0] - rates[1]) > NEAR:  # type: ignore[operator]
        cause = Cause("momentum", two.name, *(f"{r:.6g} of the new mean" for r in rates))
        said = "the running mean after a batch differs"
        return PortDifference("kept", one.name, two.name, said, [cause])
    kinds = [_kind(side, call, r) for side, call, r in zip((a, b), (one, two), rates, strict=True)]
    if None not in kinds and kinds[0] != kinds[1]:
        return (
            f"{two.name}: the running variance is {kinds[0]} in A and {kinds[1]} in B, as their "
            "frameworks have it (PyTorch divides by n - 1, Keras by n)"
        )
    said = "the running statistics after a batch differ"
    return PortDifference("kept", one.name, two.name, said)


def _stats(side: PortSide, call: PortCall) -> tuple[Array, Array, float]:
    """Mean and biased variance of the batch, and how many numbers they are of."""
    source = call.sources[0]
    x = side.values.get(source, side.passed.nodes[source])
    last = call.options.get("last") or x.ndim == 2
    axes = tuple(range(x.ndim - 1)) if last else (0, *range(2, x.ndim))
    mean = x.mean(axes)
    return mean, x.var(axes), x.size / mean.size


def _rate(side: PortSide, call: PortCall) -> float | None:
    """The weight of the batch's mean in the running mean, if it is one number."""
    before = side.program.param(call.params["mean"]).value
    mean, _, _ = _stats(side, call)
    with np.errstate(all="ignore"):
        found = (side.passed.kept[call.params["mean"]] - before) / (mean - before)
    return _one(found)


def _kind(side: PortSide, call: PortCall, rate: float | None) -> str | None:
    before = side.program.param(call.params["var"]).value
    _, var, n = _stats(side, call)
    with np.errstate(all="ignore"):
        new = before + (side.passed.kept[call.params["var"]] - before) / (rate or np.nan)
    for name, due in (("unbiased", var * n / (n - 1)), ("biased", var)):
        if np.allclose(new, due, rtol=1e-4):
            return name
    return None


def _one(found: Array) -> float | None:
    middle = float(np.median(found))
    good = np.isfinite(middle) and bool(np.allclose(found, middle, rtol=1e-3, atol=1e-6))
    return middle if good else None


def _near(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=NEAR, atol=NEAR * np.abs(a).max()))


def _chances(a: PortSide, b: PortSide) -> list[PortDifference]:
    """The dropouts of both, in order; their numbers are chance, so their rates are compared."""
    rates = [_rates(side) for side in (a, b)]
    if [p for _, p in rates[0]] == [p for _, p in rates[1]]:
        return []
    names = [" and ".join(n for n, _ in side) or "nothing" for side in rates]
    if len(rates[0]) == len(rates[1]):
        k = next(i for i, (x, y) in enumerate(zip(*rates, strict=True)) if x[1] != y[1])
        names = [side[k][0] for side in rates]
        words = [f"rate {side[k][1]:g}" for side in rates]
        cause = Cause("dropout rate", names[1], words[0], words[1])
    else:
        words = [_listed(side) for side in rates]
        cause = Cause("dropout missing", names[1], words[0], words[1])
    return [PortDifference("chance", names[0], names[1], "dropout in training differs", [cause])]


def _rates(side: PortSide) -> list[tuple[str, float]]:
    return [(c.name, round(float(c.options["p"]), 9)) for c in side.program.calls
            if c.kind == "dropout" and c.options["training"] and c.options["p"]]  # fmt: skip


def _listed(side: Sequence[tuple[str, float]]) -> str:
    return f"dropout {', '.join(f'{p:g}' for _, p in side)}" if side else "no dropout"
