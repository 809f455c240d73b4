"""python -m compare checkers: our zoo under the gradient checkers people use today.

How many wrong layers does each of them find, and how many right ones does it flag? The tools are
the real ones: every layer's NumPy forward and backward are put into a torch.autograd.Function, a
jax.custom_vjp with pure_callback, a tf.custom_gradient. Only the rule of cs231n is written out
here, because the course gives its students those ten lines. Ours is called as a user would.
The zoo of right and wrong layers is that of the tests, so this runs from a clone.

hard inputs      of right layers: every number -1, 0 or 1 (kinks and ties); all of them times 1e-3
                 and times 30; left out where the forward is not finite
found, flagged   the tool says no, or there is an exception ("crashed" counts these)
"""

import argparse
import itertools
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn import check
from microgradnn.atomic import write_atomically
from tests.check.zoo import RIGHT, WRONG, Entry, Inputs
from tests.check.zoo.entry import assign

# What a wrong entry shows if its gradients are right, but not the way it treats its arguments,
# its cotangent or its cache.
CONTRACT = {
    "mutates cotangent", "mutates input", "aliases", "random forward", "random backward",
    "not idempotent", "overwrites", "stale", "second forward", "strided",
}  # fmt: skip


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


# ---- a layer as other tools want it --------------------------------------------------------------


@dataclass(frozen=True)
class ZooLayer:
    """An entry at its inputs, as functions of the arrays that are differentiated."""

    entry: Entry
    inputs: Inputs

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


# ---- the tools: an AssertionError says that the gradients are wrong ------------------------------


@silence()
def torch_gradcheck(layer: ZooLayer, seed: int, **options: bool) -> None:
    """torch.autograd.gradcheck with its defaults."""
    import torch
    from torch.autograd.gradcheck import GradcheckError

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            outs, ctx.back = layer.start([t.detach().numpy() for t in tensors])
            return tuple(torch.tensor(out) for out in outs)

        @staticmethod
        def backward(ctx, *douts):
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

    def call(f, like, *args):
        """f of NumPy arrays, which JAX makes read-only."""
        shapes = [jax.ShapeDtypeStruct(a.shape, np.float64) for a in like]

        def on_numpy(*args):
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
            jax.test_util.check_grads(run, given, order=1, modes=["rev"])
        finally:
            jax.clear_caches()  # or each function is kept, compiled: gigabytes in the end


@silence()
def tf_compute_gradient(layer: ZooLayer, seed: int) -> None:
    """tf.test.compute_gradient and the maximum error that TensorFlow's own tests allow most often.

    The outputs are joined to one vector, because it takes functions with one output.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when tensorflow is imported
    import tensorflow as tf

    @tf.custom_gradient
    def run(*tensors):
        outs, back = layer.start([t.numpy() for t in tensors])
        ends = np.cumsum([out.size for out in outs])[:-1]

        def grad(dout):
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
    arrays, loss = layer.arrays(), layer.entry.style in ("loss", "net")
    shapes = [out.shape for out in layer.outs(layer.arrays())]
    douts = [np.ones(()) if loss else rng.standard_normal(shape) for shape in shapes]

    def numeric(x):
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


def ours(layer: ZooLayer, seed: int) -> None:
    """check.layer with no more than a user gives it."""
    entry, inputs = layer.entry, layer.inputs.replaced(layer.arrays())
    thing = [entry.forward, entry.backward] if entry.build is None else [entry.build()]
    for path, value in inputs.params.items():
        assign(thing[0], path, value)
    report = check.layer(*thing, tuple(inputs.args), seed=seed)
    assert report.ok and not report.conventional, str(report)


Tool = Callable[[ZooLayer, int], None]
TOOLS: dict[str, Tool] = {
    "torch gradcheck": torch_gradcheck,
    "torch fast_mode": partial(torch_gradcheck, fast_mode=True),
    "jax check_grads": jax_check_grads,
    "tf compute_gradient": tf_compute_gradient,
    "cs231n rule": cs231n,
    "microgradnn check": ours,
}


# ---- counting ------------------------------------------------------------------------------------

WRONG_ONES, CONTRACTS = "wrong gradients found", "broken contracts found"
RIGHT_ONES, HARD = "right ones flagged", "right ones flagged, hard inputs"


@dataclass
class Count:
    """How many of so many layers a tool rejected: which, and which of them by crashing."""

    total: int = 0
    rejected: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        crashed = f" ({len(self.crashed)} crashed)" if self.crashed else ""
        return f"{len(self.rejected)} of {self.total}{crashed}"

    def look(self, tool: Tool, layer: ZooLayer, seed: int, name: str) -> None:
        """Adds what a tool says of a layer."""
        self.total += 1
        np.random.seed(seed)
        try:
            tool(layer, seed)
        except Exception as error:  # of the tool, or of the layer in its hands
            self.rejected.append(name)
            if not isinstance(error, AssertionError):
                self.crashed.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")


def hard_inputs(entry: Entry, seed: int) -> Iterator[tuple[str, Inputs]]:
    """Inputs on kinks and ties, small and large ones, where the forward is finite."""
    rng = np.random.default_rng(seed)
    inputs = entry.make_inputs(rng)
    changes = {
        "kinks and ties": lambda a: rng.integers(-1, 2, a.shape).astype(float),
        "times 1e-3": lambda a: a * 1e-3,
        "times 30": lambda a: a * 30,
    }
    for name, change in changes.items():
        hard = inputs.replaced([change(a) for a in inputs.arrays()])
        with silence():
            outs = ZooLayer(entry, hard).outs(hard.arrays())
        if all(np.isfinite(out).all() for out in outs):
            yield f"{entry.name}, {name}", hard


def measure(tool: Tool, entries: list[Entry], seeds: int) -> tuple[dict[str, Count], float]:
    """A tool's counts over the entries, at as many inputs each as there are seeds; its seconds."""
    counts = {column: Count() for column in (WRONG_ONES, CONTRACTS, RIGHT_ONES, HARD)}
    start = time.perf_counter()
    for seed, entry in itertools.product(range(seeds), entries):
        column = CONTRACTS if entry.shows in CONTRACT else WRONG_ONES if entry.of else RIGHT_ONES
        inputs = entry.make_inputs(np.random.default_rng(seed))
        counts[column].look(tool, ZooLayer(entry, inputs), seed, entry.name)
        for name, hard in () if entry.of else hard_inputs(entry, seed):
            counts[HARD].look(tool, ZooLayer(entry, hard), seed, name)
    return counts, time.perf_counter() - start


def show(*cells: object) -> None:
    """Prints a line of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns 0."""
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m compare checkers", description=__doc__, formatter_class=how
    )
    parser.add_argument("--seeds", type=int, default=1, help="inputs of each entry")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), metavar="TOOL")
    parser.add_argument("--json", type=Path, metavar="FILE", help="which entries, by name")
    args = parser.parse_args(arguments)
    show("tool", WRONG_ONES, CONTRACTS, RIGHT_ONES, HARD, "seconds")
    show(*["---"] * 6)
    tools = {}
    for name in args.tools:
        measure(TOOLS[name], RIGHT[:1], 1)  # imports the tool, outside of its time
        counts, seconds = measure(TOOLS[name], RIGHT + WRONG, args.seeds)
        tools[name] = {column: asdict(count) for column, count in counts.items()}
        show(name, *counts.values(), f"{seconds:.0f}")
    if args.json:
        write_atomically(args.json, json.dumps(tools, indent=2))
    return 0
