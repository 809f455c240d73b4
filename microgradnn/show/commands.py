"""python -m microgradnn explain, draw and steps: of a formula that is typed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import texts, typed
from .explain import explain
from .graph_drawing import draw
from .step_page import steps

WHAT = {
    "explain": "The chain rule of a formula, step by step, with its numbers.",
    "draw": "The graph of a formula as a picture: .svg, .png or .dot.",
    "steps": "A page to step through a formula's forward and backward pass: open it in a browser.",
}
FILES = {"draw": "graph.svg", "steps": "backprop.html"}


def parser(command: str) -> argparse.ArgumentParser:
    """The options of a command."""
    top = argparse.ArgumentParser(
        prog=f"python -m microgradnn {command}",
        description=WHAT[command],
        epilog=f'python -m microgradnn {command} "tanh(x*w + b)" x=2 w=-3 b=6.88',
    )
    top.add_argument("formula", help='as in Python: "tanh(x*w + b)"; ops of the table by name')
    top.add_argument("numbers", nargs="*", metavar="NAME=NUMBER", help="x=2, or a list: x=[1,2]")
    top.add_argument("--lang", choices=("en", "zh"), help="the language of the sentences")
    if command == "explain":
        top.add_argument("--wrt", metavar="NAME", help="only the steps on the way to this input")
        top.add_argument("--latex", action="store_true", help="LaTeX in the place of the table")
    else:
        top.add_argument("--out", type=Path, default=Path(FILES[command]), help="the file to write")
    return top


def main(words: Sequence[str]) -> int:
    """Does what `words` ask, "explain" and so on first; 0.

    Raises ConfigError where the formula cannot be read.
    """
    command, *rest = words
    minus = bool(rest) and rest[0].startswith("-") and not rest[0].startswith(("--", "-h"))
    args = parser(command).parse_args([f" {rest[0]}", *rest[1:]] if minus else rest)
    lang = texts.language(args.lang)
    given = typed.variables(args.numbers, command, lang)
    y = typed.computed(args.formula, given, command, lang)
    if not given:
        raise typed.wrong("no_variable", lang, who=command)
    free = next(name for name in typed.RESULTS if name not in given)
    names = {**given, free: y}
    if command == "explain":
        return _explained(y, args, given, names)
    try:
        if command == "draw":
            saved = draw(y, lang=args.lang, names=names).save(args.out)
        else:
            saved = steps(y, lang=args.lang, names=names).to_html(args.out)
    except OSError as error:
        facts = {"who": command, "file": args.out, "error": error.strerror}
        raise typed.wrong("place", lang, **facts) from error
    print(texts.say("typed.wrote", lang, file=saved), file=sys.stderr)
    return 0


def _explained(y: Any, args: argparse.Namespace, given: dict[str, Any], names: Any) -> int:
    if args.wrt is not None and args.wrt not in given:
        facts = {"who": "explain", "name": args.wrt, "names": ", ".join(given)}
        raise typed.wrong("wrt", texts.language(args.lang), **facts)
    found = explain(y, given.get(args.wrt or ""), lang=args.lang, names=names)
    print(found.to_latex() if args.latex else found)
    return 0
