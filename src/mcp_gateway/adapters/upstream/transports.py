"""How each kind of server is reached: an SDK client opened over HTTP, SSE, a child process, or directly in memory."""

import logging
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any, TypeAlias

import httpx2
from mcp.client.client import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel.server import Server
from mcp.types import Implementation

from mcp_gateway.adapters.upstream.exchange import QueryHider, ResponseLimit
from mcp_gateway.adapters.upstream.sse import sse_transport
from mcp_gateway.adapters.upstream.streams import telling_its_end
from mcp_gateway.ask.configuration import MCPServerConfig

CLIENT = Implementation(name="mcp-gateway", version="1")
# A quiet stream of changes is kept this long; servers send a sign of life every 15 s or so.
QUIET_STREAM_SECONDS = 60.0
_QUERY_HIDER = QueryHider()

# Opens a client. The first argument hears notifications, the second is called when the server has gone.
OpenClient: TypeAlias = Callable[[MessageHandlerFnT, Callable[[], None]], AbstractAsyncContextManager[Client]]


def over_wire(config: MCPServerConfig) -> OpenClient:
    """Opens a client for the configured transport. Nothing is connected before it is called."""

    @asynccontextmanager
    async def open_client(on_message: MessageHandlerFnT, on_end: Callable[[], None]) -> AsyncIterator[Client]:
        async with AsyncExitStack() as stack:
            if config.transport == "stdio":
                transport = stdio_client(_process(config), errlog=sys.stderr)
            elif config.transport == "sse":
                http_client = await stack.enter_async_context(_http_client(config))
                transport = sse_transport(config.url, http_client, max_event_bytes=config.max_response_bytes)
            else:
                http_client = await stack.enter_async_context(_http_client(config))
                transport = streamable_http_client(
                    config.url, http_client=http_client, max_sse_event_size=config.max_response_bytes
                )
            mode = "legacy" if config.protocol == "legacy" else "auto"
            yield await stack.enter_async_context(
                Client(
                    telling_its_end(transport, on_end),
                    mode=mode,
                    cache=None,
                    client_info=CLIENT,
                    message_handler=on_message,
                    read_timeout_seconds=config.timeout_seconds,
                )
            )

    return open_client


def in_memory(config: MCPServerConfig, server: Server[Any]) -> OpenClient:
    """Opens a client that calls the server's handlers directly: no socket, no JSON text in between."""

    def open_client(on_message: MessageHandlerFnT, _on_end: Callable[[], None]) -> AbstractAsyncContextManager[Client]:
        mode = "legacy" if config.protocol == "legacy" else "auto"
        return Client(
            server,
            mode=mode,
            cache=None,
            client_info=CLIENT,
            message_handler=on_message,
            read_timeout_seconds=config.timeout_seconds,
        )

    return open_client


def _http_client(config: MCPServerConfig) -> httpx2.AsyncClient:
    logging.getLogger("httpx2").addFilter(_QUERY_HIDER)  # adding it again does nothing
    # The SDK times each request itself; these bounds only end what it has given up on, and streams gone silent.
    longest = max(config.timeout_seconds, config.tool_timeout_seconds, QUIET_STREAM_SECONDS)
    return httpx2.AsyncClient(
        headers={**config.headers, "accept-encoding": "identity"},
        verify=_trust(),
        timeout=httpx2.Timeout(config.connect_timeout_seconds, read=longest),
        limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60.0),
        event_hooks={"response": [ResponseLimit(config.max_response_bytes)]},
    )


@cache
def _trust() -> ssl.SSLContext:
    """Whom this machine trusts. Reading it holds everything else up for 20 ms, so it is read for the first connection alone."""
    return httpx2.create_ssl_context()


def _process(config: MCPServerConfig) -> StdioServerParameters:
    return StdioServerParameters(command=config.command, args=list(config.args), env=dict(config.env), cwd=config.cwd)
