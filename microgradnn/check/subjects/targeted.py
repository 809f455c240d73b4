"""How a backward function of a whole net is called that is given the targets."""

from collections.abc import Callable, Iterator
from typing import Any

from ..subject import Arguments
from ..words import is_cache, is_data, is_label, is_output, is_rate
from .calling import Pair, Reading, Role
from .labelled import is_array, last_output, targets


def with_targets(forward: Any, backward: Any, args: Arguments) -> Iterator[tuple[Reading, Any]]:
    """The ways in which backward may take targets, and the targets in the output's shape."""
    sample = forward(*args.filled([], []))
    pair = Pair.of(forward, backward, args, sample)
    label = _label(pair)
    out = last_output(sample, pair.results) if label else None
    for given, full in targets(out) if is_array(out) else ():
        roles = [("value", given) if w == label else _known(pair, w) for w in pair.takes]
        known = [role for role in roles if role is not None]
        if len(known) == len(roles):
            yield _reading(pair, known), full


def _reading(pair: Pair, roles: list[Role]) -> Reading:
    """Backward gets what the roles say, and no cotangent."""

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = pair.forward(*given)
        results = list(result) if pair.count > 1 else [result]

        def pull(*douts: Any) -> Any:
            return pair.backward(*pair.filled(roles, given, results, {}), **pair.same(given))

        return [last_output(result, pair.results)], pull

    return Reading(run)


def _label(pair: Pair) -> str | None:
    """The argument of backward that is what the net should have given, if one is."""
    kept = {w.lower() for w in (*pair.own, *pair.results)}
    words = [w for w in pair.takes if is_label(w) and w.lower() not in kept]
    return words[0] if len(words) == 1 and len(pair.takes) > 1 else None


def _known(pair: Pair, word: str) -> Role | None:
    """What an argument of backward is, by its name alone; the case does not count."""
    own = {w.lower(): w for w in pair.own}
    results = {w.lower(): k for k, w in enumerate(pair.results) if w}
    if word in pair.own or word.lower() in own and word.lower() not in results:
        return ("arg", word if word in pair.own else own[word.lower()])
    if word.lower() in results:
        return ("result", results[word.lower()])
    if is_cache(word) or is_output(word):
        return ("result", pair.count - 1 if is_cache(word) else 0)
    if is_rate(word):
        return ("value", 1.0)
    return ("place", 0) if is_data(word) else None
