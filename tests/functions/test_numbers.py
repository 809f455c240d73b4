"""NumPy's number: value, shape and dtype of every function that NumPy has too.

Every call of tests/calls.py is repeated with its arrays in other dtypes, layouts and with special
values, on plain arrays and on Tensors, beside NumPy's own function. In `deep` all combinations are
tried, else a few of each call, always the same. What has no counterpart in NumPy is compared with
itself in float64: integers do not wrap, float16 does not overflow.
"""

import itertools
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import microgradnn as mg
from microgradnn.engine.node import plain
from microgradnn.errors import DataError, MicrogradError
from microgradnn.nn import functional as nnf
from microgradnn.transforms import tree

from ..calls import CALLS, A, Call, name_of

NAMES = {"neg": "negative", "sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power",
         "abs": "absolute"}  # fmt: skip
INTEGERS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
FLOATS = "float16 float32 float64 longdouble".split()
DEEP = settings().max_examples >= 1000


def numpys(name: str) -> Callable[..., Any] | None:
    """NumPy's function of the same name."""
    if name.startswith("nn."):
        return None
    if name.startswith("linalg."):
        return getattr(np.linalg, name[7:], None)
    return getattr(np, NAMES.get(name, name), None)


def converted(x: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """The arguments with their arrays of floats changed."""
    if isinstance(x, (list, tuple)):
        return type(x)(converted(v, change) for v in x)
    if isinstance(x, dict):
        return {k: converted(v, change) for k, v in x.items()}
    return change(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def cast(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    def change(x: np.ndarray) -> np.ndarray:
        kind = np.dtype(dtype).kind
        if kind == "f":
            return np.asarray(x).astype(dtype)
        whole = np.asarray(np.round(np.nan_to_num(x) * 3)).astype(int)
        return np.asarray(
            whole > 0 if kind == "b" else abs(whole) if kind == "u" else whole
        ).astype(dtype)

    return change


def after(f: Callable[[Any], Any], g: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: f(g(x))


# ---- layouts and values -------------------------------------------------------------------------


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, -1)[..., ::2] if x.ndim else x


def backwards(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[..., ::-1])[..., ::-1] if x.ndim else x


def frozen(x: np.ndarray) -> np.ndarray:
    x.setflags(write=False)
    return x


def swapped(x: np.ndarray) -> np.ndarray:
    return x.astype(x.dtype.newbyteorder(">"))


class Subclass(np.ndarray):
    """An array of another class."""


def special(seed: int, values: str) -> Callable[[np.ndarray], np.ndarray]:
    """The same shape with ±0, subnormal, infinite, huge numbers or nan here and there."""

    def change(x: np.ndarray) -> np.ndarray:
        if x.dtype.kind == "b":
            return x
        if x.dtype.kind in "iu":
            info = np.iinfo(x.dtype)
            pool = np.array([0, 1, 2, info.max, info.min], x.dtype)
        else:
            f = np.finfo(x.dtype)
            ends = [f.smallest_subnormal, f.max, -f.max] if values == "all" else []
            wild = [np.inf, -np.inf, np.nan] if values in ("all", "infinite") else []
            pool = np.array([0.0, -0.0, 1.5, -2.0, 1.0, 0.5, *wild, *ends]).astype(x.dtype)
        return np.asarray(np.random.default_rng(seed).choice(pool, x.shape))

    return change


LAYOUTS: list[Callable[[np.ndarray], Any]] = [
    np.asfortranarray, strided, backwards, frozen, swapped, lambda x: x.view(Subclass),
]  # fmt: skip

# Where NumPy's own number is the worse one, or depends on how BLAS and LAPACK add up.
ROUGH = {"cov", "corrcoef", "dot", "einsum", "matmul", "kron", "inner", "tensordot", "linear",
         "matvec", "vecmat", "vecdot"}  # fmt: skip
NO_ORDER = {"partition", "argpartition"}  # only the kth place is settled
BETTER = {
    "quantile": "differences of integers do not wrap", "percentile": "the same",
    "nanquantile": "the same", "nanpercentile": "the same",
    "var": "nor do integers less mean=; float16 is added up in float32", "std": "the same",
    "nanvar": "the same", "nanstd": "the same", "average": "0/0 is nan, not an exception",
    "interp": "xp that do not rise have no meaning", "cov": "sums of huge numbers",
}  # fmt: skip


def ulps(got: Any, expected: Any, scale: bool) -> Any:
    """How many units in the last place they lie apart, of each element or of the largest."""
    y, e = np.asarray(got), np.asarray(expected)
    if e.dtype.kind != "f":
        return 0.0 if np.array_equal(y, e) else np.inf
    same = (y == e) | (np.isnan(y) & np.isnan(e))
    finite = np.isfinite(y) & np.isfinite(e)
    if not np.all(same | finite):
        return np.inf
    with np.errstate(all="ignore"):
        size = np.maximum(abs(y), abs(e))[finite & ~same]
        unit = np.spacing(np.max(size, initial=0) if scale else size)
        return float(np.max(abs(y - e)[finite & ~same] / unit, initial=0))


def assert_numpys(call: Call, args: Any, kwargs: Any, what: str) -> None:
    """Our function gives what NumPy's gives, or refuses; on arrays and on Tensors."""
    theirs = numpys(call.name)
    assert theirs is not None
    try:
        expected = theirs(*args, **kwargs)
    except Exception:
        return  # what NumPy refuses we may define
    rough = call.name.startswith("linalg.") or call.name in ROUGH
    tensors = converted_like(call, (args, kwargs), mg.tensor)
    for a, k in ((args, kwargs), tensors):
        try:
            got = call.function(*a, **k)
        except MicrogradError:
            continue
        pairs = list(zip(tree.leaves(got), tree.leaves(expected), strict=True))
        for y, e in pairs:
            raw, e = np.asarray(plain(y)), np.asarray(e)
            assert raw.shape == e.shape, what
            assert raw.dtype.newbyteorder("=") == e.dtype.newbyteorder("=") or type(y) is int, what
            assert ulps(raw, e, rough) <= (64 if rough else 2), f"{what}: {raw} is not {e}"


def converted_like(call: Call, given: Any, change: Callable[[Any], Any]) -> Any:
    """The arguments with what was an array of floats in the table changed."""

    def walk(original: Any, x: Any) -> Any:
        if isinstance(original, (list, tuple)):
            return type(original)(walk(o, v) for o, v in zip(original, x, strict=True))
        if isinstance(original, dict):
            return {k: walk(original[k], v) for k, v in x.items()}
        return change(x) if isinstance(original, np.ndarray) and original.dtype.kind == "f" else x

    return walk((call.args, call.kwargs), given)


def some(cases: list[Any], call: Call, n: int) -> Iterator[Any]:
    """n of the cases, others for another call; all in `deep`."""
    start = zlib.crc32(name_of(call).encode())
    for i in range(len(cases) if DEEP else n):
        yield cases[(start + i * 7) % len(cases)]


SHARED = [c for c in CALLS if numpys(c.name) and c.name not in NO_ORDER]
OURS = [c for c in CALLS if not numpys(c.name) and c.name not in ("nn.one_hot", "nn.pad")]
quiet = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"
)


@quiet
@pytest.mark.parametrize("call", SHARED, ids=name_of)
def test_dtypes(call: Call) -> None:
    for dtype in some(INTEGERS + FLOATS, call, 6):
        if call.name == "cov" and dtype == "longdouble":
            continue  # NumPy divides by a float64 there
        args, kwargs = converted((call.args, call.kwargs), cast(dtype))
        assert_numpys(call, args, kwargs, f"{name_of(call)} of {dtype}")


@quiet
@pytest.mark.parametrize("call", SHARED, ids=name_of)
def test_layouts(call: Call) -> None:
    cases = list(itertools.product(LAYOUTS, ["float64", "float32", "int32"]))
    for layout, dtype in some(cases, call, 3):
        given = converted((call.args, call.kwargs), after(layout, cast(dtype)))
        assert_numpys(call, *given, f"{name_of(call)} of {dtype}, {layout.__name__}")


@quiet
@pytest.mark.parametrize(
    "call",
    [c for c in SHARED if not c.name.startswith("linalg.") and c.name not in BETTER],
    ids=name_of,
)
def test_special_values(call: Call) -> None:
    kinds = ["float64", "float32", "int8", "uint8", "int64"]
    cases = list(itertools.product(("zeros", "infinite", "all"), kinds, range(4)))
    for values, dtype, seed in some(cases, call, 4):
        if values == "all" and call.name in ROUGH:
            continue  # the order of additions decides what overflows
        make = special(seed, values)
        given = converted((call.args, call.kwargs), after(make, cast(dtype)))
        assert_numpys(call, *given, f"{name_of(call)} of {dtype} with {values}, {seed}")


@quiet
@pytest.mark.parametrize("call", OURS, ids=name_of)
def test_integers_and_short_floats_count_as_what_they_are(call: Call) -> None:
    """Of integers the result in float64, of float16 and float32 within 16 roundings of the largest."""
    for dtype in some(INTEGERS[1:] + ["float16", "float32"], call, 5):
        given = converted((call.args, call.kwargs), cast(dtype))
        exact = converted_like(call, given, lambda x: x.astype(float))
        for a, k in (given, converted_like(call, given, mg.tensor)):
            try:
                got, expected = call.function(*a, **k), call.function(*exact[0], **exact[1])
            except MicrogradError:
                continue
            for y, e in zip(tree.leaves(got), tree.leaves(expected), strict=True):
                raw, e = np.asarray(plain(y)), np.asarray(plain(e))
                if call.name == "nn.tanh" and dtype in INTEGERS:
                    continue  # np.tanh of int8 is float16
                short = raw.dtype if raw.dtype.kind == "f" else np.dtype(float)
                size = np.max(abs(e), initial=0, where=np.isfinite(e))
                room = 16 * float(np.finfo(short).eps) * size
                np.testing.assert_allclose(raw.astype(float), e, rtol=0, atol=room, err_msg=dtype)


UFUNC_TYPES = [*INTEGERS, "float16", "float32", "float64", "object"]


@quiet
@pytest.mark.parametrize(
    "ufunc",
    [u for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None],
    ids=lambda u: u.__name__,
)
def test_ufuncs_give_numpys_number_and_dtype_or_a_refusal(ufunc: np.ufunc) -> None:
    """Called as NumPy's: also those that the library has no name for."""
    rng = np.random.default_rng(0)
    for first, second in itertools.product(UFUNC_TYPES, UFUNC_TYPES if DEEP else UFUNC_TYPES[::3]):
        xs = [rng.integers(0, 2, 5).astype(first), rng.integers(0, 2, 5).astype(second)]
        xs = xs[: ufunc.nin]
        try:
            expected = ufunc(*xs)
        except Exception:
            continue  # what NumPy refuses we may define
        try:
            got = ufunc(*map(mg.tensor, xs))
        except MicrogradError:
            continue
        for y, e in zip(tree.leaves(got), tree.leaves(expected), strict=True):
            raw = np.asarray(plain(y))
            assert raw.dtype == e.dtype, (first, second)
            if e.dtype == object:
                assert all(a == b or a != a and b != b for a, b in zip(raw, e, strict=True))
            else:
                assert ulps(raw, e, False) <= 2, (first, second)


NO_NUMBERS = [
    np.linalg.svd, np.linalg.svdvals, np.linalg.pinv, np.linalg.eigh, np.linalg.eigvalsh,
    np.linalg.cond, lambda x: np.linalg.norm(x, 2), lambda x: np.linalg.norm(x, "nuc"),
    mg.grad(mg.linalg.det),
]  # fmt: skip


@quiet
@pytest.mark.parametrize("f", NO_NUMBERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_matrices_with_inf_or_nan_are_refused_at_once(f: Any, dtype: str) -> None:
    """LAPACK's SVD of the first one never returns."""
    inf = np.inf
    for m in ([[7, -2.5, 6e4], [0, -inf, 0], [inf, 0, 1e-8]], [[1, inf], [2, 1]], [[np.nan]]):
        with pytest.raises(DataError, match="holds inf or nan"):
            f(mg.tensor(np.array(m, dtype)))


def test_sums_that_einsum_forms_have_the_dtype_of_the_operands() -> None:
    for dtype in ("bool", "int8", "uint8", "int32", "uint32", "float32"):
        x = np.array([[1, 1, 0], [100, 120, 1]]).astype(dtype)
        for subscripts, rest in (("ij->i", ()), ("ij->", ()), ("ij,k->i", (np.array([3, 4]),))):
            expected = np.einsum(subscripts, x, *rest)
            got = np.einsum(subscripts, mg.tensor(x), *rest)
            assert got.dtype == expected.dtype and np.array_equal(got.data, expected)


def test_choices_that_are_one_element_keep_the_dtype_of_all() -> None:
    x, no = np.array(0.5, np.float16), np.array(False)
    for choices in ([x, no], [no, x]):
        for c in ([True, False], [False, True]):
            expected = np.select([np.array(v) for v in c], choices, 1.5)
            got = np.select([np.array(v) for v in c], [mg.tensor(v) for v in choices], 1.5)
            assert got.dtype == expected.dtype and got.data == expected


def test_lines_beside_infinite_numbers_have_numpys_ends() -> None:
    xp, fp = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, np.inf, np.inf, 6.0])
    at = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(mg.interp(at, xp, fp), np.interp(at, xp, fp))


def test_float16_is_added_up_in_float32() -> None:
    """Sums of 65 536 and more overflow in float16, though the results are small."""
    x = np.full((1000, 100), 100, np.float16)
    x[::2] = -100
    t = mg.tensor(x)
    for y in (mg.mean(t), mg.mean(abs(t)), mg.var(t), mg.std(t), mg.linalg.norm(t / 100)):
        assert np.isfinite(y.data).all() and y.dtype == np.float16
    assert mg.mean(abs(t)).data == 100 and mg.std(t).data == 100
    assert mg.nanmean(t).data == 0 and mg.mean(t, where=x > 0).data == 100
    one = np.ones((100, 5000), np.float16)
    np.testing.assert_allclose(mg.softmax(one).sum(-1), 1, rtol=2e-2)
    assert np.isfinite(mg.logsumexp(one)) and np.isfinite(mg.log_softmax(one)).all()
    assert mg.mse_loss(t, np.zeros_like(x) + np.float16(100)).data == np.float16(20000)
    for y in (
        nnf.layer_norm(x.T, 1000),
        nnf.rms_norm(x, 100),
        nnf.batch_norm(x, None, None, training=True),
    ):
        assert np.isfinite(y).all() and y.dtype == np.float16 and abs(y).max() == 1


# ---- arrays that mean something else: right, or refused -----------------------------------------


def turned(x: np.ndarray) -> np.ndarray:
    return np.asarray(x + 0.7j * np.roll(x.ravel(), 1).reshape(x.shape))


def masked(x: np.ndarray) -> Any:
    return np.ma.array(x, mask=(np.arange(x.size) % 3 == 1).reshape(x.shape))


@quiet
@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_complex_and_masked_arrays_and_matrices_are_refused_or_right(call: Call) -> None:
    """Of what NumPy does not have, complex numbers are refused but where they are only moved."""
    theirs = numpys(call.name)
    for change in (turned, masked, np.asmatrix):
        given: Any = converted(
            (call.args, call.kwargs), lambda x, f=change: f(x) if 0 < x.ndim < 3 else x
        )
        if repr(given) == repr((call.args, call.kwargs)):
            continue
        try:
            got = call.function(*given[0], **given[1])
        except MicrogradError:
            continue
        except TypeError:  # as NumPy has it: no loop for complex numbers
            continue
        if change is not turned or theirs is None:
            assert change is turned and call.name in MOVES, change
            continue
        try:
            expected = theirs(*given[0], **given[1])
        except Exception:
            continue
        for y, e in zip(tree.leaves(got), tree.leaves(expected), strict=True):
            assert np.asarray(y).dtype == np.asarray(e).dtype, call.name
            np.testing.assert_allclose(y, e, rtol=1e-11, atol=1e-13)


# Linear in what is given (a weight, a bias), a choice among it by NumPy's order, or NumPy's tanh.
MOVES = set(
    """linear nn.linear nn.dropout nn.dropout1d nn.dropout2d nn.dropout3d nn.embedding nn.fold
    nn.unfold nn.pad nn.channel_shuffle nn.pixel_shuffle nn.pixel_unshuffle relu relu6 nn.relu
    nn.relu6 nn.hardtanh nn.hardshrink nn.threshold nn.tanh nn.max_pool1d nn.max_pool2d
    nn.max_pool3d nn.conv1d nn.conv2d nn.conv3d nn.conv_transpose1d nn.conv_transpose2d
    nn.conv_transpose3d nn.instance_norm nn.group_norm nn.embedding_bag
    nn.adaptive_max_pool1d nn.adaptive_max_pool2d nn.adaptive_max_pool3d""".split()
)


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "mean"])
@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "uint8", "int32", "float16", "float32", "float64"]
)
def test_a_dtype_that_is_asked_for_is_that_of_the_result(name: str, dtype: str) -> None:
    for x in (np.array([[100, 90], [3, 2]]), np.array([[1.5, -2.0], [0.5, 3.0]])):
        if name == "mean" and dtype.endswith(("8", "16")):
            continue  # NumPy's mean is what an overflowing sum makes of it
        for axis in (None, 0, 1):
            expected = getattr(np, name)(x, axis=axis, dtype=dtype)
            for a in (x, mg.tensor(x)):
                got = getattr(np, name)(a, axis=axis, dtype=dtype)
                assert got.dtype == expected.dtype
                # Four numbers: three roundings of NumPy's loop, one of ours; integers are exact.
                room = 2 * np.finfo(dtype).eps if dtype.startswith("float") else 0
                np.testing.assert_allclose(plain(got), expected, rtol=room)
                mine = getattr(mg, name)(a, axis=axis, dtype=dtype)
                assert mine.dtype == expected.dtype
                np.testing.assert_array_equal(plain(mine), plain(got))


def test_trim_zeros_of_any_number_of_axes() -> None:
    for x in (
        np.pad(A(2, 3), 2),
        np.zeros((2, 2)),
        np.pad(A(3), 1),
        np.pad(A(1, 2, 1), ((0, 2),) * 3),
    ):
        for trim in ("fb", "f", "b", "FB"):
            expected = np.trim_zeros(x, trim)
            np.testing.assert_array_equal(mg.trim_zeros(x, trim), expected)
            np.testing.assert_array_equal(np.trim_zeros(mg.tensor(x), trim).data, expected)


def test_there_are_numbers_of_each_kind() -> None:
    assert len(SHARED) > 250 and len(OURS) > 100


def test_ops_have_numpys_longer_names_too() -> None:
    for short, long in NAMES.items():
        if long in ("absolute", "divide", "multiply", "negative", "power", "subtract"):
            assert getattr(mg, long) is getattr(mg, short)
    assert mg.mod is mg.remainder and mg.divide(1.0, 4.0) == 0.25
