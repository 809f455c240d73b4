"""Loops give what NumPy gives, but for rounding; most programs run here without numba, in Python."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.compiler import looped
from microgradnn.compiler.looped import LoopedStep
from microgradnn.compiler.program import Instruction, StraightProgram, Variable
from microgradnn.errors import ConfigError, LabelError, MissingPackageError, TraceError
from microgradnn.optional import have
from microgradnn.transforms import tree
from tests.compiler.test_compile import programs
from tests.strategies import TABLE, cases, seeds, signed

with_numba = pytest.mark.skipif(not have("numba"), reason="numba is not installed")
# Single numbers as IEEE has them, where Python raises.
IEEE = SimpleNamespace(
    **{name: getattr(np, name) for name in
       "exp expm1 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh hypot copysign".split()},
    **{f"a{name}": getattr(np, f"arc{name}") for name in "sin cos tan sinh cosh tanh".split()},
    atan2=np.arctan2, erf=math.erf, erfc=math.erfc, degrees=np.degrees, radians=np.radians,
    inf=math.inf, nan=math.nan,
)  # fmt: skip


def interpreted(f: Any) -> Any:
    """The loops without numba: the arithmetic of NumPy's numbers, slowly."""
    f.__globals__["math"] = IEEE
    return f


def close(a: Any, b: Any, roundings: float) -> bool:
    """Equal but for so many roundings of the largest number there."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool((a == b).all())
    finite = np.isfinite(b)
    same = np.array_equal(a[~finite], b[~finite], equal_nan=True)
    scale = np.abs(b[finite]).max(initial=1.0)
    off = np.abs(a[finite].astype(float) - b[finite]).max(initial=0.0)
    return same and off <= roundings * np.finfo(a.dtype).eps * scale


def both(f: Any, *xs: Any, argnums: Any) -> tuple[list[Any], list[Any], Any]:
    """Value and gradients by loops and by NumPy's functions."""
    step = mg.compile(f, argnums)
    expected, slopes = step(*xs)
    program = step.trace(*xs)
    loops = LoopedStep(program, [], interpreted)
    given = [np.asarray(x) if v.dtype is not None else x
             for x, v in zip([x for x in xs if isinstance(x, np.ndarray)], program.inputs,
                             strict=True)]  # fmt: skip
    value, gradients = loops.bind([], [])(*given, *step._executable().outside())
    return [value, *gradients], [expected, *tree.leaves(slopes)], loops


@pytest.mark.parametrize("op", TABLE, ids=lambda op: op.name)
@settings(max_examples=2)
@given(data=st.data(), single=st.booleans())
def test_every_op_and_its_rule(op: Any, data: Any, single: bool) -> None:
    xs, params = data.draw(cases(op))
    xs = tuple(
        np.asarray(x, np.float32 if single and x.dtype.kind == "f" else None)
        for x in map(np.asarray, xs)
    )
    wanted = tuple(i for i, x in enumerate(xs) if x.dtype.kind == "f")

    def f(*xs: Any) -> Any:
        y = op(*xs, **params)
        return mg.sum(y * np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype))

    try:
        mg.compile(f, wanted)(*xs)
    except Exception:
        return  # no gradient here, or no program
    try:
        with np.errstate(all="ignore"):
            loops, expected, _ = both(f, *xs, argnums=wanted)
    except TraceError as error:
        assert "has no loop; leave out backend='numba'" in str(error)
        return
    n = max(x.size for x in xs) + 64
    assert all(close(a, b, 8 * n) for a, b in zip(loops, expected, strict=True)), op.name


@settings(max_examples=60)
@given(programs(), seeds, st.booleans())
def test_random_programs(f: Any, seed: int, single: bool) -> None:
    rng = np.random.default_rng(seed)
    kind = np.float32 if single else np.float64
    xs = [np.asarray(signed(rng, *s), kind) for s in ((3, 2), (2, 3), (3, 1))]
    with np.errstate(all="ignore"):
        try:
            loops, expected, of = both(f, *xs, argnums=(0, 1, 2))
        except TraceError as error:
            assert "has no loop" in str(error)
            return
    roundings = 64 * len(of.kernel.__code__.co_consts) + 4096
    assert all(close(a, b, roundings) for a, b in zip(loops, expected, strict=True))


