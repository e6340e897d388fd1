"""The lists of many servers at once: those that are kept, those that answer in time, and who is missing."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from mcp_gateway.federation.catalog.model import Held, ListKind, Missing
from mcp_gateway.federation.catalog.shelf import PATIENCE_SECONDS, Shelf
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Server

# A server that failed the last time is given so long.
DOUBT_SECONDS: Final = 0.1


class Gathered(NamedTuple):
    """Both in the order of the servers."""

    held: tuple[Held, ...]
    missing: tuple[Missing, ...]


async def gather(shelf: Shelf, servers: Sequence[Server], kind: ListKind, client: Client, identity: str) -> Gathered:
    """Waits two seconds at most; what is under way then goes on, and is there for the next one who asks. Raises nothing."""
    found: dict[str, Held | Missing] = {}
    waited: dict[str, asyncio.Task[Held]] = {}
    doubted: dict[str, asyncio.Task[Held]] = {}
    for server in servers:
        known = shelf.fresh(server, kind, identity) or shelf.away(server, kind, identity)
        if known is not None:
            found[server.name] = known
            continue
        tasks = doubted if shelf.doubts(server, kind, identity) else waited
        tasks[server.name] = asyncio.create_task(shelf.get(server, kind, client, identity))
    try:
        if waited:
            await asyncio.wait(waited.values(), timeout=PATIENCE_SECONDS)
        elif doubted:
            await asyncio.wait(doubted.values(), timeout=DOUBT_SECONDS)
    finally:
        outcomes = {name: _outcome(task) for name, task in (waited | doubted).items()}
    for server in servers:
        if server.name in outcomes:
            found[server.name] = outcomes[server.name] or shelf.late(server, kind, identity)
    every = [found[server.name] for server in servers]
    return Gathered(tuple(one for one in every if isinstance(one, Held)), tuple(one for one in every if isinstance(one, Missing)))


def _outcome(task: "asyncio.Task[Held]") -> Held | None:
    if not task.done():
        task.cancel()
        return None
    return None if task.cancelled() or task.exception() is not None else task.result()
