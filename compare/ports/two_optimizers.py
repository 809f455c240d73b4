"""Two optimisers: the same steps from the same gradients? If not, whose rule is each?"""

import json
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn import check
from microgradnn.check.replayed import libraries, step_functions, step_objects
from microgradnn.check.replayed.hyper import DRAWN
from microgradnn.check.replayed.recognised import recorded
from microgradnn.check.replayed.session import Replay, played
from microgradnn.check.subject import quiet
from microgradnn.errors import ConfigError, MicrogradError

from ..own_process import ProcessError, Remote, answer_all
from . import sources
from .port_report import PortReport, report

CODE = (
    "import sys; from compare.ports.two_optimizers import serve; "
    "serve(int(sys.argv[1]), sys.argv[2])"
)


@dataclass
class OptimizerSeen:
    """One optimiser at work: its steps, its numbers, which rule it is, in words."""

    path: list[list[np.ndarray]]
    hyper: dict[str, float]
    exact: float
    rule: str


class RemoteOptimizer(Remote):
    """One in a process of its own."""

    code = CODE

    def ready(self) -> "RemoteOptimizer":
        """This, once it is loaded. Raises ConfigError."""
        try:
            state, said = self.call()
        except ProcessError as error:
            state, said = "broken", str(error)
        if state != "ready":
            self.close()
            raise ConfigError(said)
        return self


def told(a: str, b: str, seed: int) -> PortReport:
    """What there is to say of two optimisers."""
    both = [RemoteOptimizer(json.dumps({"source": s})) for s in (a, b)]
    try:
        found: list[OptimizerSeen] = [one.ready().call("replay", seed) for one in both]
    except ProcessError as error:
        raise ConfigError(str(error)) from error
    finally:
        for one in both:
            one.close()
    return judged(a, b, found[0], found[1])


def judged(a: str, b: str, one: OptimizerSeen, two: OptimizerSeen) -> PortReport:
    """What there is to say of two that were seen at work."""
    exact = max(one.exact, two.exact)
    first = _first(one, two, exact)
    both = [n for n in one.hyper if n in two.hyper]
    apart = {n: (one.hyper[n], two.hyper[n]) for n in both}
    apart = {n: pair for n, pair in apart.items() if not _near(*pair)}
    lines = [f"A, {a}: {one.rule}", f"B, {b}: {two.rule}"]
    numbers = "; ".join(f"{n}: A has {x:g}, B has {y:g}" for n, (x, y) in sorted(apart.items()))
    if first is None and not apart:
        last = "A and B take the same steps from the same gradients, within rounding"
    elif first is None:
        last = f"A and B follow one rule with other numbers: {numbers}"
    else:
        k, i, at, x, y = first
        lines.append(
            f"DIFFERS in step {k + 1}: parameter {i}{list(at)} is {x:.9g} in A, {y:.9g} in B"
        )
        lines.append(f"    cause: {_why(one, two, numbers)}")
        last = f"A and B differ from step {k + 1} on: {_why(one, two, numbers)}"
    entries = {
        "optimizers": {"A": one.rule, "B": two.rule},
        "numbers": {"A": one.hyper, "B": two.hyper},
        "agree": first is None and not apart,
    }
    good = first is None and not apart
    return PortReport([*lines, last], 0 if good else 1, report(entries, [last]))


def _why(one: OptimizerSeen, two: OptimizerSeen, numbers: str) -> str:
    rules = f"A: {one.rule}; B: {two.rule}" if one.rule != two.rule else ""
    return "; ".join(part for part in (rules, numbers) if part) or "cause unknown"


def _near(x: float, y: float) -> bool:
    return abs(x - y) <= 1e-6 * max(abs(x), abs(y))


def _first(one: OptimizerSeen, two: OptimizerSeen, exact: float) -> Any:
    """Step, parameter, entry and both numbers where they differ first."""
    for k, (x, y) in enumerate(zip(one.path, two.path, strict=True)):
        for i, (p, q) in enumerate(zip(x, y, strict=True)):
            off = ~(np.abs(p - q) <= exact * np.maximum(1.0, np.abs(p)))
            if off.any():
                at = tuple(int(n) for n in np.argwhere(off)[0])
                return k, i, at, float(p[at]), float(q[at])
    return None


# ---- in the other process ------------------------------------------------------------------------


def serve(descriptor: int, said: str) -> None:
    """Loads the optimiser and answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe, source = Connection(descriptor), json.loads(said)["source"]
    sys.stdout = sys.stderr
    try:
        path = Path(source.rpartition(":")[0])
        if not path.is_file():
            raise ConfigError(f"there is no file {path}")
        sources.prepare(path, "float32")
        thing = sources.load(source)
    except ConfigError as error:
        pipe.send((True, ("broken", str(error))))
        return
    pipe.send((True, ("ready", "")))
    answer_all(pipe, _OptimizerAnswers(thing, source))


class _OptimizerAnswers:
    """What is done for each message."""

    def __init__(self, thing: Any, source: str) -> None:
        self.thing, self.source = thing, source

    def do_replay(self, seed: int) -> OptimizerSeen:
        return seen(self.thing, seed, self.source)


def seen(thing: Any, seed: int, source: str) -> OptimizerSeen:
    """An optimiser at work. Raises ConfigError where it takes no steps."""
    replay = _replay(thing, seed, source)
    try:
        found = check.optimizer(thing, seed=seed)
        rule = "; ".join(f.message for f in found.findings) or "no rule that is known here"
    except MicrogradError as error:
        rule = f"no rule that is known here ({error})"
    numbers = {n: float(v) for n, v in replay.hyper.items()}
    path = [[np.array(p) for p in step] for step in replay.path]
    return OptimizerSeen(path, numbers, replay.exact, rule.removeprefix("this is "))


def _replay(thing: Any, seed: int, source: str) -> Replay:
    """Six steps with recorded gradients."""
    start, grads, lrs = recorded(seed)
    ways = libraries.ways(thing)
    if not ways and callable(thing) and not isinstance(thing, type):
        try:
            made = thing()
            ways = libraries.ways(made)
            thing = made if ways else thing
        except TypeError:
            pass
    for known in (step_functions, step_objects):
        ways = ways or list(known.ways(thing, DRAWN))
    for how, begin in ways:
        try:
            with quiet():
                replay = played(begin, start, grads, lrs, how)
        except Exception:  # it is called otherwise
            continue
        if replay.moves:
            return replay
    raise ConfigError(
        f"{source} is {type(thing).__name__} and takes no steps; need an optimiser of PyTorch or "
        "Keras, update(w, dw, config), step(params, grads), or a class with one of these methods"
    )
