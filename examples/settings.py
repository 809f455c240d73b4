"""What the examples take on the command line, and where the files they write go."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from microgradnn.data import MNIST, load_mnist
from microgradnn.errors import MicrogradError
from microgradnn.optional import need


def arguments(text: str | None, *packages: str) -> argparse.Namespace:
    """The options --data FOLDER with MNIST, --quick for a run of seconds, --out FOLDER.

    Stops with exit status 2 and one sentence if one of the packages is not installed.
    """
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=text, formatter_class=how)
    parser.add_argument("--data", help="folder with the MNIST files; else looked for, downloaded")
    parser.add_argument("--quick", action="store_true", help="a few seconds, weaker assertions")
    parser.add_argument("--out", type=Path, help="folder to write to; else a new temporary one")
    args = parser.parse_args()
    needs(*packages)
    return args


def needs(*packages: str) -> None:
    """Stop with exit status 2 and one sentence if one of the packages is not installed."""
    for package in packages:
        try:
            need(package, "this example")
        except MicrogradError as error:
            stop(error)


def mnist(args: argparse.Namespace, **how: Any) -> MNIST:
    """load_mnist(args.data, **how); prints where the data comes from."""
    try:
        data = load_mnist(args.data, **how)
    except MicrogradError as error:
        stop(error)
    print(data.source)
    return data


def stop(error: Exception) -> NoReturn:
    """Print the error in one line and leave with exit status 2."""
    print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
    raise SystemExit(2)


def folder(args: argparse.Namespace) -> Path:
    """The folder of --out, or a new temporary one."""
    args.out = args.out or Path(tempfile.mkdtemp(prefix="microgradnn-"))
    args.out.mkdir(parents=True, exist_ok=True)
    return args.out


def picture(args: argparse.Namespace, name: str, draw: Callable[[Any], None]) -> None:
    """Write what draw(axes) draws to the file `name` in folder(args), and print its path."""
    import matplotlib

    matplotlib.use("Agg")  # files, no windows
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    draw(axes)
    path = folder(args) / name
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print("picture:", path)


class Clock:
    """A context that prints how long it took."""

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        print(f"{time.perf_counter() - self.start:.1f} s")
