"""Requests whose head is, byte for byte, one that came over the same connection before: it is not read a second time.

Programs send the same head with call after call. What uvicorn made of these bytes once holds as long as the connection does, and
so does what later steps make of the head alone: they may keep it in `kept_of(scope)`. Only heads of which something was kept are
known, each is that of a whole request of known length, and everything else goes uvicorn's way.
"""

import asyncio
import re
from typing import Any, Final, cast

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from mcp_gateway.entrypoints.mcp.bounded_http import BoundedHttp

MAX_KNOWN: Final = 8
MAX_KNOWN_BYTES: Final = 4 * 1024
_EXTENSION: Final = "mcp_gateway.kept"
_END: Final = b"\r\n\r\n"
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNUSUAL: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"connection"})
# With one of these in an answer uvicorn has more to do than to write it.
_UNUSUAL_ANSWER: Final = frozenset({b"transfer-encoding", b"connection"})


def kept_of(scope: Scope) -> dict[str, Any] | None:
    """Where a step may keep what follows from the request's head alone. None: this head will not be known again."""
    kept: dict[str, Any] | None = scope.get("extensions", {}).get(_EXTENSION)
    return kept


def _is_usual(scope: Scope, length: int) -> bool:
    """Whether this head says nothing that uvicorn would have to do more for than to wait for a body of this length."""
    headers = scope["headers"]
    names = {name for name, _ in headers}
    return (
        scope["http_version"] == "1.1"
        and len(names) == len(headers)
        and _UNUSUAL.isdisjoint(names)
        and (b"content-length", b"%d" % length) in headers
    )


class _KnownHead:
    __slots__ = ("kept", "length", "scope")

    def __init__(self, scope: Scope, length: int) -> None:
        self.scope, self.length = scope, length
        self.kept: dict[str, Any] = {}


class QuickHttp(BoundedHttp):
    """One connection."""

    _begun = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[bytes, _KnownHead] = {}

    def data_received(self, data: bytes) -> None:
        between = not self._in_head and not self._in_body
        if between and self._known and self.cycle.response_complete and not self.transport.is_closing():
            end = data.find(_END) + len(_END)
            known = self._known.get(data[:end])
            if known is not None and known.kept and len(data) == end + known.length:
                self._answer(known, data[end:])
                return
        begun = self._begun
        super().data_received(data)
        if self._begun == begun + 1 and (between or begun == 0) and not self._in_head and not self._in_body:
            self._learn(data)

    def on_message_begin(self) -> None:
        self._begun += 1
        super().on_message_begin()

    def _learn(self, data: bytes) -> None:
        """One whole request was in this piece, and nothing else; its task has not begun yet."""
        end = data.find(_END) + len(_END)
        scope = cast("Scope", self.scope)
        if end > MAX_KNOWN_BYTES or not data.startswith(b"POST ") or not _is_usual(scope, len(data) - end):
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        known = self._known[data[:end]] = _KnownHead({**scope, "headers": tuple(scope["headers"])}, len(data) - end)
        scope["extensions"] = known.scope["extensions"] = {_EXTENSION: known.kept}

    def _answer(self, known: _KnownHead, body: bytes) -> None:
        self._unset_keepalive_if_required()
        scope = {**known.scope, "headers": list(known.scope["headers"]), "state": self.app_state.copy()}
        self.cycle = _Exchange(self, scope, body)
        self._start_asgi_task(self.cycle, self.app)


class _Exchange(RequestResponseCycle):
    """A request that is there whole. An answer of known length leaves in one write; others as uvicorn writes them."""

    def __init__(self, connection: QuickHttp, scope: Scope, body: bytes) -> None:
        super().__init__(
            scope=cast("Any", scope),
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=connection.access_log,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=True,
            on_response=connection.on_response_complete,
        )
        self.body, self.more_body = cast("bytearray", body), False
        self.message_event.set()
        self._start: Message | None = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            # Held until its body is there. Another one in its place: the first was never heard of.
            self._start = message if not self.response_started and _has_length(message) else None
            if self._start is not None:
                return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body", False) and self._written(start, message.get("body", b"")):
                return
            await super().send(cast("Any", start))
        await super().send(message)

    def _written(self, start: Message, body: bytes) -> bool:
        """Whether it could be written at once."""
        if not self.keep_alive or self.flow.write_paused or self.disconnected:
            return False
        headers = [*self.default_headers, *start["headers"]]
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        # A value with a line break in it would end its line; uvicorn raises for that, and for what else cannot be in one.
        if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or _CONTROL.search(lines) is not None:
            return False
        if b"content-length: %d\r\n" % len(body) not in lines:
            return False
        self.response_started = self.response_complete = True
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[start["status"]], lines, body))
        self.message_event.set()
        self.on_response()
        return True


def _has_length(start: Message) -> bool:
    names = [name for name, _ in start["headers"]]
    return b"content-length" in names and _UNUSUAL_ANSWER.isdisjoint(names)
