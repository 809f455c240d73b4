"""The repairs that are tried where two ports differ: small changes of one side's formulas.

Each is a generator: given a stretch of one port (own) and that of the other, it yields changes of
the first that might make it compute what the second does. A change is believed only if it does, in
numbers, values and gradients, at several points. What is taken from the other port comes first; the
tables are for code that says nothing of itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from . import port_formulas
from .local_program import Local
from .seen_calls import PortCall
from .trials import COPIED, QUIET, TABLED, VALUES, Around, Maker, Trial, calls_like, word
from .weight_repairs import exchanged, weights, without_bias


def options(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """One number or word of one call."""
    for node, call in own.calls:
        names = dict.fromkeys([*call.options, *(o for k, o in VALUES if k == call.kind)])
        for name in names:
            if name in QUIET:
                continue
            now = call.options.get(name, _usual(name))
            theirs = [c.options.get(name, _usual(name)) for c in calls_like(other, call.kind)]
            for rank, values in ((COPIED, theirs), (TABLED, _tabled(call, name))):
                for value in values:
                    if value != now and value is not None:
                        yield _option(own, node, call, name, value, rank)


def _held(call: PortCall, name: str) -> Any:
    """An option of a call, or what it is where it is not said."""
    return call.options.get(name, _usual(name))


def _usual(name: str) -> Any:
    """What an option is where it is not said."""
    return {"correction": 0, "eps_outside": False, "mode": "constant", "update_turned": False,
            "gate": "sigmoid", "backwards": False, "nonlinearity": "tanh"}.get(name)  # fmt: skip


def _tabled(call: PortCall, name: str) -> Sequence[Any]:
    if (call.kind, name) == ("recurrent", "gates"):
        usual = {"lstm": "ifgo", "gru": "rzn"}.get(call.options["cell"], "")
        return ["".join(p) for p in permutations(usual) if "".join(p) != usual]
    if (call.kind, name) == ("conv", "padding"):
        return _paddings(call)
    return VALUES.get((call.kind, name), ())


def _paddings(call: PortCall) -> list[Any]:
    """Rings of the same sum with what is odd on the other side, and the symmetric one."""
    now = call.options["padding"]
    turned = tuple((hi, lo) for lo, hi in now)
    return [turned, *(tuple((lo + d, hi - d) for lo, hi in now) for d in (1, -1)
                      if all(lo + d >= 0 and hi - d >= 0 for lo, hi in now))]  # fmt: skip


def _option(own: Local, node: int, call: PortCall, name: str, value: Any, rank: int) -> Trial:
    now = call.options.get(name, _usual(name))
    new = replace(call, options={**call.options, name: value})
    return Trial(
        word(call, name), node, f"{name} {_said(now)}", f"{name} {_said(value)}",
        own.with_call(node, new), rank,
    )  # fmt: skip


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def several_options(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """All options of one call at once."""
    for node, call in own.calls:
        for theirs in calls_like(other, call.kind):
            names = [o for o in {**call.options, **theirs.options} if o not in QUIET]
            apart = [o for o in names if _held(call, o) != _held(theirs, o)]
            if len(apart) > 1:
                new = {**call.options, **{o: _held(theirs, o) for o in apart}}
                mine = ", ".join(f"{o} {_said(_held(call, o))}" for o in apart)
                said = ", ".join(f"{o} {_said(_held(theirs, o))}" for o in apart)
                cause = " and ".join(word(call, o) for o in apart)
                local = own.with_call(node, replace(call, options=new))
                yield Trial(cause, node, mine, said, local, COPIED)


def constants(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """One number that code has in it, such as an eps or a factor."""
    theirs: dict[float, str] = {}
    for _, call in other.calls:
        theirs |= {float(a): "constant" for a in call.constants.values() if a.size == 1}
        theirs |= {float(v): o for o, v in call.options.items() if o in ("eps", "slope", "scale")}
    for node, call in own.calls:
        for part, array in call.constants.items():
            if array.size == 1 and array.dtype.kind in "fi":
                for value, name in theirs.items():
                    if value != float(array):
                        held = {**call.constants, part: np.asarray(value, float)}
                        new = replace(call, constants=held)
                        cause = {"slope": "slope of leaky_relu"}.get(name, name)
                        yield Trial(cause, node, f"{float(array):g}", f"{value:g}",
                                    own.with_call(node, new), COPIED)  # fmt: skip


DEFAULTS: dict[str, Any] = {
    "leaky_relu": {"slope": 0.01}, "elu": {"alpha": 1.0}, "celu": {"alpha": 1.0},
    "gelu": {"approximate": "none"}, "hardtanh": {"low": -1.0, "high": 1.0},
}  # fmt: skip
SWAPS = {
    "max_pool": ("avg_pool",), "avg_pool": ("max_pool",), "mean": ("max", "sum"),
    "max": ("mean",), "sum": ("mean",), "layer_norm": ("rms_norm",), "rms_norm": ("layer_norm",),
    "add": ("sub", "mul"), "mul": ("add",), "sub": ("add",),
}  # fmt: skip
NAMES = {"max_pool": "pooling kind", "avg_pool": "pooling kind", "mean": "pooling kind",
         "max": "pooling kind", "sum": "pooling kind", "global_pool": "pooling kind",
         "layer_norm": "kind of normalisation", "rms_norm": "kind of normalisation"}  # fmt: skip


def kinds(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """Another activation, another pooling."""
    theirs = {call.kind: call for _, call in other.calls}
    for node, call in own.calls:
        act = call.kind in port_formulas.ACTIVATIONS
        for kind in port_formulas.ACTIVATIONS if act else SWAPS.get(call.kind, ()):
            if kind == call.kind:
                continue
            o = dict(DEFAULTS.get(kind, {})) if act else dict(call.options)
            if kind in ("softmax", "log_softmax"):
                o = {"axis": -1}
            if kind in theirs:
                o = {**o, **theirs[kind].options, "last": call.options.get("last", False)}
                o = (
                    o
                    if "last" in theirs[kind].options
                    else {k: v for k, v in o.items() if k != "last"}
                )
            rank = COPIED if kind in theirs else TABLED
            cause = "activation" if act else NAMES.get(call.kind, f"{call.kind} or {kind}")
            new = replace(call, kind=kind, options=o)
            yield Trial(cause, node, call.kind, kind, own.with_call(node, new), rank)


def removed(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """A call that the other port does not have."""
    theirs = [call.kind for _, call in other.calls]
    mine = [call.kind for _, call in own.calls]
    for node, call in own.calls:
        if len(call.sources) >= 1 and call.kind != "code":
            fewer = theirs.count(call.kind) < mine.count(call.kind)
            branch = len(call.sources) > 1
            said = _kind_said(call)
            yield Trial(_absent(call, own), node, said, f"no {call.kind}", own.without(node),
                        COPIED if fewer else TABLED)  # fmt: skip
            if branch:
                turned = replace(call, sources=call.sources[::-1])
                second = own.with_call(node, turned).without(node)
                yield Trial("branch", node, call.kind, "one branch only", second, TABLED)


def _kind_said(call: PortCall) -> str:
    """A call that only one port has, in words."""
    return f"cast to {call.options['dtype']}" if call.kind == "cast" else call.kind


def _absent(call: PortCall, own: Local) -> str:
    """What is said of a call that only one port has."""
    if call.kind == "transpose" and any(c.kind == "reshape" for _, c in own.calls):
        return "flatten order"
    if call.kind in ("softmax", "log_softmax"):
        return "softmax on logits"
    if call.kind in port_formulas.ACTIVATIONS:
        return "activation missing"
    return {"stop_gradient": "gradient stopped", "cast": "dtype"}.get(
        call.kind, f"{call.kind} missing"
    )


def added(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """A call that only the other port has, or one from a table."""
    mine = [call.kind for _, call in own.calls]
    theirs = [c for _, c in other.calls if not c.params and len(c.sources) == 1
              and mine.count(c.kind) < [k.kind for _, k in other.calls].count(c.kind)]  # fmt: skip
    table = [PortCall("", "softmax", (), options={"axis": -1}), PortCall("", "relu", ()),
             PortCall("", "sigmoid", ()), PortCall("", "stop_gradient", ()),
             *(PortCall("", "cast", (), options={"dtype": d}) for d in CASTS)]  # fmt: skip
    for rank, calls in ((COPIED, theirs), (TABLED, table)):
        for new in calls:
            for node in [*own.inputs, *(n for n, _ in own.calls)]:
                own_words = f"no {new.kind}"
                said = _kind_said(new)
                local = own.behind(node, new)
                at = own.calls[0][0] if node in own.inputs and own.calls else node
                yield Trial(_absent(new, own), at, own_words, said, local, rank)


CASTS = ("float32", "float16")


def order(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """Two calls in the other order."""
    for node, call in own.calls:
        users = [(n, c) for n, c in own.calls if node in c.sources]
        if len(users) == 1 and len(call.sources) == len(users[0][1].sources) == 1:
            later, next_call = users[0]
            first = replace(next_call, sources=call.sources)
            second = replace(call, sources=(node,))
            local = own.with_call(node, first).with_call(later, second)
            turns = {(later if n == node else node if n == later else n, p): t
                     for (n, p), t in own.turns.items()}  # fmt: skip
            yield Trial("order of layers", node, f"{call.kind} before {next_call.kind}",
                        f"{next_call.kind} before {call.kind}", replace(local, turns=turns),
                        COPIED)  # fmt: skip


def operands(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """Two operands in the other order."""
    for node, call in own.calls:
        if call.kind in ("sub", "div", "matmul", "concatenate") and len(call.sources) == 2:
            turned = replace(call, sources=call.sources[::-1])
            words = "operands as they are", "operands the other way round"
            yield Trial("order of operands", node, *words, own.with_call(node, turned))


def order_at_sums(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """A call behind the sum of two branches, or in one of them."""
    for node, call in own.calls:
        users = [(n, c) for n, c in own.calls if node in c.sources]
        if len(call.sources) == 2 and len(users) == 1 and len(users[0][1].sources) == 1:
            later, unary = users[0]
            for k in (0, 1):
                moved = own.without(later).behind(call.sources[k], unary)
                made = min(n for n, _ in moved.calls)
                turned = [(n, c) for n, c in moved.calls if n not in (node, made)]
                inner = dict(moved.calls)[made]
                sources = tuple(made if i == k else s for i, s in enumerate(call.sources))
                calls = (*((n, c) for n, c in turned if n < node), (made, inner),
                         (node, replace(call, sources=sources)),
                         *((n, c) for n, c in turned if n > node))  # fmt: skip
                yield Trial("order of layers", later, f"{unary.kind} behind {call.kind}",
                            f"{unary.kind} in one branch", replace(moved, calls=calls),
                            COPIED)  # fmt: skip


REPAIRS: tuple[Maker, ...] = (
    options, several_options, constants, kinds, removed, added, order, operands, order_at_sums,
    weights, without_bias, exchanged,
)  # fmt: skip
