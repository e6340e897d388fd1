"""Stands between the gateway and a program it runs, and ends with both. Run as a script of its own, it imports nothing of ours.

It is told how much memory program and offspring may take, and who its parent is. It hands its three streams to the program,
adopts whatever the program leaves behind, and ends all of it when it is told to, when the program has ended, when the gateway
is gone, or when too much memory is taken. Offspring is found by descent, so leaving the process group does not help it.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

# The status this process ends with when the program took too much memory, and when the program could not be started.
TOO_MUCH_MEMORY: Final = 86
NOT_STARTED: Final = 127
# How long the program has from being told to end until it is ended.
GRACE_SECONDS: Final = 2.0

_PROCESSES: Final = Path("/proc")
_LOOK_SECONDS: Final = 0.5
_STEP_SECONDS: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def main(arguments: list[str]) -> int:
    max_memory, parent, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    control = _process_control()
    control(_PR_SET_PDEATHSIG, signal.SIGTERM)
    control(_PR_SET_CHILD_SUBREAPER, 1)
    heard = _hear_signals()
    program = os.fork()
    if program == 0:
        _become(command, control)
    _let_go_of_streams()
    return _Guard(program, parent, max_memory).watch(heard)


def _process_control() -> Callable[[int, int], object]:
    """Linux's prctl; elsewhere nothing, and the parent is looked for instead."""
    if not sys.platform.startswith("linux"):
        return lambda _option, _value: None
    prctl = ctypes.CDLL(None).prctl
    return lambda option, value: prctl(option, value, 0, 0, 0)


def _hear_signals() -> int:
    """Where signals can be read from, one byte each."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_ENDING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _become(command: list[str], control: Callable[[int, int], object]) -> None:
    """The program, in this process's place. Does not return."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execvp(command[0], command)  # noqa: S606 - without a shell is what is wanted
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def _let_go_of_streams() -> None:
    """So that they end when the program ends them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


class _Guard:
    def __init__(self, program: int, parent: int, max_memory: int) -> None:
        self._program, self._parent, self._max_memory = program, parent, max_memory
        self._status: int | None = None

    def watch(self, heard: int) -> int:
        """The status to end with."""
        while True:
            select.select([heard], [], [], _LOOK_SECONDS)
            signals = _read(heard)
            self._bury()
            if self._status is not None:
                self._end(GRACE_SECONDS)
                return self._status
            if signals & _ENDING or os.getppid() != self._parent:
                self._end(GRACE_SECONDS)
                return 0
            if memory_of(offspring()) > self._max_memory:
                self._end(0.0)
                return TOO_MUCH_MEMORY

    def _end(self, grace: float) -> None:
        """Asks everyone to end, then makes them. One that forks all the while is met again."""
        if grace:
            _send(self._left(), signal.SIGTERM)
        for _ in range(round(grace / _STEP_SECONDS)):
            if not self._left():
                return
            self._bury()
            time.sleep(_STEP_SECONDS)
        for _ in range(100):
            left = self._left()
            if not left:
                return
            _send(left, signal.SIGKILL)
            self._bury()
            time.sleep(0.01)

    def _left(self) -> list[int]:
        """Who still runs. Without /proc only the program itself is known."""
        if _PROCESSES.is_dir():
            return offspring()
        return [self._program] if self._status is None else []

    def _bury(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if process == self._program:
                self._status = os.waitstatus_to_exitcode(status) & 0xFF


def _read(heard: int) -> set[int]:
    try:
        return set(os.read(heard, 4_096))
    except BlockingIOError:
        return set()


def _send(processes: list[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def offspring(of: int | None = None) -> list[int]:
    """All that descend from a process, this one unless another is named, and still run."""
    children: dict[int, list[int]] = {}
    for process, parent in _processes():
        children.setdefault(parent, []).append(process)
    found, next_ones = list[int](), [os.getpid() if of is None else of]
    while next_ones:
        born = children.get(next_ones.pop(), [])
        found += born
        next_ones += born
    return found


def _processes() -> list[tuple[int, int]]:
    """Each living process and its parent; none where there is no /proc."""
    found: list[tuple[int, int]] = []
    for entry in _PROCESSES.glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError, UnicodeDecodeError):
            continue
        if state not in "ZX":
            found.append((int(entry.name), int(parent)))
    return found


def memory_of(processes: list[int]) -> int:
    """Bytes resident in all of them; what they share is counted once for each."""
    pages = 0
    for process in processes:
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