def trained(backend: Any) -> tuple[list[float], list[Any], Any]:
    rng = np.random.default_rng(0)
    model = nn.Sequential([nn.Linear(2, 3, rng=rng, dtype=np.float64), nn.Tanh()])
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    loss = nn.functional.cross_entropy
    step = mg.compile(model, loss=loss, optimizer=optimizer, backend=backend)
    x, t = rng.normal(size=(5, 2)), rng.integers(0, 3, 5)
    losses = [step(x, t) for _ in range(6)]
    return losses, [p.data for p in model.parameters()], step


@with_numba
def test_a_training_step_by_numba() -> None:
    losses, params, step = trained("numba")
    expected, wanted, plain = trained("numpy")
    assert np.allclose(losses, expected, rtol=1e-13, atol=0)
    assert all(np.allclose(a, b, rtol=1e-13, atol=0) for a, b in zip(params, wanted, strict=True))
    assert plain.plan == []
    assert step.plan == [
        "sums and matrix products add one number after another, where NumPy adds in blocks: at "
        "most 5 roundings of the sum of the absolute values",
        "exp, log, tanh: from the C library, a few ulps from NumPy's",
    ]
    assert step.source == plain.source
    before = [p.copy() for p in params]
    with pytest.raises(LabelError):  # nothing is written before all is known to be right
        step(np.zeros((5, 2)), np.array([0, 1, 2, 3, 0]))
    assert all((a == b).all() for a, b in zip(params, before, strict=True))


@with_numba
def test_functions_of_arrays_and_of_single_numbers_by_numba() -> None:
    def loss(w: Any, x: Any) -> Any:
        return mg.sum(np.maximum(x @ w, 0) * x[:, :2])

    rng = np.random.default_rng(0)
    w, x = (rng.integers(-3, 4, s) * 1.0 for s in ((3, 2), (2, 3)))
    step = mg.compile(loss, backend="numba")
    for order in ("C", "F"):
        value, gradient = step(np.asarray(w, order=order), x)
        expected, slope = mg.value_and_grad(loss)(w, x)
        assert value == expected and (gradient == slope).all()  # sums of small integers are exact
        assert gradient.flags.owndata or gradient.base is not None and gradient.flags.writeable

    def neuron(x: Any, w: Any) -> Any:
        return (x * w + 1).tanh() / (x - 2)

    single = mg.compile(neuron, argnums=(0, 1), backend="numba")
    plain = mg.compile(neuron, argnums=(0, 1))
    for a, b in ((0.5, -1.5), (2.0, 1.0), (3, 10**200)):
        got, wanted = (f(mg.Value(a), mg.Value(b)) for f in (single, plain))
        numbers = [[g[0].data, *(x.data for x in g[1])] for g in (got, wanted)]
        assert np.allclose(*numbers, rtol=1e-15, atol=0, equal_nan=True)


def test_an_index_out_of_range_is_an_error_of_python() -> None:
    w = Variable((3, 2), np.dtype(float), "w")
    i, y = Variable((2,), np.dtype(int), "i"), Variable((2, 2), np.dtype(float), "y")
    back = Variable((3, 2), np.dtype(float), "back")
    body = [
        Instruction("getitem", (w,), {"index": (i,)}, y),
        Instruction("put", (y,), {"index": (i,), "shape": (3, 2)}, back),
    ]
    program = StraightProgram(inputs=[w, i], body=body, value=y, gradients=[(w, back)])
    run = LoopedStep(program, [], interpreted).bind([], [])
    rows = np.arange(6.0).reshape(3, 2)
    value, (gradient,) = run(rows, np.array([2, -1]))
    assert value.tolist() == [[4, 5], [4, 5]] and gradient.tolist() == [[0, 0], [0, 0], [8, 10]]
    for wrong in (3, -4):
        with pytest.raises(IndexError, match="^index out of range$"):
            run(rows, np.array([0, wrong]))


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError) as caught:
        mg.compile(np.tanh, backend="cuda")  # type: ignore[call-overload]
    assert str(caught.value) == "compile: no backend 'cuda'; use 'numpy' or 'numba'"
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(MissingPackageError, match="compile: backend='numba' needs numba"):
        mg.compile(np.tanh, backend="numba")
    monkeypatch.undo()
    if have("numba"):
        with pytest.raises(TraceError) as refused:
            mg.compile(lambda x: mg.sum(np.linalg.inv(x)), backend="numba")(np.eye(2))
        assert str(refused.value) == "compile: inv has no loop; leave out backend='numba'"
    assert looped.BACKENDS == ("numpy", "numba")
