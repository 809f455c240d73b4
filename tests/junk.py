"""Nonsense for every public function: what a stranger, a typo or a broken program passes.

`targets()` walks the public modules, so that a new name is found by itself. `calls(rng, target)`
draws calls: sensible arguments of which one or two are replaced by junk, sometimes one too many,
one too few, or one under a wrong name.
"""

import datetime
import inspect
import math
from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import data, nn, optim, scalar, train
from microgradnn.engine.op import Op

from .calls import CALLS

INSIDE = set(
    """record fit fit_to spread fresh zeros lift on_numbers update_rule rates rate factors factor
    problems forward function step_one update add_weights initial choose times set_run go_on better
    stalled figure swap_out swap_in recast read values update_state state_of""".split()
)
"""Public by name, but called by the library's own parts only; layers are called, not forward."""


class Target(NamedTuple):
    """A public callable, and what makes it ready to be called (an object for a method)."""

    name: str
    """What is public: mg.sum, nn.Linear, Tensor.reshape."""
    make: Callable[[], Callable[..., Any]]


ROOMS: dict[str, Any] = {
    "mg": mg, "mg.linalg": mg.linalg, "mg.autograd": mg.autograd, "nn": nn, "nnf": nn.functional,
    "nn.init": nn.init, "nn.utils": nn.utils, "optim": optim, "lr_scheduler": optim.lr_scheduler,
    "schedules": optim.schedules, "train": train, "losses": train.losses,
    "metrics": train.metrics, "data": data, "scalar": scalar,
}  # fmt: skip
ELSEWHERE = {"load_mnist", "check_grads", "compile", "detect_anomaly"}
"""They fetch data, run for seconds, have tests of their own, or change a switch of the whole thread."""


def x23() -> Any:
    return mg.tensor(np.arange(1.0, 7.0).reshape(2, 3) / 4, requires_grad=True)


def net() -> Any:
    model = nn.Sequential(nn.Linear(3, 2, rng=np.random.default_rng(0)))
    model.compile("sgd", "mse")
    return model


def parameters() -> list[Any]:
    p = x23()
    p.grad = np.ones((2, 3))
    return [p]


def sgd() -> Any:
    return optim.SGD(parameters(), lr=0.1, momentum=0.9)


# What a parameter of this name may sensibly be: makers, since some of it is changed by a call.
SENSIBLE: dict[str, Callable[[], Any]] = {
    "shape": lambda: (2, 3), "newshape": lambda: (3, 2), "rng": lambda: np.random.default_rng(0),
    "axis": lambda: 0, "dim": lambda: 0, "axes": lambda: (1, 0), "dtype": lambda: np.float32,
    "params": parameters, "parameters": parameters, "optimizer": sgd, "lr": lambda: 0.1,
    "model": net, "module": net, "f": lambda: lambda x: x * 2, "fun": lambda: lambda x: x * 2,
    "func": lambda: lambda x: x * 2, "metrics": lambda: ["mae"], "loss": lambda: "mse",
    "epochs": lambda: 1, "batch_size": lambda: 2, "x": x23, "y": lambda: np.ones((2, 2)),
    "y_true": lambda: np.ones((2, 2)), "y_pred": lambda: np.full((2, 2), 0.25),
    "in_features": lambda: 3, "out_features": lambda: 2, "in_channels": lambda: 2,
    "out_channels": lambda: 2, "kernel_size": lambda: 1, "sizes": lambda: [3, 2],
    "num_features": lambda: 3, "num_classes": lambda: 2, "n_classes": lambda: 2, "p": lambda: 0.5,
    "milestones": lambda: [1, 2], "total_iters": lambda: 3, "step_size": lambda: 2,
    "T_max": lambda: 4, "lr_lambda": lambda: lambda e: 0.5, "n": lambda: 2, "verbose": lambda: 0,
    "embed_dim": lambda: 4, "num_heads": lambda: 2, "input_size": lambda: 3, "k": lambda: 1,
    "hidden_size": lambda: 2, "primals": lambda: (np.ones(2),), "tangents": lambda: (np.ones(2),),
    "schedulers": lambda: [optim.lr_scheduler.StepLR(sgd(), 2)], "reduction": lambda: "mean",
    "modules": lambda: {"a": nn.Linear(3, 2)}, "max_norm": lambda: 1.0, "scale_factor": lambda: 2,
    "outputs": lambda: x23().sum(), "inputs": x23, "step": lambda: 1, "epoch": lambda: 1,
    "nin": lambda: 3, "nout": lambda: 2, "nouts": lambda: [2, 1], "data": x23, "index": lambda: 0, "caller": lambda: "get",
    "num_embeddings": lambda: 4, "embedding_dim": lambda: 2, "num_groups": lambda: 1,
    "num_channels": lambda: 2, "normalized_shape": lambda: 3, "logs": lambda: {"loss": 0.5},
    "verbosity": lambda: 0, "hooks": lambda: [], "cb": lambda: lambda *a: None,
    "hook": lambda: lambda *a: None,
}  # fmt: skip


