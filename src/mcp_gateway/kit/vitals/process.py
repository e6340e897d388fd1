"""Memory, processor time, files and sockets of this process, read when somebody asks.

On systems without /proc only processor time and age are known, and what is unknown is not reported.
"""

import asyncio
import contextlib
import os
import socket
from collections import Counter as Tally
from pathlib import Path

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.figures import NO_FIGURES, Counter, Figures, Metric
from mcp_gateway.kit.vitals.processor import ProcessorWaits

RSS = Metric(name="process_rss_bytes", help="Resident memory.", kind="gauge")
OPEN_FDS = Metric(name="process_fds_open", help="Open file descriptors.", kind="gauge")
MAX_FDS = Metric(name="process_fds_allowed", help="File descriptors this process may open.", kind="gauge")
SOCKETS = Metric(name="process_sockets", help="TCP sockets of this process by state.", kind="gauge", labels=("state",))
CPU = Metric(name="process_cpu_used_seconds", help="Processor time used.", kind="counter")
AGE = Metric(name="process_age_seconds", help="Seconds since this process began to watch itself.", kind="gauge")
TASKS = Metric(name="process_tasks", help="Tasks of the event loop.", kind="gauge")

STATES = {1: "established", 2: "connecting", 8: "close_wait", 10: "listen"}
OTHER = "closing"
# Asking a socket for its state takes about 10 µs; of more descriptors than this every second, third, … is asked.
MOST_LOOKED_AT = 500

_INTERNET = (socket.AF_INET, socket.AF_INET6)
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
        self._waits = ProcessorWaits(figures=figures)
        self._seen_states: set[str] = set()

    def report(self) -> None:
        """A few files of /proc, and up to 500 sockets: some milliseconds at most."""
        figures = self._figures
        used = sum(os.times()[:2])
        self._cpu.add(used - self._counted)
        self._counted = used
        self._waits.report()
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
            self._report_sockets([int(file.name) for file in files])

    def _report_sockets(self, files: list[int]) -> None:
        step = -(-len(files) // MOST_LOOKED_AT)
        states = Tally(state for number in files[::step] if (state := _tcp_state(number)) is not None)
        self._seen_states |= states.keys()
        for state in self._seen_states:
            self._figures.gauge(SOCKETS, state=state).set(states[state] * step)


def _allowed(limits: str) -> float:
    """Raises `IndexError` or `ValueError` when it is not said, or without a limit."""
    lines = [line for line in limits.splitlines() if line.startswith("Max open files")]
    return float(int(lines[0].split()[3]))


def _tcp_state(file: int) -> str | None:
    """Asked of the socket itself: the system's tables hold everybody's, and take longer to read. None: it is no TCP."""
    try:
        one = socket.socket(fileno=file)
    except OSError:  # a file, or closed meanwhile
        return None
    try:
        if one.family not in _INTERNET or one.type != socket.SOCK_STREAM:
            return None
        return STATES.get(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], OTHER)
    except OSError:
        return None
    finally:
        one.detach()  # it belongs to whoever opened it
