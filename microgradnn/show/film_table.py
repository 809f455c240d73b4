"""What an optimiser does with each parameter, as rows of a table for a frame of a film."""

from typing import Any

import numpy as np

from ..engine.node import plain

MOST = 12  # parameters that the table shows
# What optimisers remember, by torch's names; of squares the root is shown.
STATES = {
    "momentum_buffer": "v", "exp_avg": "m", "exp_avg_sq": "√v", "square_avg": "√v", "sum": "√Σg²",
    "exp_inf": "u",
}  # fmt: skip
SQUARES = {"exp_avg_sq", "square_avg", "sum"}


def mean_size(x: Any) -> float:
    """The root of the mean of the squares: how large the numbers of an array are."""
    values = np.asarray(plain(x), float)
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def copies(optimizer: Any) -> list[Any]:
    """The parameters as they are now."""
    return [np.array(plain(p), float) for group in optimizer.param_groups for p in group["params"]]


def table(model: Any, optimizer: Any, before: list[Any]) -> list[dict[str, Any]]:
    """For each parameter its name, and the mean size of it, its gradient, the optimiser's state.

    With `before`, what copies() gave before the last step, the size of that step too.
    """
    named = getattr(model, "named_parameters", None)
    names = {id(p): name for name, p in named()} if named is not None else {}
    params = [p for group in optimizer.param_groups for p in group["params"]]
    rows = []
    for i, p in enumerate(params[:MOST]):
        row: dict[str, Any] = {"name": names.get(id(p), f"p{i}"), "p": mean_size(p)}
        row["g"] = 0.0 if p.grad is None else mean_size(p.grad)
        for key, sign in STATES.items():
            value = optimizer.state[i].get(key)
            if value is not None:
                root = np.sqrt(np.asarray(plain(value), float)) if key in SQUARES else value
                row[sign] = mean_size(root)
        if before:
            row["Δp"] = mean_size(np.asarray(plain(p), float) - before[i])
        rows.append(row)
    return rows
