"""A file is opened: its code is run, what can be checked is found, or it is said why not."""

import re
import sys
from pathlib import Path
from types import ModuleType

from ...errors import ConfigError
from ..dump import words
from ..stages.results import ours
from .absent import NotThereError
from .arguments import Found, find
from .discover import bases
from .importing import Loaded, load
from .limits import File
from .settings import FileError, NothingError
from .statements import TooSlow

WITHOUT = "went on without "  # begins what is said of statements that failed
FRAMEWORKS = ("tensorflow", "torch", "jax")  # TensorFlow may load the others
TRAINING = 20.0  # seconds for statements that define nothing: loops that train, plots


def opened(file: File, seconds: float) -> Loaded:
    """The file as far as it runs; FileError where it is no Python at all."""
    try:
        return load(Path(file.path), min(seconds, TRAINING))
    except FileError as error:
        raise FileError(f"{file.shown}: {error}") from None
    except BaseException as error:
        raise FileError(_told(file, error)) from None


def found_in(file: File, loaded: Loaded, names: list[str]) -> list[Found]:
    """What can be checked, or these names of it; raises FileError, or NothingError, if nothing."""
    module = loaded.module
    try:
        if find(module):
            return find(module, names)
    except ConfigError as error:  # a name that is not there
        raise FileError(f"{file.shown}: {error}") from None
    except BaseException as error:  # of classes that are not what they seem
        raise FileError(_told(file, error)) from None
    if loaded.failed and not _framework():
        raise FileError(failures(file, loaded)[0].removeprefix(WITHOUT))
    reasons = "".join(f"; {text}" for text in left_out(module))
    raise NothingError(
        f"{file.shown}: nothing to check: no pair like affine_forward and affine_backward, no "
        "class with forward and backward, no loss function that returns gradients"
        f"{_reason(loaded.absent)}{reasons}"
    )


def left_out(module: ModuleType) -> tuple[str, ...]:
    """What to say of classes that are not checked themselves."""
    return tuple(f"{name} is a base class of others: it is not checked" for name in bases(module))


def failures(file: File, loaded: Loaded) -> list[str]:
    """What to say of statements that failed, the file being checked all the same."""
    told = ((f.line, _told(file, f.error)) for f in loaded.failed[:5])
    bare = file.shown + ": "  # with no line of its own
    return [WITHOUT + re.sub(f"^{re.escape(bare)}", f"{bare[:-2]}:{n}: ", text) for n, text in told]


def _framework() -> str:
    return next((name for name in FRAMEWORKS if name in sys.modules), "")


def _reason(absent: list[str]) -> str:
    """What may be the reason that nothing was found."""
    if other := _framework():
        return (
            f"; it is written for {other}: of that autograd.Functions, functions with a custom "
            "gradient, and modules and layers that use them are checked"
        )
    return f"; not installed here: {', '.join(absent)}" if absent else ""


def _told(file: File, error: BaseException) -> str:
    """Where and what: of anything that a file may raise while it is loaded."""
    if isinstance(error, SyntaxError):
        return _syntax(file, error)
    if isinstance(error, SystemExit):
        return (
            f"{file.raised(error)}: calls sys.exit({exit_code(error)}) while it is loaded; put "
            'what is to run as a program under if __name__ == "__main__":'
        )
    if isinstance(error, TooSlow):
        return (
            f"{file.raised(error)}: does not come back in time while it is loaded (if it is only "
            "slow, give a longer --time-limit)"
        )
    hint = "; there is no input while a file is checked" if isinstance(error, EOFError) else ""
    trace = error.__traceback__
    where = file.raised(error)
    while where == file.shown and trace is not None:  # the __init__.py of its package, perhaps
        name = trace.tb_frame.f_code.co_filename
        inside = Path(name).is_file() and not ours(name)
        where = f"{name}:{trace.tb_lineno}" if inside and trace.tb_next is None else where
        trace = trace.tb_next
    said = str(error) if isinstance(error, NotThereError) else words(error)
    return f"{where}: {said}{hint}"


def exit_code(error: SystemExit) -> str:
    """What sys.exit was called with, as the file may have it."""
    return "" if error.code is None else repr(error.code)[:80]


# What Python 3 says of print "x", exec "x", except A, e, and 0777.
_PYTHON_2 = re.compile(
    "call to '(print|exec)'|multiple exception types must|leading zeros in decimal"
)


def _syntax(file: File, error: SyntaxError) -> str:
    line = error.lineno
    if not line and error.filename in (None, file.path):  # bytes that are no text
        line = Path(file.path).read_bytes().partition(b"\0")[0].count(b"\n") + 1
    shown = file.shown if error.filename in (None, file.path) else error.filename
    at = f"{shown}:{line}" if line else shown
    old = "; this is Python 2: convert it with 2to3" if _PYTHON_2.search(error.msg) else ""
    return f"{at}: {type(error).__name__}: {error.msg}{old}"
