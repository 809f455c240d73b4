"""Which of the things that backward returned is the gradient of which input."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..subject import Arguments, chosen
from ..words import gradients_among, is_constant, is_parameter


class Reader:
    """Which gradient belongs to which input, found once from what a backward pass returned."""

    def __init__(
        self, args: Arguments, raw: Any, called: list[str | None], wrt: Any, free: bool = False
    ) -> None:
        self.args, self.called, self.extra, self.free, self.order = args, called, "", free, ""
        names, top = args.leaf_names, args.top()
        wanted = chosen(wrt, names, "check")
        if isinstance(raw, Mapping):
            pairs = self._of_dict(raw, wanted)
        else:
            parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
            pairs = self._of_parts(parts, wanted)
        pairs.sort(key=lambda pair: pair[0] if wanted is None else wanted.index(pair[0]))
        self.wrt = [i for i, _ in pairs]
        self.keys = [key for _, key in pairs]
        self.spare = self._spare(raw) if wanted is None else 0
        bound = set(self.wrt)
        needed = wanted if wanted is not None else [i for i in top if is_parameter(names[i])]
        self.missing = tuple(names[i] for i in needed if i not in bound)

    def _spare(self, raw: Any) -> int:
        """How many of the gradients belong to no array."""
        parts = raw if isinstance(raw, (tuple, list)) else ()
        left = [p for k, p in enumerate(parts) if p is not None and k not in self.keys]
        return sum(not isinstance(p, Mapping) for p in left)

    def _of_dict(self, raw: Mapping[str, Any], wanted: Any) -> list[tuple[int, Any]]:
        found = gradients_among([k for k in raw if isinstance(k, str)], self.args.leaf_names, True)
        pairs = [
            (i, found[name])
            for i, name in enumerate(self.args.leaf_names)
            if name in found and (wanted is None or i in wanted)
        ]
        if not pairs and wanted is not None and len(wanted) == len(raw):
            return list(zip(wanted, raw, strict=True))  # in the order they come in
        return pairs

    def _of_parts(self, parts: list[Any], wanted: Any) -> list[tuple[int, Any]]:
        n, top = len(parts), self.args.top()
        if wanted is not None and n == len(wanted):
            return list(zip(wanted, range(n), strict=True))
        if n < len(top):
            top = [i for i in top if not self._is_label(i)]
        order = self._by_count(n, top)
        if order is None:
            order = self._by_hints(parts, top)
        elif not self._fits(parts, order):
            order = (self._otherwise(parts, top) if self.free or n < len(top) else None) or order
        pairs = [(i, k) for k, i in enumerate(order) if i is not None]
        pairs += self._inside(parts)
        return [(i, k) for i, k in pairs if wanted is None or i in wanted]

    def _by_count(self, n: int, top: list[int]) -> list[int | None] | None:
        """The first of the usual orders that has n places; None if none has."""
        names, at = self.args.leaf_names, {self.args.paths[i][0]: i for i in top}
        orders: list[list[int | None]] = [
            [*top],
            [at.get(k) for k in range(len(self.args.args))],
            [i for i in top if not is_constant(names[i])],
            [*range(len(names))],
        ]
        return next((order for order in orders if len(order) == n), None)

    def _by_hints(self, parts: list[Any], top: list[int]) -> list[int | None]:
        """An order by the names of the returned variables, else by shapes, else as they come."""
        names, n = self.args.leaf_names, len(parts)
        order = self._by_words() if len(self.called) == n else None
        if order is None and n < len(names):
            order = self._by_shapes(parts, top) or self._by_shapes(parts, list(range(len(names))))
        if order is None and n >= len(top):
            self.extra = f"{n} gradients for {len(top)} arrays ({', '.join(names)})"
        return order or [*(top + [None] * n)[:n]]

    def _is_label(self, i: int) -> bool:
        """Whether an array of zeros and ones is called like a target."""
        array = self.args.arrays[i]
        return is_constant(self.args.leaf_names[i]) and bool(np.isin(array, (0.0, 1.0)).all())

    def _fits(self, parts: list[Any], order: list[int | None]) -> bool:
        places = zip(parts, order, strict=True)
        return all(i is not None and self.args.arrays[i].shape == np.shape(p) for p, i in places)

    def _otherwise(self, parts: list[Any], top: list[int]) -> list[int | None] | None:
        """An order that fits, where the usual one does not: by names, else one by shapes."""
        if len(parts) < len(top):
            return self._by_shapes(parts, top)
        named = self._by_words() if len(self.called) == len(parts) else None
        shapes = {self.args.arrays[i].shape: i for i in top}
        turned = [shapes.get(np.shape(part)) for part in parts]
        for order in (named, turned):
            if order is not None and None not in order and self._fits(parts, order):
                if len(set(order)) == len(parts):
                    self.order = ", ".join(self.args.leaf_names[i] for i in order if i is not None)
                    return order
        return None

    def _by_shapes(self, parts: list[Any], places: list[int]) -> list[int | None] | None:
        """Arrays in order whose shapes are those of the parts; None if there are none."""
        rest, order = iter(places), []
        for part in parts:
            fit = (i for i in rest if self.args.arrays[i].shape == np.shape(part))
            order.append(next(fit, None))
        return None if None in order else order

    def _by_words(self) -> list[int | None] | None:
        """The places of the inputs whose gradients the returned variables are called after."""
        names = self.args.leaf_names
        found = gradients_among([w for w in self.called if w], names)
        places = {word: names.index(name) for name, word in found.items()}
        order = [places.get(word or "") for word in self.called]
        return None if None in order else order

    def _inside(self, parts: list[Any]) -> list[tuple[int, Any]]:
        """Gradients in a dict among the parts: of what is inside a dict argument."""
        nested = {
            name: i for i, name in enumerate(self.args.leaf_names) if len(self.args.paths[i]) > 1
        }
        out = []
        for k, part in enumerate(parts):
            words = [w for w in part if isinstance(w, str)] if isinstance(part, Mapping) else []
            found = gradients_among(words, nested, bare=True)
            out += [(nested[name], (k, key)) for name, key in found.items()]
        return out

    def __call__(self, raw: Any) -> list[Any]:
        """The gradients in the order of self.wrt."""
        if isinstance(raw, Mapping):
            return [raw.get(k) for k in self.keys]
        parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
        return [
            parts[k[0]].get(k[1]) if isinstance(k, tuple) else parts[k] if k < len(parts) else None
            for k in self.keys
        ]
