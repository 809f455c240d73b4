"""A layer of the zoo in the hands of other people's gradient checkers, which are the real ones.

Every layer's NumPy forward and backward are put into a torch.autograd.Function, a jax.custom_vjp
with pure_callback, a tf.custom_gradient. Only the rule of cs231n is written out here, because the
course gives its students those ten lines. Ours is called as a user would. A tool raises
AssertionError where it says that the gradients are wrong.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from microgradnn import check
from microgradnn.check import Report
from tests.check.zoo import Entry, Inputs
from tests.check.zoo.entry import assign


@contextmanager
def silence() -> Iterator[None]:
    """Without what foreign tools log, and the warnings of NumPy in what they call."""
    logging.disable()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


@dataclass(frozen=True)
class ZooLayer:
    """An entry at its inputs, as functions of the arrays that are differentiated."""

    entry: Entry
    inputs: Inputs

    @property
    def single(self) -> bool:
        """Whether its one output is a loss, whose cotangent is 1."""
        return self.entry.style in ("loss", "net")

    def arrays(self) -> list[np.ndarray]:
        return [np.array(a) for a in self.inputs.arrays()]

    def start(self, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], Callable[..., Any]]:
        """The forward's results, and the backward: cotangents to gradients.

        Objects run their forward again before each backward, so that one which adds up its
        gradients, rightly, is not called wrong.
        """
        run = self.entry.run(self.inputs.replaced(arrays))

        def back(douts: list[np.ndarray]) -> list[np.ndarray]:
            again = self.entry.build and self.entry.run(self.inputs.replaced(arrays))
            return (again or run).pull(*douts)

        return [np.array(out, float) for out in run.outs], back

    def outs(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return self.start(arrays)[0]


@silence()
def torch_gradcheck(layer: ZooLayer, seed: int, **options: bool) -> None:
    """torch.autograd.gradcheck with its defaults."""
    import torch
    from torch.autograd.gradcheck import GradcheckError

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            outs, ctx.back = layer.start([t.detach().numpy() for t in tensors])
            return tuple(torch.tensor(out) for out in outs)

        @staticmethod
        def backward(ctx: Any, *douts: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            grads = ctx.back([d.numpy() for d in douts])
            return tuple(None if g is None else torch.tensor(np.array(g, order="C")) for g in grads)

    torch.manual_seed(seed)
    tensors = [torch.tensor(a, requires_grad=True) for a in layer.arrays()]
    try:
        torch.autograd.gradcheck(Function.apply, tensors, **options)
    except GradcheckError as error:
        raise AssertionError(str(error)) from None


@silence()
def jax_check_grads(layer: ZooLayer, seed: int) -> None:
    """jax.test_util.check_grads in float64 and reverse mode, with its defaults."""
    import jax
    import jax.test_util

    check_grads: Any = jax.test_util.check_grads
    clear_caches: Any = jax.clear_caches  # neither has types

    def call(f: Callable[..., Any], like: list[np.ndarray], *args: Any) -> Any:
        """f of NumPy arrays, which JAX makes read-only."""
        made: Any = jax.ShapeDtypeStruct
        shapes = [made(a.shape, np.float64) for a in like]

        def on_numpy(*args: Any) -> Any:
            return f(*(list(map(np.asarray, arrays)) for arrays in args))

        return tuple(jax.pure_callback(on_numpy, shapes, *args))

    given, outs = layer.arrays(), layer.outs(layer.arrays())
    run = jax.custom_vjp(lambda *xs: call(layer.outs, outs, xs))
    run.defvjp(
        lambda *xs: (run(*xs), xs),
        lambda xs, douts: call(lambda xs, douts: layer.start(xs)[1](douts), given, xs, douts),
    )
    with jax.enable_x64(True):
        try:
            check_grads(run, given, order=1, modes=["rev"])
        finally:
            clear_caches()  # or each function is kept, compiled: gigabytes in the end


@silence()
def tf_compute_gradient(layer: ZooLayer, seed: int) -> None:
    """tf.test.compute_gradient and the maximum error that TensorFlow's own tests allow most often.

    The outputs are joined to one vector, because it takes functions with one output.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when tensorflow is imported
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*tensors: Any) -> Any:
        outs, back = layer.start([t.numpy() for t in tensors])
        ends = np.cumsum([out.size for out in outs])[:-1]

        def grad(dout: Any) -> Any:
            parts = zip(np.split(np.array(dout), ends), outs, strict=True)
            grads = back([part.reshape(out.shape) for part, out in parts])
            return [None if g is None else tf.convert_to_tensor(g) for g in grads]

        return tf.convert_to_tensor(np.concatenate([out.ravel() for out in outs])), grad

    jacobians = zip(*tf.test.compute_gradient(run, layer.arrays()), strict=True)
    error = max(np.max(np.abs(theirs - numeric)) for theirs, numeric in jacobians)
    assert error < 1e-4, f"max_error {error}"


