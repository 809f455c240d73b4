"""What engines of arrays can do: how people write each operation, and what NumPy calls it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Notation:
    """One operation.

    spellings  how an engine may have it; the first that works is taken
    ours       what it may mean, in NumPy; the first that gives the engine's values is meant
    shapes     of the operands, at which it is tried one by one
    domain     "": any numbers; "positive"; "apart": no two equal and none 0 (kinks, ties)
    plain      whether every engine that has the method must take this call
    sure       whether a result that is none of `ours` is wrong
    rare       what right engines may not have thought of: backward that raises is only noted
    """

    spellings: tuple[str, ...]
    ours: tuple[str, ...]
    shapes: tuple[Shapes, ...]
    domain: str = ""
    plain: bool = False
    sure: bool = False
    rare: bool = False

    @property
    def method(self) -> str:
        """The name of the method in the first spelling, "" for an operator."""
        return _method(self.spellings[0])

    def methods(self) -> list[str]:
        """The names of the methods in all spellings."""
        return [name for name in map(_method, self.spellings) if name]


def _method(spelling: str) -> str:
    if not spelling.startswith("{0}."):
        return ""
    return spelling[4:].partition("(")[0]


FLAT, LINE, CUBE = (2, 3), (3,), (2, 3, 4)
ALONE: tuple[Shapes, ...] = ((FLAT,), (LINE,))
SAME: Shapes = (FLAT, FLAT)
PAIRS: tuple[Shapes, ...] = (
    SAME, (FLAT, LINE), (LINE, FLAT), (FLAT, (2, 1)), ((1, 3), FLAT), ((2, 1), (1, 3)), (FLAT, ()),
    ((), FLAT), (FLAT, (1, 1)), (CUBE, (3, 4)), ((4,), CUBE), (CUBE, (2, 1, 4)),
)  # fmt: skip
PRODUCTS: tuple[Shapes, ...] = (
    ((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((3,), (3,)),
    ((2, 3, 4), (2, 4, 3)), ((2, 3, 4), (4, 2)), ((3, 4), (2, 4, 3)), ((2, 1, 3, 4), (2, 4, 3)),
)  # fmt: skip

_MEANT = {
    "relu": "np.maximum({0}, 0)", "sigmoid": "1 / (1 + np.exp(-{0}))", "arctan": "np.arctan({0})",
    "softplus": "np.log1p(np.exp({0}))", "square": "{0} ** 2", "reciprocal": "1 / {0}",
    "silu": "{0} / (1 + np.exp(-{0}))", "swish": "{0} / (1 + np.exp(-{0}))", "neg": "-{0}",
}  # fmt: skip
_ELEMENTWISE = (
    "relu", "tanh", "exp", "log", "sigmoid", "sqrt", "sin", "cos", "abs", "softplus", "square",
    "reciprocal", "log1p", "expm1", "sinh", "cosh", "arctan", "silu", "swish", "neg",
)  # fmt: skip
_DOMAINS = {"log": "positive", "sqrt": "positive", "log1p": "positive", "reciprocal": "positive",
            "relu": "apart", "abs": "apart"}  # fmt: skip


def _elementwise() -> Iterator[Notation]:
    for name in _ELEMENTWISE:
        yield Notation(
            (f"{{0}}.{name}()",), (_MEANT.get(name, f"np.{name}({{0}})"),), ALONE,
            _DOMAINS.get(name, ""), plain=True, sure=name != "softplus",
        )  # fmt: skip


def _operators() -> Iterator[Notation]:
    for sign in ("+", "*", "-"):
        text = f"{{0}} {sign} {{1}}"
        yield Notation((text,), (text,), PAIRS, plain=True, sure=True)
    yield Notation(("{0} / {1}",), ("{0} / {1}",), PAIRS, "positive", plain=True, sure=True)
    yield Notation(("-{0}",), ("-{0}",), ALONE, plain=True, sure=True)
    products = ("{0} @ {1}", "{0}.matmul({1})", "{0}.mm({1})", "{0}.dot({1})")
    yield Notation(products, ("{0} @ {1}",), PRODUCTS, plain=True, sure=True)
    for n in ("2", "3", "0.5", "-1"):
        yield Notation((f"{{0}} ** {n}",), (f"{{0}} ** {n}",), ALONE, "positive", sure=True)
    yield Notation(("{0} ** {1}",), ("{0} ** {1}",), (SAME,), "positive")
    constants = [f"{{0}} {sign} 2.5" for sign in "+-*/"] + [f"2.5 {sign} {{0}}" for sign in "+-*/"]
    for text in (*constants, "{0} + np.ones(3)", "{0} * np.arange(1.0, 4.0)"):
        yield Notation(
            (text,), (text,), ALONE, "positive" if text == "2.5 / {0}" else "", sure=True
        )


_KEPT = ", keepdims=True"
_REDUCED = {
    "sum": ("np.sum({0}@)",), "mean": ("np.mean({0}@)",),
    "max": ("np.max({0}@)",), "min": ("np.min({0}@)",),
    "var": ("np.var({0}@)", "np.var({0}@, ddof=1)"),
    "std": ("np.std({0}@)", "np.std({0}@, ddof=1)"), "prod": ("np.prod({0}@)",),
}  # fmt: skip


def _reductions() -> Iterator[Notation]:
    for name, meant in _REDUCED.items():
        domain = "apart" if name in ("max", "min") else "positive" if name == "prod" else ""
        every = [*meant, *(m.replace("@", "@, keepdims=True") for m in meant)]
        sure = name in ("sum", "mean")
        whole = tuple(m.replace("@", "") for m in every)
        whole += tuple(f"np.reshape({m}, (1,))" for m in whole[: len(meant)])
        whole += tuple(m.replace("@", ", axis=-1") for m in every)
        yield Notation((f"{{0}}.{name}()",), whole, ALONE, domain, plain=sure, sure=sure)
        for axis, keep in product(("0", "1", "-1", "(0, 1)"), ("", _KEPT)):
            ours = tuple(m.replace("@", f", axis={axis}") for m in (meant if keep else every))
            ours = tuple(m[:-1] + ", keepdims=True)" for m in ours) if keep else ours
            shapes = (((2, 3),), (CUBE,)) if len(axis) < 3 else (((2, 3),),)
            yield Notation(tuple(_reduced(name, axis, keep)), ours, shapes, domain, sure=sure,
                       rare=len(axis) > 2)  # fmt: skip


def _reduced(name: str, axis: str, keep: str) -> Iterator[str]:
    """How a reduction over an axis is called: NumPy's words, PyTorch's, none."""
    if keep:
        for word, kept in product(("axis", "dim"), ("keepdims", "keepdim")):
            yield f"{{0}}.{name}({word}={axis}, {kept}=True)"
    else:
        yield from (f"{{0}}.{name}({word}{axis})" for word in ("axis=", "dim=", ""))


def _along() -> Iterator[Notation]:
    """Functions of rows, whose axis one may name."""
    e, top = "np.exp({0} - np.max({0}@))", "np.max({0}@)"
    soft, axes = f"{e} / np.sum({e}@)", (", axis=-1, keepdims=True", ", axis=0, keepdims=True", "")
    logs = f"{{0}} - {top} - np.log(np.sum({e}@))"
    for name, meant in (("softmax", soft), ("log_softmax", logs)):
        for axis in ("", "axis=-1", "axis=1", "axis=0"):
            words = (axis, axis.replace("axis", "dim"), axis[5:]) if axis else ("",)
            given = (f", {axis}, keepdims=True",) if axis else axes
            ours = tuple(meant.replace("@", a) for a in given)
            yield Notation(tuple(f"{{0}}.{name}({w})" for w in words), ours, ((FLAT,),), "apart")


def _shaped() -> Iterator[Notation]:
    for new, old in (("3, 2", FLAT), ("6", FLAT), ("4, 6", CUBE)):
        words = ("reshape({})", "reshape(({},))", "view({})", "view(({},))")
        texts = tuple("{0}." + w.format(new) for w in words)
        yield Notation(texts, (f"np.reshape({{0}}, ({new},))",), ((old,),), sure=True)
    for text in ("{0}.flatten()", "{0}.ravel()"):
        yield Notation((text,), ("np.reshape({0}, -1)", "np.reshape({0}, (np.shape({0})[0], -1))",
                             "np.reshape({0}, (1, -1))"), ((FLAT,), (CUBE,)))  # fmt: skip
    for texts in (("{0}.T", "{0}.T()"), ("{0}.transpose()", "{0}.transpose(1, 0)",
                  "{0}.transpose((1, 0))", "{0}.transpose(0, 1)"),
                  ("{0}.permute(1, 0)", "{0}.permute((1, 0))"), ("{0}.t()",)):  # fmt: skip
        yield Notation(texts, ("np.transpose({0})",), ((FLAT,),))
    turned = tuple(f"{{0}}.{w}" for w in ("transpose(1, 2, 0)", "transpose((1, 2, 0))",
                                          "permute(1, 2, 0)", "permute((1, 2, 0))",
                                          "transpose(axes=(1, 2, 0))"))  # fmt: skip
    yield Notation(turned, ("np.transpose({0}, (1, 2, 0))",), ((CUBE,),))
    for where in ("0", "1", "-1", "0:1", ":, 1", ":, 0:2", "0, 1", "::-1", "[0, 0, 1]", "[1, 0]",
                  "np.array([0, 0, 1])", "[0, 0, 1], [1, 1, 2]", ":, [0, 0, 2]"):  # fmt: skip
        yield Notation((f"{{0}}[{where}]",), (f"{{0}}[{where}]",), ((FLAT,),))
    for text, ours in (
        ("unsqueeze(0)", "np.expand_dims({0}, 0)"), ("unsqueeze(1)", "np.expand_dims({0}, 1)"),
        ("expand_dims(0)", "np.expand_dims({0}, 0)"), ("swapaxes(0, 1)", "np.swapaxes({0}, 0, 1)"),
    ):  # fmt: skip
        yield Notation((f"{{0}}.{text}",), (ours,), ((FLAT,),))
    for text in ("broadcast_to((4, 2, 3))", "expand((4, 2, 3))", "expand(4, 2, 3)"):
        yield Notation((f"{{0}}.{text}",), ("np.broadcast_to({0}, (4, 2, 3))",), ((FLAT,), (LINE,)))
    for text in ("clip(-0.5, 0.5)", "clamp(-0.5, 0.5)"):
        yield Notation((f"{{0}}.{text}",), ("np.clip({0}, -0.5, 0.5)",), ALONE, "apart")


FORMS = tuple((*_operators(), *_elementwise(), *_reductions(), *_along(), *_shaped()))


def drawn_for(form: Notation, shapes: Shapes, rng: np.random.Generator) -> list[np.ndarray]:
    """Operands of these shapes in the form's domain, with few digits."""
    return [_inside(form.domain, shape, rng) for shape in shapes]


def _inside(domain: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    size = int(np.prod(shape, dtype=int))
    if domain == "positive":
        return np.round(rng.uniform(0.5, 2.0, size), 2).reshape(shape)
    steps = rng.permutation(np.arange(1, size + 1))  # all apart, and apart from 0 and 0.5
    return np.round(
        (steps * 0.31 + 0.07) * rng.choice([-1, 1], size) * 2 / max(3, size), 3
    ).reshape(shape)


def within(form: Notation, values: Sequence[np.ndarray]) -> bool:
    """Whether operands that were computed lie in the form's domain, and are not huge."""
    if any(not np.isfinite(v).all() or np.abs(v).max(initial=0) > 30 for v in values):
        return False
    if form.domain == "positive":
        return all(v.min(initial=1) > 0.1 for v in values)
    if form.domain == "apart":
        return all(len(np.unique(np.round(np.abs(v), 4))) == v.size and np.abs(v).min() > 1e-3
                   and np.abs(np.abs(v) - 0.5).min() > 1e-3 for v in values if v.size)  # fmt: skip
    return True
