"""The link to an application of this process, as the embedded servers have it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp
from tests.upstreams.reaching import PATIENCE

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.in_process import AsgiSending
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Server


@asynccontextmanager
async def in_process_link(app: ASGIApp) -> AsyncIterator[Link]:
    assert isinstance(app, Starlette)
    async with app.router.lifespan_context(app):
        sending = AsgiSending(app, target="/mcp", state_of=lambda _: {}, faults=Faults("up"), limits=PATIENCE)
        server = Server(name="up", transport="built_in", limits=PATIENCE)
        link = ModernLink(server, sending, clock=SystemClock(), definition_of=lambda _: None)
        yield link
        await link.close()
