"""python -m compare: trains the same models in every framework and says where they differ."""

import argparse
import difflib
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from microgradnn.data import load_mnist
from microgradnn.errors import MicrogradError, MissingPackageError

from . import frameworks, lockstep, model_tasks, output, speed, tasks
from .row import Row

COMMANDS = ("run", "speed", "checkers")  # checkers has options of its own
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


class Parser(argparse.ArgumentParser):
    """argparse with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Prints the message and exits with status 2."""
        print(f"compare: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser() -> Parser:
    """The command line."""
    p = Parser(prog="python -m compare", description=__doc__)
    p.add_argument("command", nargs="?", default="run", type=_one_of("command", COMMANDS))
    p.add_argument("--tasks", type=_some_of("task", GROUPS), default=list(GROUPS))
    names = list(frameworks.MODULES)
    p.add_argument("--frameworks", type=_some_of("framework", names), help="default: all installed")
    p.add_argument("--steps", type=_positive, help="steps of each task (default: its own number)")
    p.add_argument("--seed", type=_natural, default=0)
    p.add_argument("--data", type=Path, help="folder with the MNIST files")
    p.add_argument("--dtype", type=_one_of("dtype", ("float64", "float32")))
    p.add_argument("--out", type=Path, default=Path("compare-report"), help="for report.json")
    return p


def _one_of(kind: str, allowed: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            near = difflib.get_close_matches(text, allowed, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise argparse.ArgumentTypeError(
                f"unknown {kind} {text!r}, use {', '.join(allowed)}{hint}"
            )
        return text

    return check


def _some_of(kind: str, allowed: Sequence[str]) -> Callable[[str], list[str]]:
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


def collect(args: argparse.Namespace) -> list[tasks.Task]:
    """The tasks that were asked for."""
    asked = set(args.tasks)
    data = load_mnist(args.data) if asked & set(ON_MNIST) else None
    found = []
    for name, make in GROUPS.items():
        if name in asked:
            found += make(data, args.seed) if name in ON_MNIST else make(args.seed)
    return found


def progress(name: str) -> Callable[[int, int], None]:
    """A function (done, total) that draws one line on a terminal and is silent elsewhere."""
    last = [0.0]

    def tick(done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and (now - last[0] > 0.1 or done == total):
            last[0] = now
            end = "\n" if done == total else ""
            print(f"\r{name}: step {done} of {total}", end=end, file=sys.stderr, flush=True)

    return tick


def chosen(asked: Sequence[str] | None) -> dict[str, Any]:
    """The frameworks to run by name, ours first: modules, or why one is left out.

    Raises MicrogradError if one that was asked for is not installed, or, where all were, if there
    is nothing to compare with.
    """
    names = dict.fromkeys([lockstep.REFERENCE, *(asked or frameworks.MODULES)])
    loaded = {name: frameworks.load(name) for name in names}
    absent = {name: why for name, why in loaded.items() if isinstance(why, str)}
    gone = {name: why for name, why in absent.items() if not isinstance(why, frameworks.Broken)}
    if asked and gone:
        raise MissingPackageError(next(iter(gone.values())))
    if set(frameworks.PACKAGES) <= set(gone):
        raise MissingPackageError(
            "neither torch nor tensorflow is installed, so there is nothing to compare with; in a "
            "clone of microgradnn write: pip install -e '.[compare]'"
        )
    for why in absent.values():
        print(f"compare: {why}", file=sys.stderr)
    return loaded


def status(rows: Sequence[Row]) -> int:
    """0 if a framework ran every task and all agree, 1 if not all agree, 3 if none ran them all."""
    if any(row.verdict != "agree" and not row.verdict.startswith("not run") for row in rows):
        return 1
    tasks_of: dict[str, set[str]] = {}
    for row in rows:
        if row.steps:
            tasks_of.setdefault(row.framework, set()).add(row.task)
    others = [done for name, done in tasks_of.items() if name != lockstep.REFERENCE]
    if {row.task for row in rows} in others:
        return 0
    some = "no framework ran every task; choose tasks that one of them can run"
    print(f"compare: {some if others else 'nothing was compared'}", file=sys.stderr)
    return 3


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: that of status(), 2 if it could not begin, 130 if it was interrupted."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["checkers"]:  # needs the zoo of layers in tests/; the other commands do not
        return int(import_module(".checkers", __package__).main(words[1:]))
    args = parser().parse_args(words)
    try:
        if args.command == "speed":
            return speed.main(chosen(args.frameworks))
        loaded = chosen(args.frameworks)
        todo = collect(args)
        output.try_out(args.out)
    except (MicrogradError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    return _compare(args, loaded, todo)


def _compare(args: argparse.Namespace, loaded: dict[str, Any], todo: list[tasks.Task]) -> int:
    """Runs the tasks, prints the table, writes the report; returns the exit status."""
    rows: list[Row] = []
    said: dict[str, str] = {}
    interrupted = False
    try:
        for task in todo:
            said[task.name] = _run(task, loaded, args, rows)
            print(f"{task.name}: {said[task.name]}", flush=True)
    except KeyboardInterrupt:
        interrupted = True
        print("\ninterrupted; what was done so far:", file=sys.stderr)
    output.print_table(rows)
    facts: dict[str, Any] = {
        "versions": {n: m if isinstance(m, str) else m.version() for n, m in loaded.items()},
        "seed": args.seed,
        "interrupted": interrupted,
        "data": sorted({task.source for task in todo}),
        "dtypes": {task.name: args.dtype or task.dtype for task in todo},
    }
    try:
        print(f"report: {output.write(args.out, rows, facts, said)}")
    except OSError as error:
        print(f"compare: the report cannot be written: {error}", file=sys.stderr)
        return 2
    return 130 if interrupted else status(rows)


def _run(
    task: tasks.Task, loaded: dict[str, Any], args: argparse.Namespace, rows: list[Row]
) -> str:
    """What is said of the task; adds a row for each framework to `rows`."""
    final: list[Any] = []
    mine = len(rows)
    try:
        lockstep.run(task, loaded, args.steps, args.dtype, rows, progress(task.name), print, final)
        *params, loss = final
        steps = max(row.steps for row in rows[mine:])
        if steps < task.steps:
            return f"loss {loss:.5g} after {steps} of the {task.steps} steps of this task"
        return task.verdict(task, params, float(loss))
    except Exception as error:  # the reference's: there is nothing to judge by; other tasks go on
        for row in rows[mine:] or [Row(task.name, lockstep.REFERENCE)]:
            row.say(f"FAILED: there is nothing to judge by: {frameworks.one_line(error)}")
            if row not in rows:
                rows.append(row)
        return rows[mine].verdict


if __name__ == "__main__":
    raise SystemExit(main())
