"""All exercises, in their order, and how one is named."""

from ..errors import ConfigError, nearest
from .catalogue import Catalogue, catalogue
from .exercise import Exercise, Part
from .exercises.adding import ADDING
from .exercises.classes_of_digits import SOFTMAX_LOSS
from .exercises.digit_network import NETWORK
from .exercises.fitting import LINE
from .exercises.gates import GATES
from .exercises.graphs import ORDER
from .exercises.optimising import OPTIMISERS
from .exercises.own_steps import ENGINE
from .exercises.scalars import ADD_MUL, FUNCTIONS, POWERS
from .exercises.with_arrays import BROADCAST, MATMUL

EXERCISES: tuple[Exercise, ...] = (
    ADD_MUL, FUNCTIONS, ORDER, ADDING, POWERS, BROADCAST, MATMUL, SOFTMAX_LOSS, OPTIMISERS, LINE,
    GATES, NETWORK, *ENGINE,
)  # fmt: skip
BY_NUMBER = {e.number: e for e in EXERCISES}


def exercise(name: str, say: Catalogue | None = None) -> Exercise:
    """The exercise of a number, a name, or a file's name: "03", "3", "order", "ex03_order.py".

    Raises ConfigError, in the language of `say`, if there is none.
    """
    plain = name.lower().removeprefix("ex")
    file = name.replace("\\", "/").rpartition("/")[2]
    for e in EXERCISES:
        if plain in (e.number, e.number.lstrip("0"), e.name, f"{e.number}_{e.name}"):
            return e
        if file == e.file and not e.series:
            return e
    near = nearest(plain, [x for e in EXERCISES for x in (e.name, e.number)], "{}")
    told = repr(name), near.strip("'")
    key = "error.nearly" if near else "error.no_exercise"
    raise ConfigError((say or catalogue("en"))(key, name=told[0], near=repr(told[1])))


def part_named(name: str) -> tuple[Exercise, Part]:
    """The exercise that has a part of this name, and the part. Raises ConfigError."""
    for e in EXERCISES:
        for part in e.parts:
            if part.name == name:
                return e, part
    names = [part.name for e in EXERCISES for part in e.parts]
    hint = nearest(name, names) or "; give its number: learn.check(function, '03')"
    raise ConfigError(f"learn.check: no exercise asks for {name!r}{hint}")
