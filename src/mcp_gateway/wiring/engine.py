"""The embedded engine as the gateway uses it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_gateway.adapters.drafting.pool import DraftingPool
from mcp_gateway.ask.engine import EmbeddedEngine
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.ask.remembered_drafts import RememberedDrafts
from mcp_gateway.core.clock import Clock
from mcp_gateway.settings import Settings

_MOST_PROCESSES = 3


@asynccontextmanager
async def open_engine(settings: Settings, clock: Clock, *, staying: bool) -> AsyncIterator[Drafter]:
    """What is asked again is not drafted anew, and where drafting keeps this process busy, others help.

    `staying` False is for one question, which needs neither.
    """
    threshold = settings.engine_threshold
    if not staying:
        yield EmbeddedEngine() if threshold is None else EmbeddedEngine(threshold)
        return
    most = settings.draft_processes if settings.draft_processes is not None else min(_processors() - 1, _MOST_PROCESSES)
    pool = DraftingPool(clock, most=most, threshold=threshold)
    try:
        yield RememberedDrafts(pool)
    finally:
        await pool.close()


def _processors() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
