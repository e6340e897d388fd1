"""An MCP server behind its circuit breaker: while it keeps failing it is left alone, and a few calls find out when it is back.

What counts as failing is a call that found no server or no answer in time; whatever the server says is an answer. Calls that
the server's own pause refused were never made, and count as nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from mcp_gateway.ask.ports import InspectedServer, ResourceContent, ResourceListing
from mcp_gateway.core.errors import Json, MCPConnectionError, TimedOut
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy, Verdict
from mcp_gateway.kit.breaker.windows import TimeBased
from mcp_gateway.kit.errors import CircuitOpen

P = ParamSpec("P")
T = TypeVar("T")


def judge_server_error(error: Exception) -> Verdict:
    """Whether an error of a server says that it is not there."""
    if not isinstance(error, MCPConnectionError | TimedOut):
        return "success"
    return "failure" if error.retry_after_seconds is None else "ignored"


# A question makes about five calls at once: one that times out is no reason to open, and all of them must fit into a round of
# probes.
SERVER_POLICY = BreakerPolicy(
    window=TimeBased(seconds=30),
    minimum_calls=20,
    failure_rate=0.5,
    open_seconds=2.0,
    max_open_seconds=30.0,
    probes=6,
    probe_seconds=30.0,
    judge_error=judge_server_error,
)


class BreakingServer:
    """Implements `ask.ports.InspectedServer`. Connecting always tries; a refused call raises `MCPConnectionError`."""

    def __init__(self, server: InspectedServer, breaker: CircuitBreaker) -> None:
        self._server, self._breaker = server, breaker

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def connected(self) -> bool:
        return self._server.connected

    @property
    def protocol(self) -> str:
        return self._server.protocol

    async def connect(self) -> None:
        await self._breaker.start()
        await self._server.connect()

    async def close(self) -> None:
        await self._breaker.close()
        await self._server.close()

    async def list_resources(self) -> ResourceListing:
        return await self._guarded(self._server.list_resources)

    async def list_tools(self) -> tuple[str, ...]:
        return await self._guarded(self._server.list_tools)

    async def read_resource(self, uri: str) -> ResourceContent:
        return await self._guarded(self._server.read_resource, uri)

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        return await self._guarded(self._server.call_tool, name, arguments)

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        return await self._guarded(self._server.watch_resources, uris, on_change, on_end)

    async def _guarded(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._breaker.call(work, *args, **kwargs)
        except CircuitOpen as error:
            raise MCPConnectionError(
                f"The MCP server {self.name} is not called for now: too many of its last calls failed.",
                hint="It is tried again by itself; `mcp-gateway validate CONFIG` tries it at once.",
                retry_after_seconds=error.retry_after_seconds,
                server=self.name,
                circuit=error.data.get("state"),
            ) from error
