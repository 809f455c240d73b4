"""Film: what a model learns, frame by frame: its boundary, loss, gradients, activations."""

import base64
import html
import json
import math
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.node import plain
from ..errors import ConfigError, DataError, ShapeError
from ..numerics.recording import recording
from ..scalar import Module as ScalarModule
from . import film_gif, film_table, texts

PAGE = Path(__file__).parent / "page"
GRID, SCALAR_GRID, BINS, FRAMES, POINTS = 50, 20, 24, 400, 1000
NO_FRAME = "Film: there is no frame; give it to fit(callbacks=[film]), or shoot()"
EDGE = 0.2  # of the width of the data, around them


class Film:
    """A callback of fit() that keeps a frame every so many epochs; `.to_html(path)` is the page.

    X are points in the plane, (n, 2), y their labels 0, 1, …, `test` further (X, y). In a loop of
    one's own, call film.shoot(loss=0.3), and give the optimizer for a table of what it does. The
    model gives one number for each point (a logit, or a
    probability if its last op is a sigmoid) or one for each class; microgradnn.scalar's models too.
    Raises ShapeError for other points, DataError for nan, ConfigError for more than 400 frames.
    """

    def __init__(
        self,
        model: Any,
        X: Any,
        y: Any,
        *,
        test: Any = None,
        every: int = 1,
        optimizer: Any = None,
        lang: str | None = None,
    ) -> None:
        if not isinstance(every, int) or every < 1:
            raise ConfigError(f"Film: every is {every!r}, expected a whole number >= 1")
        self.model, self.every, self.lang = model, every, texts.language(lang)
        self.points = _points("X", X, y)
        self.test = None if test is None else _points("test", *test)
        self.frames: list[dict[str, Any]] = []
        self.optimizer = optimizer
        self._before: list[Any] = []
        self._filmed = True
        self._scalar = isinstance(model, ScalarModule)
        self._grid, self._box = _grid(self.points[0], SCALAR_GRID if self._scalar else GRID)

    # ---- what fit() calls -----------------------------------------------------------------------

    def set_run(self, run: Any) -> None:
        """The run that it films."""
        self.optimizer = run.optimizer

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """A frame before the first step."""
        if not self.frames:
            self.shoot(0)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        """Nothing more."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        """Whether this epoch gets a frame."""
        self._filmed = (epoch + 1) % self.every == 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """A frame of every `every`-th epoch."""
        if (epoch + 1) % self.every == 0:
            self.shoot(epoch + 1, **{k: v for k, v in logs.items() if np.ndim(v) == 0})

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        """Keeps the parameters, to know how far the step goes."""
        if self._filmed and self.optimizer is not None:
            self._before = film_table.copies(self.optimizer)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Nothing more."""

    # ---- frames ---------------------------------------------------------------------------------

    def shoot(self, step: int | None = None, **figures: float) -> None:
        """Keeps a frame of the model as it is, with figures such as loss=0.3."""
        if len(self.frames) >= FRAMES:
            raise ConfigError(
                f"Film: more than {FRAMES} frames; take every={self.every * 2} or more"
            )
        scores, hidden = self._scores()
        self.frames.append(
            {
                "step": len(self.frames) if step is None else step,
                "figures": {k: _number(v) for k, v in figures.items()},
                "scores": scores,
                "gradients": _norms(self.model),
                "hidden": hidden,
                "table": self._table(),
            }
        )

    def _table(self) -> list[dict[str, Any]]:
        if self.optimizer is None:
            return []
        rows = film_table.table(self.model, self.optimizer, self._before)
        return [{k: v if k == "name" else _number(v) for k, v in row.items()} for row in rows]

    def _scores(self) -> tuple[list[str], dict[str, Any]]:
        """The classes and how sure they are on the grid, as bytes in base64; and activations."""
        if self._scalar:
            rows = [self.model([float(a), float(b)]) for a, b in self._grid]
            raw = np.array(
                [plain(r) if not isinstance(r, list) else [*map(plain, r)] for r in rows]
            )
            return _coded(raw.reshape(len(rows), -1), ""), {}
        hidden: dict[str, Any] = {}
        removers = _watched(self.model, hidden, self.points[0])
        modes = [(m, m.training) for m in getattr(self.model, "modules", list)()]
        for module, _ in modes:
            module.training = False
        try:
            out = self.model(self._grid.astype(np.float32))
            with recording.set(False):
                for add in removers:
                    add()
                self.model(self.points[0].astype(np.float32))
        finally:
            for module, training in modes:
                module.training = training
            for handle in hidden.pop("", []):
                handle.remove()
        raw = np.asarray(plain(out), float)
        last = out.op.name if getattr(out, "op", None) is not None else ""
        return _coded(raw.reshape(len(self._grid), -1), last), hidden

    # ---- the page -------------------------------------------------------------------------------

    @property
    def html(self) -> str:
        """The page."""
        if not self.frames:
            raise ConfigError(NO_FRAME)
        read = {
            n: (PAGE / n).read_text(encoding="utf-8") for n in ("film.html", "film.css", "film.js")
        }
        data = json.dumps(self._data(), ensure_ascii=False, separators=(",", ":"))
        return Template(read["film.html"]).substitute(
            lang=self.lang,
            title=html.escape(texts.say("film.title", self.lang)),
            css=(PAGE / "steps.css").read_text(encoding="utf-8") + read["film.css"],
            data=data.replace("</", "<\\/"),
            film=read["film.js"],
        )

    def _data(self) -> dict[str, Any]:
        side = math.isqrt(len(self._grid))
        return {
            "lang": self.lang,
            "side": side,
            "box": [_number(v) for v in self._box],
            "points": _listed(self.points),
            "test": _listed(self.test) if self.test else [],
            "frames": self.frames,
            "texts": {
                name: {k: v for k, v in c.items() if k.startswith("film.")}
                | {k: c[k] for k in ("page.play", "page.pause", "page.language", "page.slider")}
                for name, c in texts.CATALOGUES.items()
            },
        }

    def to_html(self, path: str | PathLike[str]) -> Path:
        """The path, after the page was written to it: one file, without a network."""
        return write_atomically(path, self.html)

    def to_gif(self, path: str | PathLike[str], *, milliseconds: int = 120) -> Path:
        """The path, after the film was written to it as an animated GIF, so long for each frame.

        Raises MissingPackageError without pillow.
        """
        if not self.frames:
            raise ConfigError(NO_FRAME)
        return write_atomically(path, film_gif.gif(self._data(), milliseconds))

    def _repr_html_(self) -> str:
        page = html.escape(self.html)
        return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'


