"""The tables and glossary servers in this process, and a gateway over them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from mcp.server.lowlevel.server import Server

from mcp_gateway.core.clock import Clock
from mcp_gateway.entrypoints.mcp.glossary import build_glossary_server
from mcp_gateway.entrypoints.mcp.hosting import watching
from mcp_gateway.entrypoints.mcp.server import McpFace
from mcp_gateway.entrypoints.mcp.tables import build_tables_server
from mcp_gateway.gateway import Gateway
from mcp_gateway.settings import Settings
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.tables import TablesOptions
from mcp_gateway.wiring.data import open_glossary, open_tables
from mcp_gateway.wiring.demo import prepare_demo
from mcp_gateway.wiring.foundation import Foundation
from mcp_gateway.wiring.gateway import open_gateway
from mcp_gateway.wiring.servers import GLOSSARY, TABLES, is_embedded

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_embedded_gateway(
    settings: Settings, *, clock: Clock, foundation: Foundation | None = None
) -> AsyncIterator[Gateway]:
    """A gateway for one question in this process, nothing served. `foundation` None: one without access.

    Raises what opening its parts raises.
    """
    async with AsyncExitStack() as stack:
        faces = await stack.enter_async_context(open_faces(settings, clock=clock))
        for face in faces.values():
            await stack.enter_async_context(watching(face))
        yield await stack.enter_async_context(
            open_gateway(settings, clock=clock, upstreams=servers_of(faces), staying=False, foundation=foundation)
        )


@asynccontextmanager
async def open_faces(settings: Settings, *, clock: Clock) -> AsyncIterator[Mapping[str, McpFace]]:
    """The embedded MCP servers by key, their features open; none when other servers are configured."""
    if not is_embedded(settings):
        yield {}
        return
    settings = await settle_data(settings, clock=clock)
    async with AsyncExitStack() as stack:
        faces: dict[str, McpFace] = {}
        tables = await stack.enter_async_context(
            open_tables(
                settings.tables_url or "",
                clock=clock,
                options=TablesOptions(
                    limits=Limits(
                        max_rows=settings.max_rows,
                        max_bytes=settings.max_result_bytes,
                        timeout_seconds=settings.query_timeout_seconds,
                    )
                ),
            )
        )
        faces[TABLES] = build_tables_server(tables)
        if settings.glossary_file is not None:
            faces[GLOSSARY] = build_glossary_server(
                await stack.enter_async_context(open_glossary(settings.glossary_file, clock=clock)), view=faces[TABLES].data
            )
        yield faces


async def settle_data(settings: Settings, *, clock: Clock) -> Settings:
    """The settings with data to ask about: the demo shop when none is named."""
    if settings.tables_url is not None:
        return settings
    log.info("demo_shop_used", reason="no data is named", hint="--data or TABLES_URL names yours")
    shop = await asyncio.to_thread(prepare_demo, settings.cache_dir, today=clock.now().date())
    glossary = settings.glossary_file or shop.glossary
    return settings.model_copy(update={"tables_url": str(shop.database), "glossary_file": glossary})


def servers_of(faces: Mapping[str, McpFace]) -> dict[str, Server[Any]]:
    """The SDK's server of each face."""
    return {key: face.server for key, face in faces.items()}
