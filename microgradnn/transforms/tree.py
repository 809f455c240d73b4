"""Nested tuples, lists and dicts of numbers and arrays, as one flat list and back."""

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ShapeError


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


def leaves_like(what: str, form: Any, tree: Any) -> list[Any]:
    """The leaves of `tree` in the order of those of `form`: dicts are matched by their keys.

    None stands for None at a leaf of form, and for nothing else. Raises ShapeError, which begins
    with `what`, if the two have not the same form; a list may stand for a tuple.
    """
    if isinstance(form, dict):
        if not isinstance(tree, dict) or set(tree) != set(form):
            got = f"keys {[*tree]}" if isinstance(tree, dict) else type(tree).__name__
            raise ShapeError(f"{what}: expected a dict with keys {[*form]}, got {got}")
        return [x for k, part in form.items() for x in leaves_like(what, part, tree[k])]
    if isinstance(form, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(form):
            several = isinstance(tree, (list, tuple, dict))
            got = type(tree).__name__ + (f" of {len(tree)}" if several else "")
            raise ShapeError(f"{what}: expected a {type(form).__name__} of {len(form)}, got {got}")
        parts = zip(form, tree, strict=True)
        return [x for part, given in parts for x in leaves_like(what, part, given)]
    if form is not None:
        return [tree]
    if tree is not None:
        raise ShapeError(f"{what}: expected None, as the argument is, got {type(tree).__name__}")
    return []


def _walk(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        if tree is not None:
            yield tree
        return
    for part in tree:
        yield from _walk(part)
