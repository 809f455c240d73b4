import gzip
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microgradnn.data import load_mnist, mnist
from microgradnn.errors import ConfigError, DataError, DTypeError
from microgradnn.user_cache import cache_folder

ADVICE = "to get it put its four files in a folder and pass data=FOLDER or set MICROGRADNN_DATA"
REAL = os.environ.get("MICROGRADNN_DATA")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No settings and an empty cache, whatever the machine has."""
    monkeypatch.delenv("MICROGRADNN_DATA", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def files_of(n_train=24, n_test=5):
    """The four files, in MNIST's format, of images of one grey each: the index of the image."""
    contents = {}
    for part, n in (("train", n_train), ("t10k", n_test)):
        images = np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
        contents[f"{part}-images-idx3-ubyte"] = (
            struct.pack(">4I", 2051, n, 28, 28) + images.tobytes()
        )
        labels = bytes(i % 10 for i in range(n))
        contents[f"{part}-labels-idx1-ubyte"] = struct.pack(">2I", 2049, n) + labels
    return contents


def write(folder: Path, *, dotted=False, zipped=False, **sizes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files_of(**sizes).items():
        name = name.replace("-idx", ".idx") if dotted else name
        path = folder / (name + ".gz" * zipped)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("place", ["", "mnist", "MNIST/raw"])
def test_every_usual_name_and_place_is_found(tmp_path, place, dotted, zipped):
    folder = write(tmp_path / "here" / place, dotted=dotted, zipped=zipped)
    found = load_mnist(tmp_path / "here", verify=False)
    assert found.source == f"data in MNIST's format (not verified) from {folder}"


def test_the_first_twelfth_is_the_validation_split(tmp_path):
    found = load_mnist(str(write(tmp_path)), verify=False, dtype=np.float64)
    np.testing.assert_array_equal(found.validation.x[:, 0] * 255, [0, 1])
    np.testing.assert_array_equal(found.train.x[:, 783] * 255, np.arange(2, 24))
    np.testing.assert_array_equal(found.train.y, np.arange(2, 24) % 10)
    assert (found.n_features, found.n_classes, len(found.test)) == (784, 10, 5)
    assert found.train.x.dtype == np.float64
    assert found.train.y.dtype == np.int64


def test_images_keep_their_shape_if_asked(tmp_path):
    found = load_mnist(write(tmp_path), verify=False, flatten=False)
    assert found.train.x.shape == (22, 28, 28)
    assert found.n_features == 784
    assert found.train.x.dtype == np.float32


def test_the_order_is_argument_then_variable_then_cache(tmp_path, monkeypatch):
    def source(data=None):
        return load_mnist(data, download=False, verify=False).source.split(" from ")[-1]

    assert source() == "scikit-learn digits 8x8 (NOT MNIST)"
    cache = write(tmp_path / "cache" / "microgradnn" / "mnist")
    assert source() == str(cache)
    monkeypatch.setenv("MICROGRADNN_DATA", str(tmp_path))
    assert source() == str(cache)  # a folder of other data is passed over
    variable = write(tmp_path / "mnist")
    assert source() == str(variable)
    assert source(write(tmp_path / "argument")) == str(tmp_path / "argument")


def test_a_folder_that_was_named_must_hold_the_files(tmp_path, monkeypatch):
    write(tmp_path / "cache" / "microgradnn")
    looked = "not found (plain or .gz) in it, in its mnist/ or in its MNIST/raw/"
    empty = tmp_path / "empty"
    with pytest.raises(DataError) as caught:
        load_mnist(empty)
    assert str(caught.value) == (
        f"data={empty}: no such folder; name the one with MNIST's four files"
    )
    empty.mkdir()
    with pytest.raises(DataError) as caught:
        load_mnist(empty)
    assert str(caught.value) == f"data={empty}: {', '.join(mnist.FILES)} {looked}; add them"

    part = write(tmp_path / "part")
    (part / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError) as caught:
        load_mnist(part)
    assert str(caught.value) == f"data={part}: t10k-labels-idx1-ubyte {looked}; add it"
    monkeypatch.setenv("MICROGRADNN_DATA", str(part))
    with pytest.raises(DataError, match="^MICROGRADNN_DATA=.*add it$"):
        load_mnist()
    monkeypatch.setenv("MICROGRADNN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="^MICROGRADNN_DATA=.*nowhere: no such folder; "):
        load_mnist()


def test_a_file_that_is_found_but_wrong_is_not_passed_over(tmp_path):
    cache = write(tmp_path / "cache" / "microgradnn" / "mnist")
    with pytest.raises(DataError, match="train-images-idx3-ubyte: SHA-256 of the content is "):
        load_mnist()
    (cache / "t10k-images-idx3-ubyte").write_bytes(b"<html>")
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: truncated, 6 bytes"):
        load_mnist(verify=False)


def test_files_of_different_data_sets_are_refused(tmp_path):
    write(tmp_path)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(files_of(n_test=4)[path.name])
    with pytest.raises(DataError) as caught:
        load_mnist(tmp_path, verify=False)
    assert str(caught.value) == (
        f"{path}: 4 labels, expected 5, the number of images in "
        f"{tmp_path / 't10k-images-idx3-ubyte'}; take both from the same data set"
    )
    write(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(struct.pack(">4I", 2051, 5, 14, 56) + bytes(5 * 784))
    with pytest.raises(DataError) as caught:
        load_mnist(tmp_path, verify=False, flatten=False)
    assert str(caught.value) == (
        f"{path}: images of shape (14, 56), expected (28, 28) as in train; "
        f"take both from the same data set"
    )


def test_what_is_missing_in_the_cache_is_downloaded(tmp_path, monkeypatch):
    asked = []

    def fetch(name, sha256, folder, *, mirrors):
        asked.append((name, sha256, mirrors))
        (folder / name).write_bytes(contents[name.removesuffix(".gz")])
        return folder / name

    contents = files_of()
    cache = write(tmp_path / "cache" / "microgradnn" / "mnist")
    (cache / "train-labels-idx1-ubyte").unlink()
    (cache / "t10k-images-idx3-ubyte").unlink()
    monkeypatch.setattr("microgradnn.data.download.download", fetch)
    for _ in range(2):
        assert len(load_mnist(verify=False, mirrors=["m"]).train) == 22
    names = ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"]
    assert asked == [(f"{name}.gz", mnist.FILES[name], ["m"]) for name in names]


def test_offline_the_digits_stand_in_and_say_so(capsys):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    digits = load_mnist(mirrors=["http://127.0.0.1:1"])
    line = capsys.readouterr().err
    assert line.startswith(f"microgradnn: NOT MNIST but scikit-learn's 8x8 digits; {ADVICE} (")
    assert line.endswith("http://127.0.0.1:1/train-images-idx3-ubyte.gz: Connection refused)\n")
    assert line.count("\n") == 1
    assert digits.source == "scikit-learn digits 8x8 (NOT MNIST)"
    assert [len(s) for s in (digits.train, digits.validation, digits.test)] == [1297, 200, 300]
    assert (digits.n_features, digits.n_classes) == (64, 10)
    assert (digits.train.x.min(), digits.train.x.max()) == (0, 1)
    assert (digits.train.x.dtype, digits.train.y.dtype) == (np.float32, np.int64)
    again = load_mnist(download=False, flatten=False)
    np.testing.assert_array_equal(again.test.x.reshape(300, 64), digits.test.x)


def test_without_a_fallback_absent_data_is_an_error():
    with pytest.raises(DataError) as caught:
        load_mnist(download=False, fallback=None)
    assert str(caught.value) == (
        f"load_mnist: MNIST was not found and download=False forbids to download it; {ADVICE}"
    )


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError) as caught:
        load_mnist(download=False)
    assert str(caught.value) == (
        f"load_mnist: MNIST was not found and download=False forbids to download it; {ADVICE}, "
        "or in a clone of microgradnn write pip install -e '.[data]' to use scikit-learn's 8x8 "
        "digits instead"
    )


def test_settings_that_are_not_allowed_are_refused():
    with pytest.raises(ConfigError) as config:
        load_mnist(fallback="cifar")
    assert str(config.value) == "load_mnist: fallback is 'cifar', expected 'digits' or None"
    with pytest.raises(DTypeError) as dtype:
        load_mnist(dtype=np.int32)
    assert str(dtype.value) == (
        "load_mnist: dtype is int32, expected a float type; write np.float32"
    )


@pytest.mark.parametrize(
    ("platform", "variable", "value", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", "/caches", "/caches/microgradnn"),
        ("linux", "XDG_CACHE_HOME", "relative", "/home/me/.cache/microgradnn"),
        ("linux", "XDG_CACHE_HOME", "", "/home/me/.cache/microgradnn"),
        ("darwin", "XDG_CACHE_HOME", "/caches", "/home/me/Library/Caches/microgradnn"),
        ("win32", "LOCALAPPDATA", "/local", "/local/microgradnn"),
    ],
)
def test_the_cache_is_where_the_platform_keeps_caches(
    monkeypatch, platform, variable, value, folder
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv(variable, value)
    assert cache_folder() == Path(folder)


@pytest.mark.skipif(not REAL, reason="MNIST itself is needed: set MICROGRADNN_DATA to its folder")
def test_the_real_thing(tmp_path):
    found = load_mnist(REAL)
    assert found.source.startswith("MNIST (verified) from ")
    assert found.train.x.shape == (55_000, 784)
    assert found.validation.x.shape == (5_000, 784)
    assert found.test.x.shape == (10_000, 784)
    assert (found.train.x.min(), found.train.x.max()) == (0, 1)
    assert found.validation.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert found.test.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    every = np.concatenate([found.validation.y, found.train.y])
    assert np.bincount(every).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip

    # One label changed, still a valid file: only the checksum can tell.
    files = mnist._find(Path(REAL))
    for path in files.values():
        shutil.copy(path, tmp_path / path.name)
    labels = tmp_path / files["t10k-labels-idx1-ubyte"].name
    content = bytearray(mnist_content(labels))
    content[-1] ^= 1
    labels.write_bytes(content)
    with pytest.raises(DataError, match="t10k-labels.*: SHA-256 of the content is "):
        load_mnist(tmp_path)


def mnist_content(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def test_importing_it_loads_no_network_code_and_no_scikit_learn():
    program = (
        "import microgradnn.data, sys; "
        "print('urllib.request' in sys.modules, 'sklearn' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert run.stdout == "False False\n"
