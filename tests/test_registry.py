"""The table, the methods and the public names belong together."""

import microgradnn as mg
from microgradnn import ops
from microgradnn.node import Node
from microgradnn.rules import Op
from microgradnn.tensor import Tensor

from .strategies import TABLE

INTERNAL = {"alias", "put", "sum_to", "sumprod", "getitem", "astype", "linear", "where"}
LOSSES = {"bce_with_logits", "ce_with_logits"}
OPERATORS = {"add", "sub", "mul", "div", "neg", "pow", "matmul"}


def test_every_op_is_public_under_its_name() -> None:
    for op in TABLE:
        if op.name not in (INTERNAL - {"linear", "where"}) | LOSSES:
            assert op.name in mg.__all__, op.name


def test_every_op_of_one_array_is_a_method_too() -> None:
    functions = {"concatenate", "stack", "broadcast_to", "expand_dims", "clip"}
    for op in TABLE:
        if op.name not in INTERNAL | LOSSES | OPERATORS | functions:
            assert hasattr(Tensor, op.name), op.name


def test_every_public_name_is_there_and_documented() -> None:
    for name in mg.__all__:
        assert getattr(mg, name).__doc__, name
    for cls in (Node, Tensor, mg.Value):
        for name, member in vars(cls).items():
            if callable(member) and not name.startswith("_"):
                assert member.__doc__, f"{cls.__name__}.{name}"


def test_the_tables_variables_are_the_registry() -> None:
    found = {v.name: v for v in vars(ops).values() if isinstance(v, Op)}
    assert set(found) == {op.name for op in TABLE}
    for op in TABLE:
        assert found[op.name] is op
        assert op.kind in op.__doc__
