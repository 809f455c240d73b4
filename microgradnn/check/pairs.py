"""Functions as subjects: forward and backward, a function and its gradient, a loss with grads."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import ConfigError
from .subject import (
    Arguments,
    Pass,
    Subject,
    chosen,
    is_float,
    is_parameter,
    names_gradient,
    often_constant,
    quiet,
)
from .traced import namespaces

_CACHE = re.compile(r"(.*_)?(cache|caches|ctx|context|saved|memory|mem|store|stash|tape)s?\d?")
_OUTPUT = re.compile(r"(out|output|outputs|y|a|s|z|probs?|y_?hat|result|softmax_out|A)")
_COTANGENT = re.compile(
    r"(d[a-zA-Z_]*|g|v|ct|cot|cotangent|upstream\w*|up|delta\w*|grad\w*|\w*_grad|dy|dout|\w*_bar|"
    r"err|error|out_grad|top_diff|adjoint|seed)"
)


def parameters(f: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters of f without a default; [] if it cannot be known."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p.name
        for p in found
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]


def all_parameters(f: Callable[..., Any]) -> list[str]:
    """The names of all positional parameters of f."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def returned_names(f: Callable[..., Any]) -> list[str | None]:
    """The names of the variables in the last return statement of f, None for expressions."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(f))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return []
    body = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)), None)
    if body is None:
        return []
    inner = {id(m) for n in ast.walk(body) if isinstance(n, ast.FunctionDef) and n is not body
             for m in ast.walk(n)}  # fmt: skip
    returns = [n for n in ast.walk(body) if isinstance(n, ast.Return) and id(n) not in inner]
    if not returns or returns[-1].value is None:
        return []
    value = max(returns, key=lambda n: n.lineno).value
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
    return [_called(p) for p in parts]


def _called(node: Any) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def arguments_of(inputs: Any, params: Any, names: Sequence[str]) -> Arguments:
    """Inputs and parameters, tuples or single arrays or dicts by name, in the order of names."""
    given: list[Any] = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if isinstance(inputs, Mapping) and (set(inputs) & set(names)):
        given = _by_name(inputs, names)
    if isinstance(params, Mapping) and set(params) <= set(names):
        rest = names[len(given) :]
        given += _by_name(params, [n for n in rest if n in params])
    elif params is not None:
        given += list(params) if isinstance(params, (tuple, list)) else [params]
    return Arguments(given, names)


def _by_name(values: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    unknown = set(values) - set(names)
    if unknown:
        raise ConfigError(f"layer: forward has no argument {sorted(unknown)}; it has {list(names)}")
    return [values[n] for n in names if n in values]


class Reader:
    """Which gradient belongs to which input, found once from what a backward pass returned."""

    def __init__(self, args: Arguments, raw: Any, called: list[str | None], wrt: Any) -> None:
        self.args, self.called, self.extra = args, called, ""
        names, top = args.leaf_names, args.top()
        wanted = chosen(wrt, names, "check")
        if isinstance(raw, Mapping):
            pairs = self._of_dict(raw, wanted)
        else:
            parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
            pairs = self._of_parts(parts, wanted)
        self.wrt = [i for i, _ in pairs]
        self.keys = [key for _, key in pairs]
        bound = set(self.wrt)
        needed = wanted if wanted is not None else [i for i in top if is_parameter(names[i])]
        self.missing = tuple(names[i] for i in needed if i not in bound)

    def _of_dict(self, raw: Mapping[str, Any], wanted: Any) -> list[tuple[int, Any]]:
        pairs = []
        for i, name in enumerate(self.args.leaf_names):
            keys = [k for k in raw if isinstance(k, str) and names_gradient(k, name)]
            keys.sort(key=lambda k: (k == name, k))  # dW before W, where a dict has both
            if keys and (wanted is None or i in wanted):
                pairs.append((i, keys[0]))
        if not pairs and wanted is not None and len(wanted) == len(raw):
            return list(zip(wanted, raw, strict=True))  # in the order they come in
        return pairs

    def _of_parts(self, parts: list[Any], wanted: Any) -> list[tuple[int, Any]]:
        names, n = self.args.leaf_names, len(parts)
        top = [i for i in self.args.top() if not self._is_label(i)] if n < len(self.args.top()) else self.args.top()
        if wanted is not None and n == len(wanted):
            return list(zip(wanted, range(n), strict=True))
        whole = [i for i in top if not often_constant(names[i])]
        order: list[int | None] | None = None
        if n == len(top):
            order = [*top]
        elif n == len(self.args.args):
            places = {self.args.paths[i][0]: i for i in top}
            order = [places.get(k) for k in range(n)]
        elif n == len(whole):
            order = [*whole]
        elif n == len(names):
            order = [*range(n)]
        if order is not None and n < len(top) and not self._fits(parts, order):
            order = self._by_shapes(parts, top) or order
        if order is None and len(self.called) == n:
            order = [self._leaf(word) for word in self.called]
            if any(i is None for i in order):
                order = None
        if order is None and n < len(names):
            order = self._by_shapes(parts, top) or self._by_shapes(parts, list(range(len(names))))
        if order is None and n < len(top):
            order = [*top[:n]]
        if order is None:
            self.extra = f"{n} gradients for {len(top)} arrays ({', '.join(names)})"
            order = [*(top + [None] * n)[:n]]
        pairs = [(i, k) for k, i in enumerate(order) if i is not None]
        pairs += self._inside(parts)
        return [(i, k) for i, k in pairs if wanted is None or i in wanted]

    def _is_label(self, i: int) -> bool:
        """Whether an array of zeros and ones is called like a target."""
        array = self.args.arrays[i]
        return often_constant(self.args.leaf_names[i]) and bool(np.isin(array, (0.0, 1.0)).all())

    def _fits(self, parts: list[Any], order: list[int | None]) -> bool:
        places = zip(parts, order, strict=True)
        return all(i is not None and self.args.arrays[i].shape == np.shape(p) for p, i in places)

    def _by_shapes(self, parts: list[Any], places: list[int]) -> list[int | None] | None:
        """Arrays in order whose shapes are those of the parts; None if there are none."""
        rest, order = iter(places), []
        for part in parts:
            fit = (i for i in rest if self.args.arrays[i].shape == np.shape(part))
            order.append(next(fit, None))
        return None if None in order else order

    def _leaf(self, word: str | None) -> int | None:
        fits = [i for i, n in enumerate(self.args.leaf_names) if word and names_gradient(word, n)]
        return fits[0] if fits else None

    def _inside(self, parts: list[Any]) -> list[tuple[int, Any]]:
        """Gradients in a dict among the parts: of what is inside a dict argument."""
        out = []
        for k, part in enumerate(parts):
            if isinstance(part, Mapping):
                for i, path in enumerate(self.args.paths):
                    name = self.args.leaf_names[i]
                    keys = [w for w in part if len(path) > 1 and names_gradient(str(w), name)]
                    out += [(i, (k, keys[0]))] if keys else []
        return out

    def __call__(self, raw: Any) -> list[Any]:
        """The gradients in the order of self.wrt."""
        if isinstance(raw, Mapping):
            return [raw.get(k) for k in self.keys]
        parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
        return [
            parts[k[0]].get(k[1]) if isinstance(k, tuple) else parts[k] if k < len(parts) else None
            for k in self.keys
        ]


def cotangents_like(outs: Sequence[Any], rng: np.random.Generator, scale: float = 1.0) -> list[Any]:
    """Random numbers of both signs in the form of outs, none near zero."""
    drawn = []
    for out in outs:
        shape, dtype = np.shape(out), getattr(out, "dtype", np.dtype(float))
        v = scale * rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
        drawn.append(np.asarray(v).astype(dtype if dtype.kind == "f" else float)[()])
    return drawn


def pair(
    forward: Callable[..., Any], backward: Callable[..., Any], args: Arguments, *,
    hyper: Mapping[str, Any] | None = None, wrt: Any = None, name: str = "", cache: bool = True, adapted: bool = False,
) -> Subject:  # fmt: skip
    """forward(*args) -> (out, cache) or out, and backward(dout, cache) or (dout, *args) -> grads.

    If adapted, that is how they are called; otherwise their signatures are looked at.
    """
    call = partial(forward, **hyper) if hyper else forward
    raw, broken = None, None
    with quiet():
        plan = _literal(call, backward, cache) if adapted else _plan(call, backward, args, cache)
        outs, pull = plan(args.filled(range(len(args.arrays)), [a.copy() for a in args.arrays]))
        try:
            raw = pull(*cotangents_like(outs, np.random.default_rng(0)))
        except Exception as error:
            broken = error
            raw = [None] * len([i for i in args.top() if not often_constant(args.leaf_names[i])])
    reader = Reader(args, raw, returned_names(backward), wrt)
    subject = _subject(name or _name(forward), args, reader, plan, [forward, backward])
    subject.broken = broken
    return subject


def _subject(
    name: str, args: Arguments, reader: Reader, plan: Any, code: list[Any], scaled: bool = False
) -> Subject:
    def run(arguments: Arguments, arrays: list[Any]) -> Pass:
        given = arguments.filled(reader.wrt, arrays)
        held = {args.names[i]: x for i, x in enumerate(given) if isinstance(x, np.ndarray)}
        before = {name: x.copy() for name, x in held.items()}
        outs, pull = plan(given)
        return Pass(outs, lambda *douts: reader(pull(*douts)), held, before)

    arrays = [args.arrays[i] for i in reader.wrt]
    others = [a for i, a in enumerate(args.arrays) if i not in reader.wrt]
    return Subject(
        name, tuple(args.leaf_names[i] for i in reader.wrt), arrays, partial(run, args),
        namespaces(*code), scaled, missing=reader.missing, extra=reader.extra,
        turned=partial(run, args.turned()),
        peers=[a for a in others if arrays and a.shape == arrays[0].shape],
    )  # fmt: skip


def _name(f: Any) -> str:
    word = getattr(f, "__name__", None) or getattr(getattr(f, "func", None), "__name__", "function")
    return re.sub(r"(_?forward_?|_fwd)", "", word).strip("_") or word


Plan = Callable[[list[Any]], tuple[list[Any], Callable[..., Any]]]


def _plan(forward: Any, backward: Any, args: Arguments, cache: bool) -> Plan:
    """A function that runs forward on arguments: the outputs, and what takes their cotangents."""
    takes = parameters(backward)
    sample = forward(*args.filled([], []))
    several = isinstance(sample, tuple) and len(sample) > 1 and cache
    if not several or _is_pair_of_outputs(sample, takes):
        return _without_cache(forward, backward, args, takes, sample)
    at = next((i for i, word in enumerate(takes) if _CACHE.fullmatch(word)), len(takes) - 1)
    k = max(1, len(takes) - 1) if takes else len(sample) - 1
    which = _outputs(forward, sample, [w for i, w in enumerate(takes) if i != at], k)

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        kept = result[-1]

        def pull(*douts: Any) -> Any:
            return backward(*douts[:at], kept, *douts[at:]) if takes else backward(*douts, kept)

        return [result[i] for i in which], pull

    return run


def _literal(forward: Any, backward: Any, cache: bool) -> Plan:
    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        if not cache:
            return [result], lambda dout: backward(dout, *given)
        *outs, kept = result
        return outs, lambda *douts: backward(*douts, kept)

    return run


def _is_pair_of_outputs(sample: Any, takes: list[str]) -> bool:
    return len(takes) > len(sample) and all(is_float(x) for x in sample)


def _outputs(forward: Any, sample: Any, takes: list[str], k: int) -> list[int]:
    """Which of the results get the k cotangents: by name if names tell, else the first k."""
    if len(sample) - 1 > k:
        inner = forward.func if isinstance(forward, partial) else forward
        called = returned_names(inner)
        if len(called) == len(sample):
            hits = [
                [i for i, word in enumerate(called[:-1]) if word and names_gradient(w, word)]
                for w in takes
            ]
            if all(hits):
                return [h[0] for h in hits]
    return list(range(min(k, len(sample) - 1)))


def _without_cache(
    forward: Any, backward: Any, args: Arguments, takes: list[str], sample: Any
) -> Plan:
    """backward(dout, *args), backward(dout, out) or backward(*args, dout)."""
    inner = forward.func if isinstance(forward, partial) else forward
    own = all_parameters(inner)
    n = len(args.args)
    last = bool(takes) and takes[0] in own and _COTANGENT.fullmatch(takes[-1]) is not None
    from_output = len(takes) == 2 and takes[1] not in own and (
        n != 1 or _OUTPUT.fullmatch(takes[1]) is not None
    )  # fmt: skip
    count = len(takes) - 1 if takes else n
    if takes and len(takes) == n and not last and takes[0] in own or _only_output(takes, own, n):
        return _by_derivative(forward, backward, takes[0] in own)

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        outs = list(result) if isinstance(result, tuple) and len(result) > 1 else [result]
        rest = [result] if from_output else given[: max(count, 0)]

        def pull(*douts: Any) -> Any:
            return backward(*rest, *douts) if last else backward(*douts, *rest)

        return outs, pull

    return run


def _only_output(takes: list[str], own: list[str], n: int) -> bool:
    return n == 1 and len(takes) == 1 and takes[0] not in own


def _by_derivative(forward: Any, derivative: Any, of_input: bool) -> Plan:
    """derivative(x), or of the output, without a cotangent: f' of every entry, as sigmoid_prime."""

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)

        def pull(dout: Any) -> Any:
            slope = derivative(*given) if of_input else derivative(result)
            if isinstance(slope, tuple):
                return tuple(dout * s for s in slope)
            return dout * slope

        return [result], pull

    return run


def loss(f: Callable[..., Any], args: Arguments, *, wrt: Any = None, name: str = "") -> Subject:
    """f(*args) -> (loss, gradients…): the gradients belong to the cotangent 1."""

    def plan(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = f(*given)
        if not isinstance(result, tuple) or len(result) < 2:
            raise ConfigError(
                f"layer: {_name(f)} without a backward has to return (loss, gradients), "
                f"got {type(result).__name__}"
            )
        grads = result[1] if len(result) == 2 else result[1:]
        return [result[0]], lambda dout: grads

    with quiet():
        raw = plan(args.filled([], []))[1](1.0)
    reader = Reader(args, raw, returned_names(f)[1:], wrt)
    reader.missing = ()  # the data of a loss has no gradient
    return _subject(name or _name(f), args, reader, plan, [f], scaled=True)
