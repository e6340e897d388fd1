"""Deadlines that travel: set once where a request comes in, kept in the context of its tasks, handed on with each call out.

The header carries the milliseconds left, not a time of day, so clocks need not agree; what the network takes is lost to the
callee's advantage. Nested deadlines only shorten. A deadline bounds waiting; it cannot stop code that does not await.
"""

import re
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, Self

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.kit.errors import DeadlineExceeded
from mcp_gateway.kit.resilience.ranges import require
from mcp_gateway.kit.resilience.time_limit import TimeLimit

DEADLINE_HEADER: Final = "X-Deadline-Ms"

_DIGITS = re.compile(r"[0-9]{1,9}")
_AT: ContextVar[float | None] = ContextVar("deadline", default=None)
_CLOCK = SystemClock()


class Deadlines:
    """Reads and sets the deadline of the current task, in the monotonic seconds of one clock."""

    def __init__(self, *, maximum_seconds: float = 300.0, clock: Clock = _CLOCK) -> None:
        """No deadline is further away than `maximum_seconds`, whatever a caller asks for."""
        require("maximum_seconds", maximum_seconds, least=0.001, most=86_400)
        self._maximum_seconds = maximum_seconds
        self._clock = clock

    def within(self, seconds: float | None) -> "Within":
        """`async with deadlines.within(2.5):` bounds the block; None sets nothing but still holds the outer deadline.

        Raises `DeadlineExceeded` when the time is over, at once when it already is. A cancellation from elsewhere stays one.
        """
        return Within(self._clock, None if seconds is None else min(seconds, self._maximum_seconds))

    def remaining(self) -> float | None:
        """Seconds left, never negative; None without a deadline."""
        at = _AT.get()
        return None if at is None else max(0.0, at - self._clock.monotonic())

    def check(self) -> None:
        """Raises `DeadlineExceeded` when no time is left: worth asking before work that does not await."""
        if self.remaining() == 0.0:
            raise DeadlineExceeded(begun=False)

    def header_value(self, *, margin_seconds: float = 0.0) -> str | None:
        """What to send as `DEADLINE_HEADER` with a call out, less `margin_seconds` for the way back; None without a deadline.

        Raises `DeadlineExceeded` when less than a millisecond is left: the call would be in vain.
        """
        left = self.remaining()
        if left is None:
            return None
        milliseconds = int((left - margin_seconds) * 1_000)
        if milliseconds < 1:
            raise DeadlineExceeded(begun=False)
        return str(milliseconds)

    def read_header(self, value: str | None) -> float | None:
        """Seconds for `within` from what a caller sent; None when it sent nothing. Raises `InvalidInput`."""
        if value is None:
            return None
        if not _DIGITS.fullmatch(value.strip()):
            raise InvalidInput(f"`{DEADLINE_HEADER}` is a whole number of milliseconds.", hint="Send 1 to 9 digits.")
        return min(int(value) / 1_000, self._maximum_seconds)


class Within:
    """One block with a deadline; used once."""

    __slots__ = ("_clock", "_limit", "_seconds", "_token")

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._token: Token[float | None] | None = None
        self._limit: TimeLimit | None = None

    async def __aenter__(self) -> Self:
        if self._seconds is None:
            return self
        outer = _AT.get()
        at = self._clock.monotonic() + self._seconds
        if outer is not None:
            at = min(at, outer)
        left = at - self._clock.monotonic()
        if left <= 0:
            raise DeadlineExceeded(begun=False)
        self._limit = TimeLimit(left)
        self._limit.__enter__()
        self._token = _AT.set(at)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._token is None or self._limit is None:
            return
        _AT.reset(self._token)
        try:
            self._limit.__exit__(kind, error, trace)
        except TimeoutError as passed:
            raise DeadlineExceeded from passed
