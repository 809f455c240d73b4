"""A function of JAX with its parameters as a port: (apply, params), or an object with both.

apply(params, x) runs without jit; the functions of jax.nn, jax.numpy and jax.lax that it calls are
seen, and the operators and methods of arrays. What it computes otherwise is code between them.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from microgradnn.errors import ConfigError

from . import sources, weight_layouts
from .jax_watching import JaxSeen, install
from .recorder import Hands, Recorder
from .seen_calls import Array, Passed, PortParameter, PortProgram

__all__ = ["KIND", "LAST", "Port", "fits", "install", "version"]
KIND = "jax"
LAST = True


def version() -> str:
    """The version of jax."""
    return f"jax {jax.__version__}"


def fits(thing: Any) -> bool:
    """Whether this is a pair (apply, params), or an object with both."""
    if isinstance(thing, tuple):
        return len(thing) == 2 and callable(thing[0]) and not callable(thing[1])
    return callable(getattr(thing, "apply", None)) and hasattr(thing, "params")


class Port:
    """See port_process.RemotePort."""

    kind, last = KIND, LAST

    def version(self) -> str:
        """The version of its framework."""
        return version()

    def __init__(self, thing: Any, dtype: str) -> None:
        self.apply, tree = thing if isinstance(thing, tuple) else (thing.apply, thing.params)
        self.dtype, self.held = dtype, dict[str, tuple[str, str]]()
        leaves, self.shape_of_tree = jax.tree_util.tree_flatten_with_path(tree)
        self.values = {
            _name(path): jnp.asarray(np.asarray(leaf), dtype) if np.asarray(leaf).dtype.kind == "f"
            else jnp.asarray(leaf)
            for path, leaf in leaves
        }  # fmt: skip
        takes = inspect.signature(self.apply).parameters
        self.modes = [n for n in ("training", "train", "is_training") if n in takes]
        self.odd = "deterministic" in takes

    def params(self) -> list[PortParameter]:
        """All of them, in the layout of all."""
        found = []
        for name, value in self.values.items():
            part, held = self.held.get(name, ("", ""))
            found.append(
                PortParameter(name, weight_layouts.common(np.asarray(value), held), part, held)
            )
        return found

    def load(self, values: Mapping[str, Array]) -> None:
        """Sets arrays by name."""
        for name, value in values.items():
            held = self.held.get(name, ("", ""))[1]
            array = weight_layouts.own(value, held, self.values[name].shape)
            self.values[name] = jnp.asarray(array, self.dtype)

    def restore(self, path: Path) -> None:
        """Sets the arrays in a file, by the paths of the tree. Raises ConfigError."""
        for name, value in sources.weights(path).items():
            if name not in self.values or self.values[name].shape != value.shape:
                known = ", ".join(f"{n} {v.shape}" for n, v in self.values.items())
                raise ConfigError(f"{path} has {name} of shape {value.shape}; there are {known}")
            self.values[name] = jnp.asarray(value, self.dtype)

    def input_shape(self) -> list[tuple[tuple[int, ...], int | None]]:
        """The rows of the first matrix, or images for the first kernel."""
        for value in self.values.values():
            if value.ndim == 2:
                return [((int(n),), None) for n in dict.fromkeys(value.shape)]
            if value.ndim == 4:
                return [((s, s, int(value.shape[2])), None) for s in (28, 32, 8, 16, 12)]
        return []

    def trace(self, x: Array, training: bool) -> PortProgram:
        """The calls of one pass."""
        recorder, outs = self._run(self.values, x, {}, {}, training)
        self.held = {**recorder.held, **self.held}
        return PortProgram(recorder.calls, recorder.outputs(outs), self.params())

    def passed(
        self, x: Array, values: Mapping[int, Array], slopes: Mapping[int, Array], training: bool
    ) -> Passed:
        """A pass with `values` set at their nodes, and `slopes` as the gradients behind them."""
        free, _ = self._run(self.values, x, values, {}, training)
        zeros = {n: jnp.zeros_like(h) for n, h in enumerate(free.given) if h.dtype.kind == "f"}

        def total(params: Any, moves: Any) -> Any:
            recorder, _ = self._run(params, x, values, moves, training)
            parts = [(recorder.given[n] * s).sum() for n, s in slopes.items()]
            return sum(parts, jnp.zeros((), self.dtype)), list(recorder.given)

        trained = {n: v for n, v in self.values.items() if v.dtype.kind == "f"}
        back, given = jax.grad(total, (0, 1), has_aux=True)(trained, zeros)
        grads: dict[str, Array | None] = {
            n: weight_layouts.common(np.array(g), self.held.get(n, ("", ""))[1])
            for n, g in back[0].items()
        }
        found = [np.array(back[1][n]) if n in back[1] else None for n in range(len(given))]
        return Passed([np.array(h) for h in given], found, grads, {})

    def _run(
        self, params: Mapping[str, Any], x: Array, values: Mapping[int, Array],
        moves: Mapping[int, Any], training: bool,
    ) -> tuple[Recorder, list[Any]]:  # fmt: skip
        every = {**self.values, **params}
        every = {n: v + 0 if v.dtype.kind == "f" else v for n, v in every.items()}
        recorder = Recorder(_hands(moves), {id(v): n for n, v in every.items()}, values)
        start = recorder.enter(jnp.asarray(x, self.dtype if x.dtype.kind == "f" else None))
        tree = jax.tree_util.tree_unflatten(self.shape_of_tree, list(every.values()))
        mode = dict.fromkeys(self.modes, training) | (
            {"deterministic": not training} if self.odd else {}
        )
        with jax.disable_jit(), JaxSeen(recorder).on():
            out = self.apply(tree, start, **mode)
        return recorder, [t for t in jax.tree_util.tree_leaves(out) if hasattr(t, "dtype")]


def _hands(moves: Mapping[int, Any]) -> Hands:
    """Tensors whose gradients are those of numbers that are added to them, all zero."""
    count = iter(range(10**9))

    def moved(t: Any) -> Any:
        n = next(count)
        return t + moves[n] if n in moves else t * 1 if hasattr(t, "dtype") else t

    return Hands(
        lambda t: isinstance(t, jax.Array), np.asarray,
        lambda a, like: moved(jnp.asarray(a, like.dtype)), moved,
    )  # fmt: skip


def _name(path: Any) -> str:
    return "/".join(str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", k)))) for k in path)
