"""What one message of an older client asks for: answered here where the session knows, else made a request of 2026-07-28."""

from typing import Final, NamedTuple

from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, error_message, object_at, parse_object, render
from mcp_gateway.core.protocol.words import ENVELOPE_KEYS, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND
from mcp_gateway.entrypoints.mcp.federated.legacy_call import LEVELS, LegacyCall, SendModern
from mcp_gateway.entrypoints.mcp.federated.legacy_words import (
    NEWER_PARAMS,
    NOT_FOR_LEGACY,
    declared_capabilities,
    empty_answer,
    failure,
    initialize_result,
    negotiated,
)
from mcp_gateway.entrypoints.mcp.federated.sessions_elsewhere import Elsewhere
from mcp_gateway.entrypoints.mcp.federated.sessions_live import CANCELLED, LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import Outlet
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.client_sessions.sessions import ClientSessions
from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Client, Headers, Request
from mcp_gateway.federation.peers import Peers
from mcp_gateway.federation.views import View

# What always goes to a server, and most often.
_CALLED: Final = frozenset({"tools/call", "tools/list", "resources/read", "prompts/get"})
NO_ID: Final = "A request, a notification or a response of JSON-RPC 2.0 is wanted"


class Visitor(NamedTuple):
    """Who sent a message, as far as HTTP says, and what they are connected to."""

    caller: Caller
    view: View
    endpoint: str
    token: str | None = None
    trace: Headers = ()

    def client(self, session: ClientSession) -> Client:
        return Client(
            caller=self.caller,
            revision=session.revision,
            info=session.info,
            capabilities=session.capabilities,
            log_level=session.log_level,
            session=session.key,
            trace=self.trace,
            token=self.token,
        )


def request_id_of(message: JsonObject) -> MessageId | None:
    """None for whatever is no request. Raises `ValueError` for what is no message of JSON-RPC 2.0."""
    identity = message.get("id")
    if message.get("jsonrpc") != "2.0" or isinstance(identity, bool) or not isinstance(identity, int | str | None):
        raise ValueError(NO_ID)
    if "method" in message:
        if not isinstance(message["method"], str) or not isinstance(message.get("params", {}), dict):
            raise ValueError(NO_ID)
        if "id" in message and identity is None:
            raise ValueError(NO_ID)
        return identity
    if identity is None or not ("result" in message or "error" in message):
        raise ValueError(NO_ID)
    return None


