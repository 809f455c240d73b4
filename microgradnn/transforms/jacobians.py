"""Whole matrices of derivatives, made of pullbacks and pushforwards: jacrev, jacfwd, hessian, hvp.

The result has the form of f's result, and in place of each of its leaves the form of the arguments:
shape (*shape of the output, *shape of the input), as in JAX.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from .. import functions
from ..engine.node import plain
from ..errors import DTypeError
from . import tree
from .call import Argnums, Call, need_function, select, single
from .derivatives import P, grad_of, vjp_of

X = TypeVar("X")


def jacrev(f: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the Jacobian of f, one backward pass for each output number.

    For few outputs of many inputs. With has_aux f returns (result, anything), and so does it.
    """
    return _jacrev("jacrev", f, argnums, has_aux)


def jacfwd(f: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the Jacobian of f, one forward pass for each input number.

    For many outputs of few inputs. With has_aux f returns (result, anything), and so does it.
    """
    return _jacfwd("jacfwd", f, argnums, has_aux)


def hessian(f: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the matrix of second derivatives: forward over reverse mode."""
    return _jacfwd("hessian", _jacrev("hessian", f, argnums, has_aux), argnums, has_aux)


def _jacrev(name: str, f: Callable[P, Any], argnums: Argnums, has_aux: bool) -> Callable[P, Any]:
    need_function(name, f)

    def jacobian(*args: P.args, **kwargs: P.kwargs) -> Any:
        of_wanted, wanted = select(name, f, argnums, args, kwargs)
        value, pull, *aux = vjp_of(name, of_wanted, wanted, has_aux)
        outputs, inputs = tree.leaves(value), tree.leaves(tuple(wanted))
        blocks = []
        for i, y in enumerate(outputs):
            rows = [
                tree.leaves(pull(tree.rebuild(value, seed))) for seed in _units(name, outputs, i)
            ]
            per_input = [_rows([row[k] for row in rows], y, x) for k, x in enumerate(inputs)]
            blocks.append(_like_arguments(wanted, argnums, per_input))
        result = tree.rebuild(value, iter(blocks))
        return (result, aux[0]) if has_aux else result

    return jacobian


def _jacfwd(name: str, f: Callable[P, Any], argnums: Argnums, has_aux: bool) -> Callable[P, Any]:
    need_function(name, f)

    def jacobian(*args: P.args, **kwargs: P.kwargs) -> Any:
        of_wanted, wanted = select(name, f, argnums, args, kwargs)
        call = Call(name, of_wanted, wanted, has_aux)
        value = call.value()
        outputs, inputs = tree.leaves(value), tree.leaves(tuple(wanted))
        for y in outputs:
            _need_real(name, "output", y)
        columns = [
            [
                tree.leaves(call.push(tree.rebuild(tuple(wanted), seed)))
                for seed in _units(name, inputs, k)
            ]
            for k in range(len(inputs))
        ]
        blocks = []
        for i, y in enumerate(outputs):
            per_input = [_columns([c[i] for c in columns[k]], y, x) for k, x in enumerate(inputs)]
            blocks.append(_like_arguments(wanted, argnums, per_input))
        result = tree.rebuild(value, iter(blocks))
        return (result, call.aux) if has_aux else result

    return jacobian


def hvp(f: Callable[..., Any], primals: X, tangents: X) -> X:
    """The Hessian of f at primals times tangents, without the Hessian: about two gradients.

    primals and tangents are tuples, one entry for each argument, and so is the result; for a
    function of one argument they may be that argument itself.
    """
    if not isinstance(primals, (tuple, list)):
        return Call("hvp", grad_of("hvp", f, 0), (primals,), False).push((tangents,))
    every, directions = tuple(range(len(primals))), cast(Sequence[Any], tangents)
    return cast(X, Call("hvp", grad_of("hvp", f, every), primals, False).push(directions))


def elementwise_grad(f: Callable[P, Any], argnums: Argnums = 0) -> Callable[P, Any]:
    """A function that returns d(sum of f's result)/d(argument).

    For f that works element by element that is its derivative at each element.
    """
    need_function("elementwise_grad", f)

    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        of_wanted, wanted = select("elementwise_grad", f, argnums, args, kwargs)
        value, pull = vjp_of("elementwise_grad", of_wanted, wanted, False)
        gs = pull(tree.map_leaves(lambda y: _filled(y, 1), value))
        return gs[0] if single(argnums) else gs

    return gradient


def _filled(x: Any, number: int) -> Any:
    """The number in the form of x: an array, or a number that any type can be multiplied with."""
    raw = plain(x)
    if hasattr(raw, "dtype"):
        return np.full(raw.shape, number, raw.dtype)
    return float(number) if isinstance(raw, float) else number


def _need_real(name: str, what: str, x: Any) -> None:
    kind = getattr(plain(x), "dtype", np.dtype(type(x) if isinstance(x, (bool, int)) else "O"))
    if kind.kind not in "fO":
        raise DTypeError(f"{name}: an {what} is {kind}, which has no derivative")


def _units(name: str, leaves: Sequence[Any], i: int) -> Iterator[Iterator[Any]]:
    """For each number of leaf i: the leaves as zeros, with a one there."""
    _need_real(name, "output", leaves[i])
    zeros = [_filled(x, 0) for x in leaves]
    for at in np.ndindex(np.shape(plain(leaves[i]))):
        unit = _filled(leaves[i], 1)
        if isinstance(unit, np.ndarray):
            unit = zeros[i].copy()
            unit[at] = 1
        yield iter([unit if k == i else z for k, z in enumerate(zeros)])


def _rows(parts: list[Any], y: Any, x: Any) -> Any:
    """The gradients of the numbers of y as one array (*y.shape, *x.shape)."""
    return _assembled(parts, (*np.shape(plain(y)), *np.shape(plain(x))), 0, x)


def _columns(parts: list[Any], y: Any, x: Any) -> Any:
    """The tangents for each number of x as one array (*y.shape, *x.shape)."""
    return _assembled(parts, (*np.shape(plain(y)), *np.shape(plain(x))), -1, y)


def _assembled(parts: list[Any], shape: tuple[int, ...], axis: int, like: Any) -> Any:
    if not shape:
        return parts[0]
    if not parts:
        return np.zeros(shape, getattr(plain(like), "dtype", None))
    return functions.reshape(functions.stack(parts, axis), shape)


def _like_arguments(wanted: list[Any], argnums: Argnums, leaves: list[Any]) -> Any:
    form = tree.rebuild(tuple(wanted), iter(leaves))
    return form[0] if single(argnums) else form
