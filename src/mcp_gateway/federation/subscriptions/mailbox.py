"""What waits for one listener: at most one note per list and per resource, and a bounded number of other messages.

Made for thousands that are idle: no task, no queue, nothing allocated until something happens. A note says that something
changed, so a second one before the first was read says nothing new and takes no room.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, MessageId
from mcp_gateway.federation.subscriptions.messages import ended, notification

# Unread ones beyond this end the stream: parts of a resource and messages of extensions cannot be folded into a few.
MAX_UNREAD: Final = 256
NO_PARAMS: Final[JsonObject] = {}


class Mailbox:
    """`Reply.events` of one listener: the acknowledgement, notifications, and the result once it was ended. One reader."""

    __slots__ = ("_ending", "_first", "_notes", "_on_end", "_over", "_request_id", "_waiter", "unread_since")

    def __init__(self, request_id: MessageId, on_end: Callable[[], None]) -> None:
        """`on_end` is called once, when nothing more will be read."""
        self._request_id, self._on_end = request_id, on_end
        self._first: bytes | None = None
        self._notes: dict[object, tuple[str, JsonObject]] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ending = self._over = False
        # The loop's time since which something waits to be read; 0: nothing does.
        self.unread_since = 0.0

    def begin(self, first: bytes) -> None:
        """What is read first, whatever was noted before."""
        self._first = first

    def note(self, method: str, params: JsonObject = NO_PARAMS, *, about: str = "") -> None:
        """Tell of something that can be told again: `about` is the resource; the newest parameters win."""
        self._put((method, about), method, params)

    def pass_on(self, method: str, params: JsonObject) -> None:
        """Tell of something that happened once, each time."""
        self._put(object(), method, params)

    def end(self) -> None:
        """What waits is still given, then the result."""
        self._ending = True
        self._wake()

    async def close(self) -> None:
        """Nobody reads any more."""
        self._notes = self._first = None
        self._ending = True
        self._finish()
        self._wake()

    def __aiter__(self) -> "Mailbox":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._over:
                raise StopAsyncIteration
            if self._first is not None:
                first, self._first = self._first, None
                return first
            if self._notes:
                method, params = self._notes.pop(next(iter(self._notes)))
                if not self._notes:
                    self._notes, self.unread_since = None, 0.0
                return notification(self._request_id, method, params)
            if self._ending:
                self._finish()
                return ended(self._request_id)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _put(self, key: object, method: str, params: JsonObject) -> None:
        if self._ending:
            return
        if self._notes is None:
            self._notes, self.unread_since = {}, asyncio.get_running_loop().time()
        if len(self._notes) >= MAX_UNREAD and key not in self._notes:
            self.end()
            return
        self._notes[key] = (method, params)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self._on_end()
