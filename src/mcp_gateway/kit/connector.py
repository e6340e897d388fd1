"""Connections of the HTTP client to a server that may be hostile: one that sends interim answers without end is given up.

The client skips answers of status 1xx in a loop that leaves no turn to anybody else while there are more, timeouts included.
"""

import asyncio
from functools import partial
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader

# Of one answer. Servers in use send one or two.
MAX_INTERIM: Final = 16
HEAD_BYTES: Final = 4_096


class BoundedConnector(aiohttp.TCPConnector):
    """As `aiohttp.TCPConnector`. A request fails with `aiohttp.ClientResponseError` after `MAX_INTERIM` interim answers."""

    def __init__(self, *, limit: int, force_close: bool = False) -> None:
        super().__init__(limit=limit, force_close=force_close)
        self._factory = partial(_line, loop=self._loop)


class _Line(ResponseHandler):
    _interim = 0

    def data_received(self, data: bytes) -> None:
        """In small pieces until a body begins, so that few interim answers are parsed before they are too many."""
        while data and self.is_connected() and (self._payload is None or self._payload.is_eof()):
            super().data_received(data[:HEAD_BYTES])
            data = data[HEAD_BYTES:]
        if data and self.is_connected():
            super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        self._interim = self._interim + 1 if 100 <= data[0].code < 200 else 0
        if self._interim <= MAX_INTERIM:
            super().feed_data(data, size)
        elif self._interim == MAX_INTERIM + 1:
            self.set_exception(HttpProcessingError(code=502, message="interim answers without end"))
            if self.transport is not None:
                self.transport.abort()


def _line(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _Line(loop)
