"""The links to upstream servers: which transport is spoken by what, and where requests may go."""

from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.types import ASGIApp

from mcp_gateway.adapters.egress import Egress, Network
from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.in_process import AsgiSending
from mcp_gateway.adapters.links.links import Links, Open, Outward
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.adapters.links.older import OlderEras
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Client
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.errors import ServerNotFound
from mcp_gateway.registry.model import Server

# The definition of a tool of a server, where it is known.
DefinitionOf: TypeAlias = Callable[[str, str], JsonObject | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltIn:
    """A server of this process. `target` is the path its MCP endpoint has in `app`.

    `state_of` makes the state of a request's scope, with the caller in it.
    """

    app: ASGIApp
    target: str
    state_of: Callable[[Client], MutableMapping[str, Any]]


def rules(allowed: Callable[[], Sequence[Network]]) -> Callable[[], Egress]:
    """The rules as they are now: the same object as long as the networks are."""
    kept = Egress(allow=tuple(allowed()))

    def current() -> Egress:
        nonlocal kept
        networks = allowed()
        if kept.allow != networks:
            kept = Egress(allow=tuple(networks))
        return kept

    return current


@asynccontextmanager
async def open_links(
    *,
    clock: Clock,
    allowed: Callable[[], Sequence[Network]],
    definition_of: DefinitionOf,
    built_in: Mapping[str, BuiltIn],
    older: OlderEras,
) -> AsyncIterator[Links]:
    """`allowed` are the inner networks servers may be in, as the registry has them now. `built_in` has servers by their name."""
    outward = Outward(Addresses(rules(allowed), clock=clock), clock=clock)
    links = Links(
        {
            "http": _over_http(outward, clock, definition_of, older),
            "sse": lambda server: older.sse(server, outward.sending(server)),
            "stdio": older.stdio,
            "built_in": _in_process(built_in, clock, definition_of),
        }
    )
    try:
        yield links
    finally:
        await links.close()


def _over_http(outward: Outward, clock: Clock, definition_of: DefinitionOf, older: OlderEras) -> Open:
    def opened(server: Server) -> Link:
        sending = outward.sending(server)
        modern = ModernLink(server, sending, clock=clock, definition_of=_of(server, definition_of))
        return older.any_era(server, sending, modern)

    return opened


def _in_process(built_in: Mapping[str, BuiltIn], clock: Clock, definition_of: DefinitionOf) -> Open:
    def opened(server: Server) -> Link:
        inside = built_in.get(server.name)
        if inside is None:
            raise ServerNotFound(server=server.name)
        sending = AsgiSending(
            inside.app, target=inside.target, state_of=inside.state_of, faults=Faults(server.name), limits=server.limits
        )
        return ModernLink(server, sending, clock=clock, definition_of=_of(server, definition_of))

    return opened


def _of(server: Server, definition_of: DefinitionOf) -> Callable[[str], JsonObject | None]:
    return lambda tool: definition_of(server.name, tool)
