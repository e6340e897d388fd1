"""Requests into an ASGI application of this process: the embedded MCP servers, without a socket between.

The caller goes along in the scope's state, put there by whoever wires the application, so what it offers and refuses is what it
would over HTTP.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message

from mcp_gateway.adapters.links.answers import AHEAD_BYTES, WHOLE_BYTES, Answer, media_type
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.http_connection import EVENT_STREAM
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import ServerLimits

# How long an application that was told that nobody listens any more may go on.
_LEAVE_SECONDS: Final = 1.0
# With a port, because some applications want one.
_HOST: Final = b"127.0.0.1:80"

_log = structlog.get_logger(__name__)


class AsgiSending:
    """`state_of` makes the scope's state for a client: its caller, as the door of the gateway puts it there."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        target: str,
        state_of: Callable[[Client], MutableMapping[str, Any]],
        faults: Faults,
        limits: ServerLimits,
    ) -> None:
        self._app, self._target, self._state_of = app, target, state_of
        self._faults, self._limits = faults, limits
        self._calls: set[_Call] = set()
        self._closed = False

    @property
    def active(self) -> int:
        return sum(not call.standing for call in self._calls)

    async def send(self, outgoing: Outgoing, client: Client) -> Answer:
        if self._closed:
            raise self._faults.unreachable("its link was closed")
        call = _Call(outgoing, self._faults, self._limits, ended=self._calls.discard)
        self._calls.add(call)
        call.start(self._app, self._scope(outgoing, client))
        try:
            return await call.answer
        except asyncio.CancelledError:
            call.leave()
            raise

    async def close(self) -> None:
        self._closed = True
        for call in tuple(self._calls):
            call.leave()

    def _scope(self, outgoing: Outgoing, client: Client) -> MutableMapping[str, Any]:
        headers = [(b"host", _HOST), (b"content-length", b"%d" % len(outgoing.body or b""))]
        for line in outgoing.head.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon:
                headers.append((name.lower(), value.strip()))
        path, _, query = (outgoing.target or self._target).partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": outgoing.method.decode("ascii"),
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
            "state": self._state_of(client),
        }


class _Call:
    """One request in the application. It is the `Source` of its answer, and what the application receives from and sends to."""

    def __init__(self, outgoing: Outgoing, faults: Faults, limits: ServerLimits, *, ended: Callable[["_Call"], None]) -> None:
        loop = asyncio.get_running_loop()
        self.standing = outgoing.standing
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self._faults, self._limits, self._ended = faults, limits, ended
        self._request: bytes | None = outgoing.body or b""
        self._chunks: list[bytes] = []
        self._held = self._received = 0
        self._complete = False
        self._fault: GatewayError | None = None
        self._head: tuple[int, dict[bytes, bytes]] | None = None
        self._given = False
        self._gone = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._seconds = limits.timeout_seconds if outgoing.seconds is None else outgoing.seconds
        self._timer: asyncio.TimerHandle | None = loop.call_later(self._seconds, self._expire)

    def start(self, app: ASGIApp, scope: MutableMapping[str, Any]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(app, scope))

    async def read(self) -> bytes:
        while not self._chunks:
            if self._fault is not None:
                raise self._fault
            if self._complete:
                return b""
            self._news.clear()
            await self._news.wait()
        piece = b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        self._room.set()
        return piece

    def leave(self) -> None:
        if self._gone.is_set() or self._complete:
            self._finish()
            return
        self._fail(self._faults.lost("it was not waited for"))

    def release(self) -> None:
        """The application ends by itself now; what it still says is not kept."""
        self._chunks.clear()
        self._held = 0
        self._room.set()

    async def _run(self, app: ASGIApp, scope: MutableMapping[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
            if not self._complete:
                self._fail(self._faults.lost("it ended without an answer"))
        except Exception:  # noqa: BLE001 - the wall around an application that is not ours to trust
            _log.exception("embedded_server_failed", server=self._faults.server)
            self._fail(self._faults.misbehaved("failed inside"))
        finally:
            self._finish()

    async def _receive(self) -> Message:
        if self._request is not None:
            body, self._request = self._request, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set():
            return
        if message["type"] == "http.response.start":
            headers = {name.lower(): value for name, value in message.get("headers", ())}
            self._head = (message["status"], headers)
            return
        body = message.get("body", b"")
        self._received += len(body)
        if body:
            self._chunks.append(body)
            self._held += len(body)
        self._complete = not message.get("more_body", False)
        if self._received > self._limits.max_answer_bytes and not self.standing:
            self._fail(self._faults.too_large(self._limits.max_answer_bytes))
            return
        self._give()
        self._news.set()
        if self._complete:
            self._gone.set()
        elif self._given and self._held > AHEAD_BYTES:
            self._room.clear()
            await self._room.wait()

    def _give(self) -> None:
        if self._given or self._head is None:
            return
        status, headers = self._head
        if self._complete and self._held <= WHOLE_BYTES:
            self._hand_over(Answer(status, headers, body=b"".join(self._chunks), source=None))
            self._chunks.clear()
        elif self._complete or self._held > WHOLE_BYTES or media_type(headers) == EVENT_STREAM:
            self._hand_over(Answer(status, headers, body=None, source=self))
            if self.standing:
                self._stop_timer()

    def _hand_over(self, answer: Answer) -> None:
        self._given = True
        if not self.answer.done():
            self.answer.set_result(answer)

    def _fail(self, fault: GatewayError) -> None:
        self._fault = self._fault or fault
        if not self.answer.done():
            self.answer.set_exception(fault)
            # It may be that nobody waits any more.
            self.answer.exception()
        self._gone.set()
        self._room.set()
        self._news.set()
        if self._task is not None and not self._task.done():
            asyncio.get_running_loop().call_later(_LEAVE_SECONDS, self._task.cancel)
        self._finish()

    def _expire(self) -> None:
        self._fail(self._faults.timed_out(self._seconds))

    def _finish(self) -> None:
        self._stop_timer()
        self._ended(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
