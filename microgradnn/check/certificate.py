"""A proof that others can repeat: what was computed, as numbers, without microgradnn.

verify_certificate.py, which needs python-flint only, runs the program that is written down here, by
power series, and checks the inequality that decided. What has to be believed is that the program is
what forward does (its results are compared with forward's own), and that backward gave "yours".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.node import plain
from ..engine.value import Value
from ..engine.walk import order
from .oracle import balls
from .oracle.exact import Comparer, evaluate
from .oracle.traced import TooLarge, values
from .oracle.tracing import tracing
from .stages.compared import ROOM, Compared, entry
from .stages.values import beside, single
from .subject import Subject, cotangents_like, quiet

# What the verifier can do: the keys of OPS there.
OPERATIONS = frozenset(
    "add sub mul div neg exp log log1p expm1 sqrt sin cos arctan erf square tanh sigmoid logaddexp "
    "pow".split()
)
LARGEST = 100_000  # operations in a program
WORK = 4_000_000  # operations that a verifier has to run


def certificate(subject: Subject, seed: int = 0) -> dict[str, Any]:
    """The certificate of a subject's gradients at its point, or {"none": why there is none}."""
    if not balls.available:
        return {"none": "python-flint is not installed"}
    if subject.broken is not None or subject.opaque or subject.untraced or not subject.names:
        return {"none": "its forward cannot be traced"}
    try:
        with quiet():
            return _certificate(subject, seed)
    except Exception as error:  # whatever keeps the trace from being run
        return {"none": f"{type(error).__name__}: {error}"[:300]}


def _certificate(subject: Subject, seed: int) -> dict[str, Any]:
    passed = subject.start([np.array(a) for a in subject.arrays])
    results = [float(x) for out in passed.outs for x in np.ravel(out)]
    douts = cotangents_like(passed.outs, np.random.default_rng(seed))
    douts = [np.ones_like(d)[()] for d in douts] if subject.scaled else douts
    grads = passed.pull(*[np.array(d) for d in douts])
    bits = 24 if single(subject, [*grads, *passed.outs]) else 53
    low = evaluate(subject, douts, bits, Comparer(room=ROOM))
    high = evaluate(subject, douts)
    if low.comparer.overlaps or high.comparer.overlaps:
        return {"none": "the point lies on a kink, where there is more than one derivative"}
    about = [
        beside(subject, k, np.asarray(g), low, high)
        for k, (g, a) in enumerate(zip(grads, subject.arrays, strict=True))
        if g is not None and np.shape(g) == np.shape(a)
    ]
    size = max(map(abs, results), default=0.0)
    return {
        "name": subject.name,
        "bits": balls.HIGH,
        "arguments": {
            n: list(np.shape(a)) for n, a in zip(subject.names, subject.arrays, strict=True)
        },
        **_program(subject),
        "results": [x.hex() for x in results],
        "near": (2.0 ** (-10 if bits == 24 else -20) * max(size, 1e-300)).hex(),
        "cotangents": [float(d).hex() for dout in douts for d in np.ravel(dout)],
        "gradients": {c.name: _balls(c) for c in about},
        "claims": [claim for c in about for claim in _claims(c, _first(subject, c.name))],
    }


def _first(subject: Subject, name: str) -> int:
    """The place of an argument's first number among all inputs."""
    before = subject.arrays[: subject.names.index(name)]
    return sum(int(np.size(a)) for a in before)


def _program(subject: Subject) -> dict[str, Any]:
    """The forward pass at the point as operations on the inputs, numbered as they come."""
    with (
        balls.precision(balls.HIGH),
        np.errstate(all="ignore"),
        tracing(balls.ball, subject.places, Comparer(), LARGEST),
    ):
        inputs = [values(a, balls.ball) for a in subject.arrays]
        outs = subject.start([x.copy() if isinstance(x, np.ndarray) else x for x in inputs]).outs
        leaves = [v for x in inputs for v in _row(x)]
        ends = [v for out in outs for v in _row(out)]
        nodes = order([v for v in ends if isinstance(v, Value)])[::-1]
    place = {id(v): i for i, v in enumerate(leaves)}
    program: list[list[Any]] = []
    for node in nodes:
        if id(node) in place or node.op is None:
            continue
        if node.op.name not in OPERATIONS or node.params:
            raise TooLarge(f"{node.op.name} is no operation of the verifier")
        program.append([node.op.name, *(_argument(p, place) for p in node.parents)])
        place[id(node)] = len(leaves) + len(program) - 1
    return {
        "inputs": [float(x).hex() for a in subject.arrays for x in np.ravel(a)],
        "program": program,
        "outputs": [_argument(v, place) for v in ends],
    }


def _row(x: Any) -> list[Any]:
    return list(np.ravel(np.asarray(x, object)))


def _argument(x: Any, place: dict[int, int]) -> Any:
    """The number of a node, or a constant as text."""
    if id(x) in place:
        return place[id(x)]
    number = plain(x)
    if balls.radius(number) or balls.middle(number) != number:
        raise TooLarge("a constant is no float")
    return balls.middle(number).hex()


def _balls(c: Compared) -> dict[str, Any]:
    """Yours and the true gradient, with radii, entry by entry."""
    return {
        part: [float(x).hex() for x in np.ravel(numbers)]
        for part, numbers in (("yours", c.yours), ("true", c.true), ("radius", c.bound))
    }


def _claims(c: Compared, first: int) -> list[dict[str, Any]]:
    """What decides: the worst entry of a wrong gradient, every entry of a right one."""
    outside = c.outside() & c.known()
    wrong = c.formula_wrong() & c.known() if c.formula is not None else outside
    with np.errstate(all="ignore"):
        wrong = outside | wrong & (np.abs(c.yours - c.true) > 8 * c.eps * np.abs(c.true))
    places: Sequence[Any] = (
        [c.entry(wrong).index] if wrong.any() else list(np.ndindex(c.true.shape))
    )
    limit = c.allowed()
    claims = []
    for at in places:
        most = float(limit[at])
        if wrong.any() and not outside[at]:
            most = 8 * c.eps * abs(float(c.true[at]))
        claims.append({
            "name": entry(c, at).place, "input": first + int(np.ravel_multi_index(at, c.true.shape))
            if at else first, "yours": float(c.yours[at]).hex(), "limit": most.hex(),
            "wrong": bool(wrong.any()),
        })  # fmt: skip
    return claims
