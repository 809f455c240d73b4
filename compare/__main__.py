"""python -m compare: trains the same models in every framework and says where they differ."""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any

from microgradnn.errors import MicrogradError, MissingPackageError

from . import adapter_rules, closing, frameworks, lockstep, output, own_process, speed, tasks
from .command_line import collect, listing, parser
from .ports.port_options import main as ports_main
from .row import Row

NOTHING = (
    "neither torch nor tensorflow is installed, so there is nothing to compare with; in a clone of "
    "microgradnn write: pip install -e '.[compare]'"
)


def progress(name: str, place: str) -> Callable[[int, int], None]:
    """A function (done, total) that draws one line on a terminal and is silent elsewhere.

    `place` says which of how many tasks this is; the line also has the time this task still needs.
    """
    begun, last = time.monotonic(), [0.0]

    def tick(done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and (now - last[0] > 0.1 or done == total):
            last[0] = now
            left = (now - begun) / done * (total - done)
            said = f"{place} {name}: step {done} of {total}, {left:.0f} s left in this task"
            print(f"\r{said:79s}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return tick


def chosen(asked: Sequence[str] | None, own: Sequence[str] = ()) -> dict[str, Any]:
    """The frameworks to run by name, ours first: modules, or why one is left out.

    Raises MicrogradError if one that was asked for is not installed, or, where all were, if there
    is nothing to compare with.
    """
    every = asked is not None and frameworks.ALL in asked
    usual = [lockstep.REFERENCE] if own else frameworks.USUAL
    names = list(frameworks.MODULES) if every else asked or usual
    loaded = load(list(dict.fromkeys([lockstep.REFERENCE, *names, *own])))
    absent = {name: why for name, why in loaded.items() if isinstance(why, str)}
    gone = {name: why for name, why in absent.items() if not isinstance(why, frameworks.Broken)}
    if asked and gone and not every:
        raise MissingPackageError(next(iter(gone.values())))
    _something(loaded, gone)
    for why in absent.values():
        print(f"compare: {why}", file=sys.stderr)
    return loaded


def _something(loaded: Collection[str], gone: Collection[str]) -> None:
    """Raises MissingPackageError if every package that was to be compared with is absent."""
    packages = set(loaded) & set(frameworks.PACKAGES)
    if packages and packages <= set(gone):
        raise MissingPackageError(NOTHING)


def load(names: Sequence[str]) -> dict[str, Any]:
    """Each framework in a process of its own."""
    return own_process.load(names)


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
    if words[:1] == ["gradbugs"]:  # needs the zoo of layers in tests/; the other commands do not
        try:
            return int(import_module(".gradbugs", __package__).main(words[1:]))
        except MicrogradError as error:
            print(f"compare: {error}", file=sys.stderr)
            return 2
    if words[:1] == ["ports"]:
        return ports_main(words[1:])
    if words[:1] == ["speed"]:
        return speed.main(words[1:])
    args = parser().parse_args(words)
    if args.list:
        print(listing())
        return 0
    loaded: dict[str, Any] = {}
    try:
        todo = [] if args.command == "contract" else collect(args)
        output.try_out(args.out)
        loaded = chosen(args.frameworks, args.framework or ())
        return _contract(loaded) if args.command == "contract" else _compare(args, loaded, todo)
    except (MicrogradError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    finally:
        own_process.close(loaded)


def _contract(loaded: dict[str, Any]) -> int:
    """Says of every adapter which of adapter_rules.py it breaks; the exit status is 1 if any."""
    bad = 0
    for name, module in loaded.items():
        broken = _broken(module)
        bad += bool(broken)
        print("\n".join([f"{name}: {line}" for line in broken] or [f"{name}: keeps the contract"]))
    return 1 if bad else 0


def _broken(module: Any) -> list[str]:
    """What an adapter does not keep; what it raised is one sentence."""
    if isinstance(module, str):
        return [module]
    try:
        return list(
            module.contract() if hasattr(module, "contract") else adapter_rules.broken(module)
        )
    except Exception as error:  # of the adapter
        return [frameworks.one_line(error)]


def _compare(args: argparse.Namespace, loaded: dict[str, Any], todo: list[tasks.Task]) -> int:
    """Runs the tasks, prints the table, writes the report; returns the exit status."""
    rows: list[Row] = []
    said: dict[str, str] = {}
    interrupted = False
    try:
        for i, task in enumerate(todo, 1):
            tick = progress(task.name, f"[{i}/{len(todo)}]")
            said[task.name] = _run(task, loaded, args, rows, tick)
            print(f"{task.name}: {said[task.name]}", flush=True)
    except KeyboardInterrupt:
        interrupted = True
        print("\ninterrupted; what was done so far:", file=sys.stderr)
    output.print_table(rows)
    print("\n".join(closing.sentences(rows)))
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
    task: tasks.Task,
    loaded: dict[str, Any],
    args: argparse.Namespace,
    rows: list[Row],
    tick: Callable[[int, int], None],
) -> str:
    """What is said of the task; adds a row for each framework to `rows`."""
    final: list[Any] = []
    mine = len(rows)
    try:
        lockstep.run(task, loaded, args.steps, args.dtype, rows, tick, print, final)
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
