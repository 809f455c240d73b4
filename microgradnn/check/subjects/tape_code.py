"""TensorFlow's custom_gradient, and Keras layers that use it, as subjects.

Variables that the function reads are parameters, with their own names.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...optional import need
from ..oracle.derivations import Derivation, Underived
from ..source import all_parameters
from ..subject import Arguments, Pass, Subject, called, chosen, cotangents_like, quiet
from .namespaces import namespaces

METHOD = "TensorFlow's own derivative of forward"


def tensorflow_module() -> Any:
    """TensorFlow, or the sentence that it is missing."""
    return need("tensorflow", "a check of TensorFlow code")


@dataclass
class TapeCall:
    """How a function of TensorFlow is called with arrays.

    f       the function; args: its arguments
    vars    the variables that it reads, whose values are among the arrays, last
    places  where functions with a gradient of their own are found
    """

    f: Callable[..., Any]
    args: Arguments
    places: list[dict[str, Any]]
    vars: list[Any] = field(default_factory=list)
    double: bool = True
    keep: Sequence[int] = ()
    arrays: list[Any] = field(default_factory=list)
    tf: Any = field(default_factory=tensorflow_module)

    def filled(self, new: Sequence[Any]) -> list[Any]:
        """All arrays, with new ones in the places of those that are checked."""
        given = dict(zip(self.keep, new, strict=True))
        return [given.get(k, a) for k, a in enumerate(self.arrays)]

    def recorded(self, arrays: Sequence[Any]) -> tuple[Any, list[Any], list[Any]]:
        """The tape, the leaves and the float outputs of a call."""
        kind = np.float64 if self.double else np.float32
        count = len(self.args.arrays)
        self.assign(arrays)
        with self.tf.GradientTape(persistent=True) as tape:
            leaves = [self.tf.constant(np.asarray(a, kind)) for a in arrays[:count]]
            tape.watch(leaves)
            out = self.f(*self.args.filled(range(count), leaves))
        outs = [t for t in self.tf.nest.flatten(out) if getattr(t, "dtype", None) in self.kinds()]
        if not outs:
            raise TypeError("no output is a tensor of floats")
        return tape, [*leaves, *self.vars], outs

    def assign(self, arrays: Sequence[Any]) -> None:
        """Gives the variables their values, which are the last of the arrays."""
        for v, a in zip(self.vars, arrays[len(self.args.arrays) :], strict=True):
            v.assign(np.asarray(a, v.dtype.as_numpy_dtype))

    def kinds(self) -> tuple[Any, Any]:
        """The dtypes that have gradients here."""
        return self.tf.float32, self.tf.float64

    def start(self, new: Sequence[Any]) -> Pass:
        """See Subject."""
        whole = self.filled(new)
        tape, leaves, outs = self.recorded(whole)

        def pull(*douts: Any) -> list[Any]:
            self.assign(whole)  # another call may have changed them
            grads = self.pulled(tape, leaves, outs, douts)
            return [grads[k] for k in self.keep]

        return Pass([o.numpy() for o in outs], pull)

    def pulled(self, tape: Any, leaves: Any, outs: Any, douts: Sequence[Any]) -> list[Any]:
        """The gradients as arrays."""
        given = [self.tf.constant(np.asarray(d), o.dtype) for d, o in zip(douts, outs, strict=True)]
        found = tape.gradient(outs, leaves, output_gradients=given)
        return [None if g is None else np.array(self.tf.convert_to_tensor(g)) for g in found]

    def derivation(self) -> Derivation:
        """TensorFlow's derivative with the hand-written gradients put aside."""

        def run(arrays: Sequence[Any], douts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            whole = self.filled(arrays)
            with quiet(), _forwards(self):
                try:
                    tape, leaves, outs = self.recorded(whole)
                    grads = self.pulled(tape, leaves, outs, douts)
                except Exception as error:
                    text = str(error).split("\n")[0][:120]
                    raise Underived(f"TensorFlow cannot follow forward: {text}") from error
            if all(g is None for g in grads):
                raise Underived("forward leaves the graph: no output is recorded by the tape")
            found = [
                np.zeros(np.shape(a)) if g is None else np.asarray(g, float)
                for g, a in zip(grads, whole, strict=True)
            ]
            return [o.numpy() for o in outs], [found[k] for k in self.keep]

        return Derivation(run, METHOD, unit=2.0**-52 if self.double else 2.0**-23)


def is_custom_gradient(thing: Any) -> bool:
    """Whether thing is a function under tf.custom_gradient."""
    decorator = getattr(thing, "_tf_decorator", None)
    return getattr(decorator, "decorator_name", "") == "custom_gradient"


def forward_of(f: Any) -> Callable[..., Any]:
    """The forward alone of a function under tf.custom_gradient."""
    return lambda *args, **kwargs: f.__wrapped__(*args, **kwargs)[0]


@contextmanager
def _forwards(call: TapeCall) -> Iterator[None]:
    """Within it the functions of the user's are their forwards alone."""
    found = [(home, k, v) for home in call.places for k, v in home.items() if is_custom_gradient(v)]
    own = call.f
    try:
        for home, k, v in found:
            home[k] = forward_of(v)
        if is_custom_gradient(own):
            call.f = forward_of(own)
        yield
    finally:
        call.f = own
        for home, k, v in found:
            home[k] = v


def tape_function(f: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """A function of tensors under tf.custom_gradient, or a Keras layer, at its inputs."""
    inner = getattr(f, "call", None) or f.__wrapped__
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments([_plain(x) for x in given], all_parameters(inner))
    name = name or called(f)
    if not args.arrays:
        raise ConfigError(
            f"{name}: no float array among the inputs; gradients are taken of tensors of float64 "
            "or float32: write x.astype(float)"
        )
    layer = hasattr(f, "call")
    things = (type(f), *_methods(type(f))) if layer else (inner,)
    call = TapeCall(f, args, namespaces(*things))
    with quiet():
        _runs(call)
    names = [*args.leaf_names, *(v.name.partition(":")[0].rpartition("/")[2] for v in call.vars)]
    return _subject(call, names, name, wrt, things)


def _methods(cls: type) -> list[Any]:
    return [m for m in vars(cls).values() if callable(m)]


def _plain(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(_plain, x))
    return np.array(x) if hasattr(x, "numpy") else x


def _runs(call: TapeCall) -> None:
    """Finds the dtype that it runs in and the variables that it reads."""
    arrays = [np.array(a) for a in call.args.arrays]
    single = all(a.dtype == np.float32 for a in arrays)
    try:
        call.double = not single
        tape, _, outs = call.recorded(arrays)
        call.double = call.double and any(o.dtype == call.tf.float64 for o in outs)
    except Exception:
        if single:
            raise
        call.double = False
    tape, _, _ = call.recorded(arrays)
    call.vars = list(tape.watched_variables())
    kind = np.float64 if call.double else np.float32
    call.arrays = [a.astype(kind) for a in arrays] + [v.numpy() for v in call.vars]


def _subject(call: TapeCall, names: list[str], name: str, wrt: Any, things: Any) -> Subject:
    with quiet():
        call.keep = list(range(len(names)))
        run = call.start(call.arrays)
        broken: Exception | None = None
        none: list[int] = []
        try:
            grads = run.pull(*cotangents_like(run.outs, np.random.default_rng(0)))
            none = [k for k, g in enumerate(grads) if g is None]
        except Exception as error:
            broken = error
    keep = chosen(wrt, names, name)
    call.keep = keep if keep is not None else [k for k in call.keep if k not in none] or call.keep
    subject = Subject(
        name, tuple(names[k] for k in call.keep), [call.arrays[k] for k in call.keep],
        call.start, call.places, untraced="it is TensorFlow code", broken=broken,
        code=tuple(things), params=tuple(names[k] for k in call.keep if k >= len(call.args.arrays)),
        frame=call, calls=100,
        notes=[f"backward gives None for {names[k]}: no gradient of it was checked" for k in none],
    )  # fmt: skip
    subject.derivation = call.derivation()
    return subject
