"""The words of errors about files, options and arguments; the command's own are in test_cli."""

from microgradnn.check.files.child import FileError, Settings, list_file
from microgradnn.check.files.cli import main
from microgradnn.errors import ConfigError
from tests import messages

test_messages = messages.table(
    (lambda: list_file("no.py"), FileError, "no.py: no such file"),
    (lambda: list_file("."), FileError, ".: is a folder and has no parts: name a file in it"),
    (lambda: Settings(seed=-1), ConfigError, "seed: -1, need a whole number from 0 on"),
    (
        lambda: Settings(time_limit=0),
        ConfigError,
        "time limit: 0 s, need more than 0, at most 1e6",
    ),
    (
        lambda: Settings(memory=-1),
        ConfigError,
        "memory limit: -1 bytes, need 0 (automatic) or more",
    ),
    (
        lambda: main(["f.py::"]),
        ConfigError,
        "check: 'f.py::' is not FILE or FILE::NAME, as layers.py::affine",
    ),
    (
        lambda: main(["f.py", "--select", "GC9"]),
        ConfigError,
        "--select: no check has the code 'GC9'; codes begin with GC0 (contract), GC1 (algebra), "
        "GC2 (value), GC3 (points), GC4 (mistakes), GC5 (lines)",
    ),
)
