"""What every check takes beside what is checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
from .codes import check_codes, selected
from .subject import Cotangents

Codes = str | Sequence[str]


@dataclass(frozen=True)
class Options:
    """What every check takes: see check.layer."""

    seed: int = 0
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    cotangents: Sequence[Any] | None = None
    probes: bool = True
    certify: bool = False

    def wants(self, code: str) -> bool:
        """Whether this code is looked at."""
        return selected(code, self.select, self.ignore)


def options_of(
    seed: int, select: Codes, ignore: Codes, cotangents: Cotangents, probes: bool,
    certify: bool = False,
) -> Options:  # fmt: skip
    """The options as a user gives them; ConfigError for what cannot be one."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigError(f"check: seed is {seed!r}, need an integer from 0 on")
    given: Any = cotangents
    if cotangents is not None and not isinstance(cotangents, (tuple, list)):
        given = [cotangents]
    return Options(
        int(seed), check_codes("select", select), check_codes("ignore", ignore), given, probes,
        certify,
    )  # fmt: skip
