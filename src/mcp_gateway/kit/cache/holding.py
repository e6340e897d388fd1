"""Keeps a lease alive while its loader runs, so that a lease can be short and a loader slow."""

import asyncio

from mcp_gateway.kit.cache.ports import Lease, Place, SharedLevel
from mcp_gateway.kit.errors import StoreRefused, StoreUnavailable

# A lease is extended when this share of it has passed, so that one lost command does not end it.
EXTEND_SHARE = 1 / 3


class HeldLease:
    """Extends from its construction until `end`; stops by itself when the lease has ended."""

    __slots__ = ("_lease", "_place", "_seconds", "_shared", "_task", "_timer")

    def __init__(self, shared: SharedLevel, place: Place, lease: Lease, seconds: float) -> None:
        self._shared, self._place, self._lease, self._seconds = shared, place, lease, seconds
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds * EXTEND_SHARE, self._start)

    def _start(self) -> None:
        self._task = asyncio.create_task(self._extend())

    async def _extend(self) -> None:
        try:
            alive = await self._shared.extend(self._place, self._lease, self._seconds)
        except (StoreUnavailable, StoreRefused):
            alive = True  # perhaps; the fill will tell
        if alive and self._timer is not None:
            self._arm()