@silence()
def cs231n(layer: ZooLayer, seed: int) -> None:
    """The notebooks' rule: eval_numerical_gradient_array, h = 1e-5, and rel_error below 1e-6."""
    rng = np.random.default_rng(seed)
    arrays, loss = layer.arrays(), layer.single
    shapes = [out.shape for out in layer.outs(layer.arrays())]
    douts = [np.ones(()) if loss else rng.standard_normal(shape) for shape in shapes]

    def numeric(x: np.ndarray) -> np.ndarray:
        """Of the array x, which it moves in place."""
        slope = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            old, ends = x[i], []
            for x[i] in (old + 1e-5, old - 1e-5):
                ends.append(layer.outs(arrays))
            x[i] = old
            slope[i] = sum(np.sum((p - n) * d) for p, n, d in zip(*ends, douts, strict=True)) / 2e-5
        return slope

    trues = [numeric(x) for x in arrays]
    for true, g in zip(trues, layer.start(arrays)[1](douts), strict=True):
        error = np.max(np.abs(true - g) / np.maximum(1e-8, np.abs(true) + np.abs(g)))
        assert error < 1e-6, f"rel_error {error}"


@silence()
def hips_check_grads(layer: ZooLayer, seed: int) -> None:
    """autograd.test_util.check_grads in reverse mode; the outputs are joined to one vector."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    np.random.seed(seed)
    given = layer.arrays()

    def run(*arrays: Any) -> Any:
        return np.concatenate([out.ravel() for out in layer.outs(list(arrays))])

    def pull(k: int) -> Callable[..., Any]:
        def vjp(ans: Any, *arrays: Any) -> Any:
            outs, back = layer.start([np.array(a) for a in arrays])
            ends = np.cumsum([out.size for out in outs])[:-1]

            def of(g: Any) -> Any:
                parts = zip(np.split(np.array(g), ends), outs, strict=True)
                return back([part.reshape(out.shape) for part, out in parts])[k]

            return of

        return vjp

    wrapped = primitive(run)
    defvjp(wrapped, *map(pull, range(len(given))))
    every = tuple(range(len(given)))  # its default is the first argument alone
    check_grads(wrapped, every, modes=["rev"], order=1)(*given)


@silence()
def scipy_check_grad(layer: ZooLayer, seed: int) -> None:
    """scipy.optimize.check_grad of a random projection, error < 1e-5 of the gradient's norm."""
    from scipy.optimize import check_grad

    rng = np.random.default_rng(seed)
    given, outs = layer.arrays(), layer.outs(layer.arrays())
    douts = [np.ones(()) if layer.single else rng.standard_normal(out.shape) for out in outs]
    ends = np.cumsum([a.size for a in given])[:-1]

    def arrays(x: np.ndarray) -> list[np.ndarray]:
        parts = zip(np.split(np.array(x), ends), given, strict=True)
        return [part.reshape(a.shape) for part, a in parts]

    def f(x: np.ndarray) -> float:
        return float(sum(np.sum(o * d) for o, d in zip(layer.outs(arrays(x)), douts, strict=True)))

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.ravel(g) for g in layer.start(arrays(x))[1](list(douts))])

    x = np.concatenate([a.ravel() for a in given])
    size = max(1.0, float(np.linalg.norm(gradient(x))))
    error = check_grad(f, gradient, x)
    assert error < 1e-5 * size, f"error {error}"


def report_of(layer: ZooLayer, seed: int) -> Report:
    """What check.layer says, with no more than a user gives it."""
    entry, inputs = layer.entry, layer.inputs.replaced(layer.arrays())
    args, first = tuple(inputs.args), entry.build() if entry.build else entry.forward
    for path, value in inputs.params.items():
        assign(first, path, value)
    if entry.build:
        return check.layer(first, args, seed=seed)
    return check.layer(first, entry.backward, args, seed=seed)


def ours(layer: ZooLayer, seed: int) -> None:
    """check.layer: what is right by a convention only counts as flagged."""
    report = report_of(layer, seed)
    assert report.ok and not report.conventional, str(report)


Tool = Callable[[ZooLayer, int], None]
TOOLS: dict[str, Tool] = {
    "torch gradcheck": torch_gradcheck,
    "torch fast_mode": partial(torch_gradcheck, fast_mode=True),
    "jax check_grads": jax_check_grads,
    "tf compute_gradient": tf_compute_gradient,
    "HIPS check_grads": hips_check_grads,
    "scipy check_grad": scipy_check_grad,
    "cs231n rule": cs231n,
    "microgradnn check": ours,
}
