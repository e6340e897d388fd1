"""The registry without a running gateway, for the commands: the store, the servers file, access, and the way to a server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from mcp_gateway.adapters.peers_memory import MemoryPeers
from mcp_gateway.core.clock import Clock
from mcp_gateway.registry.registry import Registry
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.definitions import open_definitions
from mcp_gateway.wiring.links import open_links
from mcp_gateway.wiring.looking import directory, inspector
from mcp_gateway.wiring.older_links import open_older_eras
from mcp_gateway.wiring.registry import open_registry
from mcp_gateway.wiring.store import open_own_store


@asynccontextmanager
async def open_registry_alone(settings: Settings, clock: Clock) -> AsyncIterator[Registry]:
    """Connects to nothing by itself. A running gateway minds what is changed within half a second.

    Raises as `open_access` and `open_registry`.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        engine = await enter(open_own_store(settings))
        access = await enter(open_access(settings, clock=clock, engine=engine, connection=None, serving=False))
        registry = await enter(open_registry(settings, clock=clock, engine=engine, access=access, follow=False))
        definitions = await enter(open_definitions(engine, clock, follow=False))
        older = await enter(open_older_eras(settings, clock=clock, peers=MemoryPeers()))
        links = await enter(
            open_links(
                clock=clock,
                allowed=lambda: registry.allowed_networks,
                definition_of=lambda _server, _tool: None,
                built_in={},
                older=older,
            )
        )
        registry.attach(
            inspecting=inspector(links, registry, definitions, clock, version=version("mcp-gateway")),
            forgetting=definitions,
            directory=directory(registry, clock),
        )
        yield registry
