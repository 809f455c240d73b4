"""The comparison of two ports: input, weights, modes; what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnn.errors import ConfigError

from ..own_process import ProcessError
from . import own_weights, running_statistics, weight_layouts
from .aligned import PortSide, align
from .pairing import Pairing
from .partners import Matched, drawn, match
from .port_differences import ModeResult, PortDifference
from .port_process import RemotePort
from .related import Relation
from .seen_calls import Array, PortProgram
from .stretches import PortJudge

MODES = (False, True)  # training
BATCH = 4


@dataclass
class PortsTask:
    """What is compared and how. `shape` is that of one sample, and `x` a batch, in A's layout."""

    a: str
    b: str
    weights: tuple[str | None, str | None] = (None, None)
    x: Array | None = None
    shape: tuple[int, ...] | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    keep_weights: bool = False
    modes: Sequence[bool] = MODES
    dtype: str = "float64"
    seed: int = 0


@dataclass
class PortsResult:
    """What was found of two ports."""

    versions: tuple[str, str]
    differences: list[PortDifference]
    notes: list[str]
    matched: Matched
    modes: dict[str, ModeResult]
    shape: tuple[int, ...]
    dtype: str
    calls: tuple[list[str], list[str]]

    @property
    def agree(self) -> bool:
        """Whether all that was compared is the same, and something was."""
        return not self.differences and bool(self.compared)

    @property
    def compared(self) -> int:
        """How many calls were judged forwards, in the mode with most."""
        return max((found.compared for found in self.modes.values()), default=0)


def compare(asked: PortsTask) -> PortsResult:
    """The outcome. Raises ConfigError where the comparison cannot begin."""
    ports = [
        RemotePort(s, asked.dtype, w)
        for s, w in zip((asked.a, asked.b), asked.weights, strict=True)
    ]
    try:
        for port in ports:
            port.ready()
        return compare_loaded(asked, ports[0], ports[1])
    except ProcessError as error:
        raise ConfigError(f"while comparing: {error}") from error
    finally:
        for port in ports:
            port.close()


def compare_loaded(asked: PortsTask, a: Any, b: Any) -> PortsResult:
    """The outcome for two ports that are loaded, in this process or in others."""
    return _Comparison(asked, a, b).run()


