"""Serving an MCP server: Streamable HTTP in both eras, the older HTTP+SSE, and stdio.

`mcp_app` is what a port or a mount point needs: both HTTP transports, `/health`, and the Host and Origin check in front of all
of it. A mounted application's lifespan is not run by its parent: whoever mounts one enters
`app.router.lifespan_context(app)`. The server's watcher runs inside that lifespan.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeAlias

import structlog
import uvicorn
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Json, Unavailable
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.entrypoints.http.identity import CALLER
from mcp_gateway.entrypoints.mcp.quick_http import QuickHttp
from mcp_gateway.entrypoints.mcp.server import McpFace

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
MAX_SESSIONS = 1_000
# Of one caller, so that nobody can take up all there are.
MAX_SESSIONS_OF_ONE = 250
MAX_SSE_CONNECTIONS = 256
SESSION_IDLE_SECONDS = 600.0
MAX_BODY_BYTES = 4 * 1024 * 1024
HEALTH_TIMEOUT_SECONDS = 5.0
SHUTDOWN_SECONDS = 3

# Puts a step that knows callers before an application.
Guard: TypeAlias = Callable[[ASGIApp], ASGIApp]

_log = structlog.get_logger(__name__)


class AddressInUse(Unavailable):
    """The address to listen on is taken."""

    code = "ADDRESS_IN_USE"
    hint = "Stop the other program, or choose another port with --port."
    retryable = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Doors:
    """Which names a request may use for this server, against DNS rebinding.

    `hosts` and `origins` come besides the loopback names; a host is `name` or `name:port`, an origin `https://name[:port]`.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def settings(self) -> TransportSecuritySettings:
        hosts = [f"{name}{port}" for name in LOOPBACK_NAMES for port in ("", ":*")]
        origins = [f"http://{host}" for host in hosts]
        return TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*hosts, *self.hosts],
            allowed_origins=[*origins, *self.origins],
        )


def mcp_app(
    face: McpFace, *, path: str = "/mcp", doors: Doors | None = None, sse: bool = True, guard: Guard | None = None
) -> Starlette:
    """Streamable HTTP at `path`, HTTP+SSE at `/sse` and `/messages/`, and `/health`.

    `guard` stands before all of it; without one, whoever reaches the port is the person at this machine.
    """
    security = (doors or Doors()).settings()
    manager = _session_manager(face, security)
    routes: list[BaseRoute] = [Route(path, endpoint=StreamableHTTPASGIApp(manager)), Route("/health", _health(face))]
    if sse:
        routes.extend(_sse_routes(face, security))
    return _application(face, routes, security, manager, guard)


async def run_stdio(face: McpFace) -> None:
    """Serve one client over stdin and stdout until it closes them."""
    async with watching(face), stdio_server() as (reader, writer):
        await face.server.run(reader, writer, face.server.create_initialization_options())


@contextlib.asynccontextmanager
async def watching(face: McpFace) -> AsyncIterator[None]:
    """Runs the server's watcher for as long as the block lasts."""
    task = asyncio.ensure_future(face.watch()) if face.watch is not None else None
    try:
        yield
    finally:
        face.changes.close()
        await end_tasks(task)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine alone."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `AddressInUse`, naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, the protocol lets asyncio send small answers at once; left out, each waits 40 ms for the other side's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise AddressInUse(f"Cannot listen on {host}:{port}: {error.strerror}.", host=host, port=port) from error
    listener.setblocking(False)
    return listener


async def serve_http(app: ASGIApp, *listeners: socket.socket, before_stop: Sequence[Callable[[], None]] = ()) -> None:
    """Answer on the sockets until SIGINT or SIGTERM. `before_stop` is called first, to end streams that never end.

    Cancelled, it cuts off whoever is connected.
    """
    server = _PoliteServer(server_config(app), before_stop)
    try:
        await server.serve(sockets=list(listeners))
    finally:
        server.cut_off()


def server_config(app: ASGIApp) -> uvicorn.Config:
    """How every port of ours is served. Forwarding headers change nothing: nobody chooses where a request came from."""
    return uvicorn.Config(
        app,
        http=QuickHttp,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        lifespan="on",
    )


