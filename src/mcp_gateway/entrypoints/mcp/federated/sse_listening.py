"""Keeps a client of an older revision told of changes: by one `subscriptions/listen` of revision 2026-07-28.

What the client wants is what its session says, so any replica can do it, and follows when that changes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.protocol.words import SUBSCRIPTION_KEY
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.model import Reply, Request

# After a listen that failed; doubled each time up to the longest.
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
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
        while True:
            try:
                if await self._once():
                    pause = FIRST_PAUSE_SECONDS
            except GatewayError as error:
                log.info("listen_failed", code=error.code)
            except Exception:
                log.exception("listen_fault")
            if not self._again.is_set():
                await self._wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._again.clear()
            await self._look()

    async def _once(self) -> bool:
        """One listen, until it ends or the session wants something else; whether it was taken."""
        request = self._request()
        reply = await self._messages.send(self._visitor.view, request)
        reading = asyncio.ensure_future(self._read(reply))
        changed = asyncio.ensure_future(self._again.wait())
        try:
            await asyncio.wait({reading, changed}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else True
        finally:
            for task in (reading, changed):
                task.cancel()
            await asyncio.gather(reading, changed, return_exceptions=True)
            await reply.close()

    async def _read(self, reply: Reply) -> bool:
        if reply.events is None:
            return False
        async for event in reply.events:
            message = parse_object(event)
            if isinstance(message.get("method"), str):
                if message["method"] != ACKNOWLEDGED:
                    await self._tell(render(_unnumbered(message)))
            else:
                return "result" in message
        return True

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


def _unnumbered(message: JsonObject) -> JsonObject:
    """Without the name of the listen it came by, of which the client knows nothing."""
    params = dict(object_at(message, "params"))
    meta = {key: value for key, value in object_at(params, "_meta").items() if key != SUBSCRIPTION_KEY}
    params.pop("_meta", None)
    if meta:
        params["_meta"] = meta
    kept: JsonObject = {"jsonrpc": "2.0", "method": message["method"]}
    return {**kept, "params": params} if params else kept
