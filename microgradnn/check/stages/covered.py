"""What was tested: where true gradients were not zero, and what to say of the rest."""

from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Subject
from .points import Seen


def coverage(subject: Subject, seen: list[Seen]) -> dict[str, tuple[int, int]]:
    """Entries of each true gradient that were not zero somewhere, of the user's own shapes."""
    out = {}
    for name, array in zip(subject.names, subject.arrays, strict=True):
        shape = np.shape(array)
        masks = [s.nonzero[name] for s in seen if np.shape(s.nonzero.get(name, ())) == shape]
        if masks:
            out[name] = (int(np.any(masks, axis=0).sum()), int(np.size(array)))
    return out


def untested(coverage: Any, seen: list[Seen], found: list[Finding]) -> list[Finding]:
    """Remarks on gradients that were zero everywhere: nothing was tested there."""
    out = []
    for name, mask in (seen[0].nonzero if seen else {}).items():
        if np.size(mask) and not np.any(mask) and coverage.get(name, (0, 0))[0]:
            out.append(Finding(
                "GC206", "PASS", f"at your point 0 of {np.size(mask)} entries of d{name} are "
                "nonzero: it was tested at other points only", argument=name, point="your point",
            ))  # fmt: skip
    for name, (some, total) in coverage.items():
        if (
            total
            and some == 0
            and not any(f.argument == name for f in found if f.verdict != "PASS")
        ):
            out.append(Finding(
                "GC206", "INCONCLUSIVE", f"0 of {total} entries of d{name} were nonzero at any "
                "point: nothing was tested there", argument=name,
            ))  # fmt: skip
    return out
