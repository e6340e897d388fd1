"""Time as an argument: what is now, and how much time has passed. Nothing else of ours reads a clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The wall clock, with a time zone. Days and months in questions are read in that zone."""
        ...

    def timestamp(self) -> float:
        """The same in seconds since 1970: a number, which is far quicker to have."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never run backwards; only differences mean something."""
        ...


class SystemClock:
    """The machine's clock, in its local time zone."""

    def now(self) -> datetime:
        return datetime.now(UTC).astimezone()

    # Not methods around them: limits read them hundreds of thousands of times a second.
    timestamp = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class FixedClock:
    """A clock that stands still until told to move; both faces move together."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def timestamp(self) -> float:
        return self._now.timestamp()

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
