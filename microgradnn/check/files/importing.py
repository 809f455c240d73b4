"""A file as a module: Python or a notebook, in a package or not, with packages that are missing."""

import ast
import builtins
import importlib
import importlib.machinery
import importlib.util
import json
import linecache
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from io import BytesIO
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from ..stages.results import ours
from .absent import AbsentModule, Anything, Loading
from .settings import FileError
from .statements import Failure, run, without_magic

FOLDERS = 5  # above the file's own in which modules are looked for


@dataclass(frozen=True)
class Loaded:
    """A module, the packages that are not installed, and the statements that failed."""

    module: ModuleType
    absent: list[str]
    failed: list[Failure]


def load(path: Path, seconds: float) -> Loaded:
    """The module of a file, as far as its statements run; see statements.run.

    Raises what the packages raise that the file is in, and SyntaxError.
    """
    sys.argv, sys.dont_write_bytecode = [str(path)], True
    builtins.get_ipython = Anything  # type: ignore[attr-defined]
    cells = list(_cells(path))
    text = "\n".join(cells)
    root, parts = _package(path, text)
    sys.path.insert(0, str(root))
    loading = Loading()
    finder = _Finder(path, loading)
    sys.meta_path.insert(0, _Guard(root, path.stem))
    sys.meta_path.append(finder)
    name = ".".join(parts)
    if len(parts) == 1 and (name in sys.modules or name in sys.stdlib_module_names):
        name = f"{name}_checked"  # random.py must not take the place of Python's own
    for i in range(1, len(parts)):
        importlib.import_module(".".join(parts[:i]))
    there = sys.modules.get(name)
    if there is not None and there.__file__ == str(path):
        return Loaded(there, sorted(finder.absent), [])
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    failed = run(cells, module, str(path), loading, seconds)
    loading.on = False
    return Loaded(module, sorted(finder.absent), failed)


# ---- text ----------------------------------------------------------------------------------------


def _cells(path: Path) -> Iterator[str]:
    """The code cells of a notebook; of a Python file its text."""
    data = path.read_bytes()
    if path.suffix != ".ipynb":
        yield _decoded(data)
        return
    try:
        book = json.loads(data.decode("utf-8-sig"))
        sheets = book.get("worksheets", [book])  # so until 2015
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
        texts = [c.get("source", c.get("input", "")) for c in cells if c["cell_type"] == "code"]
        texts = ["".join(text) for text in texts]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileError(f"is no notebook: {type(error).__name__}") from None
    yield from map(without_magic, texts)


def _decoded(data: bytes) -> str:
    """The text, in Latin-1 where it is not in the encoding that it should be in."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").replace("\r\n", "\n")
    try:
        encoding = tokenize.detect_encoding(BytesIO(data).readline)[0]
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").removeprefix("\ufeff")


# ---- packages ------------------------------------------------------------------------------------


def _package(path: Path, text: str) -> tuple[Path, list[str]]:
    """The folder to import from, and the names of the packages and the module.

    A file with relative imports is in a package, whether there is an __init__.py or not.
    """
    root, parts = path.parent, [path.stem]
    dots = [len(m[1]) for m in re.finditer(r"^\s*from\s+(\.+)", text, re.MULTILINE)]
    while (root / "__init__.py").is_file() or len(parts) <= max(dots, default=0):
        if root == root.parent:
            break
        root, parts = root.parent, [root.name, *parts]
    return root, parts


class _Guard(MetaPathFinder):
    """What Python's own and installed modules import does not come from the file's folder.

    sys.path has that folder first, for the file's sake: a types.py there is for the file alone.
    """

    def __init__(self, root: Path, stem: str):
        self.root, self.stem = str(root), stem

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a module in other folders, if it is not the user's code that asks."""
        if path is not None or name in sys.builtin_module_names:
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        itself = name == self.stem and name in sys.stdlib_module_names
        if not itself and (frame is None or not ours(frame.f_code.co_filename)):
            return None
        elsewhere = [p for p in sys.path if p != self.root]
        return importlib.machinery.PathFinder.find_spec(name, elsewhere)


class _Finder(MetaPathFinder, Loader):
    """Finds modules in the folders above a file; for packages that are nowhere it has stand-ins."""

    def __init__(self, path: Path, loading: Loading):
        self.path, self.loading, self.absent = path, loading, set[str]()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a module, or None where Python's own error is due."""
        top = name.partition(".")[0]
        if top in self.absent:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        if path is not None or not self._asked_by_user():
            return None
        for folder in self.path.parents[: FOLDERS + 1]:
            spec = importlib.machinery.PathFinder.find_spec(name, [str(folder)])
            if spec is not None and (spec.loader is not None or _holds_code(folder / name)):
                return spec
        self.absent.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def _asked_by_user(self) -> bool:
        """Whether a file of the user's imports it, and has no other way if that fails."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is None or "site-packages" in frame.f_code.co_filename or not self.loading.on:
            return False
        if str(frame.f_globals.get("__name__")).partition(".")[0] in sys.stdlib_module_names:
            return False
        file, line = frame.f_code.co_filename, frame.f_lineno
        try:
            tree = ast.parse("".join(linecache.getlines(file)))
        except SyntaxError:
            return False
        here = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and _covers(n, line)]
        if any(isinstance(n, ast.Try) and _covers(n.body[0], line, n.body[-1]) for n in here):
            return False
        return any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in here)

    def create_module(self, spec: Any) -> ModuleType:
        """A module all of whose names stand for something that is not there."""
        return AbsentModule(spec.name, self.loading)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


def _covers(first: ast.stmt, line: int, last: ast.stmt | None = None) -> bool:
    return first.lineno <= line <= ((last or first).end_lineno or 0)


def _holds_code(folder: Path) -> bool:
    return any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
