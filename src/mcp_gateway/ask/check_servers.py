"""Tries each configured server for real: connects, lists, reads every resource, and times it. Changes nothing anywhere."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from mcp_gateway.ask.configuration import MCPConfig, MCPServerConfig
from mcp_gateway.ask.configuration.model import RUNS_QUERIES
from mcp_gateway.ask.documents import SCHEMA_URIS
from mcp_gateway.ask.find_values import TOOL as FINDS_VALUES
from mcp_gateway.ask.ports import InspectedServer, Resource
from mcp_gateway.ask.together import error_or
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json

MakeInspected: TypeAlias = Callable[[MCPServerConfig], InspectedServer]

SAMPLES = 5
MAX_READ = 100
READS_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerCheck:
    """What trying one server showed; times in milliseconds, None for what was not reached.

    `latency_ms` is the median of a few listings. `faults` say why it cannot be used as configured, `notes` what may surprise.
    """

    server: str
    name: str
    transport: str
    protocol: str = ""
    connect_ms: float | None = None
    latency_ms: float | None = None
    resources: int | None = None
    tools: int | None = None
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return not self.faults

    def to_dict(self) -> dict[str, Json]:
        return {
            "server": self.server, "name": self.name, "transport": self.transport, "usable": self.usable,
            "protocol": self.protocol, "connect_ms": self.connect_ms, "latency_ms": self.latency_ms, "resources": self.resources,
            "tools": self.tools, "faults": list(self.faults), "notes": list(self.notes),
        }  # fmt: skip


async def check_servers(config: MCPConfig, make: MakeInspected, clock: Clock) -> tuple[ServerCheck, ...]:
    """Every server, all at the same time, in the order of their priority."""
    return tuple(await asyncio.gather(*(_check(server, make(server), clock) for server in config.mcp_servers)))


def notes_on(config: MCPConfig) -> tuple[str, ...]:
    """What is allowed in a configuration and may still not be meant."""
    able = [server.key for server in config.mcp_servers if server.runs_queries]
    if not able:
        return (f"No server has the capability {RUNS_QUERIES}: resources can be gathered, questions cannot be answered.",)
    if len(able) > 1:
        return (f"Several servers have the capability {RUNS_QUERIES}; {able[0]} is asked, being most trusted.",)
    return ()


async def _check(config: MCPServerConfig, server: InspectedServer, clock: Clock) -> ServerCheck:
    try:
        return await _try(config, server, clock)
    except GatewayError as error:
        fault = f"{error.message} {error.hint}".strip()
        return ServerCheck(server=config.key, name=config.name, transport=config.transport, faults=(fault,))
    finally:
        await server.close()


async def _try(config: MCPServerConfig, server: InspectedServer, clock: Clock) -> ServerCheck:
    start = clock.monotonic()
    await server.connect()
    connect_ms = _since(start, clock)
    listing, tools = await server.list_resources(), await server.list_tools()
    times = []
    for _ in range(SAMPLES):
        start = clock.monotonic()
        await server.list_resources()
        times.append(_since(start, clock))
    unreadable = await _unreadable(server, listing.resources[:MAX_READ])
    return ServerCheck(
        server=config.key,
        name=config.name,
        transport=config.transport,
        protocol=server.protocol,
        connect_ms=connect_ms,
        latency_ms=round(median(times), 1),
        resources=len(listing.resources),
        tools=len(tools),
        faults=(*unreadable, *_unfit(config, {resource.uri for resource in listing.resources}, tools)),
        notes=_notes(config, tools),
    )


async def _unreadable(server: InspectedServer, resources: Sequence[Resource]) -> tuple[str, ...]:
    gate = asyncio.Semaphore(READS_AT_ONCE)

    async def read(resource: Resource) -> str:
        async with gate:
            result = await error_or(server.read_resource(resource.uri))
        return result.message if isinstance(result, GatewayError) else ""

    return tuple(message for message in await asyncio.gather(*(read(resource) for resource in resources)) if message)


def _unfit(config: MCPServerConfig, offered: set[str], tools: Sequence[str]) -> tuple[str, ...]:
    """What a server that runs queries must have."""
    if not config.runs_queries:
        return ()
    faults = []
    if RUNS_QUERIES not in tools:
        faults.append(f"It has no tool {RUNS_QUERIES}, which its capabilities name. Correct the capabilities or the address.")
    if SCHEMA_URIS[0] not in offered:
        faults.append(f"It offers no resource {SCHEMA_URIS[0]}, without which no question about its tables can be answered.")
    return tuple(faults)


def _notes(config: MCPServerConfig, tools: Sequence[str]) -> tuple[str, ...]:
    if config.runs_queries and RUNS_QUERIES in tools and FINDS_VALUES not in tools:
        return (f"It has no tool {FINDS_VALUES}: stored values named in a question are not searched.",)
    return ()


def _since(start: float, clock: Clock) -> float:
    return round((clock.monotonic() - start) * 1000, 1)
