"""One connection to an upstream and the one exchange under way on it.

The parser's callbacks only note what they see; what follows from it is decided once per piece that arrived, so an answer that is
followed by bytes nobody asked for is never taken for a good one. An answer up to `WHOLE_BYTES` wakes its caller once.
"""

import asyncio
import re
import select
from dataclasses import dataclass
from typing import Final, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from mcp_gateway.adapters.links.answers import AHEAD_BYTES, WHOLE_BYTES, Answer, media_type
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.core.errors import GatewayError

MAX_HEAD_BYTES: Final = 64 * 1024
_SEPARATORS: Final = len(b": \r\n")
EVENT_STREAM: Final = b"text/event-stream"
# What may still come after the answer that mattered, and how long it may take: the end of a stream, as a rule.
MAX_TAIL_BYTES: Final = 16 * 1024
TAIL_SECONDS: Final = 1.0
_NO_BODY: Final = frozenset({204, 304})


class Unanswered(Exception):
    """The connection closed before a single byte of the answer. `sent` False: nothing of the request was handed to the system."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """`seconds` until the answer is complete, or for a standing stream until it begins; `idle_seconds` between its pieces.

    `idle_seconds` None: it does not stand, and `seconds` is for all of it.
    """

    seconds: float
    max_bytes: int
    idle_seconds: float | None = None


class Owner(Protocol):
    def ended(self, connection: "Connection", *, reusable: bool) -> None:
        """The exchange is over. Called once for each."""
        ...

    def lost(self, connection: "Connection") -> None:
        """It closed while nothing was under way on it."""
        ...


class Connection(asyncio.Protocol):
    """Used by one exchange after another, and by one task at a time."""

    __slots__ = (
        "_begun", "_bounds", "_buffered", "_chunks", "_complete", "_delimited", "_fault", "_faults", "_head_bytes", "_head_done",
        "_headers", "_heard", "_informational", "_keep_alive", "_owner", "_parser", "_paused", "_poll", "_reader",
        "_received", "_sent", "_status", "_surplus", "_tail_bytes", "_timer", "_transport", "_waiter",
        "busy", "chosen", "closed", "connected_at", "idle_since", "keep_seconds", "loop",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, faults: Faults) -> None:
        self.loop, self._owner, self._faults = loop, owner, faults
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._reader: asyncio.Future[None] | None = None
        # `chosen`: of several attempts to connect, it is the one that is used.
        self.busy = self.closed = self.chosen = False
        self._poll: select.poll | None = None
        self.connected_at = self.idle_since = loop.time()
        # What the server says of how long it keeps an idle connection; None: nothing.
        self.keep_seconds: float | None = None

    # -- asking ------------------------------------------------------------------------------------------------------------

    def ask(self, message: bytes, bounds: Bounds, deadline: float) -> asyncio.Future[Answer]:
        """Send it in one write. `deadline` is when its time is over, by the loop's clock.

        The future fails with `Unanswered`, or an error of `federation/errors.py`.
        """
        self.busy = True
        self._bounds = bounds
        waiter = self._waiter = self.loop.create_future()
        self._begun = False
        self._fault: GatewayError | None = None
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._head_bytes = self._buffered = self._received = 0
        self._tail_bytes = -1
        self._heard = self._head_done = self._complete = self._informational = self._surplus = self._paused = self._sent = False
        transport = self._transport
        if transport is None or transport.is_closing():
            self._fail(None)
        else:
            self._sent = True
            transport.write(message)
            # Behind the write: the server has the request meanwhile.
            self._timer = self.loop.call_at(deadline, self._expire)
        return waiter

    async def read(self) -> bytes:
        while not self._chunks:
            if self._fault is not None:
                raise self._fault
            if self._complete or not self.busy:
                return b""
            self._reader = self.loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        piece = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        self._resume()
        if self._complete:
            self._end(reusable=self._keep_alive)
        return piece

    def leave(self) -> None:
        if self.busy and self._tail_bytes < 0:
            self._drop()

    def release(self) -> None:
        """Waits a moment for the proper end, so the connection can be kept."""
        if not self.busy:
            return
        self._tail_bytes = 0
        self._chunks.clear()
        self._buffered = 0
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(TAIL_SECONDS, self._drop)
        self._resume()
        if self._complete:
            self._end(reusable=self._keep_alive)

    def close(self) -> None:
        """Whatever is under way on it fails."""
        if self.busy:
            self._fail(self._faults.lost("the connection was closed here"))
        self._abort()

    # -- what asyncio says -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its class.
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if not self.busy or self._parser is None:
            # Nobody asked: an answer to nothing must not become the answer to the next request.
            self._abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fault = self._faults.misbehaved("answers with something that is not proper HTTP/1.1")
        if not self._head_done:
            # A header that never ends is seen by nobody else.
            self._head_bytes += len(data)
        self._advance()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = self._parser = self._poll = None
        if not self.busy:
            self._owner.lost(self)
        elif self._complete:
            self._keep_alive = False
        elif self._head_done and not self._delimited and exc is None:
            self._complete, self._keep_alive = True, False
            self._advance()
        else:
            self._fail(self._faults.lost() if self._heard else None)

    # -- what the parser says ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # trailers say nothing that matters here
        name = name.lower()
        value = value.strip(b" \t")
        self._head_bytes += len(name) + len(value) + _SEPARATORS
        if self._head_bytes > MAX_HEAD_BYTES:
            return
        self._headers[name] = value if name not in self._headers else self._headers[name] + b", " + value

    def on_headers_complete(self) -> None:
        assert self._parser is not None  # noqa: S101 - it is the parser that calls
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._informational = True
            self._headers = {}
            return
        self._head_done = True
        headers = self._headers
        if b"keep-alive" in headers:
            self.keep_seconds = _promised(headers[b"keep-alive"])
        self._delimited = b"content-length" in headers or b"transfer-encoding" in headers or self._status in _NO_BODY

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self._tail_bytes >= 0:
            self._tail_bytes += len(body)
            return
        self._chunks.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        if self._informational:
            self._informational = False
            return
        assert self._parser is not None  # noqa: S101 - it is the parser that calls
        self._keep_alive = self._parser.should_keep_alive()
        self._complete = True

    # -- what follows ------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        fault = self._fault or self._wrong()
        if fault is not None:
            self._fail(fault)
            return
        if not self._begun and self._head_done:
            self._begin()
        elif self._reader is not None and (self._chunks or self._complete) and not self._reader.done():
            self._reader.set_result(None)
        if self._complete:
            if not self._chunks:
                self._end(reusable=self._keep_alive)
        elif self._buffered > AHEAD_BYTES and not self._paused and self._transport is not None and not self.closed:
            self._paused = True
            self._transport.pause_reading()
        elif self._tail_bytes > MAX_TAIL_BYTES:
            self._drop()

    def _wrong(self) -> GatewayError | None:
        if self._surplus:
            return self._faults.misbehaved("sends more than the answer it was asked for")
        if self._head_bytes > MAX_HEAD_BYTES:
            return self._faults.misbehaved("answers with a head over 64 KiB")
        if self._received > self._bounds.max_bytes and self._bounds.idle_seconds is None:
            return self._faults.too_large(self._bounds.max_bytes)
        return None

    def _begin(self) -> None:
        """Hands the answer over, as soon as it is known whether whole or in pieces."""
        headers = self._headers
        declared = headers.get(b"content-length", b"")
        length = int(declared) if declared.isdigit() else 0
        if length > self._bounds.max_bytes:
            self._fail(self._faults.too_large(self._bounds.max_bytes))
            return
        if headers.get(b"content-encoding", b"identity") != b"identity":
            self._fail(self._faults.misbehaved("answers compressed, which was not asked for", status=self._status))
            return
        if self._complete and self._buffered <= WHOLE_BYTES:
            body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            answer = Answer(self._status, headers, body=body, source=None)
            self._chunks = []
        elif self._complete or max(length, self._buffered) > WHOLE_BYTES or media_type(headers) == EVENT_STREAM:
            answer = Answer(self._status, headers, body=None, source=self)
            self._stand()
        else:
            return
        self._begun = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    def _stand(self) -> None:
        """A stream that stands is given up only when nothing comes for long."""
        if self._bounds.idle_seconds is not None and not self._complete:
            self._rest(self._bounds.idle_seconds)

    def _rest(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._silent, self._received)

    def _silent(self, received: int) -> None:
        if self._received == received or self._bounds.idle_seconds is None:
            self._fail(self._faults.lost("nothing was heard from it for long"))
        else:
            self._rest(self._bounds.idle_seconds)

    def _expire(self) -> None:
        self._fail(self._faults.timed_out(self._bounds.seconds))

    def _fail(self, fault: GatewayError | None) -> None:
        """None: nothing at all was answered."""
        self._fault = fault or self._faults.lost()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(fault or Unanswered(sent=self._sent))
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        self._end(reusable=False)

    def _drop(self) -> None:
        self._fault = self._faults.lost("it was not waited for")
        self._end(reusable=False)

    def _end(self, *, reusable: bool) -> None:
        if not self.busy:
            return
        self.busy = False
        # A kept connection holds nothing of the last answer.
        self._waiter, self._headers = None, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if reusable:
            self._resume()
        else:
            self._abort()
        self.idle_since = self.loop.time()
        self._owner.ended(self, reusable=reusable and not self.closed)

    def _abort(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def _resume(self) -> None:
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()

    @property
    def standing(self) -> bool:
        return self._bounds.idle_seconds is not None

    def usable(self) -> bool:
        """Whether it is open and nothing lies there unread: neither the other side's close nor bytes nobody asked for."""
        return not self.closed and self._poll is not None and not self._poll.poll(0)


def _promised(keep_alive: bytes) -> float | None:
    found = re.search(rb"timeout\s*=\s*(\d{1,6})", keep_alive)
    return float(found[1]) if found else None
