"""Guessed arguments as sizes with names: what is equal, what is a product, and numbers for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

# A size: a number, a name, or an operation on sizes as ("*" or "+", sizes).
Dim = int | str | tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Slot:
    """One argument.

    kind   normal, positive, prob (0.1 to 0.9), labels, onehot, binary or mask: arrays of `shape`;
           const: `value`; size: the number shape[0]; sizes: all of them, in the type `value`;
           dict: of `items`; layers: an object of the class `value`;
           stride, pad, pool, groups: as the table of sizes says
    value  of labels, how many classes there are: a Dim
    """

    kind: str
    shape: tuple[Dim, ...] = ()
    value: Any = None
    items: tuple[tuple[str, "Slot"], ...] = ()

    def parts(self) -> list["Slot"]:
        """The slot, or those in the dict."""
        return [p for _, s in self.items for p in s.parts()] if self.kind == "dict" else [self]


FLOATS = ("normal", "positive", "prob")


@dataclass(frozen=True)
class Table:
    """Numbers for sizes: generic ones in the order of appearance, those of images and windows."""

    generic: tuple[int, ...]
    images: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)  # batch and channels beside heights and widths
    spatial: tuple[int, ...] = (5, 6, 8)  # heights and widths, of windows of two sizes
    square: tuple[int, ...] = (5, 7, 9)  # of windows with one
    plain: tuple[int, ...] = (4, 6, 8)  # without windows
    kernel: tuple[int, ...] = (3, 2, 3)
    stride: int = 2
    pad: int = 1
    groups: int = 2
    grouped: tuple[int, ...] = (6, 4, 8)


_SMALL = (
    (4, 3, 5, 2, 6, 7, 8, 9, 10),
    (3, 5, 2, 4, 7, 6, 9, 8, 11),
    (5, 4, 2, 6, 3, 8, 7, 11, 9),
    (2, 6, 4, 3, 5, 9, 7, 8, 10),
)
_FEW = ((2, 3, 4, 5, 6, 7, 8), (3, 2, 5, 4, 6, 7, 8), (2, 4, 3, 6, 5, 7, 8), (3, 4, 2, 5, 7, 6, 8))


def _family(*windows: dict[str, Any]) -> tuple[Table, ...]:
    """Tables of one way to lay windows over images; the first one is for the search."""
    tables = [Table((), (), **windows[0])]
    for i in range(max(4, len(windows))):
        tables.append(Table(_SMALL[i % 4], _FEW[i % 4], **windows[i % len(windows)]))
    return tuple(tables)


# In the order in which they are tried; the first family is the most general one.
FAMILIES: tuple[tuple[Table, ...], ...] = (
    _family(
        {"spatial": (5, 8, 6), "square": (5, 7, 9)},
        {"spatial": (4, 6), "square": (4, 6), "plain": (6, 4, 8), "kernel": (2, 3), "stride": 1,
         "pad": 1, "grouped": (4, 6, 8)},
        {"spatial": (7, 4), "square": (7, 5), "plain": (4, 8, 6), "pad": 0, "grouped": (8, 6, 4)},
    ),
    _family(  # windows that tile the image
        {"spatial": (4, 6), "square": (4, 6), "kernel": (2, 2), "pad": 0},
        {"spatial": (6, 4), "square": (6, 4), "plain": (6, 4), "kernel": (2, 2), "pad": 0},
        {"spatial": (6, 9), "square": (6, 9), "plain": (4, 8), "kernel": (3, 3), "stride": 3,
         "pad": 0},
    ),
    _family(  # padding that keeps the size of the image
        {"spatial": (6, 4), "square": (6, 4), "kernel": (3, 3), "stride": 1},
        {"spatial": (4, 6), "square": (4, 6), "plain": (6, 4), "kernel": (3, 3), "stride": 1},
        {"spatial": (3, 5), "square": (3, 5), "kernel": (1, 1), "stride": 1, "pad": 0},
    ),
    _family(  # windows without padding
        {"spatial": (4, 5), "square": (5, 4), "kernel": (3, 2), "stride": 1, "pad": 0},
        {"spatial": (5, 4), "square": (4, 6), "kernel": (2, 3), "stride": 1, "pad": 0},
    ),
    _family(  # square images
        {"spatial": (8, 8, 8), "square": (8, 8), "plain": (8, 8), "kernel": (2, 2), "pad": 0},
        {"spatial": (4, 4, 4), "square": (4, 4), "plain": (4, 4), "kernel": (2, 2), "pad": 0},
        {"spatial": (5, 5, 5), "square": (5, 5), "plain": (6, 6), "kernel": (3, 3), "pad": 1,
         "stride": 1},
    ),
)  # fmt: skip
_EVEN = (tuple(range(12, 40, 2)), (2, 4, 6, 8, 10, 12), (6, 8, 4, 2, 12, 10), (4, 12, 8, 6, 2))
FAMILIES += (
    tuple(
        replace(t, generic=e, images=e)
        for t, e in zip(FAMILIES[0], (*_EVEN, _EVEN[1][::-1]), strict=True)
    ),
    _family(  # not searched: a remainder, a gap between windows, no padding, much padding
        {"spatial": (6, 5), "square": (6, 5), "kernel": (3, 2), "pad": 0},
        {"spatial": (5, 6), "square": (5, 6), "kernel": (2, 2), "stride": 3, "pad": 0},
        {"spatial": (4, 5), "square": (4, 5), "kernel": (3, 2), "stride": 1, "pad": 0},
        {"spatial": (4, 3), "square": (4, 3), "kernel": (3, 2), "stride": 1, "pad": 2},
        {"spatial": (6, 6), "square": (6, 6), "kernel": (3, 3), "stride": 1},
    ),
)  # fmt: skip
WINDOWS = len(FAMILIES) - 1
EVEN = WINDOWS - 1
EQUAL = len(FAMILIES[WINDOWS]) - 1  # the table of square images


@dataclass(frozen=True)
class Guess:
    """One joint guess of all arguments; costs say how unlikely it is."""

    slots: tuple[Slot, ...]
    roles: Mapping[str, str]
    bound: Mapping[str, Dim] = field(default_factory=dict)
    family: int = 0
    cost: float = 0.0
    picks: tuple[int, ...] = ()
    single: str = ""  # of one sample at a time: what backward raised for more

    def key(self) -> tuple[Any, ...]:
        """Equal for equal guesses."""
        parts = self.parts()
        shapes = tuple(self.resolve(d) for s in parts for d in s.shape)
        kinds = tuple(s.kind for s in parts)
        return (self.picks, kinds, shapes, self.family, tuple(self.high()))

    def high(self) -> list[Dim]:
        """How many classes there are, for all labels."""
        return [self.resolve(s.value) for s in self.parts() if s.kind == "labels"]

    def parts(self) -> list[Slot]:
        """All slots, also those inside dicts."""
        return [p for s in self.slots for p in s.parts()]

    def resolve(self, dim: Dim) -> Dim:
        """The size with all names replaced that stand for something else."""
        if isinstance(dim, str):
            return self.resolve(self.bound[dim]) if dim in self.bound else dim
        if isinstance(dim, tuple):
            return (dim[0], tuple(self.resolve(d) for d in dim[1]))
        return dim

    def free(self) -> list[str]:
        """The names that stand for themselves, in the order of appearance."""
        return self._free

    @cached_property
    def _free(self) -> list[str]:
        names: dict[str, None] = {}
        for slot in self.parts():
            for dim in slot.shape:
                names.update(dict.fromkeys(_names(self.resolve(dim))))
        return list(names)

    def windows(self) -> bool:
        """Whether there are images, or windows to lay over something."""
        kinds = {p.kind for p in self.parts()}
        return bool(kinds & {"stride", "pad", "pool"}) or "spatial" in map(self.role, self.free())

    @cached_property
    def _roles(self) -> dict[Dim, str]:
        out: dict[Dim, str] = {}
        for name, role in self.roles.items():
            if role:
                out.setdefault(self.resolve(name), role)
        return out

    def role(self, name: str) -> str:
        """The first role of all names bound to this one."""
        return self._roles.get(name, "")

    def unify(self, a: Dim, b: Dim, cost: float) -> "Guess | None":
        """The guess in which both sizes are the same, or None if they cannot be."""
        a, b = self.resolve(a), self.resolve(b)
        if isinstance(a, str) and a not in _names(b):
            return replace(self, bound={**self.bound, a: b}, cost=self.cost + cost)
        if isinstance(b, str) and b not in _names(a):
            return replace(self, bound={**self.bound, b: a}, cost=self.cost + cost)
        return None

    def sizes(self, variant: int) -> dict[str, int]:
        """A number for every free name; variant 0 is the search's, others are small."""
        table = FAMILIES[self.family][variant]
        free = self.free()
        roles = {name: self.role(name) for name in free}
        kernels = sum(r == "kernel" for r in roles.values())
        pools = sum(p.kind == "pool" for p in self.parts())
        spatial = {0: table.plain, 1: table.square}.get(kernels + pools, table.spatial)
        grouped = any(p.kind == "groups" for p in self.parts())
        generic = table.images if "spatial" in roles.values() else table.generic
        lists = {
            "spatial": spatial, "kernel": table.kernel, "long": (7 + variant, 13),
            "short": (4 - variant % 3, 5),
            "channel": table.grouped if grouped else (),
        }  # fmt: skip
        if not generic:
            # From m to 2m - 1: no two add up to a third, none is a multiple of another.
            m = max(5, 2 + sum(not lists.get(r) for r in roles.values()))
            return _assign(roles, lists, range(m, 2 * m), apart=True)
        return _assign(roles, lists, generic)

    def evaluate(self, dim: Dim, sizes: Mapping[str, int]) -> int:
        """The number a size is."""
        dim = self.resolve(dim)
        if isinstance(dim, int):
            return dim
        if isinstance(dim, str):
            return sizes.get(dim, 97)  # more classes than there can be: the error says how many
        values = [self.evaluate(d, sizes) for d in dim[1]]
        return int(np.prod(values)) if dim[0] == "*" else sum(values)


