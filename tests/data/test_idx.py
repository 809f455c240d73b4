import gzip
import hashlib
import os
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradnn.data import read_images, read_labels
from microgradnn.errors import DataError

AGAIN = "delete it and download it again"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
LABELS = np.array([7, 0, 9], dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    magic = {1: 2049, 3: 2051}[array.ndim]
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


CASES = [(read_images, idx(IMAGES), 16), (read_labels, idx(LABELS), 8)]


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


@given(
    array=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)),
    zipped=st.booleans(),
)
def test_images_come_back_as_written(path, array, zipped):
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    back = read_images(path)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, array)


@given(labels=st.lists(st.integers(0, 9), min_size=1), zipped=st.booleans())
def test_labels_come_back_as_written(path, labels, zipped):
    array = np.array(labels, dtype=np.uint8)
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    np.testing.assert_array_equal(read_labels(str(path)), array)


@pytest.mark.parametrize(("read", "content", "header"), CASES, ids=["images", "labels"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_cut_anywhere_is_refused(path, read, content, header, pack):
    whole = pack(content)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="truncated"):
            read(path)


@pytest.mark.parametrize(("read", "content", "header"), CASES, ids=["images", "labels"])
def test_any_other_byte_in_the_header_is_refused(path, read, content, header):
    for at in range(header):
        flipped = {content[at] ^ 1 << bit for bit in range(8)}
        for byte in (flipped | {0, 255}) - {content[at]}:
            path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            with pytest.raises(DataError, match=f"file: .*{AGAIN}"):
                read(path)


@given(at=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_wrong_byte_in_gzip_data_is_refused_or_changes_nothing(path, at, byte):
    packed = bytearray(gzip.compress(idx(IMAGES), mtime=0))
    packed[at % len(packed)] = byte
    path.write_bytes(packed)
    try:
        back = read_images(path)
    except DataError:
        return
    np.testing.assert_array_equal(back, IMAGES)


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_images, b"", "truncated, 0 bytes, expected a header of 16"),
        (read_images, idx(IMAGES)[:-1], "truncated, 27 bytes, expected 28 by its header"),
        (
            read_images,
            idx(IMAGES) + b"\0",
            "too long, more than the 28 bytes that its header announces",
        ),
        (
            read_images,
            idx(LABELS) + bytes(9),
            "magic number 2049, expected 2051 (an IDX file of images)",
        ),
        (read_labels, idx(IMAGES), "magic number 2051, expected 2049 (an IDX file of labels)"),
        (read_labels, idx(LABELS[:0]), "0 labels in the header, expected 1 or more"),
        (read_images, idx(IMAGES[:, :0]), "0 rows in the header, expected 1 or more"),
        (
            read_labels,
            idx(np.array([3, 10, 11], dtype=np.uint8)),
            "label 10 at index 1, expected 0 to 9",
        ),
        (
            read_labels,
            gzip.compress(idx(LABELS), mtime=0)[:-9],  # the same in every test process
            "truncated, the gzip data ends too early",
        ),
    ],
)
def test_the_error_names_file_found_and_expected(path, read, content, message):
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {message}; {AGAIN}"


def test_the_checksum_is_that_of_the_decompressed_content(path):
    content = idx(LABELS)
    digest = hashlib.sha256(content).hexdigest()
    wrong = digest[::-1]
    for packed in (content, gzip.compress(content)):
        path.write_bytes(packed)
        np.testing.assert_array_equal(read_labels(path, sha256=digest), LABELS)
        with pytest.raises(DataError) as caught:
            read_labels(path, sha256=wrong)
        assert str(caught.value) == (
            f"{path}: SHA-256 of the content is {digest}, expected {wrong}; {AGAIN}"
        )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nothing", "No such file or directory"),
        ("folder", "not a regular file"),
        pytest.param("pipe", "not a regular file", marks=POSIX),
        pytest.param("/dev/zero", "not a regular file", marks=POSIX),
    ],
)
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, kind, reason):
    path = tmp_path / kind  # /dev/zero stays as it is
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(DataError) as caught:
        read_images(path)
    assert str(caught.value) == f"{path}: cannot be read ({reason}); check the file"


def bomb(header: bytes, size: int) -> bytes:
    """The gzip data of a header and `size` zeros: a thousandth of what it unpacks to."""
    pack = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    pieces = [pack.compress(header)] + [pack.compress(zeros) for _ in range(size >> 20)]
    return b"".join(pieces) + pack.flush()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            struct.pack(">4I", 2051, 1, 2, 2),
            f"too long, more than the 20 bytes that its header announces; {AGAIN}",
        ),
        (
            struct.pack(">4I", 2051, 1 << 20, 1 << 10, 1 << 10),
            f"its header announces {1 << 40} bytes, expected at most {1 << 30}; {AGAIN}",
        ),
    ],
    ids=["too long", "announced"],
)
def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(path, header, message):
    path.write_bytes(bomb(header, 1 << 26))
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        read_images(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value) == f"{path}: {message}"
    assert most < 1 << 23
