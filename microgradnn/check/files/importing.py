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
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from io import BytesIO
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

FOLDERS = 5  # above the file's own in which modules are looked for


def load(path: Path) -> tuple[ModuleType, list[str]]:
    """The module of a file, and the packages that it imports and that are not installed.

    Raises what the file's code raises; that of a notebook is run as far as it goes.
    """
    sys.argv, sys.dont_write_bytecode = [str(path)], True
    builtins.get_ipython = _Anything  # type: ignore[attr-defined]
    cells = list(_cells(path))
    text = "\n".join(cells)
    root, parts = _package(path, text)
    sys.path.insert(0, str(root))
    finder = _Finder(path)
    sys.meta_path.append(finder)
    name = ".".join(parts)
    if len(parts) == 1 and (name in sys.modules or name in sys.stdlib_module_names):
        name = f"{name}_checked"  # random.py must not take the place of Python's own
    for i in range(1, len(parts)):
        importlib.import_module(".".join(parts[:i]))
    there = sys.modules.get(name)
    if there is not None and there.__file__ == str(path):
        return there, sorted(finder.absent)
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    _run(cells, module, str(path))
    finder.loaded = True
    return module, sorted(finder.absent)


def _run(cells: Sequence[str], module: ModuleType, path: str) -> None:
    """Runs the cells of a notebook as far as they go, or the one cell of a Python file."""
    first, lines, known = None, 0, len(vars(module))
    for cell in cells:
        try:
            exec(compile("\n" * lines + cell, path, "exec"), vars(module))  # noqa: S102
        except Exception as error:
            first = first or error
        lines += cell.count("\n") + 1
    if first is not None and (len(cells) == 1 or len(vars(module)) <= known):
        raise first


# ---- text ----------------------------------------------------------------------------------------


def _cells(path: Path) -> Iterator[str]:
    """The code cells of a notebook; of a Python file its text."""
    data = path.read_bytes()
    if path.suffix != ".ipynb":
        yield _decoded(data)
        return
    for cell in json.loads(data).get("cells", ()):
        if cell.get("cell_type") == "code":
            yield _without_magic("".join(cell.get("source", ())))


def _decoded(data: bytes) -> str:
    """The text, in Latin-1 where it is not in the encoding that it should be in."""
    try:
        encoding = tokenize.detect_encoding(BytesIO(data).readline)[0]
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").removeprefix("\ufeff")


def _without_magic(cell: str) -> str:
    """A cell whose lines for IPython and the shell are comments."""
    whole = re.match(r"\s*%%(?!time|capture)", cell)
    lines = cell.split("\n")
    return "\n".join(
        re.sub(r"^(\s*)(?=\S)", r"\1pass  # ", line)
        if whole or re.match(r"\s*[%!?]|\s*\w+\?", line) else line
        for line in lines
    )  # fmt: skip


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


class _Finder(MetaPathFinder, Loader):
    """Finds modules in the folders above a file; for packages that are nowhere it has stand-ins."""

    def __init__(self, path: Path):
        self.path, self.loaded, self.absent = path, False, set[str]()

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
        if frame is None or "site-packages" in frame.f_code.co_filename or self.loaded:
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
        return _Absent(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


def _covers(first: ast.stmt, line: int, last: ast.stmt | None = None) -> bool:
    return first.lineno <= line <= ((last or first).end_lineno or 0)


def _holds_code(folder: Path) -> bool:
    return any(folder.glob("*.py"))


class _Absent(ModuleType):
    """A stand-in for a package that is not installed."""

    __path__: list[str] = []  # noqa: RUF012
    __all__: list[str] = []  # noqa: RUF012

    def __init__(self, name: str, finder: _Finder):
        super().__init__(name)
        self._finder = finder

    def __getattr__(self, word: str) -> Any:
        if word.startswith("__"):
            raise AttributeError(word)
        return _Missing(self.__name__.partition(".")[0], self._finder)


class _Missing:
    """Anything from a package that is not installed; using it says so, once the file is loaded."""

    _package: str
    _finder: _Finder

    def __init__(self, package: str, finder: _Finder):
        vars(self).update(_package=package, _finder=finder)

    def __getattr__(self, word: str) -> "_Missing":
        if word.startswith("__"):
            raise AttributeError(word)
        return self

    def __call__(self, *args: Any, **options: Any) -> "_Missing":
        """While the file is loaded: a decorator, a logger; what comes of it is missing too."""
        if self._finder.loaded:
            raise self._error()
        return self

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        def refuse(cls: type, *args: Any, **options: Any) -> Any:
            raise self._error()

        return (type("Missing", (), {"__new__": refuse}),)

    def _error(self) -> ModuleNotFoundError:
        return ModuleNotFoundError(f"No module named {self._package!r}", name=self._package)

    def _refuse(self, *others: Any) -> Any:
        raise self._error()

    __iter__ = __len__ = __getitem__ = __bool__ = __float__ = __enter__ = __array__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __lt__ = __gt__ = _refuse


class _Anything:
    """get_ipython(), in notebooks that became Python files: whatever it is asked, it does it."""

    def __getattr__(self, word: str) -> Any:
        return self

    def __call__(self, *args: Any) -> Any:
        return self
