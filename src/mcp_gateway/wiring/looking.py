"""How the registry looks at a server, and how it makes every replica forget what it kept of one."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from mcp_gateway.adapters.inspect_server import InspectServer
from mcp_gateway.adapters.inspecting.challenge import Challenges
from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.links import Links, Outward
from mcp_gateway.adapters.registry_directory import LIMITS, RegistryDirectory
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.model import METHOD_OF, ListKind
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import ChangeBus, Link, Watch
from mcp_gateway.registry.inspection import Inspection
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.ports import Inspecting
from mcp_gateway.registry.registry import Registry
from mcp_gateway.wiring.links import rules

LOCK_SECONDS: Final = 10.0
log = structlog.get_logger(__name__)


class Refresh:
    """Implements `registry.ports.Refreshing`: whatever might have changed counts as changed."""

    def __init__(self, bus: ChangeBus) -> None:
        self._bus = bus

    async def refresh(self, server: Server) -> None:
        await self._bus.publish(Change(server=server.name, kind="lost"))


class _Lent:
    """A link that others use too, so that closing it does nothing."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def name(self) -> str:
        return self._link.name

    async def facts(self, client: Client) -> UpstreamFacts:
        return await self._link.facts(client)

    async def send(self, request: Request) -> Reply:
        return await self._link.send(request)

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        return await self._link.watch(client, on_change)

    async def close(self) -> None:
        """Whoever lends it closes it."""


def inspector(links: Links, registry: Registry, clock: Clock, *, version: str) -> InspectServer:
    """Connects anew each time, so that it finds what a first call would find."""
    outward = Outward(Addresses(rules(lambda: registry.allowed_networks), clock=clock), clock=clock)

    def link_to(server: Server) -> Link:
        # A program that holds a file or a port of its own must not be run twice.
        return _Lent(links.link(server)) if server.transport == "stdio" else links.fresh(server)

    return InspectServer(
        link_to, clock, version=version, challenge=Challenges(outward.sending).of, allowed=lambda: registry.allowed_networks
    )


def directory(registry: Registry, clock: Clock) -> RegistryDirectory:
    """Asks registries under the rules for every other way out."""
    outward = Outward(Addresses(rules(lambda: registry.allowed_networks), clock=clock), clock=clock)
    return RegistryDirectory(lambda url, faults: outward.client(url, faults, LIMITS))


class _Locking:
    """Implements `Inspecting`: what a look found is what is locked, before anything changes again."""

    def __init__(self, inspecting: Inspecting, catalog: Catalog, gateway: Client) -> None:
        self._inspecting, self._catalog, self._gateway = inspecting, catalog, gateway

    async def inspect(self, server: Server, caller: Caller) -> Inspection:
        found = await self._inspecting.inspect(server, caller)
        if found.reachable and server.enabled:
            await asyncio.gather(*(self._lock(server, kind) for kind in METHOD_OF))
        return found

    async def _lock(self, server: Server, kind: ListKind) -> None:
        try:
            async with asyncio.timeout(LOCK_SECONDS):
                await self._catalog.reread(server, kind, self._gateway)
        except (GatewayError, TimeoutError) as error:
            # What could be read is told by the inspection; what could not is locked when it is read.
            log.info("list_not_locked", server=server.name, kind=kind, error=type(error).__name__)


def attach_looking(registry: Registry, links: Links, catalog: Catalog, bus: ChangeBus, clock: Clock, *, info: JsonObject) -> None:
    """What `servers add`, `test` and `refresh` need of the parts that themselves need a registry. `info` is our serverInfo."""
    gateway = Client(caller=Caller(tenant="", subject="gateway"), info=info)
    looking = _Locking(inspector(links, registry, clock, version=str(info["version"])), catalog, gateway)
    registry.attach(inspecting=looking, refreshing=Refresh(bus), directory=directory(registry, clock))
