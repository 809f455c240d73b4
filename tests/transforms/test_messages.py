"""What transforms say where they refuse: the exact texts, in one place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import autograd, grad, jvp, vjp
from microgradnn.errors import DTypeError, GradientError, ShapeError

from .. import messages
from .test_jacobians import CALLS

X = mg.tensor([1.0, 2.0], requires_grad=True)

test_messages = messages.table(
    (
        lambda: grad(lambda x: x)(3),
        DTypeError,
        "grad: an argument is int, which has no gradient; make it float (3.0)",
    ),
    (
        lambda: grad(lambda x: x)(np.array([1, 2])),
        DTypeError,
        "grad: an argument is int64, which has no gradient; make it float (3.0)",
    ),
    (
        lambda: grad(lambda x: x * 2)(np.ones(2)),
        ShapeError,
        "grad: f returned shape (2,), need one number; sum it, or use vjp",
    ),
    (
        lambda: grad(lambda x: (x, x))(1.0),
        ShapeError,
        "grad: f returned tuple, need one number; sum it, or use vjp",
    ),
    (
        lambda: grad(lambda x: x, argnums=2)(1.0),
        GradientError,
        "grad: argnums 2, but only 1 positional arguments came",
    ),
    (
        lambda: grad(lambda x: x, has_aux=True)(1.0),
        GradientError,
        "grad: has_aux=True needs f to return a pair (result, aux)",
    ),
    (
        lambda: grad(lambda x: "no")(1.0),
        DTypeError,
        "grad: f returned str, need numbers or arrays",
    ),
    (
        lambda: jvp(mg.sin, (1.0,), ()),
        ShapeError,
        "jvp: 1 primals but 0 tangents; give one for each",
    ),
    (
        lambda: jvp(mg.sin, (np.ones(2),), (np.ones(3),)),
        ShapeError,
        "jvp: a cotangent or tangent has shape (3,), expected (2,)",
    ),
    (
        lambda: vjp(mg.sin, np.ones(2))[1](np.ones(3)),
        ShapeError,
        "vjp: a cotangent or tangent has shape (3,), expected (2,)",
    ),
    (
        lambda: autograd.grad(X * X, X),
        GradientError,
        "autograd.grad: output has shape (2,), need a single number; pass gradient= or call .sum() first",
    ),
    (
        lambda: autograd.grad(X * X, X, np.ones(3)),
        ShapeError,
        "autograd.grad: gradient has shape (3,), output (2,)",
    ),
    (
        lambda: autograd.grad([X * X], X, [np.ones(2), np.ones(2)]),
        ShapeError,
        "autograd.grad: 1 outputs but 2 grad_outputs",
    ),
    (
        lambda: autograd.grad(X * X, X, [1.0, 2.0]),
        ShapeError,
        "autograd.grad: 1 outputs but 2 grad_outputs",
    ),
    (
        lambda: autograd.grad(mg.tensor(1.0), X),
        GradientError,
        "autograd.grad: output 0 does not require grad; make it with requires_grad=True, outside "
        "no_grad()",
    ),
    (
        lambda: autograd.grad([np.sum(X), 1.0], X),
        GradientError,
        "autograd.grad: output 1 does not require grad; make it with requires_grad=True, outside "
        "no_grad()",
    ),
    (
        lambda: autograd.grad(np.sum(X), [X, mg.tensor(1.0)]),
        GradientError,
        "autograd.grad: input 1 does not require grad; make it with requires_grad=True, outside "
        "no_grad()",
    ),
    (
        lambda: autograd.grad(np.sum(X), [X.data]),
        GradientError,
        "autograd.grad: input 0 does not require grad; make it with requires_grad=True, outside "
        "no_grad()",
    ),
    (
        lambda: autograd.backward(X * X),
        GradientError,
        "autograd.backward: output has shape (2,), need a single number; pass gradient= or call .sum() first",
    ),
    (
        lambda: autograd.backward([np.sum(X), X * X], [1.0, np.ones(3)]),
        ShapeError,
        "autograd.backward: gradient has shape (3,), output (2,)",
    ),
    (
        lambda: mg.tensor([1.0], name="t").sum().backward(),
        GradientError,
        "backward: a tensor does not depend on anything that requires grad; "
        "make the inputs with requires_grad=True, outside no_grad()",
    ),
    (
        lambda: mg.tensor(1.0, name="loss").backward(),
        GradientError,
        "backward: 'loss' does not depend on anything that requires grad; "
        "make the inputs with requires_grad=True, outside no_grad()",
    ),
)


# The same mistake in each of several transforms: what follows the name of the transform.
IN_EACH: list[tuple[list[str], Callable[..., Any], Any, dict[str, Any], type[Exception], str]] = [
    ([*CALLS], lambda x: x * x, 3, {}, DTypeError, "an argument is int, which has no gradient; make it float (3.0)"),
    ([*CALLS], lambda x: x * x, True, {}, DTypeError, "an argument is bool, which has no gradient; make it float (3.0)"),
    ([*CALLS], lambda x: x * x, np.array([1, 2]), {}, DTypeError, "an argument is int64, which has no gradient; make it float (3.0)"),
    ([*CALLS], lambda x: 1.0, "text", {}, DTypeError, "an argument is str, need numbers or arrays"),
    (["jacrev", "jacfwd", "elementwise_grad"], lambda x: "text", 3.0, {}, DTypeError, "f returned str, need numbers or arrays"),
    (["jacrev", "jacfwd", "hessian", "elementwise_grad"], lambda x: x, 3.0, {"argnums": 1}, GradientError, "argnums 1, but only 1 positional arguments came"),
    (["jacrev", "jacfwd", "hessian", "elementwise_grad"], lambda x: x, 3.0, {"argnums": (0, -2)}, GradientError, "argnums -2, but only 1 positional arguments came"),
    (["jacrev", "jacfwd", "hessian"], lambda x: x, 3.0, {"has_aux": True}, GradientError, "has_aux=True needs f to return a pair (result, aux)"),
    (["jacrev", "jacfwd"], lambda x: np.argmax(x), np.ones(2), {}, DTypeError, "an output is int64, which has no derivative"),
    (["jacrev", "jacfwd"], lambda x: x > 0, np.ones(2), {}, DTypeError, "an output is bool, which has no derivative"),
    (["hvp"], lambda x: x * x, np.ones(2), {}, ShapeError, "f returned shape (2,), need one number; sum it, or use vjp"),
]  # fmt: skip
REFUSED = [(name, *rest) for names, *rest in IN_EACH for name in names]


@pytest.mark.parametrize(
    ("name", "f", "x", "options", "error", "text"),
    REFUSED,
    ids=[f"{name}-{text[:24]}" for name, *_, text in REFUSED],
)
def test_the_same_mistake_is_named_by_each_transform(
    name: str, f: Any, x: Any, options: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        CALLS[name](f, x, **options)
    assert str(caught.value).partition(": ")[2] == text
