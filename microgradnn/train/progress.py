"""The bar that shows a training run while it runs."""

import importlib
import os
import sys
import time
from typing import Any


def figures(logs: dict[str, Any]) -> str:
    """The numbers of a dict as text; what is no single number is left out."""
    return "  ".join(f"{k} {v:.4g}" for k, v in logs.items() if isinstance(v, (int, float)))


class Progress:
    """One bar for each epoch: with rich on a terminal, a rewritten line there without it.

    verbose "auto" shows a bar on a terminal and nothing elsewhere, 0 nothing, 1 a bar, 2 one line
    for each epoch.
    """

    def __init__(self, verbose: int | str, epochs: int, steps: int, first: int = 0) -> None:
        live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.style = int(live) if verbose == "auto" else int(verbose)
        self.epochs, self.steps, self.first = epochs, steps, first
        self.bar: Any = None
        self.start = self.drawn = 0.0

    def begin(self, epoch: int) -> None:
        """Starts the bar of an epoch."""
        self.start, self.drawn = time.perf_counter(), 0.0
        self.title = f"epoch {epoch + 1}/{self.epochs}"
        if self.style == 1 and sys.stderr.isatty():
            self.bar = _rich_bar(self.title, self.steps)

    def step(self, done: int, logs: dict[str, Any]) -> None:
        """Shows the step, ten times a second at most."""
        now = time.perf_counter()
        if self.style != 1 or (now - self.drawn < 0.1 and done < self.steps):
            return
        self.drawn = now
        if self.bar is not None:
            self.bar.update(0, completed=done, figures=figures(logs))
        elif sys.stderr.isatty():
            share = 20 * done // max(self.steps, 1)
            line = f"\r{self.title} [{'=' * share:<20}] {done}/{self.steps}  {figures(logs)}"
            print(line, end="\x1b[K", file=sys.stderr, flush=True)

    def end(self, logs: dict[str, Any]) -> None:
        """Ends the bar, or writes the line of the epoch."""
        line = f"{self.title}  {time.perf_counter() - self.start:.1f} s  {figures(logs)}"
        self.close()
        if self.style == 1 and sys.stderr.isatty():
            print(f"\r{line}\x1b[K", file=sys.stderr)
        elif self.style:
            print(line, file=sys.stderr)

    def close(self) -> None:
        """Leaves the terminal as it was, also in the middle of an epoch."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _rich_bar(title: str, steps: int) -> Any:
    """A started bar of rich, or None without rich."""
    try:
        progress = importlib.import_module("rich.progress")
        console = importlib.import_module("rich.console").Console(stderr=True)
    except ImportError:
        return None
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(20),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
        progress.TextColumn("{task.fields[figures]}"),
        console=console,
        transient=True,
    )
    bar.add_task(title, total=steps, figures="")
    bar.start()
    return bar
