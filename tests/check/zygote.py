"""Children of the checker that are forks of one process, which has loaded everything once.

A child is started by python -c and imports NumPy and the checker: most of what a test of one costs.
Here a fork takes its place, with the pipes, folder and session that a new process would have. Tests
of how a process is started are not for it.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from microgradnn.check.files import process

# Waits for a folder and four descriptors: 0, 1 and 2 of the child, and a socket for its number and,
# at the end, its status. Who is told the status must be the parent: a process between the two.
_SERVE = """
import os, socket, struct
from importlib import util
import microgradnn.check.files.worker
wire = socket.socket(fileno=0)
while True:
    folder, fds, *_ = socket.recv_fds(wire, 4096, 4)
    if not folder:
        os._exit(0)
    if os.fork():
        for fd in fds:
            os.close(fd)
        os.wait()
        continue
    if os.fork():
        os._exit(0)
    child = os.fork()
    if child:
        for fd in (0, *fds[:3]):
            os.close(fd)
        status = os.waitpid(child, 0)[1]
        try:
            os.write(fds[3], struct.pack("i", status))
        except OSError:
            pass
        os._exit(0)
    os.setsid()
    os.write(fds[3], struct.pack("i", os.getpid()))
    for to, fd in enumerate(fds[:3]):
        os.dup2(fd, to)
    os.closerange(3, 64)
    os.chdir(folder)
    break
"""
ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that is forked."""

    def __init__(self, stub: Path):
        self.wire, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(stub), str(ROOT)])}
        for name in ("OMP", "OPENBLAS", "MKL"):
            environ[f"{name}_NUM_THREADS"] = "1"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE + process._START], stdin=theirs,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**environ, "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"},
        )  # fmt: skip
        theirs.close()

    def started(self, verbose: bool) -> "Child":
        """In the place of process._started."""
        return Child(self.wire)

    def close(self) -> None:
        self.wire.close()
        self.process.wait()


class Child:
    """What process.Child asks of a subprocess.Popen."""

    def __init__(self, wire: socket.socket):
        reads, stdin = os.pipe()
        stdout, writes = os.pipe()
        told, tells = socket.socketpair()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        fds = [reads, writes, nowhere, tells.fileno()]
        socket.send_fds(wire, [os.getcwd().encode()], fds)
        for fd in fds[:3]:
            os.close(fd)
        tells.close()
        self.stdin, self.stdout = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb")
        (self.pid,) = struct.unpack("i", told.recv(4))
        self.told, self.returncode = told, None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.told.setblocking(False)
            try:
                (status,) = struct.unpack("i", self.told.recv(4))
            except BlockingIOError:
                return None
            self.returncode = os.waitstatus_to_exitcode(status)
            self.told.close()
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("the fork", timeout)
            time.sleep(0.002)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
