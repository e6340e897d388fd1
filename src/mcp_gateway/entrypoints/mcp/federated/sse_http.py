"""HTTP+SSE as revision 2024-11-05 has it: one stream for all the server says, and messages posted beside it.

A session is its stream: it ends with it, and lives in the replica that holds it. Paths are `…/sse` and `…/messages/`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qs, quote

import structlog
from starlette.types import Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Internal, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, error_message, render
from mcp_gateway.entrypoints.mcp.federated.endpoint import Sender
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor, request_id_of
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused, nothing_more, refuse, refuse_error
from mcp_gateway.entrypoints.mcp.federated.legacy_words import code_of
from mcp_gateway.entrypoints.mcp.federated.sse_listening import Listening
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import COMMENT, COMMENT_SECONDS, EVENT_HEADERS, Presence
from mcp_gateway.entrypoints.mcp.federated.sse_streams import event_bytes
from mcp_gateway.entrypoints.mcp.guard import TooManyOpenRequests
from mcp_gateway.federation.client_sessions.errors import ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.views import View

REVISION: Final = "2024-11-05"
MAX_PIPES: Final = 256
# Messages of one session that are worked on at once.
MAX_UNDER_WAY: Final = 64
# A client that reads nothing for so long is given up.
WRITE_SECONDS: Final = 30.0

log = structlog.get_logger(__name__)


class SsePipe:
    """The stream of one session: the outlet of all its calls."""

    def __init__(self, messages: LegacyMessages, visitor: Visitor, session: ClientSession, send: Send) -> None:
        self._messages, self._visitor, self._send = messages, visitor, send
        self.session = session
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: Listening | None = None
        self.closed = asyncio.Event()

    async def notify(self, message: bytes) -> None:
        await self.write(event_bytes(message))

    async def answer(self, message: bytes) -> None:
        await self.write(event_bytes(message))

    async def answer_in_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        async with self._lock:
            await self._write(b"event: message\ndata: ")
            try:
                async for piece in pieces:
                    await self._write(piece.replace(b"\n", b" ").replace(b"\r", b" "))
            finally:
                await self._write(b"\n\n")

    async def forbid(self, message: bytes) -> None:
        await self.answer(message)

    async def write(self, body: bytes) -> None:
        async with self._lock:
            await self._write(body)

    async def take(self, caller: Caller, message: JsonObject) -> bool:
        """Begin what the message asks for. Raises `TooManyOpenRequests` when too much is under way."""
        if self.closed.is_set():
            return False
        if len(self._tasks) >= MAX_UNDER_WAY:
            raise TooManyOpenRequests(limit=MAX_UNDER_WAY)
        visitor = self._visitor._replace(caller=caller, trace=())
        task = asyncio.get_running_loop().create_task(self._serve(visitor, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def session_changed(self) -> None:
        if self._listening is not None:
            self._listening.session_changed()

    def close(self) -> None:
        self.closed.set()
        if self._listening is not None:
            self._listening.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, visitor: Visitor, message: JsonObject) -> None:
        try:
            if request_id_of(message) is None:
                await self._messages.hear(self.session, message)
            elif message["method"] == "initialize":
                answer, _ = await self._messages.introduce(visitor, message, self.session)
                self.session = await self._messages.sessions.again(self.session)
                await self.answer(answer)
                self._listen()
            else:
                self.session = await self._messages.sessions.again(self.session)
                call = await self._messages.call_of(visitor, self.session, message, self)
                if call is not None:
                    await call.run()
        except GatewayError as error:
            await self._fail(message, error)
        except Exception:
            log.exception("message_fault")
            await self._fail(message, Internal())

    async def _fail(self, message: JsonObject, error: GatewayError) -> None:
        request_id = message.get("id")
        if "method" in message and isinstance(request_id, int | str):
            await self.answer(render(error_message(request_id, code_of(error), error.message, {"error": error.to_dict()})))
        log.info("message_failed", code=error.code)

    def _listen(self) -> None:
        if self._listening is None and not self.closed.is_set():
            self._listening = Listening(self._messages, self._visitor, self.session, self.notify)

    async def _write(self, body: bytes) -> None:
        if self.closed.is_set():
            return
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            self.closed.set()


class SseFront:
    """Fits `endpoint.OlderFront`, for the two paths of this transport. `messages_path` is where clients of a view post to."""

    def __init__(self, messages: LegacyMessages) -> None:
        self._messages = messages
        self._open = 0

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        view: View,
        head: Head,
        sender: Sender,
        message: JsonObject | list[Json] | None,
    ) -> None:
        """A GET opens the stream; a POST brings messages."""
        visitor = Visitor(sender.caller, view, f"sse:{view.name}", sender.token, tuple(head.trace))
        try:
            if scope["method"] == "GET":
                with self._messages.live.opened(sender.caller):
                    await self._stream(scope, visitor, receive, send)
            elif scope["method"] == "POST" and message is not None:
                await self._post(scope, visitor, message, send)
            else:
                await refuse(send, Refused(405, "Method Not Allowed"))
        except Refused as refusal:
            await refuse(send, refusal)
        except GatewayError as error:
            await refuse_error(send, error)

    async def _stream(self, scope: Scope, visitor: Visitor, receive: Receive, send: Send) -> None:
        if self._open >= MAX_PIPES:
            raise Refused(503, "Too many open streams")
        messages = self._messages
        session_id, session = await messages.sessions.open(
            visitor.caller, visitor.endpoint, REVISION, prefix=f"{messages.live.replica}-"
        )
        pipe = SsePipe(messages, visitor, session, send)
        live = messages.live.at(session.key)
        live.pipe = live.standing = pipe
        self._open += 1
        presence = Presence(receive, pipe.close, after_seconds=0.0)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_HEADERS]})
            await pipe.write(f"event: endpoint\ndata: {_address(scope)}?session_id={session_id}\n\n".encode())
            await self._hold(pipe)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._open -= 1
            presence.close()
            messages.live.end(session.key)
            await messages.sessions.end(session)

    async def _hold(self, pipe: SsePipe) -> None:
        """Until the client is gone."""
        while not pipe.closed.is_set():
            try:
                async with asyncio.timeout(COMMENT_SECONDS):
                    await pipe.closed.wait()
            except TimeoutError:
                await pipe.write(COMMENT)
                await self._messages.sessions.keep(pipe.session)

    async def _post(self, scope: Scope, visitor: Visitor, message: JsonObject | list[Json], send: Send) -> None:
        session_id = (parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_id") or [""])[0]
        if not session_id:
            raise Refused(400, "session_id is required")
        try:
            session = await self._messages.sessions.find(session_id, visitor.caller, visitor.endpoint)
        except ClientSessionUnknown as error:
            raise Refused(404, error.message) from None
        for one in message if isinstance(message, list) else (message,):
            await self._give(session_id, session, visitor.caller, _checked(one))
        await nothing_more(send, 202)

    async def _give(self, session_id: str, session: ClientSession, caller: Caller, message: JsonObject) -> None:
        live = self._messages.live.find(session.key)
        replica = self._messages.elsewhere.replica_of(session_id)
        if live is not None and live.pipe is not None:
            taken = await live.pipe.take(caller, message)
        else:
            taken = bool(replica) and await self._messages.elsewhere.message(replica, session.key, caller, message)
        if not taken:
            raise Refused(404, "Session not found")


def _checked(message: Json) -> JsonObject:
    """Raises `Refused`."""
    if not isinstance(message, dict):
        raise Refused(400, "A JSON-RPC message is wanted")
    try:
        request_id_of(message)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    return message


def _address(scope: Scope) -> str:
    path: str = scope.get("root_path", "") + scope["path"]
    return quote(path.removesuffix("/").removesuffix("sse") + "messages/")
