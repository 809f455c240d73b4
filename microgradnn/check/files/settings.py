"""How files are checked, and what keeps one from being checked."""

import shlex
from dataclasses import dataclass

from ...errors import CheckError, ConfigError, DataError


class FileError(CheckError, DataError):
    """A file cannot be loaded, or holds nothing to check."""


class NothingError(FileError):
    """A file was loaded, but holds nothing to check."""


class StoppedError(CheckError):
    """A check was told to stop before it was done."""


@dataclass(frozen=True)
class Settings:
    """How files are checked.

    time_limit  seconds for loading a file, and for each function in it
    memory      bytes that the child may use (on Linux); 0 for three quarters of the machine's
    verbose     lets the file's own output through, to stderr
    key_file    the path of a teacher's file, whose forwards and arguments are the ones meant
    certify     whether reports hold certificates
    graded      only these functions are checked, as far as they are there
    """

    seed: int = 0
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    time_limit: float = 60.0
    memory: int = 0
    verbose: bool = False
    key_file: str = ""
    certify: bool = False
    graded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.time_limit <= 1e6:
            raise ConfigError(f"time limit: {self.time_limit} s, need more than 0, at most 1e6")
        if self.seed < 0:
            raise ConfigError(f"seed: {self.seed}, need a whole number from 0 on")
        if self.memory < 0:
            raise ConfigError(f"memory limit: {self.memory} bytes, need 0 (automatic) or more")


def again(shown: str, name: str, how: Settings) -> str:
    """The command that checks one function of a file again."""
    seed = ["--seed", str(how.seed)] if how.seed else []
    return shlex.join(["python", "-m", "microgradnn", "check", f"{shown}::{name}", *seed])
