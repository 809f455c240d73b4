"""The checks by the names the field gives them: layer, vjp, jvp, grads, gradcheck and two tests."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import CheckError, ConfigError
from ..node import plain
from ..tensor import Tensor, tensor
from ..transforms import vjp as _mg_vjp
from . import objects, pairs, tangents
from .examine import Options, examine
from .differences import disagreements
from .report import CODES, Entry, Finding, Report, check_codes
from .subject import Arguments, Pass, Subject, quiet
from .traced import namespaces

Codes = str | Sequence[str]


def _options(seed: int, select: Codes, ignore: Codes, cotangents: Any, probes: bool) -> Options:
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigError(f"check: seed is {seed!r}, need an integer from 0 on")
    given = cotangents
    if cotangents is not None and not isinstance(cotangents, (tuple, list)):
        given = [cotangents]
    return Options(
        int(seed), check_codes("select", select), check_codes("ignore", ignore), given, probes
    )


def layer(
    forward: Any, backward: Any = None, inputs: Any = None, params: Any = None, *,
    cache: bool = True, hyper: Mapping[str, Any] | None = None, wrt: Any = None,
    cotangents: Any = None, seed: int = 0, select: Codes = (), ignore: Codes = (),
    probes: bool = True, others: Sequence[Any] = (), name: str = "",
) -> Report:  # fmt: skip
    """The report on a hand-written layer.

        check.layer(affine_forward, affine_backward, (x, w, b))     forward(*inputs) -> out, cache
        check.layer(Linear(3, 4), x)                                .forward(x), .backward(dout)
        check.layer(softmax_loss, None, (scores, y))                softmax_loss(...) -> loss, grad

    inputs      the arguments of forward: an array, a tuple, or a dict by name. Gradients are
                expected of those that are float arrays (not of labels, masks, dicts of settings)
    params      further arguments of forward, by name or in order; of an object the names of its
                parameters, or {"W": "dW"} where their gradients are not found by convention
    cache       False if what forward returns beside the output is not for backward
    hyper       keyword arguments for forward; of an object attributes to set
    wrt         names or numbers of the inputs whose gradients backward returns, if not all
    cotangents  the cotangent(s) at the inputs given; random, signed and away from zero by default
    select, ignore   codes of checks or their beginnings: "GC2", ["GC031"]; see report.CODES
    probes      whether to look at other points (zeros, ties, saturation, …) too
    others      more tuples of inputs, best of other shapes, to check at as well

    Raises ConfigError if the arguments cannot be what they should be. What the layer itself raises
    is in the report.
    """
    options = _options(seed, select, ignore, cotangents, probes)
    word = name or ""
    if objects.is_layer(forward) and (backward is None or not callable(backward)):
        make: Callable[[Any], Subject] = lambda x: objects.layer_object(  # noqa: E731
            forward, x, params=params, wrt=wrt, name=word, hyper=hyper
        )
        point = _together(backward, inputs)
        text = f"check.layer({type(forward).__name__}(…), inputs, seed={seed})"
    elif objects.is_network(forward) and not callable(backward):
        make = lambda x: objects.network(forward, x, name=word, wrt=wrt)  # noqa: E731
        point = _together(backward, inputs)
        text = f"check.layer({type(forward).__name__}(…), inputs, seed={seed})"
    elif not callable(forward) or not (backward is None or callable(backward)):
        raise ConfigError(
            f"layer: got {type(forward).__name__} and {type(backward).__name__}, need a forward "
            "and a backward function, or an object with forward and backward methods"
        )
    else:
        make = partial(_functions, forward, backward, params, cache, hyper, wrt, word)
        point = inputs
        second = getattr(backward, "__name__", "None")
        first = getattr(forward, "__name__", "forward")
        text = f"check.layer({first}, {second}, inputs, seed={seed})"
    if point is None:
        raise ConfigError("layer: no inputs given; write check.layer(forward, backward, (x, w, b))")
    return _examined(make, point, others, options, text)


def _together(first: Any, second: Any) -> Any:
    """The inputs of an object, given in one or two places."""
    if second is None:
        return first
    parts = [p if isinstance(p, (tuple, list)) else (p,) for p in (first, second) if p is not None]
    return tuple(x for part in parts for x in part)


def _with_arrays(inputs: Any) -> Any:
    """The inputs with NumPy's float scalars as arrays of no axes."""
    if isinstance(inputs, (tuple, list)):
        return tuple(np.asarray(x) if isinstance(x, np.floating) else x for x in inputs)
    return np.asarray(inputs) if isinstance(inputs, (float, np.floating)) else inputs


