"""python -m compare checkers: our zoo under the gradient checkers people use today.

How many wrong layers does each of them find, and how many right ones does it flag? The tools are in
checker_tools.py. The zoo of right and wrong layers is that of the tests, so this runs from a clone.

hard inputs      of right layers: every number -1, 0 or 1 (kinks and ties); all of them times 1e-3
                 and times 30; left out where the forward is not finite
found, flagged   the tool says no, or there is an exception ("crashed" counts these)
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from microgradnn.atomic import write_atomically
from tests.check.zoo import RIGHT, WRONG, Entry, Inputs

from .checker_tools import TOOLS, Tool, ZooLayer, silence

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns 0."""
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m compare checkers", description=__doc__, formatter_class=how
    )
    parser.add_argument("--seeds", type=int, default=1, help="inputs of each entry")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), metavar="TOOL")
    parser.add_argument("--json", type=Path, metavar="FILE", help="which entries, by name")
    args = parser.parse_args(arguments)
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
    return 0
