"""How each op is written in each language: one table, and the helper functions that it needs.

A row is an expression in the op's inputs a, b, c, for NumPy, for Python's single numbers, for
JavaScript and for C; all four are in Python's grammar, which printers translate. An option of the
op stands by its name. None: the op has no spelling there, and programs with it are refused by name.
Derivatives do not stand here: those come from the table of ops.
"""

from __future__ import annotations

LANGUAGES = ("numpy", "python", "js", "c")
Row = tuple[str | None, str | None, str | None, str | None]


def _same(text: str) -> Row:
    return (text,) * 4


def _named(name: str, python: str | None = "", js: str | None = "", c: str | None = "") -> Row:
    """Functions called alike: np.sin, math.sin, Math.sin, sin; None where there is none."""
    short = name.replace("arc", "a")
    return (
        f"np.{name}(a)",
        None if python is None else f"math.{python or short}(a)",
        None if js is None else f"Math.{js or short}(a)",
        None if c is None else f"{c or short}(a)",
    )


SPELLINGS: dict[str, Row] = {
    "add": _same("a + b"),
    "sub": _same("a - b"),
    "mul": _same("a * b"),
    "div": _same("a / b"),
    "neg": _same("-a"),
    "pow": ("a ** b", "power(a, b)", "Math.pow(a, b)", "pow(a, b)"),
    "square": ("np.square(a)", "a * a", "a * a", "a * a"),
    "reciprocal": ("np.reciprocal(a)", "1 / a", "1 / a", "1 / a"),
    "exp": _named("exp"), "expm1": _named("expm1"), "log": _named("log"),
    "log1p": _named("log1p"), "log2": _named("log2"), "log10": _named("log10"),
    "exp2": ("np.exp2(a)", "2.0 ** a", "Math.pow(2, a)", "exp2(a)"),
    "sqrt": _named("sqrt"), "cbrt": ("np.cbrt(a)", None, "Math.cbrt(a)", "cbrt(a)"),
    **{name: _named(name) for name in (
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
        "arccosh", "arctanh",
    )},
    "sinc": ("np.sinc(a)", None, "sinc(a)", "sinc(a)"),
    "degrees": ("np.degrees(a)", "math.degrees(a)", None, None),
    "radians": ("np.radians(a)", "math.radians(a)", None, None),
    "erf": ("erf(a)", "math.erf(a)", None, "erf(a)"),
    "erfc": ("erfc(a)", "math.erfc(a)", None, "erfc(a)"),
    "hypot": ("np.hypot(a, b)", "math.hypot(a, b)", "Math.hypot(a, b)", "hypot(a, b)"),
    "arctan2": ("np.arctan2(a, b)", "math.atan2(a, b)", "Math.atan2(a, b)", "atan2(a, b)"),
    "logaddexp": ("np.logaddexp(a, b)", None, "logaddexp(a, b)", "logaddexp(a, b)"),
    "logaddexp2": ("np.logaddexp2(a, b)", None, None, None),
    "xlogy": ("xlogy(a, b)", "xlogy(a, b)", "xlogy(a, b)", "xlogy(a, b)"),
    "sign": ("np.sign(a)", "sign(a)", "Math.sign(a)", "sign(a)"),
    "floor": ("np.floor(a)", None, "Math.floor(a)", "floor(a)"),
    "ceil": ("np.ceil(a)", None, "Math.ceil(a)", "ceil(a)"),
    "trunc": ("np.trunc(a)", None, "Math.trunc(a)", "trunc(a)"),
    "rint": ("np.rint(a)", None, None, "rint(a)"),
    "round": ("np.round(a, decimals)", None, None, None),
    "floor_divide": ("a // b", None, None, None),  # not floor(a / b): 3 // -0.3 is -11
    "abs": ("np.abs(a)", "abs(a)", "Math.abs(a)", "fabs(a)"),
    "maximum": ("np.maximum(a, b)", "a if a != a or a > b else b", "Math.max(a, b)",
                "a if a != a or a > b else b"),
    "minimum": ("np.minimum(a, b)", "a if a != a or a < b else b", "Math.min(a, b)",
                "a if a != a or a < b else b"),
    "fmax": ("np.fmax(a, b)", *("a if b != b or a > b else b",) * 3),
    "fmin": ("np.fmin(a, b)", *("a if b != b or a < b else b",) * 3),
    "clip": ("np.clip(a, b, c)", "clip(a, b, c)", "Math.min(Math.max(a, b), c)", "clip(a, b, c)"),
    "where": ("np.where(a, b, c)", *("b if a else c",) * 3),
    "fmod": ("np.fmod(a, b)", None, "a % b", "fmod(a, b)"),
    "remainder": ("a % b", "a % b", None, None),
    "copysign": ("np.copysign(a, b)", "math.copysign(a, b)", None, "copysign(a, b)"),
    "heaviside": ("np.heaviside(a, b)", None, None, None),
    "nan_to_num": ("np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf)", None, None, None),
    "ldexp": ("np.ldexp(a, b)", None, None, None),
    "sigmoid": _same("sigmoid(a)"),
    "relu": ("np.maximum(a, 0)", "0.0 if a <= 0.0 else a", "0 if a <= 0 else a",
             "0.0 if a <= 0.0 else a"),
    "relu6": ("np.clip(a, 0, 6)", None, "Math.min(Math.max(a, 0), 6)", None),
    "leaky_relu": ("np.where(a > 0, a, a * negative_slope)",
                   *("a if a > 0 else a * negative_slope",) * 3),
    "elu": ("np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0)))",
            "a if a > 0 else alpha * math.expm1(a)", "a if a > 0 else alpha * Math.expm1(a)",
            "a if a > 0 else alpha * expm1(a)"),
    "softplus": ("softplus(a)", None, "softplus(a)", "softplus(a)"),
    "bce": ("bce(a, b)", None, None, None),
    "bce_with_logits": ("bce_with_logits(a, b)", None, "bce_with_logits(a, b)",
                        "bce_with_logits(a, b)"),
    "np.greater": _same("a > b"), "np.greater_equal": _same("a >= b"),
    "np.less": _same("a < b"), "np.less_equal": _same("a <= b"),
    "np.equal": _same("a == b"), "np.not_equal": _same("a != b"),
    "np.logical_and": ("a & b", *("a and b",) * 3), "np.logical_or": ("a | b", *("a or b",) * 3),
    "np.logical_not": ("np.logical_not(a)", *("not a",) * 3),
    "np.logical_xor": ("a ^ b", *("a != b",) * 3),
}  # fmt: skip

