"""A file is run one statement at a time: one that fails loses what it defines, and no more.

A data file that is not there, a loop that trains for hours, a plot that finds no screen: functions
that stand before and after can be checked all the same. What a statement would have defined is
replaced by stand-ins, so that its absence is never taken for a mistake of who uses it.
"""

import __future__

import ast
import builtins
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

from ..stages.results import ours
from .absent import Loading, StandIn

LEAST = 0.5  # seconds that every statement gets
_DEFINES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom,
)  # fmt: skip


class TooSlow(BaseException):
    """A statement takes longer than a file can be waited for."""


@dataclass(frozen=True)
class Failure:
    """A statement that did not run to its end: its first line, and what it raised."""

    line: int
    error: BaseException


def run(
    cells: Sequence[str], module: ModuleType, path: str, loading: Loading, seconds: float
) -> list[Failure]:
    """Runs the cells of a notebook, or the one of a Python file; what failed is returned.

    The statements that define nothing get so many seconds together. Raises SyntaxError where a
    Python file is none.
    """
    runner = _Runner(module, path, loading, time.monotonic() + seconds)
    line = 0
    for cell in cells:
        try:
            tree = _parsed(cell, path)
        except SyntaxError as error:
            if len(cells) == 1:
                raise
            runner.failed.append(Failure(line + (error.lineno or 1), error))
        else:
            ast.increment_lineno(tree, line)
            runner.all(tree)
        line += cell.count("\n") + 1
    runner.stars("\n".join(cells))
    return runner.failed


def _parsed(cell: str, path: str) -> ast.Module:
    """The statements; of a text with lines for IPython without these."""
    try:
        return ast.parse(cell, path)
    except SyntaxError:
        plain = without_magic(cell)
        if plain == cell:
            raise
        return ast.parse(plain, path)


def without_magic(cell: str) -> str:
    """A cell whose lines for IPython and the shell are comments."""
    whole = re.match(r"\s*%%(?!time|capture)", cell)
    lines = cell.split("\n")
    return "\n".join(
        re.sub(r"^(\s*)(?=\S)", r"\1pass  # ", line)
        if whole or re.match(r"\s*[%!?]|\s*\w+\?", line) else line
        for line in lines
    )  # fmt: skip


class _Runner:
    def __init__(self, module: ModuleType, path: str, loading: Loading, until: float):
        self.module, self.path, self.loading, self.until = module, path, loading, until
        self.failed: list[Failure] = []
        self.flags = 0
        self.starred = ""  # why names may be missing

    def all(self, tree: ast.Module) -> None:
        """Runs the statements of a file or cell, up to one that ends the program."""
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                features = [getattr(__future__, a.name, None) for a in statement.names]
                self.flags |= sum(f.compiler_flag for f in features if f is not None)
            try:
                self.one(statement)
            except Exception as error:
                self.lost(statement, error)
            except (TooSlow, SystemExit, KeyboardInterrupt) as error:
                self.lost(statement, error)
                if not isinstance(error, TooSlow) and not _by_library(error):
                    return

    def one(self, statement: ast.stmt) -> None:
        """Runs a statement, with a time limit if it defines nothing."""
        tree = ast.Module([statement], [])
        code = compile(tree, self.path, "exec", flags=self.flags, dont_inherit=True)
        if isinstance(statement, _DEFINES):
            exec(code, vars(self.module))  # noqa: S102
        else:
            with _limited(max(LEAST, self.until - time.monotonic())):
                exec(code, vars(self.module))  # noqa: S102
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            package = sys.modules.get(statement.module or "")
            if type(package).__name__ == "AbsentModule":
                self.starred = f"{statement.module}, which is not installed here"

    def lost(self, statement: ast.stmt, error: BaseException) -> None:
        """Notes a failure, and puts stand-ins where the statement defines something."""
        self.failed.append(Failure(statement.lineno, error))
        why = f"what line {statement.lineno} did not give ({type(error).__name__})"
        if isinstance(error, TooSlow):
            return  # names may have got their values
        for name in _defined(statement):
            if name == "*":
                self.starred = why
            vars(self.module)[name] = StandIn(f"{name}: {why}", self.loading)

    def stars(self, text: str) -> None:
        """Stand-ins for names that a star import would have given."""
        if not self.starred:
            return
        here = vars(self.module)
        for node in ast.walk(_parsed(text, self.path)):
            if isinstance(node, ast.Name) and node.id not in here:
                if not hasattr(builtins, node.id):
                    here[node.id] = StandIn(f"{node.id}: {self.starred}", self.loading)


def _by_library(error: BaseException) -> bool:
    """Whether a library leaves: argparse, which has got no arguments."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and ours(trace.tb_frame.f_code.co_filename)


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement gives to the module."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """A context that raises TooSlow when the time is over, on systems with timers."""

    def stop(number: int, frame: FrameType | None) -> Any:
        raise TooSlow

    main = threading.current_thread() is threading.main_thread()
    if sys.platform == "win32" or not main:
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
