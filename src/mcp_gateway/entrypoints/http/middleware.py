"""What happens to every request before its route, as plain ASGI so that streams stay streams.

Outermost first: `Correlate` (id in and out, one log line), `SecurityHeaders`, `Wall` (whatever is unhandled becomes the one
error shape), `GuardOrigin` (DNS rebinding and foreign web pages), CORS, `BodyLimit`.
"""

import re
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.correlation import CORRELATION_ID
from mcp_gateway.core.errors import Forbidden, Internal, TooLarge
from mcp_gateway.entrypoints.http.challenge import HOST
from mcp_gateway.entrypoints.http.errors import error_reply
from mcp_gateway.entrypoints.http.replies import Replies

log = structlog.get_logger(__name__)

CORRELATION_HEADER = "X-Correlation-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")
QUIET_PATHS = ("/api/health", "/health", "/metrics", "/api/metrics")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
STRICT_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What keeps a browser from doing more than the page needs; a response may bring its own.
SECURITY_HEADERS = (
    ("Content-Security-Policy", STRICT_CONTENT_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Correlate:
    """Takes the client's X-Correlation-ID when it is well formed, makes one otherwise, and answers with it."""

    def __init__(self, app: ASGIApp, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._app = app
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(CORRELATION_HEADER, "")
        correlation_id = offered if WELL_FORMED.fullmatch(offered) else self._new_id()
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        begun = self._clock.monotonic()
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION_HEADER] = correlation_id
            await send(message)

        set_before = CORRELATION_ID.set(correlation_id)
        try:
            await self._app(scope, receive, tagged)
        finally:
            level = 10 if scope["path"].startswith(QUIET_PATHS) else 20
            took = round((self._clock.monotonic() - begun) * 1000, 1)
            log.log(level, "request", method=scope["method"], path=scope["path"][:200], status=status, duration_ms=took)
            CORRELATION_ID.reset(set_before)


class Wall:
    """The outermost catch: logged with its traceback, answered without it."""

    def __init__(self, app: ASGIApp, *, replies: Replies) -> None:
        self._app = app
        self._replies = replies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("request_failed", path=scope["path"][:200])
            if started:
                raise
            await error_reply(Request(scope), self._replies, Internal())(scope, receive, send)


class Names:
    """Which host names and origins a request may name. `hosts` None: every host is right."""

    def __init__(self, hosts: Collection[str] | None, origins: Collection[str]) -> None:
        self._hosts = None if hosts is None else {host.lower() for host in hosts} | LOOPBACK_NAMES
        self._origins = {origin.rstrip("/").lower() for origin in origins}

    def fault(self, hosts: Sequence[str], origin: str | None) -> Forbidden | None:
        """What is wrong with the Host headers and the Origin of a request."""
        named = hosts[0] if len(hosts) == 1 else ""
        if not HOST.fullmatch(named):
            return Forbidden("The Host header is not one host name.", hint="Send the host and port of this gateway's address.")
        host = (_host_of(f"//{named}") or "").lower()
        if self._hosts is not None and host not in self._hosts:
            return Forbidden(f"This gateway is not {host[:100] or 'a nameless host'}.", hint="Add the name to ALLOWED_HOSTS.")
        if origin is None or origin.lower() in self._origins or origin.lower().split("://", 1)[-1] == named.lower():
            return None
        return Forbidden(f"Web pages of {origin[:100]} may not call this gateway.", hint="Add the origin to ALLOWED_ORIGINS.")


class GuardOrigin:
    """Refuses a request that names a foreign host, or comes from a web page that may not call us.

    Without it any page a user visits could reach a gateway on their loopback interface: by resolving its own name to
    127.0.0.1 (the Host is then foreign), or by posting to it (the Origin is then foreign).
    """

    def __init__(self, app: ASGIApp, *, names: Names, replies: Replies) -> None:
        self._app, self._names, self._replies = app, names, replies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            fault = self._names.fault(headers.getlist("host"), headers.get("origin"))
        if fault is None:
            await self._app(scope, receive, send)
            return
        await error_reply(Request(scope), self._replies, fault)(scope, receive, send)


class BodyLimit:
    """Refuses a body longer than `max_bytes`: at once when it says so itself, otherwise as soon as it has grown too long."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, replies: Replies) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._replies = replies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        received, exceeded = 0, False

        async def counted() -> Message:
            nonlocal received, exceeded
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                exceeded = True
                return {"type": "http.disconnect"}
            return message

        async def unless_exceeded(message: Message) -> None:
            if not exceeded:
                await send(message)

        try:
            await self._app(scope, counted, unless_exceeded)
        except ClientDisconnect:
            if not exceeded:
                raise
        if exceeded:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = TooLarge(f"The request body is longer than {self._max_bytes} bytes.", limit_bytes=self._max_bytes)
        await error_reply(Request(scope), self._replies, fault)(scope, receive, send)


class SecurityHeaders:
    """The headers that keep a browser from doing more than the page needs; a response may bring its own policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS:
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, hardened)


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
