"""python -m microgradnn doctor: what is installed, what the rest would be good for, where MNIST is.

The exit status is 0 if all that is installed works, 1 if something does not. --import loads each
package, which takes some seconds; without it only its version is looked up.
"""

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib import import_module, metadata

import numpy as np

from .data.mnist import cache_folder, found_folder
from .errors import DataError
from .optional import PACKAGES, have

# What a package is good for, by what is imported.
GOOD_FOR = {
    "distributed": "grading and fuzzing spread over several machines",
    "flint": "proofs in the gradient checker; without it differences decide",
    "hypothesis": "many inputs for a layer, and the smallest that shows a mistake",
    "matplotlib": "the pictures of the examples",
    "numba": "compiled functions as fast loops",
    "PIL": "a film of training as a GIF",
    "rich": "tables and progress in colour",
    "safetensors": "saving a training run, and going on with it",
    "sklearn": "small digits in the place of MNIST, offline",
    "tensorflow": "the comparison with TensorFlow and Keras",
    "torch": "the comparison with PyTorch",
}
OLDEST = (3, 11)


def main(arguments: list[str] | None = None) -> int:
    """The exit status; what there is to say is printed, one line for each thing."""
    parser = argparse.ArgumentParser(
        prog="python -m microgradnn doctor",
        description=__doc__.partition("\n")[2] if __doc__ else None,
    )
    parser.add_argument("--import", action="store_true", dest="load", help="load each package")
    args = parser.parse_args(arguments)
    healthy = True
    for good, line in (*_python(), *_packages(args.load), *_data()):
        healthy &= good
        print(line)
    return 0 if healthy else 1


def _python() -> Iterator[tuple[bool, str]]:
    new = sys.version_info[:2] >= OLDEST
    yield new, f"Python {platform.python_version()}" + ("" if new else ": need 3.11 or newer")
    yield True, f"NumPy {np.__version__}: all that the library needs"


def _packages(load: bool) -> Iterator[tuple[bool, str]]:
    for module, (name, extra) in PACKAGES.items():
        what = GOOD_FOR[module]
        if not have(module):
            yield True, f"{name} is not installed: {what}; pip install -e '.[{extra}]'"
            continue
        try:
            if load:
                import_module(module)
        except Exception as error:  # whatever a broken package raises
            yield False, f"{name} is installed and cannot be imported ({error}): {what}"
        else:
            yield True, f"{name} {_version(module, name)}: {what}"


def _version(module: str, name: str) -> str:
    """The version of an installed package, which may have been installed under another name."""
    names = metadata.packages_distributions().get(module, [name])
    for found in (name, *names):
        try:
            return metadata.version(found)
        except metadata.PackageNotFoundError:
            continue
    return "(version unknown)"


def _data() -> Iterator[tuple[bool, str]]:
    try:
        folder = found_folder()
    except DataError as error:
        yield False, f"MNIST: {error}"
        return
    if folder is not None:
        yield True, f"MNIST is in {folder}"
        return
    otherwise = "" if have("sklearn") else " (they need scikit-learn)"
    yield (
        True,
        (
            f"MNIST is not here: it is downloaded to {cache_folder() / 'mnist'} when it is first "
            f"asked for; offline small digits take its place{otherwise}"
        ),
    )
