"""python -m compare gradbugs: planted mistakes under the gradient checkers people use today.

How many wrong layers does each of them find, and how many right ones does it flag? The tools are in
checker_tools.py. The zoo of right and wrong layers is that of the tests, so this runs from a clone.
With the name of a mistake: its code, what each tool says, and our report. `--page FILE` writes the
table of all of them.

hard inputs      of right layers: every number -1, 0 or 1 (kinks and ties); all of them times 1e-3
                 and times 30; left out where the forward is not finite
found, flagged   the tool says no, or there is an exception ("crashed" counts these)
"""

import argparse
import inspect
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.atomic import write_atomically
from microgradnn.errors import ConfigError
from tests.check.zoo import RIGHT, WRONG, Entry, Inputs

from .checker_tools import TOOLS, Tool, ZooLayer, report_of, silence

# What a wrong entry shows if its gradients are right, but not the way it treats its arguments,
# its cotangent or its cache.
CONTRACT = {
    "mutates cotangent", "mutates input", "aliases", "random forward", "random backward",
    "not idempotent", "overwrites", "stale", "second forward", "strided",
}  # fmt: skip

WRONG_ONES, CONTRACTS = "wrong gradients found", "broken contracts found"
RIGHT_ONES, HARD = "right ones flagged", "right ones flagged, hard inputs"


@dataclass
class Count:
    """How many of so many layers a tool rejected: which, and which of them by crashing."""

    total: int = 0
    rejected: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        crashed = f" ({len(self.crashed)} crashed)" if self.crashed else ""
        return f"{len(self.rejected)} of {self.total}{crashed}"

    def look(self, tool: Tool, layer: ZooLayer, seed: int, name: str) -> None:
        """Adds what a tool says of a layer."""
        self.total += 1
        np.random.seed(seed)
        try:
            tool(layer, seed)
        except Exception as error:  # of the tool, or of the layer in its hands
            self.rejected.append(name)
            if not isinstance(error, AssertionError):
                self.crashed.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")


def hard_inputs(entry: Entry, seed: int) -> Iterator[tuple[str, Inputs]]:
    """Inputs on kinks and ties, small and large ones, where the forward is finite."""
    rng = np.random.default_rng(seed)
    inputs = entry.make_inputs(rng)
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "kinks and ties": lambda a: rng.integers(-1, 2, a.shape).astype(float),
        "times 1e-3": lambda a: a * 1e-3,
        "times 30": lambda a: a * 30,
    }
    for name, change in changes.items():
        hard = inputs.replaced([change(a) for a in inputs.arrays()])
        with silence():
            outs = ZooLayer(entry, hard).outs(hard.arrays())
        if all(np.isfinite(out).all() for out in outs):
            yield f"{entry.name}, {name}", hard


def measure(tool: Tool, entries: list[Entry], seeds: int) -> tuple[dict[str, Count], float]:
    """A tool's counts over the entries, at as many inputs each as there are seeds; its seconds."""
    counts = {column: Count() for column in (WRONG_ONES, CONTRACTS, RIGHT_ONES, HARD)}
    start = time.perf_counter()
    for seed, entry in itertools.product(range(seeds), entries):
        column = CONTRACTS if entry.shows in CONTRACT else WRONG_ONES if entry.of else RIGHT_ONES
        inputs = entry.make_inputs(np.random.default_rng(seed))
        counts[column].look(tool, ZooLayer(entry, inputs), seed, entry.name)
        for name, hard in () if entry.of else hard_inputs(entry, seed):
            counts[HARD].look(tool, ZooLayer(entry, hard), seed, name)
    return counts, time.perf_counter() - start


