"""The stream of one session of HTTP+SSE: whatever its client posted is worked on here, and answered on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from starlette.types import Send

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, error_message, render
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor, request_id_of
from mcp_gateway.entrypoints.mcp.federated.legacy_words import code_of
from mcp_gateway.entrypoints.mcp.federated.sse_events import event_bytes
from mcp_gateway.entrypoints.mcp.federated.sse_listening import Listening
from mcp_gateway.entrypoints.mcp.federated.walls import Wall
from mcp_gateway.entrypoints.mcp.guard import TooManyOpenRequests
from mcp_gateway.federation.client_sessions.model import ClientSession

# Messages of one session that are worked on at once.
MAX_UNDER_WAY: Final = 64
# A client that reads nothing for so long is given up.
WRITE_SECONDS: Final = 30.0

log = structlog.get_logger(__name__)


class SsePipe:
    """The stream of one session: the outlet of all its calls."""

    def __init__(self, messages: LegacyMessages, visitor: Visitor, session: ClientSession, send: Send) -> None:
        self._messages, self._visitor, self._send = messages, visitor, send
        self.session = session
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: Listening | None = None
        self.closed = asyncio.Event()

    async def notify(self, message: bytes) -> None:
        await self.write(event_bytes(message))

    async def answer(self, message: bytes) -> None:
        await self.write(event_bytes(message))

    async def answer_in_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        async with self._lock:
            await self._write(b"event: message\ndata: ")
            try:
                async for piece in pieces:
                    await self._write(piece.replace(b"\n", b" ").replace(b"\r", b" "))
            finally:
                await self._write(b"\n\n")

    async def forbid(self, message: bytes) -> None:
        await self.answer(message)

    async def write(self, body: bytes) -> None:
        async with self._lock:
            await self._write(body)

    async def take(self, caller: Caller, message: JsonObject) -> bool:
        """Begin what the message asks for. Raises `TooManyOpenRequests` when too much is under way."""
        if self.closed.is_set():
            return False
        if len(self._tasks) >= MAX_UNDER_WAY:
            raise TooManyOpenRequests(limit=MAX_UNDER_WAY)
        visitor = self._visitor._replace(caller=caller, trace=())
        begin_task(self._serve(visitor, message), self._tasks)
        return True

    def session_changed(self) -> None:
        if self._listening is not None:
            self._listening.session_changed()

    def close(self) -> None:
        self.closed.set()
        if self._listening is not None:
            self._listening.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, visitor: Visitor, message: JsonObject) -> None:
        try:
            with Wall("message_fault"):
                await self._work_on(visitor, message)
        except GatewayError as error:
            await self._fail(message, error)

    async def _work_on(self, visitor: Visitor, message: JsonObject) -> None:
        if request_id_of(message) is None:
            await self._messages.hear(self.session, message)
        elif message["method"] == "initialize":
            answer, _ = await self._messages.introduce(visitor, message, self.session)
            self.session = await self._messages.sessions.again(self.session)
            await self.answer(answer)
            self._listen()
        else:
            self.session = await self._messages.sessions.again(self.session)
            call = await self._messages.call_of(visitor, self.session, message, self)
            if call is not None:
                await call.run()

    async def _fail(self, message: JsonObject, error: GatewayError) -> None:
        request_id = message.get("id")
        if "method" in message and isinstance(request_id, int | str):
            await self.answer(render(error_message(request_id, code_of(error), error.message, {"error": error.to_dict()})))
        log.info("message_failed", code=error.code)

    def _listen(self) -> None:
        if self._listening is None and not self.closed.is_set():
            self._listening = Listening(self._messages, self._visitor, self.session, self.notify)

    async def _write(self, body: bytes) -> None:
        if self.closed.is_set():
            return
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            self.closed.set()
