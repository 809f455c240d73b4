"""einsum: sums of products by names of indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..engine import ops
from ..engine.protocol import array
from .diagonals import diagonal
from .implementing import implements
from .shape import broadcast_to
from .types import A, Like

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the names an index may have


@overload
def einsum(subscripts: str, /, *operands: Like[A], optimize: bool | str = False) -> A: ...
@overload
def einsum(
    operand: Like[A], indices: Sequence[Any], /, *others: Any, optimize: bool | str = False
) -> Any: ...
@implements(np.einsum)
def einsum(*operands: Any, optimize: bool | str = False) -> Any:
    """Σ of products by index names: einsum("ij,jk->ik", a, b), or einsum(a, [0, 1], b, [1, 2]).

    Ellipses, repeated indices (diagonals) and implicit output work as in NumPy.
    """
    terms, output, xs = _parsed(operands)
    sizes: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            sizes[letter] = max(sizes.get(letter, n), n) if n != 0 else 0
    plain_terms, plain_xs, kind = [], [], np.result_type(*(x.dtype for x in xs))
    for i, (term, x) in enumerate(zip(terms, xs, strict=True)):
        elsewhere = output + "".join(terms[:i] + terms[i + 1 :])
        x = broadcast_to(x, shape) if (shape := tuple(sizes[c] for c in term)) != x.shape else x
        for letter in dict.fromkeys(term):
            while term.count(letter) > 1:
                first = term.index(letter)
                second = term.index(letter, first + 1)
                x = diagonal(x, 0, first, second)
                term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
        alone = tuple(k for k, letter in enumerate(term) if letter not in elsewhere)
        if alone:
            x = ops.sum(x, axis=alone)
            if kind.kind in "biu":  # NumPy's einsum does not widen integers, as its sum does
                x = ops.astype(x, dtype=kind)
            term = "".join(c for k, c in enumerate(term) if k not in alone)
        plain_terms.append(term)
        plain_xs.append(x)
    if len(plain_xs) == 1:
        (x,), (term,) = plain_xs, plain_terms
        return x if term == output else ops.transpose(x, axes=tuple(map(term.index, output)))
    return ops.einsum(*plain_xs, subscripts=f"{','.join(plain_terms)}->{output}")


def _parsed(operands: Sequence[Any]) -> tuple[list[str], str, list[Any]]:
    """One string of letters for each operand, one for the output, and the operands."""
    if isinstance(operands[0], str):
        subscripts, xs = operands[0].replace(" ", ""), [array(x) for x in operands[1:]]
    else:
        subscripts, xs = _from_lists(list(operands))
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"{len(terms)} subscripts for {len(xs)} operands")
    unused = [c for c in LETTERS if c not in subscripts]
    extra = [x.ndim - len(t.replace("...", "")) for t, x in zip(terms, xs, strict=True)]
    for t, n, x in zip(terms, extra, xs, strict=True):
        if n < 0 or (n > 0 and "..." not in t):
            raise ValueError(f"subscripts {t!r} do not fit an operand of shape {x.shape}")
    most = unused[: max([n for t, n in zip(terms, extra, strict=True) if "..." in t], default=0)]
    terms = [
        t.replace("...", "".join(most[len(most) - n :])) for t, n in zip(terms, extra, strict=True)
    ]
    if arrow:
        return terms, output.replace("...", "".join(most)), xs
    letters = "".join(terms)
    once = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in most)
    return terms, "".join(most) + "".join(once), xs


def _from_lists(operands: list[Any]) -> tuple[str, list[Any]]:
    names: dict[Any, str] = {}

    def text(indices: Any) -> str:
        return "".join(
            "..." if i is Ellipsis else names.setdefault(i, LETTERS[int(i)]) for i in indices
        )

    n = len(operands) // 2
    inputs = ",".join(text(operands[2 * k + 1]) for k in range(n))
    xs = [array(operands[2 * k]) for k in range(n)]
    return inputs + ("->" + text(operands[-1]) if len(operands) % 2 else ""), xs


__all__ = [
    "einsum",
]  # fmt: skip
