"""Being told of changes, joined: watches over servers feed the bus, the bus feeds the catalog and whoever listens."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.catalog.catalog import Catalog
from mcp_gateway.federation.catalog.model import ListKind
from mcp_gateway.federation.catalog.ports import Surroundings
from mcp_gateway.federation.health.history import HealthHistory
from mcp_gateway.federation.health.prober import Noticing, Prober
from mcp_gateway.federation.model import Change, ChangeKind, Client
from mcp_gateway.federation.ports import ChangeBus, Link
from mcp_gateway.federation.subscriptions.counting import ChangeFigures
from mcp_gateway.federation.subscriptions.listening import Listening
from mcp_gateway.federation.subscriptions.offers import CatalogOffers
from mcp_gateway.federation.subscriptions.refresher import Refresher
from mcp_gateway.federation.subscriptions.standing import StandingWatches
from mcp_gateway.federation.subscriptions.watchers import Watchers
from mcp_gateway.kit.figures import NO_FIGURES, Figures
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.errors import ServerNotFound
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry
from mcp_gateway.wiring.following import repeat, running
from mcp_gateway.wiring.replicas import Replicas

POLICY_SECONDS: Final = 0.5
# Servers that are there without being asked for: programs are started by whoever uses them, built-in ones are ourselves.
LOOKED_AFTER: Final = frozenset({"http", "sse"})
_TOLD_AS: Final[dict[str, ChangeKind]] = {
    "tools": "tools",
    "prompts": "prompts",
    "resources": "resources",
    "templates": "resources",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriptions:
    """`listening` serves `subscriptions/listen`; `health` is how servers were when they were last looked at."""

    listening: Listening
    watchers: Watchers
    health: HealthHistory
    refresher: Refresher
    prober: Prober

    async def close(self) -> None:
        """Streams end with their result first."""
        await self.listening.close()
        await self.prober.rounds.close()
        await self.refresher.close()
        await self.watchers.close()


@asynccontextmanager
async def open_subscriptions(
    replicas: Replicas,
    around: Surroundings,
    registry: Registry,
    catalog: Catalog,
    definitions: Definitions,
    *,
    clock: Clock,
    figures: Figures = NO_FIGURES,
) -> AsyncIterator[Subscriptions]:
    """Everything that goes on by itself ends with this."""
    bus, gateway = replicas.bus, Client(caller=Caller(tenant="", subject="gateway"), info=around.info)
    roster = _Roster(registry, around)
    watchers = Watchers(link_of=roster.link_of, identity_of=roster.identity_of, gateway=gateway, bus=bus, spread=random.random)
    listening = Listening(CatalogOffers(catalog, around), watchers, bus)
    standing = StandingWatches(watchers, catalog, gateway=gateway, clock=clock)
    refresher = Refresher(_Rereading(registry, catalog, gateway), bus, spread=random.random)
    health = HealthHistory()
    prober = Prober(
        link_of=roster.link_of,
        gateway=gateway,
        history=health,
        clock=clock,
        spread=random.random,
        noticing=Noticing(on_recovery=lambda server: bus.tell(Change(server=server, kind="lost")), on_facts=standing.learn),
        figures=figures,
    )
    open_now = Subscriptions(listening=listening, watchers=watchers, health=health, refresher=refresher, prober=prober)
    counting = ChangeFigures(figures, listening, watchers)
    ends = [bus.subscribe(catalog.drop), bus.subscribe(counting.hear)]
    ends.append(_follow_registry(registry, open_now, standing))
    ends.append(definitions.follow(lambda: _tell_decisions(definitions, listening)))
    registry.attach(refreshing=_Forgetting(bus))
    policy = _PolicyWatch(around.policy_version, listening.reconsider, counting.look)
    try:
        async with running(repeat(policy.look, POLICY_SECONDS, "policy_not_followed")):
            for rounds in (refresher.rounds, prober.rounds):
                rounds.start()
            standing.start()
            yield open_now
    finally:
        for end in ends:
            end()
        standing.close()
        await open_now.close()


def _follow_registry(registry: Registry, parts: Subscriptions, standing: StandingWatches) -> Callable[[], None]:
    def changed() -> None:
        names = [one.name for one in registry.servers.values() if one.enabled and one.transport in LOOKED_AFTER]
        parts.refresher.serve(names)
        parts.prober.rounds.serve(names)
        standing.keep_only(names)
        parts.health.keep_only(names)
        parts.watchers.relink()
        parts.listening.reconsider()

    changed()
    return registry.follow(changed)


def _tell_decisions(definitions: Definitions, listening: Listening) -> None:
    """Every replica learns of them by itself, so the bus need not carry them."""
    for server, kind in definitions.decided:
        if kind in _TOLD_AS:
            listening.tell(Change(server=server, kind=_TOLD_AS[kind]))


class _Roster:
    """The registered servers as watchers and prober see them."""

    def __init__(self, registry: Registry, around: Surroundings) -> None:
        self._registry, self._links = registry, around.links

    def link_of(self, name: str) -> Link | None:
        """None: it is not there or not enabled. Raises what making a link raises."""
        server = self._registry.servers.get(name)
        return self._links.link(server) if server is not None and server.enabled else None

    def identity_of(self, name: str, client: Client) -> str:
        """Only with token exchange a server knows each caller; to all others everybody is the gateway."""
        server = self._registry.servers.get(name)
        return _identity(client.caller) if server is not None and server.credential.kind == "token_exchange" else ""


class _PolicyWatch:
    """Whether there is another policy than before; `count` is called each time."""

    def __init__(self, version: Callable[[], str], changed: Callable[[], None], count: Callable[[], None]) -> None:
        self._version, self._changed, self._count = version, changed, count
        self._seen = version()

    async def look(self) -> None:
        self._count()
        version = self._version()
        if version != self._seen:
            self._seen = version
            self._changed()


class _Rereading:
    """Implements `Rereading` in the gateway's own name."""

    def __init__(self, registry: Registry, catalog: Catalog, gateway: Client) -> None:
        self._registry, self._catalog, self._gateway = registry, catalog, gateway

    async def reread(self, server: str, kind: ListKind) -> bytes | None:
        registered = self._registry.servers.get(server)
        if registered is None or not registered.enabled:
            raise ServerNotFound(server=server)
        return await self._catalog.reread(registered, kind, self._gateway)


class _Forgetting:
    """Implements `Refreshing`: what may have been missed is asked for anew."""

    def __init__(self, bus: ChangeBus) -> None:
        self._bus = bus

    async def refresh(self, server: Server) -> None:
        await self._bus.publish(Change(server=server.name, kind="lost"))


def _identity(caller: Caller) -> str:
    """Tells callers apart, and says nothing of them."""
    said = f"{caller.tenant}\0{caller.issuer}\0{caller.subject}".encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).hexdigest()