class LegacyMessages:
    """The messages of older clients, whatever they came over. `send` carries a request of 2026-07-28 out at a view."""

    __slots__ = ("elsewhere", "live", "send", "sessions")

    def __init__(self, *, send: SendModern, sessions: ClientSessions, live: LiveSessions, peers: Peers | None = None) -> None:
        self.send, self.sessions, self.live = send, sessions, live
        self.elsewhere = Elsewhere(live, peers)
        sessions.store.on_change(live.session_changed)

    async def introduce(self, visitor: Visitor, message: JsonObject, opened: ClientSession | None) -> tuple[bytes, str]:
        """Answer `initialize`, and the id of the session it opened, "" for none. `opened`: the one it is for, over SSE.

        Raises what `ClientSessions.open` does.
        """
        params, request_id = object_at(message, "params"), message["id"]
        assert isinstance(request_id, int | str)  # noqa: S101 - `request_id_of`
        if not isinstance(params.get("protocolVersion"), str) or not isinstance(params.get("capabilities", {}), dict):
            words = "initialize needs a protocolVersion and capabilities"
            return render(error_message(request_id, INVALID_PARAMS, words)), ""
        revision, declared = negotiated(params.get("protocolVersion")), object_at(params, "capabilities")
        info = params.get("clientInfo")
        client = Client(
            caller=visitor.caller,
            revision=revision,
            info=info if isinstance(info, dict) else None,
            capabilities=declared_capabilities(declared),
            trace=visitor.trace,
            token=visitor.token,
        )
        answer = await self._discover(visitor.view, Request(id=request_id, method="server/discover", params={}, client=client))
        if "result" not in answer:
            return render(answer), ""
        told = render({**answer, "result": initialize_result(object_at(answer, "result"), revision, client.capabilities)})
        if opened is not None:
            await self.sessions.introduce(opened, revision=revision, info=client.info, capabilities=client.capabilities)
            return told, ""
        session_id, _ = await self.sessions.open(
            visitor.caller, visitor.endpoint, revision, info=client.info, capabilities=client.capabilities
        )
        return told, session_id

    async def call_of(self, visitor: Visitor, session: ClientSession, message: JsonObject, outlet: Outlet) -> LegacyCall | None:
        """The call to run for a request; None when it was answered already."""
        request_id, method, params = message["id"], message["method"], object_at(message, "params")
        assert isinstance(request_id, int | str) and isinstance(method, str)  # noqa: S101, PT018 - `request_id_of`
        try:
            here = None if method in _CALLED else await self._here(session, request_id, method, params)
        except GatewayError as error:
            here = failure(error, Request(id=request_id, method=method, params=params, client=visitor.client(session)))
        if here is not None:
            await outlet.answer(here)
            return None
        request = Request(id=request_id, method=method, params=_modern(params), client=visitor.client(session))
        return LegacyCall(request, view=visitor.view, session=session, send=self.send, live=self.live, outlet=outlet)

    async def hear(self, session: ClientSession, message: JsonObject) -> None:
        """Take a notification or a response. Raises what `Elsewhere.answer` does, and `ClientSessionsAway`."""
        if "method" not in message:
            replica = self.elsewhere.replica_of(str(message.get("id")))
            if not self.live.take_answer(session.key, message) and replica:
                await self.elsewhere.answer(replica, session.key, message)
        elif message["method"] == "notifications/cancelled":
            request_id = object_at(message, "params").get("requestId")
            if isinstance(request_id, int | str) and not self.live.cancel(session.key, request_id):
                await self.sessions.store.announce(session.key, CANCELLED + render(request_id).decode())

    async def _here(self, session: ClientSession, request_id: MessageId, method: str, params: JsonObject) -> bytes | None:
        if method == "ping":
            return empty_answer(request_id)
        if method == "logging/setLevel":
            level = params.get("level")
            if not isinstance(level, str) or level not in LEVELS:
                return _invalid(request_id, "Unknown log level")
            await self.sessions.set_log_level(session, level)
            return empty_answer(request_id)
        if method in ("resources/subscribe", "resources/unsubscribe"):
            uri = params.get("uri")
            if not isinstance(uri, str):
                return _invalid(request_id, "uri must be a string")
            change = self.sessions.subscribe if method == "resources/subscribe" else self.sessions.unsubscribe
            await change(session, uri)
            return empty_answer(request_id)
        if method in NOT_FOR_LEGACY or method.startswith("tasks/"):
            code = INVALID_REQUEST if method == "initialize" else METHOD_NOT_FOUND
            return render(error_message(request_id, code, f"Method not found: {method[:100]}"))
        return None

    async def _discover(self, view: View, request: Request) -> JsonObject:
        """The whole answer to `server/discover`."""
        try:
            reply = await self.send(view, request)
        except GatewayError as error:
            return parse_object(failure(error, request))
        try:
            last = reply.body
            if last is None and reply.events is not None:
                async for event in reply.events:
                    last = event
            if last is None and reply.chunks is not None:
                last = b"".join([piece async for piece in reply.chunks])
            return parse_object(last or b"")
        except ValueError:
            return parse_object(failure(UpstreamMisbehaved("server/discover was not answered."), request))
        finally:
            await reply.close()


def _invalid(request_id: MessageId, words: str) -> bytes:
    return render(error_message(request_id, INVALID_PARAMS, words))


def _modern(params: JsonObject) -> JsonObject:
    """The parameters as they go on: what a request of 2026-07-28 says of its client is not the client's to say here."""
    kept: JsonObject = {key: value for key, value in params.items() if key not in NEWER_PARAMS} if params else {}
    meta: Json = kept.get("_meta")
    if isinstance(meta, dict) and not ENVELOPE_KEYS.isdisjoint(meta):
        kept["_meta"] = {key: value for key, value in meta.items() if key not in ENVELOPE_KEYS}
    return kept
