"""What calls to one upstream take and how they end, by the class of the error: where a call got stuck names who is at fault.

It measures; it limits, retries and refuses nothing. It knows no HTTP client: their errors are told apart by name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import TimedOut
from mcp_gateway.kit.errors import was_called
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric

SECONDS = Metric(
    name="upstream_seconds",
    help="Calls to an upstream from when a connection was asked for, by how they ended.",
    kind="histogram",
    labels=("upstream", "outcome"),
)
POOL_WAIT = Metric(
    name="upstream_pool_wait_seconds",
    help="Waiting for a connection of the pool, of calls that got one.",
    kind="histogram",
    labels=("upstream",),
)
IN_FLIGHT = Metric(
    name="upstream_in_flight", help="Calls that have a connection to an upstream.", kind="gauge", labels=("upstream",)
)

UpstreamOutcome: TypeAlias = Literal[
    "ok", "http_4xx", "http_5xx", "connect_error", "connect_timeout", "pool_timeout", "read_timeout", "broken",
    "refused_here", "cancelled",
]  # fmt: skip

# The names that httpx, httpcore, aiohttp, requests and the standard library give to one and the same thing.
_BY_NAME: dict[str, UpstreamOutcome] = {
    "PoolExhausted": "pool_timeout",
    "PoolTimeout": "pool_timeout",
    "ConnectTimeout": "connect_timeout",
    "ConnectionTimeoutError": "connect_timeout",
    "ConnectError": "connect_error",
    "ConnectionRefusedError": "connect_error",
    "ClientConnectorError": "connect_error",
    "gaierror": "connect_error",
    "ReadTimeout": "read_timeout",
    "WriteTimeout": "read_timeout",
    "TimeoutError": "read_timeout",
}
_CLOCK = SystemClock()


class UpstreamCall:
    """One call. Set `status` to the HTTP status of the answer, and tell `placed` when it has its connection."""

    __slots__ = ("_metrics", "_started", "has_place", "status")

    def __init__(self, metrics: "UpstreamMetrics", started: float) -> None:
        self._metrics, self._started = metrics, started
        self.status, self.has_place = 200, False

    def placed(self) -> None:
        """A place in the pool was had: what follows is the upstream's time. To be told once."""
        self.has_place = True
        self._metrics.entered(self._started)


class UpstreamMetrics:
    """`name` is from a small set: it labels the figures."""

    def __init__(self, name: str, *, figures: Figures = NO_FIGURES, clock: Clock = _CLOCK) -> None:
        self.name = name
        self._figures = figures
        self._monotonic = clock.monotonic
        self._shown = figures.gauge(IN_FLIGHT, upstream=name)
        self._waits = figures.histogram(POOL_WAIT, upstream=name)
        self._running = 0

    def entered(self, since: float) -> None:
        """Somebody who began to wait at `since` has a connection now."""
        self._waits.observe(self._monotonic() - since)
        self._running += 1
        self._shown.set(self._running)

    @contextmanager
    def call(self) -> Iterator[UpstreamCall]:
        """Around one call, from asking for a connection to the end of its answer. What the block raises goes on."""
        started = self._monotonic()
        one = UpstreamCall(self, started)
        outcome: UpstreamOutcome = "cancelled"
        try:
            yield one
            outcome = "ok" if one.status < 400 else "http_4xx" if one.status < 500 else "http_5xx"
        except Exception as error:
            outcome = classify(error)
            raise
        finally:
            if one.has_place:
                self._running -= 1
                self._shown.set(self._running)
            self._figures.histogram(SECONDS, upstream=self.name, outcome=outcome).observe(self._monotonic() - started)


def classify(error: Exception) -> UpstreamOutcome:
    """Where the call got stuck; `broken` for a line that was lost and for whatever is unknown."""
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_NAME:
            return _BY_NAME[kind.__name__]
    if not was_called(error):
        return "refused_here"
    return "read_timeout" if isinstance(error, TimedOut) else "broken"
