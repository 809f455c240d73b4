"""Stable formulas as the ufuncs they consist of, so that their parts can be shared and planned.

Each is what the op's kernel computes, operation by operation; where a sigmoid and a loss need the
same exponential it is taken once. In sigmoid one exponential serves for two: exp(min(x, 0)) is 1
for x >= 0 and exp(-|x|) below, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .passes import without_repetition
from .program import Instruction, StraightProgram, Variable


class Lowering:
    """New instructions in the place of one."""

    def __init__(self, of: Instruction) -> None:
        self.of = of
        self.made: list[Instruction] = []

    def put(
        self, op: str, *xs: Any, like: Variable, out: Variable | None = None, **params: Any
    ) -> Any:
        """The result of one more instruction, shaped like a variable."""
        out = Variable(like.shape, like.dtype) if out is None else out
        self.made.append(Instruction(op, xs, params, out, self.of.part, self.of.rule))
        return out

    def truth(self, op: str, *xs: Any, like: Variable) -> Variable:
        """A comparison."""
        return self.put(op, *xs, like=Variable(like.shape, np.dtype(bool)))

    def decay(self, x: Variable) -> Variable:
        """exp(-|x|); the sign of -1 makes -|x| in one call."""
        return self.put("exp", self.put("copysign", x, -1, like=x), like=x)

    def along(self, op: str, x: Variable, axis: int, **kept: Any) -> Variable:
        """A reduction that keeps the axis."""
        shape = tuple(1 if k == axis % len(x.shape) else n for k, n in enumerate(x.shape))
        return self.put(op, x, like=Variable(shape, x.dtype), axis=axis, keepdims=True)


def _sigmoid(to: Lowering, x: Variable) -> None:
    e = to.decay(x)
    top = to.put("maximum", e, to.put("heaviside", x, 1, like=x), like=x)
    to.put("div", top, to.put("add", 1, e, like=x), like=x, out=to.of.out)


def _softplus(to: Lowering, x: Variable) -> None:
    positive = to.put("maximum", x, 0, like=x)
    to.put("add", positive, to.put("log1p", to.decay(x), like=x), like=x, out=to.of.out)


def _bce_with_logits(to: Lowering, z: Variable, t: Any) -> None:
    out = to.of.out
    rest = to.put("sub", to.put("maximum", z, 0, like=z), to.put("mul", z, t, like=out), like=out)
    to.put("add", rest, to.put("log1p", to.decay(z), like=z), like=out, out=out)


def _softmax(to: Lowering, x: Variable) -> None:
    axis = to.of.params.get("axis", -1)
    e = to.put("exp", to.put("sub", x, to.along("max", x, axis), like=x), like=x)
    to.put("div", e, to.along("sum", e, axis), like=x, out=to.of.out)


def _relu(to: Lowering, x: Variable) -> None:
    to.put("maximum", x, 0, like=x, out=to.of.out)


def _linear(to: Lowering, x: Variable, w: Variable, b: Variable) -> None:
    y = to.put("matmul", x, w, like=to.of.out)
    to.put("add", y, b, like=to.of.out, out=to.of.out)


def _mean(to: Lowering, x: Variable) -> None:
    n = int(np.prod(x.shape)) // max(int(np.prod(to.of.out.shape)), 1)
    total = to.put("sum", x, like=to.of.out, **to.of.params)
    to.put("div", total, n, like=to.of.out, out=to.of.out)


def _logsumexp(to: Lowering, z: Variable, axis: Any, out: Variable | None = None) -> Variable:
    """log Σ exp(z), which keeps the axis."""
    top = to.along("max", z, axis)
    top = to.put("where", to.truth("np.isfinite", top, like=top), top, 0, like=top)
    s = to.along("sum", to.put("exp", to.put("sub", z, top, like=z), like=z), axis)
    total: Variable = to.put("add", to.put("log", s, like=s), top, like=s, out=out)
    return total


def _log_softmax(to: Lowering, z: Variable) -> None:
    to.put("sub", z, _logsumexp(to, z, to.of.params.get("axis", -1)), like=z, out=to.of.out)


def _cross_entropy(to: Lowering, z: Variable, t: Variable) -> None:
    out = to.of.out
    logp = to.put("sub", z, _logsumexp(to, z, -1), like=z)
    rows = np.arange(z.shape[0])
    picked = to.put("getitem", logp, like=out, index=(rows, t))
    to.put("neg", picked, like=out, out=out)


_EXPAND: dict[str, Callable[..., None]] = {
    "sigmoid": _sigmoid, "softplus": _softplus, "bce_with_logits": _bce_with_logits,
    "softmax": _softmax, "relu": _relu, "linear": _linear, "mean": _mean,
    "ce_with_logits": _cross_entropy,
    "log_softmax": _log_softmax,
}  # fmt: skip


def lowered_body(program: StraightProgram) -> list[Instruction]:
    """The instructions of a program with composite ops expanded, each repeated one left out."""
    body: list[Instruction] = []
    for i in program.body:
        expand = _EXPAND.get(i.op)
        if expand is None or not _plain(i):
            body.append(Instruction(i.op, i.inputs, dict(i.params), i.out, i.part, i.rule))
            continue
        to = Lowering(i)
        expand(to, *i.inputs)
        body += to.made
    return body


def lowered(program: StraightProgram) -> StraightProgram:
    """The same program with composite ops expanded, nothing computed twice or in vain."""
    body = StraightProgram(
        inputs=program.inputs, body=lowered_body(program), value=program.value,
        gradients=list(program.gradients), updates=list(program.updates),
        guards=list(program.guards),
    )  # fmt: skip
    without_repetition(body)
    body.body = body.needed()
    return body


def _plain(i: Instruction) -> bool:
    """Whether an instruction is of the usual kind: single or double floats, laid out in C order."""
    xs = [x for x in i.inputs if isinstance(x, Variable)]
    if i.out.dtype is None or i.out.dtype.char not in "fd" or not i.out.c_order:
        return False
    if not all(v.c_order for v in xs) or not isinstance(i.inputs[0], Variable):
        return False
    if i.op == "ce_with_logits":
        t = i.inputs[1]
        return len(xs) == 2 and t.dtype.kind in "iu" and len(xs[0].shape) == 2
    if i.op == "mean":
        return 0 not in xs[0].shape
    if i.op == "linear":
        return all(isinstance(x, Variable) and x.dtype == i.out.dtype for x in i.inputs)
    return all(v.dtype == i.out.dtype for v in xs)
