"""Arguments for a forward pass that nobody wrote down.

A file can say them itself. GRADCHECK is a dict from a layer's name (as `check` prints it, or the
forward's or the class's) to its arguments: a tuple, or a function of a NumPy generator:

    GRADCHECK = {
        "affine": lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), np.zeros(5)),
        "Linear": {"init": (3, 5), "args": lambda rng: (rng.normal(size=(4, 3)),)},
        "norm": {"args": make_norm, "wrt": (0,)},
    }

With "wrt", the places of the arguments that are differentiated; otherwise those whose gradients
come back, judged by names and shapes. "points" is what it is worth in a course (check/grading).
gradcheck_inputs() may return such a dict instead.

Otherwise names, defaults, docstrings and the code give candidates for each argument, and running
them decides: sizes start out all different, and an error such as "5 is different from 3" says
which two must be equal.
"""

import inspect
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ConfigError
from ...source import positional, required
from ...source import text as source
from ...subject import Variation
from .. import hints
from ..discover import Found, find
from ..hinted import Hints
from ..preparing import parameters
from . import roles, things
from .configurations import configurations
from .context import SIZE, Context, kind_of
from .drawn import Draw, Drawn, Made
from .search import TRIES, Search
from .shapes import FAMILIES, Guess, Slot
from .silent import quiet


class GuessError(ConfigError):
    """No arguments were found with which the forward pass runs."""


@dataclass(frozen=True)
class Maker:
    """Draws arguments: the same generator guess and variant give the same.

    Variants are counted from 0 and differ in their sizes, as far as these are free.
    """

    draws: tuple[Draw, ...]
    backward: str = ""  # what the backward raised while guessing, if it did
    cost: float = 0.0  # of the guess: about 0 is natural, above 2 is doubtful
    natural: float = 0.0  # its cost without what is odd about the gradients
    said: bool = False  # whether the file itself says the arguments
    others: tuple[tuple[Variation, Draw], ...] = ()  # other configurations
    single: str = ""  # of one sample at a time: what backward raised for more

    def __call__(self, rng: np.random.Generator, variant: int = 0) -> Made:
        """Arguments drawn from rng."""
        return self.draws[variant % len(self.draws)](rng)


def maker(found: Found, seed: int = 0, tries: int = TRIES) -> Maker:
    """A Maker of arguments for what was found; GuessError if none run within so many tries."""
    said = _said(found)
    if said is not None:
        return _as_said(found, said, seed)
    search = _search(found, seed, tries)
    fit = search.best_fit()
    if fit is None:
        raise GuessError(_failure(found, search)) from _misnamed(search)
    variants = _variants(search, fit.guess)
    draws = tuple(Drawn(search, fit.guess, v) for v in variants)
    others = tuple(configurations(search, fit.guess, variants[0], _texts(found)))
    single = fit.guess.single
    return Maker(draws, fit.broken, fit.cost, fit.guess.cost, others=others, single=single)


# ---- what the file says --------------------------------------------------------------------------


def _said(found: Found) -> Any:
    """The file's own arguments for what was found, or None."""
    thing: Any = found.cls or inspect.unwrap(found.forward)  # type: ignore[arg-type]
    scope = vars(sys.modules[thing.__module__]) if thing.__module__ in sys.modules else {}
    scope = scope or getattr(thing, "__globals__", {})
    table = scope.get("GRADCHECK")
    if table is None and callable(scope.get("gradcheck_inputs")):
        table = scope["gradcheck_inputs"]()
    if table is None:
        return None
    if not isinstance(table, dict):
        raise GuessError(f"check: GRADCHECK is a {type(table).__name__}, need a dict: {_HOW}")
    names = (found.name, *sorted(found.names()))
    said = next((table[name] for name in names if name in table), None)
    return None if isinstance(said, dict) and set(said) == {"points"} else said


def _as_said(found: Found, said: Any, seed: int) -> Maker:
    entry = said if isinstance(said, dict) else {"args": said}
    if "args" not in entry or not set(entry) <= {"args", "init", "wrt", "points"}:
        raise GuessError(
            f"check: GRADCHECK[{found.name!r}] has the keys {sorted(entry)}, "
            "need 'args', and perhaps 'init' and 'wrt'"
        )
    draw = _written(entry)
    made = draw(np.random.default_rng(seed))
    try:
        with quiet():
            found.subject(made.args, made.init, made.wrt)
    except Exception as error:  # whatever the user's code raises
        raise GuessError(
            f"check: GRADCHECK[{found.name!r}] does not fit: the forward raises {error!r}"
        ) from error
    return Maker((draw,), said=True)


def _written(entry: dict[str, Any]) -> Draw:
    def draw_said(rng: np.random.Generator) -> Made:
        args, init = (
            tuple(value(rng) if callable(value) else value)
            for value in (entry["args"], entry.get("init", ()))
        )
        return Made(args, init, tuple(entry.get("wrt", ())))

    return draw_said


# ---- what is guessed -----------------------------------------------------------------------------


def _search(found: Found, seed: int, tries: int) -> Search:
    """The search with options for every argument of the constructor and the forward."""
    assert found.forward is not None
    init: list[Any] = parameters(found.cls, found.forward) if found.cls is not None else []
    args = positional(found.forward)[found.cls is not None :]
    names = [p.name for p in (*init, *args)]
    text = hints.read(_texts(found), names)
    text.times |= {3} if "lstm" in found.name.lower() else set()
    context = _context(found, text, names)
    options = _options(found, init, args, context)
    inner = _inner(found)
    options[len(init) : len(init)] = [[(0.0, Slot("layers", value=cls))] for cls in inner]
    init += inner
    names[len(init) - len(inner) : len(init) - len(inner)] = ["layer"] * len(inner)
    data = tuple(
        len(init) + i
        for i, p in enumerate(args)
        if kind_of(p.name) in ("data", "") and p.name not in text.axes
    )
    search = Search(found, options, len(init), context.roles, text, names, seed, tries, data)
    search.defaults = [getattr(p, "default", inspect.Parameter.empty) for p in (*init, *args)]
    return search


