"""A connection to the gateway's own store, whose driver's faults are the product's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mcp_gateway.adapters.sql.engine import StoreUnavailable


@asynccontextmanager
async def connected(engine: AsyncEngine, *, writing: bool = False) -> AsyncIterator[AsyncConnection]:
    """A writing one commits at the end. What the driver raises becomes `StoreUnavailable`."""
    try:
        async with engine.begin() if writing else engine.connect() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        raise StoreUnavailable from error
