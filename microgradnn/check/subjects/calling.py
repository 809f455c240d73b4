"""How the two functions of a pair are called, read from their signatures and one forward run."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..source import all_parameters, positional, required, returned_names
from ..subject import Arguments
from ..words import is_cache, is_cotangent, is_data, is_output, names_gradient
from .local import times

Role = tuple[str, Any]  # ("dout", k), ("result", i), ("arg", name), ("place", i), ("value", x)


@dataclass(frozen=True)
class Reading:
    """One way to call a pair.

    run     of forward's arguments: its outputs, and what makes gradients of their cotangents
    said    how backward is understood, where other ways are possible
    scaled  whether it is that of a loss: backward takes no cotangent
    """

    run: Callable[[list[Any]], tuple[list[Any], Callable[..., Any]]]
    said: str = ""
    scaled: bool = False  # a loss: backward takes no cotangent


def readings(forward: Any, backward: Any, args: Arguments, cache: bool = True) -> list[Reading]:
    """The ways in which forward and backward may be meant to be called, likeliest first.

    The results of forward are its outputs and, if `cache`, behind them what backward needs. An
    argument of backward is a cotangent, something that forward returned, or an argument of forward
    by its name or place. Raises whatever forward raises.
    """
    sample = forward(*args.filled([], []))
    pair = Pair.of(forward, backward, args, sample)
    takes = pair.takes
    if not takes:
        return [pair.reading([], 1 if cache and pair.count > 1 else 0)]
    if pair.count > 1 and cache and (found := pair.of_loss(sample)):
        return found
    if pair.count > 1 and cache:
        return [
            reading
            for kept in pair.kept()
            for reading in (
                [pair.reading(pair.with_cache(kept), 0)] if kept else pair.without_cache()
            )
        ]
    if pair.count == 1 and (found := pair.derivatives()):
        return found
    return pair.without_cache()


@dataclass(frozen=True)
class Pair:
    """What is known of the two functions: own are forward's parameters, takes backward's."""

    forward: Any
    backward: Any
    own: list[str]
    takes: list[str]
    optional: list[str]
    results: list[str]
    count: int
    given: int
    hyper: Mapping[str, Any]
    defaults: Mapping[str, Any]
    scalar: bool = False  # the one result is a single number

    @classmethod
    def of(cls, forward: Any, backward: Any, args: Arguments, sample: Any) -> "Pair":
        inner = forward.func if isinstance(forward, partial) else forward
        hyper = forward.keywords if isinstance(forward, partial) else {}
        count = len(sample) if isinstance(sample, tuple) and len(sample) > 1 else 1
        names = [word or "" for word in returned_names(inner)]
        takes = required(backward)
        optional = [word for word in all_parameters(backward) if word not in takes]
        results = names if len(names) == count else [""] * count
        return cls(
            forward, backward, all_parameters(inner), takes, optional, results, count,
            len(args.args), hyper, {p.name: p.default for p in positional(inner)},
            count == 1 and isinstance(sample, (float, np.ndarray)) and np.ndim(sample) == 0,
        )  # fmt: skip

    def of_loss(self, sample: Any) -> list[Reading]:
        """Backward gets nothing but what forward returned, beside a loss: no cotangent."""
        losses = [k for k, x in enumerate(sample) if isinstance(x, float)]
        roles: list[Role] = []
        for word in self.takes:
            if word in self.results and self.results.index(word) not in losses:
                roles.append(("result", self.results.index(word)))
            elif word in self.own:
                roles.append(("arg", word))
            elif is_cache(word):
                roles.append(("result", self.count - 1))
        kept = any(kind == "result" for kind, _ in roles)
        if len(losses) != 1 or len(roles) < len(self.takes) or not kept:
            return []
        k = losses[0]

        def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
            results = list(self.forward(*given))

            def pull(dout: Any) -> Any:
                return self.backward(*self.filled(roles, given, results, {}), **self.same(given))

            return [results[k]], pull

        return [Reading(run, "a loss's, without a cotangent", scaled=True)]

    # ---- what each argument of backward is -------------------------------------------------------

    def first(self) -> int:
        """The place of the first cotangent: 0, unless forward's arguments or a cache come first."""
        known = [word in self.own or is_cache(word) or is_data(word) for word in self.takes]
        if not known[0] or all(known):
            return 0
        later = [i for i, word in enumerate(self.takes) if not known[i]]
        named = [i for i in later if is_cotangent(self.takes[i])]
        return named[0] if named else later[-1]

    def kept(self) -> list[list[int]]:
        """Places of what forward kept for backward, likeliest first; [] for nothing of the kind."""
        first = self.first()
        others = [i for i in range(len(self.takes)) if i != first]
        rest = [i for i in others if self.takes[i] not in self.own]
        named = [i for i in rest if is_cache(self.takes[i])]
        unknown = [i for i in rest if not is_cotangent(self.takes[i])]
        if len(named) == 1 and len(rest) < self.count:
            return [named]
        if unknown:
            return [unknown]
        if rest:  # all called like cotangents: one for each result, or the last is no cotangent
            return [[]] if len(rest) + 1 == self.count < len(self.takes) else [rest[-1:]]
        return [others, []] if len(others) == 1 else [[], others[-1:], others[:1]]

    def with_cache(self, kept: list[int]) -> list[Role]:
        """The roles where what is at these places was returned by forward."""
        names = [self.takes[i] for i in kept]
        at = list(range(self.count - len(kept), self.count))
        if all(n in self.results for n in names):
            # The last of that name: forward returns (x - mean) / std, std.
            at = [self.count - 1 - self.results[::-1].index(n) for n in names]
        source = dict(zip(kept, (max(k, 0) for k in at), strict=True))
        free = [k for k in range(self.count) if k not in at] or [0]
        first = self.first()
        douts = [
            i for i, word in enumerate(self.takes)
            if i not in source and (i == first or word not in self.own)
        ][: len(free)]  # fmt: skip
        which = self._outputs([self.takes[i] for i in douts], free)
        cotangents = dict(zip(douts, which, strict=False))
        roles: list[Role] = []
        for i, word in enumerate(self.takes):
            if i in source:
                roles.append(("result", source[i]))
            else:
                roles.append(("dout", cotangents[i]) if i in cotangents else ("arg", word))
        return roles

    def _outputs(self, words: list[str], free: list[int]) -> list[int]:
        """Which results the cotangents of these names belong to: by name if names tell."""
        if len(free) > len(words):
            hits = [[k for k in free if self.results[k] and names_gradient(w, self.results[k])]
                    for w in words]  # fmt: skip
            if all(hits):
                return [h[0] for h in hits]
        return free[: len(words)]

    def derivatives(self) -> list[Reading]:
        """The readings of a backward that takes no cotangent: f'(x), or f' of the output."""
        word, *more = self.takes
        of_input = word in self.own and len(self.takes) <= self.given
        of_input &= all(w in self.own for w in more)
        if not of_input and (more or self.given != 1 or is_cotangent(word)):
            return []
        inputs: list[Role] = [
            ("arg", w) if w in self.own else ("place", i) for i, w in enumerate(self.takes)
        ]
        found = [self.local(inputs, "the derivative at the input")]
        if not more:
            found.append(self.local([("result", 0)], "the derivative in terms of the output"))
        return found[::-1] if is_output(word) and not of_input else found

    def without_cache(self) -> list[Reading]:
        """The readings of backward(dout, *args), (*args, dout) and (dout, out)."""
        first = self.first()
        free = [i for i, word in enumerate(self.takes) if word not in self.own]
        douts = free[: self.count] if self.count > 1 and free else [first]
        roles: list[Role] = []
        unsure = None
        for i, word in enumerate(self.takes):
            place = len([r for r in roles if r[0] != "dout"])
            if i in douts:
                roles.append(("dout", douts.index(i)))
            elif word in self.own:
                roles.append(("arg", word))
            elif word in self.results:
                roles.append(("result", self.results.index(word)))
            else:
                unsure = i if len(self.takes) == 2 else None
                roles.append(("place", place))
        if unsure is None:
            return [self.reading(roles, 0), *self._of_output(roles)]
        output = [*roles]
        output[unsure] = ("result", 0)
        word = self.takes[unsure]
        found = [
            self.reading(roles, 0, f"{word} is the input"),
            self.reading(output, 0, f"{word} is the output"),
        ]
        found = found[::-1] if self.given != 1 or is_output(word) else found
        return found + self._turned(unsure) if self.given == 1 else found

    def _of_output(self, roles: list[Role]) -> list[Reading]:
        """The reading in which what is called like the only input is the output."""
        own = [k for k, (kind, _) in enumerate(roles) if kind == "arg"]
        if self.given != 1 or self.count != 1 or len(own) != 1 or len(roles) != 2:
            return []
        other = [*roles]
        other[own[0]] = ("result", 0)
        return [self.reading(other, 0, f"{self.takes[own[0]]} is the output")]

    def _turned(self, dout: int) -> list[Reading]:
        """The readings in which this one of two arguments is the cotangent."""
        said = f"{self.takes[dout]} is the cotangent"
        return [
            self.reading([x, ("dout", 0)] if dout else [("dout", 0), x], 0, f"{said}, {more}")
            for x, more in ((("place", 0), "after the input"), (("result", 0), "after the output"))
        ]

    # ---- calls -----------------------------------------------------------------------------------

    def said(self, given: Sequence[Any]) -> dict[str, Any]:
        """The arguments that forward is given, by their names."""
        return {**self.hyper, **dict(zip(self.own, given, strict=False))}

    def same(self, given: Sequence[Any]) -> dict[str, Any]:
        """Arguments with defaults that both functions have: both get the same values."""
        return {word: x for word, x in self.said(given).items() if word in self.optional}

    def reading(self, roles: list[Role], kept: int, said: str = "") -> Reading:
        """Backward gets what the roles say; without roles all cotangents and then the rest."""
        which = [x for kind, x in roles if kind == "dout"] or list(range(self.count - kept))

        def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
            result = self.forward(*given)
            results = list(result) if self.count > 1 else [result]

            def pull(*douts: Any) -> Any:
                if not roles:
                    return self.backward(*douts, *(results[-kept:] if kept else given))
                known = dict(zip(which, douts, strict=False))
                return self.backward(*self.filled(roles, given, results, known), **self.same(given))

            return [results[k] for k in which], pull

        return Reading(run, said)

    def filled(self, roles: list[Role], given: Any, results: Any, douts: Any) -> list[Any]:
        """The positional arguments of backward."""
        sources = {"dout": douts, "result": results, "place": given}
        sources["arg"] = {**self.defaults, **self.said(given)}
        return [copy.deepcopy(x) if kind == "value" else sources[kind][x] for kind, x in roles]

    def local(self, roles: list[Role], said: str) -> Reading:
        """Backward returns derivatives, which the cotangent is multiplied with."""

        def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
            result = self.forward(*given)

            def pull(dout: Any) -> Any:
                slopes = self.backward(*self.filled(roles, given, [result], {}), **self.same(given))
                parts = slopes if isinstance(slopes, tuple) else (slopes,)
                like = given + [None] * len(parts)
                grads = tuple(map(times, [dout] * len(parts), parts, like))
                return grads if isinstance(slopes, tuple) else grads[0]

            return [result], pull

        return Reading(run, said, scaled=self.scalar)
