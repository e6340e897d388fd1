"""Decisions about definitions without a running gateway, for the commands: the store, the servers file, access."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.definitions.approvals import Approvals
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.model import Server
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.definitions import open_definitions
from mcp_gateway.wiring.registry import open_registry
from mcp_gateway.wiring.store import open_own_store


@asynccontextmanager
async def open_approvals_alone(settings: Settings, clock: Clock) -> AsyncIterator[Approvals]:
    """A running gateway sees what is decided within half a second. Raises as `open_access` and `open_registry`."""
    async with (
        open_own_store(settings) as engine,
        open_access(settings, clock=clock, engine=engine, connection=None, serving=False) as access,
        open_registry(settings, clock=clock, engine=engine, access=access, follow=False) as registry,
        open_definitions(engine, clock, follow=False) as definitions,
    ):
        yield Approvals(definitions, _WithBuiltIn(registry, definitions), access.governor, clock)


class _WithBuiltIn:
    """Implements `Seeing`: what is seen of servers that only a running gateway has, its own, is theirs."""

    def __init__(self, registry: Registry, definitions: Definitions) -> None:
        self._registry = registry
        seen = {record.server for record in definitions.records()} - registry.servers.keys()
        self._built_in = {name: Server(name=name, transport="built_in", source="built_in") for name in seen}

    @property
    def servers(self) -> Mapping[str, Server]:
        return {**self._built_in, **self._registry.servers}

    def may_see(self, caller: Caller, item: Server) -> bool:
        return self._registry.may_see(caller, item)

    def sees_details(self, caller: Caller, item: Server) -> bool:
        return self._registry.sees_details(caller, item)
