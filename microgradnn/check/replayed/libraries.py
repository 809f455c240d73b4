"""Optimisers of PyTorch and Keras: a copy of each, on parameters of its own."""

import inspect
import sys
from functools import partial
from typing import Any

import numpy as np

from .hyper import DRAWN, numbers, read
from .session import Session, Start
from .variants import Arrays

DOUBLE = 1e-8  # PyTorch keeps some of its scalars in single precision
SINGLE = 1e-5  # what rounding is in single precision, in which Keras keeps its numbers


def ways(thing: Any) -> list[tuple[str, Start]]:
    """How an optimiser of a library is used; [] for what is none."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    kind = thing if inspect.isclass(thing) else type(thing)
    if torch is not None and issubclass(kind, torch.optim.Optimizer):
        return [("step()", partial(_torch, torch, thing))]
    if keras is not None and issubclass(kind, keras.optimizers.Optimizer):
        return [("apply()", partial(_keras, keras, thing))]
    return []


def _torch(torch: Any, thing: Any, start: Arrays) -> Session:
    """The same class with the same numbers, of the first group; the object itself is left alone."""
    params = [torch.nn.Parameter(torch.tensor(p, dtype=torch.float64)) for p in start]
    if inspect.isclass(thing):
        names = dict.fromkeys(list(inspect.signature(thing).parameters)[1:])
        options: dict[str, Any] = numbers(names, DRAWN)[1]
    else:
        takes = inspect.signature(type(thing)).parameters
        group = thing.param_groups[0]
        options = {n: x for n, x in group.items() if n in takes and n != "params"}
    kind: Any = thing if inspect.isclass(thing) else type(thing)
    made = kind(params, **options)

    def step(grads: Arrays, lr: float, k: int) -> Arrays:
        made.param_groups[0]["lr"] = lr
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g, dtype=torch.float64)
        made.step()
        return [p.detach().numpy().copy() for p in params]

    def state() -> dict[str, Any]:
        return {n: np.array(x.detach()) for n, x in made.state[params[0]].items()
                if hasattr(x, "detach")}  # fmt: skip

    return Session(step, read(made.param_groups[0]), state, exact=DOUBLE)


def _keras(keras: Any, thing: Any, start: Arrays) -> Session:
    made: Any
    if inspect.isclass(thing):
        made = thing(**numbers(dict.fromkeys(inspect.signature(thing).parameters), DRAWN)[1])
    else:
        made = type(thing).from_config(thing.get_config())
    params = [keras.Variable(p, dtype="float32") for p in start]
    made.build(params)

    def step(grads: Arrays, lr: float, k: int) -> Arrays:
        made.learning_rate = lr
        made.apply([keras.ops.convert_to_tensor(g, "float32") for g in grads], params)
        return [np.array(keras.ops.convert_to_numpy(p), float) for p in params]

    config = {n: x for n, x in made.get_config().items() if x is not None}
    return Session(step, read(config), exact=SINGLE)
