"""The step before an MCP endpoint that asks people to log in: no caller, no message; and a session belongs to who opened it.

A session of the handshake era (until 2025-11-25) is bound to tenant, issuer and subject, not to a token: a refreshed one keeps
it. For anybody else it does not exist. The binding is kept where every face and replica sees it; while that store is away, what
this process knows by itself decides (the SDK holds the same owner).
"""

from collections import Counter
from typing import Final

import structlog
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.access.sessions.errors import SessionsAway
from mcp_gateway.access.sessions.sessions import Sessions
from mcp_gateway.core.errors import GatewayError, NotFound
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.challenge import challenge_of
from mcp_gateway.entrypoints.http.identity import admitted
from mcp_gateway.entrypoints.mcp.caller import owner_of
from mcp_gateway.kit.fastapi.problems import problem_response

HEADER: Final = MCP_SESSION_ID_HEADER.lower().encode()
# Of one caller at one endpoint, streams that stand included: nobody can take up all the room there is.
MAX_OPEN_REQUESTS: Final = 128

log = structlog.get_logger(__name__)


class SessionNotFound(NotFound):
    """Session not found"""  # the SDK's words: a session of somebody else looks like none at all

    code = "MCP_SESSION_NOT_FOUND"
    hint = "Initialize a new session."


class TooManyOpenRequests(GatewayError):
    """This caller has as many requests open at this endpoint as one may."""

    code = "TOO_MANY_OPEN_REQUESTS"
    category = "rate_limited"
    hint = "Close streams that are not read, or wait for answers."
    retryable = True


class McpGuard:
    """`sessions` None: nobody logs in, so sessions have no owners."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions | None) -> None:
        self._app = app
        self._sessions = sessions
        self._open: Counter[tuple[str, str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            caller = admitted(scope)
            named = _named_session(scope)
            if self._sessions is not None and named:
                await self._check_owner(self._sessions, named, caller)
            owner = (caller.tenant, caller.issuer, caller.subject)
            if self._sessions is not None and self._open[owner] >= MAX_OPEN_REQUESTS:
                raise TooManyOpenRequests
        except GatewayError as error:
            await refuse(scope, receive, send, error)
            return
        self._open[owner] += 1
        try:
            await self._pass_on({**scope, "user": owner_of(*owner)}, receive, send, caller, named)
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, caller: Caller, named: str) -> None:
        if self._sessions is None:
            await self._app(scope, receive, send)
        elif named:
            await self._app(scope, receive, send)
            if scope["method"] == "DELETE":
                await _end(self._sessions, named)
        else:
            await self._app(scope, receive, _Binding(self._sessions, caller, send))

    async def _check_owner(self, sessions: Sessions, named: str, caller: Caller) -> None:
        """Raises `SessionNotFound`."""
        try:
            context = await sessions.get_auth_context(named)
        except SessionsAway:
            log.warning("mcp_session_owner_unchecked")
            return
        if context is None or not context.is_of(caller):
            raise SessionNotFound


class _Binding:
    """Notes the session a response opens before the client learns its id."""

    def __init__(self, sessions: Sessions, caller: Caller, send: Send) -> None:
        self._sessions, self._caller, self._send = sessions, caller, send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            opened = next((value.decode("latin-1") for name, value in message["headers"] if name.lower() == HEADER), "")
            if opened:
                await self._note(opened)
        await self._send(message)

    async def _note(self, opened: str) -> None:
        try:
            await self._sessions.preserve_auth_context(opened, self._caller)
        except SessionsAway:
            log.warning("mcp_session_owner_not_kept")


async def _end(sessions: Sessions, named: str) -> None:
    try:
        await sessions.end_auth_context(named)
    except SessionsAway:
        log.warning("mcp_session_owner_not_removed")


def _named_session(scope: Scope) -> str:
    """Raises `SessionNotFound` for a header that is there twice."""
    values = {value.decode("latin-1") for name, value in scope["headers"] if name == HEADER}
    if len(values) > 1:
        raise SessionNotFound
    return values.pop() if values else ""


async def refuse(scope: Scope, receive: Receive, send: Send, error: GatewayError) -> None:
    """Answer with the error, and with how to log in where that would help."""
    reply = problem_response(error, instance=scope["path"][:200])
    challenge = challenge_of(scope, error)
    if challenge is not None:
        reply.headers["WWW-Authenticate"] = challenge
    log.info("request_refused", code=error.code, status=reply.status_code, path=scope["path"][:200])
    await reply(scope, receive, send)
