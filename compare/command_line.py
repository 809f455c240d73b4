"""The options of python -m compare, and the tasks that they ask for."""

import argparse
import difflib
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from microgradnn.data import load_mnist
from microgradnn.errors import ConfigError

from . import frameworks, model_tasks, own_task, tasks

# All but run and contract have options of their own.
COMMANDS = ("run", "speed", "contract", "gradbugs", "ports")
# The groups of tasks by name, each a function of the seed, or of MNIST and the seed.
ON_MNIST = ("mnist", "models")
GROUPS: dict[str, Callable[..., list[tasks.Task]]] = {
    "gates": lambda seed: tasks.gates(),
    "regression": tasks.regression,
    "mnist": tasks.mnist,
    "optimizers": model_tasks.optimizers,
    "models": model_tasks.models,
    "keras": model_tasks.keras,
}
DESCRIPTION = "trains the same models in every framework and says where they differ"
# Options of a task of one's own, which --model begins.
OWN = {
    "activation": "between the layers (default: relu)",
    "loss": "default: ce for labels, else mse",
    "optimizer": "as sgd:lr=0.1,momentum=0.9 or adamw:lr=1e-3,weight_decay=0.01",
    "init": "default, glorot, he or zeros",
    "batch": "samples a step",
}


class Parser(argparse.ArgumentParser):
    """argparse with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Prints the message and exits with status 2."""
        print(f"compare: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser() -> Parser:
    """The command line."""
    p = Parser(prog="python -m compare", description=DESCRIPTION)
    p.add_argument(
        "command", nargs="?", default="run", type=_one_of("command", COMMANDS),
        help="run (default): compare; speed: time the steps; contract: try adapters; "
        "gradbugs: measure gradient checkers; "
        "ports A B: where two ports of one model differ (ports --help)",
    )  # fmt: skip
    p.add_argument("--list", action="store_true", help="print tasks and frameworks, and stop")
    p.add_argument("--tasks", type=_some_of("task", GROUPS), help="default: all")
    p.add_argument("--task", type=Path, action="append", help="a TOML file (docs/comparison.md)")
    p.add_argument("--model", help="a task of your own: widths from input to output, 784-64-10")
    for name, said in OWN.items():
        p.add_argument(f"--{name}", type=_positive if name == "batch" else str, help=said)
    names = [*frameworks.MODULES, frameworks.ALL]
    usual = f"default: {', '.join(frameworks.USUAL)}, as far as installed; all: all of --list"
    p.add_argument("--frameworks", type=_some_of("framework", names), help=usual)
    p.add_argument("--framework", type=_file_class, action="append", help="FILE.py:Class, your own")
    p.add_argument("--steps", type=_positive, help="steps of each task (default: its own number)")
    p.add_argument("--seed", type=_natural, default=0)
    p.add_argument("--data", help="folder with MNIST; of --model: mnist, digits, moons, FILE.npz")
    p.add_argument("--dtype", type=_one_of("dtype", ("float64", "float32")))
    p.add_argument("--out", type=Path, default=Path("compare-report"), help="folder of the report")
    return p


def _one_of(kind: str, allowed: Collection[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            near = difflib.get_close_matches(text, allowed, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise argparse.ArgumentTypeError(
                f"unknown {kind} {text!r}, use {', '.join(allowed)}{hint}"
            )
        return text

    return check


def _some_of(kind: str, allowed: Collection[str]) -> Callable[[str], list[str]]:
    one = _one_of(kind, allowed)
    return lambda text: [one(part.strip()) for part in text.split(",")]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _file_class(text: str) -> str:
    path, _, name = text.rpartition(":")
    if not path.endswith(".py") or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE.py:Class")
    return text


def collect(args: argparse.Namespace) -> list[tasks.Task]:
    """The tasks that were asked for. Raises MicrogradError or OSError where one cannot be made."""
    own = [name for name in OWN if getattr(args, name) is not None]
    if own and args.model is None:
        raise ConfigError(f"--{own[0]} is for a task of your own; give --model too")
    folder, data = _data(args)
    made = [own_task.from_file(path, folder) for path in args.task or ()]
    if args.model is not None:
        given = {name: getattr(args, name) for name in (*own, "model", "seed")}
        made.append(own_task.make(given | ({"data": data} if data else {}), folder))
    if args.tasks is None and made:
        return made
    asked = set(args.tasks or GROUPS)
    mnist = load_mnist(folder) if asked & set(ON_MNIST) else None
    for name, make in GROUPS.items():
        if name in asked:
            made += make(mnist, args.seed) if name in ON_MNIST else make(args.seed)
    return made


def _data(args: argparse.Namespace) -> tuple[Path | None, str | None]:
    """--data as a folder with MNIST, and as the data of --model."""
    named = args.data is not None and (args.data in own_task.DATA or args.data.endswith(".npz"))
    if named and args.model is None:
        raise ConfigError(f"--data {args.data} is for a task of your own; give --model too")
    return (None, args.data) if named else (args.data and Path(args.data), None)


def listing() -> str:
    """The tasks by group, without their data, and the frameworks."""
    lines = [f"tasks      {', '.join(GROUPS)}"]
    for name in ("gates", "regression", "optimizers", "keras"):
        args = () if name == "gates" else (0,)
        made = tasks.gates() if not args else GROUPS[name](0)
        lines.append(f"  {name:11s}{', '.join(task.name for task in made)}")
    lines += ["  mnist      784-500-10 by sgd and by adam", "  models     the tutorials' networks"]
    return "\n".join([*lines, f"frameworks {', '.join(frameworks.MODULES)}"])
