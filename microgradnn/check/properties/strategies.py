"""Hypothesis strategies for gradient checks: shapes, inputs, cotangents, hyper-parameters.

    from microgradnn import check
    check.strategies.inputs(x=("N", "D"), w=("D", "M"), b=("M",))

Letters are sizes, the same letter the same size; all are drawn, and small ones first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...optional import need

st: Any = need("hypothesis.strategies", "check.strategies")
hnp: Any = need("hypothesis.extra.numpy", "check.strategies")

Shape = Sequence[str | int]
LARGEST = 4  # of a size
# Numbers at which gradients are wrong more often than elsewhere, after the simple ones.
_SPECIAL = (0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-3, -1e-3, 30.0, -30.0)
# By the names that layers use; the first are the usual ones.
HYPER: dict[str, Any] = {
    "eps": (1e-5, 1e-8, 1e-3), "momentum": (0.9, 0.1, 0.0), "alpha": (0.01, 0.1, 1.0),
    "axis": (-1, 0), "stride": (1, 2), "pad": (0, 1), "p": (0.5, 0.1), "beta": (1.0, 2.0),
    "train": (True, False), "training": (True, False), "mode": ("train", "test"),
}  # fmt: skip


def sizes(*letters: str, largest: int = LARGEST) -> Any:
    """A strategy of dicts from each letter to a size from 1 on."""
    return st.fixed_dictionaries({letter: st.integers(1, largest) for letter in letters})


def shapes(axes: int = 2, largest: int = LARGEST) -> Any:
    """A strategy of shapes with so many axes."""
    return st.tuples(*[st.integers(1, largest)] * axes)


def numbers() -> Any:
    """A strategy of floats: simple ones, kinks, small and large ones, and any within ±3."""
    whole = st.integers(-3, 3).map(float)
    return whole | st.sampled_from(_SPECIAL) | st.floats(-3, 3, width=32, allow_subnormal=False)


def arrays(shape: Any, dtype: Any = np.float64) -> Any:
    """A strategy of float arrays of a shape, or of shapes from a strategy."""
    return hnp.arrays(dtype, shape, elements=numbers())


def labels(count: Any, classes: Any) -> Any:
    """A strategy of `count` whole numbers from 0 to classes - 1."""
    return hnp.arrays(np.int64, count, elements=st.integers(0, int(classes) - 1))


def cotangents(shape: Any) -> Any:
    """A strategy of cotangents: ±1 at first, of both signs, none near zero."""
    away = st.floats(0.5, 1.5, width=32)
    signed = st.sampled_from((1.0, -1.0)) | away | away.map(lambda x: -x)
    return hnp.arrays(np.float64, shape, elements=signed)


def hyper(*names: str, **values: Sequence[Any]) -> Any:
    """A strategy of dicts of settings: by known names (eps, axis, train, …), or from given values.

    hyper("eps", axis=(0, 1)). Raises ConfigError for a name that is not known.
    """
    for name in names:
        if name not in HYPER:
            raise ConfigError(
                f"hyper: {name!r} has no usual values here; write hyper({name}=(first, second)); "
                f"known are {', '.join(HYPER)}"
            )
    given = {**{n: HYPER[n] for n in names}, **values}
    return st.fixed_dictionaries({n: st.sampled_from(tuple(v)) for n, v in given.items()})


def letters(shape: Mapping[str, Shape]) -> list[str]:
    """The letters in shapes, in their order; ConfigError for what is neither letter nor size."""
    found = []
    for name, axes in shape.items():
        if isinstance(axes, (str, int)) or not all(isinstance(a, (str, int)) for a in axes):
            raise ConfigError(f"{name}: its shape is {axes!r}, need a tuple such as ('N', 'D')")
        found += [a for a in axes if isinstance(a, str)]
    return list(dict.fromkeys(found))


def inputs(largest: int = LARGEST, **shape: Shape) -> Any:
    """A strategy of dicts of float arrays, by name, of shapes that fit: inputs(x=("N", "D"), …)."""
    return sized(largest, shape).map(lambda drawn: drawn[1])


def sized(largest: int, shape: Mapping[str, Shape]) -> Any:
    """A strategy of pairs: the size of each letter, and the arrays by name."""
    known = letters(shape)

    def draw_them(draw: Any) -> tuple[dict[str, int], dict[str, Any]]:
        size = draw(sizes(*known, largest=largest))
        made = {
            name: draw(arrays(tuple(size[a] if isinstance(a, str) else a for a in axes)))
            for name, axes in shape.items()
        }
        return size, made

    return st.composite(draw_them)()
