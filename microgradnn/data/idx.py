"""The IDX format of MNIST's files: a big-endian header, then one byte per pixel or label.

images: magic 2051, count, rows, columns, pixels      labels: magic 2049, count, labels
"""

import gzip
import hashlib
import os
import stat
import struct
import zlib
from math import prod
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, DTypeError
from ..signatures.expected import brief

_AGAIN = "delete it and download it again"
LARGEST = 1 << 30  # bytes of one array; the largest relative of MNIST has half as many

PathLike = str | os.PathLike[str]


def read_images(path: PathLike, *, sha256: str | None = None) -> NDArray[np.uint8]:
    """The images in an IDX file, plain or gzipped: (count, rows, columns) uint8, read-only.

    With `sha256`, the decompressed content must have that checksum. Raises DataError where the
    file cannot be read, is truncated or too long, or is not an IDX file of images.
    """
    return _read(path, 2051, sha256)


def read_labels(path: PathLike, *, sha256: str | None = None) -> NDArray[np.uint8]:
    """The labels in an IDX file, plain or gzipped: (count,) uint8, each 0 to 9, read-only.

    With `sha256`, the decompressed content must have that checksum. Raises DataError where the
    file cannot be read, is truncated or too long, is not an IDX file of labels, or has a label
    above 9.
    """
    labels = _read(path, 2049, sha256)
    high = np.flatnonzero(labels > 9)
    if high.size:
        first = high[0]
        raise DataError(
            f"{path}: label {labels[first]} at index {first}, expected 0 to 9; {_AGAIN}"
        )
    return labels


def _read(path: PathLike, magic: int, sha256: str | None) -> NDArray[np.uint8]:
    """The array in an IDX file, a view of its content.

    The header says how many bytes follow, and not many more are read: a small gzip file that
    unpacks to gigabytes (a "zip bomb") is refused early.
    """
    if not isinstance(path, str | os.PathLike):
        reads = "read_images" if magic == 2051 else "read_labels"
        raise DTypeError(f"{reads}: path is {brief(path)}, need a str or a Path")
    names = ("images", "rows", "columns") if magic == 2051 else ("labels",)
    header = 4 * (1 + len(names))
    try:
        # Opening a pipe would wait for its other end, and a device may never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DataError(f"{path}: cannot be read (not a regular file); check the file")
        with open(path, "rb") as file, unpacked(file) as inside:
            start = take(inside, header, path)
            shape = _shape(start, magic, names, path)
            content = start + take(inside, prod(shape) + 1, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    expected = header + prod(shape)
    if len(content) < expected:
        raise DataError(
            f"{path}: truncated, {len(content)} bytes, expected {expected} by its header; {_AGAIN}"
        )
    if len(content) > expected:
        raise DataError(
            f"{path}: too long, more than the {expected} bytes that its header announces; {_AGAIN}"
        )
    if sha256 is not None and checksum(content) != sha256:
        raise DataError(
            f"{path}: SHA-256 of the content is {checksum(content)}, expected {sha256}; {_AGAIN}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _shape(start: bytes, magic: int, names: tuple[str, ...], path: PathLike) -> list[int]:
    """The sizes in the header of an IDX file."""
    header = 4 * (1 + len(names))
    if len(start) < header:
        raise DataError(
            f"{path}: truncated, {len(start)} bytes, expected a header of {header}; {_AGAIN}"
        )
    found, *shape = struct.unpack(f">{1 + len(names)}I", start)
    if found != magic:
        raise DataError(
            f"{path}: magic number {found}, expected {magic} (an IDX file of {names[0]}); {_AGAIN}"
        )
    # A zero would let any other number in the header pass the check of the size.
    if 0 in shape:
        raise DataError(
            f"{path}: 0 {names[shape.index(0)]} in the header, expected 1 or more; {_AGAIN}"
        )
    if prod(shape) > LARGEST:
        raise DataError(
            f"{path}: its header announces {prod(shape)} bytes, expected at most {LARGEST}; "
            f"{_AGAIN}"
        )
    return shape


def unpacked(file: BinaryIO) -> BinaryIO:
    """The content of an open file, decompressed if it is gzip, whatever the file is called.

    Browsers and proxies decompress a download and keep its .gz name, so the name tells nothing.
    """
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if zipped else file


def take(file: BinaryIO, size: int, path: PathLike) -> bytes:
    """The next `size` bytes of unpacked(…), or as many as there are.

    `path` names the file in the DataError that damaged gzip data raises.
    """
    content = bytearray()
    try:
        # Piece by piece, because read(size) would allocate what a wrong header announces.
        while piece := file.read(min(size - len(content), 1 << 20)):
            content += piece
    except EOFError as error:
        raise DataError(f"{path}: truncated, the gzip data ends too early; {_AGAIN}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: corrupt gzip data ({error}); {_AGAIN}") from error
    return bytes(content)


def checksum(content: bytes) -> str:
    """The SHA-256 of content, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
