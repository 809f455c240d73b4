"""What would be published: the lists of files of sdist and wheel, and the wheel, installed.

The wheel goes into a new environment that has NumPy and nothing else, and runs README's lines.
"""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[1]
# The shell that a user has: no PYTHONPATH, so that nothing is found but what is installed.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
KINDS = {".py", ".typed", ".toml", ".html", ".css", ".js"}


def run(*command: str | Path, env: dict[str, str] = CLEAN, **how: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist of this clone, and the wheel that is built from the unpacked sdist."""
    folder = tmp_path_factory.mktemp("built")
    build = (sys.executable, "-m", "hatchling", "build", "-d", folder)
    run(*build, "-t", "sdist", env=dict(os.environ), cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    run(*build, "-t", "wheel", env=dict(os.environ), cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, and the NumPy that runs these tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", "--no-compile", built[1])
    numpy_alone = folder / "numpy_alone"
    numpy_alone.mkdir()
    for part in Path(numpy.__file__).parents[1].glob("numpy*"):  # numpy, and its libraries
        (numpy_alone / part.name).symlink_to(part)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", where).strip())
    (site / "numpy_alone.pth").write_text(f"{numpy_alone}\n", encoding="utf-8")
    return python


def files(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_the_library_and_nothing_else(built: tuple[Path, Path]) -> None:
    sdist, wheel = built
    tops = {name.partition("/")[0] for name in files(wheel)}
    assert tops == {"microgradnn", wheel.name.partition("-py3")[0] + ".dist-info"}
    assert "microgradnn/py.typed" in files(wheel)
    ours = [p for p in (ROOT / "microgradnn").rglob("*") if p.suffix in KINDS]
    expected = {p.relative_to(ROOT).as_posix() for p in ours}
    assert {name for name in files(wheel) if ".dist-info/" not in name} == expected


def test_the_sdist_holds_what_is_needed_to_test_it_and_nothing_built(
    built: tuple[Path, Path],
) -> None:
    with tarfile.open(built[0]) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    wanted = {"microgradnn/py.typed", "LICENSE", "README.md", "Makefile", "constraints.txt"}
    assert wanted <= set(names)
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert folders - {"docs"} == {"microgradnn", "compare", "examples", "tests"}
    built_ones = (".png", ".safetensors", ".pyc", ".so", ".npz", ".json")
    assert not [name for name in names if name.endswith(built_ones)]


def test_the_wheel_asks_for_numpy_alone(built: tuple[Path, Path]) -> None:
    archive = zipfile.ZipFile(built[1])
    (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    meta = Parser().parsestr(archive.read(name).decode())
    asked = [line for line in meta.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [re.split(r"[<>=!~ ]", line)[0] for line in asked] == ["numpy"]


def test_the_installed_wheel_runs_the_lines_of_the_readme(installed: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", readme, re.S)
    result = re.search(r"It prints\n\n```text\n(.*?)```", readme, re.S)
    assert block and result
    (tmp_path / "lines.py").write_text(block[1], encoding="utf-8")
    assert run(installed, "lines.py", cwd=tmp_path) == result[1]


def test_nothing_of_ours_hides_a_module_of_the_user(installed: Path, tmp_path: Path) -> None:
    look = (
        "from importlib.util import find_spec\nimport microgradnn\n"
        "print([n for n in ('compare', 'examples', 'settings', 'tests') if find_spec(n)])"
    )
    (tmp_path / "look.py").write_text(look, encoding="utf-8")
    assert run(installed, "look.py", cwd=tmp_path) == "[]\n"
    (tmp_path / "compare.py").write_text("print('mine')", encoding="utf-8")
    (tmp_path / "program.py").write_text("import microgradnn, compare", encoding="utf-8")
    assert run(installed, "program.py", cwd=tmp_path) == "mine\n"


def test_the_commands_of_the_installed_wheel_start(installed: Path, tmp_path: Path) -> None:
    layers = (ROOT / "examples" / "layers_to_check.py").read_text(encoding="utf-8")
    (tmp_path / "layers.py").write_text(layers, encoding="utf-8")
    command = (installed, "-m", "microgradnn", "check", "layers.py::relu")
    assert "relu" in run(*command, cwd=tmp_path)
