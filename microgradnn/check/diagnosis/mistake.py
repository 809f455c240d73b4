"""What a named mistake is: a sentence, why it is that, how to mend it, and what it would give."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..subject import quiet
from .probe import Probe

# From a point to pairs (particulars, gradient number k that the mistake would give there). The
# particulars (which axis, which other input) are words that are put into the name; they must be
# the same at all points.
Guesses = Callable[[Probe, int], Iterator[tuple[str, Any]]]


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make in backward passes.

    name     what the user is told; {0} are the particulars
    why      one sentence; fix: what to write instead
    rank     of two that explain the same, the one of lower rank is told
    """

    key: str
    name: str
    why: str
    fix: str
    rank: int
    guesses: Guesses


CATALOGUE: list[Mistake] = []


def mistake(
    key: str, name: str, why: str, fix: str, rank: int = 5
) -> Callable[[Guesses], Guesses]:  # fmt: skip
    """Enters a function that makes guesses in the catalogue, as the mistake of this name."""

    def enter(guesses: Guesses) -> Guesses:
        CATALOGUE.append(Mistake(key, name, why, fix, rank, guesses))
        return guesses

    return enter


@dataclass(frozen=True)
class Named:
    """A mistake that fits at all points: of which inputs' gradients, and the particulars."""

    mistake: Mistake
    about: str
    line: Any = None
    besides: str = ""  # a second mistake

    @property
    def key(self) -> Any:
        """What is the same of two that are one mistake; swapped gradients are."""
        about = "" if self.mistake.key == "swapped" else self.about
        return (self.mistake.key, about, self.besides)

    @property
    def text(self) -> str:
        """What the user is told."""
        text = self.mistake.name.format(self.about)
        return f"{text}; besides, {self.besides}" if self.besides else text

    @property
    def why(self) -> str:
        """What shows it."""
        return self.mistake.why.format(self.about)

    @property
    def fix(self) -> str:
        """What to write instead."""
        return self.mistake.fix.format(self.about)


def fitting(found: Sequence[Probe], k: int, entries: Sequence[Mistake]) -> list[Named]:
    """The mistakes that give the user's gradient number k at every point."""
    out = []
    for entry in entries:
        left: list[str] | None = None
        for probe in found:
            now = [about for about, guess in _tried(entry, probe, k) if probe.fits(guess, k)]
            left = [about for about in now if left is None or about in left]
            if not left:
                break
        out += [Named(entry, about) for about in dict.fromkeys(left or ())]
    return out


def fitting_with_factor(
    found: Sequence[Probe], k: int, entries: Sequence[Mistake], also: Callable[..., str]
) -> list[Named]:
    """The mistakes that give it but for a factor: two mistakes at once, the second in words.

    `also` says what a list of factors, one for each point, is; "" for nothing known.
    """
    out = []
    for entry in entries:
        factors: dict[str, list[float]] = {}
        for i, probe in enumerate(found):
            for about, guess in _tried(entry, probe, k):
                c = probe.scale(guess, k)
                if c is not None and len(factors.get(about, ())) == i:
                    factors.setdefault(about, []).append(c)
        for about, cs in factors.items():
            words = also(found, cs) if len(cs) == len(found) else ""
            out += [Named(entry, about, besides=words)] if words else []
    return out


def _tried(entry: Mistake, probe: Probe, k: int) -> list[tuple[str, Any]]:
    try:
        with quiet():
            return list(entry.guesses(probe, k))
    except (ValueError, IndexError, ZeroDivisionError):  # shapes on which it makes no sense
        return []
