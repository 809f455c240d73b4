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

from .data.mnist import found_folder
from .errors import DataError
from .learn.catalogue import Catalogue, chosen
from .optional import PACKAGES, have
from .user_cache import cache_folder

OLDEST = (3, 11)


def main(arguments: list[str] | None = None) -> int:
    """The exit status; what there is to say is printed, one line for each thing."""
    parser = argparse.ArgumentParser(
        prog="python -m microgradnn doctor",
        description=__doc__.partition("\n")[2] if __doc__ else None,
    )
    parser.add_argument("--import", action="store_true", dest="load", help="load each package")
    parser.add_argument("--lang", metavar="LANGUAGE", help="en or zh; default: your system's")
    args = parser.parse_args(arguments)
    say = chosen(args.lang)
    healthy = True
    for good, line in (*_python(say), *_packages(args.load, say), *_data(say)):
        healthy &= good
        print(line)
    return 0 if healthy else 1


def _python(say: Catalogue) -> Iterator[tuple[bool, str]]:
    new = sys.version_info[:2] >= OLDEST
    version = platform.python_version()
    yield new, f"Python {version}" if new else say("doctor.old", version=version)
    yield True, say("doctor.numpy", version=np.__version__)


def _packages(load: bool, say: Catalogue) -> Iterator[tuple[bool, str]]:
    for module, (name, extra) in PACKAGES.items():
        facts: dict[str, object] = {"name": name, "what": say(f"doctor.good_for.{module}")}
        if not have(module):
            yield True, say("doctor.absent", extra=extra, **facts)
            continue
        try:
            if load:
                import_module(module)
        except Exception as error:  # whatever a broken package raises
            yield False, say("doctor.broken", error=error, **facts)
        else:
            yield True, say("doctor.present", version=_version(module, name, say), **facts)


def _version(module: str, name: str, say: Catalogue) -> str:
    """The version of an installed package, which may have been installed under another name."""
    names = metadata.packages_distributions().get(module, [name])
    for found in (name, *names):
        try:
            return metadata.version(found)
        except metadata.PackageNotFoundError:
            continue
    return say("doctor.no_version")


def _data(say: Catalogue) -> Iterator[tuple[bool, str]]:
    try:
        folder = found_folder()
    except DataError as error:
        yield False, f"MNIST: {error}"
        return
    if folder is not None:
        yield True, say("doctor.mnist", folder=folder)
        return
    otherwise = "" if have("sklearn") else say("doctor.need_sklearn")
    yield True, say("doctor.no_mnist", folder=cache_folder() / "mnist", otherwise=otherwise)
