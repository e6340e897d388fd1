"""HTTP+SSE as revision 2024-11-05 has it: one stream for all the server says, and an address it names to post to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from mcp_gateway.adapters.links.answers import Answer
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import Outgoing
from mcp_gateway.adapters.links.legacy.channel import Hearing, SessionForgotten
from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.adapters.links.legacy.reading import release
from mcp_gateway.adapters.links.legacy.resuming import Place, events_of
from mcp_gateway.adapters.links.modern import lines_of
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, parse, render
from mcp_gateway.core.tasks import begin_task
from mcp_gateway.federation.model import Client
from mcp_gateway.registry.model import Server

_JSON: Final = ((b"content-type", b"application/json"),)
_STREAM: Final = ((b"accept", b"text/event-stream"),)
_EVENTS: Final = b"text/event-stream"
_TELL_SECONDS: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443}


class SseChannel:
    """One stream is one session. It cannot be taken up again once it ended."""

    for_both_eras = False

    def __init__(self, server: Server, sending: Sending, client: Client, faults: Faults) -> None:
        self._server, self._sending, self._client, self._faults = server, sending, client, faults
        self._target = ""
        self._hearing: Hearing | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, hearing: Hearing) -> None:
        self._hearing = hearing
        outgoing = Outgoing(method=b"GET", head=lines_of(_STREAM), reads=True, standing=True)
        answer = await self._sending.send(outgoing, self._client)
        with contextlib.ExitStack() as unless_open:
            unless_open.callback(answer.leave)
            if answer.status in (401, 403):
                raise self._faults.refused(answer.status)
            if answer.status != 200 or answer.media_type != _EVENTS:
                raise self._faults.misbehaved("offers no stream of events", status=answer.status)
            events = events_of(answer, Place(self._server.limits.max_answer_bytes), self._faults)
            self._target = await self._endpoint(events)
            unless_open.pop_all()
        self._start(self._read(answer, events, hearing))

    async def agreed(self, revision: str) -> None: ...

    async def ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        # It may be accepted only after it was answered.
        self._start(self._ask(message, exchange, client), exchange)

    async def tell(self, message: JsonObject) -> None:
        answer = await self._post(message, self._client, _TELL_SECONDS)
        release(answer)
        if answer.status >= 400 and "method" not in message:
            raise self._faults.lost(f"it does not take the answer to its question (status {answer.status})")

    def listen(self) -> None: ...

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    async def _endpoint(self, events: AsyncIterator[tuple[bytes, bytes]]) -> str:
        async for name, data in events:
            if name == b"endpoint":
                return self._checked(data.decode("utf-8", "replace").strip())
        raise self._faults.misbehaved("ended its stream before it said where to post to")

    def _checked(self, said: str) -> str:
        """The path to post to. Whatever credential goes with the server must not follow it elsewhere."""
        try:
            there, here = urlsplit(urljoin(self._server.url, said)), urlsplit(self._server.url)
            same = _origin(there.scheme, there.hostname, there.port) == _origin(here.scheme, here.hostname, here.port)
        except ValueError as error:
            raise self._faults.misbehaved("names an address to post to that cannot be read") from error
        target = (there.path or "/") + (f"?{there.query}" if there.query else "")
        if not same or there.username is not None or not target.isascii() or any(ord(one) <= 32 for one in target):
            raise self._faults.misbehaved("names an address to post to that is of another origin, or is none")
        return target

    async def _read(self, answer: Answer, events: AsyncIterator[tuple[bytes, bytes]], hearing: Hearing) -> None:
        error: GatewayError = self._faults.lost("its stream ended")
        try:
            async for name, data in events:
                if name in (b"", b"message") and data:
                    with contextlib.suppress(ValueError, RecursionError):
                        message = parse(data)
                        if isinstance(message, dict):
                            hearing.heard(message, None, len(data))
        except GatewayError as broken:
            error = broken
        finally:
            answer.leave()
            hearing.lost(error)

    async def _ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        try:
            answer = await self._post(message, client, self._server.limits.timeout_seconds)
        except GatewayError as error:
            exchange.fail(error)
            return
        answer.leave() if answer.status >= 300 else release(answer)
        if answer.status in (401, 403):
            exchange.fail(self._faults.refused(answer.status))
        elif answer.status == 404:
            exchange.fail(SessionForgotten())
        elif answer.status >= 300:
            exchange.fail(self._faults.misbehaved(f"refuses what it is sent (status {answer.status})", status=answer.status))

    async def _post(self, message: JsonObject, client: Client, seconds: float) -> Answer:
        head = lines_of((*_JSON, *client.trace))
        outgoing = Outgoing(head=head, body=render(message), target=self._target, seconds=seconds)
        return await self._sending.send(outgoing, client)

    def _start(self, work: Coroutine[Any, Any, None], exchange: Exchange | None = None) -> None:
        task = begin_task(work, self._tasks)
        if exchange is not None:
            exchange.on_close.append(task.cancel)


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str | None, int | None]:
    return scheme, host, port or _PORTS.get(scheme)