def _points(what: str, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    points, labels = np.asarray(plain(X), float), np.asarray(plain(y)).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels) or not len(points):
        raise ShapeError(
            f"Film: {what} has shape {points.shape} and {len(labels)} labels, expected points in "
            "the plane, (n, 2), with a label each"
        )
    if not np.all(np.isfinite(points)):
        raise DataError(f"Film: {what} has nan or inf; leave these points out")
    if labels.dtype.kind == "f" and not np.array_equal(labels, labels.round()):
        raise ShapeError(f"Film: the labels of {what} are not whole numbers, expected 0, 1, …")
    whole = labels.astype(int)
    return points[:POINTS], np.maximum(whole[:POINTS], 0)  # -1 and 1, as micrograd's demo has them


def _grid(points: np.ndarray, side: int) -> tuple[np.ndarray, tuple[float, ...]]:
    """The middles of side × side cells, row by row from the top, and the edges of them all."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum(high - low, 1e-6) * EDGE
    (x0, z0), (x1, z1) = low - room, high + room
    at = (np.arange(side) + 0.5) / side
    xs, zs = x0 + at * (x1 - x0), z1 - at * (z1 - z0)
    return np.array([(x, z) for z in zs for x in xs]), (x0, z0, x1, z1)


def _coded(raw: np.ndarray, last: str) -> list[str]:
    """[class of each cell, how sure from 0 to 255] as base64."""
    if raw.shape[1] == 1:
        p = raw[:, 0] if last == "sigmoid" else (raw[:, 0] + 1) / 2 if last == "tanh" else None
        p = 1 / (1 + np.exp(-np.clip(raw[:, 0], -50, 50))) if p is None else np.clip(p, 0, 1)
        classes, sure = p > 0.5, np.abs(p - 0.5) * 2
    else:
        e = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares = raw if last == "softmax" else e / e.sum(axis=1, keepdims=True)
        k = shares.shape[1]
        classes, sure = shares.argmax(axis=1), (shares.max(axis=1) - 1 / k) / (1 - 1 / k)
    sure = np.nan_to_num(np.clip(sure, 0, 1))
    return [_bytes(classes.astype(np.uint8)), _bytes((sure * 255).round().astype(np.uint8))]


def _bytes(x: np.ndarray) -> str:
    return base64.b64encode(x.tobytes()).decode()


def _norms(model: Any) -> dict[str, Any]:
    """The size of each parameter's gradient, and of all gradients where there are many."""
    named = getattr(model, "named_parameters", None)
    if named is None:
        grads = [float(plain(p.grad) or 0) for p in model.parameters()]
        return {"": _number(float(np.linalg.norm(grads)))}
    found = {}
    for name, p in named():
        g = 0.0 if p.grad is None else float(np.linalg.norm(np.asarray(plain(p.grad), float)))
        found[name] = _number(g)
    return found


def _watched(model: Any, hidden: dict[str, Any], points: np.ndarray) -> list[Any]:
    """Functions that begin to keep the histogram of each module's outputs."""
    children = getattr(model, "named_children", None)
    if children is None:
        return []
    handles = hidden.setdefault("", [])

    def begin() -> None:
        for name, module in children():
            label = f"{name} {type(module).__name__}"

            def keep(module: Any, args: Any, out: Any, label: str = label) -> None:
                hidden[label] = _histogram(np.asarray(plain(out), float))

            handles.append(module.register_forward_hook(keep))

    return [begin]


def _histogram(values: np.ndarray) -> dict[str, Any]:
    good = values[np.isfinite(values)]
    if not good.size:
        return {"low": 0, "high": 0, "bars": []}
    low, high = float(good.min()), float(good.max())
    counts, _ = np.histogram(good, BINS, (low, high if high > low else low + 1))
    return {"low": _number(low), "high": _number(high), "bars": counts.tolist()}


def _listed(points: tuple[np.ndarray, np.ndarray]) -> list[list[float]]:
    X, y = points
    return [[_number(a), _number(b), int(c)] for (a, b), c in zip(X, y, strict=True)]


def _number(x: Any) -> Any:
    """A number of six digits for JSON; nan and inf as their names."""
    value = float(x)
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)
