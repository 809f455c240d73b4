"""A port in a process of its own, with the methods that it has there."""

import json
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.errors import ConfigError

from ..own_process import ProcessError, Remote, answer_all
from . import sources
from .seen_calls import Array, Passed, PortParameter, PortProgram

CODE = (
    "import sys; from compare.ports.port_process import serve; serve(int(sys.argv[1]), sys.argv[2])"
)


class RemotePort(Remote):
    """A model. Its methods raise ProcessError with what was raised there.

    last      whether its framework has channels last
    kind      torch, keras, jax or microgradnn
    dtype     in which it is run
    """

    code = CODE
    last = False
    kind = ""

    def __init__(self, source: str, dtype: str, weights: str | None = None) -> None:
        self.source, self.dtype, self.weights = source, dtype, weights
        super().__init__(json.dumps({"source": source, "dtype": dtype, "weights": weights}))

    def ready(self) -> "RemotePort":
        """This, once it is loaded. Raises ConfigError."""
        try:
            state, said = self.call()
        except ProcessError as error:
            state, said = "broken", f"{self.source}: {error}"
        if state != "ready":
            self.close()
            raise ConfigError(str(said))
        self.said, self.kind, self.last, self.shapes = said
        return self

    def input_shape(self) -> list[tuple[tuple[int, ...], int | None]]:
        """Shapes of a sample that it may take; of integers, how many there are."""
        return list(self.shapes)

    def trace(self, x: Array, training: bool) -> PortProgram:
        """The calls of one pass."""
        found: PortProgram = self.call("trace", x, training)
        return found

    def load(self, values: Mapping[str, Array]) -> None:
        """Sets parameters, in the layout of all."""
        self.call("load", dict(values))

    def params(self) -> list[PortParameter]:
        """All arrays."""
        found: list[PortParameter] = self.call("params")
        return found

    def passed(
        self, x: Array, values: Mapping[int, Array], slopes: Mapping[int, Array], training: bool
    ) -> Passed:
        """A pass with `values` at their nodes and `slopes` as the gradients behind them."""
        found: Passed = self.call("passed", x, dict(values), dict(slopes), training)
        return found


# ---- in the other process ------------------------------------------------------------------------


def serve(descriptor: int, told: str) -> None:
    """Loads the model and answers until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe, how = Connection(descriptor), json.loads(told)
    sys.stdout = sys.stderr
    try:
        port, facts = _load(how["source"], how["dtype"], how["weights"])
    except ConfigError as error:
        pipe.send((True, ("broken", str(error))))
        return
    pipe.send((True, ("ready", facts)))
    answer_all(pipe, _PortAnswers(port))


def _load(source: str, dtype: str, weights: str | None) -> tuple[Any, tuple[Any, ...]]:
    path = Path(source if source.endswith(".keras") else source.rpartition(":")[0])
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    sources.prepare(path, dtype)
    model, kind = sources.made(sources.load(source), source)
    port = kind.Port(model, dtype)
    if weights is not None:
        port.restore(Path(weights))
    return port, (kind.version(), kind.KIND, kind.LAST, port.input_shape())


class _PortAnswers:
    """What is done for each message."""

    def __init__(self, port: Any) -> None:
        self.port = port

    def do_trace(self, x: Array, training: bool) -> PortProgram:
        with np.errstate(all="ignore"):
            found: PortProgram = self.port.trace(x, training)
        return found

    def do_load(self, values: Mapping[str, Array]) -> None:
        self.port.load(values)

    def do_params(self) -> list[PortParameter]:
        found: list[PortParameter] = self.port.params()
        return found

    def do_passed(self, *args: Any) -> Passed:
        found: Passed = self.port.passed(*args)
        return found
