"""HTTP+SSE as revision 2024-11-05 has it: one stream for all the server says, and messages posted beside it.

A session is its stream: it ends with it, and lives in the replica that holds it. Paths are `…/sse` and `…/messages/`.
"""

import asyncio
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.types import Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.entrypoints.mcp.federated.endpoint import Sender
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor, request_id_of
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused, nothing_more, refuse, refuse_error
from mcp_gateway.entrypoints.mcp.federated.sse_events import EVENT_HEADERS
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import COMMENT, COMMENT_SECONDS
from mcp_gateway.entrypoints.mcp.federated.sse_pipe import SsePipe
from mcp_gateway.entrypoints.mcp.federated.sse_presence import Presence
from mcp_gateway.federation.client_sessions.errors import ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.views import View

REVISION: Final = "2024-11-05"
MAX_PIPES: Final = 256


class SseFront:
    """Fits `endpoint.OlderFront`, for the two paths of this transport."""

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
