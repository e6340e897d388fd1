"""Where conversations are kept: in memory, or in the store of `database_url`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from mcp_gateway.adapters.memory import MemoryConversations
from mcp_gateway.ask.ports import ConversationStore
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings

# Questions a conversation remembers.
REMEMBERED_TURNS: Final = 10


@asynccontextmanager
async def open_conversations(settings: Settings, clock: Clock) -> AsyncIterator[ConversationStore]:
    """Raises `InvalidStoreUrl` and `StoreUnavailable`."""
    ttl_seconds, max_turns = settings.session_ttl_seconds, REMEMBERED_TURNS
    if settings.database_url is None:
        yield MemoryConversations(clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
        return
    # SQLAlchemy takes over half a second to import, which every command would pay for; few have a store.
    from mcp_gateway.adapters.sql.conversations import SqlConversations  # noqa: PLC0415
    from mcp_gateway.adapters.sql.engine import open_store  # noqa: PLC0415

    async with open_store(settings.database_url) as engine:
        yield SqlConversations(engine, clock, ttl_seconds=ttl_seconds, max_turns=max_turns)
