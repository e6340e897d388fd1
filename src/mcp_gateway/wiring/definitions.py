"""Definitions over the gateway's own store, followed while they are open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.sql.definitions import SqlDefinitions
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.wiring.following import repeat, running

log = structlog.get_logger(__name__)

# What is approved or blocked on one replica holds on all of them within 0.3 s.
FOLLOW_SECONDS: Final = 0.25


@asynccontextmanager
async def open_definitions(engine: AsyncEngine, clock: Clock, *, follow: bool = True) -> AsyncIterator[Definitions]:
    """`follow` False is for one command, which is over before anybody changes anything. Raises `StoreUnavailable`."""
    definitions = Definitions(SqlDefinitions(engine), clock)
    await definitions.reload()
    # Meanwhile everything stands as it stood.
    loops = [repeat(definitions.reload, FOLLOW_SECONDS, "definitions_not_followed")] if follow else []
    try:
        async with running(*loops):
            yield definitions
    finally:
        await _flush(definitions)


async def _flush(definitions: Definitions) -> None:
    """What is lost here is seen again after the next start."""
    try:
        await definitions.flush()
    except GatewayError as error:
        log.warning("definitions_not_flushed", code=error.code)
