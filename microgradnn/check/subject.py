"""What is checked, in one form: a forward pass, and the gradients its backward pass gives."""

import copy
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from ..engine.tensor import Tensor
from ..errors import ConfigError

# What users hand to the checker.
Function = Callable[..., Any]
Array = np.ndarray[Any, Any]
Inputs = Array | Tensor | float | Sequence[Any] | Mapping[str, Any]  # one, several, or by name
Params = Sequence[str | Array] | Mapping[str, Any] | str | None
Wrt = str | int | Sequence[str | int] | None
Cotangents = Array | float | Sequence[Array | float] | None


@dataclass
class Pass:
    """One forward pass that has been run.

    outs   the outputs that get a cotangent
    pull   pull(*cotangents): the gradients in the order of Subject.names, None where there is none
    held   arrays the code was given and must not change, by name; before: copies, made before
    """

    outs: list[Any]
    pull: Callable[..., list[Any]]
    held: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Variation:
    """What is different in another configuration.

    label   in words
    kind    sizes, equal (sizes), values, flags, labels, dtype, axes, broadcast or penalty
    about   the argument that is different, where it is one
    sure    whether backward has to be right there; likely: whether the code looks like it
    """

    label: str
    kind: str = "sizes"
    about: str = ""
    sure: bool = True
    likely: bool = False


@dataclass
class Subject:
    """A forward and a backward pass and the point where they are checked.

    names    what gradients are taken of
    arrays   its values at the user's point
    start    start(arrays) runs the forward pass on copies of everything else
    places   the namespaces of the user's code
    scaled   a loss: its backward takes no cotangent
    object   it keeps what backward needs in itself, so that only its last call can be undone
    params   those of the names that are an object's parameters
    missing  names of inputs that backward returns no gradient of, though it should
    extra    how many gradients came back, if that fits nothing
    unfound  parameters that forward uses and no gradient was found of
    spare    how many gradients came back that belong to no array
    reordered  whether they come in another order than the arguments
    """

    name: str
    names: tuple[str, ...]
    arrays: list[Any]
    start: Callable[[list[Any]], Pass]
    places: list[dict[str, Any]]
    scaled: bool = False
    object: bool = False
    opaque: bool = False  # its trace would use the very rules that are checked
    untraced: str = ""  # why a trace of it is not asked, where that is known
    used: Callable[[list[Any]], Pass] | None = None  # of an object: start() after an earlier call
    turned: Callable[[list[Any]], Pass] | None = None  # start() with integer arguments reversed
    peers: list[Any] = field(default_factory=list)  # constant arguments of the first one's shape
    params: tuple[str, ...] = ()
    descends: bool = False  # its backward takes a step down the gradient of the parameters
    moves: Callable[[], bool] = lambda: False  # whether backward changes what forward gives
    flushes: bool = False  # it has a method that sets gradients to zero, or more than these
    missing: tuple[str, ...] = ()
    extra: str = ""
    unfound: tuple[str, ...] = ()
    spare: int = 0
    reordered: bool = False
    broken: Exception | None = None  # what backward raised when it was first tried
    code: tuple[Any, ...] = ()  # the functions and classes of the user's that it calls
    unread: str = ""  # why it is not known what its gradients should be
    reproduce: str = ""
    notes: list[str] = field(default_factory=list)
    others: list["Subject"] = field(default_factory=list)  # the same at other shapes
    read: int | None = None  # which of several readings of a pair it is
    setting: Variation | None = None  # of what is the same but for a configuration
    derivation: Any = None  # how a framework differentiates its forward: oracle.derivations
    calls: int = 0  # how many operations of a framework one forward is, where that is known
    frame: Any = None  # how a framework calls it, for its own rules
    second: str = "CONVENTION"  # the verdict if only its second derivative is wrong

    def at(self, arrays: Sequence[Any]) -> "Subject":
        """The same, at another point."""
        return replace(self, arrays=list(arrays))


_lock = threading.RLock()
F = TypeVar("F", bound=Callable[..., Any])


def alone(f: F) -> F:
    """f, which only one thread at a time may be in: the precision of balls is the process's."""

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return f(*args, **kwargs)

    return cast(F, run)