def a_tensor(*shape: int) -> Any:
    return mg.tensor(np.full(shape, 0.5), requires_grad=True)


def nested() -> list[Any]:
    inside: list[Any] = []
    for _ in range(3000):
        inside = [inside]
    return inside


def itself() -> list[Any]:
    a: list[Any] = []
    a.append(a)
    return a


class Empty:
    """An object that can do nothing."""


JUNK: dict[str, Callable[[], Any]] = {
    "None": lambda: None, "text": lambda: "text", "empty text": lambda: "", "bytes": lambda: b"x",
    "True": lambda: True, "nan": lambda: math.nan, "inf": lambda: math.inf, "-inf": lambda: -math.inf,
    "-1": lambda: -1, "0": lambda: 0, "7": lambda: 7, "-9": lambda: -9, "1.5": lambda: 1.5,
    "1e12": lambda: 10**12, "2**63": lambda: 2**63, "10**400": lambda: 10**400, "1j": lambda: 1j,
    "-2**40": lambda: -(2**40), "()": lambda: (), "[]": lambda: [], "{}": dict, "set": lambda: {1, 2},
    "(0, 0)": lambda: (0, 0), "(-5,)": lambda: (-5,), "(1e12, 1e12)": lambda: (10**12, 10**12),
    "(None, 'a')": lambda: (None, "a"), "ragged": lambda: [[1.0], [1.0, 2.0]], "(1.5,)": lambda: (1.5,),
    "empty": lambda: np.zeros(0), "empty rows": lambda: np.zeros((0, 3)),
    "5-d": lambda: np.ones((1, 2, 1, 3, 1)), "0-d": lambda: np.array(0.5), "vector": lambda: np.ones(7),
    "objects": lambda: np.array([None, "a"], object), "texts": lambda: np.array(["a", "b"]),
    "complex": lambda: np.ones((2, 3), complex), "dates": lambda: np.zeros(3, "M8[s]"),
    "records": lambda: np.zeros(2, "i4,f4"), "ints": lambda: np.arange(6).reshape(2, 3),
    "bools": lambda: np.ones((2, 3), bool), "nans": lambda: np.full((2, 3), np.nan),
    "masked": lambda: np.ma.masked_less(np.ones((2, 3)), 0), "np.int64": lambda: np.int64(3),
    "tensor": lambda: a_tensor(2, 3), "0-d tensor": lambda: a_tensor(), "tensor without":
    lambda: mg.tensor(np.ones((2, 3))), "empty tensor": lambda: a_tensor(0), "3-d tensor":
    lambda: a_tensor(2, 1, 4), "Value": lambda: mg.Value(0.5), "Values":
    lambda: [mg.Value(0.5), mg.Value(1.5)], "tensors": lambda: [a_tensor(2), a_tensor(2)],
    "tensors that differ": lambda: [a_tensor(2), a_tensor(3)], "array of Values":
    lambda: np.array([mg.Value(0.5)], object), "function": lambda: lambda *a, **k: a,
    "function of nothing": lambda: lambda: None, "class": lambda: Empty, "dict": lambda: dict,
    "object": Empty, "generator": lambda: (i for i in range(3)), "module": lambda: math,
    "slice": lambda: slice(None), "...": lambda: ..., "range": lambda: range(3), "dtype":
    lambda: np.dtype("f4"), "date": lambda: datetime.date(2020, 1, 1), "deep": nested, "itself":
    itself, "layer": lambda: nn.Linear(3, 2), "optimiser": sgd, "keys": lambda: {"a": 1, 2: "b"},
}  # fmt: skip


