"""One form in a process of its own: `python -m compare.timing.timed_process FORM`.

It reads a line of JSON for each turn, and answers with one: how long a step took. So a framework
neither slows another down nor takes its memory, and turns can be interleaved.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .cases import CASES
from .timed_steps import FORMS


def _peak() -> float:
    """The largest memory of this process so far, in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class Worker:
    """The steps that were made, by case."""

    def __init__(self, form: str) -> None:
        packages, self.make = FORMS[form]
        for name in packages:  # their memory is not that of the steps
            import_module(name)
        self.steps: dict[str, tuple[Callable[[], Any], int]] = {}

    def turn(self, case: str, seconds: float) -> dict[str, Any]:
        """The time of a step of this turn, in seconds; of the first turn what came before."""
        first: dict[str, Any] = {}
        if case not in self.steps:
            before, start = _peak(), time.perf_counter()
            step, _ = self.make(CASES[case])
            step()
            first = {"first_s": time.perf_counter() - start}
            for _ in range(2):
                step()
            start = time.perf_counter()
            step()
            once = max(time.perf_counter() - start, 1e-7)
            self.steps[case] = step, max(1, int(seconds / once))
            first["memory"] = _peak() - before
        step, count = self.steps[case]
        start = time.perf_counter()
        for _ in range(count):
            step()
        return {"step_s": (time.perf_counter() - start) / count, **first}


def main(form: str) -> None:
    """Serves turns until the input ends; only answers go to the output."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print
    worker: Worker | None = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(form)
            said: dict[str, Any] = worker.turn(**json.loads(line))
        except Exception as error:  # whatever a framework raises
            said = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
