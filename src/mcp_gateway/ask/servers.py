"""The servers of the configuration, connected: all at once, kept by priority, replaced when the configuration changes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from mcp_gateway.ask.configuration import MCPConfig, MCPServerConfig, OrchestrationConfig
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.ask.resource_cache import ResourceCopies
from mcp_gateway.ask.shelf import Shelf, Shelves, identity_of
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, NoMCPAvailableError
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.kit.cache.memory import MemorySharedLevel

MakeServer: TypeAlias = Callable[[MCPServerConfig], UpstreamServer]
ShelfOf: TypeAlias = Callable[[MCPServerConfig], Shelf]

MAX_CONNECTING_AT_ONCE = 10
# A question under way may still use a server that the new configuration no longer names.
DRAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Member:
    """One configured server with its copies."""

    config: MCPServerConfig
    server: UpstreamServer
    copies: ResourceCopies

    @property
    def key(self) -> str:
        return self.config.key


class Servers:
    """Owns every connection. `make` builds a server from its configuration and does not connect it."""

    def __init__(
        self,
        config: MCPConfig,
        make: MakeServer,
        clock: Clock,
        *,
        shelf_of: ShelfOf | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`shelf_of` says where a server's copies lie; None: in this process."""
        self._make, self._clock, self._sleep = make, clock, sleep
        self._own_shelves = Shelves(MemorySharedLevel(clock=clock), clock=clock)
        self._shelf_of = shelf_of or (lambda config: self._own_shelves.shelf(identity_of(config)))
        self._draining: set[asyncio.Task[None]] = set()
        self._leaving: list[Member] = []
        self.config = config
        self.members: tuple[Member, ...] = tuple(self._member(server, config.orchestration) for server in config.mcp_servers)

    @property
    def orchestration(self) -> OrchestrationConfig:
        return self.config.orchestration

    @property
    def database(self) -> Member:
        """The most trusted server that runs queries. Raises `NoMCPAvailableError` when none can."""
        found = next((member for member in self.members if member.config.runs_queries), None)
        if found is None:
            hint = "Give the server with the database `capabilities: [execute_query]`, or add such a server."
            raise NoMCPAvailableError("No configured MCP server runs queries.", hint=hint)
        return found

    async def connect(self) -> dict[str, GatewayError]:
        """Connect to all at the same time. What failed, by server; never raises for a server."""
        gate = asyncio.Semaphore(MAX_CONNECTING_AT_ONCE)

        async def connect_one(member: Member) -> GatewayError | None:
            async with gate:
                try:
                    await member.server.connect()
                except GatewayError as error:
                    return error
                return None

        failures = await asyncio.gather(*(connect_one(member) for member in self.members))
        return {member.key: failure for member, failure in zip(self.members, failures, strict=True) if failure is not None}

    async def replace(self, config: MCPConfig) -> dict[str, GatewayError]:
        """Take on a new configuration. Servers it leaves as they were keep their connection; what failed, by server."""
        same_rule = config.orchestration == self.config.orchestration
        known = {member.key: member for member in self.members}
        members: list[Member] = []
        for server in config.mcp_servers:
            old = known.get(server.key)
            if old is not None and old.config == server:
                members.append(old if same_rule else self._member(server, config.orchestration, old.server))
            else:
                members.append(self._member(server, config.orchestration))
        staying = {id(member.server) for member in members}
        leaving = [member for member in self.members if id(member.server) not in staying]
        self.config, self.members = config, tuple(members)
        log.info("configuration_taken", servers=[member.key for member in members], leaving=[member.key for member in leaving])
        for member in leaving:
            self._leaving.append(member)
            begin_task(self._drain(member), self._draining, name=f"drain-{member.key}")
        return await self.connect()

    async def close(self) -> None:
        """Close all at the same time, each within its bound; never raises."""
        for task in tuple(self._draining):
            task.cancel()
        await asyncio.gather(*(member.server.close() for member in (*self.members, *self._leaving)))
        await self._own_shelves.close()
        self._leaving.clear()

    async def _drain(self, member: Member) -> None:
        await self._sleep(DRAIN_SECONDS)
        await member.server.close()
        self._leaving.remove(member)

    def _member(self, config: MCPServerConfig, rule: OrchestrationConfig, server: UpstreamServer | None = None) -> Member:
        server = server or self._make(config)
        return Member(config=config, server=server, copies=ResourceCopies(server, rule, self._clock, self._shelf_of(config)))
