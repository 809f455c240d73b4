"""No gradient is zero because an argument was treated as a constant.

Every float that a public function, loss or layer with options accepts (tests/calls.py has a call of
each) is given as a Tensor that requires grad: its gradient is the difference quotient, or the call
is refused in a sentence that names the argument. Alone, and with all the other floats tracked too.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import nn
from microgradnn.engine import protocol
from microgradnn.engine.node import plain
from microgradnn.errors import MicrogradError
from microgradnn.nn.activations import WithOptions

from ..calls import CALLS, A, Call, P, R, found, name_of, public

Path = tuple[Any, ...]

# What is no number of which there is a gradient: places, shapes, words, switches, dtypes.
STRUCTURE = set(
    """axis axes axis1 axis2 axisa axisb axisc dim keepdim keepdims dtype shape newshape new_shape
    order copy source destination start reps repeats shift k N n indices obj mode method reduction
    sections indices_or_sections choices decimals trim kth kind stable num endpoint retstep sparse
    indexing include_initial rowvar bias_is bool ddof_is ignore_index approximate training rng full
    subscripts optimize edge_order returned condition condlist choicelist object
    upper UPLO hermitian compute_uv full_matrices ind log_input log_target swap is_causal
    enable_gqa kernel_size stride padding output_padding dilation groups ceil_mode
    count_include_pad return_indices output_size size num_groups normalized_shape num_classes
    padding_idx use_input_stats align_corners antialias recompute_scale_factor upscale_factor
    downscale_factor increasing pad_width pad""".split()
)
# Chosen slopes, told in the docstrings: they are not those of the value.
CHOSEN = {
    ("nn.embedding(3)", (0, 1)): "the row of padding_idx gets no gradient",
    ("nn.gaussian_nll_loss(3,eps)", (0, 2)): "the slope by var passes the guard eps, as in PyTorch",
}


def floats(x: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The floats and float arrays in nested arguments, with the way to each."""
    if isinstance(x, (list, tuple)):
        for i, v in enumerate(x):
            yield from floats(v, (*path, i))
    elif isinstance(x, dict):
        for k, v in x.items():
            yield from floats(v, (*path, k))
    elif type(x) is float or (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        if not np.all(np.isinf(x)):
            yield path, x


def replaced(x: Any, new: dict[Path, Any], path: Path = ()) -> Any:
    """The arguments with new values at some places."""
    if path in new:
        return new[path]
    if isinstance(x, dict):
        return {k: replaced(v, new, (*path, k)) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(replaced(v, new, (*path, i)) for i, v in enumerate(x))
    return x


def total(y: Any) -> Any:
    """One number of every result: Σ weight·element over the finite floats."""
    if isinstance(y, (list, tuple)):
        return sum((total(v) for v in y), 0.0)
    raw = np.asarray(plain(y))
    if raw.dtype.kind != "f":
        return 0.0
    finite = np.isfinite(raw)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, raw.shape)
    return (mg.where(finite, y, 0.0) * weights).sum()


def along(x: Any) -> np.ndarray:
    """A direction to move x in: zeros and nan stay, for functions that count them."""
    d = np.random.default_rng(2).uniform(0.5, 1.0, np.shape(x))
    return np.where((np.asarray(x) == 0) | np.isnan(x), 0.0, d)


def difference(f: Callable[[Any], Any], x: Any) -> float:
    h = 2.0**-20
    ahead, behind = (plain(total(f(x + s * h * along(x)))) for s in (1, -1))
    return float((ahead - behind) / (2 * h))


def slope(leaf: Any, x: Any) -> float:
    return 0.0 if leaf.grad is None else float(np.nansum(leaf.grad * along(x)))


def names(f: Any, path: Path) -> set[str]:
    """What a message may call the argument at this place."""
    at = path[1] if path else 0
    try:
        given = list(inspect.signature(f).parameters)
    except ValueError:
        given = []
    return (
        {str(at)} if isinstance(at, str) else {given[min(at, len(given) - 1)]} if given else set()
    )


def assert_right(title: str, f: Any, call: Callable[[Any, Any], Any], both: Any) -> None:
    """Every float of the call: its gradient is the difference, or its refusal names it."""
    leaves = dict(floats(both))
    open_ = dict(leaves)
    for path, x in leaves.items():
        expected = difference(lambda v, p=path: call(*replaced(both, {p: v})), x)
        if (title, path) in CHOSEN:
            continue
        t = mg.tensor(x, requires_grad=True)
        try:
            y = total(call(*replaced(both, {path: t})))
        except MicrogradError as error:
            text = str(error)
            assert "requires grad" in text and any(n in text for n in names(f, path)), text
            del open_[path]
            continue
        if isinstance(y, mg.Tensor) and y.requires_grad:
            y.backward()
        np.testing.assert_allclose(slope(t, x), expected, rtol=1e-6, atol=1e-6, err_msg=str(path))
        if path not in CHOSEN:
            open_[path] = (t, x)
    open_ = {p: v for p, v in open_.items() if isinstance(v, tuple)}
    ts = {p: mg.tensor(x, requires_grad=True) for p, (_, x) in open_.items()}
    if len(ts) > 1:
        y = total(call(*replaced(both, ts)))
        if isinstance(y, mg.Tensor) and y.requires_grad:
            y.backward()
        for path, (alone, x) in open_.items():
            np.testing.assert_allclose(
                slope(ts[path], x), slope(alone, x), rtol=1e-9, atol=1e-9, err_msg=f"all: {path}"
            )


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_every_float_argument_has_its_gradient_or_a_refusal(call: Call) -> None:
    f = call.function
    with np.errstate(all="ignore"):
        assert_right(name_of(call), f, lambda a, k: f(*a, **k), (call.args, call.kwargs))


def test_every_public_function_and_every_parameter_has_a_call() -> None:
    assert {c.name for c in CALLS} == set(public())
    for name in public():
        f, given = found(name), set()
        parameters = inspect.signature(f).parameters
        for call in CALLS:
            if call.name == name:
                bound = inspect.signature(f).bind(*call.args, **call.kwargs)
                given |= set(bound.arguments)
        assert set(parameters) - given - STRUCTURE <= {"kwargs"}, name


# ---- losses and layers with options -------------------------------------------------------------


def classes() -> Iterator[tuple[type, Call]]:
    """Each class of nn that applies one function, with the calls of that function."""
    for name in nn.__all__:
        cls = getattr(nn, name)
        if inspect.isclass(cls) and issubclass(cls, WithOptions) and hasattr(cls, "function"):
            rows = [c for c in CALLS if found(c.name) is cls.function]
            assert rows or all(f.type is int for f in cls.__dataclass_fields__.values()), name
            yield from ((cls, row) for row in rows)


@pytest.mark.parametrize(("cls", "call"), list(classes()), ids=lambda v: getattr(v, "__name__", ""))
def test_options_of_modules_have_gradients_or_refusals(cls: Any, call: Call) -> None:
    bound = inspect.signature(cls.function).bind(*call.args, **call.kwargs).arguments
    fields = {f for f in cls.__dataclass_fields__ if f in bound}
    options = {k: v for k, v in bound.items() if k in fields}
    needed = [
        p.name for p in inspect.signature(cls.function).parameters.values() if p.default is p.empty
    ]
    inputs = tuple(bound[k] for k in needed if k not in fields)

    with np.errstate(all="ignore"):
        assert_right(name_of(call), cls, lambda _, k: cls(**k)(*inputs), ((), options))


# ---- NumPy's functions that are answered without a graph ----------------------------------------

W = np.array([0, 1, 1, 2])
FLAT: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *[(n, (A(2, 3),), {}) for n in (
        "all any argwhere array2string array_repr array_str count_nonzero empty_like flatnonzero "
        "iscomplex iscomplexobj isfinite isinf isnan isneginf isposinf isreal isrealobj "
        "logical_not ndim nonzero ones_like shape signbit size spacing zeros_like angle argmax "
        "argmin argsort nanargmax nanargmin min_scalar_type common_type result_type "
        "histogram histogram_bin_edges").split()],
    *[(n, (A(2, 3), A(2, 3, seed=1)), {}) for n in (
        "allclose array_equal array_equiv equal greater greater_equal isclose isin less less_equal "
        "logical_and logical_or logical_xor may_share_memory not_equal shares_memory").split()],
    ("argpartition", (A(5), 2), {}), ("bincount", (W,), {"weights": A(4)}),
    ("can_cast", (np.float32, np.float64), {}), ("diag_indices_from", (A(3, 3),), {}),
    ("tril_indices_from", (A(3, 3),), {}), ("triu_indices_from", (A(3, 3),), {}),
    ("digitize", (A(4), R(3)), {}), ("searchsorted", (R(3), A(4)), {}),
    ("lexsort", ((A(4), A(4, seed=1)),), {}), ("unravel_index", (W, (2, 2)), {}),
    ("histogram", (A(9), 3), {"weights": P(9)}), ("histogram", (A(9), R(3)), {"density": True}),
    ("spacing", (A(2, 3),), {}), ("linalg.matrix_rank", (A(2, 3),), {}),
]  # fmt: skip


@pytest.mark.parametrize("row", FLAT, ids=lambda r: r[0])
def test_what_is_answered_from_the_data_does_not_move_with_it(row: Any) -> None:
    """Else the answer is refused where the argument is tracked: a constant would lose its slope."""
    name, args, kwargs = row
    f = getattr(np.linalg, name[7:]) if name.startswith("linalg.") else getattr(np, name)
    for path, x in floats((args, kwargs)):
        t = mg.tensor(x, requires_grad=True)
        moves = name != "empty_like" and difference(
            lambda v, p=path: f(*replaced(args, {p[1:]: v} if p[0] == 0 else {}),
                                **replaced(kwargs, {p[1:]: v} if p[0] == 1 else {})), x)  # fmt: skip
        a, k = replaced((args, kwargs), {path: t})
        if not moves and f not in protocol._MOVING:
            f(*a, **k)
            continue
        with pytest.raises(MicrogradError, match="requires grad"):
            f(*a, **k)


def test_every_function_that_is_answered_from_the_data_has_a_row() -> None:
    rows = {row[0] for row in FLAT}
    assert {f.__name__ for f in protocol.PLAIN} - {r.removeprefix("linalg.") for r in rows} == set()
