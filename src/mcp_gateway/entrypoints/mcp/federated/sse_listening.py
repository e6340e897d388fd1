"""Keeps a client of an older revision told of changes: by one `subscriptions/listen` of revision 2026-07-28.

What the client wants is what its session says, so any replica can do it, and follows when that changes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.protocol.words import SUBSCRIPTION_KEY
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor
from mcp_gateway.entrypoints.mcp.federated.walls import Wall
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.model import Reply, Request

# After a listen that failed; doubled each time up to the longest.
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
SETTLING_SECONDS: Final = 0.02
ACKNOWLEDGED_SECONDS: Final = 5.0
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"

Told = Callable[[bytes], Awaitable[None]]

log = structlog.get_logger(__name__)


class Listening:
    """Keeps telling of changes, until it is closed. `tell` gets each notification."""

    def __init__(self, messages: LegacyMessages, visitor: Visitor, session: ClientSession, tell: Told) -> None:
        self._messages, self._visitor, self._session, self._tell = messages, visitor, session, tell
        self._again = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._keep_on())

    def session_changed(self) -> None:
        """Look what the session wants now."""
        self._again.set()

    def close(self) -> None:
        self._task.cancel()

    async def _keep_on(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        current: _Listen | None = None
        try:
            while True:
                opened = await self._opened()
                if current is not None:
                    await current.close()
                current = opened
                if current is not None:
                    pause = FIRST_PAUSE_SECONDS
                    await self._until_over(current)
                if self._again.is_set():
                    # Who subscribes to one thing subscribes to the next.
                    await asyncio.sleep(SETTLING_SECONDS)
                else:
                    await self._wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                self._again.clear()
                await self._look()
        finally:
            if current is not None:
                await current.close()

    async def _opened(self) -> "_Listen | None":
        """A listen that was acknowledged, so that one before it is not missed any more; None when there is none to be had."""
        listen = _Listen(self._tell)
        begun = False
        try:
            with Wall("listen_fault"):
                reply = await self._messages.send(self._visitor.view, self._request())
                begun = await listen.begin(reply)
        except GatewayError as error:
            log.info("listen_failed", code=error.code)
        finally:
            if not begun:
                await listen.close()
        return listen if begun else None

    async def _until_over(self, listen: "_Listen") -> None:
        """Until it ended, or the session wants something else."""
        changed = asyncio.ensure_future(self._again.wait())
        waited: set[asyncio.Future[Any]] = {listen.over, changed}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    def _request(self) -> Request:
        wanted: JsonObject = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
        if self._session.subscriptions:
            wanted["resourceSubscriptions"] = [*sorted(self._session.subscriptions)]
        return Request(
            id=self._messages.live.new_id(),
            method="subscriptions/listen",
            params={"notifications": wanted},
            client=self._visitor.client(self._session),
        )

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        try:
            self._session = await self._messages.sessions.again(self._session)
        except ClientSessionsAway:
            log.info("session_unseen")
        except ClientSessionUnknown:
            self._messages.live.end(self._session.key)


class _Listen:
    """One `subscriptions/listen` under way."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._reply: Reply | None = None
        self._acknowledged = asyncio.Event()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self, reply: Reply) -> bool:
        """Whether the server took it; one that is slow to say so is believed."""
        self._reply = reply
        if reply.events is None:
            return False
        self.over = asyncio.ensure_future(self._read(reply.events))
        acknowledged = asyncio.ensure_future(self._acknowledged.wait())
        waited: set[asyncio.Future[Any]] = {self.over, acknowledged}
        try:
            await asyncio.wait(waited, timeout=ACKNOWLEDGED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            acknowledged.cancel()
        return self._acknowledged.is_set() or not self.over.done()

    async def close(self) -> None:
        await end_tasks(self.over)
        if self._reply is not None:
            await self._reply.close()

    async def _read(self, events: AsyncIterator[bytes]) -> None:
        try:
            with Wall("listen_fault"):
                await self._pass_on(events)
        except GatewayError as error:
            log.info("listen_failed", code=error.code)

    async def _pass_on(self, events: AsyncIterator[bytes]) -> None:
        async for event in events:
            message = parse_object(event)
            if not isinstance(message.get("method"), str):
                return
            self._acknowledged.set()
            if message["method"] != ACKNOWLEDGED:
                await self._tell(render(_unnumbered(message)))


def _unnumbered(message: JsonObject) -> JsonObject:
    """Without the name of the listen it came by, of which the client knows nothing."""
    params = dict(object_at(message, "params"))
    meta = {key: value for key, value in object_at(params, "_meta").items() if key != SUBSCRIPTION_KEY}
    params.pop("_meta", None)
    if meta:
        params["_meta"] = meta
    kept: JsonObject = {"jsonrpc": "2.0", "method": message["method"]}
    return {**kept, "params": params} if params else kept
