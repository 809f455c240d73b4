"""Instructions that are more than a loop over elements: matrix products, elements by integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .addresses import Address
from .loop_nests import Nests, refused
from .program import Instruction, Variable


def matmul(to: Nests, i: Instruction) -> None:
    """Rows times columns, of stacks too; the innermost loop runs along a row of the result."""
    a, b = (to.place(x) for x in i.inputs)
    to.longest = max(to.longest, a.shape[-1])
    to.assign(i.out, lambda at: "0")
    out = to.places[i.out]
    columns = b.shape[-1:] if len(b.shape) > 1 else ()
    at = to.nest(out.shape[: len(out.shape) - len(columns)])
    stack = at[: len(at) - 1] if len(a.shape) > 1 else at
    (k,) = to.nest(a.shape[-1:], "k")
    to.put(f"t = {to.element(i.inputs[0], [*at, k], out.dtype)}")
    j = to.nest(columns, "j")
    other = to.element(i.inputs[1], [*stack, k, *j], out.dtype)
    to.put(f"{out.at([*at, *j])} += t * {other}")
    to.depth = 0


def gather(to: Nests, i: Instruction) -> None:
    """x[rows, columns]: elements by integers, which may come out of the batch."""
    x = to.place(i.inputs[0])
    index = i.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    out = to.new(i.out)
    at = _looked_up(to, i, parts, x.shape)
    rest = to.nest(out.shape[1:], "j")
    to.put(f"{out.at(['i0' if out.shape[0] != 1 else '0', *rest])} = {x.at([*at, *rest])}")
    to.depth = 0


def _looked_up(to: Nests, i: Instruction, parts: Any, shape: tuple[int, ...]) -> list[str]:
    """The loop over one axis of integers, and what they say of the first axes of `shape`."""
    places = [to.place(p) for p in parts]
    n = places[0].shape
    if any(p.shape != n or p.dtype.kind not in "iu" for p in places) or len(n) != 1:
        raise refused(f"{i.op} by other than a row of integers")
    here = to.nest(n)
    names = []
    for k, (p, size) in enumerate(zip(places, shape, strict=False)):
        names.append(f"r{k}")
        to.put(f"r{k} = to_q({p.at(here)})")
        to.put(f"if r{k} < 0: r{k} += {size}")
        to.put(f"if r{k} < 0 or r{k} >= {size}: return 2")
    return names


def scatter(to: Nests, i: Instruction) -> None:
    """put and fold: zeros, and each element added where it belongs."""
    g = to.place(i.inputs[0])
    whole = Variable(i.out.shape, np.dtype(np.int64))
    if i.op == "fold":
        n = len(i.params["size"])
        how = {k: i.params[k] for k in ("stride", "dilation")}
        take = Instruction("windows", (whole,), {"shape": g.shape[-n:], **how}, Variable(
            g.shape, whole.dtype))  # fmt: skip
    else:
        take = Instruction("getitem", (whole,), {"index": i.params["index"]}, Variable(
            g.shape, whole.dtype))  # fmt: skip
    to.assign(i.out, lambda at: "0")
    out = to.places[i.out]
    moved = out.moved(take)
    if moved is None:
        return _scatter_rows(to, i, out)
    at = to.nest(g.shape)
    if isinstance(moved, np.ndarray):
        there = f"{out.name}[{to.constant(moved).at(at)}]"
    else:
        there = moved.at(at)
    to.put(f"{there} += {to.element(i.inputs[0], at, out.dtype)}")
    to.depth = 0
    return None


def _scatter_rows(to: Nests, i: Instruction, out: Address) -> None:
    index = i.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    g = to.place(i.inputs[0])
    at = _looked_up(to, i, parts, out.shape)
    rest = to.nest(g.shape[1:], "j")
    here = ["i0" if g.shape[0] != 1 else "0", *rest]
    to.put(f"{out.at([*at, *rest])} += {to.element(i.inputs[0], here, out.dtype)}")
    to.depth = 0


SPECIAL: dict[str, Callable[[Nests, Instruction], None]] = {
    "matmul": matmul, "getitem": gather, "put": scatter, "fold": scatter,
}  # fmt: skip
