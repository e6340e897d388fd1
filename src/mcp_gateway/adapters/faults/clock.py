"""A clock that is wrong by as much as it is told."""

from datetime import datetime, timedelta

from mcp_gateway.core.clock import Clock, SystemClock


class SkewedClock:
    """`offset_seconds` is added to the time of day; what measures spans of time stays right, as when a machine's clock is off."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.offset_seconds = 0.0

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.offset_seconds)

    def timestamp(self) -> float:
        return self._clock.timestamp() + self.offset_seconds

    def monotonic(self) -> float:
        return self._clock.monotonic()