def _functions(
    forward: Any, backward: Any, params: Any, cache: bool, hyper: Any, wrt: Any, name: str,
    inputs: Any,
) -> Subject:  # fmt: skip
    args = pairs.arguments_of(_with_arrays(inputs), params, pairs.all_parameters(forward))
    if not args.arrays:
        kinds = ", ".join(type(a).__name__ for a in args.args) or "nothing"
        raise ConfigError(
            f"layer: no float array among the inputs ({kinds}); gradients are taken of arrays of "
            "float64 or float32: write x.astype(float)"
        )
    if backward is None:
        call = partial(forward, **hyper) if hyper else forward
        return pairs.loss(call, args, wrt=wrt, name=name or forward.__name__)
    return pairs.pair(
        forward, backward, args, hyper=hyper, wrt=wrt, name=name, cache=cache
    )  # fmt: skip


def _examined(
    make: Callable[[Any], Subject], point: Any, others: Sequence[Any], options: Options, text: str
) -> Report:
    name = text.removeprefix("check.layer(").partition(",")[0].partition("(")[0]
    try:
        subject = make(point)
    except (ConfigError, KeyboardInterrupt):
        raise
    except Exception as error:
        from .contract import raised

        finding = raised("forward", error)
        return Report(name, (finding,), tuple(CODES), seed=options.seed, reproduce=text)
    subject.reproduce = text
    for other in others:
        try:
            subject.others.append(make(other))
        except Exception as error:
            subject.notes.append(f"other inputs were left out: {type(error).__name__}: {error}")
    return examine(subject, options)


def vjp(
    f: Callable[..., Any], f_vjp: Callable[..., Any], args: Any, *, wrt: Any = None,
    cotangents: Any = None, seed: int = 0, select: Codes = (), ignore: Codes = (),
    probes: bool = True, name: str = "",
) -> Report:  # fmt: skip
    """The report on a hand-written vector-Jacobian product of f, or gradient.

    f_vjp is what jax.vjp is to f, f_vjp(*args) -> (out, pullback), as in jax's check_vjp; or
    f_vjp(dout, *args) -> gradients; or the gradient of a scalar f: f_vjp(*args) -> gradients.
    """
    options = _options(seed, select, ignore, cotangents, probes)
    given = args if isinstance(args, (tuple, list)) else (args,)
    arguments = Arguments(_arrays(given), pairs.all_parameters(f))
    subject = _vjp_subject(f, f_vjp, arguments, wrt, name)
    subject.reproduce = f"check.vjp({_called(f)}, {_called(f_vjp)}, args, seed={seed})"
    return examine(subject, options)


def _arrays(args: Sequence[Any]) -> list[Any]:
    """The arguments with plain floats as arrays of no axes, so that they have gradients."""
    return [np.asarray(a) if isinstance(a, float) else a for a in args]


