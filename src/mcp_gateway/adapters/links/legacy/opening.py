"""Puts a link together for each transport of the older eras."""

from collections.abc import Awaitable, Callable, Mapping

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.bounds import (
    CHILDREN_IN_ALL,
    CHILDREN_PER_IDENTITY,
    IDLE_SECONDS,
    SESSIONS_IN_ALL,
    SESSIONS_PER_IDENTITY,
)
from mcp_gateway.adapters.links.legacy.http import HttpChannel
from mcp_gateway.adapters.links.legacy.link import LegacyLink
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.adapters.links.legacy.sessions import PoolBounds, SessionPool
from mcp_gateway.adapters.links.legacy.sse import SseChannel
from mcp_gateway.adapters.links.legacy.starts import Starts
from mcp_gateway.adapters.links.legacy.stdio import Program, StdioChannel
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Command, Server


def over_http(server: Server, sending: Sending, *, parked: ParkedCalls, clock: Clock) -> LegacyLink:
    """Streamable HTTP."""
    faults = Faults(server.name)

    def make(client: Client) -> Session:
        return Session(HttpChannel(sending, client, faults, server.limits), client, faults)

    return _link(server, SessionPool(make, clock=clock, faults=faults, bounds=_bounds(server)), parked, faults)


def over_sse(
    server: Server,
    sending: Sending,
    *,
    parked: ParkedCalls,
    clock: Clock,
    closing: Callable[[], Awaitable[None]] | None = None,
) -> LegacyLink:
    """HTTP+SSE of 2024-11-05. `closing` is awaited last when the link is closed."""
    faults = Faults(server.name)

    def make(client: Client) -> Session:
        return Session(SseChannel(server, sending, client, faults), client, faults)

    return _link(server, SessionPool(make, clock=clock, faults=faults, bounds=_bounds(server)), parked, faults, closing)


def over_stdio(
    server: Server,
    command: Command,
    *,
    environment: Mapping[str, str],
    parked: ParkedCalls,
    clock: Clock,
    random: Callable[[], float],
) -> LegacyLink:
    """A child process for each session. `environment` is what every program gets, its search path for instance."""
    faults = Faults(server.name)
    program = Program(command=command, environment=environment, line_bytes=server.limits.max_answer_bytes)
    starts = Starts(faults, clock=clock, random=random)
    bounds = PoolBounds(
        idle_seconds=command.idle_seconds,
        per_identity=CHILDREN_PER_IDENTITY,
        in_all=CHILDREN_IN_ALL,
        open_seconds=server.limits.timeout_seconds,
    )

    def make(client: Client) -> Session:
        return Session(StdioChannel(program, faults, starts, clock=clock), client, faults)

    return _link(server, SessionPool(make, clock=clock, faults=faults, bounds=bounds), parked, faults)


def _bounds(server: Server) -> PoolBounds:
    return PoolBounds(
        idle_seconds=IDLE_SECONDS,
        per_identity=SESSIONS_PER_IDENTITY,
        in_all=SESSIONS_IN_ALL,
        open_seconds=server.limits.timeout_seconds,
    )


def _link(
    server: Server,
    pool: SessionPool,
    parked: ParkedCalls,
    faults: Faults,
    closing: Callable[[], Awaitable[None]] | None = None,
) -> LegacyLink:
    return LegacyLink(
        pool,
        parked,
        faults,
        seconds=server.limits.timeout_seconds,
        closing=closing,
        for_both_eras=server.transport == "stdio",
    )