def show(*cells: object) -> None:
    """Prints a line of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


# ---- one mistake, and all of them ----------------------------------------------------------------


def verdicts(entry: Entry, tools: Sequence[str], seed: int = 0) -> dict[str, str]:
    """What each tool says of one entry: "found", "crashed" or "passes"."""
    inputs = entry.make_inputs(np.random.default_rng(seed))
    said = {}
    for name in tools:
        count = Count()
        count.look(TOOLS[name], ZooLayer(entry, inputs), seed, entry.name)
        said[name] = "crashed" if count.crashed else "found" if count.rejected else "passes"
    return said


def told(entry: Entry, seed: int = 0) -> str:
    """The mistake's name as our checker tells it, "" where it tells none."""
    inputs = entry.make_inputs(np.random.default_rng(seed))
    findings = report_of(ZooLayer(entry, inputs), seed).findings
    named = [f for f in findings if f.code == "GC401" or f.verdict == "CONVENTION"]
    broken = [f for f in findings if f.verdict in ("CONTRACT", "NONDETERMINISTIC")]
    return (named or broken)[0].message if named or broken else ""


def one(name: str, tools: Sequence[str]) -> int:
    """Prints a mistake, what each tool says of it, and our report; returns 0."""
    entry = next((e for e in WRONG if e.name == name), None)
    if entry is None:
        raise ConfigError(f"gradbugs: no mistake is called {name!r}; --list prints their names")
    # A loss returns its gradients itself.
    wrong: Any = (entry.backward or entry.forward) if entry.build is None else type(entry.build())
    source = inspect.getsource(wrong)
    print(f"{name}: {entry.what} ({entry.kind_name})\n\n{source}")
    for tool, said in verdicts(entry, tools).items():
        print(f"{tool:20} {said}")
    print(f"\n{report_of(ZooLayer(entry, entry.make_inputs(np.random.default_rng(0))), 0)}")
    return 0


PAGE = """# GradBugs: planted mistakes, and who finds them

{count} layers with one mistake each, in NumPy, from `tests/check/zoo/wrong.py`, under the gradient
checkers people use today, with their defaults. `python -m compare gradbugs NAME` runs one of them,
`python -m compare gradbugs --page docs/gradbugs.md` writes this page. The mistakes are ours and our
checker was made with them at hand: read the others' columns. + found, ! an exception, which counts
as found, - passes. The last column is the name that `microgradnn.check` tells.

"""


def page(tools: Sequence[str]) -> str:
    """The table of all mistakes, in Markdown."""
    marks = {"found": "+", "crashed": "!", "passes": "-"}
    head = ["mistake", "kind", *tools, "its name, as told"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for entry in sorted(WRONG, key=lambda e: (e.kind, e.name)):
        said = [marks[v] for v in verdicts(entry, tools).values()]
        cells = [f"`{entry.name}`", entry.kind_name, *said, _cell(told(entry))]
        lines.append("| " + " | ".join(cells) + " |")
    return PAGE.format(count=len(WRONG)) + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """A text for one cell: no places in files, no bars."""
    return text.replace("|", "\\|").replace("\n", " ")[:200]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, or what is asked for; returns 0."""
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m compare gradbugs", description=__doc__, formatter_class=how
    )
    parser.add_argument("name", nargs="?", help="one mistake: its code, and what each tool says")
    parser.add_argument("--list", action="store_true", help="print the names of all mistakes")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table of all mistakes")
    parser.add_argument("--seeds", type=int, default=1, help="inputs of each entry")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), metavar="TOOL")
    parser.add_argument("--json", type=Path, metavar="FILE", help="which entries, by name")
    args = parser.parse_args(arguments)
    if args.list:
        print("\n".join(f"{e.name}: {e.what}" for e in WRONG))
    elif args.page:
        write_atomically(args.page, page(args.tools))
    elif args.name:
        return one(args.name, args.tools)
    else:
        _counted(args)
    return 0


def _counted(args: argparse.Namespace) -> None:
    """Prints how many each tool finds and flags."""
    show("tool", WRONG_ONES, CONTRACTS, RIGHT_ONES, HARD, "seconds")
    show(*["---"] * 6)
    tools = {}
    for name in args.tools:
        measure(TOOLS[name], RIGHT[:1], 1)  # imports the tool, outside of its time
        counts, seconds = measure(TOOLS[name], RIGHT + WRONG, args.seeds)
        tools[name] = {column: asdict(count) for column, count in counts.items()}
        show(name, *counts.values(), f"{seconds:.0f}")
    if args.json:
        write_atomically(args.json, json.dumps(tools, indent=2))
