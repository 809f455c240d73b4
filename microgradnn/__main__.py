"""The command line: python -m microgradnn COMMAND."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from . import __version__
from .errors import MicrogradError

# Commands that read their own options.
SUMMARIES = {
    "doctor": "what is installed, where MNIST is",
    "check": "check the gradients in Python files: check FILE.py",
    "explain": 'the chain rule of a formula: explain "tanh(x*w)" x=2 w=-3',
    "exercise": "learn backpropagation by exercises that grade themselves",
    "draw": "the graph of a formula as a picture",
    "steps": "a page to step through a formula",
    "source": "print a function with its gradient: source FILE.py:FUNCTION 2.0 4x2",
}


def parser() -> argparse.ArgumentParser:
    """The commands and their options; those of check are in check/cli.py."""
    top = argparse.ArgumentParser(prog="python -m microgradnn", description=__doc__)
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in SUMMARIES.items():
        commands.add_parser(name, help=text, add_help=False)
    look = commands.add_parser(
        "watch", help="evaluate the newest checkpoint of a folder every few seconds"
    )
    look.add_argument("directory", type=Path, help="the folder with ckpt-….safetensors")
    look.add_argument(
        "--data", default="mnist", help="a folder with MNIST, an .npz with x and y, or 'mnist'"
    )
    look.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    look.add_argument("--every", type=float, default=5.0, metavar="SECONDS")
    look.add_argument("--once", action="store_true", help="evaluate the newest and stop")
    look.add_argument("--model", metavar="FILE.py:FUNCTION", help="makes a model of your own class")
    return top


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 2 after an error that is told in one line on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        # A command's modules load when it is called for: the checker, or models and checkpoints.
        if words[:1] == ["check"]:
            if _grades(words[1:]):
                return import_module(".check.grading.command", __package__).main(words[1:])
            return import_module(".check.files.cli", __package__).main(words[1:])
        if words[:1] in (["explain"], ["draw"], ["steps"]):
            return import_module(".show.commands", __package__).main(words)
        if words[:1] == ["source"]:
            return import_module(".compiler.printing", __package__).main(words[1:])
        if words[:1] == ["exercise"]:
            return import_module(".learn.exercising", __package__).main(words[1:])
        if words[:1] == ["doctor"]:
            return import_module(".doctor", __package__).main(words[1:])
        return _watch(parser().parse_args(words))
    except MicrogradError as error:
        print(f"microgradnn: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # | head: what is still buffered must not fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 0 if words[:1] == ["watch"] else 130  # watch is meant to be stopped so


def _grades(words: list[str]) -> bool:
    """Whether check is to give marks: its options for courses are there, or pack."""
    options = {word.partition("=")[0] for word in words}
    return words[:1] == ["pack"] or bool(options & {"--class", "--format", "--key", "--points"})


def _watch(args: argparse.Namespace) -> int:
    watch = import_module(".train.watch", __package__)
    import_module(".train.checkpoint_file", __package__).safetensors()  # before data are loaded
    make = watch.function_in(args.model) if args.model else None
    data = watch.samples(args.data, args.split)
    watch.watch(args.directory, data, every=args.every, once=args.once, make_model=make)
    return 0


if __name__ == "__main__":
    sys.exit(main())
