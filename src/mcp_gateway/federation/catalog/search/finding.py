"""`search_tools`: what a caller may see, searched, and the best of it told with all that is needed to call it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.catalog.own_tools import Wish
from mcp_gateway.federation.catalog.search.index import Collection, ToolIndex
from mcp_gateway.federation.catalog.snapshot import Shown, Snapshot

# What a model needs to call a tool; icons, output schemas and the rest would cost it more than they tell it.
TOLD: Final = ("name", "title", "description", "inputSchema", "annotations")
# Tools taken in at once, before others have their turn.
_AT_ONCE: Final = 25
# Callers who see the same share one.
MAX_COLLECTIONS: Final = 16


class Finding:
    """One index for all callers: each searches what they may see."""

    def __init__(self) -> None:
        self._index = ToolIndex()
        self._collections: OrderedDict[bytes, Collection] = OrderedDict()

    async def result(self, snapshot: Snapshot, wish: Wish) -> JsonObject:
        """The result of a tool call."""
        shown = list(snapshot.items())
        hits = self._index.search(wish.query, await self._collected(snapshot, shown), wish.limit)
        tools: list[Json] = [_told(shown[hit.place].body) for hit in hits]
        content: JsonObject = {"tools": tools, "searched": len(shown)}
        if snapshot.missing:
            content["missing"] = [one.server for one in snapshot.missing]
        return {
            "resultType": "complete",
            "content": [{"type": "text", "text": render(content).decode()}],
            "structuredContent": content,
        }

    async def _collected(self, snapshot: Snapshot, shown: Sequence[Shown]) -> Collection:
        known = self._collections.get(snapshot.digest)
        if known is not None:
            self._collections.move_to_end(snapshot.digest)
            return known
        if self._index.make_room(len(shown)):
            self._collections.clear()
        new = [one.body for one in shown if not self._index.knows(one.body)]
        for start in range(0, len(new), _AT_ONCE):
            for body in new[start : start + _AT_ONCE]:
                self._index.add(body)
            await asyncio.sleep(0)
        for one in shown:
            # Whoever searched meanwhile may have begun anew.
            self._index.add(one.body)
        found = self._collections[snapshot.digest] = self._index.collect([one.body for one in shown])
        while len(self._collections) > MAX_COLLECTIONS:
            self._collections.popitem(last=False)
        return found


def _told(body: bytes) -> JsonObject:
    tool = parse_object(body)
    return {key: tool[key] for key in TOLD if key in tool}
