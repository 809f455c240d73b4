"""Nested tuples, lists and dicts of numbers and arrays, as one flat list and back."""

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """The leaves in order: sequences by position, dicts by insertion."""
    return list(_walk(tree))


def rebuild(tree: Any, new: Iterator[Any]) -> Any:
    """A tree of the same form, its leaves taken in order from `new`."""
    if isinstance(tree, dict):
        return {k: rebuild(v, new) for k, v in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):  # namedtuple
        return type(tree)(*(rebuild(v, new) for v in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(rebuild(v, new) for v in tree)
    return None if tree is None else next(new)


def map_leaves(f: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form, f applied to each leaf."""
    return rebuild(tree, iter([f(x) for x in leaves(tree)]))


def _walk(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        if tree is not None:
            yield tree
        return
    for part in tree:
        yield from _walk(part)
