"""python -m tests.faults --number 150 --seed 0 [--only parity] [--places engine,nn] [--limit 120]

Plants faults, one at a time, and prints for each which file of tests finds it and after how many
seconds, then how many were found. The tests of the folder that is nearest run first; with --only
parity those alone that compare with frameworks, on faults in lines that they come to.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from . import running
from .mutations import NUMERIC, Fault, faults


def drawn(number: int, seed: int, places: Sequence[str]) -> list[Fault]:
    """So many faults, at most one on a line, from the places in turn."""
    rng, each = random.Random(seed), []
    for place in places:
        every = [f for path in running.sources([place]) for f in faults(running.ROOT, path)]
        rng.shuffle(every)
        first: dict[tuple[str, int], Fault] = {}
        for fault in every:
            first.setdefault((fault.path, fault.line), fault)
        each.append(list(first.values()))
    in_turn = [fault for row in zip_longest(*each) for fault in row if fault is not None]
    return in_turn[:number]


def reached(fault: Fault, lines: dict[str, set[int]]) -> bool:
    """Whether a framework computes it too: a number on a line that the comparison comes to."""
    return fault.kind in NUMERIC and fault.line in lines.get(fault.path, set())


def covered() -> dict[str, set[int]]:
    """The lines of the library that the parity tests run in functions, by file."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/data", f"{folder}/out.json"
        run = [sys.executable, "-m", "coverage"]
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *running.PARITY]
        source = "--source=microgradnn"
        subprocess.run([*run, "run", f"--data-file={data}", source, *tests], check=True,
                       cwd=running.ROOT, stdout=subprocess.DEVNULL)  # fmt: skip
        command = [*run, "json", f"--data-file={data}", "-q", "-o", out]
        subprocess.run(command, check=True, cwd=running.ROOT)
        found = json.loads(Path(out).read_text(encoding="utf-8"))["files"]
    return {name: set(file["executed_lines"]) for name, file in found.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; the exit status is 1 if a fault was not found."""
    p = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    p.add_argument("--number", type=int, default=150)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", choices=["parity"])
    p.add_argument("--places", default=",".join(running.PLACES))
    p.add_argument("--limit", type=float, default=240.0, help="seconds of tests for a fault")
    args = p.parse_args(argv)
    places = args.places.split(",")
    chosen = drawn(10**9 if args.only else args.number, args.seed, places)
    if args.only:
        lines = covered()
        chosen = [fault for fault in chosen if reached(fault, lines)][: args.number]
    found: list[running.Outcome] = []
    with tempfile.TemporaryDirectory() as folder, running.copy(Path(folder)):
        for fault in chosen:
            files = running.PARITY if args.only else running.nearest(fault)
            one = running.tried(fault, Path(folder), files, args.limit)
            found.append(one)
            print(f"{one.seconds:6.1f} s  {one.by or 'NOT FOUND':40s} {fault}", flush=True)
    return summary(found)


def summary(found: Sequence[running.Outcome]) -> int:
    """Prints how many were found, how soon, and which were not."""
    good = [one for one in found if one.by]
    if not found:
        print("no faults")
        return 1
    print(f"\n{len(good)} of {len(found)} found, {100 * len(good) / len(found):.1f} %")
    if good:
        times = sorted(one.seconds for one in good)
        print(f"seconds: median {statistics.median(times):.1f}, longest {times[-1]:.1f}")
    for one in found:
        if not one.by:
            print(f"not found: {one.fault}")
    return 0 if len(good) == len(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
