"""The table, the methods and the public names belong together."""

from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn.engine import ops, ops_linalg
from microgradnn.engine.node import Node
from microgradnn.engine.op import Op
from microgradnn.engine.tensor import Tensor

from ..strategies import TABLE

INTERNAL = {
    "alias", "argument", "put", "sum_to", "sumprod", "getitem", "windows", "fold", "bce",
    "bce_with_logits",
    "ce_with_logits", "norm", "eigh", "svd", "qr", "cofactor", "cofactor_change", "logabsdet",
}  # fmt: skip


def test_every_op_is_public_under_its_name() -> None:
    for op in TABLE:
        if op.name not in INTERNAL:
            assert op.name in mg.__all__ or op.name in mg.linalg.__all__, op.name


def test_every_elementwise_op_of_one_array_is_a_method_too() -> None:
    for op in TABLE:
        if len(op.domain) == 1:
            assert hasattr(Tensor, op.name) and hasattr(mg.Value, op.name), op.name


def test_numpys_own_ufuncs_are_answered_by_the_op_of_the_same_meaning() -> None:
    for op in TABLE:
        if op.ufunc is not None:
            x = [mg.tensor(np.full((2, 2), 0.5)) for _ in range(op.ufunc.nin)]
            if op.name == "ldexp":
                x[1] = mg.tensor([1, 2])
            if op.name == "arccosh":
                x = [mg.tensor([1.5])]
            assert isinstance(op.ufunc(*x), Tensor), op.name


def test_a_star_import_brings_the_public_names_and_dir_has_them() -> None:
    brought: dict[str, Any] = {}
    exec("from microgradnn import *", brought)
    assert sorted(brought.keys() - {"__builtins__"}) == mg.__all__ == sorted(set(mg.__all__))
    assert set(mg.__all__) <= set(dir(mg)) and not hasattr(mg, "expp")


def test_every_public_name_is_there_and_documented() -> None:
    for name in mg.__all__:
        assert getattr(mg, name).__doc__, name
    for cls in (Node, Tensor, mg.Value):
        for name, member in vars(cls).items():
            if callable(member) and not name.startswith("_"):
                assert member.__doc__, f"{cls.__name__}.{name}"


def test_the_tables_variables_are_the_registry() -> None:
    both = {**vars(ops_linalg), **vars(ops)}
    found = {v.name: v for v in both.values() if isinstance(v, Op)}
    assert set(found) == {op.name for op in TABLE}
    for op in TABLE:
        assert found[op.name] is op
        assert op.kind in op.__doc__
