"""What a gateway stands on: the kit's parts, its own store, and who may do what."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from mcp_gateway.access.access import Access
from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.ask.ports import ConversationStore
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.conversations import open_conversations
from mcp_gateway.wiring.traffic import Traffic, open_traffic


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """`access` None: whoever holds the gateway may do everything, and nothing is written down."""

    traffic: Traffic
    conversations: ConversationStore
    access: Access | None = None


@asynccontextmanager
async def open_foundation(settings: Settings, *, clock: Clock) -> AsyncIterator[Foundation]:
    """For a gateway that serves. Raises what opening the store, the key, the access file and Redis raises."""
    # SQLAlchemy takes over half a second to import, which every command would pay for; few have a store.
    from mcp_gateway.adapters.sql.conversations import SqlConversations  # noqa: PLC0415
    from mcp_gateway.wiring.access import open_access  # noqa: PLC0415
    from mcp_gateway.wiring.store import open_own_store  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_own_store(settings))
        traffic = await stack.enter_async_context(open_traffic(settings, clock=clock))
        access = await stack.enter_async_context(open_access(settings, clock=clock, engine=engine, connection=traffic.connection))
        # Kept for other replicas and for after a restart where a store is named; otherwise not worth its price.
        conversations: ConversationStore
        ttl_seconds, max_turns = settings.session_ttl_seconds, settings.session_turns
        if settings.database_url is None:
            conversations = MemoryConversations(clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
        else:
            conversations = SqlConversations(engine, clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
        yield Foundation(traffic=traffic, conversations=conversations, access=access)


@asynccontextmanager
async def open_bare_foundation(settings: Settings, *, clock: Clock, alone: bool) -> AsyncIterator[Foundation]:
    """For a program that holds the gateway itself. `alone`: nothing is asked of other replicas."""
    own = settings.model_copy(update={"redis_url": None}) if alone else settings
    async with open_traffic(own, clock=clock) as traffic, open_conversations(settings, clock) as conversations:
        yield Foundation(traffic=traffic, conversations=conversations)
