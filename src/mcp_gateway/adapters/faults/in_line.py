"""Faults of a line between two parts. Each is a context; at its end the line is well again."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType

from mcp_gateway.adapters.faults.tcp_proxy import TcpProxy

DELAY_SECONDS = 0.8


@asynccontextmanager
async def nobody_there(line: TcpProxy) -> AsyncIterator[None]:
    """Connections are refused, and those there were are broken."""
    await line.shut()
    try:
        yield
    finally:
        await line.open()


@asynccontextmanager
async def slow(line: TcpProxy) -> AsyncIterator[None]:
    line.delay_seconds = DELAY_SECONDS
    try:
        yield
    finally:
        line.delay_seconds = 0.0


@asynccontextmanager
async def deaf(line: TcpProxy) -> AsyncIterator[None]:
    """What was lost would never be answered, so the connections are broken at the end."""
    line.deaf = True
    try:
        yield
    finally:
        line.deaf = False
        await line.cut()


IN_LINE: Mapping[str, Callable[[TcpProxy], AbstractAsyncContextManager[None]]] = MappingProxyType(
    {"F12": nobody_there, "F14": slow, "F16": deaf, "F26": deaf}
)
