"""A part that calls another of the same exercise: whose mistake is it?"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .exercise import Told

Function = Callable[..., Any]


def with_right(
    uses: Mapping[str, Function], function: Function, grade: Callable[[Function], Told], said: Told
) -> Told:
    """What to say of a function of which `said` was said, and which may call those in uses.

    It is graded again with the right functions in their places. If it is right then, the mistake is
    in what it calls; if something else is wrong with it then, that is its own mistake.
    """
    scope = getattr(function, "__globals__", {})
    own = {name: right for name, right in uses.items() if callable(scope.get(name))}
    if not own:
        return said
    with _in_place(scope, own):
        again = grade(function)
    if not again.cause:
        return Told(said.part, "borrowed", {"name": ", ".join(own)})
    return said if again.cause in ("raises", "misfit") else again


@contextmanager
def _in_place(scope: dict[str, Any], functions: Mapping[str, Function]) -> Iterator[None]:
    kept = {name: scope[name] for name in functions}
    scope.update(functions)
    try:
        yield
    finally:
        scope.update(kept)
