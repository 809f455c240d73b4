"""What the longer examples take on the command line, and where their pictures go."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files, no windows
import matplotlib.pyplot as plt  # noqa: E402


def arguments(text: str | None) -> argparse.Namespace:
    """--data FOLDER with MNIST, --quick for a run of seconds, --out FOLDER for pictures."""
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=text, formatter_class=how)
    parser.add_argument("--data", help="folder with the MNIST files; else looked for, downloaded")
    parser.add_argument("--quick", action="store_true", help="a few seconds, weaker assertions")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where pictures are written")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def picture(path: Path, draw: Callable[[Any], None], width: float = 6.0) -> None:
    """None; writes what draw(axes) draws to the file at path and says so."""
    figure, axes = plt.subplots(figsize=(width, 4), layout="constrained")
    draw(axes)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print("picture:", path)


class Clock:
    """A context that prints how long it took."""

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        print(f"{time.perf_counter() - self.start:.1f} s")
