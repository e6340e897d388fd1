"""Looks after the loads under way: keeps their leases alive, so that a lease can be short and a loader slow, and ends loads that
take too long. One timer for all of them.
"""

import asyncio

from mcp_gateway.kit.cache.ports import Lease, Place, SharedLevel
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable

# A lease is extended when this share of it has passed, so that one lost command does not end it.
EXTEND_SHARE = 1 / 3
NEVER = float("inf")


class Load:
    """One loader under way, in the task that began it. Times are the loop's; `lease` is None where nothing is to be filled."""

    __slots__ = ("deadline", "due", "extend_at", "lease", "lease_seconds", "overdue", "place", "task")

    def __init__(self, place: Place, lease: Lease | None, lease_seconds: float, task: "asyncio.Task[None]") -> None:
        self.place, self.lease, self.lease_seconds, self.task = place, lease, lease_seconds, task
        self.deadline = self.extend_at = self.due = NEVER
        self.overdue = False


class Watch:
    """The loads of one cache."""

    def __init__(self, shared: SharedLevel) -> None:
        self._shared = shared
        self._loads: set[Load] = set()
        self._extending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = NEVER

    def begin(self, load: Load, timeout_seconds: float) -> None:
        """From now on; when the time is over the load's task is cancelled, `overdue` being set."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        load.deadline = now + timeout_seconds
        if load.lease is not None:
            load.extend_at = now + load.lease_seconds * EXTEND_SHARE
        load.due = min(load.deadline, load.extend_at)
        self._loads.add(load)
        if load.due < self._timer_due:
            self._arm(loop, load.due)

    def end(self, load: Load) -> None:
        self._loads.discard(load)

    def _arm(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = loop.call_at(due, self._look_around, loop)

    def _look_around(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer, self._timer_due = None, NEVER
        for load in self._loads:
            if load.deadline <= now:
                load.deadline, load.overdue = NEVER, True
                load.task.cancel()
            if load.extend_at <= now and load.lease is not None:
                load.extend_at = now + load.lease_seconds * EXTEND_SHARE
                extending = asyncio.create_task(self._extend(load, load.lease))
                self._extending.add(extending)
                extending.add_done_callback(self._extending.discard)
            load.due = min(load.deadline, load.extend_at)
        due = min((load.due for load in self._loads), default=NEVER)
        if due < NEVER:
            self._arm(loop, due)

    async def _extend(self, load: Load, lease: Lease) -> None:
        try:
            alive = await self._shared.extend(load.place, lease, load.lease_seconds)
        except (StoreUnavailable, StoreRefused):
            return  # perhaps it lives; the fill will tell
        if not alive:
            load.extend_at = NEVER
