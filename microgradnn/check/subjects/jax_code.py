"""JAX's custom_vjp and custom_jvp as subjects: their own rules beside JAX's derivative of .fun."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...optional import need
from ..oracle.derivations import Derivation, Underived
from ..source import all_parameters
from ..subject import Arguments, Pass, Subject, called, chosen, cotangents_like, quiet
from .namespaces import namespaces

METHOD = "JAX's own derivative of the function, in float64"


def jax_module() -> Any:
    """JAX, or the sentence that it is missing."""
    return need("jax", "a check of JAX code")


@dataclass
class JaxCall:
    """How a function of JAX is called with arrays.

    f       the function with its own rule; plain: without it
    args    its arguments; wrt: which of their float arrays get a gradient
    jvp     whether its rule is one of forward mode
    """

    f: Callable[..., Any]
    plain: Callable[..., Any]
    args: Arguments
    wrt: Sequence[int] = ()
    jvp: bool = False
    double: bool = True
    jax: Any = field(default_factory=jax_module)

    def of(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """f as a function of the arrays alone, with the float outputs in a tuple."""

        def run(*arrays: Any) -> Any:
            out = f(*self.args.filled(self.wrt, arrays))
            leaves = self.jax.tree_util.tree_leaves(out)
            return tuple(x for x in leaves if _is_float(x))

        return run

    def pulled(self, f: Callable[..., Any], arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        """The outputs of f as arrays, and what takes cotangents to gradients."""
        with self.jax.enable_x64(True):
            outs, back = self.jax.vjp(self.of(f), *map(self.jax.numpy.asarray, arrays))

        def pull(*douts: Any) -> list[Any]:
            given = tuple(np.asarray(d, o.dtype) for d, o in zip(douts, outs, strict=True))
            with self.jax.enable_x64(True):
                return [np.array(g) for g in back(given)]

        return [np.array(o) for o in outs], pull

    def start(self, arrays: Sequence[Any]) -> Pass:
        """See Subject."""
        kind = np.float64 if self.double else np.float32
        given = [np.asarray(a, kind) if np.asarray(a).dtype == np.float64 else a for a in arrays]
        outs, pull = self.pulled(self.f, given)
        return Pass(outs, pull)

    def derivation(self) -> Derivation:
        """JAX's derivative without the rule."""

        def gradients(arrays: Sequence[Any], douts: Sequence[Any]) -> Any:
            outs, back = self.jax.vjp(self.of(self.plain), *arrays)
            return outs, back(tuple(d.astype(o.dtype) for d, o in zip(douts, outs, strict=True)))

        compiled = self.jax.jit(gradients)  # its tracing is what costs

        def run(arrays: Sequence[Any], douts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            try:
                with quiet(), self.jax.enable_x64(True):
                    outs, grads = compiled(
                        *([np.asarray(a, float) for a in some] for some in (arrays, douts))
                    )
                    return [np.array(o) for o in outs], [np.array(g, float) for g in grads]
            except Exception as error:
                text = str(error).split("\n")[0][:120]
                raise Underived(f"JAX cannot differentiate the function: {text}") from error

        return Derivation(run, METHOD)


def _is_float(x: Any) -> bool:
    return np.issubdtype(getattr(x, "dtype", type(x)), np.floating)


def is_custom(thing: Any, jax: Any) -> bool:
    """Whether thing is a function with a rule of its own."""
    return isinstance(thing, (jax.custom_vjp, jax.custom_jvp))


def jax_function(f: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """A custom_vjp or custom_jvp at its inputs."""
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments([_plain(x) for x in given], all_parameters(f.fun))
    fixed = {int(i) for i in f.nondiff_argnums}
    places = [i for i, path in enumerate(args.paths) if path[0] not in fixed]
    names = [args.leaf_names[i] for i in places]
    keep = chosen(wrt, names, name or called(f.fun))
    call = JaxCall(f, f.fun, args, places, isinstance(f, jax_module().custom_jvp))
    if keep is not None:
        call.wrt = [places[k] for k in keep]
    if not call.wrt:
        raise ConfigError(
            f"{name or called(f.fun)}: no float array among the inputs that are differentiated; "
            "write x.astype(float)"
        )
    return _subject(call, f, name or called(f.fun))


def _plain(x: Any) -> Any:
    """Arrays of JAX as NumPy's, in whatever holds them."""
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(_plain, x))
    return np.asarray(x) if type(x).__module__.startswith("jax") else x


def _subject(call: JaxCall, f: Any, name: str) -> Subject:
    arrays = [np.asarray(call.args.arrays[i]) for i in call.wrt]
    broken: Exception | None = None
    with quiet():
        single = all(a.dtype == np.float32 for a in arrays)
        arrays = [a if single else a.astype(np.float64) for a in arrays]
        try:
            call.start(arrays)
        except TypeError:
            call.double = False
        run = call.start(arrays)
        if not single and all(o.dtype == np.float32 for o in run.outs):
            call.double = False
        if not call.double:
            arrays = [a.astype(np.float32) for a in arrays]
            run = call.start(arrays)
        try:
            run.pull(*cotangents_like(run.outs, np.random.default_rng(0)))
        except Exception as error:
            broken = error
    rules = [g for w in ("fun", "fwd", "bwd", "jvp") if (g := getattr(f, w, None)) is not None]
    return Subject(
        name, tuple(call.args.leaf_names[i] for i in call.wrt), arrays, call.start,
        namespaces(*rules), untraced="it is JAX code", broken=broken, code=tuple(rules),
        derivation=call.derivation(), frame=call, calls=100,
    )  # fmt: skip
