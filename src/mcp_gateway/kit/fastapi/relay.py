"""A stream of server-sent events, handed on as it comes from a part behind the route.

What goes wrong before the first byte is an ordinary problem response; afterwards the last event says how the stream ended. A
client that has gone ends the stream behind it too, and one that only waits is told with a comment now and then that all is well.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Self

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mcp_gateway.core.errors import GatewayError, Internal, TimedOut
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.kit.fastapi.problems import problem_details

KEEP_ALIVE_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 3_600.0

log = structlog.get_logger(__name__)


class EventRelay(Response):
    """Use `open`, and return it from the handler. `text/event-stream` that nobody on the way keeps or holds back."""

    media_type = "text/event-stream"

    def __init__(
        self, opened: AsyncExitStack, chunks: AsyncIterator[bytes], *, longest_seconds: float, status_code: int = 200
    ) -> None:
        super().__init__(status_code=status_code, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._opened, self._chunks, self._longest_seconds = opened, chunks, longest_seconds

    @classmethod
    async def open(cls, *opening: AbstractAsyncContextManager[object], longest_seconds: float = LONGEST_SECONDS) -> Self:
        """The last of `opening` gives the chunks; those before it (a circuit, say) stay open as long. Raises what they raise."""
        async with AsyncExitStack() as stack:
            given: object = None
            for one in opening:
                given = await stack.enter_async_context(one)
            if not isinstance(given, AsyncIterator):
                raise TypeError("The last one gives an iterator of bytes.")
            return cls(stack.pop_all(), given, longest_seconds=longest_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send_all(send), name="event-relay")
        gone = asyncio.create_task(_gone(receive), name="event-relay-client")
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(sending, gone)
        if not sending.cancelled():
            sending.result()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        last = b""
        try:
            async with self._opened, asyncio.timeout(self._longest_seconds):
                async for chunk in _with_signs_of_life(self._chunks):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except GatewayError as error:
            last = _told(error)
        except TimeoutError:
            last = _told(TimedOut("The stream has lasted as long as one may."))
        except OSError:
            raise  # the client's line is gone: there is nobody to tell
        except Exception:  # a wall: the response has begun, so the event is the only place left to say it
            log.exception("stream_failed")
            last = _told(Internal())
        await send({"type": "http.response.body", "body": last, "more_body": False})


async def _with_signs_of_life(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, and a comment wherever nothing comes for a while."""
    coming: asyncio.Task[bytes] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(_next(chunks))
            done, _ = await asyncio.wait({coming}, timeout=KEEP_ALIVE_SECONDS)
            if not done:
                yield b": waiting\n\n"
                continue
            chunk, coming = coming.result(), None
            if not chunk:
                return
            yield chunk
    finally:
        await end_tasks(coming)


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """The next that is not empty; empty at the end."""
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _told(error: GatewayError) -> bytes:
    details = json.dumps(problem_details(error), ensure_ascii=True, separators=(",", ":"))
    return f"\n\nevent: error\ndata: {details}\n\n".encode()
