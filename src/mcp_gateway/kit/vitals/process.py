"""Memory, processor time, files and sockets of this process, read from /proc when somebody asks.

On systems without /proc only processor time and age are known, and what is unknown is not reported.
"""

import asyncio
import contextlib
import os
import re
from collections import Counter as Tally
from pathlib import Path

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.figures import NO_FIGURES, Counter, Figures, Metric

RSS = Metric(name="process_rss_bytes", help="Resident memory.", kind="gauge")
OPEN_FDS = Metric(name="process_fds_open", help="Open file descriptors.", kind="gauge")
MAX_FDS = Metric(name="process_fds_allowed", help="File descriptors this process may open.", kind="gauge")
SOCKETS = Metric(name="process_sockets", help="TCP sockets of this process by state.", kind="gauge", labels=("state",))
CPU = Metric(name="process_cpu_used_seconds", help="Processor time used.", kind="counter")
AGE = Metric(name="process_age_seconds", help="Seconds since this process began to watch itself.", kind="gauge")
TASKS = Metric(name="process_tasks", help="Tasks of the event loop.", kind="gauge")

STATES = {"01": "established", "02": "connecting", "06": "time_wait", "08": "close_wait", "0A": "listen"}
OTHER = "closing"
# Reading the state of each socket costs a look per descriptor; above this many only their number is told.
MOST_LOOKED_AT = 5_000
MOST_TABLE_BYTES = 8_000_000

_SOCKET = re.compile(r"socket:\[(\d+)\]")
_CLOCK = SystemClock()
_PROC = Path("/proc/self")


class ProcessVitals:
    """Call `report` before the figures are read. To be made inside the event loop."""

    def __init__(self, *, figures: Figures = NO_FIGURES, clock: Clock = _CLOCK) -> None:
        self._figures = figures
        self._monotonic = clock.monotonic
        self._began = clock.monotonic()
        self._cpu: Counter = figures.counter(CPU)
        self._counted = 0.0
        self._seen_states: set[str] = set()

    def report(self) -> None:
        """A few files of /proc: under 2 ms with 1,000 descriptors."""
        figures = self._figures
        used = sum(os.times()[:2])
        self._cpu.add(used - self._counted)
        self._counted = used
        figures.gauge(AGE).set(self._monotonic() - self._began)
        with contextlib.suppress(RuntimeError):  # asked from outside the loop
            figures.gauge(TASKS).set(len(asyncio.all_tasks()))
        with contextlib.suppress(OSError, ValueError, IndexError):
            figures.gauge(RSS).set(int((_PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        with contextlib.suppress(OSError, ValueError, IndexError):
            figures.gauge(MAX_FDS).set(_allowed((_PROC / "limits").read_text()))
        with contextlib.suppress(OSError):
            files = list((_PROC / "fd").iterdir())
            figures.gauge(OPEN_FDS).set(len(files))
            if len(files) <= MOST_LOOKED_AT:
                self._report_sockets(_socket_numbers(files))

    def _report_sockets(self, numbers: set[str]) -> None:
        states = Tally(state for table in ("net/tcp", "net/tcp6") for number, state in _table(_PROC / table) if number in numbers)
        self._seen_states |= states.keys()
        for state in self._seen_states:
            self._figures.gauge(SOCKETS, state=state).set(states[state])


def _allowed(limits: str) -> float:
    """Raises `IndexError` or `ValueError` when it is not said, or without a limit."""
    lines = [line for line in limits.splitlines() if line.startswith("Max open files")]
    return float(int(lines[0].split()[3]))


def _socket_numbers(files: list[Path]) -> set[str]:
    numbers = set()
    for file in files:
        with contextlib.suppress(OSError):  # closed meanwhile
            if found := _SOCKET.match(str(file.readlink())):
                numbers.add(found[1])
    return numbers


def _table(path: Path) -> list[tuple[str, str]]:
    """Inode and state of each socket of the network namespace; empty for a table too long to be read in passing."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_TABLE_BYTES + 1)
    except OSError:
        return []
    if len(text) > MOST_TABLE_BYTES:
        return []
    rows = (line.split() for line in text.decode("ascii", "replace").splitlines()[1:])
    return [(row[9], STATES.get(row[3], OTHER)) for row in rows if len(row) > 9]
