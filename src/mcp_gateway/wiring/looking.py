"""How the registry looks at a server, and how it makes every replica forget what it kept of one."""

from collections.abc import Callable

from mcp_gateway.adapters.inspect_server import InspectServer
from mcp_gateway.adapters.inspecting.challenge import Challenges
from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.links import Links, Outward
from mcp_gateway.adapters.registry_directory import LIMITS, RegistryDirectory
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import ChangeBus, Link, Watch
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry
from mcp_gateway.wiring.links import rules


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


def inspector(links: Links, registry: Registry, definitions: Definitions, clock: Clock, *, version: str) -> InspectServer:
    """Connects anew each time, so that it finds what a first call would find; and what it finds is what is locked."""
    outward = Outward(Addresses(rules(lambda: registry.allowed_networks), clock=clock), clock=clock)

    def link_to(server: Server) -> Link:
        # A program that holds a file or a port of its own must not be run twice.
        return _Lent(links.link(server)) if server.transport == "stdio" else links.fresh(server)

    return InspectServer(
        link_to,
        clock,
        version=version,
        challenge=Challenges(outward.sending).of,
        allowed=lambda: registry.allowed_networks,
        observe=definitions.observe,
    )


def directory(registry: Registry, clock: Clock) -> RegistryDirectory:
    """Asks registries under the rules for every other way out."""
    outward = Outward(Addresses(rules(lambda: registry.allowed_networks), clock=clock), clock=clock)
    return RegistryDirectory(lambda url, faults: outward.client(url, faults, LIMITS))


def attach_looking(
    registry: Registry, links: Links, definitions: Definitions, bus: ChangeBus, clock: Clock, *, version: str
) -> None:
    """What `servers add`, `test` and `refresh` need of the parts that themselves need a registry."""
    looking = inspector(links, registry, definitions, clock, version=version)
    registry.attach(inspecting=looking, refreshing=Refresh(bus), directory=directory(registry, clock))
