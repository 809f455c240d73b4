"""stateful: a layer object is used in any order, and its gradients are right in every state."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...optional import need
from ..api import layer
from ..report import Report
from .given_layers import WRONG, error_of, quick_phases
from .strategies import Shape, arrays, cotangents, letters, sizes

MODES = ("train", "eval")


def stateful(
    make: Callable[..., Any], *, init: Sequence[str | int] = (), largest: int = 3,
    steps: int = 8, max_examples: int = 15, **shapes: Shape,
) -> type:  # fmt: skip
    """A Hypothesis state machine for layer objects: a test case to give to pytest or unittest.

        TestBatchNorm = check.stateful(BatchNorm, init=("D",), x=("N", "D"))

    Calls of forward, backward, zero_grad, train and eval come in any order, as far as the object
    has them. After each forward the gradient must be that of this forward, whatever came before
    (check.layer on a copy), and what comes between a forward and its backward must not change what
    backward returns. In eval mode forward must repeat. The shortest sequence that fails is shown.
    """
    stateful_ = need("hypothesis.stateful", "check.stateful")
    hypothesis = need("hypothesis", "check.stateful")
    st = need("hypothesis.strategies", "check.stateful")
    known = letters(shapes)

    rule, when = stateful_.rule, stateful_.precondition
    has_modes = when(lambda self: all(hasattr(self.thing, m) for m in MODES))
    calls = {
        "start": stateful_.initialize(size=sizes(*known, largest=largest))(_start),
        "forward": rule(data=st.data())(_forward),
        "backward": when(lambda self: self.after is not None)(rule(data=st.data())(_backward)),
        "zero_grad": when(lambda self: hasattr(self.thing, "zero_grad"))(rule()(_zero_grad)),
        "switch": has_modes(rule(mode=st.sampled_from(MODES))(_switch)),
        "made": staticmethod(make),
        "shapes": shapes,
        "init": tuple(init),
    }
    name = f"{getattr(make, '__name__', 'Layer')}Machine"
    Machine: Any = type(name, (stateful_.RuleBasedStateMachine,), calls)  # noqa: N806
    case = Machine.TestCase
    case.settings = hypothesis.settings(
        deadline=None, max_examples=max_examples, stateful_step_count=steps, phases=quick_phases(),
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    return case


# ---- what may be called; `self` is the machine ---------------------------------------------------


def _start(self: Any, size: dict[str, int]) -> None:
    np.random.seed(0)
    self.size, self.mode = size, ""
    self.thing = self.made(*(size[a] if isinstance(a, str) else a for a in self.init))
    self.after = None  # a copy right after the last forward, and its output's shape


def _forward(self: Any, data: Any) -> None:
    given = _drawn(data, self.shapes, self.size)
    _right(self.thing, given)
    before = copy.deepcopy(self.thing)
    np.random.seed(0)
    out = _call(self.thing, "forward", *given)
    if self.mode == "eval":
        _repeats(before, given, out)
    self.after = copy.deepcopy(self.thing), np.shape(out)


def _backward(self: Any, data: Any) -> None:
    then, shape = self.after
    dout = data.draw(cotangents(shape), label="dout")
    _agree(_call(self.thing, "backward", dout), _call(then, "backward", dout))
    self.after = None


def _zero_grad(self: Any) -> None:
    _call(self.thing, "zero_grad")


def _switch(self: Any, mode: str) -> None:
    if callable(getattr(self.thing, mode)):
        _call(self.thing, mode)
        self.mode = mode


def _drawn(data: Any, shapes: dict[str, Shape], size: dict[str, int]) -> list[Any]:
    return [
        data.draw(arrays(tuple(size[a] if isinstance(a, str) else a for a in axes)), label=name)
        for name, axes in shapes.items()
    ]


def _call(thing: Any, name: str, *args: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return getattr(thing, name)(*(np.array(a) for a in args))
    except Exception as error:
        raise error_of("GC001")(f"{name} raises {type(error).__name__}: {error}") from error


def _right(thing: Any, given: list[Any]) -> None:
    """Raises unless a copy, in the state it is in, has the right gradients."""
    report: Report = layer(copy.deepcopy(thing), tuple(given), probes=False, ignore=["GC4", "GC5"])
    if report.verdict in WRONG:
        code = next(f.code for f in report.findings if f.verdict == report.verdict)
        raise error_of(code)(f"\n{report}")


def _repeats(before: Any, given: list[Any], out: Any) -> None:
    np.random.seed(1)
    again = _call(before, "forward", *given)
    if not np.array_equal(np.asarray(again), np.asarray(out), equal_nan=True):
        raise error_of("GC010")("in eval mode forward gives other results at a second call")


def _agree(yours: Any, then: Any) -> None:
    """Raises unless two gradients are the same, to a few roundings."""
    pairs = zip(_row(yours), _row(then), strict=False)
    if not all(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True) for a, b in pairs):
        raise error_of("GC060")(
            "backward gives another gradient than right after its forward: what was called in "
            "between has changed what it stands on"
        )


def _row(x: Any) -> list[Any]:
    return [np.asarray(v) for v in (x if isinstance(x, (tuple, list)) else [x]) if v is not None]
