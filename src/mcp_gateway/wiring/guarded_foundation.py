"""The foundation of a gateway that serves: with its own store and with access.

Apart from `foundation`, for what it imports takes over half a second, which commands that serve nothing should not pay for.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.adapters.audit_probe import AuditProbe
from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.adapters.sql.conversations import SqlConversations
from mcp_gateway.ask.ports import ConversationStore
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.access import open_access
from mcp_gateway.wiring.conversations import REMEMBERED_TURNS
from mcp_gateway.wiring.foundation import Foundation
from mcp_gateway.wiring.providers import provider_probes
from mcp_gateway.wiring.store import open_own_store
from mcp_gateway.wiring.traffic import open_traffic


@asynccontextmanager
async def open_guarded_foundation(settings: Settings, *, clock: Clock) -> AsyncIterator[Foundation]:
    """Raises what opening the store, the key, the access file and Redis raises."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_own_store(settings))
        traffic = await stack.enter_async_context(open_traffic(settings, clock=clock))
        access = await stack.enter_async_context(open_access(settings, clock=clock, engine=engine, connection=traffic.connection))
        yield Foundation(
            traffic=traffic,
            conversations=_conversations(settings, engine, clock),
            access=access,
            probes=(AuditProbe(access.trail, access.audit), *provider_probes(access.providers)),
            store=engine,
        )


def _conversations(settings: Settings, engine: AsyncEngine, clock: Clock) -> ConversationStore:
    """For other replicas and for after a restart where a store is named; otherwise keeping them is not worth its price."""
    ttl_seconds, max_turns = settings.session_ttl_seconds, REMEMBERED_TURNS
    if settings.database_url is None:
        return MemoryConversations(clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
    return SqlConversations(engine, clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
