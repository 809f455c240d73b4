"""The last step of an engine of one's own: a network that learns XOR by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any

from ...check.subject import quiet
from ..calls import raised_words, same, shown
from ..exercise import Told

POINTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
TARGETS = (0.0, 1.0, 1.0, 0.0)
STEP = 1e-4  # of differences, whose error is STEP**2; compared to a thousandth


def _model(module: ModuleType, part: str) -> Any:
    """A model of the learner's, and its parameters; or why there is none."""
    cls = getattr(module, "MLP", None)
    if cls is None:
        return Told(part, "missing", {"name": "class MLP"})
    try:
        with quiet():
            model = cls(4)
            parameters = list(model.parameters())
            outputs(model)
    except NotImplementedError:
        return Told(part, "empty")
    except Exception as error:
        return Told(part, "raises", {"call": "MLP(4)"} | raised_words(error))
    return model, parameters


def outputs(model: Any) -> list[float]:
    """What a model says of the four points."""
    return [float(model(list(x)).data) for x in POINTS]


def _loss(model: Any) -> float:
    return sum((y - t) ** 2 for y, t in zip(outputs(model), TARGETS, strict=True))


def _slopes(
    model: Any, parameters: Sequence[Any], loss: Callable[[Any], float] = _loss
) -> list[float]:
    """The gradient of the loss by differences: whatever the learner's engine says."""
    out = []
    for p in parameters:
        kept = p.data
        p.data = kept + STEP
        above = loss(model)
        p.data = kept - STEP
        below = loss(model)
        p.data = kept
        out.append((above - below) / (2 * STEP))
    return out


