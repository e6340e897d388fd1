"""A standing subscription with a modern server: `subscriptions/listen`, opened again whenever it ends."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Final, TypeAlias

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object
from mcp_gateway.core.protocol.words import METHOD_NOT_FOUND
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.federation.errors import NotExpressible, UpstreamUnreachable
from mcp_gateway.federation.model import Change, ChangeKind, Client, Reply, Request
from mcp_gateway.federation.ports import Wanted

Send: TypeAlias = Callable[[Request], Awaitable[Reply]]

_log = structlog.get_logger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 60.0
_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
_KINDS: Final[dict[str, ChangeKind]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
    "notifications/resources/updated": "resource",
}


class Listening:
    """The `Watch` of a modern link. A new wish opens a new stream, and the old one goes on until that one is acknowledged."""

    def __init__(
        self,
        server: str,
        send: Send,
        client: Client,
        on_change: Callable[[Change], None],
        *,
        seconds: float,
        ended: Callable[["Listening"], None],
    ) -> None:
        """`seconds`: how long an acknowledgement may take."""
        self._server, self._send, self._client, self._seconds = server, send, client, seconds
        self._on_change, self._ended = on_change, ended
        self._ids = count(1)
        self._wanted = Wanted()
        self._task: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._closed = False
        self._interrupted = False

    @property
    def hears(self) -> bool:
        return not self._interrupted and self._task is not None and not self._task.done()

    async def want(self, wanted: Wanted) -> None:
        async with self._changing:
            if wanted == self._wanted and self._task is not None and not self._task.done():
                return
            self._wanted = wanted
            former, self._task = self._task, None
            try:
                if (wanted.lists or wanted.uris) and not self._closed:
                    opened = await self._open()
                    self._interrupted = False
                    self._task = asyncio.create_task(self._keep(opened))
            finally:
                await end_tasks(former)
        if self._closed:
            await self.close()

    async def close(self) -> None:
        self._closed = True
        task, self._task = self._task, None
        await end_tasks(task)
        self._ended(self)

    async def _open(self) -> "_Stream":
        """A stream that was acknowledged."""
        notifications: JsonObject = {f"{name}ListChanged": True for name in sorted(self._wanted.lists)}
        if self._wanted.uris:
            notifications["resourceSubscriptions"] = [*sorted(self._wanted.uris)]
        request = Request(
            id=f"watch-{next(self._ids)}",
            method="subscriptions/listen",
            params={"notifications": notifications},
            client=self._client,
        )
        stream = _Stream(await self._send(request))
        first: JsonObject = {}
        try:
            async with asyncio.timeout(self._seconds):
                first = await stream.first()
        except TimeoutError:
            pass
        finally:
            if first.get("method") != _ACKNOWLEDGED:
                await stream.close()
        if first.get("method") == _ACKNOWLEDGED:
            return stream
        if object_at(first, "error").get("code") == METHOD_NOT_FOUND:
            raise NotExpressible(f"{self._server} has no subscriptions.", server=self._server)
        raise UpstreamUnreachable(f"{self._server} opens no subscription.", server=self._server)

    async def _keep(self, stream: "_Stream") -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await self._hear(stream)
            if loop.time() - began > _LONGEST_PAUSE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._interrupted = True
            stream, pause = await self._reopened(pause)
            self._interrupted = False
            # Told after it stands again, so that whoever asks the server anew misses nothing in between.
            self._tell(Change(server=self._server, kind="lost"))

    async def _hear(self, stream: "_Stream") -> None:
        try:
            async for message in stream.messages():
                self._note(message)
        except GatewayError as error:
            _log.info("subscription_interrupted", server=self._server, code=error.code)
        finally:
            await stream.close()

    async def _reopened(self, pause: float) -> tuple["_Stream", float]:
        # What was kept holds no longer from the moment nothing is heard.
        self._tell(Change(server=self._server, kind="lost"))
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            with contextlib.suppress(GatewayError):
                return await self._open(), pause

    def _note(self, message: JsonObject) -> None:
        method = message.get("method")
        if not isinstance(method, str) or method == _ACKNOWLEDGED:
            return
        uri = object_at(message, "params").get("uri")
        kind = _KINDS.get(method, "other")
        self._tell(Change(server=self._server, kind=kind, uri=uri if isinstance(uri, str) else "", message=message))

    def _tell(self, change: Change) -> None:
        try:
            self._on_change(change)
        except Exception:  # noqa: BLE001 - the wall of a background loop: what listens may fail, the stream goes on
            _log.exception("change_not_taken", server=self._server, kind=change.kind)


class _Stream:
    """The messages of one reply, read in two goes: up to the acknowledgement, and from there."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._events = reply.events if reply.events is not None else _one(reply.body or b"")

    async def messages(self) -> AsyncIterator[JsonObject]:
        while (event := await anext(self._events, None)) is not None:
            with contextlib.suppress(ValueError):
                yield parse_object(event)

    async def first(self) -> JsonObject:
        """The acknowledgement, or the answer that came instead; empty when neither did."""
        async for message in self.messages():
            if message.get("method") == _ACKNOWLEDGED or "method" not in message:
                return message
        return {}

    async def close(self) -> None:
        await self._reply.close()


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body
