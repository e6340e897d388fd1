"""Sliding windows of outcomes: the last N calls, or the last so many seconds. Constant time per call, fixed memory."""

from dataclasses import dataclass
from typing import Protocol

from mcp_gateway.kit.errors import InvalidPolicy

MAX_WINDOW_CALLS = 10_000
MAX_BUCKETS = 1_000


class Window(Protocol):
    """Counts outcomes (see `model`). `calls`, `failed` and `slow` are as of the last `add` or `drop_old`."""

    calls: int
    failed: int
    slow: int

    def add(self, code: int, now: float) -> None:
        """`now` is monotonic seconds and never smaller than before."""
        ...

    def drop_old(self, now: float) -> None: ...

    def clear(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CountBased:
    """The last `calls` calls, however long ago they were."""

    calls: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.calls <= MAX_WINDOW_CALLS:
            raise InvalidPolicy(f"A window holds 1 to {MAX_WINDOW_CALLS} calls, not {self.calls}.")

    def make(self) -> Window:
        return CountWindow(self.calls)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeBased:
    """The calls of the last `seconds`, forgotten bucket by bucket: at most `seconds / buckets` too early, never too late."""

    seconds: float = 60.0
    buckets: int = 12

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 86_400:
            raise InvalidPolicy(f"A window is at most a day long, and longer than nothing; not {self.seconds} seconds.")
        if not 1 <= self.buckets <= MAX_BUCKETS:
            raise InvalidPolicy(f"A window has 1 to {MAX_BUCKETS} buckets, not {self.buckets}.")

    def make(self) -> Window:
        return TimeWindow(self.seconds / self.buckets, self.buckets)


class CountWindow:
    """A ring of outcomes."""

    __slots__ = ("_next", "_ring", "_size", "calls", "failed", "slow")

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = self.calls = self.failed = self.slow = 0
        self._ring = bytearray(size)

    def add(self, code: int, now: float) -> None:
        ring, index = self._ring, self._next
        if self.calls == self._size:
            old = ring[index]
            self.failed -= old & 1
            self.slow -= old >> 1
        else:
            self.calls += 1
        ring[index] = code
        if code:
            self.failed += code & 1
            self.slow += code >> 1
        index += 1
        self._next = index if index < self._size else 0

    def drop_old(self, now: float) -> None:
        """Calls leave only when newer ones come."""

    def clear(self) -> None:
        self._ring = bytearray(self._size)
        self._next = self.calls = self.failed = self.slow = 0


class TimeWindow:
    """A ring of buckets; the current one is filled, the oldest is dropped whole when a new one begins."""

    __slots__ = ("_buckets", "_length", "_number", "_ring", "calls", "failed", "slow")

    def __init__(self, bucket_seconds: float, buckets: int) -> None:
        self._length = bucket_seconds
        self._buckets = buckets
        self.clear()

    def add(self, code: int, now: float) -> None:
        number = int(now / self._length)
        if number != self._number:
            self._turn(number)
        bucket = self._ring[number % self._buckets]
        bucket[0] += 1
        self.calls += 1
        if code:
            bucket[1] += code & 1
            bucket[2] += code >> 1
            self.failed += code & 1
            self.slow += code >> 1

    def drop_old(self, now: float) -> None:
        number = int(now / self._length)
        if number != self._number:
            self._turn(number)

    def clear(self) -> None:
        self._ring = [[0, 0, 0] for _ in range(self._buckets)]
        self._number = 0
        self.calls = self.failed = self.slow = 0

    def _turn(self, number: int) -> None:
        for passed in range(max(self._number + 1, number - self._buckets + 1), number + 1):
            bucket = self._ring[passed % self._buckets]
            self.calls -= bucket[0]
            self.failed -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = (0, 0, 0)
        self._number = max(number, self._number)
