"""What numbers, tensors and ops say where they refuse: the exact texts, in one table."""

import copy
import math
import pickle
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

import microgradnn as mg
from microgradnn import Value
from microgradnn.engine import ops
from microgradnn.engine.rules import elementwise
from microgradnn.errors import DTypeError, ForeignError, GradientError, RuleError, ShapeError

from .. import messages
from .test_foreign import Labelled

TENSORS = "{}: complex numbers are out of scope; keep the real and imaginary parts as two tensors"
VALUES = "{}: complex numbers are out of scope; use two Values"
FLOAT = (
    "float: a Value would lose its gradient; write v.exp(), not math.exp(v), or v.item() for the "
    "number alone"
)
BY_NAME = "options are given by name, and the result is returned, not written into an argument"
NO_RULE = (
    "has no derivative rule here; use .data if its result is a constant for you, or give it a rule "
    "with mg.custom_vjp"
)
NO_OUT = "out= is not supported for tensors; use the tensor that is returned"
MASK = "got a masked array, whose mask would be lost; choose with np.where, or pass x.filled(...)"
MIX = "np.ma: a masked array and a tensor do not mix; choose with np.where"
two, three, zeros = np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.zeros(2)
hidden = np.ma.array([1.0, 2.0], mask=[False, True])


def leaf(x: Any, **options: Any) -> mg.Tensor:
    return mg.tensor(x, requires_grad=True, **options)


def ones(*shape: int) -> mg.Tensor:
    return leaf(np.ones(shape))


