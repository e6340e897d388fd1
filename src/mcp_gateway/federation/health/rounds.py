"""Doing something with each of many servers again and again, never all in one moment.

One task for all of them; each server has its own time, moved about a little, so that replicas and servers fall out of step.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

from mcp_gateway.core.tasks import end_tasks

JITTER: Final = 0.2
LOOK_AGAIN_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class Rounds:
    """`visit` says in how many seconds to come again, None for the usual period. `spread` gives numbers between 0 and 1."""

    def __init__(
        self,
        visit: Callable[[str], Awaitable[float | None]],
        *,
        name: str,
        period_seconds: float,
        at_once: int,
        first_rate: float,
        spread: Callable[[], float],
    ) -> None:
        """A server that is new is visited within the period, at most this many new ones a second."""
        self._visit, self._name, self._period, self._spread = visit, name, period_seconds, spread
        self._first_rate = first_rate
        self._slots = asyncio.Semaphore(at_once)
        self._servers: frozenset[str] = frozenset()
        self._due: list[tuple[float, str]] = []
        self._times: dict[str, float] = {}
        self._visiting: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._go_round(), name=self._name)

    async def close(self) -> None:
        await end_tasks(*self._visiting.values(), self._task)

    def serve(self, servers: Collection[str]) -> None:
        """From now on these. New ones are visited soon, gone ones no more."""
        wanted = frozenset(servers)
        new = wanted - self._servers
        for gone in self._servers - wanted:
            self._times.pop(gone, None)
            visiting = self._visiting.get(gone)
            if visiting is not None:
                visiting.cancel()
        self._servers = wanted
        within = min(self._period, len(new) / self._first_rate)
        for server in new:
            self._plan(server, within * self._spread())

    def hurry(self, server: str) -> None:
        """Visit this one now."""
        if server in self._servers and self._times.get(server, 0.0) > asyncio.get_running_loop().time():
            self._plan(server, 0.0)

    def _plan(self, server: str, seconds: float) -> None:
        at = asyncio.get_running_loop().time() + seconds
        self._times[server] = at
        heapq.heappush(self._due, (at, server))
        self._changed.set()

    async def _go_round(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            while self._due and self._due[0][0] <= loop.time():
                at, server = heapq.heappop(self._due)
                # One whose time was changed is there again, at its new time.
                if self._times.get(server) == at:
                    await self._slots.acquire()
                    self._begin(server)
            pause = self._due[0][0] - loop.time() if self._due else None
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _begin(self, server: str) -> None:
        if server in self._visiting:
            self._slots.release()
            self._plan(server, LOOK_AGAIN_SECONDS)
            return
        task = self._visiting[server] = asyncio.create_task(self._visited(server), name=f"{self._name}-visit")
        task.add_done_callback(lambda _: self._ended(server))

    def _ended(self, server: str) -> None:
        self._visiting.pop(server, None)
        self._slots.release()

    async def _visited(self, server: str) -> None:
        again: float | None = None
        try:
            again = await self._visit(server)
        except Exception:  # noqa: BLE001  (the wall of a background loop)
            _log.exception("visit_failed", round=self._name, server=server)
        if server in self._servers:
            self._plan(server, (again or self._period) * (1 - JITTER + 2 * JITTER * self._spread()))
