"""python -m microgradnn source FILE.py:FUNCTION ARGUMENTS: prints a function with its gradient.

An argument is a number, then the function gets a Value, or a shape such as 4x2, then it gets an
array of that shape. The gradient is by all arguments that are no integers.
"""

from __future__ import annotations

import argparse
import re
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.value import Value
from ..errors import ConfigError, MicrogradError
from .compiled import Compiled
from .spellings import LANGUAGES

USAGE = "python -m microgradnn source neuron.py:neuron 2.0 -3.0 6.88 --lang js"


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    top = argparse.ArgumentParser(prog="python -m microgradnn source", description=__doc__)
    top.add_argument("function", metavar="FILE.py:FUNCTION")
    top.add_argument("--lang", choices=LANGUAGES, help="else python for numbers, numpy for arrays")
    top.add_argument("--by", type=int, nargs="+", metavar="N", help="arguments, counted from 0")
    top.add_argument("--out", type=Path, metavar="FILE", help="write the text there")
    return top


def main(words: Sequence[str]) -> int:
    """The exit status 0, after the text was printed or written. Raises MicrogradError."""
    options, rest = parser().parse_known_args(words)
    given = [_argument(word) for word in rest]
    if not given:
        raise ConfigError(f"source: no arguments for the function; write, for one, {USAGE}")
    if all(isinstance(x, float) for x in given):
        given = [Value(x) for x in given]
    step = Compiled(_function(options.function), tuple(options.by or range(len(given))))
    step.trace(*given)
    text = step.source_in(options.lang) if options.lang else step.source
    if options.out is None:
        sys.stdout.write(text)
    else:
        print(step.write(options.out, text))
    return 0


def _argument(word: str) -> Any:
    """A number, or an array of a shape: numbers between -1 and 1 that are always the same."""
    if re.fullmatch(r"\d+(x\d+)*x?", word) and "x" in word:
        shape = [int(n) for n in word.rstrip("x").split("x")]
        return np.random.default_rng(0).uniform(-1, 1, shape)
    try:
        return float(word)
    except ValueError:
        raise ConfigError(
            f"source: {word!r} is no number and no shape; write 0.5, or 4x2 for an array, 3x for a "
            "row of three"
        ) from None


def _function(place: str) -> Any:
    file, colon, name = place.rpartition(":")
    if not colon or not Path(file).is_file():
        raise ConfigError(
            f"source: no file {file or place!r}; write FILE.py:FUNCTION, as in {USAGE}"
        )
    try:
        space = runpy.run_path(file)
    except MicrogradError:
        raise
    except Exception as error:
        raise ConfigError(f"source: {file} stops with {type(error).__name__}: {error}") from error
    found = space.get(name)
    function = found.function if isinstance(found, Compiled) else found
    if not callable(function):
        known = [k for k, v in space.items() if callable(v) and not k.startswith("_")]
        raise ConfigError(f"source: {file} has no function {name!r}; it has {', '.join(known)}")
    return function
