"""A task of the user's own: from the options of the command line, from a TOML file, from a dict."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from microgradnn.data import load_mnist, one_hot
from microgradnn.errors import ConfigError
from microgradnn.optional import need

from .specs import ACTIVATIONS, LOSSES, REDUCTIONS, RULES, Average, Model, Optimizer, Schedule
from .tasks import Task

KEYS = (
    "name", "model", "activation", "loss", "optimizer", "schedule", "ema", "data", "init", "dtype",
    "steps", "batch", "l2", "reduction", "seed",
)  # fmt: skip
DATA = ("mnist", "digits", "moons")
INITS = ("default", "glorot", "he", "zeros")
SAMPLES, BATCH, STEPS = 1000, 50, 20
Array = np.ndarray


def make(given: Mapping[str, Any], mnist: Path | None = None) -> Task:
    """The task for a table of KEYS; only "model" must be there. Raises ConfigError.

    model      widths: "784-64-10", or a list
    activation, loss, reduction    those of specs.Model; the loss fits the data unless it is given
    optimizer  "adamw:lr=1e-3,weight_decay=0.01", or a table with a name
    schedule, ema    tables with the fields of specs.Schedule and specs.Average
    data       "mnist", "digits", "moons", or a file .npz with arrays x and y
    init       "default" (U(±1/√n), as in PyTorch), "glorot", "he" (biases 0), or "zeros"
    """
    for key in given:
        if key not in KEYS:
            raise ConfigError(f"task: unknown key {key!r}, use {', '.join(KEYS)}")
    rng = np.random.default_rng(_whole(given, "seed", 0, 0))
    model, x, y, source = _model(given, mnist, rng)
    return Task(
        str(given.get("name", "own")),
        "own",
        model,
        _with(optimizer(given.get("optimizer", "sgd")), given),
        initial(model, _one(given, "init", INITS, "default"), rng),
        x,
        y,
        _whole(given, "steps", STEPS),
        min(_whole(given, "batch", BATCH), len(x)),
        dtype=_one(given, "dtype", ("float64", "float32"), "float32"),
        source=source,
    )


def _model(
    given: Mapping[str, Any], mnist: Path | None, rng: np.random.Generator
) -> tuple[Model, Array, Array, str]:
    """The model, its inputs and targets, and where they come from."""
    if "model" not in given:
        raise ConfigError('task: no model; write model = "784-64-10", widths from input to output')
    widths = _widths(given["model"])
    x, y, source = _data(given.get("data", "mnist"), mnist, rng)
    loss = _one(given, "loss", LOSSES, "ce" if y.dtype.kind in "iu" and y.ndim == 1 else "mse")
    y = _targets(loss, y, widths[-1])
    if x.shape[1] != widths[0]:
        raise ConfigError(f"task: the data has {x.shape[1]} features, the model takes {widths[0]}")
    activation = _one(given, "activation", ACTIVATIONS, "relu")
    reduction = _one(given, "reduction", REDUCTIONS, "mean")
    l2 = _number(given, "l2", 0.0)
    return Model(widths, activation, loss, l2=l2, reduction=reduction), x, y, source


def from_file(path: Path, mnist: Path | None = None) -> Task:
    """The task in a TOML file. Raises ConfigError with its name."""
    if not path.is_file():
        raise ConfigError(
            f"--task: no file {str(path)!r}; it takes FILE.toml, tasks that are here are chosen "
            "with --tasks (see --list)"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return make({"name": path.stem, **table}, mnist)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error


def optimizer(given: str | Mapping[str, Any]) -> Optimizer:
    """specs.Optimizer for "adam:lr=0.01,eps=1e-7" or a table. Raises ConfigError."""
    if isinstance(given, str):
        name, _, rest = given.partition(":")
        pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
        given = {"name": name, **{key.strip(): _read(value) for key, _, value in pairs}}
    types = {
        f.name: type(f.default) for f in fields(Optimizer) if f.name not in ("schedule", "ema")
    }
    _one(given, "name", RULES, "sgd")
    made: dict[str, Any] = {}
    for key, value in given.items():
        if key not in types:
            raise ConfigError(f"optimizer: unknown option {key!r}, use {', '.join(types)}")
        made[key] = _as(key, value, types[key])
    return Optimizer(**made)


def _as(key: str, value: Any, kind: type) -> Any:
    if kind is tuple:
        parts = value.split("/") if isinstance(value, str) else np.ravel(value).tolist()
        value = tuple(_read(p) if isinstance(p, str) else p for p in parts)
        right = len(value) == 2 and all(isinstance(v, (int, float)) for v in value)
    elif kind is float:
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
        value = float(value) if right else value
    else:
        right = isinstance(value, kind)
    if not right or (kind is float and not np.isfinite(value)):
        need_ = {"float": "a number", "bool": "true or false", "tuple": "two numbers, as 0.9/0.999"}
        raise ConfigError(
            f"optimizer: {key} is {value!r}, need {need_.get(kind.__name__, 'a name')}"
        )
    return value


def _read(text: str) -> Any:
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _with(how: Optimizer, given: Mapping[str, Any]) -> Optimizer:
    """The optimiser with its schedule and its average."""
    for key, kind in (("schedule", Schedule), ("ema", Average)):
        if key in given:
            try:
                made: Any = kind(**given[key])
                how = replace(how, **{key: made})
            except TypeError as error:
                raise ConfigError(f"task: {key}: {error}") from error
    return how


def initial(model: Model, how: str, rng: np.random.Generator) -> list[Array]:
    """The parameters at the start."""
    if how == "zeros":
        return model.zeros()
    start = model.start(rng)
    if how == "default":
        return start
    made = []
    for p in start:
        n, m = p.shape if p.ndim == 2 else (0, 0)
        reach = (6 / (n + m)) ** 0.5 if how == "glorot" and n else (6 / n) ** 0.5 if n else 0.0
        made.append(rng.uniform(-reach, reach, p.shape))
    return made


def _widths(given: Any) -> tuple[int, ...]:
    parts = given.split("-") if isinstance(given, str) else given
    try:
        widths = tuple(int(p) for p in parts)
    except (TypeError, ValueError):
        widths = ()
    if len(widths) < 2 or min(widths) < 1:
        raise ConfigError(f"task: model is {given!r}, need widths from input to output, 784-64-10")
    return widths


def _one(given: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str) -> str:
    value = given.get(key, default)
    if value not in allowed:
        raise ConfigError(f"task: unknown {key} {value!r}, use {', '.join(allowed)}")
    return str(value)


def _number(given: Mapping[str, Any], key: str, default: float) -> float:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < np.inf:
        raise ConfigError(f"task: {key} is {value!r}, need a number from 0 on")
    return float(value)


def _whole(given: Mapping[str, Any], key: str, default: int, least: int = 1) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"task: {key} is {value!r}, need a whole number from {least} on")
    return value


def _data(given: Any, mnist: Path | None, rng: np.random.Generator) -> tuple[Array, Array, str]:
    if given == "mnist":
        found = load_mnist(mnist)
        return found.train.x[:SAMPLES].astype(float), found.train.y[:SAMPLES], found.source
    if given == "digits":
        sets = need("sklearn.datasets", "the digits")
        x, y = sets.load_digits(return_X_y=True)
        return x[:SAMPLES] / 16, y[:SAMPLES], "scikit-learn's digits"
    if given == "moons":
        angle = np.linspace(0, np.pi, 100)
        upper = np.c_[np.cos(angle), np.sin(angle)]
        points = np.r_[upper, [1, 0.5] - upper] + 0.1 * rng.normal(size=(200, 2))
        order = rng.permutation(200)
        return points[order], np.repeat([0, 1], 100)[order], "two moons, made by formula"
    if not str(given).endswith(".npz"):
        raise ConfigError(f"task: data is {given!r}, use {', '.join(DATA)} or a file .npz")
    return _archive(Path(given))


def _archive(path: Path) -> tuple[Array, Array, str]:
    """x and y of an .npz file. Raises ConfigError unless they are samples and their targets."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file}
    except (ValueError, EOFError, BadZipFile) as error:
        raise ConfigError(f"{path}: is no .npz file of numbers ({error})") from error
    if not {"x", "y"} <= set(arrays):
        raise ConfigError(f"{path}: has arrays {sorted(arrays)}, need x and y")
    x, y = arrays["x"], arrays["y"]
    if x.ndim < 2 or y.ndim not in (1, 2) or len(x) != len(y) or not len(x):
        raise ConfigError(f"{path}: x has shape {x.shape}, y {y.shape}; need samples and targets")
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
        raise ConfigError(f"{path}: x has dtype {x.dtype}, y {y.dtype}; need numbers")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ConfigError(f"{path}: x or y has nan or inf")
    return x.reshape(len(x), -1).astype(float), y, str(path)


def _targets(loss: str, y: Array, out: int) -> Array:
    """The targets as the loss takes them. Raises ConfigError where they do not fit."""
    labels = y.dtype.kind in "iub" and y.ndim == 1
    if labels and loss.startswith("ce"):
        if y.min() < 0 or y.max() >= out:
            said = f"labels are {y.min()} to {y.max()}, the model has {out} outputs"
            raise ConfigError(f"task: {said}")
        return one_hot(y, out).astype(float) if loss == "ce-onehot" else y.astype(np.int64)
    if loss == "ce":
        raise ConfigError(f"task: the loss ce needs whole labels, y has {y.dtype} {y.shape}")
    if labels and out > 1 and y.max() < out:
        return one_hot(y, out).astype(float)
    y = y.reshape(len(y), -1).astype(float)
    if y.shape[1] != out:
        raise ConfigError(f"task: y has {y.shape[1]} columns, the model has {out} outputs")
    if loss == "bce" and not ((y >= 0) & (y <= 1)).all():
        raise ConfigError("task: the loss bce needs targets from 0 to 1")
    return y
