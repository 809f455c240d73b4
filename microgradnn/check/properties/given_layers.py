"""given_layer: a gradient checked at inputs that Hypothesis draws, searches and makes small."""

import inspect
import math
from collections.abc import Callable, Sequence
from functools import cache, partial, wraps
from typing import Any

import numpy as np

from ...errors import CheckError, ConfigError
from ...optional import need
from ..api import layer
from ..codes import check_codes
from ..options import Codes
from ..report import Report
from ..subject import Wrt
from .strategies import Shape, cotangents, letters, sized

WRONG = ("FAIL", "CONTRACT", "NONDETERMINISTIC", "NOT_WRITTEN")


@cache
def error_of(code: str) -> type[CheckError]:
    """The error for a code: Hypothesis keeps the type of an error while it makes inputs small."""
    return type(f"CheckError_{code}", (CheckError,), {"__module__": CheckError.__module__})


def quick_phases() -> list[Any]:
    """All phases of Hypothesis but the one that explains: it runs too many examples for us."""
    phase = need("hypothesis", "check.given_layer").Phase
    return [p for p in phase if p is not phase.explain]


def given_layer(
    forward: object, backward: object = None, *, init: Sequence[str | int] = (),
    hyper: object = None,
    select: Codes = (), ignore: Codes = (), max_examples: int = 40, largest: int = 4,
    wrt: Wrt = None, **shapes: Shape,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:  # fmt: skip
    """A decorator: the test runs for many inputs, and fails at the smallest that shows a mistake.

        @check.given_layer(affine_forward, affine_backward, x=("N", "D"), w=("D", "M"), b=("M",))
        def test_affine(report): ...

        @check.given_layer(Linear, init=("D", "M"), x=("N", "D"))      # a class
        def test_linear(report): ...

    shapes      by the names of forward's arguments, in their order: letters stand for sizes
    init        of a class the arguments of its constructor: letters or values
    hyper       a strategy of keyword arguments for forward: check.strategies.hyper("eps")
    select, ignore   codes of checks, as in check.layer

    Hypothesis is led towards inputs where the error is largest. What fails keeps its code (GC201)
    while shapes and numbers become simple; the error ends with lines to paste. The test's own body
    gets the report of each example that is right. Raises CheckError if no example was decided.
    """
    names = letters(shapes)
    if not shapes:
        raise ConfigError("given_layer: no shapes given; write x=('N', 'D')")
    strange = [a for a in init if isinstance(a, str) and a not in names]
    if strange:
        raise ConfigError(f"given_layer: init has {strange[0]!r}, which no shape has")
    case = _Case(forward, backward, tuple(init), select, ignore, wrt)
    drawn = sized(largest, shapes)
    return partial(_decorated, case=case, drawn=drawn, hyper=hyper, max_examples=max_examples)


def _decorated(
    test: Callable[..., Any], case: "_Case", drawn: Any, hyper: Any, max_examples: int
) -> Callable[[], None]:
    """A test without arguments that runs all examples."""
    hypothesis = need("hypothesis", "check.given_layer")
    st = need("hypothesis.strategies", "check.given_layer")
    decided = [0]

    def example(drawn: Any, data: Any) -> None:
        settings = data.draw(hyper) if hyper is not None else {}
        report = case.report(drawn[0], drawn[1], settings, data)
        hypothesis.target(_error_size(report))
        case.judge(report, drawn[0], drawn[1], settings)
        if report.ok:
            decided[0] += 1
            test(report)

    run = hypothesis.settings(
        deadline=None, max_examples=max_examples, phases=quick_phases(),
        suppress_health_check=list(hypothesis.HealthCheck),
    )(hypothesis.given(drawn, st.data())(example))  # fmt: skip

    @wraps(test)
    def whole() -> None:
        decided[0] = 0
        run()
        if not decided[0]:
            raise CheckError(f"{case.name}: no example of {max_examples} was decided")

    del whole.__wrapped__  # pytest would ask for its arguments
    return whole


class _Case:
    """What is checked at each example."""

    def __init__(
        self, forward: Any, backward: Any, init: tuple[Any, ...], select: Codes, ignore: Codes,
        wrt: Any,
    ) -> None:  # fmt: skip
        self.forward, self.backward, self.init, self.wrt = forward, backward, init, wrt
        self.select, self.ignore = select, ignore
        self.name = getattr(forward, "__name__", type(forward).__name__)
        self.douts: list[Any] | None = None

    def report(self, size: Any, inputs: Any, settings: Any, data: Any) -> Report:
        """The report at an example; cotangents are drawn too, where outputs are known."""
        more: dict[str, Any] = {"hyper": settings} if settings else {}
        # Names and lines of mistakes take most of the time; inputs are made small without them.
        ignore = [*check_codes("ignore", self.ignore), "GC4", "GC5"]
        options: dict[str, Any] = dict(
            select=self.select, ignore=ignore, probes=False, certify=True
        )
        given = {name: np.array(x) for name, x in inputs.items()}
        if inspect.isclass(self.forward):
            thing, self.douts = self.made(size), None
            return layer(thing, tuple(given.values()), wrt=self.wrt, **more, **options)
        self.douts = self._drawn(given, settings, data)
        return layer(
            self.forward, self.backward, given, wrt=self.wrt, cotangents=self.douts, **more,
            **options,
        )  # fmt: skip

    def made(self, size: Any) -> Any:
        """An object of the class, from the sizes of this example."""
        np.random.seed(0)
        return self.forward(*(size[a] if isinstance(a, str) else a for a in self.init))

    def _drawn(self, given: Any, settings: Any, data: Any) -> list[Any] | None:
        """Cotangents of the outputs, None where forward raises or gives no plain array."""
        if self.backward is None:
            return None
        try:
            out = self.forward(*(np.array(x) for x in given.values()), **settings)
        except Exception:  # the report will say so
            return None
        out = out[0] if isinstance(out, tuple) else out
        if not isinstance(out, np.ndarray) or out.dtype.kind != "f":
            return None
        return [data.draw(cotangents(out.shape), label="cotangent")]

    def judge(self, report: Report, size: Any, inputs: Any, settings: Any) -> None:
        """Raises the error of a report's code, with lines to paste."""
        if report.verdict not in WRONG:
            return
        code = next(f.code for f in report.findings if f.verdict == report.verdict)
        text = "\n".join(["", str(report), "", "to paste:", *self._lines(size, inputs, settings)])
        raise error_of(code)(text)

    def _lines(self, size: Any, inputs: Any, settings: Any) -> list[str]:
        lines = ["import numpy as np", "from microgradnn import check", ""]
        lines += [f"{name} = {_written(x)}" for name, x in inputs.items()]
        words = ", ".join(inputs)
        more = f", hyper={settings!r}" if settings else ""
        if inspect.isclass(self.forward):
            init = ", ".join(repr(size[a] if isinstance(a, str) else a) for a in self.init)
            lines += ["np.random.seed(0)"]
            return [*lines, f"print(check.layer({self.name}({init}), ({words},){more}))"]
        if self.douts is not None:
            lines.append(f"dout = {_written(self.douts[0])}")
            more += ", cotangents=[dout]"
        back = getattr(self.backward, "__name__", "None")
        return [*lines, f"print(check.layer({self.name}, {back}, ({words},){more}))"]


def _written(x: Any) -> str:
    """An array as Python writes it."""
    return f"np.array({x.tolist()!r})" if x.size else f"np.zeros({x.shape})"


def _error_size(report: Report) -> float:
    """How far a gradient is from the true one, as the logarithm of the relative error."""
    worst = 1e-17
    for numbers in report.certificate.get("gradients", {}).values():
        yours, true = ([float.fromhex(x) for x in numbers[word]] for word in ("yours", "true"))
        size = max(map(abs, true), default=0.0) or 1.0
        errors = [abs(a - b) / size for a, b in zip(yours, true, strict=True)]
        worst = max([worst, *(e for e in errors if math.isfinite(e))])
    return math.log10(worst)
