"""Why somebody sees a tool or does not, without a running gateway, for the command: the store, the servers file, access."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.why.names_alone import names_alone
from mcp_gateway.federation.why.whys import Whys
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.definitions import open_definitions
from mcp_gateway.wiring.registry import open_registry
from mcp_gateway.wiring.store import open_own_store


@asynccontextmanager
async def open_whys_alone(settings: Settings, clock: Clock) -> AsyncIterator[Whys]:
    """Connects to nothing, so how servers are is not known. Raises as `open_access` and `open_registry`."""
    async with (
        open_own_store(settings) as engine,
        open_access(settings, clock=clock, engine=engine, connection=None, serving=False) as access,
        open_registry(settings, clock=clock, engine=engine, access=access, follow=False) as registry,
        open_definitions(engine, clock, follow=False) as definitions,
    ):
        yield Whys(
            policy=access.policy,
            governor=access.governor,
            registry=registry,
            definitions=definitions,
            names=lambda tenant: names_alone(registry, definitions, tenant),
            roles_of=access.tokens.roles_of,
        )
