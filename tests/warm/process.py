"""Programs of the tests that start without importing anything, where `warm.server` can fork them off; or else as usual."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from tests.warm.server import LONGEST_ORDER

ROOT = Path(__file__).resolve().parents[2]
MODULE = [sys.executable, "-m"]


class Process(Protocol):
    """What is used of `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class WarmServer:
    """The one process that the others are forked off. Threads may share it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self.address = f"{self._folder.name}/door"
        with theirs:
            command = [*MODULE, "tests.warm.server", str(theirs.fileno()), self.address]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._lock = threading.Lock()

    def start(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, files: Sequence[int]) -> int:
        """The process that `python -m ...` is; `files` are its input, output and errors."""
        module, *arguments = command[len(MODULE) :]
        order = {"module": module, "arguments": arguments, "environment": dict(environment), "folder": os.fspath(folder)}
        return self._ask(order, files)

    def status(self, pid: int) -> int:
        """Of a process that has ended, once: as `os.waitpid` tells it."""
        return self._ask({"ended": pid}, [])

    def wait_until_open(self) -> None:
        """Until it takes orders at its `address`."""
        self._ask({"open": True}, [])

    def close(self) -> None:
        self._socket.close()
        self._process.wait()
        self._folder.cleanup()

    def _ask(self, order: object, files: Sequence[int]) -> int:
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(order).encode()], files)
            answer = self._socket.recv(LONGEST_ORDER)
        if not answer:
            raise RuntimeError("the process that forks off programs is gone")
        return int(answer)


class WarmProcess:
    """A process that was forked off."""

    def __init__(self, server: WarmServer, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        # Tells of its end although it is no child of this process. It cannot be anybody else's number: nobody has waited for it.
        self._file = os.pidfd_open(pid)
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired`. Seconds."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        with self._lock:
            if self.returncode is None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._file, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and _is_ready(self._file, timeout):
            with self._lock:
                if self.returncode is None:
                    self.returncode = os.waitstatus_to_exitcode(self._server.status(self.pid))
                    os.close(self._file)
        return self.returncode


def _is_ready(file: int, timeout: float | None) -> bool:
    watch = select.poll()
    watch.register(file, select.POLLIN)
    return bool(watch.poll(None if timeout is None else timeout * 1000))


class _Place:
    """Where the server is, for this process of the test run."""

    wanted = False
    server: WarmServer | None = None


@contextmanager
def warm_starts() -> Iterator[None]:
    """For as long as this lasts, `start` and `run` fork. A measurement leaves it out, as it measures what users have."""
    _Place.wanted = sys.platform == "linux"
    try:
        yield
    finally:
        _Place.wanted = False
        if _Place.server is not None:
            _Place.server.close()
            _Place.server = None


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdout: IO[bytes] | IO[str] | None = None,
    stderr: IO[bytes] | IO[str] | None = None,
) -> Process:
    """Start a program without input; what it prints goes to these files, or else where ours goes."""
    environment = {**os.environ, **(environment or {})}
    if not _Place.wanted or list(command[: len(MODULE)]) != MODULE:
        return subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    server = _server()
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), *(1 if stdout is None else stdout.fileno(), 2 if stderr is None else stderr.fileno())]
        pid = server.start(command, environment, folder or Path.cwd(), files)
    return WarmProcess(server, pid)


def _server() -> WarmServer:
    if _Place.server is None:
        _Place.server = WarmServer()
    return _Place.server


def borrowed(module: str, *arguments: str) -> list[str]:
    """A command line for somebody else to start: `python -m module arguments`, which imports nothing while `warm_starts` lasts.

    Give it no limits and look for none of its offspring: a process that is none of it does the work.
    """
    if not _Place.wanted:
        return [*MODULE, module, *arguments]
    server = _server()
    server.wait_until_open()
    return [sys.executable, "-S", "-E", os.fspath(Path(__file__).with_name("borrowed.py")), server.address, module, *arguments]


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None, seconds: float = 60
) -> "subprocess.CompletedProcess[str]":
    """A program that ends by itself, and what it printed. Raises `subprocess.TimeoutExpired`."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = start(command, environment=environment, folder=folder, stdout=out, stderr=err)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
            process.wait(seconds)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read())
