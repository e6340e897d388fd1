"""`search_tools`: what a caller may see, searched, and the best of it told with all that is needed to call it."""

import asyncio
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.catalog.own_tools import Wish
from mcp_gateway.federation.catalog.search.index import ToolIndex
from mcp_gateway.federation.catalog.snapshot import Snapshot

# What a model needs to call a tool; icons, output schemas and the rest would cost it more than they tell it.
TOLD: Final = ("name", "title", "description", "inputSchema", "annotations")
_AT_ONCE: Final = 200


class Finding:
    """One index for all callers: each searches what they may see."""

    def __init__(self) -> None:
        self._index = ToolIndex()

    async def result(self, snapshot: Snapshot, wish: Wish) -> JsonObject:
        """The result of a tool call."""
        shown = list(snapshot.items())
        self._index.make_room(len(shown))
        new = [one.body for one in shown if not self._index.knows(one.body)]
        for start in range(0, len(new), _AT_ONCE):
            for body in new[start : start + _AT_ONCE]:
                self._index.add(body)
            await asyncio.sleep(0)
        for one in shown:
            # Whoever searched meanwhile may have begun anew.
            self._index.add(one.body)
        hits = self._index.search(wish.query, [one.body for one in shown], wish.limit)
        tools: list[Json] = [_told(shown[hit.place].body) for hit in hits]
        content: JsonObject = {"tools": tools, "searched": len(shown)}
        if snapshot.missing:
            content["missing"] = [one.server for one in snapshot.missing]
        return {
            "resultType": "complete",
            "content": [{"type": "text", "text": render(content).decode()}],
            "structuredContent": content,
        }


def _told(body: bytes) -> JsonObject:
    tool = parse_object(body)
    return {key: tool[key] for key in TOLD if key in tool}
