"""Whether the client of an HTTP request is still there."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.types import Receive

# Nobody leaves so soon that a task to see it would be worth its while.
WATCH_AFTER_SECONDS: Final = 0.05


def nobody() -> None:
    """Nothing hangs on it."""


class Presence:
    """Calls `on_gone` when the client goes away, and `on_long` once the request is not over soon. Until then it costs a timer."""

    __slots__ = ("_on_gone", "_on_long", "_receive", "_task", "_timer")

    def __init__(
        self,
        receive: Receive,
        on_gone: Callable[[], None],
        on_long: Callable[[], None] = nobody,
        *,
        after_seconds: float = WATCH_AFTER_SECONDS,
    ) -> None:
        self._receive, self._on_gone, self._on_long = receive, on_gone, on_long
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(after_seconds, self._begin)

    def _begin(self) -> None:
        self._on_long()
        self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._on_gone()

    def close(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
