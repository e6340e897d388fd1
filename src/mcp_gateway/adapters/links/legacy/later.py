"""Small things that are begun and not waited for, until whoever began them closes."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.tasks import begin_task

_MOST: Final = 64
_SECONDS: Final = 5.0


class Later:
    """At most `most` at once; further ones are not begun. Each is bounded in time, and its failure is nobody's."""

    def __init__(self, most: int = _MOST, *, seconds: float = _SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        if len(self._tasks) >= self._most:
            work.close()
            return
        begin_task(_bounded(work, self._seconds), self._tasks)

    async def close(self) -> None:
        """Gives what is under way its time, then ends it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._seconds)
        for task in tuple(self._tasks):
            task.cancel()


async def _bounded(work: Coroutine[Any, Any, object], seconds: float) -> None:
    with contextlib.suppress(GatewayError, OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            await work
