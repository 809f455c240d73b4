import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microgradnn.data import read_images, read_labels
from microgradnn.errors import DataError

AGAIN = "delete it and download it again"
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
        for byte in set(range(256)) - {content[at]}:
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
        (read_images, idx(IMAGES) + b"\0", "too long, 29 bytes, expected 28 by its header"),
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


def test_a_file_that_is_absent_or_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read .No such file or directory.; check"):
        read_images(tmp_path / "nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_images(tmp_path)