@dataclass(frozen=True)
class ModelItself:
    """The part MLP."""

    name: str = "MLP"
    causes: Sequence[str] = (
        "mlp_output", "mlp_parameters", "mlp_linear", "mlp_alike", "mlp_unused", "mlp_changes",
        "mlp_hidden", "mlp_seed", "mlp_bent",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the class in a learner's file."""
        made = _model(module, self.name)
        if isinstance(made, Told):
            if "'float'" in made.words.get("error", "") or "NoneType" in made.words.get(
                "error", ""
            ):
                return Told(self.name, "mlp_output", made.words)
            return made
        model, parameters = made
        if not parameters or not all(hasattr(p, "data") and hasattr(p, "grad") for p in parameters):
            words = {"yours": str(len(parameters))}
            return Told(self.name, "mlp_parameters", words)
        if len({id(p) for p in parameters}) < 9:
            return Told(self.name, "mlp_parameters", {"yours": str(len(parameters))})
        first = outputs(model)
        if not same(first, outputs(model)):
            return Told(self.name, "mlp_changes")
        if len({round(p.data, 9) for p in parameters}) <= 3:
            return Told(self.name, "mlp_alike")
        slopes = _slopes(model, parameters)
        if same(first[0] + first[3], first[1] + first[2]) and self._flat(model, first):
            return Told(self.name, "mlp_linear")
        if all(abs(s) < 1e-9 for s in slopes):
            return Told(self.name, "mlp_unused")
        if _left_out(model, parameters):
            return Told(self.name, "mlp_hidden")
        if _bounded(model, parameters):
            return Told(self.name, "mlp_bent")
        return Told(self.name, "" if _follows_seed(module.MLP) else "mlp_seed")

    def _flat(self, model: Any, first: Sequence[float]) -> bool:
        """Whether the model is linear: also far out, where every bend would show."""
        a, b = (float(model([x, 0.0]).data) for x in (7.0, -9.0))
        slope = first[2] - first[0]
        return same([a, b], [first[0] + 7 * slope, first[0] - 9 * slope])


def _left_out(model: Any, parameters: Sequence[Any]) -> bool:
    """Whether the output is made of numbers that stay, and that parameters() does not return.

    Numbers such as 1 and 2 may be constants.
    """
    try:
        with quiet():
            first, second = model([0.3, 0.7]).order(), model([0.3, 0.7]).order()
        stay = {id(v): v for v in first}.keys() & {id(v) for v in second}
        lost = [v for v in first if id(v) in stay - {id(p) for p in parameters}]
        return any(abs(v.data) not in (0.25, 0.5, 1, 2, 4) for v in lost)
    except Exception:  # without an order of its own
        return False


def _bounded(model: Any, parameters: Sequence[Any]) -> bool:
    """Whether the output stays between -1 and 1, or has one sign, however large the weights."""
    kept, seen, rng = [p.data for p in parameters], [], Random(0)
    for _ in range(20):
        for p in parameters:
            p.data = rng.uniform(-40, 40)
        seen += outputs(model)
    for p, data in zip(parameters, kept, strict=True):
        p.data = data
    return max(map(abs, seen)) <= 1 + 1e-9 or min(seen) >= 0 or max(seen) <= 0


def _follows_seed(cls: Any) -> bool:
    """Whether one seed gives the same weights again, and another one others."""

    def drawn(seed: int) -> list[float]:
        return [float(p.data) for p in cls(4, seed=seed).parameters()]

    try:
        with quiet():
            return drawn(1) == drawn(1) != drawn(2)
    except TypeError:
        return False


@dataclass(frozen=True)
class OneStep:
    """The part training_step: how the parameters move, twice."""

    name: str = "training_step"
    causes: Sequence[str] = (
        "ascent", "unchanged", "grads_kept", "one_parameter", "step_alone", "factor", "step_loss",
        "step_wrong", "step_kind", "one_by_one",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        made = _model(module, self.name)
        if isinstance(made, Told):
            return Told(self.name, "empty") if made.cause == "empty" else made
        model, parameters = made
        for i, p in enumerate(parameters):  # away from the kinks of relu
            p.data += 0.01 * (1 + i % 7) / 7
        moves, slopes, losses, before, starts = [], [], [], [], []
        for _ in range(2):
            slopes.append(_slopes(model, parameters))
            before.append(_loss(model))
            start = [p.data for p in parameters]
            starts.append(start)
            try:
                with quiet():
                    losses.append(function(model, 0.01))
            except NotImplementedError:
                return Told(self.name, "empty")
            except Exception as error:
                call = {"call": "training_step(model, 0.01)"}
                return Told(self.name, "raises", call | raised_words(error, function))
            now = list(model.parameters())
            moves.append([(p.data - s) / -0.01 for p, s in zip(now, start, strict=False)])
        said = self._moved(model, moves, slopes, starts) or self._lost(losses, before)
        return said or Told(self.name)

    def _moved(
        self, model: Any, moves: Sequence[Sequence[float]], slopes: Sequence[Sequence[float]],
        starts: Sequence[Sequence[float]],
    ) -> Told | None:  # fmt: skip
        if all(_near(m, s) for m, s in zip(moves, slopes, strict=True)):
            return None
        words = {"call": "training_step(model, 0.01)", "output": "-Δp / lr",
                 "yours": shown(max(moves[0], key=abs)),
                 "right": shown(max(slopes[0], key=abs))}  # fmt: skip
        if _near(moves[0], slopes[0]):
            both = [a + b for a, b in zip(slopes[0], slopes[1], strict=True)]
            cause = "grads_kept" if _near(moves[1], both) else "step_wrong"
            words |= {"yours": shown(max(moves[1], key=abs)),
                      "right": shown(max(slopes[1], key=abs))}  # fmt: skip
            return Told(self.name, cause, words)
        factors = [m / s for m, s in zip(moves[0], slopes[0], strict=True) if abs(s) > 1e-3]
        if factors and _near(factors, [factors[0]] * len(factors)) and factors[0] > 0:
            return Told(self.name, "factor", words | {"factor": f"{factors[0]:.3g}"})
        cause = _cause(moves[0], slopes[0], starts[0])
        landed = [s - 0.01 * m for s, m in zip(starts[0], moves[0], strict=True)]
        if cause == "step_wrong" and _one_by_one(model, starts[0], landed):
            cause = "one_by_one"
        return Told(self.name, cause, words)

    def _lost(self, losses: Sequence[Any], before: Sequence[float]) -> Told | None:
        words = {"call": "training_step(model, 0.01)", "output": "loss",
                 "yours": str(losses[0])[:40], "right": shown(before[0])}  # fmt: skip
        if losses[0] is None:
            return Told(self.name, "nothing", words)
        if not isinstance(losses[0], (int, float)):
            return Told(self.name, "step_kind", words | {"kind": type(losses[0]).__name__})
        right = all(_near([a], [b]) for a, b in zip(losses, before, strict=True))
        return None if right else Told(self.name, "step_loss", words)


def _cause(moves: Sequence[float], slopes: Sequence[float], start: Sequence[float]) -> str:
    """What is wrong with how far the parameters have moved, in units of -lr."""
    landed = [s - 0.01 * m for s, m in zip(start, moves, strict=True)]
    if all(abs(m) < 1e-12 for m in moves):
        return "unchanged"
    if _near(moves, [-s for s in slopes]):
        return "ascent"
    if any(_near(landed, [sign * 0.01 * s for s in slopes]) for sign in (1, -1)):
        return "step_alone"
    pairs = zip(moves, slopes, strict=True)
    return "one_parameter" if all(abs(m) < 1e-12 or _near([m], [s]) for m, s in pairs) else (
        "step_wrong")  # fmt: skip


def _one_by_one(model: Any, start: Sequence[float], landed: Sequence[float]) -> bool:
    """Whether a step after each sample leads from start to where the parameters landed."""
    parameters = list(model.parameters())
    kept = [p.data for p in parameters]
    for p, s in zip(parameters, start, strict=True):
        p.data = s
    for x, t in zip(POINTS, TARGETS, strict=True):

        def error(m: Any, x: Sequence[float] = x, t: float = t) -> float:
            return (float(m(list(x)).data) - t) ** 2

        slopes = _slopes(model, parameters, error)
        for p, s in zip(parameters, slopes, strict=True):
            p.data -= 0.01 * s
    got = [(p.data - s) / 0.01 for p, s in zip(parameters, start, strict=True)]
    for p, data in zip(parameters, kept, strict=True):
        p.data = data
    return _near(got, [(a - s) / 0.01 for a, s in zip(landed, start, strict=True)])


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    size = max(map(abs, b), default=1.0)
    return all(abs(x - y) <= 1e-3 * max(size, 1e-3) for x, y in zip(a, b, strict=True))


@dataclass(frozen=True)
class Learning:
    """The part learn_xor: the trained model."""

    name: str = "learn_xor"
    causes: Sequence[str] = ("xor_not_learnt", "xor_half", "xor_table", "xor_model")

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        call = {"call": "learn_xor()"}
        try:
            with quiet():
                model = function()
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", call | raised_words(error, function))
        if model is None:
            return Told(self.name, "nothing", call)
        try:
            with quiet():
                found = outputs(model)
                parameters = list(model.parameters())
        except Exception:
            return Told(self.name, "xor_model", call | {"kind": type(model).__name__})
        words = {"output": "XOR", "yours": f"[{', '.join(f'{y:.2f}' for y in found)}]",
                 "right": "[0, 1, 1, 0]"}  # fmt: skip
        if all(abs(y - t) < 0.3 for y, t in zip(found, TARGETS, strict=True)):
            return Told(self.name, "" if parameters else "xor_table")
        half = all(abs(y - 0.5) < 0.15 for y in found)
        return Told(self.name, "xor_half" if half else "xor_not_learnt", call | words)