class _Comparison:
    """Two ports that are loaded."""

    def __init__(self, asked: PortsTask, a: Any, b: Any) -> None:
        self.asked, self.a, self.b = asked, a, b
        self.rng = np.random.default_rng(asked.seed)
        self.notes: list[str] = []
        self.x, self.x_b, self.start = self._inputs()

    def run(self) -> PortsResult:
        """Matches, copies, compares."""
        programs = [p.trace(x, False) for p, x in ((self.a, self.x), (self.b, self.x_b))]
        kin = self.a.kind == self.b.kind
        matched = match(programs[0], programs[1], self.asked.map, kin)
        if not matched.pairs and any(p.params for p in programs):
            raise ConfigError(_nothing_matched(programs))
        pairing = Pairing(matched)
        own = {p.name: p.value for p in programs[1].params}
        self._weights(programs, pairing)
        self._rows(pairing)
        found: dict[str, ModeResult] = {}
        differences: list[PortDifference] = []
        for training in self.asked.modes:
            if training and not _moody(programs):
                continue
            mode = "train" if training else "eval"
            found[mode] = self._mode(training, pairing)
            for one in found[mode].differences:
                one.mode = mode
                if not any(_twin(one, d) for d in differences):
                    differences.append(one)
            self.notes += [n for n in found[mode].notes if n not in self.notes]
        if self.asked.keep_weights:
            ours = {p.name: p.value for p in self.first}
            differences += own_weights.compared(ours, own, pairing, self.natural)
        names = [[str(c) for c in p.calls] for p in programs]
        return PortsResult(
            (self.a.version(), self.b.version()), differences, [*matched.notes, *self.notes],
            matched, found, self.x.shape[1:], self.asked.dtype, (names[0], names[1]),
        )  # fmt: skip

    # ---- the input -----------------------------------------------------------------------------

    def _inputs(self) -> tuple[Array, Array, Relation]:
        """An input for each port, and how they lie."""
        said = []
        for x in self._offered():
            for how in self._ways(x):
                x_b = how.to_b(x)
                try:
                    self.a.trace(x, False)
                    self.b.trace(x_b, False)
                except ProcessError as error:
                    said.append(f"{x.shape}: {error}")
                    continue
                if how.kind != "same":
                    self.notes.append(
                        f"input {x.shape} of A is {x_b.shape} in B: channels {how.kind}"
                    )
                return x, x_b, how
        if not said:
            raise ConfigError("the shape of the input cannot be guessed; give --shape, as 3,28,28")
        raise ConfigError(f"no input fits both ports; give --shape or --input. With {said[0]}")

    def _offered(self) -> Sequence[Array]:
        asked = self.asked
        if asked.x is not None:
            return [asked.x]
        if asked.shape is not None:
            high = min([h for p in (self.a, self.b) for _, h in p.input_shape() if h], default=None)
            return [self._draw(asked.shape, high)]
        made = [self._draw(shape, high) for shape, high in self.a.input_shape()]
        for shape, high in self.b.input_shape():
            one = self._draw(shape, high)
            made += [weight_layouts.first(one), one] if self.b.last and not self.a.last else (
                [weight_layouts.last(one), one] if self.a.last and not self.b.last else [one]
            )  # fmt: skip
        if self.b.kind == "keras" and self.a.kind != "keras":  # it knows its own
            n = len(self.a.input_shape())
            made = made[n:] + made[:n]
        if made:
            self.notes.append("the shape of the input was guessed (--shape gives another)")
        return made

    def _draw(self, shape: Sequence[int], high: int | None) -> Array:
        size = (BATCH, *shape)
        if high:
            return self.rng.integers(0, high, size)
        return self.rng.normal(size=size).astype(self.asked.dtype)

    def _ways(self, x: Array) -> list[Relation]:
        kind = "last" if self.b.last else "first"
        if x.ndim < 3 or self.a.last == self.b.last:
            return [Relation("same")]
        return [Relation(kind), Relation("same")]

    # ---- the weights ---------------------------------------------------------------------------

    def _weights(self, programs: Sequence[PortProgram], pairing: Pairing) -> None:
        """A's weights, with numbers drawn where they are constant, go into both."""
        for program, port in zip(programs, (self.a, self.b), strict=True):
            new = drawn(program.params, self.rng)
            port.load({**new, **one_bias(program, new, pairing.matched)})
            if new and port is self.a:
                self.notes.append(
                    f"drawn at random for the comparison, because a constant hides differences: "
                    f"{_some(sorted(new))}"
                )
        self.first = programs[0].params
        self.values = {p.name: p.value for p in self.a.params()}
        self.b.load(pairing.copied(self.values))

    def _rows(self, pairing: Pairing) -> None:
        """Where B flattens images in its own order, the weights behind it go over in that order."""
        self.natural = self.a.last != self.b.last
        if not self.natural:
            return
        a, b = self._sides(False)
        found = align(a, b, self.start, pairing.matched.pairs)
        for i, (j, how) in found.pairs.items():
            if not how.kind.startswith("flat"):
                continue
            n = a.passed.nodes[i].shape[-1]
            rows = how.to_b(np.arange(n, dtype=float).reshape(1, n)).ravel().astype(int)
            for call in b.program.calls:
                name = call.params.get("weight", "")
                if j in call.sources and call.kind == "linear" and name in pairing.matched.pairs:
                    pairing.rows[name] = rows
                    self.notes.append(
                        f"{name}: its rows go over in another order, because B flattens images "
                        f"with channels {how.kind.split()[1]}"
                    )
        if pairing.rows:
            self.b.load(pairing.copied(self.values))

    # ---- one mode ------------------------------------------------------------------------------

    def _sides(self, training: bool) -> tuple[PortSide, PortSide]:
        made = []
        for port, x in ((self.a, self.x), (self.b, self.x_b)):
            program = port.trace(x, training)
            free = port.passed(x, {}, {}, training)
            rng = np.random.default_rng(self.asked.seed)
            slopes = {n: rng.normal(size=free.nodes[n].shape) for n in program.outputs}
            made.append(PortSide(port, program, x, training, port.passed(x, {}, slopes, training)))
        return made[0], made[1]

    def _mode(self, training: bool, pairing: Pairing) -> ModeResult:
        a, b = self._sides(training)
        if not a.program.outputs or not b.program.outputs:
            which = "A" if not a.program.outputs else "B"
            raise ConfigError(f"the output of {which} comes from code that was not seen")
        found = PortJudge(a, b, self.start, pairing, self.asked.dtype).run()
        if training:
            more, notes = running_statistics.compared(a, b, pairing)
            found.differences += more
            found.notes += notes
        return found


def one_bias(program: PortProgram, new: Mapping[str, Array], matched: Matched) -> dict[str, Array]:
    """Both biases of a recurrent layer in the first, where the other port has but one."""
    found: dict[str, Array] = {}
    values = {p.name: p.value for p in program.params} | dict(new)
    paired = {*matched.pairs, *matched.pairs.values()}
    for call in program.calls:
        first, second = (call.params.get(p, "") for p in ("bias", "recurrent_bias"))
        alone = second and second not in paired and first in paired
        if alone and call.options.get("cell") != "gru":
            found |= {first: values[first] + values[second], second: 0 * values[second]}
    return found


def _moody(programs: Sequence[PortProgram]) -> bool:
    """Whether a call computes something else in training."""
    kinds = ("batch_norm", "dropout", "code")
    return any(c.kind in kinds for p in programs for c in p.calls) or any(
        not p.trained for program in programs for p in program.params
    )


def _twin(one: PortDifference, other: PortDifference) -> bool:
    """Whether the same was found before, in the other mode."""
    causes = [{(c.name, c.place) for c in d.causes} for d in (one, other)]
    same = (one.a, one.b, one.what) == (other.a, other.b, other.what)
    return same and causes[0] == causes[1]


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _nothing_matched(programs: Sequence[PortProgram]) -> str:
    said = [
        ", ".join(f"{p.name} {p.value.shape}" for p in program.params[:6]) for program in programs
    ]
    return (
        "no parameter of A fits one of B by name, shape and order, so nothing can be compared; "
        f"--map FILE can say which is which. A has {said[0] or 'none'}; B has {said[1] or 'none'}"
    )