# Ops of arrays, for NumPy alone. Options that are not in the text are added by name.
ARRAYS: dict[str, str] = {
    "reshape": "a.reshape(shape)", "expand_dims": "np.expand_dims(a, axis)",
    "squeeze": "a.squeeze(axis)", "transpose": "a.transpose(axes)",
    "swapaxes": "a.swapaxes(axis1, axis2)", "broadcast_to": "np.broadcast_to(a, shape)",
    "put": "put(a, index, shape)", "astype": "a.astype(dtype)",
    "windows": "windows(a, shape, stride, dilation)", "fold": "fold(a, size, stride, dilation)",
    "flip": "np.flip(a, axis)", "tril": "np.tril(a, k)", "triu": "np.triu(a, k)",
    "resize": "np.resize(a, new_shape)", "cumsum": "a.cumsum(axis)", "cumprod": "a.cumprod(axis)",
    "sum": "a.sum(axis=axis, keepdims=keepdims)", "mean": "a.mean(axis=axis, keepdims=keepdims)",
    "max": "a.max(axis=axis, keepdims=keepdims)", "min": "a.min(axis=axis, keepdims=keepdims)",
    "prod": "a.prod(axis=axis, keepdims=keepdims)",
    "logsumexp": "logsumexp(a, axis, keepdims)", "norm": "norm(a, axis, keepdims)",
    "softmax": "softmax(a, axis)", "log_softmax": "log_softmax(a, axis)",
    "matmul": "a @ b", "linear": "a @ b + c",
    "inv": "np.linalg.inv(a)", "solve": "np.linalg.solve(a, b)", "det": "np.linalg.det(a)",
    "logabsdet": "np.linalg.slogdet(a)[1]", "cholesky": "np.linalg.cholesky(a)",
    "cofactor": "cofactor(a)", "pinv": "np.linalg.pinv(a)",
    "eigh": "eigh(a, UPLO)", "svd": "svd(a)", "qr": "qr(a)",
    **{name: f"np.{name}(a)" for name in (
        "roll", "rot90", "tile", "repeat", "pad", "diag", "diagonal", "take", "take_along_axis",
        "delete",
    )},
    "number": "float(a)", "np.any": "a.any()", "np.all": "a.all()",
}  # fmt: skip
