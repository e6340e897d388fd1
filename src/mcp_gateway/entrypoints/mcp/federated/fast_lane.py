"""The short way of the commonest request: a program's POST to an MCP endpoint, with a token that was believed before.

Every check of the long way (`entrypoints/http/app.py: add_steps`) holds here too, in one step instead of ten. Whatever is out of
the ordinary in any way, and whatever would be refused, takes the long way: only it refuses.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.access.tokens.authenticate import digest_of
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
from mcp_gateway.entrypoints.mcp.federated.heads import Head
from mcp_gateway.entrypoints.mcp.quick_http import kept_of

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
_KEPT: Final = "fast_lane"


class _Usual(NamedTuple):
    """What the head of a request says, when everything about it is as usual. `correlation_id` "": it names none."""

    token: str
    digest: bytes
    correlation_id: str
    head: Head


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
        kept = kept_of(scope)
        usual: _Usual | None = None if kept is None else kept.get(_KEPT)
        if usual is None and self._endpoint.view_at(scope["path"]) is not None:
            usual = self._read(scope)
        caller = None if usual is None else self._authenticate.remembered_as(usual.digest)
        view = None if caller is None else self._endpoint.view_for(caller, scope["path"], scope["query_string"])
        if view is None or caller is None or usual is None:
            await self._long_way(scope, receive, send)
            return
        if kept is not None:
            # Only now: whoever is not known here would only fill the memory.
            kept[_KEPT] = usual
        # How long it may take is bounded where it is read off the wire (`bounded_http.py`).
        message = await receive()
        body = message.get("body", b"")
        value = clear_value(body) if message["type"] == "http.request" and not message.get("more_body", False) else None
        if not isinstance(value, dict):
            await self._long_way(scope, given_again(message, receive), send)
            return
        correlation_id = usual.correlation_id or f"{self._ids}{next(self._numbers):x}"
        self._note(scope, caller, correlation_id)
        dressed = _Dressed(send, usual, correlation_id, self._authenticate, self._monotonic)
        await self._endpoint.post(
            scope, receive, dressed, view=view, sender=Sender(caller, usual.token), body=body, message=value, head=usual.head
        )

    def _read(self, scope: Scope) -> _Usual | None:
        """None: something about the head is not as usual."""
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
        # Only a token that was found well formed is remembered, so its form need not be looked at again.
        if not authorization.startswith(_BEARER) or not authorization.isascii():
            return None
        token = authorization[len(_BEARER) :].decode("ascii")
        return _Usual(token, digest_of(token), correlation if WELL_FORMED.fullmatch(correlation) else "", Head(scope))

    def _is_right(self, host: bytes) -> bool:
        if self._names.fault((host.decode("latin-1"),), None) is not None:
            return False
        if len(self._right_hosts) < MAX_HOSTS:
            self._right_hosts.add(host)
        return True

    def _note(self, scope: Scope, caller: Caller, correlation_id: str) -> None:
        """What later steps look for in the scope and in the context."""
        identity = Identity(caller)
        identity.asked = True
        state = scope.setdefault("state", {})
        state["correlation_id"] = correlation_id
        state[CHALLENGES], state[IDENTITY], state[CALLER] = self._challenges, identity, caller
        # The server runs each request in a context of its own, so nothing needs to be put back.
        CORRELATION_ID.set(correlation_id)


class _Dressed:
    """Stands in for `send`: puts the headers on, and ends a stream whose token holds no longer."""

    __slots__ = ("_authenticate", "_correlation_id", "_monotonic", "_send", "_usual")

    def __init__(
        self, send: Send, usual: _Usual, correlation_id: str, authenticate: Authenticating, monotonic: Callable[[], float]
    ) -> None:
        self._send, self._usual, self._correlation_id = send, usual, correlation_id
        self._authenticate, self._monotonic = authenticate, monotonic

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            names = [name for name, _ in headers]
            if b"content-length" not in names:
                self._send = WhileItHolds(self._send, partial(_holds, self._authenticate, self._usual.digest), self._monotonic)
            further = [header for header in _SECURITY if header[0] not in names]
            correlation = (_CORRELATION, self._correlation_id.encode("latin-1"))
            message = {**message, "headers": [*headers, *further, correlation]}
        await self._send(message)


async def _holds(authenticate: Authenticating, digest: bytes) -> bool:
    return authenticate.remembered_as(digest) is not None
