"""Recurrent layers as formulas: LSTM, GRU and simple cells in PyTorch's order of gates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn.nn import functional as F

Given = Mapping[str, Any]
Options = Mapping[str, Any]

GATE_NAMES = ("sigmoid", "hardsigmoid", "tanh", "relu")


def recurrent(given: Given, o: Options) -> Any:
    """Every state of one layer, or the last; (batch, time, features)."""
    cell, x = CELLS[o["cell"]], given["input"]
    w = [given[part] for part in ("weight", "recurrent")]
    zero = mg.tensor(np.zeros(len(w[0])))
    b = [given[p] if given.get(p) is not None else zero for p in ("bias", "recurrent_bias")]
    n = w[1].shape[1]
    state: tuple[Any, ...] = (mg.tensor(np.zeros((x.shape[0], n))),) * 2
    found, times = [], range(x.shape[1])
    for t in reversed(times) if o.get("backwards") else times:
        inside, again = x[:, t] @ w[0].T + b[0], state[0] @ w[1].T + b[1]
        state = cell(inside, again, state, n, o)
        found.append(state[0])
    return mg.stack(found, axis=1) if o["sequences"] else state[0]


def _gates(a: Any, n: int) -> list[Any]:
    return [a[:, i * n : (i + 1) * n] for i in range(a.shape[1] // n)]


def _lstm(inside: Any, again: Any, state: Any, n: int, o: Options) -> tuple[Any, Any]:
    found = dict(zip(o.get("gates", "ifgo"), _gates(inside + again, n), strict=True))
    gate = GATES[o.get("gate", "sigmoid")]
    c = gate(found["f"]) * state[1] + gate(found["i"]) * F.tanh(found["g"])
    return gate(found["o"]) * F.tanh(c), c


def _gru(inside: Any, again: Any, state: Any, n: int, o: Options) -> tuple[Any, Any]:
    order = o.get("gates", "rzn")
    a, b = (dict(zip(order, _gates(v, n), strict=True)) for v in (inside, again))
    r, z = F.sigmoid(a["r"] + b["r"]), F.sigmoid(a["z"] + b["z"])
    new = F.tanh(a["n"] + r * b["n"])
    keep = 1 - z if o.get("update_turned") else z
    h = (1 - keep) * new + keep * state[0]
    return h, h


def _rnn(inside: Any, again: Any, state: Any, n: int, o: Options) -> tuple[Any, Any]:
    h = GATES[o.get("nonlinearity", "tanh")](inside + again)
    return h, h


GATES: dict[str, Any] = {name: getattr(F, name) for name in GATE_NAMES}
CELLS = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}
