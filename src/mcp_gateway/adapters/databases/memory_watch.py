"""Stops the statement under which this process grows too far.

Nobody can say which thread took the memory. Judged is what was added since a statement began, the last begun first: one that ran
long without harm is less likely to be the cause. Once it has ended, the others are judged from there on.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from mcp_gateway.adapters.databases.resident_memory import resident_bytes

# Far more than rows within the byte cap take, less than a small machine has. What is under way when it is noticed comes on top.
GROWTH_BYTES: Final = 512 * 1024 * 1024
_LOOK_SECONDS: Final = 0.02


class Stoppable(Protocol):
    """A running statement."""

    def break_off(self) -> None:
        """Stop it, from any thread, again until it has ended."""
        ...


class MemoryWatch:
    """Looks while statements run, in a thread of its own that sleeps otherwise."""

    def __init__(self, *, growth_bytes: int = GROWTH_BYTES, resident: Callable[[], int] = resident_bytes) -> None:
        self._growth_bytes = growth_bytes
        self._resident = resident
        self._lock = threading.Lock()
        # In the order of their beginning, each with what was resident then.
        self._running: dict[Stoppable, int] = {}
        self._stopped: Stoppable | None = None
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def growth_bytes(self) -> int:
        return self._growth_bytes

    def begin(self, statement: Stoppable) -> None:
        with self._lock:
            self._running[statement] = self._resident()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._look_on, name="database-memory", daemon=True)
                self._thread.start()
        self._busy.set()

    def end(self, statement: Stoppable) -> None:
        with self._lock:
            self._running.pop(statement, None)
            if statement is self._stopped:
                self._stopped = None
                now = self._resident()
                self._running = dict.fromkeys(self._running, now)

    def close(self) -> None:
        self._closed = True
        self._busy.set()

    def look(self) -> None:
        """One look: stops at most one statement."""
        with self._lock:
            if not self._running and not self._closed:
                self._busy.clear()
                return
            now = self._resident()
            over = [statement for statement, before in self._running.items() if now - before > self._growth_bytes]
            if self._stopped is None and over:
                self._stopped = over[-1]
            stopped = self._stopped
        if stopped is not None:
            stopped.break_off()

    def _look_on(self) -> None:
        while not self._closed:
            self._busy.wait()
            time.sleep(_LOOK_SECONDS)
            self.look()
