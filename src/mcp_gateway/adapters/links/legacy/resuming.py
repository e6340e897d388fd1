"""How far a stream of events has been read, and when and how often it is taken up again."""

from collections.abc import AsyncIterator
from typing import Final

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.reading import fed, pieces_of
from mcp_gateway.adapters.links.sse_events import EventSplitter
from mcp_gateway.core.errors import GatewayError

# In a row, without hearing anything between.
_ATTEMPTS: Final = 5
_RETRY_MS: Final = 500
_SHORTEST_RETRY_MS: Final = 50
_LONGEST_RETRY_MS: Final = 30_000


class Place:
    """Goes on over all the connections a stream takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.last_id = b""
        self._retry_ms = _RETRY_MS
        self._attempts = 0

    @property
    def pause(self) -> float:
        """Seconds: what the server asks for, longer each time it was in vain."""
        asked: int = self._retry_ms << max(0, self._attempts - 2)
        return min(max(asked, _SHORTEST_RETRY_MS), _LONGEST_RETRY_MS) / 1000

    def another(self) -> bool:
        """Whether to try again; counts the attempt."""
        self._attempts += 1
        return self._attempts <= _ATTEMPTS

    def note(self, splitter: EventSplitter) -> None:
        self._attempts = 0
        if splitter.last_event_id.isascii() and splitter.last_event_id.isprintable():
            self.last_id = splitter.last_event_id.encode() or self.last_id
        if splitter.retry_ms is not None:
            self._retry_ms = min(splitter.retry_ms, _LONGEST_RETRY_MS)


async def events_of(answer: Answer, place: Place, faults: Faults) -> AsyncIterator[tuple[bytes, bytes]]:
    """Name and data of each event. Ends where the stream does, however it does. Raises `UpstreamAnswerTooLarge`."""
    splitter = EventSplitter(place.limit)
    pieces = pieces_of(answer)
    while True:
        try:
            piece = await anext(pieces, b"")
        except GatewayError:
            return
        if not piece:
            return
        events = fed(splitter, piece, place.limit, faults)
        place.note(splitter)
        for event in events:
            yield event
