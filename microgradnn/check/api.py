"""The checks of hand-written code by the names the field gives them: layer, vjp, jvp, two tests."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import ConfigError
from . import directional
from .examine import examine
from .options import Codes, Options, options_of
from .oracle import balls
from .report import Report
from .source import all_parameters, required
from .stages.results import raised
from .subject import (
    Arguments,
    Cotangents,
    Function,
    Inputs,
    Params,
    Subject,
    Wrt,
    alone,
    called,
    quiet,
    with_axes,
)
from .subjects import networks, objects, pairs
from .subjects.framed import maker_of, of_tensors


@alone
def layer(
    forward: object, backward: object = None, inputs: Inputs | None = None,
    params: Params = None, *, cache: bool = True, hyper: Mapping[str, object] | None = None,
    wrt: Wrt = None, cotangents: Cotangents = None, seed: int = 0, select: Codes = (),
    ignore: Codes = (), probes: bool = True, others: Sequence[Inputs] = (), name: str = "",
    certify: bool = False,
) -> Report:  # fmt: skip
    """The report on a hand-written layer.

        check.layer(affine_forward, affine_backward, (x, w, b))     forward(*inputs) -> out, cache
        check.layer(Linear(3, 4), x)                                .forward(x), .backward(dout)
        check.layer(softmax_loss, None, (scores, y))                softmax_loss(...) -> loss, grad
        check.layer(MyFunction, (x, w))      torch.autograd.Function, an nn.Module that uses one, …

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
    certify     whether report.certificate is to hold what others need to repeat the proof
    others      more tuples of inputs, best of other shapes, to check at as well

    Raises ConfigError if the arguments cannot be what they should be. What the layer itself raises
    is in the report.
    """
    options = options_of(seed, select, ignore, cotangents, probes, certify)
    known = maker_of(forward, wrt, name)
    if known is None and not callable(backward):
        known = of_tensors(forward, _together(backward, inputs))
    make: Any = known or _maker(forward, backward, params, cache, hyper, wrt, name)
    if known is None and make.func is _functions:
        point = inputs
        words = [getattr(f, "__name__", "None") for f in (forward, backward)]
        text = f"check.layer({words[0]}, {words[1]}, inputs, seed={seed})"
    else:
        point = _together(backward, inputs)
        text = f"check.layer({_shown(forward)}, inputs, seed={seed})"
    if point is None:
        raise ConfigError("layer: no inputs given; write check.layer(forward, backward, (x, w, b))")
    return _examined(make, point, others, options, text)


def _shown(thing: Any) -> str:
    return getattr(thing, "__name__", "") or f"{type(thing).__name__}(…)"


def _maker(
    forward: Any, backward: Any, params: Any, cache: bool, hyper: Any, wrt: Any, name: str
) -> "partial[Subject]":
    """What makes a subject of inputs: of an object, of a net with a loss, or of functions."""
    if not callable(backward):
        if objects.is_layer(forward):
            return partial(
                objects.layer_object, forward, params=params, wrt=wrt, name=name, hyper=hyper
            )
        if networks.is_network(forward):
            if params is not None or hyper is not None:
                raise ConfigError(
                    "layer: of an object with a loss, name parameters by wrt, and set its "
                    "attributes before: params and hyper are for layers"
                )
            return partial(networks.network, forward, wrt=wrt, name=name)
    if not callable(forward) or not (backward is None or callable(backward)):
        raise ConfigError(
            f"layer: got {type(forward).__name__} and {type(backward).__name__}, need a forward "
            "and a backward function, or an object with forward and backward methods"
        )
    return partial(_functions, forward, backward, params, cache, hyper, wrt, name)


def can_prove() -> bool:
    """Whether true gradients are proved; without python-flint they are found by differences only.

    Of one report, `report.proved` says it.
    """
    return balls.available


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
    args = pairs.arguments_of(_with_arrays(inputs), params, all_parameters(forward))
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
        finding = raised("forward", error)
        return Report(name, (finding,), ("GC001",), seed=options.seed, reproduce=text)
    subject.reproduce = text
    for other in others:
        try:
            subject.others.append(make(other))
        except Exception as error:
            subject.notes.append(f"other inputs were left out: {type(error).__name__}: {error}")
    return examine(subject, options)


@alone
def vjp(
    f: Function, f_vjp: Function, args: Inputs, *, wrt: Wrt = None,
    cotangents: Cotangents = None, seed: int = 0, select: Codes = (), ignore: Codes = (),
    probes: bool = True, name: str = "",
) -> Report:  # fmt: skip
    """The report on a hand-written vector-Jacobian product of f, or gradient.

    f_vjp is what jax.vjp is to f, f_vjp(*args) -> (out, pullback), as in jax's check_vjp; or
    f_vjp(dout, *args) -> gradients; or the gradient of a scalar f: f_vjp(*args) -> gradients.
    """
    options = options_of(seed, select, ignore, cotangents, probes)
    given = args if isinstance(args, (tuple, list)) else (args,)
    arguments = Arguments(with_axes(given), all_parameters(f))
    subject = _vjp_subject(f, f_vjp, arguments, wrt, name)
    subject.reproduce = f"check.vjp({called(f)}, {called(f_vjp)}, args, seed={seed})"
    return examine(subject, options)


def _vjp_subject(f: Any, f_vjp: Any, args: Arguments, wrt: Any, name: str) -> Subject:
    n = len(args.args)
    takes = required(f_vjp)
    if takes and len(takes) > n:
        return pairs.pair(f, f_vjp, args, wrt=wrt, name=name, cache=False)
    with quiet():
        result = f_vjp(*args.filled([], []))
    if isinstance(result, tuple) and len(result) == 2 and callable(result[1]):
        return pairs.pair(_with_pull(f, f_vjp), _apply, args, wrt=wrt, name=name or called(f))
    return pairs.loss(_with_gradient(f, f_vjp), args, wrt=wrt, name=name or called(f))


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


@alone
def jvp(
    f: Function, f_jvp: Function, args: Inputs, *, seed: int = 0,
    select: Codes = (), ignore: Codes = (), name: str = "",
) -> Report:  # fmt: skip
    """The report on a hand-written Jacobian-vector product of f.

    f_jvp(primals, tangents) -> (out, tangent of out), as jax.jvp(f, primals, tangents); or
    f_jvp(*args, *tangents) -> tangent of out.
    """
    options = options_of(seed, select, ignore, None, False)
    given = args if isinstance(args, (tuple, list)) else (args,)
    return directional.jvp_report(f, f_jvp, with_axes(given), options, name or called(f))


@alone
def dot_product_test(
    f_jvp: Function, f_vjp: Function, args: Inputs, *, seed: int = 0, draws: int = 4,
    name: str = "",
) -> Report:  # fmt: skip
    """The report on ⟨v, J u⟩ = ⟨Jᵀ v, u⟩: that a jvp and a vjp are each other's transpose.

    No reference is needed: both may still be derivatives of another function. The forms of f_jvp
    and f_vjp are those of check.jvp and check.vjp; a linear map and its adjoint, called with one
    array each, are the simplest. Claerbout (1985), Imaging the Earth's Interior, section 5.
    """
    given = args if isinstance(args, (tuple, list)) else (args,)
    return directional.dot_product(
        f_jvp, f_vjp, with_axes(given), seed, draws, name or called(f_vjp)
    )


@alone
def taylor_test(
    f: Function, grad: Function | Inputs, x: Inputs, direction: Inputs | None = None, *,
    seed: int = 0, name: str = "",
) -> Report:  # fmt: skip
    """The report on |f(x + h·d) - f(x) - h·⟨grad, d⟩|, which falls as h² if grad is right.

    f returns one number; grad is an array or a function of x. The remainders and the rates, 2 for
    a right gradient and 1 for a wrong one, are in `report.findings[0].data`. Needs no tolerance and
    no derivative from elsewhere: Farrell et al., SIAM J. Sci. Comput. 35 (2013), section 3.
    """
    return directional.taylor(f, grad, x, direction, seed, name or called(f))
