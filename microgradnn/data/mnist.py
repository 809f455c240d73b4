"""MNIST: looked for on this machine, then downloaded, and verified either way.

The order: data=, $MICROGRADNN_DATA, the user's cache, the public mirrors. Offline and absent, the
8x8 digits of scikit-learn stand in, and one line on stderr says so.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ConfigError, DataError, DTypeError
from ..user_cache import cache_folder
from .idx import PathLike, read_images, read_labels

# Each file and the SHA-256 of its decompressed content.
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
_PLACES = (".", "mnist", "MNIST/raw")  # the last is where torchvision keeps them
_ADVICE = "to get it put its four files in a folder and pass data=FOLDER or set MICROGRADNN_DATA"


@dataclass(frozen=True, eq=False)
class Split:
    """Images x, scaled to 0 … 1, and their labels y, int64 of shape (n,)."""

    x: NDArray[Any]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class MNIST:
    """Three splits of labelled images, and how they were obtained."""

    train: Split
    validation: Split
    test: Split
    source: str
    n_classes: int = 10

    @property
    def n_features(self) -> int:
        """The number of pixels of an image."""
        return prod(self.train.x.shape[1:])


def load_mnist(
    data: PathLike | None = None,
    *,
    download: bool = True,
    fallback: str | None = "digits",
    flatten: bool = True,
    dtype: DTypeLike = np.float32,
    verify: bool = True,
    mirrors: Sequence[str] = MIRRORS,
) -> MNIST:
    """MNIST: 55 000 images to train with, 5 000 to validate (the first ones), 10 000 to test.

    x is (n, 784), or (n, 28, 28) with flatten=False, in 0 … 1. `data` is a folder that must hold
    the four files, plain or gzipped, itself or in its mnist/ or MNIST/raw/. Without it they are
    looked for in $MICROGRADNN_DATA, in the user's cache, and, with `download`, at the `mirrors`.
    Where that fails, scikit-learn's 8x8 digits are returned: x is (n, 64), `source` and a line on
    stderr say so; fallback=None raises DataError instead.

    A file that is found but is not what it should be raises DataError. verify=False leaves out
    the checksums, for other data in MNIST's format; a twelfth of train is the validation split.
    """
    if fallback not in ("digits", None):
        raise ConfigError(f"load_mnist: fallback is {fallback!r}, expected 'digits' or None")
    if np.dtype(dtype).kind != "f":
        raise DTypeError(
            f"load_mnist: dtype is {np.dtype(dtype)}, expected a float type; write np.float32"
        )
    files, reason = _locate(data, mirrors if download else None)
    if len(files) == len(FILES):
        return _read(files, verify, flatten, np.dtype(dtype))
    if fallback is None:
        raise DataError(f"MNIST was not found and {reason}; {_ADVICE}")
    return _digits(reason, flatten, np.dtype(dtype))


def found_folder() -> Path | None:
    """The folder in which load_mnist finds all four files here, or None if it would download them.

    Nothing is read or downloaded. Raises DataError where $MICROGRADNN_DATA names a wrong folder.
    """
    files, _ = _locate(None, None)
    return next(iter(files.values())).parent if len(files) == len(FILES) else None


def _locate(data: PathLike | None, mirrors: Sequence[str] | None) -> tuple[dict[str, Path], str]:
    """The four files by name; or fewer, and why there are no more."""
    if data is not None:
        return _demand(Path(data).expanduser(), "data="), ""
    if setting := os.environ.get("MICROGRADNN_DATA"):
        folder = Path(setting).expanduser()
        # The variable may name a folder of other data, but not half of this one, nor nothing.
        if not folder.is_dir() or _find(folder):
            return _demand(folder, "MICROGRADNN_DATA="), ""
    files = _find(cache_folder())
    if mirrors is None:
        return files, "download=False forbids to download it"
    # Imported here because the network code takes longer to import than all of this library.
    from .download import download

    try:
        folder = cache_folder() / "mnist"
        for name in [name for name in FILES if name not in files]:
            files[name] = download(f"{name}.gz", FILES[name], folder, mirrors=mirrors)
    except DataError as error:
        return files, str(error)
    return files, ""


def _find(folder: Path) -> dict[str, Path]:
    """The files of MNIST in the place under folder that has most of them: all, some or none."""
    found = []
    for place in _PLACES:
        # Both spellings are in use; a plain file is preferred because it is read faster.
        paths = {
            name: [
                path
                for spelling in (name, name.replace("-idx", ".idx"))
                for path in (folder / place / spelling, folder / place / f"{spelling}.gz")
                if os.path.isfile(path)
            ]
            for name in FILES
        }
        found.append({name: some[0] for name, some in paths.items() if some})
    return max(found, key=len)


def _demand(folder: Path, setting: str) -> dict[str, Path]:
    """All four files of a folder that the user named; DataError if one is missing."""
    if not folder.is_dir():
        raise DataError(f"{setting}{folder}: no such folder; name the one with MNIST's four files")
    files = _find(folder)
    missing = [name for name in FILES if name not in files]
    if missing:
        raise DataError(
            f"{setting}{folder}: {', '.join(missing)} not found (plain or .gz) in it, "
            f"in its mnist/ or in its MNIST/raw/; add {'it' if len(missing) == 1 else 'them'}"
        )
    return files


def _read(files: dict[str, Path], verify: bool, flatten: bool, dtype: np.dtype[Any]) -> MNIST:
    splits = []
    for part in ("train", "t10k"):
        image_name, label_name = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
        images = read_images(files[image_name], sha256=FILES[image_name] if verify else None)
        labels = read_labels(files[label_name], sha256=FILES[label_name] if verify else None)
        if len(images) != len(labels):
            raise DataError(
                f"{files[label_name]}: {len(labels)} labels, expected {len(images)}, the number "
                f"of images in {files[image_name]}; take both from the same data set"
            )
        splits.append(_split(images, labels, 255, flatten, dtype))
    train, test = splits
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(
            f"{files['t10k-images-idx3-ubyte']}: images of shape {test.x.shape[1:]}, expected "
            f"{train.x.shape[1:]} as in train; take both from the same data set"
        )
    n = len(train) // 12  # 5 000 of 60 000
    folder = files["train-images-idx3-ubyte"].parent
    name = "MNIST (verified)" if verify else "data in MNIST's format (not verified)"
    return MNIST(_part(train, n, None), _part(train, 0, n), test, f"{name} from {folder}")


def _split(
    images: NDArray[Any], labels: NDArray[Any], top: int, flatten: bool, dtype: np.dtype[Any]
) -> Split:
    """The Split of images with pixels 0 … top."""
    x = np.divide(images, top, dtype=dtype)
    return Split(x.reshape(len(x), -1) if flatten else x, labels.astype(np.int64))


def _part(split: Split, start: int, stop: int | None) -> Split:
    return Split(split.x[start:stop], split.y[start:stop])


def _digits(reason: str, flatten: bool, dtype: np.dtype[Any]) -> MNIST:
    """scikit-learn's 1 797 digits: 200 to validate, 1 297 to train, 300 to test, in their order."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError(
            f"MNIST was not found and {reason}; {_ADVICE}, or in a clone of microgradnn write "
            "pip install -e '.[data]' to use scikit-learn's 8x8 digits instead"
        ) from None
    print(
        f"microgradnn: NOT MNIST but scikit-learn's 8x8 digits; {_ADVICE} ({reason})",
        file=sys.stderr,
    )
    digits = load_digits()
    every = _split(digits.images, digits.target, 16, flatten, dtype)
    return MNIST(
        _part(every, 200, 1497),
        _part(every, 0, 200),
        _part(every, 1497, None),
        "scikit-learn digits 8x8 (NOT MNIST)",
    )