def _objects() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Things whose methods are public, by name."""
    yield "Tensor", x23
    yield "Value", lambda: mg.Value(0.5)
    yield "Sequential", net
    for room in (nn, optim, optim.lr_scheduler, train, scalar, train.metrics):
        for name in public(room):
            kind = getattr(room, name)
            if inspect.isclass(kind) and name not in ("Tensor", "Value", "Sequential"):
                yield name, lambda kind=kind: made(kind)


def public(room: Any) -> list[str]:
    names = getattr(room, "__all__", None)
    if names is None:
        names = [
            n
            for n, v in vars(room).items()
            if n[0] != "_" and str(getattr(v, "__module__", "")).startswith("microgradnn.")
        ]
    return sorted(names)


def made(kind: Any) -> Any:
    """An object of the class, from sensible arguments."""
    return kind(**required(kind))


def required(f: Any) -> dict[str, Any]:
    """Sensible arguments for all that f needs."""
    return {
        p.name: SENSIBLE[p.name]()
        for p in inspect.signature(f).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }


def targets() -> Iterator[Target]:
    """Every public function, class and method."""
    for prefix, room in ROOMS.items():
        for name in public(room):
            f = getattr(room, name)
            if callable(f) and name not in ELSEWHERE and not _is_error(f):
                yield Target(f"{prefix}.{name}", lambda f=f: f)
    seen: set[str] = set()
    for owner, make in _objects():
        try:
            thing = make()
        except Exception:  # an abstract class, or one whose arguments nobody told: its door only
            continue
        if callable(thing) and (hasattr(thing, "forward") or hasattr(thing, "parameters")):
            yield Target(f"{owner}()", make)
        for name in sorted(dir(type(thing))):
            method = getattr(type(thing), name)
            inner = name in INSIDE or (name == "step" and hasattr(thing, "forward"))
            if name[0] == "_" or inner or not callable(method):
                continue
            written = getattr(method, "__qualname__", name)
            if written not in seen:
                seen.add(written)
                yield Target(f"{owner}.{name}", lambda m=make, n=name: getattr(m(), n))


def _is_error(f: Any) -> bool:
    return isinstance(f, GenericAlias) or inspect.isclass(f) and issubclass(f, BaseException)


_KNOWN: dict[str, list[Any]] = {}
for _call in CALLS:
    _KNOWN.setdefault(_call.name, []).append(_call)


def sensible(rng: np.random.Generator, target: Target, f: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments that make sense, as far as the tables know them."""
    room, _, name = target.name.rpartition(".")
    key = {"mg.linalg": "linalg.", "nnf": "nn."}.get(room, "") + name
    if room in ("mg", "mg.linalg", "nnf") and key in _KNOWN:
        call = _KNOWN[key][rng.integers(len(_KNOWN[key]))]
        return list(call.args), dict(call.kwargs)
    if room == "Tensor" and name in _KNOWN:
        call = _KNOWN[name][rng.integers(len(_KNOWN[name]))]
        return list(call.args[1:]), dict(call.kwargs)
    if isinstance(f, Op):
        return [np.ones((2, 3))] * (f.arity or 1), {}
    try:
        ps = list(inspect.signature(f).parameters.values())
    except (ValueError, TypeError):
        return [x23()], {}
    args, kwargs = [], {}
    for p in ps:
        known = p.name in SENSIBLE
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            if p.default is p.empty or rng.random() < 0.3 and known and not kwargs:
                args.append(SENSIBLE[p.name]() if known else x23())
            elif rng.random() < 0.2:
                kwargs[p.name] = p.default
        elif p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            kwargs[p.name] = SENSIBLE[p.name]() if known else x23()
        elif p.kind is p.VAR_POSITIONAL and rng.random() < 0.7:
            args.append(x23())
    return args, kwargs


def names_of(f: Any) -> list[str]:
    try:
        ps = inspect.signature(f).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p.name for p in ps if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def spoiled(
    rng: np.random.Generator, f: Any, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any], str]:
    """The arguments with junk among them, and what was done, in words."""
    done = []
    for _ in range(1 + (rng.random() < 0.25)):
        word = list(JUNK)[rng.integers(len(JUNK))]
        junk = JUNK[word]()
        way = rng.random()
        named = names_of(f)
        free = [n for n in named[len(args) :]]
        if way < 0.05:
            kwargs[["axes", "dim", "foo", "out", "kernel"][rng.integers(5)]] = junk
            done.append(f"wrong name={word}")
        elif way < 0.10:
            args.append(junk)
            done.append(f"surplus {word}")
        elif way < 0.13 and args:
            args.pop()
            done.append("one less")
        elif free and (way < 0.5 or not args):
            name = free[rng.integers(len(free))]
            kwargs[name] = junk
            done.append(f"{name}={word}")
        elif args:
            i = int(rng.integers(len(args)))
            args[i] = junk
            done.append(f"args[{i}]={word}")
    return args, kwargs, ", ".join(done)
