"""Whole matrices of derivatives, made of vjp and linearize: jacrev, jacfwd, hessian, hvp.

The result has the form of f's result, and in place of each of its leaves the form of the arguments:
shape (*shape of the output, *shape of the input), as in JAX.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import functions, tree
from .errors import DTypeError
from .node import plain
from .transforms import grad, jvp, linearize, select, vjp

Argnums = int | Sequence[int]


def jacrev(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """A function that returns the Jacobian of f, one backward pass for each output number.

    For few outputs of many inputs. With has_aux f returns (result, anything), and so does it.
    """

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_wanted, wanted = select("jacrev", f, argnums, args, kwargs)
        value, pull, *aux = vjp(of_wanted, *wanted, has_aux=has_aux)
        outputs, inputs = tree.leaves(value), tree.leaves(tuple(wanted))
        blocks = []
        for i, y in enumerate(outputs):
            rows = [tree.leaves(pull(tree.rebuild(value, seed))) for seed in _units(outputs, i)]
            per_input = [
                _assembled([row[k] for row in rows], np.shape(plain(y)), np.shape(plain(x)), 0)
                for k, x in enumerate(inputs)
            ]
            blocks.append(_like_arguments(wanted, argnums, per_input))
        result = tree.rebuild(value, iter(blocks))
        return (result, aux[0]) if has_aux else result

    return jacobian


def jacfwd(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """A function that returns the Jacobian of f, one forward pass for each input number.

    For many outputs of few inputs. With has_aux f returns (result, anything), and so does it.
    """

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_wanted, wanted = select("jacfwd", f, argnums, args, kwargs)
        kept: list[Any] = []

        def without_aux(*xs: Any) -> Any:
            result, aux = of_wanted(*xs)
            kept.append(tree.map_leaves(plain, aux))
            return result

        value, push = linearize(without_aux if has_aux else of_wanted, *wanted)
        outputs, inputs = tree.leaves(value), tree.leaves(tuple(wanted))
        columns = [
            [tree.leaves(push(*tree.rebuild(tuple(wanted), seed))) for seed in _units(inputs, k)]
            for k in range(len(inputs))
        ]
        blocks = []
        for i, y in enumerate(outputs):
            per_input = [
                _assembled([c[i] for c in columns[k]], np.shape(plain(x)), np.shape(plain(y)), -1)
                for k, x in enumerate(inputs)
            ]
            blocks.append(_like_arguments(wanted, argnums, per_input))
        result = tree.rebuild(value, iter(blocks))
        return (result, kept[0]) if has_aux else result

    return jacobian


def hessian(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """A function that returns the matrix of second derivatives: forward over reverse mode."""
    return jacfwd(jacrev(f, argnums, has_aux), argnums, has_aux)


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of f at primals times tangents, without the Hessian: about two gradients.

    primals and tangents are tuples, one entry for each argument, and so is the result; for a
    function of one argument they may be that argument itself.
    """
    if not isinstance(primals, (tuple, list)):
        return jvp(grad(f), (primals,), (tangents,))[1]
    return jvp(grad(f, argnums=tuple(range(len(primals)))), primals, tangents)[1]


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns d(sum of f's result)/d(argument).

    For f that works element by element that is its derivative at each element.
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        of_wanted, wanted = select("elementwise_grad", f, argnums, args, kwargs)
        value, pull = vjp(of_wanted, *wanted)
        gs = pull(tree.map_leaves(lambda y: np.ones(np.shape(plain(y)))[()], value))
        return gs[0] if isinstance(argnums, int) else gs

    return gradient


def _units(leaves: Sequence[Any], i: int) -> Iterator[Iterator[Any]]:
    """For each number of leaf i: the leaves as zeros, with a one there."""
    zeros = [np.zeros(np.shape(plain(x)), getattr(plain(x), "dtype", None)) for x in leaves]
    if zeros[i].dtype.kind not in "fO":
        raise DTypeError(f"jacobian: an output is {zeros[i].dtype}, which has no derivative")
    for at in np.ndindex(zeros[i].shape):
        unit = zeros[i].copy()
        unit[at] = 1
        yield iter([(unit if k == i else z)[()] for k, z in enumerate(zeros)])


def _assembled(parts: list[Any], outer: Any, inner: Any, axis: int) -> Any:
    """The parts, one for each number of shape `outer`, as one array with that shape at `axis`."""
    shape = (*outer, *inner) if axis == 0 else (*inner, *outer)
    if not shape:
        return parts[0]
    if not parts:
        return np.zeros(shape)
    return functions.reshape(functions.stack(parts, axis), shape)


def _like_arguments(wanted: list[Any], argnums: Argnums, leaves: list[Any]) -> Any:
    form = tree.rebuild(tuple(wanted), iter(leaves))
    return form[0] if isinstance(argnums, int) else form
