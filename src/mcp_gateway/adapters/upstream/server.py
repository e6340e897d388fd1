"""One MCP server as the questions' pipeline sees it: connected when needed, again when it was lost, every wait bounded.

Listing and reading are tried again after any broken connection; a tool call only when the server cannot have seen it.
After a server could not be reached, calls fail at once for a short while instead of each waiting for it; `connect` always tries.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from mcp.client.session import ClientSession
from mcp.server.lowlevel.server import Server
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_gateway.adapters.upstream.connection import Connection
from mcp_gateway.adapters.upstream.exchange import observed_exchange
from mcp_gateway.adapters.upstream.faults import Failure, address, classify, connection_error, timed_out
from mcp_gateway.adapters.upstream.requests import call_tool, list_resources, list_tools, read_resource, refused
from mcp_gateway.adapters.upstream.retry import Backoff, Sleep
from mcp_gateway.adapters.upstream.transports import OpenClient, in_memory, over_wire
from mcp_gateway.adapters.upstream.watching import Watch
from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.ports import ResourceContent, ResourceListing
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import GatewayError, Json, MCPConnectionError

T = TypeVar("T")

# How long a connection gets to say goodbye; a child process is asked, told and killed, two seconds each.
CLOSE_SECONDS = {"streamable_http": 2.0, "sse": 2.0, "stdio": 7.0}
# A dying transport wakes its callers a moment before it is known as dead.
SETTLE_SECONDS = 0.5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0

log = structlog.get_logger(__name__)


def remote_server(
    config: MCPServerConfig, *, clock: Clock | None = None, sleep: Sleep = asyncio.sleep, chance: random.Random | None = None
) -> "McpServer":
    """A server behind its configured transport. Connects on first use."""
    return McpServer(config, over_wire(config), clock=clock or SystemClock(), sleep=sleep, chance=chance)


def embedded_server(
    config: MCPServerConfig, server: Server[Any], *, clock: Clock | None = None, sleep: Sleep = asyncio.sleep
) -> "McpServer":
    """A server in this process; `url` and `transport` of the configuration mean nothing for it."""
    return McpServer(config, in_memory(config, server), clock=clock or SystemClock(), sleep=sleep)


class McpServer:
    """Implements `ask.ports.InspectedServer`."""

    def __init__(
        self,
        config: MCPServerConfig,
        open_client: OpenClient,
        *,
        clock: Clock,
        sleep: Sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.config = config
        self._open_client, self._clock, self._sleep = open_client, clock, sleep
        self._backoff = Backoff(random=chance or random.Random())  # noqa: S311  # jitter, no secret
        self._close_seconds = CLOSE_SECONDS[config.transport]
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._watch: Watch | None = None
        self._closed = False
        self._protocol = ""
        self._pause_seconds, self._paused_until = FIRST_PAUSE_SECONDS, 0.0
        self._last_error: GatewayError | None = None

    @property
    def name(self) -> str:
        return self.config.key

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.alive

    @property
    def protocol(self) -> str:
        return self._protocol

    async def connect(self) -> None:
        self._last_error = None
        await self._connected()

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting}, timeout=self._close_seconds)
        if self._watch is not None:
            await self._watch.end()
        if self._connection is not None:
            await self._connection.close(within_seconds=self._close_seconds)
            self._connection = None

    async def list_resources(self) -> ResourceListing:
        return await self._call("resources/list", lambda session: list_resources(self.config, session))

    async def list_tools(self) -> tuple[str, ...]:
        return await self._call("tools/list", lambda session: list_tools(self.config, session))

    async def read_resource(self, uri: str) -> ResourceContent:
        return await self._call(f"resources/read {uri}", lambda session: read_resource(self.config, session, uri))

    async def call_tool(self, name: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        def send(session: ClientSession) -> Awaitable[dict[str, Json]]:
            return call_tool(self.config, session, name, arguments)

        return await self._call(f"tools/call {name}", send, tool=True)

    async def watch_resources(self, uris: Sequence[str], on_change: Callable[[str], None], on_end: Callable[[], None]) -> bool:
        self._refuse_while_paused()
        connection = await self._connected()
        if self._watch is not None:
            await self._watch.end()
        modern = connection.protocol in MODERN_PROTOCOL_VERSIONS
        if not modern and self.config.transport == "streamable_http" and self.config.url:
            return False
        self._watch = Watch(self.name, on_change, on_end)
        return await self._watch.begin(connection, uris, modern=modern)

    async def _call(self, what: str, send: Callable[[ClientSession], Awaitable[T]], *, tool: bool = False) -> T:
        """Send a request, connecting first and again where that is safe."""
        delays = self._backoff.delays(self.config.max_retries, within_seconds=self.config.retry_for_seconds, clock=self._clock)
        self._refuse_while_paused()
        while True:
            connection = await self._connected()
            seconds = self.config.tool_timeout_seconds if tool else self.config.timeout_seconds
            with observed_exchange() as exchange:
                try:
                    # The SDK keeps the limit; this one only stands behind it.
                    async with asyncio.timeout(seconds + 1.0):
                        result = await send(connection.session)
                    self._resume()
                    return result
                except GatewayError:
                    raise
                except Exception as error:  # noqa: BLE001  # whatever the SDK raises becomes one of our errors, below
                    failure = await self._judge(connection, classify(error, exchange))
            again = failure.kind == "unreached" or (failure.kind in ("lost", "busy") and not tool)
            delay = next(delays, None) if again else None
            if delay is None:
                raise self._final_error(what, failure, seconds, tool=tool)
            log.info(
                "upstream_retry", server=self.name, request=what.partition(" ")[0], reason=failure.words, delay_seconds=delay
            )
            await self._sleep(delay)

    async def _judge(self, connection: Connection, failure: Failure) -> Failure:
        """Let go of a connection that broke; a transport that died of a refused connection says so."""
        if failure.kind not in ("lost", "unreached"):
            return failure
        if failure.kind == "lost":
            await connection.settle(SETTLE_SECONDS)
        if connection.failure is not None:
            with observed_exchange() as nothing_seen:
                failure = classify(connection.failure, nothing_seen)
        if failure.gone or not connection.alive:
            await self._let_go(connection)
        return failure

    async def _let_go(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
        await connection.close(within_seconds=self._close_seconds)

    def _final_error(self, what: str, failure: Failure, seconds: float, *, tool: bool) -> GatewayError:
        if failure.kind == "refused":
            return refused(self.config, what, failure.words)
        slow = failure.kind == "timeout"
        error = (
            timed_out(self.config, what, seconds)
            if slow
            else connection_error(self.config, failure, tries=1 if tool else 1 + self.config.max_retries)
        )
        # A tool may rightly be slow, and a connection that broke under one may be had again at once.
        return error if tool and failure.kind != "unreached" else self._pause(error)

    async def _connected(self) -> Connection:
        """The open connection, or a new one; callers at the same time share one try."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        if self._closed:
            raise MCPConnectionError(f"The MCP server {self.name} is closed.", server=self.name)
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect(), name=f"mcp-connect-{self.name}")
            self._connecting.add_done_callback(_take_result)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Connection:
        config, start, tries = self.config, self._clock.monotonic(), 0
        # Where the last tries failed, a question waits for one more, not for all of them.
        retries = config.max_retries if self._last_error is None else 0
        delays = self._backoff.delays(retries, within_seconds=config.retry_for_seconds, clock=self._clock)
        if self._connection is not None:
            await self._let_go(self._connection)
        while True:
            tries += 1
            opened = await self._open()
            if isinstance(opened, Connection):
                break
            delay = None if opened.kind in ("refused", "timeout") else next(delays, None)
            if delay is None:
                log.warning("upstream_unreachable", server=self.name, address=address(config), reason=opened.words, tries=tries)
                raise self._pause(connection_error(config, opened, tries=tries))
            await self._sleep(delay)
        self._connection, self._protocol = opened, opened.protocol
        self._resume()
        milliseconds = round((self._clock.monotonic() - start) * 1000, 1)
        log.info("upstream_connected", server=self.name, protocol=self._protocol, tries=tries, duration_ms=milliseconds)
        return opened

    async def _open(self) -> Connection | Failure:
        """One try."""
        config = self.config
        with observed_exchange() as exchange:
            try:
                opened = await Connection.open(
                    self._open_client, self._on_message, timeout_seconds=config.connect_timeout_seconds
                )
            except Exception as error:  # noqa: BLE001  # any way a server can fail to be one becomes a Failure
                return classify(error, exchange)
        if config.protocol == "modern" and opened.protocol not in MODERN_PROTOCOL_VERSIONS:
            await opened.close(within_seconds=self._close_seconds)
            return Failure("refused", f"it speaks revision {opened.protocol}, and the configuration wants protocol: modern")
        return opened

    async def _on_message(self, message: object) -> None:
        if self._watch is not None:
            self._watch.notify(message)

    def _pause(self, error: GatewayError) -> GatewayError:
        """Answer with this error, without trying, for a while that doubles each time."""
        self._last_error = error
        now = self._clock.monotonic()
        # Calls that fail together lengthen it once.
        if now >= self._paused_until:
            self._paused_until = now + self._pause_seconds
            self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        return error

    def _resume(self) -> None:
        self._pause_seconds, self._paused_until, self._last_error = FIRST_PAUSE_SECONDS, 0.0, None

    def _refuse_while_paused(self) -> None:
        left = self._paused_until - self._clock.monotonic()
        if left > 0 and self._last_error is not None:
            known = self._last_error
            raise type(known)(known.message, hint=known.hint, retry_after_seconds=round(left, 1), **known.data)


def _take_result(task: asyncio.Task[Connection]) -> None:
    # Whoever waited has it already; when all of them were cancelled, nobody has.
    if not task.cancelled():
        task.exception()
