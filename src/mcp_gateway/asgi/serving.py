"""From addresses to a running server: sockets, the loopback rule, and an orderly end."""

import contextlib
import gc
import resource
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_gateway.access.access import Access
from mcp_gateway.core.errors import Forbidden
from mcp_gateway.entrypoints.mcp.hosting import AddressInUse, is_loopback, listen_on, serve_http
from mcp_gateway.settings import Settings

PORTS_TRIED = 20
# More than a few dozen requests hold at once.
OBJECTS_PER_COLLECTION = 10_000
# Every client that listens holds a connection, and so does every server that is watched.
OPEN_FILES = 65_536


class RemoteWithoutLogin(Forbidden):
    """Listening beyond loopback is refused while no provider says who people are: a token of this gateway is for this machine."""

    code = "REMOTE_WITHOUT_LOGIN"
    hint = "Set OIDC_ISSUER, OIDC_AUDIENCE and OIDC_TENANT, or name a provider in ACCESS_FILE; or listen on 127.0.0.1."


@dataclass(frozen=True, kw_only=True, slots=True)
class Listeners:
    """The open sockets. `mcp` None: MCP shares the main port."""

    host: str
    main: socket.socket
    mcp: socket.socket | None = None

    @property
    def port(self) -> int:
        return int(self.main.getsockname()[1])

    @property
    def mcp_port(self) -> int:
        return int((self.mcp or self.main).getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{_in_url(self.host)}:{self.port}"

    @property
    def mcp_url(self) -> str:
        return f"http://{_in_url(self.host)}:{self.mcp_port}"

    def close(self) -> None:
        """Closing twice does nothing."""
        for listener in (self.main, self.mcp):
            if listener is not None:
                listener.close()


def open_listeners(settings: Settings) -> Listeners:
    """Raises `RemoteWithoutLogin` or `AddressInUse`."""
    host = settings.fastapi_host
    if not is_loopback(host):
        require_login(settings, host)
    main = listen_on(host, settings.fastapi_port)
    if settings.mcp_port is None:
        return Listeners(host=host, main=main)
    try:
        return Listeners(host=host, main=main, mcp=listen_on(host, settings.mcp_port))
    except AddressInUse:
        main.close()
        raise


def require_login(settings: Settings, host: str) -> None:
    """Raises `RemoteWithoutLogin` unless callers from elsewhere must log in at a provider."""
    if settings.login == "none":
        raise RemoteWithoutLogin(
            "Without login only this machine may reach the gateway.", hint="Leave out --no-login.", host=host
        )
    if settings.oidc_issuer is None and settings.access_file is None:
        raise RemoteWithoutLogin(host=host)


def require_provider(access: Access | None, host: str) -> None:
    """The same once the access file is read: it may name none. Raises `RemoteWithoutLogin`."""
    if not is_loopback(host) and (access is None or not access.providers):
        raise RemoteWithoutLogin(host=host)


def open_listeners_near(host: str, port: int) -> Listeners:
    """One socket on `port` or one of the next ones, whichever is free first."""
    for candidate in range(port, port + PORTS_TRIED):
        with contextlib.suppress(AddressInUse):
            return Listeners(host=host, main=listen_on(host, candidate))
    return Listeners(host=host, main=listen_on(host, 0))


async def serve_apps(main: ASGIApp, mcp: ASGIApp, listeners: Listeners, goodbyes: Sequence[Callable[[], None]]) -> None:
    """Answer on the sockets until SIGINT or SIGTERM. `goodbyes` are called first, to end streams that never end by themselves."""
    app = main if listeners.mcp is None else PortSwitch(main, mcp, mcp_port=listeners.mcp_port)
    sockets = [listener for listener in (listeners.main, listeners.mcp) if listener is not None]
    _allow_open_files()
    # What start-up made stays until the end: garbage collection need not walk through it for every few questions. Nor need it
    # walk through every request under way whenever a few more begin, which took a tenth of the time of a short one.
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_PER_COLLECTION, *before[1:])
    try:
        await serve_http(app, *sockets, before_stop=goodbyes)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _allow_open_files() -> None:
    """As many as the system lets us; it usually starts programs with a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class PortSwitch:
    """Two applications in one server, told apart by the port a request came in on; so both live and end together."""

    def __init__(self, main: ASGIApp, mcp: ASGIApp, *, mcp_port: int) -> None:
        self._main = main
        self._mcp = mcp
        self._mcp_port = mcp_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server") or ("", 0)
        await (self._mcp if server[1] == self._mcp_port else self._main)(scope, receive, send)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
