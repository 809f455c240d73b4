"""The zip that Gradescope makes an autograder of; the same contents give the same bytes."""

import io
import shlex
import zipfile
from pathlib import Path

_HOME = Path(__file__).parents[2]  # of this library, which goes into the zip
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold
NEEDED = "numpy>=2.0\npython-flint>=0.6\n"  # as in pyproject.toml, with its extra check

SETUP = """\
#!/usr/bin/env bash
# Run once, when Gradescope builds the image: a Python from 3.11 on, and what the check needs.
set -e
apt-get update
newest=""
for python in python3.14 python3.13 python3.12 python3.11; do
    if [ -z "$newest" ] && apt-get install -y "$python" "$python-venv"; then newest="$python"; fi
done
if [ -z "$newest" ]; then echo "no Python from 3.11 on: choose a newer base image"; exit 1; fi
"$newest" -m venv /autograder/venv
/autograder/venv/bin/pip install --no-cache-dir -r /autograder/source/requirements.txt
"""

RUN = """\
#!/usr/bin/env bash
# Run for each submission. AUTOGRADER and PYTHON are for trying it elsewhere.
home="${AUTOGRADER:-/autograder}"
python="${PYTHON:-$home/venv/bin/python}"
results="$home/results/results.json"
mkdir -p "$home/results"
cd "$home/source" || exit 1
export PYTHONPATH="$home/source"
"$python" -m microgradnn COMMAND --output "$results"
status=$?
if [ ! -s "$results" ]; then
    echo '{"score": 0, "output": "the autograder failed: please tell your teachers"}' > "$results"
fi
exit $status
"""


def gradescope_zip(key: Path, table: Path | None, options: list[str]) -> bytes:
    """The zip: setup.sh, run_autograder, the key, the points, and this library as it is here."""
    files = {f"key/{key.name}": key.read_bytes()}
    if table is not None:
        files["points.toml"] = table.read_bytes()
    return autograder_zip(f'check "$home/submission" {_options(key, table, options)}', files)


def autograder_zip(command: str, files: dict[str, bytes]) -> bytes:
    """The zip of an autograder that runs this command of the library, which writes --output."""
    files = files | {
        "setup.sh": SETUP.encode(),
        "run_autograder": RUN.replace("COMMAND", command).encode(),
        "requirements.txt": NEEDED.encode(),
    }
    return zipped(files | library())


def library() -> dict[str, bytes]:
    """The files of this library, by their paths in a zip."""
    return {
        f"microgradnn/{path.relative_to(_HOME).as_posix()}": path.read_bytes()
        for path in sorted(_HOME.rglob("*"))
        if path.suffix in (".py", ".toml", ".typed") and path.is_file()
    }


def _options(key: Path, table: Path | None, options: list[str]) -> str:
    points = ["--points", "points.toml"] if table is not None else []
    return shlex.join(["--format", "gradescope", "--key", f"key/{key.name}", *points, *options])


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of these files: the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # zlibs differ in their bytes
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _WHEN)
            info.create_system = 3  # Unix, whose permissions these are
            runs = name in ("setup.sh", "run_autograder")
            info.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(info, files[name])
    return out.getvalue()
