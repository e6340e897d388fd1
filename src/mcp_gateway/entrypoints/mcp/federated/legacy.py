"""Streamable HTTP as revisions 2025-03-26 to 2025-11-25 have it: sessions, answers as JSON or as a stream, the standing stream.

Identity, the body and strict JSON are settled before; which POST is of an older revision is decided there too.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from starlette.types import Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY, LEGACY_REVISIONS
from mcp_gateway.core.protocol.words import INVALID_REQUEST, SESSION_HEADER
from mcp_gateway.entrypoints.mcp.federated.answers import send_body
from mcp_gateway.entrypoints.mcp.federated.endpoint import Sender, challenge_for
from mcp_gateway.entrypoints.mcp.federated.failures import FORBIDDEN
from mcp_gateway.entrypoints.mcp.federated.heads import Head, accepts_events, accepts_json
from mcp_gateway.entrypoints.mcp.federated.legacy_call import LegacyCall
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor, request_id_of
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused, nothing_more, refuse, refuse_error
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import PostOutlet
from mcp_gateway.entrypoints.mcp.federated.sse_presence import Presence
from mcp_gateway.entrypoints.mcp.federated.sse_standing import serve_standing
from mcp_gateway.federation.client_sessions.errors import ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.views import View

# The revisions that know arrays of messages.
BATCHING: Final = frozenset({"2025-03-26", "2024-11-05"})
MAX_BATCH: Final = 64


class _Visit(NamedTuple):
    """One HTTP request, and the way back."""

    visitor: Visitor
    head: Head
    scope: Scope
    receive: Receive
    send: Send


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
        visit = _Visit(visitor, head, scope, receive, send)
        try:
            if method == "POST" and message is not None:
                await self._post(visit, message)
            elif method == "GET":
                with self._messages.live.opened(sender.caller):
                    await self._get(visit)
            elif method == "DELETE":
                await self._delete(visit)
            else:
                await refuse(send, Refused(405, "Method Not Allowed"))
        except Refused as refusal:
            await refuse(send, refusal)
        except GatewayError as error:
            await refuse_error(send, error)

    async def _post(self, visit: _Visit, message: JsonObject | list[Json]) -> None:
        _check_post(visit.head)
        if isinstance(message, dict) and message.get("method") == "initialize" and _id(message) is not None:
            await self._initialize(visit, message)
            return
        session = await self._session(visit)
        if isinstance(message, list):
            await self._batch(visit, session, message)
        elif _id(message) is None:
            await self._messages.hear(session, message)
            await nothing_more(visit.send, 202)
        else:
            await self._answer(visit, session, (message,), batch=None)

    async def _batch(self, visit: _Visit, session: ClientSession, messages: Sequence[Json]) -> None:
        if session.revision not in BATCHING:
            raise Refused(400, "This revision takes one message at a time")
        if not 0 < len(messages) <= MAX_BATCH:
            raise Refused(400, f"A batch holds 1 to {MAX_BATCH} messages")
        read = [(_id(message), message) for message in messages if isinstance(message, dict)]
        if len(read) != len(messages):
            raise Refused(400, "A batch holds JSON-RPC messages")
        for request_id, message in read:
            if request_id is None:
                await self._messages.hear(session, message)
        requests = [message for request_id, message in read if request_id is not None]
        if requests:
            await self._answer(visit, session, requests, batch=len(requests))
        else:
            await nothing_more(visit.send, 202)

    async def _answer(self, visit: _Visit, session: ClientSession, requests: Sequence[JsonObject], *, batch: int | None) -> None:
        live, scope = self._messages.live, visit.scope
        outlet = PostOutlet(
            visit.send,
            new_stream=lambda abandoned: live.new_stream(session.key, abandoned),
            prime=session.revision == LATEST_LEGACY,
            challenge=lambda body: challenge_for(scope, Reply(status=FORBIDDEN, body=body)),
            batch=batch,
        )
        try:
            calls = [await self._messages.call_of(visit.visitor, session, one, outlet) for one in requests]
            await _run([call for call in calls if call is not None], outlet, visit.receive)
        finally:
            outlet.close()

    async def _initialize(self, visit: _Visit, message: JsonObject) -> None:
        answer, session_id = await self._messages.introduce(visit.visitor, message, None)
        await send_body(visit.send, 200, answer, *(((SESSION_HEADER, session_id.encode("latin-1")),) if session_id else ()))

    async def _get(self, visit: _Visit) -> None:
        if visit.head.get(b"accept") is None or not visit.head.accepts_events:
            raise Refused(406, "Not Acceptable: Client must accept text/event-stream")
        session = await self._session(visit)
        last = (visit.head.get(b"last-event-id") or b"").decode("latin-1")
        await serve_standing(self._messages, visit.visitor, session, last, visit.receive, visit.send)

    async def _delete(self, visit: _Visit) -> None:
        session = await self._session(visit)
        await self._messages.sessions.end(session)
        self._messages.live.end(session.key)
        await nothing_more(visit.send, 200)

    async def _session(self, visit: _Visit) -> ClientSession:
        head = visit.head
        if head.twice:
            raise Refused(400, f"Bad Request: {head.twice.decode()} appears more than once")
        version = head.version
        if version and version not in LEGACY_REVISIONS:
            raise Refused(400, "Bad Request: Unsupported protocol version")
        named = head.get(SESSION_HEADER)
        if named is None:
            raise Refused(400, "Bad Request: Missing session ID")
        try:
            return await self._messages.sessions.find(named.decode("latin-1"), visit.visitor.caller, visit.visitor.endpoint)
        except ClientSessionUnknown as error:
            raise Refused(404, error.message) from None


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
        elif calls:
            await asyncio.gather(*(call.run() for call in calls))
    finally:
        presence.close()


def _check_post(head: Head) -> None:
    """Raises `Refused`."""
    refusal = _fault_of(head.get(b"accept"), head.get(b"content-type"))
    if refusal is not None:
        raise Refused(*refusal)


@lru_cache(maxsize=128)
def _fault_of(accept: bytes | None, content_type: bytes | None) -> tuple[int, str] | None:
    """Clients send the same two headers over and over."""
    if accept is None or not (accepts_json(accept) and accepts_events(accept)):
        return 406, "Not Acceptable: Client must accept both application/json and text/event-stream"
    if (content_type or b"").split(b";", 1)[0].strip().lower() != b"application/json":
        return 415, "Unsupported Media Type: Content-Type must be application/json"
    return None


def _id(message: JsonObject) -> int | str | None:
    """Raises `Refused`."""
    try:
        return request_id_of(message)
    except ValueError as error:
        raise Refused(400, str(error), INVALID_REQUEST) from None
