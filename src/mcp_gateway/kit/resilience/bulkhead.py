"""So many calls of one kind at once, so many waiting, and nobody's crowd keeps the others out.

A freed place goes to the waiting tenant that holds the fewest; in a full queue the longest line gives up its last place to a
tenant with a shorter one. Every wait is bounded. One process; limits over all replicas are `kit.limits.concurrency`.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.kit.errors import BulkheadFull, DeadlineExceeded
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric
from mcp_gateway.kit.resilience.deadline import Deadlines
from mcp_gateway.kit.resilience.ranges import require

RUNNING = Metric(name="bulkhead_running", help="Calls inside a bulkhead.", kind="gauge", labels=("bulkhead",))
WAITING = Metric(name="bulkhead_waiting", help="Calls waiting for a bulkhead.", kind="gauge", labels=("bulkhead",))
REFUSED = Metric(name="bulkhead_refused", help="Calls a bulkhead refused, by why.", kind="counter", labels=("bulkhead", "why"))

_CLOCK = SystemClock()
# How much a new measurement counts for the mean time a call holds its place.
_SMOOTHING = 0.1
_SHORTEST_RETRY, _LONGEST_RETRY = 0.1, 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkheadPolicy:
    """`max_running_per_tenant` None lets one tenant have all places while nobody else wants them. `max_waiting` 0: no queue."""

    max_running: int = 20
    max_running_per_tenant: int | None = None
    max_waiting: int = 40
    max_wait_seconds: float = 1.0

    def __post_init__(self) -> None:
        require("max_running", self.max_running, least=1, most=100_000)
        require("max_waiting", self.max_waiting, least=0, most=100_000)
        require("max_wait_seconds", self.max_wait_seconds, least=0, most=600)
        if self.max_running_per_tenant is not None:
            require("max_running_per_tenant", self.max_running_per_tenant, least=1, most=self.max_running)


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkheadUsage:
    """How full it is now."""

    running: int
    waiting: int
    max_running: int
    max_waiting: int


class _Tenant:
    """Kept only while it runs or waits; `served` orders tenants that hold equally many places."""

    __slots__ = ("line", "running", "served")

    def __init__(self) -> None:
        self.running = self.served = 0
        self.line: deque[asyncio.Future[None]] = deque()


DEFAULT_POLICY = BulkheadPolicy()


class Bulkhead:
    """One per part that must not be called by too many at once."""

    def __init__(
        self, name: str, policy: BulkheadPolicy = DEFAULT_POLICY, *, clock: Clock = _CLOCK, figures: Figures = NO_FIGURES
    ) -> None:
        self.name = name
        self._policy = policy
        self._clock = clock
        self._deadlines = Deadlines(clock=clock)
        self._tenants: dict[str, _Tenant] = {}
        self._running = self._waiting = self._served = 0
        self._held_seconds = 0.0
        self._show_running = figures.gauge(RUNNING, bulkhead=name)
        self._show_waiting = figures.gauge(WAITING, bulkhead=name)
        self._refused = {why: figures.counter(REFUSED, bulkhead=name, why=why) for why in ("full", "pushed_out", "waited")}

    def place(self, tenant: str = "") -> "Place":
        """`async with` it to hold a place. Raises `BulkheadFull`, or `DeadlineExceeded` when the deadline comes first."""
        return Place(self, tenant)

    def usage(self) -> BulkheadUsage:
        policy = self._policy
        return BulkheadUsage(
            running=self._running, waiting=self._waiting, max_running=policy.max_running, max_waiting=policy.max_waiting
        )

    async def enter(self, tenant: str) -> float:
        """Take a place, to be given back by `leave` with what this returns; `place` does both."""
        mine = self._tenants.get(tenant)
        if mine is None:
            mine = self._tenants[tenant] = _Tenant()
        if self._running < self._policy.max_running and self._may_run(mine):
            self._take(mine)
            return self._clock.monotonic()
        try:
            self._make_room(mine)
            await self._wait(mine)
        finally:
            self._forget_if_idle(tenant, mine)
        return self._clock.monotonic()

    def leave(self, tenant: str, since: float) -> None:
        """Give a place back."""
        held = self._clock.monotonic() - since
        self._held_seconds += (held - self._held_seconds) * (_SMOOTHING if self._held_seconds else 1)
        mine = self._tenants[tenant]
        self._return(mine)
        self._forget_if_idle(tenant, mine)

    async def _wait(self, mine: _Tenant) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        left = self._deadlines.remaining()
        limited = left is not None and left < self._policy.max_wait_seconds
        seconds = left if left is not None and limited else self._policy.max_wait_seconds
        timer = loop.call_later(seconds, self._give_up, mine, future, limited)
        mine.line.append(future)
        self._count_waiting(1)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._return(mine)  # the place was given in the very turn in which the caller went away
            else:
                self._drop(mine, future)
            raise
        finally:
            timer.cancel()

    def _return(self, mine: _Tenant) -> None:
        mine.running -= 1
        self._running -= 1
        self._show_running.set(self._running)
        if self._waiting:
            self._serve()

    def _may_run(self, mine: _Tenant) -> bool:
        most = self._policy.max_running_per_tenant
        return most is None or mine.running < most

    def _take(self, mine: _Tenant) -> None:
        self._served += 1
        mine.served = self._served
        mine.running += 1
        self._running += 1
        self._show_running.set(self._running)

    def _serve(self) -> None:
        while self._waiting and self._running < self._policy.max_running:
            ready = [one for one in self._tenants.values() if one.line and self._may_run(one)]
            if not ready:
                return
            chosen = min(ready, key=lambda one: (one.running, one.served))
            future = chosen.line.popleft()
            self._count_waiting(-1)
            if not future.done():
                self._take(chosen)
                future.set_result(None)

    def _make_room(self, mine: _Tenant) -> None:
        if self._waiting < self._policy.max_waiting:
            return
        longest = max(self._tenants.values(), key=lambda one: len(one.line))
        if len(longest.line) <= len(mine.line) + 1:
            self._refused["full"].add()
            raise self._full("every place and every seat to wait is taken")
        last = longest.line.pop()
        self._count_waiting(-1)
        if not last.done():
            self._refused["pushed_out"].add()
            last.set_exception(self._full("other tenants wait less"))

    def _give_up(self, mine: _Tenant, future: asyncio.Future[None], limited: bool) -> None:  # noqa: FBT001  (called by the timer)
        if not future.done():
            self._drop(mine, future)
            self._refused["waited"].add()
            future.set_exception(DeadlineExceeded(begun=False) if limited else self._full("no place became free in time"))

    def _drop(self, mine: _Tenant, future: asyncio.Future[None]) -> None:
        if future in mine.line:
            mine.line.remove(future)
            self._count_waiting(-1)

    def _count_waiting(self, change: int) -> None:
        self._waiting += change
        self._show_waiting.set(self._waiting)

    def _forget_if_idle(self, tenant: str, mine: _Tenant) -> None:
        if mine.running == 0 and not mine.line and self._tenants.get(tenant) is mine:
            del self._tenants[tenant]

    def _full(self, why: str) -> BulkheadFull:
        expected = self._held_seconds * (self._waiting + 1) / self._policy.max_running
        return BulkheadFull(
            f"{self.name} is full: {why}.",
            retry_after_seconds=min(max(expected, _SHORTEST_RETRY), _LONGEST_RETRY),
            bulkhead=self.name,
            running=self._running,
            waiting=self._waiting,
        )


class Place:
    """One block inside a bulkhead; used once."""

    __slots__ = ("_bulkhead", "_since", "_tenant")

    def __init__(self, bulkhead: Bulkhead, tenant: str) -> None:
        self._bulkhead = bulkhead
        self._tenant = tenant
        self._since = 0.0

    async def __aenter__(self) -> None:
        self._since = await self._bulkhead.enter(self._tenant)

    async def __aexit__(self, *_: object) -> None:
        self._bulkhead.leave(self._tenant, self._since)
