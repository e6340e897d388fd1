"""A concurrency limit that finds by itself how much can be done at once, and turns the rest away with 503 and Retry-After.

It compares how long calls take now with how long they take when nothing queues (the gradient), and moves the limit so that
only a short queue stands. What is turned away costs nothing; what is let in is answered in time. The unqueued time is measured
anew every `probe_seconds` under a lowered limit, so neither a slower backend nor long overload spoils it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.kit.errors import InvalidPolicy, Overloaded, was_called
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.resilience.ranges import require

LIMIT = Metric(name="adaptive_limit", help="Calls admitted at once now.", kind="gauge", labels=("limit",))
SHED = Metric(name="adaptive_limit_shed", help="Calls turned away.", kind="counter", labels=("limit",))

_CLOCK = SystemClock()
_SHORTEST_RETRY, _LONGEST_RETRY = 0.1, 10.0


def is_overload(error: Exception) -> bool:
    """The default: whatever was not answered in time, or answered that there is too much; not what the kit refused by itself."""
    if not was_called(error):
        return False
    if isinstance(error, GatewayError):
        return error.category in {"timeout", "unavailable", "rate_limited"}
    return isinstance(error, TimeoutError | ConnectionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptivePolicy:
    """The limit moves between `min_limit` and `max_limit`, at most once per `window_seconds` and `window_calls`.

    `tolerance` is how many times the unqueued duration is still good. `smoothing` is the share of a step taken at once.
    `reserved` maps a part of the traffic to the share of the limit that is kept for it whatever the others do.
    """

    initial_limit: int = 20
    min_limit: int = 2
    max_limit: int = 1_000
    tolerance: float = 1.5
    smoothing: float = 0.2
    window_seconds: float = 0.1
    window_calls: int = 10
    probe_seconds: float = 30.0
    backoff: float = 0.9
    reserved: Mapping[str, float] = field(default_factory=dict)
    is_overload: Callable[[Exception], bool] = is_overload

    def __post_init__(self) -> None:
        require("min_limit", self.min_limit, least=1, most=100_000)
        require("max_limit", self.max_limit, least=self.min_limit, most=100_000)
        require("initial_limit", self.initial_limit, least=self.min_limit, most=self.max_limit)
        require("tolerance", self.tolerance, least=1, most=10)
        require("smoothing", self.smoothing, least=0.01, most=1)
        require("window_seconds", self.window_seconds, least=0.001, most=60)
        require("window_calls", self.window_calls, least=1, most=10_000)
        require("probe_seconds", self.probe_seconds, least=self.window_seconds, most=3_600)
        require("backoff", self.backoff, least=0.1, most=0.999)
        if any(share < 0 for share in self.reserved.values()) or sum(self.reserved.values()) > 1:
            raise InvalidPolicy("The reserved shares are 0 or more, and at most 1 together.")


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveState:
    """`unqueued_seconds` and `recent_seconds` are 0 before the first window."""

    limit: int
    running: int
    unqueued_seconds: float
    recent_seconds: float


DEFAULT_POLICY = AdaptivePolicy()


class AdaptiveLimit:
    """One per backend. Local to this process: each replica finds its own share of the knee."""

    def __init__(
        self, name: str, policy: AdaptivePolicy = DEFAULT_POLICY, *, clock: Clock = _CLOCK, figures: Figures = NO_FIGURES
    ) -> None:
        self.name = name
        self._policy = policy
        self._clock = clock
        self._limit = float(policy.initial_limit)
        self._running = 0
        self._by_part = dict.fromkeys(policy.reserved, 0)
        self._unqueued = self._recent = 0.0
        self._probing = False
        self._probe_at = clock.monotonic() + policy.probe_seconds
        self._shown = figures.gauge(LIMIT, limit=name)
        self._shown.set(policy.initial_limit)
        self._shed = figures.counter(SHED, limit=name)
        self._peak = 0
        self._new_window(clock.monotonic())

    def place(self, part: str = "") -> "Place":
        """`async with` it to run a block as one call; raises `Overloaded` at once when it may not.

        Nothing is learned from cancelled calls, nor from errors that say nothing about load.
        """
        return Place(self, part)

    def state(self) -> AdaptiveState:
        return AdaptiveState(
            limit=int(self._limit), running=self._running, unqueued_seconds=self._unqueued, recent_seconds=self._recent
        )

    def enter(self, part: str) -> float:
        """Take a place, to be given back by `leave` with what this returns; `place` does both. Raises `Overloaded`."""
        if not self._may_enter(part):
            self._shed.add()
            raise Overloaded(
                retry_after_seconds=min(max(2 * self._recent, _SHORTEST_RETRY), _LONGEST_RETRY),
                limit=self.name,
                running=self._running,
            )
        self._running += 1
        self._peak = max(self._peak, self._running)
        if part in self._by_part:
            self._by_part[part] += 1
        return self._clock.monotonic()

    def leave(self, part: str, started: float, error: BaseException | None) -> None:
        """Give a place back, and learn from how long it was held."""
        self._running -= 1
        if part in self._by_part:
            self._by_part[part] -= 1
        if error is None:
            self._learn(started, overload=False)
        elif isinstance(error, Exception) and self._policy.is_overload(error):
            self._learn(started, overload=True)

    def _may_enter(self, part: str) -> bool:
        limit = self._admitting()
        reserved = self._policy.reserved
        if not reserved:
            return self._running < limit
        kept = sum(max(0.0, share * limit - self._by_part[name]) for name, share in reserved.items() if name != part)
        own = part in reserved and self._by_part[part] + 1 <= reserved[part] * limit
        return self._running + 1 <= limit - kept or own

    def _admitting(self) -> int:
        policy = self._policy
        if not self._probing:
            return int(self._limit)
        # A standing queue of `tolerance` is gone at this limit, and capacity is still mostly used.
        return max(policy.min_limit, int(self._limit / (policy.tolerance + 0.5)))

    def _learn(self, started: float, *, overload: bool) -> None:
        now = self._clock.monotonic()
        if self._probing and started < self._window_from:
            return  # it queued behind what was admitted before the probe
        self._calls += 1
        self._seconds += now - started
        self._overloads += overload
        if self._calls >= self._policy.window_calls and now - self._window_from >= self._policy.window_seconds:
            self._adjust(now)

    def _adjust(self, now: float) -> None:
        policy = self._policy
        self._recent = max(self._seconds / self._calls, 1e-6)
        if self._probing:
            self._unqueued, self._probing, self._probe_at = self._recent, False, now + policy.probe_seconds
        elif not self._unqueued or self._recent < self._unqueued:
            self._unqueued = self._recent
        if self._overloads:
            self._limit *= policy.backoff
        elif self._peak * 2 >= self._limit:
            gradient = max(0.5, min(1.0, policy.tolerance * self._unqueued / self._recent))
            wanted = self._limit * gradient + math.sqrt(self._limit)
            self._limit += policy.smoothing * (wanted - self._limit)
        self._limit = min(max(self._limit, policy.min_limit), policy.max_limit)
        self._shown.set(int(self._limit))
        if now >= self._probe_at:
            self._probing = True
        self._new_window(now)

    def _new_window(self, now: float) -> None:
        self._window_from = now
        self._calls = self._overloads = 0
        self._seconds = 0.0
        self._peak = self._running


class Place:
    """One block under an adaptive limit; used once."""

    __slots__ = ("_limit", "_part", "_started")

    def __init__(self, limit: AdaptiveLimit, part: str) -> None:
        self._limit = limit
        self._part = part
        self._started = 0.0

    async def __aenter__(self) -> None:
        self._started = self._limit.enter(self._part)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._limit.leave(self._part, self._started, error)