def _called(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _vjp_subject(f: Any, f_vjp: Any, args: Arguments, wrt: Any, name: str) -> Subject:
    n = len(args.args)
    takes = pairs.parameters(f_vjp)
    if takes and len(takes) > n:
        return pairs.pair(f, f_vjp, args, wrt=wrt, name=name, cache=False)
    with quiet():
        result = f_vjp(*args.filled([], []))
    if isinstance(result, tuple) and len(result) == 2 and callable(result[1]):
        return pairs.pair(_with_pull(f, f_vjp), _apply, args, wrt=wrt, name=name or _called(f))
    return pairs.loss(_with_gradient(f, f_vjp), args, wrt=wrt, name=name or _called(f))


def _with_pull(f: Any, f_vjp: Any) -> Any:
    def forward(*args: Any) -> Any:
        out = f(*args)
        many = list(out) if isinstance(out, (tuple, list)) else [out]
        return (*many, (f_vjp, args, isinstance(out, (tuple, list))))

    forward.__wrapped__ = f  # type: ignore[attr-defined]
    return forward


def _apply(*douts_and_cache: Any) -> Any:
    *douts, (f_vjp, args, many) = douts_and_cache
    return f_vjp(*args)[1](tuple(douts) if many else douts[0])


def _with_gradient(f: Any, gradient: Any) -> Any:
    def forward(*args: Any) -> Any:
        grads = gradient(*args)
        return (f(*args), *(grads if isinstance(grads, tuple) else (grads,)))

    forward.__wrapped__ = gradient  # type: ignore[attr-defined]
    return forward


def jvp(
    f: Callable[..., Any], f_jvp: Callable[..., Any], args: Any, *, seed: int = 0,
    select: Codes = (), ignore: Codes = (), name: str = "",
) -> Report:  # fmt: skip
    """The report on a hand-written Jacobian-vector product of f.

    f_jvp(primals, tangents) -> (out, tangent of out), as jax.jvp(f, primals, tangents); or
    f_jvp(*args, *tangents) -> tangent of out.
    """
    options = _options(seed, select, ignore, None, False)
    given = args if isinstance(args, (tuple, list)) else (args,)
    report = tangents.jvp_report(f, f_jvp, _arrays(given), options, name or _called(f))
    return report


def dot_product_test(
    f_jvp: Callable[..., Any], f_vjp: Callable[..., Any], args: Any, *, seed: int = 0, draws: int = 4,
    name: str = "",
) -> Report:  # fmt: skip
    """The report on ⟨v, J u⟩ = ⟨Jᵀ v, u⟩: that a jvp and a vjp are each other's transpose.

    No reference is needed: both may still be derivatives of another function. The forms of f_jvp
    and f_vjp are those of check.jvp and check.vjp; a linear map and its adjoint, called with one
    array each, are the simplest. Claerbout (1985), Imaging the Earth's Interior, section 5.
    """
    given = args if isinstance(args, (tuple, list)) else (args,)
    return tangents.dot_product(f_jvp, f_vjp, _arrays(given), seed, draws, name or _called(f_vjp))


def taylor_test(
    f: Callable[..., Any], grad: Any, x: Any, direction: Any = None, *, seed: int = 0,
    name: str = "",
) -> Report:  # fmt: skip
    """The report on |f(x + h·d) - f(x) - h·⟨grad, d⟩|, which falls as h² if grad is right.

    f returns one number; grad is an array or a function of x. The remainders and the rates, 2 for
    a right gradient and 1 for a wrong one, are in `report.findings[0].data`. Needs no tolerance and
    no derivative from elsewhere: Farrell et al., SIAM J. Sci. Comput. 35 (2013), section 3.
    """
    return tangents.taylor(f, grad, x, direction, seed, name or _called(f))


# ---- microgradnn's own functions -----------------------------------------------------------------


def _own(f: Callable[..., Any], args: Sequence[Any], wanted: Sequence[int] | None) -> Subject:
    """A function of Tensors as a subject: its backward is microgradnn's, its trace is not."""
    arguments = Arguments([plain(a) for a in args], pairs.all_parameters(f))
    wrt = list(range(len(arguments.arrays))) if wanted is None else list(wanted)

    def start(arrays: list[Any]) -> Pass:
        if any(np.asarray(a).dtype.kind == "c" for a in arrays):
            raise TypeError("microgradnn has no complex numbers")

        def call(*xs: Any) -> Any:
            return f(*arguments.filled(wrt, xs))

        def back(*douts: Any) -> list[Any]:
            pull = _mg_vjp(call, *arrays)[1]
            return [plain(g) for g in pull(tuple(douts) if many else douts[0])]

        out = call(*arrays)
        many = isinstance(out, (tuple, list))
        return Pass([np.asarray(plain(o)) for o in (out if many else [out])], back)

    names = tuple(arguments.leaf_names[i] for i in wrt)
    arrays = [arguments.arrays[i] for i in wrt]
    return Subject(_called(f), names, arrays, start, namespaces(f), opaque=True)


def grads(
    f: Callable[..., Any], args: Any, order: int = 1, modes: Sequence[str] = ("rev",), *,
    wrt: Any = None, seed: int = 0, select: Codes = (), ignore: Codes = (), probes: bool = False,
    name: str = "",
) -> Report:  # fmt: skip
    """The report on microgradnn's derivatives of f at args, to any order, in modes "fwd", "rev".

    For functions of Tensors, with custom rules above all. The first order in reverse mode is
    checked entry by entry as a layer is; higher orders and forward mode along random directions,
    against extrapolated differences, as check_grads does.
    """
    options = _options(seed, select, ignore, None, probes)
    given = list(args) if isinstance(args, (tuple, list)) else [args]
    given = _arrays([plain(a) for a in given])
    subject = _own(f, given, None)
    if wrt is not None:
        subject = _own(f, given, [list(subject.names).index(w) if isinstance(w, str) else w
                                  for w in ([wrt] if isinstance(wrt, (str, int)) else wrt)])  # fmt: skip
    subject.name = name or subject.name
    subject.reproduce = f"check.grads({_called(f)}, args, order={order}, modes={tuple(modes)!r}, seed={seed})"
    first = examine(subject, options) if "rev" in modes else None
    found = [] if first is None else list(first.findings)
    if first is None or (first.ok and order > 1) or "fwd" in modes:
        for what, at, yours, true, allowed in disagreements(f, tuple(given), order, modes, seed):
            error = abs(yours - true)
            worst = Entry(what, at, yours, true, error, float("nan"), allowed)
            code = "GC201" if what in ("jvp of f", "vjp of f") else "GC207"
            found.append(Finding(
                code, "FAIL", f"{what} is wrong", worst=worst, point="your point",
                method="extrapolated differences along a random direction",
            ))  # fmt: skip
            break
    if first is None:
        return Report(subject.name, tuple(found), ("GC201", "GC207"), ("your point",),
                      seed=seed, reproduce=subject.reproduce)  # fmt: skip
    return Report(**{**vars(first), "findings": tuple(found)})


def gradcheck(
    fn: Callable[..., Any], inputs: Any, *, eps: float | None = None, atol: float | None = None,
    rtol: float | None = None, raise_exception: bool = True, nondet_tol: float | None = None,
    check_forward_ad: bool = False, check_backward_ad: bool = True, order: int = 1, seed: int = 0,
    **ignored: Any,
) -> bool:  # fmt: skip
    """Whether microgradnn's gradients of fn at inputs are right: torch.autograd.gradcheck's call.

    Inputs are Tensors, checked if they require grad, or arrays, checked if they are floats. Raises
    CheckError with the report unless raise_exception=False. eps, atol and rtol are accepted and not
    needed: the tolerance is what rounding explains.
    """
    unneeded = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol, **ignored}
    said = [k for k, v in unneeded.items() if v is not None]
    if said:
        warnings.warn(
            f"gradcheck: {', '.join(said)} not needed: errors are judged by what rounding explains",
            stacklevel=2,
        )
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    tensors = [x for x in given if isinstance(x, Tensor)]
    if tensors and not any(x.requires_grad for x in tensors):
        raise ConfigError(
            "gradcheck: no input requires grad; make one with mg.tensor(..., requires_grad=True)"
        )
    fixed = {i: x for i, x in enumerate(given) if isinstance(x, Tensor) and not x.requires_grad}
    free = [x for i, x in enumerate(given) if i not in fixed]

    def of_free(*xs: Any) -> Any:
        rest = iter(xs)
        return fn(*[fixed.get(i, None) if i in fixed else next(rest) for i in range(len(given))])

    of_free.__name__ = _called(fn)
    modes = (["rev"] if check_backward_ad else []) + (["fwd"] if check_forward_ad else [])
    report = grads(of_free, free, order, modes, seed=seed)
    if raise_exception:
        report.raise_if_failed()
    return report.ok


def gradgradcheck(fn: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """gradcheck of the first and second derivatives."""
    return gradcheck(fn, inputs, order=2, **options)


__all__ = [
    "CheckError", "dot_product_test", "gradcheck", "gradgradcheck", "grads", "jvp", "layer",
    "taylor_test", "tensor", "vjp",
]  # fmt: skip
