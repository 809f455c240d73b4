"""What makes nan or inf, and what to write instead: the sentences of nan_origin."""

from typing import Any

import numpy as np

Sentences = tuple[str, str]
_SAFE = "both branches are computed"

# Where the value is not finite although the inputs are. (cause, fix) by op, x and y for operands.
VALUES: dict[str, Sentences] = {
    "log": ("log is defined for numbers > 0", "write np.log(np.maximum(x, 1e-12)), or keep x > 0"),
    "log2": ("log2 is defined for numbers > 0", "write np.log2(np.maximum(x, 1e-12))"),
    "log10": ("log10 is defined for numbers > 0", "write np.log10(np.maximum(x, 1e-12))"),
    "log1p": ("log1p is defined for numbers > -1", "keep x > -1"),
    "sqrt": ("sqrt is defined for numbers >= 0", "write np.sqrt(np.maximum(x, 0)), or keep x >= 0"),
    "arcsin": ("arcsin is defined from -1 to 1", "write np.clip(x, -1, 1) inside"),
    "arccos": ("arccos is defined from -1 to 1", "write np.clip(x, -1, 1) inside"),
    "arccosh": ("arccosh is defined for numbers >= 1", "write np.maximum(x, 1) inside"),
    "arctanh": ("arctanh is defined between -1 and 1", "keep |x| < 1"),
    "div": ("it divides by zero", "write x / np.where(y == 0, 1.0, y) and mask the result"),
    "reciprocal": ("it divides by zero", "write 1 / np.where(x == 0, 1.0, x) and mask the result"),
    "remainder": ("it divides by zero", "keep the divisor from 0"),
    "fmod": ("it divides by zero", "keep the divisor from 0"),
    "floor_divide": ("it divides by zero", "keep the divisor from 0"),
    "pow": (
        "zero to a negative power is infinite, and a negative number has no fractional power",
        "keep the base > 0",
    ),
    "softmax": ("the largest score of a row is not finite", "keep one finite score in each row"),
    "log_softmax": ("the largest score is not finite", "keep one finite score in each row"),
}
OVERFLOW = (
    "the result is larger than the largest number of its dtype",
    "scale the inputs, subtract their maximum first, or use mg.logsumexp, mg.softmax, float64",
)
FROM_INF = (
    "inf - inf, 0 * inf and inf / inf are nan",
    "keep the infinite number out of the computation",
)

# Where the slope is not finite although the value is.
SLOPES: dict[str, Sentences] = {
    "sqrt": ("the slope of sqrt at 0 is infinite", "write np.sqrt(x + 1e-12)"),
    "cbrt": ("the slope of cbrt at 0 is infinite", "keep x from 0"),
    "log": ("the slope of log at 0 is infinite", "write np.log(np.maximum(x, 1e-12))"),
    "pow": (
        "the slope of x ** p at x = 0 is infinite for p < 1",
        "keep the base from 0, as in (x + 1e-12) ** p",
    ),
    "arcsin": (
        "the slope of arcsin at -1 and 1 is infinite",
        "write np.clip(x, -1 + 1e-7, 1 - 1e-7)",
    ),
    "arccos": (
        "the slope of arccos at -1 and 1 is infinite",
        "write np.clip(x, -1 + 1e-7, 1 - 1e-7)",
    ),
    "arccosh": ("the slope of arccosh at 1 is infinite", "keep x > 1"),
    "arctanh": ("the slope of arctanh at -1 and 1 is infinite", "keep |x| < 1"),
    "div": ("the slope of a division by zero is infinite", "keep the divisor from 0"),
}
SAFE: dict[str, tuple[str, str, str]] = {  # (condition, a harmless number, the call)
    "log": ("x > 0", "1.0", "np.log(safe)"),
    "log2": ("x > 0", "1.0", "np.log2(safe)"),
    "log10": ("x > 0", "1.0", "np.log10(safe)"),
    "log1p": ("x > -1", "0.0", "np.log1p(safe)"),
    "sqrt": ("x > 0", "1.0", "np.sqrt(safe)"),
    "arcsin": ("np.abs(x) < 1", "0.0", "np.arcsin(safe)"),
    "arccos": ("np.abs(x) < 1", "0.0", "np.arccos(safe)"),
    "arccosh": ("x > 1", "2.0", "np.arccosh(safe)"),
    "arctanh": ("np.abs(x) < 1", "0.0", "np.arctanh(safe)"),
    "div": ("x != 0", "1.0", "a / safe"),
    "reciprocal": ("x != 0", "1.0", "1 / safe"),
    "pow": ("x > 0", "1.0", "safe ** p"),
    "exp": ("x < 80", "0.0", "np.exp(safe)"),
}


def of_value(op: str, xs: list[Any], y: Any, parents: Any) -> Sentences:
    """(cause, fix) of a result y of op that is not finite; xs are its operands, if known."""
    given = xs or [np.asarray(getattr(p, "data", p)) for p in parents]
    numeric = [np.asarray(v, float) for v in given if np.asarray(v).dtype.kind in "fiub"]
    if any(np.isnan(v).any() for v in numeric):
        return (
            "one of its inputs, a constant or a tensor from elsewhere, was nan already",
            "look at that data",
        )
    if op in ("softmax", "log_softmax"):
        return VALUES[op]
    if any(np.isinf(v).any() for v in numeric):
        if np.isnan(y):
            return FROM_INF
        return "one of its inputs, a constant, was infinite already", "look at that data"
    if op in VALUES and not (op in ("div", "pow") and _overflows(op, numeric)):
        return VALUES[op]
    return OVERFLOW if np.isinf(y) else ("the number is outside its domain", "keep it inside")


def _overflows(op: str, xs: list[Any]) -> bool:
    if len(xs) < 2:
        return False
    return bool(np.all(xs[1] != 0) if op == "div" else np.all(xs[0] != 0) and np.all(xs[0] > 0))


def of_slope(op: str, masked: bool, found: str) -> Sentences:
    """(cause, fix) of a gradient of op that is found not finite; masked: its result is not used."""
    if masked:
        when, harmless, call = SAFE.get(op, ("mask", "1.0", f"{op}(safe)"))
        return (
            f"its result is masked, but {_SAFE}, and in backward 0 * inf is nan",
            f"write safe = np.where({when}, x, {harmless}); y = np.where({when}, {call}, 0.0)",
        )
    if op in SLOPES:
        return SLOPES[op]
    if found == "nan":
        return "its rule made nan of finite numbers", "look at the rule, or report it"
    return "the gradient is larger than the largest number of its dtype", OVERFLOW[1]
