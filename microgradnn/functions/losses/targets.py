"""What losses require of their targets: labels or probabilities that fit the logits."""

from typing import Any

import numpy as np

from ...errors import LabelError, ShapeError
from ...notices import notice


def check_targets(z: Any, t: Any, name: str = "cross_entropy") -> None:
    """Raises ShapeError or LabelError unless t fits the logits z (..., classes)."""
    if not z.ndim or not z.shape[-1]:
        raise ShapeError(f"{name}: logits have shape {z.shape}, need one or more classes")
    if t.dtype.kind not in "iu":
        if t.shape != z.shape:
            raise ShapeError(
                f"{name}: probabilities have shape {t.shape}, logits {z.shape}; they must "
                f"be equal, or pass integer labels of shape {z.shape[:-1]}"
            )
        return
    if t.shape != z.shape[:-1]:
        raise ShapeError(
            f"{name}: labels have shape {t.shape}, expected {z.shape[:-1]} for logits of "
            f"shape {z.shape}"
        )
    wrong = (t < 0) | (t >= z.shape[-1])
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise LabelError(
            f"{name}: label {int(t[where])} at index {where} is out of range; "
            f"labels for {z.shape[-1]} classes are 0 to {z.shape[-1] - 1}"
        )


def not_made_by(name: str, input: Any, ops: tuple[str, ...], instead: str) -> None:
    """Warns if the input of a loss was made by an op that the loss applies itself."""
    made = getattr(getattr(input, "op", None), "name", None)
    if made in ops:
        notice(f"{name}: its input was made by {made}; {instead}")
