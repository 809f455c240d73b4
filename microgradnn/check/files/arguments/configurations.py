"""Configurations beside the guessed one: a batch of one, other values, labels, dtypes, shapes.

Each is the guess with one thing changed. What the forward does not take is told, and nothing else;
where it runs, the backward has to be right.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...source import text
from ...stages.penalty import STRENGTH
from ...subject import Variation
from ...verbs import is_criterion
from ...words import is_parameter
from ..preparing import built
from .context import kind_of
from .drawn import Draw, Drawn, Made, repaired, single, told
from .search import Search
from .shapes import EQUAL, FAMILIES, FLOATS, WINDOWS, Dim, Guess, Slot
from .silent import quiet


def configurations(
    search: Search, guess: Guess, variant: int, code: Sequence[Callable[..., Any]]
) -> list[tuple[Variation, Draw]]:
    """All configurations of a guess that runs with this table of sizes; `code` is what it is of."""
    around = _Around(search, guess, variant, code)
    return [
        *around.sizes(), *around.windows(), *around.values(), *around.flags(), *around.labels(),
        *around.dtypes(), *around.axes(), *around.broadcasting(), *around.penalties(),
    ]  # fmt: skip


# Settings that say what is returned or shown, and not what is computed.
_SHOWN = re.compile(
    r"return_.*|.*cache.*|verbose|debug|inplace|copy|print.*|log.*|plot.*|dtype|seed"
)
_AXIS = re.compile(r"axis|axes|dim")
_PENALTY = re.compile(r".*(reg|decay|penalty|lambda|lambd|l1|l2).*")  # of layers: not in the output
_PARAMETERS = ("scale", "bias", "weights", "number")
# What code for any number of axes has in it, and what may have been written for two.
_ANY_RANK = re.compile(
    r"reshape\(\s*\(?-1,(?!\s*1\b)|ndim *(-|>|== *[3-9])|[\[(](\.\.\.|\*),|"
    r"range\(len\(\w+(\.\w+)*shape"
)
_LAST_AXIS = re.compile(r"(axis\s*=\s*|mean\(|sum\(|max\()-1|axis=\(?0, 1")


class _Around:
    def __init__(self, search: Search, guess: Guess, variant: int, code: Any) -> None:
        self.search, self.guess, self.variant = search, guess, variant
        self.inits, self.slots = search.inits, guess.slots
        self.method = search.found.cls is not None
        self.plain = guess.sizes(variant)
        given = range(self.inits, len(self.slots))
        shaped = [i for i in given if self.slots[i].kind in FLOATS and self.slots[i].shape]
        self.data = min(shaped, key=self.parameter) if shaped else -1
        self.shape = [guess.resolve(d) for d in self.slots[self.data].shape] if shaped else []
        self.text = "\n".join(map(text, code))
        back = search.found.backward
        self.back = text(back) if back is not None else ""

    # ---- sizes -----------------------------------------------------------------------------------

    def sizes(self) -> Iterator[tuple[Variation, Draw]]:
        """Sizes of one, all sizes equal, and more than 1000 numbers."""
        names = [d for d in self.shape if isinstance(d, str) and not self.guess.role(d)]
        for name in dict.fromkeys(names[: 1 if len(self.shape) == 4 else 3]):
            yield self.sized({name: 1})
        plain = [n for n in self.guess.free() if not self.guess.role(n)]
        if len(plain) > 1:
            yield self.sized(dict.fromkeys(plain, 3), "equal")
        if names:
            rest = np.prod(
                [self.guess.evaluate(d, {**self.plain, names[0]: 1}) for d in self.shape]
            )
            yield self.sized({names[0]: 1024 // int(rest) + 1})

    def sized(self, other: Mapping[str, int], kind: str = "sizes") -> tuple[Variation, Draw]:
        """The configuration with these sizes."""
        sizes = {**self.plain, **other}
        shape = tuple(self.guess.evaluate(d, sizes) for d in self.shape)
        label = f"{self.search.names[self.data]} of shape {shape}"
        return Variation(label, kind), Drawn(self.search, self.guess, self.variant, sizes)

    def windows(self) -> Iterator[tuple[Variation, Draw]]:
        """Other windows: with a remainder, without padding, with other strides."""
        if not self.guess.windows():
            return
        for variant in range(1, len(FAMILIES[WINDOWS])):
            guess = replace(self.guess, family=WINDOWS)
            made = Drawn(self.search, guess, variant)
            label = told(self.search, guess, variant)
            yield Variation(label, "equal" if variant == EQUAL else "sizes"), made

    # ---- values ----------------------------------------------------------------------------------

    def values(self) -> Iterator[tuple[Variation, Draw]]:
        """The default and another value of every setting."""
        for i, slot in enumerate(self.slots):
            name, default = self.search.names[i], self.search.defaults[i]
            for value in self.others(name, slot, default):
                yield from self.valued(name, value, i, Slot("const", value=value))
            for k, (key, item) in enumerate(slot.items):
                given = self.search.hints.keys.get(name, {}).get(key)
                for value in self.others(key, item, given):
                    changed = (key, Slot("const", value=value))
                    items = (*slot.items[:k], changed, *slot.items[k + 1 :])
                    yield from self.valued(key, value, i, replace(slot, items=items))

    def valued(self, name: str, value: Any, i: int, slot: Slot) -> Iterator[tuple[Variation, Draw]]:
        """The configuration with this slot in the i-th place."""
        slots = (*self.slots[:i], slot, *self.slots[i + 1 :])
        guess = repaired(self.search, replace(self.guess, slots=slots), self.variant)
        flag = kind_of(name) == "train" or (
            isinstance(value, bool) and self.method and i >= self.inits
        )
        meant = value is self.search.defaults[i]  # what anybody gets who does not ask for it
        sure = (
            not flag or meant or re.search(rf"train|mode|eval|test|{name}", self.back) is not None
        )
        setting = Variation(f"{name}={value!r}", "flags" if flag else "values", name, sure)
        yield setting, Drawn(self.search, guess, self.variant)

    def others(self, name: str, slot: Slot, default: Any) -> list[Any]:
        """Other values than the guessed one that a setting may have."""
        given = default if isinstance(default, (bool, int, float, str)) else None
        static = slot.kind in ("const", "stride", "pad", "pool", "groups")
        penalty = self.search.found.style == "layer" and _PENALTY.fullmatch(name.lower())
        nothing = slot.value is None and given is None
        if not static or penalty or nothing or _SHOWN.fullmatch(name.lower()):
            return []
        if slot.kind != "const" or given is not None and slot.value != given:
            return [given] if given is not None else []
        return _beside(name, slot.value, self.search.hints.literals.get(name, []))

    def penalties(self) -> Iterator[tuple[Variation, Draw]]:
        """A strength for every penalty of a layer that has none, one at a time."""
        for i, slot in enumerate(self.slots[: self.inits]):
            name = self.search.names[i]
            if slot == Slot("const", value=0) and _PENALTY.fullmatch(name.lower()):
                slots = (*self.slots[:i], Slot("const", value=STRENGTH), *self.slots[i + 1 :])
                made = Drawn(self.search, replace(self.guess, slots=slots), self.variant)
                yield Variation(f"{name}={STRENGTH}", "penalty", name), made

    def flags(self) -> Iterator[tuple[Variation, Draw]]:
        """The other state of an object that is told by an attribute whether it is trained."""
        if self.search.found.cls is None:
            return
        try:
            with quiet():
                init = Drawn(self.search, self.guess, self.variant)(np.random.default_rng(0)).init
                known = vars(built(self.search.found.cls, self.search.found.forward, init))
        except Exception:  # whatever the user's code raises
            return
        for name in known.keys() - {*self.search.names}:
            if isinstance(known[name], bool) and kind_of(name) == "train":
                other = {name: not known[name]}
                setting = Variation(f"{name}={other[name]}", "flags", name, name in self.back)
                yield setting, self.changed(partial(replace, attributes=other))

    # ---- numbers ---------------------------------------------------------------------------------

    def labels(self) -> Iterator[tuple[Variation, Draw]]:
        """Labels that are all the lowest or the highest, and those that the code asks for."""
        for i in range(self.inits, len(self.slots)):
            slot, name = self.slots[i], self.search.names[i]
            if slot.kind not in ("labels", "binary", "mask", "onehot"):
                continue
            for which, word in ((0, "lowest"), (-1, "highest")):
                setting = Variation(f"{name} all the {word}", "labels", name)
                yield setting, self.changed(partial(_alike, i - self.inits, which))
            for number in self.search.hints.numbers.get(name, ()) if slot.kind == "labels" else ():
                setting = Variation(f"{number} in {name}", "labels", name)
                yield setting, self.changed(partial(_with_first, i - self.inits, number))

    def changed(self, change: Callable[[Made], Made]) -> Draw:
        """Draws as ever, and changes it."""
        return Drawn(self.search, self.guess, self.variant, None, change)

    def dtypes(self) -> Iterator[tuple[Variation, Draw]]:
        """All in float32."""
        yield Variation("float32", "dtype"), self.changed(_single)

    # ---- shapes ----------------------------------------------------------------------------------

    def axes(self) -> Iterator[tuple[Variation, Draw]]:
        """One axis more behind the batch, or a batch where there is none."""
        if len(self.shape) not in (1, 2) or not isinstance(self.shape[0], str):
            return
        batch, name = self.shape[0], self.search.names[self.data]
        slots = list(self.slots)
        for i in range(self.inits, len(slots)):
            here = [self.guess.resolve(d) for d in slots[i].shape]
            first = here[:1] == [batch] and not self.parameter(i)
            if first and slots[i].kind in (*FLOATS, "labels", "binary", "mask", "onehot"):
                more: tuple[Dim, ...] = (2, batch) if len(self.shape) == 1 else (batch, 2)
                slots[i] = replace(slots[i], shape=(*more, *slots[i].shape[1:]))
        text = self.text + self.search.hints.text
        sure = _ANY_RANK.search(text) is not None and len(self.shape) == 2
        if self.loss() and not sure:
            return
        likely = _LAST_AXIS.search(text) is not None
        setting = Variation(f"{name} with {len(self.shape) + 1} axes", "axes", name, sure, likely)
        yield setting, Drawn(self.search, replace(self.guess, slots=tuple(slots)), self.variant)

    def loss(self) -> bool:
        """Whether it compares data with targets."""
        names = self.search.names[self.inits :]
        targets = [
            slot.kind in ("labels", "onehot", "binary")
            or slot.shape
            and kind_of(name) == "labels"
            and not (name == "y" and "x" in names)
            for name, slot in zip(names, self.slots[self.inits :], strict=True)
        ]
        found = self.search.found
        return found.style in ("loss", "net") or is_criterion(found.name) or any(targets)

    def parameter(self, i: int) -> bool:
        """Whether an argument is called like a parameter."""
        name = self.search.names[i]
        return is_parameter(name) or kind_of(name) in _PARAMETERS

    def broadcasting(self) -> Iterator[tuple[Variation, Draw]]:
        """Arguments of the shape of the data with axes of one, or less axes."""
        alike = [
            i for i in range(self.inits, len(self.slots))
            if self.slots[i].kind in FLOATS and self.shape
            and [self.guess.resolve(d) for d in self.slots[i].shape] == self.shape
        ]  # fmt: skip
        if len(alike) < 2 or len(self.shape) > 2 or self.loss():
            return
        for i in alike:
            for shape in _narrower(self.shape):
                slots = (*self.slots[:i], replace(self.slots[i], shape=shape), *self.slots[i + 1 :])
                name, numbers = (
                    self.search.names[i],
                    [self.guess.evaluate(d, self.plain) for d in shape],
                )
                label = (
                    f"{name} of shape ({', '.join(map(str, numbers))}{',' * (len(numbers) == 1)})"
                )
                sure = kind_of(name) in ("scale", "bias", "number") and not (
                    name in "ab" and {"a", "b"} <= {*self.search.names}
                )
                setting = Variation(label, "broadcast", name, sure)
                yield setting, Drawn(self.search, replace(self.guess, slots=slots), self.variant)


def _narrower(shape: Sequence[Dim]) -> list[tuple[Dim, ...]]:
    """The shapes that broadcast to this one."""
    if len(shape) == 1:
        return [(), (1,)]
    first, last = shape
    return [(last,), (1, last), (first, 1), ()]


def _beside(name: str, value: Any, words: Sequence[Any]) -> list[Any]:
    """Values beside this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return [w for w in dict.fromkeys(words) if w != value][:3]
    if isinstance(value, int):
        return (
            [int(value in (1, -1)) ^ 1 if value in (0, 1) else 0]
            if _AXIS.fullmatch(name)
            else [value + 1]
        )
    return [0.7 * value or 0.3] if isinstance(value, float) else []


def _alike(k: int, which: int, made: Made) -> Made:
    """The k-th argument all as the first (0) or the last (-1) of the labels that occur."""
    labels = made.args[k]
    if labels.dtype.kind == "f" and labels.ndim == 2 and (labels.sum(axis=-1) == 1).all():
        new = np.eye(labels.shape[-1])[np.full(len(labels), which)]
    else:
        new = np.full_like(labels, labels.max() if which else labels.min())
    return replace(made, args=(*made.args[:k], new, *made.args[k + 1 :]))


def _with_first(k: int, number: int, made: Made) -> Made:
    """The k-th argument with this label in the first place."""
    new = made.args[k].copy()
    new.flat[:1] = number
    return replace(made, args=(*made.args[:k], new, *made.args[k + 1 :]))


def _single(made: Made) -> Made:
    args, init = (tuple(map(single, given)) for given in (made.args, made.init))
    return replace(made, args=args, init=init)
