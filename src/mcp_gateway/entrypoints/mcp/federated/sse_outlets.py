"""The response to one POST: plain JSON while there is nothing to say but the answer, a stream of events from then on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from starlette.types import Send

from mcp_gateway.entrypoints.mcp.federated.answers import JSON_TYPE
from mcp_gateway.entrypoints.mcp.federated.sse_events import EVENT_HEADERS, event_bytes
from mcp_gateway.entrypoints.mcp.federated.sse_presence import nobody
from mcp_gateway.entrypoints.mcp.federated.sse_streams import EventStream

# A client that waits longer is shown that it is heard; later on a comment keeps what lies between from closing the line.
PATIENCE_SECONDS: Final = 10.0
COMMENT_SECONDS: Final = 15.0
COMMENT: Final = b": \n\n"

Headers = tuple[tuple[bytes, bytes], ...]


class Outlet(Protocol):
    """Where the messages of a call go."""

    async def notify(self, message: bytes) -> None:
        """One more message before the answer."""
        ...

    async def answer(self, message: bytes) -> None: ...

    async def answer_in_pieces(self, pieces: AsyncIterator[bytes]) -> None: ...

    async def forbid(self, message: bytes) -> None:
        """The answer to a caller whose token may not do this."""
        ...


class PostOutlet:
    """`batch` is the number of answers that make an array; None: one answer, which stands alone.

    `new_stream` makes the stream events are kept in, so that a client can come back for them; it may give None. It is told what
    to call when nobody came back, which is `on_lost`.
    `challenge` makes the headers of a refusal. `prime`: the client knows events without data (since 2025-11-25).
    """

    def __init__(
        self,
        send: Send,
        *,
        new_stream: Callable[[Callable[[], None]], EventStream | None],
        prime: bool,
        challenge: Callable[[bytes], Headers],
        batch: int | None = None,
    ) -> None:
        self._send = send
        self._new_stream = new_stream
        self._prime = prime
        self._challenge = challenge
        self._batch = batch
        self._left = batch or 1
        self._answers: list[bytes] = []
        self._lock = asyncio.Lock()
        self._streaming = False
        self._gone = False
        self._begun = False
        self.stream: EventStream | None = None
        self.on_lost: Callable[[], None] = nobody
        self._reassuring: asyncio.Task[None] | None = None

    async def notify(self, message: bytes) -> None:
        async with self._lock:
            await self._open()
            await self._write(message)

    async def answer(self, message: bytes) -> None:
        async with self._lock:
            if not self._left:
                return
            self._left -= 1
            if self._streaming:
                await self._write(message)
                if not self._left:
                    await self._finish()
                return
            self._answers.append(message)
            if not self._left:
                body = message if self._batch is None else b"[" + b",".join(self._answers) + b"]"
                await self._whole(body)

    async def answer_in_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        """An answer too long to be held is not told a second time."""
        if self._batch is not None:
            await self.answer(b"".join([piece async for piece in pieces]))
            return
        async with self._lock:
            if not self._streaming:
                await self._in_pieces(pieces)
                return
            await self._body(b"event: message\ndata: ", more=True)
            try:
                async for piece in pieces:
                    await self._body(piece.replace(b"\n", b" ").replace(b"\r", b" "), more=True)
            finally:
                await self._body(b"\n\n", more=True)
            self._left -= 1
            await self._finish()

    async def forbid(self, message: bytes) -> None:
        """The answer to a token that may not do this: where HTTP can still say so, it tells which one may."""
        async with self._lock:
            if self._batch is None and not self._begun:
                self._left, self._begun = 0, True
                await self._start(403, (*_json_of(message), *self._challenge(message)))
                await self._body(message, more=False)
                return
        await self.answer(message)

    def client_gone(self) -> bool:
        """The client left; whether it may come back, so that what is under way goes on."""
        self._gone = True
        if self.stream is None or self.stream.ended:
            return False
        self.stream.detach()
        return True

    def reassure(self) -> None:
        """It takes long: from now on the client is shown, now and then, that it is heard."""
        if self._reassuring is None:
            self._reassuring = asyncio.get_running_loop().create_task(self._reassure())

    def close(self) -> None:
        if self._reassuring is not None:
            self._reassuring.cancel()

    async def end(self) -> None:
        """Whatever was not answered will not be."""
        async with self._lock:
            if self._streaming and self._left:
                self._left = 0
                await self._finish()

    async def _whole(self, body: bytes) -> None:
        self._begun = True
        await self._start(200, _json_of(body))
        await self._body(body, more=False)

    async def _in_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        """One that breaks off leaves the response unfinished, so that nobody takes it for whole."""
        self._begun = True
        self._left = 0
        await self._start(200, (JSON_TYPE,))
        async for piece in pieces:
            await self._body(piece, more=True)
        await self._body(b"", more=False)

    async def _open(self) -> None:
        if self._streaming:
            return
        self._streaming = self._begun = True
        self.stream = self._new_stream(self.on_lost)
        await self._start(200, EVENT_HEADERS)
        if self.stream is not None:
            self.stream.attach()
            if self._gone:
                self.stream.detach()
            if self._prime:
                await self._body(self.stream.prime(), more=True)
        for answer in self._answers:
            await self._write(answer)

    async def _write(self, message: bytes) -> None:
        event = self.stream.add(message) if self.stream is not None else event_bytes(message)
        await self._body(event, more=True)

    async def _finish(self) -> None:
        if self.stream is not None:
            self.stream.end()
        await self._body(b"", more=False)

    async def _start(self, status: int, headers: Headers) -> None:
        if not self._gone:
            await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def _body(self, body: bytes, *, more: bool) -> None:
        if not self._gone:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _reassure(self) -> None:
        await asyncio.sleep(PATIENCE_SECONDS)
        while not self._gone:
            async with self._lock:
                if not self._left:
                    return
                if self._streaming:
                    await self._body(COMMENT, more=True)
                elif not self._begun:
                    await self._open()
            await asyncio.sleep(COMMENT_SECONDS)


def _json_of(body: bytes) -> Headers:
    return (JSON_TYPE, (b"content-length", b"%d" % len(body)))
