"""Each framework in a process of its own: its settings, threads and crashes stay there.

load() gives what frameworks.load gives, so the lockstep sees no difference: a module with
version(), refuses() and Session. A process that dies is an error of the framework, like an
exception in it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from . import frameworks
from .adapter import refusal
from .adapter_rules import broken
from .model_graph import Recorded, Sync
from .specs import Model, Optimizer

ROOT = Path(__file__).parents[1]
INSIDE = ("microgradnn",)  # the reference is made of it, so it is here anyway
START = "import sys; from compare.own_process import serve; serve(int(sys.argv[1]), sys.argv[2])"


class ProcessError(Exception):
    """What a framework's process said of an exception, or what is said of its end."""


class Remote:
    """A framework in another process, as a module."""

    said: Any = None  # the version
    code = START  # what the process runs, given a descriptor and the name
    due = 0  # answers that will come and were not read yet

    def __init__(self, name: str) -> None:
        self.name = name
        self.start()

    def start(self) -> None:
        """Starts the process; see started()."""
        self.pipe, theirs = Pipe()
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        command = [sys.executable, "-c", self.code, str(theirs.fileno()), self.name]
        self.child = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=env, stdin=subprocess.DEVNULL
        )
        theirs.close()

    def started(self) -> "Remote | str":
        """This, once its process has imported the framework; or why it has not."""
        try:
            kind, self.said = self.call()
        except ProcessError as error:
            kind, self.said = "broken", f"{self.name} cannot be imported: {error}"
        if kind == "ready":
            return self
        self.close()
        return str(self.said) if kind == "absent" else frameworks.Broken(self.said)

    def version(self) -> str:
        """The framework's version."""
        return str(self.said)

    def refuses(self, model: Model, optimizer: Optimizer, dtype: str) -> str | None:
        """Why it does not do such a task, or None. A process that has died is started again."""
        if self.child.poll() is not None:
            self.start()
            self.started()
        reason = self.call("refuses", model, optimizer, dtype)
        return None if reason is None else str(reason)

    def contract(self) -> list[str]:
        """What its adapter does not keep of adapter_rules.py, tried where the framework is."""
        return list(self.call("contract"))

    def Session(self, *args: Any) -> "RemoteSession":  # noqa: N802 - a module has a class there
        """A session in the process; there is one at a time."""
        self.call("Session", *args)
        return RemoteSession(self)

    def send(self, *message: Any) -> None:
        """Asks, without waiting for the answer; what was not read of earlier ones is dropped."""
        while self.due > 0:
            self.received()
        try:
            self.pipe.send(message)
            self.due = 1
        except OSError:
            raise ProcessError(self.end()) from None

    def answer(self) -> Any:
        """The answer to what was sent. Raises ProcessError."""
        value = self.received()
        if isinstance(value, ProcessError):
            raise value
        return value

    def received(self) -> Any:
        """The next answer, which may be a ProcessError. Raises one if there will be none."""
        try:
            good, value = self.pipe.recv()
        except (EOFError, OSError):
            self.due = 0
            raise ProcessError(self.end()) from None
        self.due -= 1
        return value if good else ProcessError(value)

    def call(self, *message: Any) -> Any:
        """The answer to a message; without one, to what comes first."""
        if message:
            self.send(*message)
        return self.answer()

    def end(self) -> str:
        """How the process ended."""
        code = self.child.wait(10)
        if code < 0:
            return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"its process ended with status {code}"

    def close(self) -> None:
        """Ends the process."""
        self.pipe.close()
        try:
            self.child.wait(2)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class RemoteSession:
    """A session that answers from another process."""

    def __init__(self, remote: Remote) -> None:
        self.remote, self.seconds = remote, 0.0
        self.after: list[Any] = [(), ()]  # averages, running statistics

    def begin(
        self, params: Any, kept: Any, x: Any, y: Any, sync: Sync | None, step: bool = False
    ) -> None:
        """Starts a pass; finish() waits for it, so that frameworks compute at the same time.

        With `step` an update follows at once, for which update() waits.
        """
        self.remote.send("step" if step else "pass", params, kept, x, y, sync)
        self.remote.due += step

    def finish(self) -> Recorded:
        """The pass."""
        try:
            found: Recorded = self.remote.answer()
        except ProcessError:
            self.remote.due = 0  # there was no update
            raise
        return found

    def update(self) -> Any:
        """The parameters after a step."""
        self.seconds, found, *self.after = self.remote.answer()
        return found

    def averages(self) -> Any:
        """The averages of the parameters."""
        return self.after[0]

    def kept(self) -> Any:
        """The running statistics."""
        return self.after[1]


def load(names: Sequence[str]) -> dict[str, Any]:
    """For each name what frameworks.load gives, from processes that start at the same time."""
    started = {name: None if name in INSIDE else Remote(name) for name in names}
    return {
        name: frameworks.load(name) if remote is None else remote.started()
        for name, remote in started.items()
    }


def close(loaded: dict[str, Any]) -> None:
    """Ends the processes."""
    for module in loaded.values():
        if isinstance(module, Remote):
            module.close()


# ---- in the other process ------------------------------------------------------------------------


def serve(descriptor: int, name: str) -> None:
    """Answers until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes
    pipe = Connection(descriptor)
    module = frameworks.load(name)
    if isinstance(module, str):
        kind = "broken" if isinstance(module, frameworks.Broken) else "absent"
        pipe.send((True, (kind, str(module))))
        return
    pipe.send((True, ("ready", module.version())))
    answer_all(pipe, _Answers(module))


def answer_all(pipe: Connection, answering: Any) -> None:
    """Answers each message (method, *args) with answering.do_method(*args), until the end."""
    while True:
        try:
            method, *args = pipe.recv()
        except (EOFError, OSError):
            return
        todo = [(f"do_{method}", args)]
        if method == "step":
            todo = [("do_pass", args), ("do_update", [])]
        for name, given in todo:
            try:
                answer = True, getattr(answering, name)(*given)
            except Exception as error:  # whatever a foreign package raises
                answer = False, frameworks.one_line(error)
            try:
                pipe.send(answer)
            except OSError:
                return
            if not answer[0]:
                break


class _Answers:
    """What is done for each message."""

    def __init__(self, module: Any) -> None:
        self.module, self.session, self.seconds, self.updates = module, None, 0.0, 0

    def do_refuses(self, *args: Any) -> Any:
        return refusal(self.module, *args)

    def do_contract(self) -> list[str]:
        return broken(self.module)

    def do_Session(self, *args: Any) -> None:  # noqa: N802
        self.session, self.seconds, self.updates = self.module.Session(*args), 0.0, 0

    def do_pass(self, params: Any, kept: Any, x: Any, y: Any, sync: Any) -> Any:
        session: Any = self.session
        session.load(params, kept)
        start = time.perf_counter()
        found = session.gradients(x, y, sync)
        self.last = time.perf_counter() - start
        return found

    def do_update(self) -> Any:
        session: Any = self.session
        start = time.perf_counter()
        after = session.update()
        self.updates += 1
        if self.updates > 1:  # the first step traces and allocates
            self.seconds += self.last + time.perf_counter() - start
        has = (getattr(session, name, tuple) for name in ("averages", "kept"))
        return self.seconds, after, *(each() for each in has)
