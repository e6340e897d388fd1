"""One request under way in a session: what its server says about it, in order, until it is answered."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject

# What may lie unread. A stream of its own waits then; on a shared one, all but the response is dropped.
_UNREAD: Final = 256
_UNREAD_BYTES: Final = 8 * 1024 * 1024


class Exchange:
    """Filled by a channel, read by one call. `id` is the request's in the session."""

    def __init__(self, request_id: int) -> None:
        self.id: Final = request_id
        self.on_close: list[Callable[[], object]] = []
        self._messages: deque[JsonObject] = deque()
        self._size = 0
        self._answered = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def put(self, message: JsonObject, size: int = 0) -> None:
        """Never waits. `size` in bytes, where the stream is shared; drops all but the response when too much lies unread."""
        full = len(self._messages) >= _UNREAD or self._size > _UNREAD_BYTES
        if self._answered or self._error is not None or (full and "method" in message):
            return
        self._answered = "method" not in message
        self._size += size
        self._messages.append(message)
        _wake(self._reader)

    async def room(self) -> None:
        """Waits until there is room for another message."""
        while len(self._messages) >= _UNREAD and self._error is None:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    def fail(self, error: Exception) -> None:
        """Nothing more will come; what is here already is read first."""
        self._error = self._error or error
        _wake(self._reader)
        _wake(self._writer)

    async def next(self) -> JsonObject:
        """Raises whatever it failed with."""
        await self.peek()
        message = self._messages.popleft()
        if not self._messages:
            self._size = 0
        _wake(self._writer)
        return message

    async def peek(self) -> JsonObject:
        """What `next` would give."""
        while not self._messages:
            if self._error is not None:
                raise self._error
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._messages[0]

    def waiting(self) -> bool:
        """Whether something lies here unread."""
        return bool(self._messages)

    def close(self) -> None:
        for ended in self.on_close:
            ended()
        self.on_close.clear()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
