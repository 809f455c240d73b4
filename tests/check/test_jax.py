"""JAX's custom_vjp and custom_jvp as subjects of the checker."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from microgradnn import check
from microgradnn.check.files.discover import find

X, Y = np.random.default_rng(3).normal(size=(2, 2, 3))


@jax.custom_vjp
def product(x, y):
    return jnp.sin(x) * y


product.defvjp(
    lambda x, y: (product(x, y), (x, y)),
    lambda kept, g: (g * jnp.cos(kept[0]) * kept[1], g * jnp.sin(kept[0])),
)


@jax.custom_vjp
def no_factor(x, y):
    return jnp.sin(x) * y


no_factor.defvjp(
    lambda x, y: (no_factor(x, y), (x, y)),
    lambda kept, g: (g * jnp.cos(kept[0]), g * jnp.sin(kept[0])),
)


@jax.custom_vjp
def not_linear(x):
    return jnp.sin(x)


not_linear.defvjp(lambda x: (not_linear(x), x), lambda x, g: (jnp.abs(g) * jnp.cos(x),))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def dense(c, params):
    return {"out": c * (params["w"] @ params["b"])}


dense.defvjp(
    lambda c, params: (dense(c, params), params),
    lambda c, params, g: (
        {"w": c * jnp.outer(g["out"], params["b"]), "b": c * (params["w"].T @ g["out"])},
    ),
)


@jax.custom_jvp
def softplus(x):
    return jnp.log(1.0 + jnp.exp(x))


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return softplus(x), t / (1 + jnp.exp(-x))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def power(x, n):
    return x**n


@power.defjvp
def power_jvp(n, primals, tangents):
    (x,), (t,) = primals, tangents
    return power(x, n), x ** (n - 1) * t  # n is missing


@jax.custom_vjp
def zeros_known(x, y):
    return x * y


def zeros_known_fwd(x, y):
    return zeros_known(x.value, y.value), (x.value, y.value)


def zeros_known_bwd(kept, g):
    if isinstance(g, jax.custom_derivatives.SymbolicZero):
        return g, g
    return g * kept[1], g * kept[0]


zeros_known.defvjp(zeros_known_fwd, zeros_known_bwd, symbolic_zeros=True)


@jax.custom_vjp
def reverse(x):
    return x


reverse.defvjp(lambda x: (x, None), lambda kept, g: (-g,))

DENSE = 0.7, {"w": X, "b": Y[0]}
CASES = [
    (product, (X, Y), "PASS", ""), (dense, DENSE, "PASS", ""), (softplus, (X,), "PASS", ""),
    (zeros_known, (X, Y), "PASS", ""), (no_factor, (X, Y), "FAIL", "GC201"),
    (not_linear, (X,), "FAIL", "GC102"), (power, (X**2 + 0.1, 3), "FAIL", "GC201"),
    (reverse, (X,), "CONVENTION", "GC209"),
]  # fmt: skip


@pytest.mark.parametrize("f, inputs, verdict, code", CASES, ids=[c[0].__name__ for c in CASES])
def test_rules_are_judged(f, inputs, verdict, code):
    report = check.layer(f, inputs, probes=False)
    assert report.verdict == verdict, str(report)
    assert not code or code in [found.code for found in report.findings]


def test_names_of_leaves_and_of_the_mistake():
    assert list(check.layer(dense, DENSE, probes=False).methods) == ["w", "b"]
    named = [f for f in check.layer(power, (X**2 + 0.1, 3), probes=False).findings]
    assert "it is 1/3 times the true gradient everywhere" in "".join(f.message for f in named)


def test_found_in_a_module(load):
    module = load(
        """
        import jax
        import jax.numpy as jnp

        @jax.custom_jvp
        def double(x):
            return 2 * x

        @double.defjvp
        def double_jvp(primals, tangents):
            return double(*primals), 2 * tangents[0]

        @jax.custom_vjp
        def triple(x):
            return 3 * x

        triple.defvjp(lambda x: (triple(x), None), lambda kept, g: (3 * g,))
        """
    )
    assert [(f.name, f.style) for f in find(module)] == [("double", "jax"), ("triple", "jax")]
