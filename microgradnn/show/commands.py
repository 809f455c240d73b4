"""python -m microgradnn explain: the chain rule of a formula that is typed."""

import argparse
from collections.abc import Sequence

from ..errors import ConfigError
from . import typed
from .explain import explain


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    top = argparse.ArgumentParser(
        prog="python -m microgradnn explain",
        description="The chain rule of a formula, step by step, with its numbers.",
        epilog='python -m microgradnn explain "tanh(x*w + b)" x=2 w=-3 b=6.88',
    )
    top.add_argument("formula", help='as in Python: "tanh(x*w + b)"; ops of the table by name')
    top.add_argument("numbers", nargs="*", metavar="NAME=NUMBER", help="x=2, or a list: x=[1,2]")
    top.add_argument("--wrt", metavar="NAME", help="only the steps on the way to this input")
    top.add_argument("--lang", choices=("en", "zh"), help="the language of the sentences")
    top.add_argument("--latex", action="store_true", help="LaTeX in the place of the table")
    return top


def main(words: Sequence[str]) -> int:
    """Prints the explanation; 0. Raises ConfigError where the formula cannot be read."""
    first, *rest = words or [""]
    minus = first.startswith("-") and not first.startswith(("--", "-h"))
    args = parser().parse_args([f" {first}", *rest] if minus else words)  # -x is no option
    given = typed.variables(args.numbers, "explain")
    y = typed.computed(args.formula, given)
    if args.wrt is not None and args.wrt not in given:
        raise ConfigError(f"explain: --wrt {args.wrt}: the formula has {', '.join(given)}")
    if not given:
        raise ConfigError("explain: the formula has no variable; write one, as in tanh(x) x=2")
    free = next(name for name in typed.RESULTS if name not in given)
    found = explain(y, given.get(args.wrt or ""), lang=args.lang, names={**given, free: y})
    print(found.to_latex() if args.latex else found)
    return 0
