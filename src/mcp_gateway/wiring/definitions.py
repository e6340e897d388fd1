"""Definitions over the gateway's own store, followed while they are open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.sql.definitions import SqlDefinitions
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.registry.definitions.definitions import Definitions

log = structlog.get_logger(__name__)

# What is approved or blocked on one replica holds on all of them within 0.3 s.
FOLLOW_SECONDS: Final = 0.25


@asynccontextmanager
async def open_definitions(engine: AsyncEngine, clock: Clock, *, follow: bool = True) -> AsyncIterator[Definitions]:
    """`follow` False is for one command, which is over before anybody changes anything. Raises `StoreUnavailable`."""
    definitions = Definitions(SqlDefinitions(engine), clock)
    await definitions.reload()
    following = asyncio.create_task(_follow(definitions)) if follow else None
    try:
        yield definitions
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await _flush(definitions)


async def _flush(definitions: Definitions) -> None:
    """What is lost here is seen again after the next start."""
    try:
        await definitions.flush()
    except GatewayError as error:
        log.warning("definitions_not_flushed", code=error.code)


async def _follow(definitions: Definitions) -> None:
    """A store that is away is said once; meanwhile everything stands as it stood."""
    away = False
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        try:
            await definitions.reload()
            away = False
        except GatewayError as error:
            if not away:
                log.warning("definitions_not_followed", code=error.code)
            away = True
        except Exception:
            log.exception("definitions_not_followed")
