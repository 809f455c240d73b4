"""What the readers of all frameworks share: a call becomes a kind of port_formulas.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Read:
    """A kind of port_formulas.py, tensors and numbers by part, options, how weights are held."""

    kind: str
    given: Mapping[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


# Arguments by name, arguments by position.
Reader = Callable[[dict[str, Any], tuple[Any, ...]], Read | None]


def enters(table: dict[str, Reader], *names: str) -> Callable[[Reader], Reader]:
    """Enters a reader in a table, under these names."""

    def enter(do: Reader) -> Reader:
        table.update(dict.fromkeys(names, do))
        return do

    return enter


def sizes(given: Any, n: int) -> tuple[Any, ...]:
    """One number for each of n axes."""
    if isinstance(given, int) or given is None:
        return (given,) * n
    found = tuple(given)
    return found * n if len(found) == 1 else found


def pairs(given: Any, n: int) -> tuple[tuple[int, int], ...]:
    """The same number on both sides of each of n axes."""
    return tuple((int(p), int(p)) for p in sizes(given, n))


def ring(
    how: str, grid: Sequence[int], size: Sequence[int], stride: Any, dilation: Any
) -> tuple[tuple[int, int], ...]:
    """What padding "same" or "valid" is for a grid of places: TensorFlow's rule, less in front."""
    found = []
    for n, k, s, d in zip(grid, size, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) if how == "same" else 0
        found.append((total // 2, total - total // 2))
    return tuple(found)


def binary(kind: str, left: Any, right: Any) -> Read:
    """A call of two operands."""
    return Read(kind, {"left": left, "right": right})


def same_shape(x: Any, out: Any) -> Read:
    """A new shape for the same numbers; the first axis is the batch where it stays."""
    shape: tuple[Any, ...] = tuple(int(n) for n in out.shape)
    if len(shape) and len(x.shape) and shape[0] == int(x.shape[0]):
        shape = ("batch", *shape[1:])
    return Read("reshape", {"input": x}, {"shape": shape})


def reduced(kind: str, x: Any, axis: Any, keepdims: bool, more: Mapping[str, Any]) -> Read:
    """A reduction over axes, from 0 on."""
    n = len(x.shape)
    if axis is None or (isinstance(axis, Sequence) and not len(axis)):
        axes = tuple(range(n))
    else:
        axes = tuple(int(i) % n for i in ([axis] if isinstance(axis, int) else axis))
    return Read(kind, {"input": x}, {"axis": axes, "keepdims": keepdims, **more})