test_messages = messages.table(
    # ---- one number
    (lambda: Value("a"), DTypeError, "Value: holds one number, got str; use mg.tensor for arrays"),
    (lambda: Value([1]), DTypeError, "Value: holds one number, got list; use mg.tensor for arrays"),
    (lambda: Value(None), DTypeError, "Value: holds one real number, got NoneType"),
    (lambda: Value(1j), DTypeError, "Value: holds one real number, got complex"),
    (lambda: None + Value(1.0), DTypeError, "add: got NoneType and float, need numbers"),
    (lambda: Value(1.0) * "a", DTypeError, "mul: got float and str, need numbers"),
    (lambda: Value(1.0) * mg.tensor(1.0), RuleError, "mul: Value and Tensor do not mix; use .data"),
    (lambda: mg.sum(Value(1.0)), RuleError, "sum: works on arrays, got single numbers; use Tensor"),
    (lambda: Value(Fraction(1, 2)).tanh(), DTypeError, "tanh: Fraction numbers have no tanh; convert to float first"),
    (lambda: Value(np.ones(3)), DTypeError, "Value: holds one number, got ndarray; use mg.tensor for arrays"),
    (lambda: Value(mg.tensor(1.0)), DTypeError, "Value: holds one number, got Tensor; use mg.tensor for arrays"),
    (lambda: Value({}), DTypeError, "Value: holds one number, got dict; use mg.tensor for arrays"),
    (lambda: Value(len), DTypeError, "Value: holds one real number, got builtin_function_or_method"),
    (lambda: Value(np.datetime64("2020-01-01")), DTypeError, "Value: holds one real number, got datetime64"),
    (lambda: Value(1) + "a", DTypeError, "add: got int and str, need numbers"),
    (lambda: "a" + Value(1), DTypeError, "add: got str and int, need numbers"),
    (lambda: Value(1.0) - None, DTypeError, "sub: got float and NoneType, need numbers"),
    (lambda: None / Value(1.0), DTypeError, "div: got NoneType and float, need numbers"),
    (lambda: Value(1.0) ** "a", DTypeError, "pow: got float and str, need numbers"),
    (lambda: [1] * Value(1.0), DTypeError, "mul: got list and float, need numbers"),
    (lambda: Value(1.0) % (1,), DTypeError, "remainder: got float and tuple, need numbers"),
    (lambda: mg.maximum(Value(1.0), "a"), DTypeError, "maximum: got float and str, need numbers"),
    (lambda: mg.relu("a"), DTypeError, "relu: got str, need numbers"),
    (lambda: mg.exp("a"), DTypeError, "exp: got str, need numbers"),
    (lambda: mg.tanh(None), DTypeError, "tanh: got NoneType, need numbers"),
    (lambda: Value(1.0) < "a", DTypeError, "lt: got float and str, need numbers"),
    (lambda: "a" <= Value(1.0), DTypeError, "ge: got float and str, need numbers"),
    (lambda: Value(1.0) > None, DTypeError, "gt: got float and NoneType, need numbers"),
    (lambda: Value(1.0) >= [1], DTypeError, "ge: got float and list, need numbers"),
    (lambda: Value(1.0) + mg.tensor(1.0), RuleError, "add: Value and Tensor do not mix; use .data"),
    (lambda: mg.tensor(1.0) + Value(1.0), RuleError, "add: a Tensor and a Value do not mix; use .data"),
    (lambda: mg.tensor(Value(1.0)), DTypeError, "tensor: got a node; use .detach() for a copy without history"),
    # ---- complex numbers
    (lambda: mg.tensor([1 + 2j]), DTypeError, TENSORS.format("tensor")),
    (lambda: mg.tensor([1.0], dtype=complex), DTypeError, TENSORS.format("tensor")),
    (lambda: mg.tensor(two) * 1j, DTypeError, TENSORS.format("mul")),
    (lambda: 1j * leaf(two), DTypeError, TENSORS.format("mul")),
    (lambda: np.array([1j]) + leaf(two), DTypeError, TENSORS.format("add")),
    (lambda: np.add(leaf(two), 1j), DTypeError, TENSORS.format("add")),
    (lambda: leaf(two) @ np.array([1j, 2]), DTypeError, TENSORS.format("matmul")),
    (lambda: np.where(two > 1, leaf(two), 1j), DTypeError, TENSORS.format("where")),
    (lambda: np.concatenate([leaf(two), [1j]]), DTypeError, TENSORS.format("concatenate")),
    (lambda: mg.astype(leaf(two), complex), DTypeError, TENSORS.format("astype")),
    (lambda: Value(np.complex128(1j)), DTypeError, "Value: holds one real number, got complex128"),
    (lambda: Value(np.complex64(1j)), DTypeError, "Value: holds one real number, got complex64"),
    (lambda: Value(mpmath.mpc(1, 2)), DTypeError, "Value: holds one real number, got mpc"),
    (lambda: setattr(Value(1.0), "data", 1j), DTypeError, "Value: holds one real number, got complex"),
    (lambda: Value(1.0) * 1j, DTypeError, VALUES.format("mul")),
    (lambda: 1j * Value(1.0), DTypeError, VALUES.format("mul")),
    (lambda: Value(1.0) + np.complex64(1j), DTypeError, VALUES.format("add")),
    (lambda: Value(mpmath.mpf(1)) - mpmath.mpc(0, 1), DTypeError, VALUES.format("sub")),
    (lambda: Value(1.0) ** 1j, DTypeError, VALUES.format("pow")),
    # ---- micrograd's words
    (lambda: math.exp(Value(1.0)), DTypeError, FLOAT),
    (lambda: int(Value(1.0)), DTypeError, "int: a Value would lose its gradient; write v.item() for the number"),
    (lambda: Value(0.5, (Value(1.0),), "tanh"), RuleError, "Value: a result is made by an op, not from its parents; write x.tanh(), or give your own function its rule with mg.custom_vjp"),
    # ---- tensors
    (lambda: mg.tensor([1, 2], requires_grad=True), DTypeError, "requires_grad: dtype int64 has no gradient; make it floating point, as in tensor([1.0, 2.0]) or dtype=float"),
    (lambda: leaf([1.0, 2.0]).backward(), GradientError, "backward: output has shape (2,), need a single number; pass gradient= or call .sum() first"),
    (lambda: mg.tensor(1.0).backward(), GradientError, "backward: a tensor does not depend on anything that requires grad; make the inputs with requires_grad=True, outside no_grad()"),
    (lambda: leaf([1.0]).backward(np.ones(2)), ShapeError, "backward: gradient has shape (2,), output (1,)"),
    (lambda: leaf([1.0]).__setitem__(0, 2.0), GradientError, "item assignment: tensors are not changed in place; build the result with where, concatenate or stack, or assign to .data outside a graph"),
    (lambda: float(leaf(1.0)), GradientError, "float(): a tensor requires grad and would lose it; use x.exp(), not math.exp(x), and .item() for the number alone"),
    (lambda: np.asarray(leaf([1.0], name="w")), GradientError, "np.asarray: 'w' requires grad and would lose it; use np.stack or mg.array to join tensors, .data to leave the graph"),
    (lambda: bool(leaf(1.0) * 2), GradientError, "truth value: a tensor made by mul requires grad and would lose it; use a comparison such as (x > 0).any()"),
    (lambda: leaf([1.0]).numpy(), GradientError, "numpy(): a tensor requires grad and would lose it; use .data or .detach().numpy()"),
    (lambda: leaf([1.0, 2.0]).item(), ShapeError, "item: shape (2,) has 2 elements, need one"),
    (lambda: leaf(np.ones((4, 3))) @ leaf(np.ones((5, 2))), ShapeError, "matmul: shapes (4, 3) and (5, 2) do not align (3 != 5)"),
    (lambda: leaf(1.0) * Value(2.0), RuleError, "mul: a Tensor and a Value do not mix; use .data"),
    (lambda: setattr(leaf([1.0]), "data", np.ones(2)), ShapeError, "data: shape (2,) does not replace shape (1,)"),
    (lambda: setattr(leaf([1.0], dtype=np.float32), "data", np.ones(1)), DTypeError, "data: dtype float64 does not replace float32; use .astype(...)"),
    (lambda: mg.tensor(leaf(1.0)), DTypeError, "tensor: got a node; use .detach() for a copy without history"),
    (lambda: (leaf(two) * 2).requires_grad_(False), GradientError, "requires_grad_: a tensor made by mul is not a leaf; use .detach()"),
    # ---- calls
    (lambda: elementwise("exp", "exp(x)", math.exp, np.exp, lambda g, y, x: g * y), RuleError, "exp: already in the table; choose another name"),
    (lambda: mg.exp(zeros, out=zeros), RuleError, "exp: no option out=; use the tensor that is returned"),
    (lambda: Value(0.5).exp(base=2), RuleError, "exp: no option base=; it has none"),
    (lambda: ops.sum(zeros, axes=0), RuleError, "sum: no option axes=; it has axis=, keepdims="),
    (lambda: mg.tensor(zeros).exp(zeros), RuleError, f"exp: takes one input (x), got 2; {BY_NAME}"),
    (lambda: mg.add(zeros, zeros, zeros), RuleError, f"add: takes 2 inputs (a, b), got 3; {BY_NAME}"),
    (lambda: mg.exp(zeros, zeros), RuleError, f"exp: takes one input (x), got 2; {BY_NAME}"),
    (lambda: mg.exp(), RuleError, "exp: takes one input (x), got 0"),
    (lambda: mg.maximum(zeros), RuleError, "maximum: takes 2 inputs (a, b), got 1"),
    # ---- NumPy's functions
    (lambda: np.fft.fft(ones(4)), RuleError, f"np.fft.fft: {NO_RULE}"),
    (lambda: np.linalg.eig(ones(2, 2)), RuleError, f"np.linalg.eig: {NO_RULE}"),
    (lambda: np.sum(ones(4), out=np.zeros(())), RuleError, f"np.sum: {NO_OUT}"),
    (lambda: np.add(ones(4), 1, out=np.zeros(4)), RuleError, f"np.add: {NO_OUT}"),
    (lambda: np.exp(ones(4), where=np.ones(4, bool)), RuleError, "np.exp: where= is not supported for tensors; choose with np.where"),
    (lambda: np.add.at(np.zeros(4), [0], ones(1)), RuleError, f"np.add.at: {NO_RULE}"),
    (lambda: np.copyto(np.zeros(4), ones(4)), GradientError, "np.copyto: tensors are not changed in place; build the result with np.where, np.concatenate or np.stack"),
    (lambda: np.pad(ones(4), 1, "mean"), RuleError, "np.pad: mode='mean' is not supported for tensors; use constant, edge, reflect, symmetric, wrap, empty"),
    (lambda: np.ravel(ones(4), order="A"), RuleError, "reshape: order='A' depends on memory, not on values; use 'C' or 'F'"),
    (lambda: np.linalg.svd(ones(3, 2)), RuleError, "linalg.svd: full_matrices=True has no derivative for shape (3, 2); write full_matrices=False"),
    (lambda: ones(4).sort(), GradientError, "sort: tensors are not changed in place; use np.sort, or PyTorch's x.sort(dim=-1)"),
    (lambda: np.array([ones(), ones()]), GradientError, "np.asarray: a tensor requires grad and would lose it; use np.stack or mg.array to join tensors, .data to leave the graph"),
    (lambda: mg.diff(leaf(three), n=-1), ShapeError, "diff: order -1 is negative"),
    (lambda: np.diff(leaf(three), n=-1), ShapeError, "np.diff: order -1 is negative"),
    (lambda: mg.split(leaf(three), 2), ShapeError, "split: 3 elements do not split into 2 equal parts"),
    (lambda: mg.einsum("ij", leaf(three)), ShapeError, "einsum: subscripts 'ij' do not fit an operand of shape (3,)"),
    (lambda: np.add.reduce(leaf(two), out=np.zeros(())), RuleError, f"np.add.reduce: {NO_OUT}"),
    # ---- arrays of other classes
    (lambda: leaf(two) * hidden, DTypeError, f"mul: {MASK}"),
    (lambda: hidden * leaf(two), DTypeError, MIX),
    (lambda: np.ma.sum(hidden * Value(2.0)), DTypeError, MIX.replace("tensor", "value")),
    (lambda: mg.exp(hidden), DTypeError, f"exp: {MASK}"),
    (lambda: mg.mean(hidden), DTypeError, f"mean: {MASK}"),
    (lambda: mg.stack([hidden, hidden]), DTypeError, f"array: {MASK}"),
    (lambda: mg.tensor(hidden), DTypeError, f"tensor: {MASK}"),
    (lambda: mg.mul(leaf(two), Labelled(np.ones(2))), ForeignError, "mul: got Labelled, need an array; pass np.asarray(x)"),
    (lambda: mg.var(np.array([1j])), DTypeError, "var: complex numbers are out of scope; keep the real and imaginary parts as two arrays"),
    # ---- copies
    (lambda: pickle.dumps(leaf([1.0]) * 2), GradientError, "pickle: a tensor made by mul belongs to a graph; use .detach()"),
    (lambda: pickle.dumps(Value(1.0).exp()), GradientError, "pickle: a value made by exp belongs to a graph; use .detach()"),
    (lambda: copy.deepcopy(Value(1.0).exp()), GradientError, "deepcopy: a value made by exp is part of a graph; copy leaves, or .detach() first"),
    (
        lambda: Value(2.0).copysign(two),  # type: ignore[arg-type]
        DTypeError,
        "copysign: got float and ndarray, need numbers",
    ),
    (
        lambda: Value(2.0).ldexp(""),  # type: ignore[arg-type]
        DTypeError,
        "ldexp: got float and str, need numbers",
    ),
    (
        lambda: leaf(two).size(leaf(two)),  # type: ignore[call-overload]
        DTypeError,
        "size: dim is of type Tensor, need an integer",
    ),
    (
        lambda: np.logical_xor(leaf(np.array([1, 2], object)), two),
        DTypeError,
        "np.logical_xor: not defined for dtypes object, float64",
    ),
)  # fmt: skip
