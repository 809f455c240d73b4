"""One submission on another machine: its files travel there, and its grade comes back."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import ConfigError
from ..files.child import Settings
from .marks import Grade, grade
from .worth import Points

LARGEST = 20 * 2**20  # bytes of a submission that are sent


@dataclass(frozen=True)
class Parcel:
    """A submission with all that decides about its grade, nothing of it on this machine's disk.

    contents  the bytes of its files, and of what lies beside them, by their paths
    files     which of them are graded
    key       the name and the bytes of the key, if there is one
    library   a digest of this library: the worker's must be the same
    """

    name: str
    contents: dict[str, bytes]
    files: tuple[str, ...]
    key: tuple[str, bytes] | None
    points: Points
    how: Settings
    hints: str
    limit: float
    library: str


def contents(root: Path, files: Sequence[str]) -> dict[str, bytes]:
    """The bytes of a submission by their paths in it: those files, then what else it holds.

    Raises ConfigError if they are more than can be sent.
    """
    rest = [str(p) for p in sorted(root.rglob("*")) if p.is_file()] if root.is_dir() else []
    base = root if root.is_dir() else root.parent
    out: dict[str, bytes] = {}
    for file in dict.fromkeys((*files, *rest)):
        name = Path(file).relative_to(base)
        if not any(part.startswith(".") or part == "__pycache__" for part in name.parts):
            with suppress(OSError):  # the worker says that it cannot be read
                out[name.as_posix()] = Path(file).read_bytes()
    if sum(map(len, out.values())) > LARGEST:
        raise ConfigError(f"{root}: more than {LARGEST >> 20} MB, too much to send to a worker")
    return out


def opened(parcel: Parcel, library: str) -> Grade:
    """The grade of a parcel: what a worker does, in processes and a folder of its own.

    Raises ConfigError if the worker has another version of this library.
    """
    if parcel.library != library:
        raise ConfigError("--scheduler: a worker has another version of microgradnn")
    with TemporaryDirectory() as folder:
        there = Path(folder, "submission")
        for name, content in parcel.contents.items():
            path = there / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        how = parcel.how
        if parcel.key:
            key = Path(folder, parcel.key[0])
            key.write_bytes(parcel.key[1])
            how = replace(how, key_file=str(key))
        files = [str(there / name) for name in parcel.files]
        return grade(parcel.name, files, parcel.points, how, parcel.hints, limit=parcel.limit)
