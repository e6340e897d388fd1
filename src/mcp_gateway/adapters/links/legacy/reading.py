"""Answers of an upstream, read piece by piece or as a whole."""

from collections.abc import AsyncIterator

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.sse_events import EventSplitter, TooLong


async def pieces_of(answer: Answer) -> AsyncIterator[bytes]:
    if answer.body is not None:
        yield answer.body
    elif answer.source is not None:
        while piece := await answer.source.read():
            yield piece


async def whole(answer: Answer, limit: int, faults: Faults) -> bytes:
    """Raises `UpstreamAnswerTooLarge`."""
    if answer.body is not None:
        return answer.body
    body = bytearray()
    async for piece in pieces_of(answer):
        body += piece
        if len(body) > limit:
            answer.leave()
            raise faults.too_large(limit)
    return bytes(body)


def release(answer: Answer) -> None:
    """What mattered has been read."""
    if answer.source is not None:
        answer.source.release()


def fed(splitter: EventSplitter, piece: bytes, limit: int, faults: Faults) -> list[tuple[bytes, bytes]]:
    """Name and data of the events that are complete. Raises `UpstreamAnswerTooLarge`."""
    try:
        return [(event.name, event.data) for event in splitter.feed(piece)]
    except TooLong as error:
        raise faults.too_large(limit) from error