def is_float(x: Any) -> bool:
    """Whether x is what gradients are taken of: an array of floats."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.dtype.itemsize <= 8


@contextmanager
def quiet() -> Iterator[None]:
    """A context in which user code may overflow and warn: what comes of it is compared later."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Arguments:
    """The arguments of a call: nested tuples, lists and dicts, with the float arrays named."""

    def __init__(self, args: Sequence[Any], names: Sequence[str]) -> None:
        self.args = tuple(args)
        self.names = [*names, *(f"argument{i}" for i in range(len(names), len(self.args)))]
        found = [
            (path, x)
            for i, arg in enumerate(self.args)
            for path, x in _leaves(arg, (i,))
            if is_float(x)
        ]
        self.paths = [path for path, _ in found]
        self.arrays = [x for _, x in found]
        self.leaf_names = _unique([self._name(path) for path in self.paths])

    def _name(self, path: tuple[Any, ...]) -> str:
        keys = [str(k) for k in path[1:] if isinstance(k, str)]
        return keys[-1] if keys else "".join([self.names[path[0]], *(f"[{k}]" for k in path[1:])])

    def top(self) -> list[int]:
        """Which of the arrays are arguments themselves, not inside a dict or list."""
        return [i for i, path in enumerate(self.paths) if len(path) == 1]

    def turned(self) -> "Arguments":
        """The same with arrays of integers reversed along their first axis: other labels."""
        args = [
            a[::-1].copy() if isinstance(a, np.ndarray) and a.dtype.kind in "iub" and a.ndim else a
            for a in self.args
        ]
        return Arguments(args, self.names)

    def held(self, given: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays among given arguments by name, and copies of them."""
        arrays = {self.names[i]: x for i, x in enumerate(given) if isinstance(x, np.ndarray)}
        return arrays, {name: x.copy() for name, x in arrays.items()}

    def filled(self, wrt: Sequence[int], arrays: Sequence[Any]) -> list[Any]:
        """Copies of the arguments with other arrays in the places wrt."""
        new: dict[tuple[Any, ...], Any] = dict(
            zip((self.paths[i] for i in wrt), arrays, strict=True)
        )
        return [_filled(arg, (i,), new) for i, arg in enumerate(self.args)]


def _leaves(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(tree, Mapping):
        for k, v in tree.items():
            yield from _leaves(v, (*path, k))
    elif isinstance(tree, (list, tuple)):
        for k, v in enumerate(tree):
            yield from _leaves(v, (*path, k))
    else:
        yield path, tree


def _filled(tree: Any, path: tuple[Any, ...], new: dict[tuple[Any, ...], Any]) -> Any:
    if path in new:
        return new[path]
    if isinstance(tree, dict):
        return {k: _filled(v, (*path, k), new) for k, v in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_filled(v, (*path, k), new) for k, v in enumerate(tree))
    try:
        return copy.deepcopy(tree)
    except Exception:  # a file, a lock, a generator: what is not a number may be shared
        return tree


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def chosen(wrt: Any, names: Sequence[str], caller: str) -> list[int] | None:
    """Positions among names of what the user named (names or numbers); None if nothing."""
    if wrt is None:
        return None
    out = []
    for w in [wrt] if isinstance(wrt, (str, int)) else wrt:
        if isinstance(w, str) and w in names:
            out.append(names.index(w))
        elif isinstance(w, int) and 0 <= w < len(names):
            out.append(w)
        else:
            raise ConfigError(f"{caller}: wrt names {w!r}; float arrays here are {list(names)}")
    return out


def cotangents_like(outs: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Random numbers of both signs in the form of outs, none near zero."""
    drawn = []
    for out in outs:
        shape, dtype = np.shape(out), getattr(out, "dtype", np.dtype(float))
        v = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
        drawn.append(np.asarray(v).astype(dtype if dtype.kind == "f" else float)[()])
    return drawn


def with_axes(args: Sequence[Any]) -> list[Any]:
    """The arguments with plain floats as arrays of no axes, so that they have gradients."""
    return [np.asarray(a) if isinstance(a, float) else a for a in args]


def called(f: Any) -> str:
    """What a function or an object is called in messages."""
    return getattr(f, "__name__", type(f).__name__)
