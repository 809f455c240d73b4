"""One step of gradient descent in each framework and form, as its own users write it.

Each maker gives a Form: a function without arguments that takes one step and waits until it
is done, and one that gives the parameters, so that a test can see that all take the same step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn

from . import moons
from .cases import MOONS, Case, flops

Params = Callable[[], list[Any]]
Form = tuple[Callable[[], Any], Params]


# ---- microgradnn ---------------------------------------------------------------------------------


def _net(case: Case) -> tuple[Any, Any, Any]:
    net = nn.MLP(case.widths[0], list(case.widths[1:]), case.activation, dtype=case.dtype)
    for p, start in zip(net.parameters(), case.start(), strict=True):
        p.data[...] = start
    losses = {
        "bce": mg.binary_cross_entropy_with_logits, "mse": mg.mse_loss, "ce": mg.cross_entropy,
    }  # fmt: skip
    return net, mg.optim.SGD(net.parameters(), case.lr), losses[case.loss]


def _ours(case: Case) -> Form:
    (net, optimizer, loss_of), (x, y) = _net(case), case.data()

    def step() -> None:
        loss = loss_of(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, lambda: [p.data for p in net.parameters()]


def _ours_compiled(backend: Any) -> Callable[[Case], Form]:
    def make(case: Case) -> Form:
        (net, optimizer, loss_of), (x, y) = _net(case), case.data()
        compiled = mg.compile(net, loss=loss_of, optimizer=optimizer, backend=backend)
        return (lambda: compiled(x, y)), lambda: [p.data for p in net.parameters()]

    return make


# ---- NumPy: by hand, and the matrix products alone -----------------------------------------------


def _by_hand(case: Case) -> Form:
    """Backpropagation as a textbook writes it."""
    params, (x, y) = case.start(), case.data()
    n, act = len(params) // 2, case.activation

    def step() -> None:
        kept = [x]
        for i in range(n):
            h = kept[-1] @ params[2 * i] + params[2 * i + 1]
            last = i == n - 1 or act == "identity"
            kept.append(h if last else np.tanh(h) if act == "tanh" else np.maximum(h, 0))
        g = _slope(case.loss, kept[-1], y)
        for i in range(n - 1, -1, -1):
            dw, db = kept[i].T @ g, g.sum(0)
            if i:
                g = g @ params[2 * i].T
                g = g * (1 - kept[i] ** 2) if act == "tanh" else g * (kept[i] > 0)
            params[2 * i] -= case.lr * dw
            params[2 * i + 1] -= case.lr * db

    return step, lambda: params


def _slope(loss: str, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    if loss == "mse":
        return 2 * (z - y) / z.size
    if loss == "bce":
        return (1 / (1 + np.exp(-z)) - y) / z.size
    e = np.exp(z - z.max(1, keepdims=True))
    e /= e.sum(1, keepdims=True)
    e[np.arange(len(y)), y] -= 1
    return e / len(y)


def _products(case: Case) -> Form:
    """Only the matrix products of a step, into arrays that are there."""
    weights, (x, _) = case.start()[::2], case.data()
    h = [x] + [np.ones((case.batch, w.shape[1]), case.dtype) for w in weights]
    out = [np.empty_like(a) for a in h]
    dw = [np.empty_like(w) for w in weights]

    def step() -> None:
        for i, w in enumerate(weights):
            np.matmul(h[i], w, out[i + 1])
        for i in range(len(weights) - 1, -1, -1):
            np.matmul(h[i].T, h[i + 1], dw[i])
            if i:
                np.matmul(h[i + 1], weights[i].T, out[i])

    return step, list


# ---- PyTorch -------------------------------------------------------------------------------------


TORCH_LOSS = {"bce": "binary_cross_entropy_with_logits", "mse": "mse_loss", "ce": "cross_entropy"}


def _torch(compiled: bool) -> Callable[[Case], Form]:
    def make(case: Case) -> Form:
        import torch

        params = [torch.tensor(p, requires_grad=True) for p in case.start()]
        optimizer = torch.optim.SGD(params, case.lr)
        x, y = map(torch.from_numpy, case.data())
        act: Any = {"tanh": torch.tanh, "relu": torch.relu}.get(case.activation)
        loss_of = getattr(torch.nn.functional, TORCH_LOSS[case.loss])

        def forward() -> Any:
            h = x
            for i in range(0, len(params), 2):
                h = (h if i == 0 else act(h)) @ params[i] + params[i + 1]
            return loss_of(h, y)

        run = torch.compile(forward) if compiled else forward

        def step() -> None:
            loss = run()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step, lambda: [p.detach().numpy() for p in params]

    return make


# ---- TensorFlow ----------------------------------------------------------------------------------


def _tensorflow(**how: Any) -> Callable[[Case], Form]:
    def make(case: Case) -> Form:
        import tensorflow as tf

        params = [tf.Variable(p) for p in case.start()]
        x, y = map(tf.constant, case.data())
        act = {"identity": tf.identity, "tanh": tf.tanh, "relu": tf.nn.relu}[case.activation]
        losses = {
            "bce": lambda z: tf.nn.sigmoid_cross_entropy_with_logits(y, z),
            "mse": lambda z: tf.square(z - y),
            "ce": lambda z: tf.nn.sparse_softmax_cross_entropy_with_logits(y, z),
        }

        def step() -> Any:
            with tf.GradientTape() as tape:
                h = x
                for i in range(0, len(params), 2):
                    h = (h if i == 0 else act(h)) @ params[i] + params[i + 1]
                loss = tf.reduce_mean(losses[case.loss](h))
            for p, g in zip(params, tape.gradient(loss, params), strict=True):
                p.assign_sub(case.lr * g)
            return loss

        return tf.function(step, **how) if how else step, lambda: [p.numpy() for p in params]

    return make


# ---- JAX, HIPS autograd --------------------------------------------------------------------------


def _loss_in(xp: Any, case: Case, y: Any) -> Callable[[Any, Any], Any]:
    """The loss of parameters and inputs in the words of NumPy."""
    act = {"identity": lambda h: h, "tanh": xp.tanh, "relu": lambda h: xp.maximum(h, 0)}
    rows = np.arange(case.batch)

    def loss(params: Any, x: Any) -> Any:
        h = x
        for i in range(0, len(params), 2):
            h = xp.dot(h if i == 0 else act[case.activation](h), params[i]) + params[i + 1]
        if case.loss == "mse":
            return xp.mean((h - y) ** 2)
        if case.loss == "bce":
            return xp.mean(xp.maximum(h, 0) - h * y + xp.log1p(xp.exp(-xp.abs(h))))
        top = xp.max(h, axis=1, keepdims=True)
        total = xp.log(xp.sum(xp.exp(h - top), axis=1)) + top[:, 0]
        return xp.mean(total - h[rows, y])

    return loss


def _jax(case: Case) -> Form:
    import jax

    jax.config.update("jax_enable_x64", case.dtype == "float64")  # type: ignore[no-untyped-call]
    import jax.numpy as jnp

    x, y = case.data()
    grad = jax.value_and_grad(_loss_in(jnp, case, jnp.asarray(y)))

    def update(params: Any, x: Any) -> Any:
        loss, gs = grad(params, x)
        return loss, [p - case.lr * g for p, g in zip(params, gs, strict=True)]

    jitted, held = jax.jit(update), [jnp.asarray(p) for p in case.start()]
    inputs = jnp.asarray(x)

    def step() -> None:
        nonlocal held
        loss, held = jitted(held, inputs)
        loss.block_until_ready()

    return step, lambda: [np.asarray(p) for p in held]


def _hips(case: Case) -> Form:
    import autograd
    import autograd.numpy as anp

    params, (x, y) = case.start(), case.data()
    grad = autograd.value_and_grad(_loss_in(anp, case, y))

    def step() -> None:
        _, gs = grad(params, x)
        for p, g in zip(params, gs, strict=True):
            p -= case.lr * g

    return step, lambda: params


# Name: (the packages that it needs, its maker).
FORMS: dict[str, tuple[tuple[str, ...], Callable[[Case], Form]]] = {
    "microgradnn": ((), _ours),
    "microgradnn compiled": ((), _ours_compiled("numpy")),
    "microgradnn loops": (("numba",), _ours_compiled("numba")),
    "NumPy by hand": ((), _by_hand),
    "matrix products alone": ((), _products),
    "torch": (("torch",), _torch(False)),
    "torch.compile": (("torch",), _torch(True)),
    "tf eager": (("tensorflow",), _tensorflow()),
    "tf.function": (("tensorflow",), _tensorflow(reduce_retracing=True)),
    "tf.function XLA": (("tensorflow",), _tensorflow(jit_compile=True)),
    "jax.jit": (("jax",), _jax),
    "HIPS autograd": (("autograd",), _hips),
    "scalar.MLP": ((), moons.scalar_mlp),
    "micrograd's nn on our Value": (("micrograd",), moons.micrograd_on_ours),
    "micrograd": (("micrograd",), moons.micrograd),
}
OF_SINGLE_NUMBERS = ("scalar.MLP", "micrograd's nn on our Value", "micrograd")
SLOW_TO_START = ("torch.compile",)  # compiles C++ for up to a minute: timed if it is asked for
LARGEST_LOOP = 10**6  # flops of a step; above, loops are not for it


def fits(form: str, case: Case) -> bool:
    """Whether a form is timed on a case."""
    if (form in OF_SINGLE_NUMBERS) != (case == MOONS):
        return False
    return form != "microgradnn loops" or flops(case) <= LARGEST_LOOP
