"""What a gateway stands on: the kit's parts, its own store, and who may do what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_gateway.ask.ports import ConversationStore
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.ports import Probe
from mcp_gateway.settings import Settings
from mcp_gateway.wiring.conversations import open_conversations
from mcp_gateway.wiring.traffic import Traffic, open_traffic

if TYPE_CHECKING:  # what it imports is for gateways that serve
    from sqlalchemy.ext.asyncio import AsyncEngine

    from mcp_gateway.access.access import Access


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """`access` None: whoever holds the gateway may do everything, and nothing is written down; `probes` look after its parts."""

    traffic: Traffic
    conversations: ConversationStore
    access: "Access | None" = None
    probes: tuple[Probe, ...] = ()
    store: "AsyncEngine | None" = None


@asynccontextmanager
async def open_bare_foundation(settings: Settings, *, clock: Clock, alone: bool) -> AsyncIterator[Foundation]:
    """For a program that holds the gateway itself. `alone`: nothing is asked of other replicas."""
    own = settings.model_copy(update={"redis_url": None}) if alone else settings
    async with open_traffic(own, clock=clock) as traffic, open_conversations(settings, clock) as conversations:
        yield Foundation(traffic=traffic, conversations=conversations)
