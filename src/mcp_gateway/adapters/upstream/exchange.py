"""What was seen of one call on the HTTP wire, beyond what the SDK tells: the status, and whether the answer was too large.

The SDK sends each request from a task of its own that inherits the caller's context; so a value set around a call is the one the
hook below sees for that call's response.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import httpx2


@dataclass(slots=True)
class Exchange:
    """`status` is the last HTTP status of 400 or more, 0 when there was none."""

    status: int = 0
    too_large: bool = False
    encoded: bool = False


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def observed_exchange() -> Iterator[Exchange]:
    """What happens on the wire while this is open, in this task and those it starts."""
    exchange = Exchange()
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


class _Refused(httpx2.StreamError):
    """Raised while reading a body; the SDK turns it into an error of that one request and keeps the connection."""


class _CappedBody(httpx2.AsyncByteStream):
    def __init__(self, body: httpx2.AsyncByteStream, most: int, exchange: Exchange) -> None:
        self._body, self._most, self._exchange = body, most, exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._body:
            size += len(chunk)
            if size > self._most:
                self._exchange.too_large = True
                raise _Refused("the response is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


class QueryHider(logging.Filter):
    """Takes the query out of the addresses in the HTTP client's own log lines: it may carry a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(value) for value in record.args)
        return True


def _without_query(value: object) -> object:
    return value.copy_with(query=None) if isinstance(value, httpx2.URL) else value


class ResponseLimit:
    """A hook that caps every response but event streams, whose single events the SDK caps itself."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    async def __call__(self, response: httpx2.Response) -> None:
        exchange = _current.get() or Exchange()
        if response.status_code >= 400:
            exchange.status = response.status_code
        # We ask for none; one sent anyway could unfold to any size.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            exchange.encoded = True
            response.headers["content-encoding"] = "identity"
        if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            body = response.stream
            if isinstance(body, httpx2.AsyncByteStream):
                response.stream = _CappedBody(body, self._max_bytes, exchange)
