"""Is what is served what the source has now? Few values, one at a time, are loaded once more behind their readers and compared.

A value counts as stale when the source had another one and, a second later, still has it while the old one is still served: an
invalidation that is on its way arrives sooner. A source that never gives the same twice says nothing, and is counted so. Nothing
that is loaded here is kept or served.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Literal, TypeAlias, TypeVar

from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.figures import Figures, Metric

V = TypeVar("V")
# `ended`: it differed, and was dropped in time. `unsteady`: the source gave a third value. `unread`: it could not be asked.
Compared: TypeAlias = Literal["same", "stale", "ended", "unsteady", "unread"]

COMPARED = Metric(
    name="cache_compared",
    help="Served values of a cache beside what their source had, by how they compared.",
    kind="counter",
    labels=("cache", "outcome"),
)
# Every acknowledged invalidation holds everywhere by then.
GRACE_SECONDS = 1.0


class Comparing(Generic[V]):
    """Belongs to one cache. `every_seconds`: so long from the beginning of one comparison to the next.

    `same`: whether two values mean the same to readers.
    """

    def __init__(
        self,
        cache: str,
        *,
        every_seconds: float,
        same: Callable[[V, V], bool],
        now: Callable[[], float],
        figures: Figures,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._every_seconds, self._grace_seconds = every_seconds, grace_seconds
        self._same, self._now = same, now
        self._next = now() + every_seconds
        self._task: asyncio.Task[None] | None = None
        self._cache, self._figures = cache, figures

    def offer(
        self, value: V, load: Callable[[], Awaitable[V]], still_served: Callable[[], bool], *, timeout_seconds: float
    ) -> None:
        """Compare this one, if it is time. `load` is called in the background, up to twice."""
        if self._now() < self._next or (self._task is not None and not self._task.done()):
            return
        self._next = self._now() + self._every_seconds
        self._task = asyncio.get_running_loop().create_task(self._run(value, load, still_served, timeout_seconds))

    async def close(self) -> None:
        await end_tasks(self._task)

    async def _run(
        self, value: V, load: Callable[[], Awaitable[V]], still_served: Callable[[], bool], timeout_seconds: float
    ) -> None:
        try:
            async with asyncio.timeout(2 * timeout_seconds + self._grace_seconds):
                outcome = await self._compare(value, load, still_served)
        except Exception:  # noqa: BLE001  (a wall: whatever a loader raises, its readers have their value)
            outcome = "unread"
        self._figures.counter(COMPARED, cache=self._cache, outcome=outcome).add()

    async def _compare(self, value: V, load: Callable[[], Awaitable[V]], still_served: Callable[[], bool]) -> Compared:
        there = await load()
        if self._same(value, there):
            return "same"
        await asyncio.sleep(self._grace_seconds)
        if not still_served():
            return "ended"
        again = await load()
        if self._same(value, again):
            return "same"
        return "stale" if self._same(there, again) else "unsteady"