def _options(found: Found, init: list[Any], args: list[Any], context: Context) -> list[Any]:
    """What each argument of the constructor and of the forward may be, likely first."""
    own = positional(found.cls) if found.cls is not None else []
    options = []
    for p in init:  # of the constructor; what makes an object ready may take data, too
        data = kind_of(p.name) == "data" and not SIZE.fullmatch(p.name.lower())
        context.constructor = p in own or not (data or kind_of(p.name) in ("labels", "mask"))
        prefix = f"init {p.name}"
        options.append([*things.options(found, p), *roles.options(p.name, context, p, prefix)])
    context.constructor = False
    told = _told_shapes(options)
    options += [[*roles.options(p.name, context, p), *_as_told(told, p.name)] for p in args]
    options = [sorted(o, key=lambda option: option[0]) for o in options]
    options = [o or [(4.0, Slot("const"))] for o in options]
    return [_as_meant(found, o, p) for o, p in zip(options, (*init, *args), strict=True)]


def _told_shapes(options: list[list[Any]]) -> list[tuple[Any, ...]]:
    """The shapes that the constructor may be given as tuples."""
    slots = [slot for some in options for _, slot in some]
    return [s.shape for s in slots if s.kind == "sizes" and s.value is tuple and len(s.shape) > 1]


def _as_told(shapes: list[tuple[Any, ...]], name: str) -> list[Any]:
    """Data of a shape that the constructor was told: many samples, or one."""
    if kind_of(name) not in ("data", ""):
        return []
    many = [(0.2, Slot("normal", (f"{name}.many", *shape))) for shape in shapes]
    return many + [(0.3, Slot("normal", shape)) for shape in shapes]


def _as_meant(found: Found, some: list[Any], parameter: Any) -> list[Any]:
    """The options; of a framework's code a whole number as default first: iterations, an axis."""
    default = parameter.default
    if found.thing is None or not isinstance(default, int) or isinstance(default, bool):
        return some
    return [(0.0, Slot("const", value=default)), *((c + 0.4, s) for c, s in some)]


def _context(found: Found, text: Hints, names: list[str]) -> Context:
    """What is known of the whole; that it is about an entropy the code may say, too."""
    context = Context.of(text, found.name, names)
    words = "".join(map(source, _texts(found)))
    context.entropy |= re.search("softmax|cross_?entropy", words, re.I) is not None
    return context


def _inner(found: Found) -> list[Any]:
    """Classes of layers for a constructor that takes any number of layers: Sequential(*layers)."""
    if found.cls is None or not any(
        p.kind is inspect.Parameter.VAR_POSITIONAL and re.search("layer|module|block", p.name)
        for p in inspect.signature(found.cls).parameters.values()
    ):
        return []
    module = sys.modules.get(found.cls.__module__)
    others = [f for f in find(module) if f.cls is not found.cls] if module else []
    layers = [f.cls for f in others if f.cls is not None and f.style == "layer"]
    return [cls for cls in layers if not required(cls)][:3]


def _texts(found: Found) -> list[Any]:
    if found.cls is None:
        return [f for f in (found.forward, found.backward) if f is not None]
    known: dict[str, Any] = {}  # its own ones first; not what it has overridden
    for cls in found.cls.__mro__[:-1]:
        known = known | {name: f for name, f in vars(cls).items() if name not in known}
    return [f for f in known.values() if inspect.isfunction(f)]


def _variants(search: Search, guess: Guess) -> list[int]:
    """The tables of sizes with which the forward runs; all of them differ."""
    good: list[int] = []
    sizes = []
    for variant in range(1, len(FAMILIES[guess.family])):
        args, init = search.arguments(guess, variant)
        here = guess.sizes(variant)
        try:
            fine = not search.problem(search.run(args, init)[1])
        except Exception:  # whatever the user's code raises
            fine = False
        if fine and (here not in sizes or not here):
            good.append(variant)
            sizes.append(here)
    return good


def _misnamed(search: Search) -> NameError | None:
    """The NameError that all arguments led to, if they did."""
    if not all(re.match("NameError|UnboundLocalError", text) for text in search.stuck):
        return None
    try:
        search.run(*search.arguments(search.picked((0,) * len(search.options)), 0))
    except NameError as error:
        return error
    except Exception:  # the first arguments are the likeliest; they do not get that far
        return None
    return None


_HOW = 'GRADCHECK = {"name": lambda rng: (first, second, …)}'


def _failure(found: Found, search: Search) -> str:
    """What was tried, what was raised, and what to write."""
    last = list(dict.fromkeys(search.stuck))[:3]
    given = ", ".join(search.names[search.inits :])
    lines = [f"check: no arguments found for {found.name}({given}) in {search.runs} tries"]
    lines += [f"  {error}" for error in last]
    entry = f"{found.name!r}: lambda rng: ({given},)"
    if found.cls is not None and search.inits:
        init = ", ".join(search.names[: search.inits])
        entry = f'{found.name!r}: {{"init": ({init},), "args": lambda rng: ({given},)}}'
    lines.append(f"  write into the file: GRADCHECK = {{{entry}}}")
    return "\n".join(lines)
