"""The door of the federated endpoint: from an HTTP request to the era it is of, and back.

It stands behind the step that found out who calls (`entrypoints/mcp/guard.py`). A client that goes away
cancels what it asked for.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

import structlog
from starlette.types import Receive, Scope, Send

from mcp_gateway.access.errors import InsufficientScope
from mcp_gateway.core.errors import GatewayError, Internal, Json, NotFound
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.core.protocol.words import INVALID_REQUEST
from mcp_gateway.entrypoints.http.challenge import challenge_of
from mcp_gateway.entrypoints.http.credentials import bearer_of
from mcp_gateway.entrypoints.http.identity import admitted
from mcp_gateway.entrypoints.mcp.federated.answers import send_body, send_reply
from mcp_gateway.entrypoints.mcp.federated.failures import FORBIDDEN, reply_of
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.federated.modern import (
    SINGLE_MESSAGE,
    Refusal,
    check_version,
    is_modern,
    is_notification,
    read_message,
    read_request,
)
from mcp_gateway.entrypoints.mcp.guard import MAX_OPEN_REQUESTS, TooManyOpenRequests, refuse
from mcp_gateway.federation.federation import Federation
from mcp_gateway.federation.model import Headers, Reply, Request
from mcp_gateway.federation.views import View

# Most answers are there before; only for those that are not is the connection watched.
PATIENCE_SECONDS: Final = 0.05
ENDPOINT: Final = "/mcp"
BELOW: Final = "/servers/"
STREAM: Final = "/sse"
MESSAGES: Final = "/messages/"
SEARCH: Final = b"tools=search"

log = structlog.get_logger(__name__)


class UnknownEndpoint(NotFound):
    """There is no MCP endpoint here."""

    code = "UNKNOWN_ENDPOINT"
    hint = "`mcp-gateway servers list` shows the endpoints there are."


class Sender(NamedTuple):
    """Who sent a request, and the token it came with."""

    caller: Caller
    token: str | None


class Body(NamedTuple):
    """What was posted, and its value where that was read already."""

    bytes: bytes
    message: JsonObject | None


class OlderFront(Protocol):
    """Serves clients of the handshake eras. `message` None: there was no body, as in GET and DELETE."""

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
    ) -> None: ...


class FederatedEndpoint:
    """One for all views. Until `serve_older` clients of older revisions are told which one there is.

    `elsewhere` are names below /servers that somebody else answers for.
    """

    def __init__(self, federation: Federation, *, elsewhere: Collection[str] = ()) -> None:
        self._federation, self._elsewhere = federation, frozenset(elsewhere)
        self._older: OlderFront | None = None
        self._sse: OlderFront | None = None
        self._open: Counter[tuple[str, str, str]] = Counter()

    def serve_older(self, streamable: OlderFront, sse: OlderFront) -> None:
        """Clients of older revisions too; both fronts answer through `reply`."""
        self._older, self._sse = streamable, sse

    def view_at(self, path: str, query: bytes = b"", *, ending: str = ENDPOINT) -> View | None:
        """What is offered at this path; None: it is not one of these endpoints. With `?tools=search` tools are not listed."""
        search = bool(query) and SEARCH in query.split(b"&")
        if path == ending:
            return self._federation.view("", search=search)
        if not path.startswith(BELOW) or not path.endswith(ending):
            return None
        name = path[len(BELOW) : -len(ending)]
        return None if not name or "/" in name or name in self._elsewhere else self._federation.view(name, search=search)

    def view_for(self, caller: Caller, path: str, query: bytes = b"", *, ending: str = ENDPOINT) -> View | None:
        """The same for one caller: an endpoint of which they may know nothing is none."""
        view = self.view_at(path, query, ending=ending)
        return view if view is not None and self._federation.opens(view, caller) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request at one of these endpoints, whoever sent it."""
        try:
            caller = admitted(scope)
            view = self.view_for(caller, scope["path"], scope["query_string"])
            if view is None:
                raise UnknownEndpoint(path=scope["path"][:200])
        except GatewayError as error:
            await refuse(scope, receive, send, error)
            return
        if scope["method"] != "POST":
            await self._without_body(scope, receive, send, view, caller)
            return
        body = await read_body(receive)
        if body is not None:
            await self.post(scope, receive, send, view=view, sender=Sender(caller, bearer_of(scope)), body=body)

    async def post(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        view: View,
        sender: Sender,
        body: bytes,
        message: JsonObject | None = None,
        head: Head | None = None,
    ) -> None:
        """Answer one POST of a caller who was let in; its body was found to be read in one way only.

        `message` is what the body holds and `head` what the head says, where they were read already.
        """
        caller = sender.caller
        owner = (caller.tenant, caller.issuer, caller.subject)
        if self._open[owner] >= MAX_OPEN_REQUESTS:
            await refuse(scope, receive, send, TooManyOpenRequests())
            return
        self._open[owner] += 1
        try:
            await self._post(scope, receive, send, view, sender, Body(body, message), head or Head(scope))
        except Refusal as refusal:
            await send_body(send, refusal.status, refusal.body())
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    async def _without_body(self, scope: Scope, receive: Receive, send: Send, view: View, caller: Caller) -> None:
        head = Head(scope)
        if self._older is None or is_modern(head) or scope["method"] not in ("GET", "DELETE"):
            await send_body(send, 405, b"", (b"allow", b"POST"))
            return
        await self._older(scope, receive, send, view=view, head=head, sender=Sender(caller, bearer_of(scope)), message=None)

    async def _post(self, scope: Scope, receive: Receive, send: Send, view: View, sender: Sender, body: Body, head: Head) -> None:
        modern = is_modern(head)
        if modern and not (head.accepts_json and head.accepts_events):
            await send_body(send, 406, b"")
            return
        message = body.message if body.message is not None else read_message(body.bytes)
        if not modern and self._older is not None:
            await self._older(scope, receive, send, view=view, head=head, sender=sender, message=message)
            return
        if not isinstance(message, dict):
            raise Refusal(INVALID_REQUEST, SINGLE_MESSAGE)
        if is_notification(message):
            # Nothing a client of this era could announce concerns anybody else; it cancels by closing the connection.
            check_version(head.version)
            await send_body(send, 202, b"")
            return
        request = read_request(head, message, body.bytes, sender.caller, sender.token)
        with WhileWanted(receive):
            reply = await self.reply(view, request)
            try:
                await send_reply(reply, send, *challenge_for(scope, reply))
            finally:
                await reply.close()

    async def over_sse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The two paths of revision 2024-11-05: its standing stream, and where its messages go."""
        posted = scope["method"] == "POST"
        try:
            caller = admitted(scope)
            view = self.view_for(caller, scope["path"], scope["query_string"], ending=MESSAGES if posted else STREAM)
            if view is None or self._sse is None:
                raise UnknownEndpoint(path=scope["path"][:200])
        except GatewayError as error:
            await refuse(scope, receive, send, error)
            return
        try:
            body = await read_body(receive) if posted else b""
            if body is not None:
                message = read_message(body) if posted else None
                sender = Sender(caller, bearer_of(scope))
                await self._sse(scope, receive, send, view=view, head=Head(scope), sender=sender, message=message)
        except Refusal as refusal:
            await send_body(send, refusal.status, refusal.body())

    async def reply(self, view: View, request: Request) -> Reply:
        """What there is to answer; our own errors are replies too."""
        try:
            reply = await self._federation.send(view, request)
        except GatewayError as error:
            return reply_of(error, request)
        except Exception:
            log.exception("request_fault", method=request.method)
            return reply_of(Internal(), request)
        if reply.events is not None:
            return replace(reply, events=_ending_in_words(reply.events, request))
        return reply


async def _ending_in_words(events: AsyncIterator[bytes], request: Request) -> AsyncIterator[bytes]:
    """A stream that breaks off ends with an error, so that nobody waits for the rest of it."""
    try:
        async for message in events:
            yield message
    except GatewayError as error:
        body = reply_of(error, request).body
        if body is not None:
            yield body


class WhileWanted:
    """Ends the work inside when the client goes away. Looks only at what takes long: most answers are there before."""

    __slots__ = ("_gone", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Future[None] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._timer = loop.call_later(PATIENCE_SECONDS, self._watch)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        gone = self._gone and kind is asyncio.CancelledError and self._task is not None and self._task.uncancel() == 0
        if gone:
            log.debug("client_gone")
        return gone

    def _watch(self) -> None:
        self._watcher = asyncio.ensure_future(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()


async def read_body(receive: Receive) -> bytes | None:
    """None when the client went away before the end. Its length is bounded by who stands before."""
    message = await receive()
    if not message.get("more_body", False):
        return message.get("body", b"") if message["type"] == "http.request" else None
    parts = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
    return b"".join(parts)


def challenge_for(scope: Scope, reply: Reply) -> Headers:
    """What a client whose token lacks a scope is told, so that it can ask for one that has it (RFC 6750, 3.1)."""
    if reply.status != FORBIDDEN or reply.body is None:
        return ()
    lacking = object_at(parse_object(reply.body), "error", "data", "error", "data").get("scope")
    told = challenge_of(scope, InsufficientScope(scope=lacking))
    return () if told is None else ((b"www-authenticate", told.encode("latin-1", "replace")),)
