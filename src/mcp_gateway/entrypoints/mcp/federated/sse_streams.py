"""Streams of events a client may take up again where they broke off (Last-Event-ID); bounded in number, size and time.

An event's id names the replica, the stream and the event, so that whoever is asked for it knows where it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from mcp_gateway.entrypoints.mcp.federated.sse_events import event_bytes

MAX_EVENTS: Final = 512
MAX_STREAM_BYTES: Final = 4 * 1024 * 1024
# Of all streams of this process together.
MAX_ALL_BYTES: Final = 64 * 1024 * 1024
# How long a stream waits for a client that is gone, and how long it is told again once it has ended.
GRACE_SECONDS: Final = 15.0
# What a client is told to wait before it comes back.
RETRY_MILLISECONDS: Final = 500


class Budget:
    """What all streams hold together, in bytes."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int = MAX_ALL_BYTES) -> None:
        self.held, self.limit = 0, limit


class EventStream:
    """Events in order, the latest of them kept. `on_abandoned` is called when nobody reads any more and nobody came back."""

    def __init__(self, stream_id: str, budget: Budget, *, on_abandoned: Callable[[], None]) -> None:
        self.id = stream_id
        self._budget = budget
        self._on_abandoned = on_abandoned
        self._kept: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._last = 0
        # The latest event that is no longer kept.
        self._floor = 0
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self.readers = 0
        self.ended = self._dropped = False

    @property
    def last(self) -> int:
        """The number of the latest event; 0 before the first."""
        return self._last

    def prime(self) -> bytes:
        """An event without data, which gives the client an id to come back with (since 2025-11-25)."""
        self._last += 1
        return b"id: %b.%d\nretry: %d\ndata: \n\n" % (self.id.encode(), self._last, RETRY_MILLISECONDS)

    def add(self, data: bytes) -> bytes:
        """Keep one message; its event."""
        self._last += 1
        event = event_bytes(data, f"{self.id}.{self._last}")
        self._kept.append((self._last, event))
        self._grow(len(event))
        while self._kept and (
            len(self._kept) > MAX_EVENTS or self._bytes > MAX_STREAM_BYTES or self._budget.held > self._budget.limit
        ):
            self._floor, dropped = self._kept.popleft()
            self._grow(-len(dropped))
        self._changed.set()
        return event

    def after(self, number: int) -> list[tuple[int, bytes]] | None:
        """The events since that one; None when some of them are no longer kept."""
        if not self._floor <= number <= self._last:
            return None
        return [(one, event) for one, event in self._kept if one > number]

    async def wait(self, number: int, seconds: float) -> bool:
        """Until there is more than that event, the stream ended, or somebody woke whoever waits; false when the time was over."""
        if self._last > number or self.ended:
            return True
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        self._changed.set()

    def attach(self) -> None:
        self.readers += 1
        if not self.ended:
            self._stop_timer()

    def detach(self) -> None:
        """The client is gone; it has some time to come back."""
        self.readers -= 1
        if self.readers <= 0 and not self._dropped:
            self._start_timer()

    def end(self) -> None:
        """Nothing more will come. What there was can be asked for a little longer."""
        self.ended = True
        self._changed.set()
        self._stop_timer()
        self._start_timer()

    def drop(self) -> None:
        """Forget everything at once."""
        self._stop_timer()
        self.ended = self._dropped = True
        self._changed.set()
        self._kept.clear()
        self._grow(-self._bytes)

    def _grow(self, size: int) -> None:
        self._bytes += size
        self._budget.held += size

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._on_abandoned)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
