"""Access without a running gateway, for the commands: the access file, the store and the trail in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.access.access import Access
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.store import open_own_store


@asynccontextmanager
async def open_access_alone(settings: Settings, clock: Clock) -> AsyncIterator[Access]:
    """Asks no provider and no other replica. A running gateway sees what is changed within a second. Raises as `open_access`."""
    async with (
        open_own_store(settings) as engine,
        open_access(settings, clock=clock, engine=engine, connection=None, serving=False) as access,
    ):
        yield access
