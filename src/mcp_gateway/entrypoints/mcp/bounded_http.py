"""HTTP/1.1 off the wire, as uvicorn reads it, with bounds: how long the head of a request is, and how long all of it may take.

Uvicorn's fast parser has neither: one stranger's request that never ends would take all memory there is, before anybody asks who
it is. How long bodies are is bounded where routes are (`entrypoints/http/middleware.py`).
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Room for the longest token, a page's cookies and what proxies add.
MAX_HEAD_BYTES: Final = 64 * 1024
# What a header costs beside its letters (RFC 7541, 4.1), so that many short ones count too.
HEADER_BYTES: Final = 32
HEAD_SECONDS: Final = 30.0
# Longer than what waits for a body itself, and then says so in an answer.
BODY_SECONDS: Final = 40.0


class HeadTooLong(ValueError):
    """Raised into the parser, which refuses the request and closes the connection."""


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _in_body = False
    _arrived = 0
    _counted = 0
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            if self._in_body and self._overdue is None:
                self._overdue = self.loop.call_later(BODY_SECONDS, self._give_up_body)
            return
        # A header that does not end is told to nobody before it does.
        if self._arrived > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._overdue is None:
            self._await_head()

    def on_message_begin(self) -> None:
        self._in_head, self._counted = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + HEADER_BYTES)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body, self._arrived = False, True, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body, self._arrived = False, 0
        self._stop_waiting()
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._counted += size
        if self._counted > MAX_HEAD_BYTES:
            raise HeadTooLong

    def _await_head(self) -> None:
        self._overdue = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _give_up_body(self) -> None:
        self._overdue = None
        if not self.transport.is_closing():
            self.transport.close()

    def _give_up(self) -> None:
        """Closes, unless an answer to an earlier request is still on its way."""
        self._overdue = None
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]  # None before the first
            self._await_head()
        elif not self.transport.is_closing():
            self.transport.close()
