"""Looks after the loads under way: keeps their leases alive, so that a lease can be short and a loader slow, and ends loads that
take too long. One timer for all of them.
"""

import asyncio
from typing import Generic, TypeVar

from mcp_gateway.core.tasks import begin_task
from mcp_gateway.kit.cache.flights import NEVER, Flight
from mcp_gateway.kit.cache.ports import Lease, Place, SharedLevel
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable

V = TypeVar("V")

# A lease is extended when this share of it has passed, so that one lost command does not end it.
EXTEND_SHARE = 1 / 3
# The lease ends this share into its stated time; the rest is for noticing, and for the reads of who takes over.
HELD_SHARE = 0.9


class Watch(Generic[V]):
    """The loads of one cache. Times are the loop's."""

    def __init__(self, cache: str, shared: SharedLevel) -> None:
        self._cache = cache
        self._shared = shared
        self._loads: set[Flight[V]] = set()
        self._extending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = NEVER

    def begin(self, flight: Flight[V]) -> None:
        """From now on; when the time is over the flight's task is cancelled, `overdue` being set."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = flight.deadline = now + flight.policy.load_timeout_seconds
        if flight.lease is not None:
            flight.extend_at = now + flight.policy.lease_seconds * (HELD_SHARE * EXTEND_SHARE)
            due = min(due, flight.extend_at)
        self._loads.add(flight)
        if due < self._timer_due:
            self._arm(loop, due)

    def end(self, flight: Flight[V]) -> None:
        """Its lease is no longer extended. Its `deadline` ends with the loader, before what it brought is stored."""
        self._loads.discard(flight)

    def _arm(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = loop.call_at(due, self._look_around, loop)

    def _look_around(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer, self._timer_due = None, NEVER
        for flight in self._loads:
            if flight.deadline <= now and flight.task is not None:
                flight.deadline, flight.overdue = NEVER, True
                flight.task.cancel()
            if flight.extend_at <= now and flight.lease is not None:
                flight.extend_at = now + flight.policy.lease_seconds * (HELD_SHARE * EXTEND_SHARE)
                begin_task(self._extend(flight, flight.lease), self._extending)
        due = min((min(flight.deadline, flight.extend_at) for flight in self._loads), default=NEVER)
        if due < NEVER:
            self._arm(loop, due)

    async def _extend(self, flight: Flight[V], lease: Lease) -> None:
        try:
            alive = await self._shared.extend(Place(self._cache, *flight.key), lease, flight.policy.lease_seconds * HELD_SHARE)
        except (StoreUnavailable, StoreRefused):
            return  # perhaps it lives; the fill will tell
        if not alive:
            flight.extend_at = NEVER
