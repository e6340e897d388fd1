"""How a stand-alone MCP server is reached: the options and the serving that `tables` and `glossary` share."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from mcp_gateway.asgi.serving import RemoteWithoutLogin
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.entrypoints.mcp.hosting import Doors, is_loopback, listen_on, mcp_app, run_stdio, serve_http
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.traffic import open_traffic


class Transport(StrEnum):
    """How clients reach the server. `http` and `sse` are the same port: both transports are always served together."""

    HTTP = "http"
    SSE = "sse"
    STDIO = "stdio"


TransportOption = Annotated[
    Transport,
    typer.Option(help="http serves Streamable HTTP at /mcp and SSE at /sse; sse is another name for it; stdio one client."),
]
HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
NameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", help="A name or address by which clients reach this server, beside the loopback ones; repeatable."
    ),
]
OriginOption = Annotated[
    list[str] | None, typer.Option("--allow-origin", help="A web origin whose pages may call this server; repeatable.")
]
RemoteOption = Annotated[
    bool, typer.Option("--allow-remote-without-login", help="Listen beyond loopback although nobody has to log in.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpDoor:
    """Where to listen, and by which names; `names` and `origins` come besides the loopback ones."""

    host: str
    port: int
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    remote_allowed: bool = False


def http_door(host: str, port: int, names: list[str] | None, origins: list[str] | None, *, remote_allowed: bool) -> HttpDoor:
    """The door as the options have it."""
    return HttpDoor(
        host=host,
        port=port,
        names=tuple(names or ()),
        origins=tuple(origins or ()),
        remote_allowed=remote_allowed,
    )


async def serve(face: McpFace, transport: Transport, door: HttpDoor, settings: Settings) -> None:
    """Serve until the client leaves (stdio) or SIGINT or SIGTERM comes (HTTP, with the limits of `settings`).

    Raises `AddressInUse`, `RemoteWithoutLogin` and `InvalidStoreUrl`.
    """
    if transport is Transport.STDIO:
        await run_stdio(face)
        return
    if not is_loopback(door.host) and not door.remote_allowed:
        raise RemoteWithoutLogin(
            "This server asks nobody to log in, so whoever reaches the port could read everything behind it.",
            hint="Put the gateway before it and listen on 127.0.0.1, or say --allow-remote-without-login in a trusted network.",
            host=door.host,
        )
    listener = listen_on(door.host, door.port)
    port = listener.getsockname()[1]
    where = f"http://{f'[{door.host}]' if ':' in door.host else door.host}:{port}"
    sys.stderr.write(f"{face.identity.name}: {where}/mcp (Streamable HTTP), {where}/sse (SSE), {where}/health\n")
    names = tuple(form for name in door.names for form in (name, f"{name}:{port}"))
    doors = Doors(hosts=(*names, f"{door.host}:{port}"), origins=door.origins)
    async with open_traffic(settings, clock=SystemClock()) as traffic:
        face.limit(traffic.limiter)
        await serve_http(mcp_app(face, doors=doors), listener, before_stop=[face.changes.close])
