"""The turns: A B C A B C …, so that what slows the machine for a while slows all of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from microgradnn.optional import have

from .cases import Case
from .timed_steps import FORMS, fits

THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip


@dataclass
class Timed:
    """What was measured of one form on one case."""

    form: str
    case: str
    turns: list[float] = field(default_factory=list)  # seconds a step, turn by turn
    first_s: float = 0.0  # the first step, with what it compiles
    memory: float = 0.0  # MiB that the steps added to the process
    error: str = ""

    @property
    def step_s(self) -> float:
        """The median of the turns, or nan."""
        return statistics.median(self.turns) if self.turns else float("nan")

    def ratio(self, other: Timed) -> float:
        """The median of the ratios of turns that were taken one after the other."""
        pairs = list(zip(self.turns, other.turns, strict=False))
        return statistics.median(a / b for a, b in pairs) if pairs else float("nan")


class Running:
    """A worker's process."""

    def __init__(self, form: str, threads: int) -> None:
        env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "AUTOGRAPH_VERBOSITY": "0"}
        if threads:
            env |= dict.fromkeys(THREADS, str(threads))
            env["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
        command = [sys.executable, "-m", f"{__package__}.timed_process", form]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=env,
        )  # fmt: skip
        self.said = _started(needs(form), env)

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return {"error": f"the process ended (status {self.process.wait()})"}
        found: dict[str, Any] = json.loads(line)
        return found

    def turn(self, case: str, seconds: float) -> dict[str, Any]:
        """One turn of a case."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"case": case, "seconds": seconds}) + "\n")
            self.process.stdin.flush()
        except OSError:
            return {"error": "the process has ended"}
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


IMPORTING = """
import json, resource, sys, time
from importlib import import_module, metadata
start = time.perf_counter()
for name in sys.argv[1:]:
    import_module(name)
took = time.perf_counter() - start
found = metadata.packages_distributions()
names = {name: found.get(name, [name])[0] for name in sys.argv[1:]}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
memory /= 1 << 20 if sys.platform == "darwin" else 1 << 10
versions = {name: metadata.version(package) for name, package in names.items()}
print(json.dumps({"import_s": took, "memory": memory, "versions": versions}))
"""


def _started(packages: Sequence[str], env: dict[str, str]) -> dict[str, Any]:
    """How long the imports of a form take in a new process, its memory then, the versions."""
    command = [sys.executable, "-c", IMPORTING, *packages]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().rpartition("\n")[2][:300]}
    found: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return found


def needs(form: str) -> tuple[str, ...]:
    """The packages that a form imports."""
    ours = "microgradnn" in form or form in ("scalar.MLP", "micrograd's nn on our Value")
    return ("numpy", *(("microgradnn",) if ours else ()), *FORMS[form][0])


def missing(form: str) -> str:
    """The package that a form needs and that is not installed, or ""."""
    return next((name for name in FORMS[form][0] if not have(name)), "")


def measure(
    forms: Sequence[str],
    cases: Sequence[Case],
    rounds: int,
    seconds: float,
    threads: int,
    tick: Callable[[str], None],
) -> tuple[list[Timed], dict[str, dict[str, Any]]]:
    """What was measured, and what each form said at its start; `tick` is told what runs."""
    running: dict[str, Running] = {}
    found: list[Timed] = []
    try:
        for form in forms:
            if any(fits(form, case) for case in cases):
                tick(f"{form}: starts")
                running[form] = Running(form, threads)
        for case in cases:
            here = [Timed(form, case.name) for form in running if fits(form, case)]
            found += here
            for k in range(rounds):
                tick(f"{case.name}: turn {k + 1} of {rounds}")
                for timed in here:
                    _turn(timed, running[timed.form], seconds)
        return found, {form: one.said for form, one in running.items()}
    finally:
        for one in running.values():
            one.close()


def _turn(timed: Timed, running: Running, seconds: float) -> None:
    if not timed.error and "error" in running.said:
        timed.error = running.said["error"]
    if timed.error:
        return
    said = running.turn(timed.case, seconds)
    timed.error = said.get("error", "")
    if not timed.error:
        timed.turns.append(said["step_s"])
        timed.first_s = said.get("first_s", timed.first_s)
        timed.memory = said.get("memory", timed.memory)
