"""Streamable HTTP as the revisions 2025-03-26 to 2025-11-25 have it: each request has an answer or a stream of its own.

A stream that ends before its request is answered is taken up again where the server numbered its events; the request itself is
never sent twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Final

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.legacy.channel import Hearing, SessionForgotten
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.reading import release, whole
from mcp_gateway.adapters.links.legacy.resuming import Place, events_of
from mcp_gateway.adapters.links.legacy.translate import ASKABLE, WAITING
from mcp_gateway.adapters.links.modern import READING, lines_of
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse, render
from mcp_gateway.core.protocol.words import SESSION_HEADER, UNSUPPORTED_VERSION, VERSION_HEADER
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.federation.model import Client, Headers
from mcp_gateway.registry.model import ServerLimits

_SENT: Final = ((b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream"))
_STREAM: Final = (b"accept", b"text/event-stream")
_EVENTS: Final = b"text/event-stream"
# The header that names the revision came with this one.
_NAMED_SINCE: Final = "2025-06-18"
_END_SECONDS: Final = 2.0
_TELL_SECONDS: Final = 5.0
_LISTEN_PAUSE: Final = 0.5


class HttpChannel:
    """One session. `client` is in whose name what belongs to no request is sent."""

    for_both_eras = False

    def __init__(self, sending: Sending, client: Client, faults: Faults, limits: ServerLimits) -> None:
        self._sending, self._client, self._faults = sending, client, faults
        self._limit = limits.max_answer_bytes
        # Its streams may have to wait for the client, and must take nobody's place meanwhile.
        self._may_wait = bool(ASKABLE & client.capabilities.keys())
        self._session: bytes | None = None
        self._revision: bytes | None = None
        self._hearing: Hearing | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = False

    async def open(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def agreed(self, revision: str) -> None:
        self._revision = revision.encode() if revision >= _NAMED_SINCE else None

    async def ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        if self._listening:
            # What the server needs to know before it answers may be asked on the other stream.
            self._start(self._ask_apart(message, exchange, client), exchange)
        else:
            await self._ask(message, exchange, client)

    async def tell(self, message: JsonObject) -> None:
        outgoing = Outgoing(head=self._head(_SENT), body=render(message), seconds=_TELL_SECONDS)
        answer = await self._sending.send(outgoing, self._client)
        release(answer)
        if answer.status >= 400 and "method" not in message:
            raise self._faults.lost(f"it does not take the answer to its question (status {answer.status})")

    def listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._start(self._listen(), None)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        head = self._head(())
        session, self._session = self._session, None
        if session is not None:
            outgoing = Outgoing(method=b"DELETE", head=head, seconds=_END_SECONDS)
            with contextlib.suppress(GatewayError):
                release(await self._sending.send(outgoing, self._client))

    def _head(self, headers: Headers, client: Client | None = None) -> bytes:
        if self._session is not None:
            headers = (*headers, (SESSION_HEADER, self._session))
        if self._revision is not None:
            headers = (*headers, (VERSION_HEADER, self._revision))
        return lines_of(headers if client is None else (*headers, *client.trace))

    async def _ask_apart(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        try:
            await self._ask(message, exchange, client)
        except (GatewayError, SessionForgotten) as error:
            exchange.fail(error)

    async def _ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        method = message["method"]
        outgoing = Outgoing(
            head=self._head(_SENT, client),
            body=render(message),
            reads=method in READING,
            standing=self._may_wait and method in WAITING,
        )
        answer = await self._sending.send(outgoing, client)
        if method == "initialize":
            self._session = answer.headers.get(SESSION_HEADER)
        if answer.status == 200 and answer.media_type == _EVENTS:
            await self._stream(answer, exchange, client)
        elif answer.status == 200:
            self._take(await whole(answer, self._limit, self._faults), exchange)
            if not exchange.waiting():
                raise self._faults.misbehaved("answers something else than it was asked")
        else:
            await self._refusal(answer, exchange)

    def _take(self, body: bytes, exchange: Exchange | None) -> bool:
        """One message, or a batch as 2025-03-26 had them. Whether the exchange is answered by it."""
        try:
            value = parse(body)
        except (ValueError, RecursionError) as error:
            raise self._faults.misbehaved("answers with something that is no JSON") from error
        answered = False
        for message in value if isinstance(value, list) else [value]:
            if isinstance(message, dict) and self._hearing is not None:
                self._hearing.heard(message, exchange)
                answered |= exchange is not None and "method" not in message and message.get("id") == exchange.id
        return answered

    async def _refusal(self, answer: Answer, exchange: Exchange) -> None:
        if answer.status in (401, 403):
            answer.leave()
            raise self._faults.refused(answer.status)
        if answer.status == 404 and self._session is not None:
            answer.leave()
            raise SessionForgotten
        body = await whole(answer, self._limit, self._faults)
        with contextlib.suppress(ValueError, RecursionError):
            message = parse(body)
            if isinstance(message, dict) and isinstance(message.get("error"), dict):
                if answer.status == 400 and self._session is not None and _ends_session(message):
                    raise SessionForgotten
                exchange.put({**message, "id": exchange.id})
                return
        raise self._failure(answer)

    def _failure(self, answer: Answer) -> GatewayError:
        """Of an answer that is no message."""
        if answer.status in (429, 503):
            after = answer.headers.get(b"retry-after", b"")
            seconds = min(float(after), 3600.0) if after.isdigit() and len(after) < 6 else None
            return self._faults.unreachable(f"it takes no requests now (status {answer.status})", retry_after_seconds=seconds)
        if answer.status in (502, 504):
            return self._faults.lost(f"what stands before it does not reach it (status {answer.status})")
        return self._faults.misbehaved(f"answers with status {answer.status} and no JSON-RPC error", status=answer.status)

    async def _stream(self, answer: Answer, exchange: Exchange, client: Client) -> None:
        reading = self._read(answer, exchange, client)
        if self._listening or not await anext(reading, True):
            self._start(_drain(reading), exchange)
        else:
            await reading.aclose()

    async def _read(self, answer: Answer, exchange: Exchange, client: Client) -> AsyncGenerator[bool, None]:
        """Whether the request has been answered, after each message. Fails the exchange rather than raise."""
        place, taken = Place(self._limit), 0
        try:
            while True:
                async for _, data in events_of(answer, place, self._faults):
                    taken += len(data)
                    if taken > self._limit:
                        raise self._faults.too_large(self._limit)
                    if data and self._take(data, exchange):
                        release(answer)
                        yield True
                        return
                    if data:
                        await exchange.room()
                        yield False
                answer.leave()
                answer = await self._resumed(place, client)
        except GatewayError as error:
            exchange.fail(error)
        finally:
            answer.leave()

    async def _resumed(self, place: Place, client: Client) -> Answer:
        """The stream, taken up after the last event. Raises `UpstreamLost` when it cannot be."""
        while place.last_id and place.another():
            await asyncio.sleep(place.pause)
            answer = await self._opened(place, client)
            if answer is None or answer.status >= 500:
                continue
            if answer.status == 200:
                return answer
            break
        raise self._faults.lost("its stream ended before the answer")

    async def _opened(self, place: Place, client: Client | None) -> Answer | None:
        """A GET stream from this place on; None when the server was not reached. One that is no stream is left already."""
        headers = (_STREAM, (b"last-event-id", place.last_id)) if place.last_id else (_STREAM,)
        outgoing = Outgoing(method=b"GET", head=self._head(headers, client), reads=True, standing=True)
        try:
            answer = await self._sending.send(outgoing, client or self._client)
        except GatewayError:
            return None
        if answer.status != 200 or answer.media_type != _EVENTS:
            answer.leave()
            return Answer(max(answer.status, 400), {}, body=b"", source=None)
        return answer

    async def _listen(self) -> None:
        """The stream for what belongs to no request, for as long as the server keeps one."""
        place, hearing = Place(self._limit), self._hearing
        missed = False
        while hearing is not None and place.another():
            resumed = bool(place.last_id)
            answer = await self._opened(place, None)
            if answer is not None and 400 <= answer.status < 500:
                break
            if missed and not resumed:
                hearing.interrupted()
            if answer is not None and answer.status == 200:
                missed = True
                await self._hear(answer, place, hearing)
            await asyncio.sleep(max(place.pause, _LISTEN_PAUSE))
        self._listening = False
        if missed and hearing is not None:
            hearing.interrupted()

    async def _hear(self, answer: Answer, place: Place, hearing: Hearing) -> None:
        try:
            async for _, data in events_of(answer, place, self._faults):
                if data:
                    self._take(data, None)
        except GatewayError:
            hearing.interrupted()
        finally:
            answer.leave()

    def _start(self, work: Coroutine[Any, Any, None], exchange: Exchange | None) -> None:
        task = begin_task(work, self._tasks)
        if exchange is not None:
            exchange.on_close.append(task.cancel)


async def _drain(reading: AsyncGenerator[bool, None]) -> None:
    async with contextlib.aclosing(reading):
        async for _ in reading:
            pass


def _ends_session(message: JsonObject) -> bool:
    """Whether it refuses the session itself, or the revision that was settled in it."""
    error = object_at(message, "error")
    said = error.get("message")
    text = said.lower() if isinstance(said, str) else ""
    return error.get("code") == UNSUPPORTED_VERSION or "session" in text or "not initialized" in text
