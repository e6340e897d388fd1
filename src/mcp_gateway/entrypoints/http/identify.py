"""The door: who sends a request, found out once, before anything is routed.

A plain ASGI step in front of the API, the page and every MCP endpoint. It takes one bearer token, or the page's cookie. A
token that is no good is refused at once; so is everything that could name two callers. A request without credentials goes on
with no caller: protected routes refuse it, and what none of them asked for is refused here before a byte of it leaves. There is
no anonymous caller to fall back to.
"""

from functools import partial
from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.access.errors import AuditUnavailable, TenantMismatch, TokenRefused
from mcp_gateway.access.sessions.errors import CsrfRefused, SessionEnded
from mcp_gateway.access.sessions.sessions import Sessions, csrf_fits
from mcp_gateway.core.errors import GatewayError, Unauthenticated
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.entrypoints.http.challenge import CHALLENGES, Challenges
from mcp_gateway.entrypoints.http.credentials import Credentials, CredentialsUnclear, credentials_of
from mcp_gateway.entrypoints.http.errors import error_reply
from mcp_gateway.entrypoints.http.identity import CALLER, IDENTITY, Identity
from mcp_gateway.entrypoints.http.replies import Replies
from mcp_gateway.entrypoints.http.standing import WhileItHolds

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticating(Protocol):
    """From a token to its caller; `remembered` costs no waiting and knows tokens that were verified before."""

    def remembered(self, token: str) -> Caller | None: ...

    def remembered_as(self, digest: bytes) -> Caller | None: ...

    async def __call__(self, token: str) -> Caller: ...


class NotingRefusals(Protocol):
    """Writes down that a credential was refused. Raises `AuditUnavailable`."""

    async def note_refused_login(self, error: GatewayError, *, caller: Caller = ..., correlation_id: str = ...) -> None: ...


class Doorkeeper(Protocol):
    """What the door needs of access."""

    @property
    def governor(self) -> NotingRefusals: ...

    @property
    def authenticate(self) -> Authenticating: ...

    @property
    def sessions(self) -> Sessions: ...


class Identify:
    """`access` None: nobody needs to log in, and everybody is the person at this machine."""

    def __init__(self, app: ASGIApp, *, access: Doorkeeper | None, challenges: Challenges, replies: Replies) -> None:
        self._app = app
        self._access = access
        self._challenges = challenges
        self._replies = replies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            elif scope["type"] == "websocket":
                # There are none here, for nobody. Left unanswered, each would be an error in the log.
                await send({"type": "websocket.close", "code": 1008})
            return
        state = scope.setdefault("state", {})
        state[CHALLENGES] = self._challenges
        sent = credentials_of(scope, self._challenges.cookie_name(scope))
        try:
            identity = await self._identify(sent, scope["method"])
        except GatewayError as error:
            await error_reply(Request(scope), self._replies, await self._noted(error, scope))(scope, receive, send)
            return
        state[IDENTITY], state[CALLER] = identity, identity.caller
        if identity.fault is not None and not isinstance(identity.fault, SessionEnded):
            identity.fault = await self._noted(identity.fault, scope)
        if identity.caller is None:
            await self._unknown(identity, scope, receive, send)
        elif self._access is None:
            await self._app(scope, receive, send)
        else:
            holds = partial(_still_holds, self._access, sent)
            await self._app(scope, receive, WhileItHolds(send, holds, self._replies.clock.monotonic))

    async def _noted(self, error: GatewayError, scope: Scope) -> GatewayError:
        """The error, once the trail tells of it; or that the trail cannot."""
        if self._access is None or error.category not in ("unauthenticated", "forbidden"):
            return error
        known = error.caller if isinstance(error, TokenRefused | TenantMismatch) else None
        whose = {} if known is None else {"caller": known}
        try:
            await self._access.governor.note_refused_login(
                error, **whose, correlation_id=str(scope["state"].get("correlation_id", ""))
            )
        except AuditUnavailable as away:
            return away
        return error

    async def _identify(self, sent: Credentials, method: str) -> Identity:
        """Raises what refuses a token. What is wrong with a cookie is left to the routes: the page itself must load to say so."""
        access = self._access
        if access is None:
            _check_tenant(LOCAL_CALLER, sent)
            return Identity(LOCAL_CALLER)
        if sent.fault is not None:
            raise sent.fault
        if sent.token is not None:
            caller = access.authenticate.remembered(sent.token) or await access.authenticate(sent.token)
            _check_tenant(caller, sent)
            if sent.session_id:
                await _check_same(access.sessions, caller, sent.session_id)
            return Identity(caller)
        if not sent.session_id:
            return Identity(None)
        try:
            caller = await _by_cookie(access.sessions, sent, method)
        except GatewayError as error:
            return Identity(None, fault=error, session_id=sent.session_id)
        return Identity(caller, session_id=sent.session_id)

    async def _unknown(self, identity: Identity, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets through what a route answers for everybody, and refuses whatever no route asked about: a 404 too."""
        refused = False

        async def unless_unasked(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and not identity.asked:
                refused = True
                await error_reply(Request(scope), self._replies, identity.fault or Unauthenticated())(scope, receive, send)
            if not refused:
                await send(message)

        await self._app(scope, receive, unless_unasked)


def _check_tenant(caller: Caller, sent: Credentials) -> None:
    """X-Tenant-ID is a cross-check, never a choice. Raises `TenantMismatch`."""
    if sent.tenants and sent.tenants != (caller.tenant,):
        error = TenantMismatch()
        error.caller = caller
        raise error


async def _by_cookie(sessions: Sessions, sent: Credentials, method: str) -> Caller:
    session = await sessions.find(sent.session_id)
    if session is None:
        raise SessionEnded
    if method not in SAFE_METHODS and not csrf_fits(session, sent.csrf):
        raise CsrfRefused
    _check_tenant(session.caller, sent)
    return session.caller


async def _still_holds(access: Doorkeeper, sent: Credentials) -> bool:
    try:
        if sent.token is None:
            return await access.sessions.find(sent.session_id) is not None
        if access.authenticate.remembered(sent.token) is None:
            await access.authenticate(sent.token)
    except GatewayError:
        return False
    return True


async def _check_same(sessions: Sessions, caller: Caller, session_id: str) -> None:
    session = await sessions.find(session_id)
    if session is not None and session.caller != caller:
        raise CredentialsUnclear("The token and the cookie are of different callers.")
