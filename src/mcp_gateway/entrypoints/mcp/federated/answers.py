"""A `Reply` as an HTTP answer: JSON where there is one message, an event stream where there are several."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Send

from mcp_gateway.entrypoints.mcp.federated.sse_events import EVENT_HEADERS, event_bytes
from mcp_gateway.federation.model import Headers, Reply

JSON_TYPE: Final = (b"content-type", b"application/json")
# A proxy in between closes a stream on which nothing moves.
PING_SECONDS: Final = 15.0
PING: Final = b": ping\n\n"


async def send_reply(reply: Reply, send: Send, *extra: tuple[bytes, bytes]) -> None:
    """Raises what reading the reply raises; nothing is sent of a stream that breaks before its first piece."""
    if reply.body is not None:
        await send_body(send, reply.status, reply.body, *extra)
    elif reply.events is not None:
        await _send_events(reply.events, send, extra)
    elif reply.chunks is not None:
        await _send_chunks(reply.status, reply.chunks, send, extra)


async def send_body(send: Send, status: int, body: bytes, *extra: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [JSON_TYPE, length, *extra] if body else [length, *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_chunks(status: int, chunks: AsyncIterator[bytes], send: Send, extra: Headers) -> None:
    first = await anext(chunks)
    await send({"type": "http.response.start", "status": status, "headers": [JSON_TYPE, *extra]})
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send_events(events: AsyncIterator[bytes], send: Send, extra: Headers) -> None:
    first = await anext(events, None)
    await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_HEADERS, *extra]})
    if first is not None:
        await send({"type": "http.response.body", "body": event_bytes(first), "more_body": True})
        await _pass_on(events, send)
    await send({"type": "http.response.body", "body": b""})


async def _pass_on(events: AsyncIterator[bytes], send: Send) -> None:
    """Event by event, and a sign of life where none comes for a while."""
    coming: asyncio.Future[bytes] = asyncio.ensure_future(_next(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=PING_SECONDS)
            if not done:
                await send({"type": "http.response.body", "body": PING, "more_body": True})
                continue
            try:
                message = coming.result()
            except StopAsyncIteration:
                return
            await send({"type": "http.response.body", "body": event_bytes(message), "more_body": True})
            coming = asyncio.ensure_future(_next(events))
    finally:
        coming.cancel()


async def _next(events: AsyncIterator[bytes]) -> bytes:
    return await anext(events)
