"""Compiled loops on disk: the second process loads them; what is wrong there is made anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.compiler import kept_kernels
from microgradnn.compiler.kept_kernels import kept_file
from microgradnn.optional import have

with_numba = pytest.mark.skipif(not have("numba"), reason="numba is not installed")
# Programs of the same inputs and results: only the name tells their machine code apart.
PROGRAM = """
import sys

import numpy as np
import microgradnn as mg

x = np.array([3.0, -1.0])
functions = [lambda x: mg.sum(x * x), lambda x: mg.sum(x * x * x)]
for k in sys.argv[1:]:
    step = mg.compile(functions[int(k)], backend="numba")
    value, gradient = step(x)
    kernel = step._executable().run.__globals__["kernel"]
    print(value, *gradient, sum(kernel.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_kernels, "cache_folder", lambda: tmp_path)
    return tmp_path / "loops"


@with_numba
@pytest.mark.skipif(sys.platform != "linux", reason="caches are elsewhere there")
def test_another_process_loads_what_was_compiled(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, *which],
            env=env, check=True, capture_output=True, text=True,
        ).stdout.splitlines()
        for which in ("0", "10")
    ]  # fmt: skip
    assert said == [["10.0 6.0 -2.0 0"], ["26.0 27.0 3.0 0", "10.0 6.0 -2.0 1"]]


def compiled(x: Any) -> tuple[Any, Any, int]:
    step = mg.compile(lambda x: mg.sum(x * x - x), backend="numba")
    value, gradient = step(x)
    kernel = step._executable().run.__globals__["kernel"]  # type: ignore[attr-defined]
    return value, gradient.tolist(), sum(kernel.stats.cache_hits.values())


@with_numba
def test_bad_files_and_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core.caching import FunctionCache

    x = np.array([3.0, -1.0])
    assert compiled(x) == (8, [5, -3], 0)
    assert compiled(x) == (8, [5, -3], 1)
    (code,) = folder.glob("*/__pycache__/*.nbc")
    for content in (b"", code.read_bytes()[:1000], b"nonsense"):
        code.write_bytes(content)
        assert compiled(x) == (8, [5, -3], 0)
        assert compiled(x) == (8, [5, -3], 1)
    shutil.rmtree(folder)

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", full)
    assert compiled(x) == (8, [5, -3], 0)


def test_a_file_for_each_text_and_each_constant(folder: Path) -> None:
    one = np.array([1.0, 0.0])
    files = {
        kept_file(*of)
        for of in (
            ("a = 1", "", {}), ("a = 2", "", {}), ("a = 1", "b", {}), ("a = 1", "", {"q": one}),
            ("a = 1", "", {"q": -one}), ("a = 1", "", {"q": one.astype(np.float32)}),
            ("a = 1", "", {"q": one.view(np.int64)}), ("a = 1", "", {"r": one}),
        )
    }  # fmt: skip
    assert len(files) == 8 and None not in files
    file = kept_file("a = 1", "", {})
    assert file in files and file is not None and file.read_text() == "a = 1"
    file.write_text("a = 7")  # whoever wrote this: the text is ours again
    assert kept_file("a = 1", "", {}) == file and file.read_text() == "a = 1"


@pytest.mark.skipif(os.name != "posix", reason="permissions are otherwise there")
def test_folders_that_others_can_write_to_are_not_used(folder: Path) -> None:
    file = kept_file("a = 1", "", {})
    assert file is not None
    for shared in (file.parent, folder):
        shared.chmod(0o777)
        assert kept_file("a = 1", "", {}) is None
        shared.chmod(0o700)
    assert kept_file("a = 1", "", {}) == file
    shutil.rmtree(folder)
    folder.write_text("a file")
    assert kept_file("a = 1", "", {}) is None


def test_those_used_last_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_kernels, "KERNELS", 3)
    for k in range(3):
        place = kept_file(f"a = {k}", "", {})
        assert place is not None
        os.utime(place.parent, (k, k))
    first = kept_file("a = 0", "", {})  # used again: "a = 1" is now the oldest
    kept_file("a = 3", "", {})
    texts = {file.read_text() for file in folder.glob("*/kernel.py")}
    assert first is not None and texts == {"a = 0", "a = 2", "a = 3"}
