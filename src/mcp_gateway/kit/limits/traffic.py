"""Traffic as it came in: which caller asked for what, when. Kept in memory, bounded; for the dry run of a rule."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from mcp_gateway.core.clock import Clock


class RecordedCall(NamedTuple):
    """`at`: seconds from any start, the same for all calls of one recording."""

    at: float
    tenant: str
    subject: str
    operation: str
    cost: int


class TrafficRecorder:
    """The last `capacity` calls that asked the limiter, refused ones included."""

    def __init__(self, *, clock: Clock, capacity: int = 100_000) -> None:
        self._monotonic = clock.monotonic
        self._calls: deque[RecordedCall] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[RecordedCall]:
        """In the order in which they came."""
        return iter(tuple(self._calls))

    def record(self, tenant: str, subject: str, operation: str, cost: int) -> None:
        self._calls.append(RecordedCall(self._monotonic(), tenant, subject, operation, cost))
