"""How a request ends, and doing something about it before the last word of its reply is passed on."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.core.errors import GatewayError, code_of
from mcp_gateway.core.protocol.frames import object_at, parse_object
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Onward, Passage

# A whole answer is kept back only to see how it ended, so of a long one its two ends are enough.
_END_BYTES: Final = 4_096
_FAILED: Final = re.compile(rb'"isError"\s*:\s*true')
_ERROR: Final = re.compile(rb'"error"\s*:\s*\{')


class Ending(NamedTuple):
    """`failed`: with an error, ours or the server's, whose `code` it is. `given_up`: the client went before the end."""

    failed: bool
    code: str = ""
    given_up: bool = False


Finish: TypeAlias = Callable[[Ending], Awaitable[None]]

ANSWERED: Final = Ending(failed=False)
GIVEN_UP: Final = Ending(failed=False, given_up=True)
TOOL_ERROR: Final = "TOOL_ERROR"


def ending_of(message: bytes) -> Ending:
    """How this response ended; a tool's own failure counts as one."""
    # Inside a text the quotes would be escaped, so what is not found here is not there.
    if b'"error"' not in message and _FAILED.search(message) is None:
        return ANSWERED
    if len(message) > _END_BYTES * 16:
        return _ending_of_ends(message[:_END_BYTES], message[-_END_BYTES:])
    try:
        response = parse_object(message)
    except ValueError:
        return Ending(failed=True, code="UPSTREAM_MISBEHAVED")
    if "error" in response:
        return Ending(failed=True, code=str(object_at(response, "error").get("code", "")))
    result = object_at(response, "result")
    if result.get("isError") is not True:
        return ANSWERED
    ours = object_at(result, "structuredContent", "error").get("code")
    return Ending(failed=True, code=ours if isinstance(ours, str) else TOOL_ERROR)


def _ending_of_ends(head: bytes, tail: bytes) -> Ending:
    if _ERROR.search(head[:256]) is not None:
        return Ending(failed=True)
    return Ending(failed=True, code=TOOL_ERROR) if _FAILED.search(head) or _FAILED.search(tail) else ANSWERED


async def observed(passage: Passage, onward: Onward, finish: Finish) -> Reply:
    """What comes of handing it on; `finish` is called once with how it ended: before the last piece of the reply is given on,
    or when it breaks off.

    Raises what `onward` raises. What `finish` raises takes the place of that, and of the reply's last piece.
    """
    try:
        reply = await onward(passage)
    except asyncio.CancelledError:
        await finish(GIVEN_UP)
        raise
    except Exception as error:
        await finish(Ending(failed=True, code=code_of(error)))
        raise
    if reply.body is not None:
        await finish(ending_of(reply.body))
        return reply
    watched = _Watched(reply, finish)
    if reply.events is not None:
        return replace(reply, events=watched.events(), close=watched.close)
    return replace(reply, chunks=watched.chunks(), close=watched.close)


class _Watched:
    """One reply that comes in pieces."""

    def __init__(self, reply: Reply, finish: Finish) -> None:
        self._reply, self._finish, self._finished = reply, finish, False

    async def events(self) -> AsyncIterator[bytes]:
        """Notifications at once; the response, which is the last message, when it is finished."""
        assert self._reply.events is not None  # noqa: S101 - `observed` looked
        async for message in self._guarded(self._reply.events):
            if is_response(message):
                await self._end(ending_of(message))
            yield message
        await self._end(ANSWERED)

    async def chunks(self) -> AsyncIterator[bytes]:
        """One piece is kept back, so that the last one is known when it comes."""
        assert self._reply.chunks is not None  # noqa: S101 - `observed` looked
        head, kept = b"", b""
        async for piece in self._guarded(self._reply.chunks):
            head = head or piece[:_END_BYTES]
            if kept:
                yield kept
            kept = piece
        await self._end(_ending_of_ends(head, kept[-_END_BYTES:]))
        yield kept

    async def close(self) -> None:
        await self._reply.close()
        await self._end(GIVEN_UP)

    async def _guarded(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield piece
        except GatewayError as error:
            await self._end(Ending(failed=True, code=error.code))
            raise

    async def _end(self, ending: Ending) -> None:
        if not self._finished:
            self._finished = True
            await self._finish(ending)


def is_response(message: bytes) -> bool:
    """Whether this message of a stream is its response; every other one is a notification."""
    if b'"method"' not in message:
        return True
    try:
        return "method" not in parse_object(message)
    except ValueError:
        return False
