"""Makes a server's answer fit the endpoint it was asked through: names and ids that were changed on the way in."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from mcp_gateway.core.protocol.frames import JsonObject, parse_object, render
from mcp_gateway.federation.endings import is_response
from mcp_gateway.federation.errors import UpstreamMisbehaved
from mcp_gateway.federation.model import Reply


def restored(reply: Reply, restore: Callable[[JsonObject], JsonObject]) -> Reply:
    """The same reply with its result restored. An answer too long to hold is passed on as it is."""
    if reply.body is not None:
        return replace(reply, body=_restored(reply.body, restore))
    if reply.events is not None:
        return replace(reply, events=_events(reply.events, restore))
    return reply


async def _events(events: AsyncIterator[bytes], restore: Callable[[JsonObject], JsonObject]) -> AsyncIterator[bytes]:
    async for message in events:
        yield _restored(message, restore) if is_response(message) else message


def _restored(message: bytes, restore: Callable[[JsonObject], JsonObject]) -> bytes:
    try:
        response = parse_object(message)
    except ValueError as error:
        raise UpstreamMisbehaved from error
    result = response.get("result")
    if not isinstance(result, dict):
        return message
    try:
        return render({**response, "result": restore(result)})
    except RecursionError as error:
        raise UpstreamMisbehaved("The server's answer is nested too deep.") from error
