"""How ops are called: a wrong number of inputs is refused, help() and signatures come from the table."""

import inspect
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.engine.op import Op
from microgradnn.errors import MicrogradError, RuleError

from ..strategies import TABLE

counted = pytest.mark.parametrize("op", [o for o in TABLE if not o.variadic], ids=lambda o: o.name)
MAKE: dict[str, Any] = {
    "array": lambda: np.full((2, 2), 0.5),
    "tensor": lambda: mg.tensor(np.full((2, 2), 0.5), requires_grad=True),
    "value": lambda: mg.Value(0.5),
    "number": lambda: 0.5,
}


def held(x: Any) -> bytes:
    return np.asarray(getattr(x, "data", x) if isinstance(x, mg.Value | mg.Tensor) else x).tobytes()


@counted
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("surplus", [1, 2, -1])
def test_too_many_or_too_few_inputs_are_refused_and_nothing_is_written(
    op: Op, kind: str, surplus: int
) -> None:
    xs = [MAKE[kind]() for _ in range(op.arity + surplus)]
    before = [held(x) for x in xs]
    with pytest.raises(RuleError, match=f"^{op.name}: takes "):
        op(*xs)
    with pytest.raises(RuleError, match=f"^{op.name}: takes "):
        op(*xs, **dict.fromkeys(["axis"], 0))
    assert [held(x) for x in xs] == before


@pytest.mark.parametrize("kind", ["tensor", "value"])
def test_surplus_arguments_of_methods_are_refused_too(kind: str) -> None:
    for op in TABLE:
        if op.pointwise and hasattr(mg.Value, op.name):
            x, others = MAKE[kind](), [MAKE[kind]() for _ in range(op.arity + 1)]
            before = [held(o) for o in others]
            with pytest.raises(MicrogradError, match=f"^{op.name}: "):
                getattr(x, op.name)(*others)
            assert [held(o) for o in others] == before, op.name


@pytest.mark.parametrize("kind", MAKE)
def test_options_that_an_op_does_not_have_are_refused_and_nothing_is_written(kind: str) -> None:
    for op in TABLE:
        if op.options is not None and not op.variadic:
            xs, buffer = [MAKE[kind]() for _ in range(op.arity)], np.full((2, 2), 7.0)
            for option, value in {
                "out": buffer,
                "where": np.eye(2, dtype=bool),
                "axes_": 1,
            }.items():
                with pytest.raises(RuleError, match=f"^{op.name}: no option {option}=; "):
                    op(*xs, **{option: value})
            assert (buffer == 7).all()


x, c = np.zeros(2), np.zeros(2)


# ---- help ---------------------------------------------------------------------------------------


def test_help_of_relu() -> None:
    assert mg.relu.__doc__ == (
        "relu(x) = max(x, 0)\n"
        "\n"
        "One elementwise op of the table in engine/ops.py.\n"
        "Nodes in, node out; arrays in, array out; numbers in, number out.\n"
        "\n"
        "    value       y = max(x, 0)\n"
        "    derivative  by x: where(gt(x, 0), g, 0)\n"
        "    kinks       slope 0 at 0\n"
        "    shapes      any; inputs broadcast to their common shape, which is that of the result\n"
        "    dtype       NumPy's promotion: float32 stays float32, longdouble longdouble\n"
        "\n"
        "g is the cotangent of y: the slope of the loss by y."
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tanh", ["derivative  by x: g * (1 - y * y)"]),
        ("mul", ["derivative  by a: g * b", "derivative  by b: g * a"]),
        ("logsumexp", ["derivative  dy/dx = exp(x - y)"]),
        ("where", ["derivative  by c: 0", "derivative  by b: where(c, 0, g)"]),
        ("maximum", ["kinks       where inputs are equal, they share the slope"]),
        ("sum", ["derivative  by x: broadcast_to(_kept(g, x, axis), shape=x.shape)"]),
    ],
)
def test_help_shows_the_derivative_as_it_stands_in_the_table(name: str, lines: list[str]) -> None:
    (op,) = [o for o in TABLE if o.name == name]
    for line in lines:
        assert f"    {line}\n" in op.__doc__


@pytest.mark.parametrize("op", TABLE, ids=lambda o: o.name)
def test_every_op_has_a_formula_a_derivative_and_a_signature(op: Op) -> None:
    text = op.__doc__
    assert op.formula and f"= {op.formula}\n" in text
    assert text.count("    derivative  ") == (1 if op.variadic else op.arity)
    assert "see the table" not in text
    positional = [
        p for p in inspect.signature(op).parameters.values() if p.kind is p.POSITIONAL_ONLY
    ]
    assert len(positional) == op.arity


def test_signatures() -> None:
    assert str(inspect.signature(mg.relu)) == "(x, /)"
    assert str(inspect.signature(mg.pow)) == "(a, b, /)"
    assert Op.__doc__ is not None and Op.__doc__.startswith("One primitive")
