"""Streamable HTTP as revisions 2025-03-26 to 2025-11-25 have it: sessions, answers as JSON or as a stream, the standing stream.

Identity, the body and strict JSON are settled before; which POST is of an older revision is decided there too.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.types import Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY, LEGACY_REVISIONS
from mcp_gateway.core.protocol.words import INVALID_REQUEST, SESSION_HEADER
from mcp_gateway.entrypoints.mcp.federated.endpoint import Sender
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.legacy_call import LegacyCall
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor, request_id_of
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused, nothing_more, refuse, refuse_error
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import PostOutlet, Presence
from mcp_gateway.entrypoints.mcp.federated.sse_standing import serve_standing
from mcp_gateway.federation.client_sessions.errors import ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.views import View

# The revisions that know arrays of messages.
BATCHING: Final = frozenset({"2025-03-26", "2024-11-05"})
MAX_BATCH: Final = 64


class LegacyFront:
    """Fits `endpoint.OlderFront`. One for all views."""

    __slots__ = ("_messages",)

    def __init__(self, messages: LegacyMessages) -> None:
        self._messages = messages

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
        """Answer one request of a caller who was let in; whoever let them in counts the POSTs they have open."""
        method = scope["method"]
        visitor = Visitor(sender.caller, view, view.name, sender.token, tuple(head.trace))
        try:
            if method == "POST" and message is not None:
                await self._post(visitor, head, message, receive, send)
            elif method == "GET":
                with self._messages.live.opened(sender.caller):
                    await self._get(visitor, head, receive, send)
            elif method == "DELETE":
                await self._delete(visitor, head, send)
            else:
                await refuse(send, Refused(405, "Method Not Allowed"))
        except Refused as refusal:
            await refuse(send, refusal)
        except GatewayError as error:
            await refuse_error(send, error)

    async def _post(self, visitor: Visitor, head: Head, message: JsonObject | list[Json], receive: Receive, send: Send) -> None:
        _check_post(head)
        if isinstance(message, dict) and message.get("method") == "initialize" and _id(message) is not None:
            await self._initialize(visitor, message, send)
            return
        session = await self._session(visitor, head)
        if isinstance(message, list):
            await self._batch(visitor, session, message, receive, send)
        elif _id(message) is None:
            await self._messages.hear(session, message)
            await nothing_more(send, 202)
        else:
            await self._request(visitor, session, message, receive, send)

    async def _request(self, visitor: Visitor, session: ClientSession, message: JsonObject, receive: Receive, send: Send) -> None:
        outlet = self._outlet(session, send)
        try:
            call = await self._messages.call_of(visitor, session, message, outlet)
            if call is not None:
                await _run((call,), outlet, receive)
        finally:
            outlet.close()

    async def _batch(
        self, visitor: Visitor, session: ClientSession, messages: Sequence[Json], receive: Receive, send: Send
    ) -> None:
        if session.revision not in BATCHING:
            raise Refused(400, "This revision takes one message at a time")
        if not 0 < len(messages) <= MAX_BATCH:
            raise Refused(400, f"A batch holds 1 to {MAX_BATCH} messages")
        requests: list[JsonObject] = []
        for message in messages:
            if not isinstance(message, dict):
                raise Refused(400, "A batch holds JSON-RPC messages")
            if _id(message) is None:
                await self._messages.hear(session, message)
            else:
                requests.append(message)
        if not requests:
            await nothing_more(send, 202)
            return
        outlet = self._outlet(session, send, batch=len(requests))
        try:
            calls = [await self._messages.call_of(visitor, session, one, outlet) for one in requests]
            await _run([call for call in calls if call is not None], outlet, receive)
        finally:
            outlet.close()

    async def _initialize(self, visitor: Visitor, message: JsonObject, send: Send) -> None:
        answer, session_id = await self._messages.introduce(visitor, message, None)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        if session_id:
            headers.append((SESSION_HEADER, session_id.encode("latin-1")))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _get(self, visitor: Visitor, head: Head, receive: Receive, send: Send) -> None:
        if head.get(b"accept") is None or not head.accepts_events:
            raise Refused(406, "Not Acceptable: Client must accept text/event-stream")
        session = await self._session(visitor, head)
        last = (head.get(b"last-event-id") or b"").decode("latin-1")
        await serve_standing(self._messages, visitor, session, last, receive, send)

    async def _delete(self, visitor: Visitor, head: Head, send: Send) -> None:
        session = await self._session(visitor, head)
        await self._messages.sessions.end(session)
        self._messages.live.end(session.key)
        await nothing_more(send, 200)

    async def _session(self, visitor: Visitor, head: Head) -> ClientSession:
        version = head.version
        if version and version not in LEGACY_REVISIONS:
            raise Refused(400, "Bad Request: Unsupported protocol version")
        named = head.get(SESSION_HEADER)
        if named is None:
            raise Refused(400, "Bad Request: Missing session ID")
        try:
            return await self._messages.sessions.find(named.decode("latin-1"), visitor.caller, visitor.endpoint)
        except ClientSessionUnknown as error:
            raise Refused(404, error.message) from None

    def _outlet(self, session: ClientSession, send: Send, batch: int | None = None) -> PostOutlet:
        live = self._messages.live
        return PostOutlet(
            send,
            new_stream=lambda abandoned: live.new_stream(session.key, abandoned),
            prime=session.revision == LATEST_LEGACY,
            batch=batch,
        )


async def _run(calls: Sequence[LegacyCall], outlet: PostOutlet, receive: Receive) -> None:
    """Until all are answered. A client that goes away ends them, unless it may come back for the rest."""

    def gone() -> None:
        if not outlet.client_gone():
            lost()

    def lost() -> None:
        for call in calls:
            call.abandon()

    outlet.on_lost = lost
    presence = Presence(receive, gone, outlet.reassure)
    try:
        if len(calls) == 1:
            await calls[0].run()
        else:
            await asyncio.gather(*(call.run() for call in calls))
    finally:
        presence.close()


def _check_post(head: Head) -> None:
    if head.get(b"accept") is None or not (head.accepts_json and head.accepts_events):
        raise Refused(406, "Not Acceptable: Client must accept both application/json and text/event-stream")
    kind = (head.get(b"content-type") or b"").split(b";", 1)[0].strip().lower()
    if kind != b"application/json":
        raise Refused(415, "Unsupported Media Type: Content-Type must be application/json")


def _id(message: JsonObject) -> int | str | None:
    """Raises `Refused`."""
    try:
        return request_id_of(message)
    except ValueError as error:
        raise Refused(400, str(error), INVALID_REQUEST) from None
