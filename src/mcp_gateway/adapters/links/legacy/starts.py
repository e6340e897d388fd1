"""How soon a program that ended may be started again."""

from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.core.clock import Clock

# One that ran for so long ended for reasons of the day.
_WELL_SECONDS: Final = 30.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 120.0


class Starts:
    """Of one server's program, whoever it runs for. `random` gives numbers from 0 up to 1."""

    def __init__(self, faults: Faults, *, clock: Clock, random: Callable[[], float]) -> None:
        self._faults, self._clock, self._random = faults, clock, random
        self._failures = 0
        self._not_before = 0.0

    def check(self) -> float:
        """The moment it is started at. Raises `UpstreamUnreachable`, saying when to come again."""
        now = self._clock.monotonic()
        if now < self._not_before:
            wait = self._not_before - now
            raise self._faults.unreachable("its program ended too often and rests", retry_after_seconds=round(wait, 1))
        return now

    def ended(self, started_at: float) -> None:
        """It ended without being told to."""
        now = self._clock.monotonic()
        if now - started_at >= _WELL_SECONDS:
            self._failures = 0
            return
        self._failures += 1
        if self._failures > 1:
            pause = min(_FIRST_PAUSE * 2 ** (self._failures - 2), _LONGEST_PAUSE)
            self._not_before = now + pause * (0.5 + self._random())
