"""The IDX format of MNIST's files: a big-endian header, then one byte per pixel or label.

images: magic 2051, count, rows, columns, pixels      labels: magic 2049, count, labels
"""

import gzip
import hashlib
import os
import struct
import zlib
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError

_AGAIN = "delete it and download it again"

PathLike = str | os.PathLike[str]


def read_images(path: PathLike, *, sha256: str | None = None) -> NDArray[np.uint8]:
    """The images in an IDX file, plain or gzipped: (count, rows, columns) uint8, read-only.

    With `sha256`, the decompressed content must have that checksum. Raises DataError where the
    file cannot be read, is truncated or too long, or is not an IDX file of images.
    """
    content = read_content(path)
    images = _parse(content, 2051, path)
    _verify(content, sha256, path)
    return images


def read_labels(path: PathLike, *, sha256: str | None = None) -> NDArray[np.uint8]:
    """The labels in an IDX file, plain or gzipped: (count,) uint8, each 0 to 9, read-only.

    With `sha256`, the decompressed content must have that checksum. Raises DataError where the
    file cannot be read, is truncated or too long, is not an IDX file of labels, or has a label
    above 9.
    """
    content = read_content(path)
    labels = _parse(content, 2049, path)
    high = np.flatnonzero(labels > 9)
    if high.size:
        first = high[0]
        raise DataError(
            f"{path}: label {labels[first]} at index {first}, expected 0 to 9; {_AGAIN}"
        )
    _verify(content, sha256, path)
    return labels


def read_content(path: PathLike) -> bytes:
    """The bytes of a file, decompressed if they are gzip, whatever the file is called.

    Browsers and proxies decompress a download and keep its .gz name, so the name tells nothing.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    return decompress(raw, path)


def decompress(raw: bytes, path: PathLike) -> bytes:
    """The content of gzip data, other data as it came. `path` only names it in the DataError."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except EOFError as error:
        raise DataError(f"{path}: truncated, the gzip data ends too early; {_AGAIN}") from error
    except (OSError, zlib.error) as error:
        raise DataError(f"{path}: corrupt gzip data ({error}); {_AGAIN}") from error


def checksum(content: bytes) -> str:
    """The SHA-256 of content, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _verify(content: bytes, sha256: str | None, path: PathLike) -> None:
    if sha256 is not None and checksum(content) != sha256:
        raise DataError(
            f"{path}: SHA-256 of the content is {checksum(content)}, expected {sha256}; {_AGAIN}"
        )


def _parse(content: bytes, magic: int, path: PathLike) -> NDArray[np.uint8]:
    """The array that an IDX content holds, a view of it."""
    names = ("images", "rows", "columns") if magic == 2051 else ("labels",)
    header = 4 * (1 + len(names))
    if len(content) < header:
        raise DataError(
            f"{path}: truncated, {len(content)} bytes, expected a header of {header}; {_AGAIN}"
        )
    found, *shape = struct.unpack(f">{1 + len(names)}I", content[:header])
    if found != magic:
        raise DataError(
            f"{path}: magic number {found}, expected {magic} (an IDX file of {names[0]}); {_AGAIN}"
        )
    # A zero would let any other number in the header pass the check of the size.
    if 0 in shape:
        raise DataError(
            f"{path}: 0 {names[shape.index(0)]} in the header, expected 1 or more; {_AGAIN}"
        )
    expected = header + prod(shape)
    if len(content) != expected:
        what = "truncated" if len(content) < expected else "too long"
        raise DataError(
            f"{path}: {what}, {len(content)} bytes, expected {expected} by its header; {_AGAIN}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