def _assign(
    roles: dict[str, str], lists: dict[str, Any], generic: Sequence[int], apart: bool = False
) -> dict[str, int]:
    """Each name gets the next number of its role's list; `apart` from those of other roles."""
    used: dict[str, list[int]] = {}
    out: dict[str, int] = {}
    for name, role in roles.items():
        if lists.get(role) and lists[role] is not generic:
            taken = used.setdefault(role, [])
            out[name] = lists[role][len(taken) % len(lists[role])]
            taken.append(out[name])
    taken = list(out.values()) if apart else []
    for name in roles:
        if name not in out:
            out[name] = next((n for n in generic if n not in taken), 2)
            taken.append(out[name])
    return {name: out[name] for name in roles}


def _names(dim: Dim) -> list[str]:
    if isinstance(dim, str):
        return [dim]
    return [n for d in dim[1] for n in _names(d)] if isinstance(dim, tuple) else []


def draw(guess: Guess, slot: Slot, sizes: Mapping[str, int], variant: int, rng: Any) -> Any:
    """An argument for the slot."""
    table = FAMILIES[guess.family][variant]
    shape = tuple(guess.evaluate(d, sizes) for d in slot.shape)
    kind = slot.kind
    if kind == "const":
        return slot.value
    if kind == "layers":
        return slot.value()
    if kind == "size":
        return shape[0]
    if kind == "sizes":
        return slot.value(shape)
    if kind == "dict":
        return {key: draw(guess, s, sizes, variant, rng) for key, s in slot.items}
    if kind in ("stride", "pad", "groups"):
        return getattr(table, kind) if slot.value is None else slot.value(getattr(table, kind))
    if kind == "pool":
        pools = [p for p in guess.parts() if p.kind == "pool"]
        at = next(i for i, p in enumerate(pools) if p is slot)
        return table.kernel[at % 2] if slot.value is None else slot.value(table.kernel[:2])
    return _array(kind, shape, slot, guess, sizes, rng)


def _array(kind: str, shape: Any, slot: Slot, guess: Guess, sizes: Any, rng: Any) -> Any:
    if kind == "normal":
        return np.asarray(rng.standard_normal(shape))
    if kind == "positive":
        return rng.uniform(0.5, 2.0, shape)
    if kind == "prob":
        return rng.uniform(0.1, 0.9, shape)
    if kind == "onehot":
        hot = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        return hot.T if slot.value == "columns" and hot.ndim == 2 else hot
    high = 2 if kind in ("binary", "mask") else guess.evaluate(slot.value, sizes)
    whole = rng.integers(0, max(high, 1), shape)
    if whole.size > 1 and high > 1:
        whole.flat[:2] = 0, high - 1  # both occur
    return whole.astype(float) if kind in ("mask", "binary") else whole
