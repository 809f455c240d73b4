"""Verifies a certificate of microgradnn with python-flint alone: python verify_certificate.py FILE

A certificate holds a forward pass as a list of operations on single numbers, with its inputs. Here
it is run on power series of balls, x + t, whose coefficient of t is the derivative with a proven
error bound: no derivative rule and no line of microgradnn is used.
"""

import json
import sys
from typing import Any

import flint

S: Any = flint.arb_series
OPS: dict[str, Any] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "neg": lambda a: -a, "exp": lambda a: a.exp(),
    "log": lambda a: a.log(), "log1p": lambda a: (1 + a).log(), "expm1": lambda a: a.exp() - 1,
    "sqrt": lambda a: a.sqrt(), "sin": lambda a: a.sin(), "cos": lambda a: a.cos(),
    "arctan": lambda a: a.atan(), "erf": lambda a: a.erf(), "square": lambda a: a * a,
    "tanh": lambda a: 1 - 2 / ((2 * a).exp() + 1), "sigmoid": lambda a: 1 / (1 + (-a).exp()),
    "logaddexp": lambda a, b: (a.exp() + b.exp()).log(), "pow": lambda a, b: power(a, b),
}  # fmt: skip


def power(a: Any, b: Any) -> Any:
    """a to the power b; a whole power by products, so that a may be 0 or less."""
    n = float(b[0].mid())
    whole = n == int(n) and abs(n) <= 64 and b[1] == 0
    return a ** int(n) if whole and n >= 0 else 1 / a ** int(-n) if whole else (b * a.log()).exp()


def outputs(c: Any, at: int) -> list[Any]:
    """The outputs as series in t, where t is added to one number of the inputs."""
    number = float.fromhex
    values = [S([number(x), int(i == at)]) for i, x in enumerate(c["inputs"])]
    for op, *args in c["program"]:
        values.append(OPS[op](*(S([number(a)]) if isinstance(a, str) else values[a] for a in args)))
    return [S([number(k)]) if isinstance(k, str) else values[k] for k in c["outputs"]]


def verified(c: Any) -> bool:
    """Whether all that a certificate claims is so; each claim is printed."""
    flint.ctx.prec, flint.ctx.cap, good = c["bits"], 2, True
    for claim in c["claims"]:
        outs, number = outputs(c, claim["input"]), float.fromhex
        both = zip(outs, c["results"], c["cotangents"], strict=True)
        parts = [(o[1] * number(d), abs(o[0] - number(f)) < number(c["near"])) for o, f, d in both]
        true, near = sum((part for part, _ in parts), flint.arb(0)), [n for _, n in parts]
        off, limit = abs(true - number(claim["yours"])), flint.arb(number(claim["limit"]))
        holds = all(near) and bool(off > limit if claim["wrong"] else off <= limit)
        good &= holds
        said = f"off by {off.str(5)}, {'more' if claim['wrong'] else 'no more'} than {limit.str(3)}"
        print(f"{'' if holds else 'NOT '}proved: {claim['name']}: {said}; true {true.str(20)}")
    return good and bool(c["claims"])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.exit(0 if all([verified(c) for c in json.load(file)["certificates"]]) else 1)