class _PoliteServer(uvicorn.Server):
    """A server that says goodbye on open streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, before_stop: Sequence[Callable[[], None]]) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Being asked to stop is no failure, so none is raised again; stopping is bounded, so a second signal changes nothing."""
        self.should_exit = True

    def cut_off(self) -> None:
        """No connection outlives the server, and none comes anew."""
        for listening in getattr(self, "servers", ()):
            listening.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for say_goodbye in self._before_stop:
            say_goodbye()
        await super().shutdown(sockets)


def _session_manager(face: McpFace, security: TransportSecuritySettings) -> StreamableHTTPSessionManager:
    return _FairSessions(
        app=face.server,
        security_settings=security,
        session_idle_timeout=SESSION_IDLE_SECONDS,
        max_request_body_size=MAX_BODY_BYTES,
        max_sessions=MAX_SESSIONS,
    )


class _FairSessions(StreamableHTTPSessionManager):
    """Gives no caller more than their share. The SDK bounds only all sessions together and has no public place to say more."""

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        owned = sum(owner == requestor for owner in self._session_owners.values()) if requestor is not None else 0
        return super()._admit_session(requestor) if owned < MAX_SESSIONS_OF_ONE else None


def _sse_routes(face: McpFace, security: TransportSecuritySettings) -> list[BaseRoute]:
    transport = SseServerTransport("/messages/", security_settings=security, max_request_body_size=MAX_BODY_BYTES)
    return [
        Route("/sse", endpoint=_SseDoor(face, transport), methods=["GET"]),
        Mount("/messages/", app=transport.handle_post_message),
    ]


class _SseDoor:
    """The standing stream of the older transport, as a bare ASGI application: it writes its response itself."""

    def __init__(self, face: McpFace, transport: SseServerTransport) -> None:
        self._face = face
        self._transport = transport
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= MAX_SSE_CONNECTIONS:
            await Response("Too many open streams", status_code=503)(scope, receive, send)
            return
        self._open += 1
        server = self._face.server
        try:
            async with self._transport.connect_sse(scope, receive, send) as (reader, writer):
                await server.run(reader, writer, server.create_initialization_options())
        finally:
            self._open -= 1


def _application(
    face: McpFace,
    routes: list[BaseRoute],
    security: TransportSecuritySettings,
    manager: StreamableHTTPSessionManager,
    guard: Guard | None,
) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run(), watching(face):
            yield

    inner = [Middleware(_Everybody) if guard is None else Middleware(guard)]
    return Starlette(routes=routes, middleware=[Middleware(_Front, security=security), *inner], lifespan=lifespan)


class _Front:
    """What every HTTP request passes first: requests that name another host or come from another site's page are refused."""

    def __init__(self, app: ASGIApp, security: TransportSecuritySettings) -> None:
        self._app = app
        self._check = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = await self._check.validate_request(Request(scope), is_post=False)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # RFC 9110 5.5: blanks around a value are no part of it; the faster of uvicorn's two parsers leaves them there.
        trimmed = {**scope, "headers": [(name, value.strip(b" \t")) for name, value in scope["headers"]]}
        await _finished(self._app, trimmed, receive, send)


class _Everybody:
    """Takes everybody for the person at this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[CALLER] = LOCAL_CALLER
        await self._app(scope, receive, send)


async def _finished(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Completes a response that the application began and left: an event stream that ends because the server stops."""
    begun = complete = False

    async def noting_send(message: Message) -> None:
        nonlocal begun, complete
        begun = begun or message["type"] == "http.response.start"
        complete = complete or (message["type"] == "http.response.body" and not message.get("more_body", False))
        await send(message)

    await app(scope, receive, noting_send)
    if begun and not complete:
        await send({"type": "http.response.body", "body": b""})


def _health(face: McpFace) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def health(_: Request) -> Response:
        facts: Mapping[str, Json] = {}
        try:
            if face.health is not None:
                async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                    facts = await face.health()
        except (GatewayError, TimeoutError) as error:
            fault = error if isinstance(error, GatewayError) else Unavailable("The check took too long.")
            return JSONResponse({"status": "unhealthy", "server": face.identity.name, "error": fault.to_dict()}, 503)
        return JSONResponse({"status": "healthy", "server": face.identity.name, **facts})

    return health
