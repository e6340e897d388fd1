"""A stream goes on only while the credential it was opened with holds: what is revoked or over hears nothing more.

Looked at when there is something to send, once a second at most; a response of known length is sent at once and needs no look.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.types import Message, Send

LOOK_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class WhileItHolds:
    """Stands in for `send`. `holds` may wait; `monotonic` gives seconds."""

    __slots__ = ("_holds", "_looked", "_monotonic", "_over", "_send", "_streams")

    def __init__(self, send: Send, holds: Callable[[], Awaitable[bool]], monotonic: Callable[[], float]) -> None:
        self._send, self._holds, self._monotonic = send, holds, monotonic
        self._looked = monotonic()
        self._streams = self._over = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._streams = all(name.lower() != b"content-length" for name, _ in message["headers"])
        elif self._over or (self._streams and await self._has_ended()):
            return
        await self._send(message)

    async def _has_ended(self) -> bool:
        now = self._monotonic()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        if await self._holds():
            return False
        self._over = True
        log.info("stream_ended", reason="its credential holds no longer")
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return True
