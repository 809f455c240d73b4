"""Errors of a transform begin with its own name, whichever transform it is made of."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.errors import MicrogradError

ONE = np.array([1.0, 2.0])

# How each is called with one argument x, and (where it has them) with other argnums and has_aux.
CALLED: dict[str, Callable[..., Any]] = {
    "grad": lambda f, x, **how: mg.grad(f, **how)(x),
    "value_and_grad": lambda f, x, **how: mg.value_and_grad(f, **how)(x),
    "elementwise_grad": lambda f, x, **how: mg.elementwise_grad(f, **how)(x),
    "jacrev": lambda f, x, **how: mg.jacrev(f, **how)(x),
    "jacfwd": lambda f, x, **how: mg.jacfwd(f, **how)(x),
    "hessian": lambda f, x, **how: mg.hessian(f, **how)(x),
    "vjp": lambda f, x, **how: mg.vjp(f, x, **how)[1](np.ones(2)),
    "jvp": lambda f, x, **how: mg.jvp(f, (x,), (np.ones_like(ONE),), **how),
    "linearize": lambda f, x: mg.linearize(f, x)[1](np.ones(2)),
    "hvp": lambda f, x: mg.hvp(f, x, np.ones(2)),
}
SCALAR = ("grad", "value_and_grad", "hvp")  # of functions whose result is one number
COTANGENTS: dict[str, Callable[[Any], Any]] = {
    "vjp": lambda given: mg.vjp(lambda x: x * x, ONE)[1](given),
    "jvp": lambda given: mg.jvp(lambda x: x * x, (ONE,), (given,)),
    "linearize": lambda given: mg.linearize(lambda x: x * x, ONE)[1](given),
    "hvp": lambda given: mg.hvp(lambda x: mg.sum(x * x), ONE, given),
}


def total(x: Any) -> Any:
    return mg.sum(x * x)


def refused(name: str, call: Callable[[], Any]) -> None:
    with pytest.raises(MicrogradError) as caught:
        call()
    assert str(caught.value).startswith(f"{name}: ")


def shown(x: Any) -> str:
    """A name for a test that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(x))


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize(
    "x", [3, True, "x", np.array([1, 2]), {"a": 1}, [1.0, object()]], ids=shown
)
def test_of_an_argument(name: str, x: Any) -> None:
    refused(name, lambda: CALLED[name](total, x))


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("y", ["y", object(), [1.0, "y"]], ids=lambda y: type(y).__name__)
def test_of_a_result(name: str, y: Any) -> None:
    refused(name, lambda: CALLED[name](lambda x: y, ONE))


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize(
    "y", [lambda x: x, lambda x: (x, x), lambda x: 3, lambda x: True, lambda x: None]
)
def test_of_a_result_that_is_not_one_float(name: str, y: Any) -> None:
    refused(name, lambda: CALLED[name](y, ONE))


@pytest.mark.parametrize("name", ["jacrev", "jacfwd", "hessian"])
def test_of_an_integer_result(name: str) -> None:
    refused(name, lambda: CALLED[name](lambda x: 3, ONE))


@pytest.mark.parametrize(
    "name", ["grad", "value_and_grad", "elementwise_grad", "jacrev", "jacfwd", "hessian"]
)
@pytest.mark.parametrize("argnums", [1, -2, (0, 1), (0, 0), "x", 1.5, None, [None], {0}], ids=shown)
def test_of_argnums(name: str, argnums: Any) -> None:
    refused(name, lambda: CALLED[name](total, ONE, argnums=argnums))


@pytest.mark.parametrize(
    "name", ["grad", "value_and_grad", "jacrev", "jacfwd", "hessian", "vjp", "jvp"]
)
@pytest.mark.parametrize("y", [lambda x: mg.sum(x), lambda x: (x, x, x), lambda x: [x, x]])
def test_of_has_aux(name: str, y: Any) -> None:
    refused(name, lambda: CALLED[name](y, ONE, has_aux=True))


@pytest.mark.parametrize("name", COTANGENTS)
@pytest.mark.parametrize(
    "given", [np.ones(3), "x", None, {"a": 1.0}, np.ones((2, 1)), object()], ids=shown
)
def test_of_cotangents_and_tangents(name: str, given: Any) -> None:
    refused(name, lambda: COTANGENTS[name](given))


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("f", [3, None, "sin", ONE], ids=shown)
def test_of_what_is_no_function(name: str, f: Any) -> None:
    refused(name, lambda: CALLED[name](f, ONE))


AUTOGRAD: dict[str, Callable[..., Any]] = {
    "autograd.grad": lambda y, x, g=None: mg.autograd.grad(y, x, g),
    "autograd.backward": lambda y, x, g=None: mg.autograd.backward(y, g),
}


@pytest.mark.parametrize("name", AUTOGRAD)
@pytest.mark.parametrize("given", [None, np.ones(3), "x", (1.0, 2.0), {"a": 1.0}], ids=shown)
def test_of_cotangents_in_pytorchs_words(name: str, given: Any) -> None:
    x = mg.tensor(ONE, requires_grad=True)
    refused(name, lambda: AUTOGRAD[name](x * x, x, given))


@pytest.mark.parametrize("name", AUTOGRAD)
@pytest.mark.parametrize("y", [3, None, "y", ONE, (), mg.tensor(ONE)], ids=shown)
def test_of_outputs_in_pytorchs_words(name: str, y: Any) -> None:
    x = mg.tensor(ONE, requires_grad=True)
    refused(name, lambda: AUTOGRAD[name](y, x))
