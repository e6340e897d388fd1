"""The short way of the commonest request: a program's POST to an MCP endpoint, with a token that was believed before.

Every check of the long way (`entrypoints/http/app.py: add_steps`) holds here too, in one step instead of ten. Whatever is out of
the ordinary in any way, and whatever would be refused, takes the long way: only it refuses.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final, NamedTuple

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.correlation import CORRELATION_ID
from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.http.challenge import CHALLENGES, Challenges
from mcp_gateway.entrypoints.http.identify import Authenticating
from mcp_gateway.entrypoints.http.identity import CALLER, IDENTITY, Identity
from mcp_gateway.entrypoints.http.middleware import CORRELATION_HEADER, SECURITY_HEADERS, WELL_FORMED, Names
from mcp_gateway.entrypoints.http.standing import WhileItHolds
from mcp_gateway.entrypoints.http.strict_json import clear_value, given_again
from mcp_gateway.entrypoints.mcp.federated.endpoint import FederatedEndpoint, Sender

# The headers that mean something to programs; the others are for browsers, which do not come this way.
_FOR_PROGRAMS: Final = ("X-Content-Type-Options", "Cache-Control")
_SECURITY: Final = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS if name in _FOR_PROGRAMS]
_BEARER: Final = b"Bearer "
_CORRELATION: Final = CORRELATION_HEADER.lower().encode()
# With any of these there is more to look at than a token.
_UNUSUAL: Final = frozenset(
    {b"origin", b"cookie", b"x-tenant-id", b"x-csrf-token", b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"}
)
MAX_HOSTS: Final = 64


class _Admitted(NamedTuple):
    caller: Caller
    token: str
    correlation_id: str


class FastLane:
    """`long_way` answers everything else. The other arguments are what the long way's steps hold requests to."""

    def __init__(
        self,
        long_way: ASGIApp,
        endpoint: FederatedEndpoint,
        *,
        authenticate: Authenticating,
        names: Names,
        challenges: Challenges,
        clock: Clock,
        new_id: Callable[[], str],
        max_body_bytes: int,
    ) -> None:
        self._long_way, self._endpoint = long_way, endpoint
        self._authenticate, self._names, self._challenges = authenticate, names, challenges
        self._monotonic, self._max_body_bytes = clock.monotonic, max_body_bytes
        self._ids, self._numbers = f"{new_id()[:16]}-", count(1)
        # Host headers that were found right.
        self._right_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._long_way(scope, receive, send)
            return
        if self._endpoint.view_at(scope["path"]) is None:
            await self._long_way(scope, receive, send)
            return
        admitted = self._admit(scope)
        view = None if admitted is None else self._endpoint.view_for(admitted.caller, scope["path"], scope["query_string"])
        if view is None or admitted is None:
            await self._long_way(scope, receive, send)
            return
        # How long it may take is bounded where it is read off the wire (`bounded_http.py`).
        message = await receive()
        body = message.get("body", b"")
        value = clear_value(body) if message["type"] == "http.request" and not message.get("more_body", False) else None
        if not isinstance(value, dict):
            await self._long_way(scope, given_again(message, receive), send)
            return
        self._note(scope, admitted)
        dressed = _Dressed(send, admitted, self._authenticate, self._monotonic)
        await self._endpoint.post(
            scope, receive, dressed, view=view, sender=Sender(admitted.caller, admitted.token), body=body, message=value
        )

    def _admit(self, scope: Scope) -> _Admitted | None:
        """Who it is, when everything about the head is as usual."""
        host = authorization = b""
        correlation = ""
        for name, value in scope["headers"]:
            if name == b"authorization":
                if authorization:
                    return None
                authorization = value
            elif name == b"host":
                if host:
                    return None
                host = value
            elif name == b"content-length":
                if not value.isdigit() or int(value) > self._max_body_bytes:
                    return None
            elif name == _CORRELATION:
                correlation = value.decode("latin-1")
            elif name in _UNUSUAL:
                return None
        if host not in self._right_hosts and not self._is_right(host):
            return None
        return self._believed(authorization, correlation)

    def _believed(self, authorization: bytes, correlation: str) -> _Admitted | None:
        """Only a token that was found well formed is remembered, so its form need not be looked at again."""
        if not authorization.startswith(_BEARER) or not authorization.isascii():
            return None
        token = authorization[len(_BEARER) :].decode("ascii")
        caller = self._authenticate.remembered(token)
        if caller is None:
            return None
        return _Admitted(caller, token, correlation if WELL_FORMED.fullmatch(correlation) else self._next_id())

    def _next_id(self) -> str:
        """An id like no other: this process's own part, and a number."""
        return f"{self._ids}{next(self._numbers):x}"

    def _is_right(self, host: bytes) -> bool:
        if self._names.fault((host.decode("latin-1"),), None) is not None:
            return False
        if len(self._right_hosts) < MAX_HOSTS:
            self._right_hosts.add(host)
        return True

    def _note(self, scope: Scope, admitted: _Admitted) -> None:
        """What later steps look for in the scope and in the context."""
        identity = Identity(admitted.caller)
        identity.asked = True
        state = scope.setdefault("state", {})
        state["correlation_id"] = admitted.correlation_id
        state[CHALLENGES], state[IDENTITY], state[CALLER] = self._challenges, identity, admitted.caller
        # The server runs each request in a context of its own, so nothing needs to be put back.
        CORRELATION_ID.set(admitted.correlation_id)
        structlog.contextvars.bind_contextvars(correlation_id=admitted.correlation_id)


class _Dressed:
    """Stands in for `send`: puts the headers on, and ends a stream whose token holds no longer."""

    __slots__ = ("_admitted", "_authenticate", "_monotonic", "_send")

    def __init__(self, send: Send, admitted: _Admitted, authenticate: Authenticating, monotonic: Callable[[], float]) -> None:
        self._send, self._admitted = send, admitted
        self._authenticate, self._monotonic = authenticate, monotonic

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            if all(name != b"content-length" for name, _ in headers):
                self._send = WhileItHolds(self._send, partial(_holds, self._authenticate, self._admitted.token), self._monotonic)
            own = {name for name, _ in headers}
            headers = [*headers, *(one for one in _SECURITY if one[0] not in own)]
            headers.append((_CORRELATION, self._admitted.correlation_id.encode("latin-1")))
            message = {**message, "headers": headers}
        await self._send(message)


async def _holds(authenticate: Authenticating, token: str) -> bool:
    return authenticate.remembered(token) is not None
