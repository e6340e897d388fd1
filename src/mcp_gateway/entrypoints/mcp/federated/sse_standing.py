"""The standing stream of a session (GET): what changed in lists and in resources subscribed to; and streams taken up again.

It is fed by one `subscriptions/listen` of revision 2026-07-28. The client's subscriptions are the session's, so any replica can
feed it, and follows when they change.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.types import Receive, Send

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY
from mcp_gateway.core.protocol.words import SUBSCRIPTION_KEY
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused
from mcp_gateway.entrypoints.mcp.federated.sessions_live import MAX_STANDING, LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import COMMENT, COMMENT_SECONDS, EVENT_HEADERS, Presence
from mcp_gateway.entrypoints.mcp.federated.sse_streams import EventStream
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


class Standing:
    """The standing stream of one session, and the listen that feeds it."""

    def __init__(self, stream: EventStream, listening: Listening, live: LiveSessions) -> None:
        self.stream, self._listening, self._live = stream, listening, live
        live.standing += 1

    def session_changed(self) -> None:
        self._listening.session_changed()

    def close(self) -> None:
        self._live.standing -= 1
        self._listening.close()
        self.stream.drop()


async def serve_standing(
    messages: LegacyMessages, visitor: Visitor, session: ClientSession, last_event: str, receive: Receive, send: Send
) -> None:
    """Answer a GET. Raises `Refused`."""
    live = messages.live
    here = live.at(session.key)
    try:
        if last_event:
            stream, number = _taken_up(messages, session, last_event)
            await _follow(stream, number, session, messages, receive, send)
            return
        standing = here.standing
        if isinstance(standing, Standing) and standing.stream.readers:
            raise Refused(409, "Conflict: Only one SSE stream is allowed per session")
        if not isinstance(standing, Standing):
            standing = _begin(messages, visitor, session)
        await _follow(standing.stream, standing.stream.last, session, messages, receive, send)
    finally:
        live.tidy(session.key)


def _begin(messages: LegacyMessages, visitor: Visitor, session: ClientSession) -> Standing:
    live = messages.live
    if live.standing >= MAX_STANDING:
        raise Refused(503, "Too many open streams")

    def abandoned() -> None:
        here = live.find(session.key)
        if here is not None and here.standing is standing:
            here.standing = None
        standing.close()

    stream = live.new_stream(session.key, abandoned)
    if stream is None:
        raise Refused(503, "Too many open streams")

    async def tell(message: bytes) -> None:
        stream.add(message)

    standing = Standing(stream, Listening(messages, visitor, session, tell), live)
    live.at(session.key).standing = standing
    return standing


def _taken_up(messages: LegacyMessages, session: ClientSession, last_event: str) -> tuple[EventStream, int]:
    """Raises `Refused` for an event nobody here knows, or of which too much was lost."""
    stream_id, _, number = last_event.rpartition(".")
    here = messages.live.find(session.key)
    stream = here.streams.get(stream_id) if here is not None else None
    if stream is None or not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise Refused(404, "Not Found: This stream can no longer be resumed")
    if stream.after(int(number)) is None:
        raise Refused(404, "Not Found: Events of this stream were lost meanwhile")
    return stream, int(number)


async def _follow(
    stream: EventStream, number: int, session: ClientSession, messages: LegacyMessages, receive: Receive, send: Send
) -> None:
    """Send what there is since that event, and what comes, until the stream ends or the client is gone."""
    gone = asyncio.Event()

    def left() -> None:
        gone.set()
        stream.wake()

    presence = Presence(receive, left, 0.0)
    stream.attach()
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_HEADERS]})
        if session.revision == LATEST_LEGACY and not stream.last:
            await _write(send, stream.prime())
            number = stream.last
        else:
            await _write(send, COMMENT)
        while not gone.is_set():
            events = stream.after(number)
            for latest, event in events or ():
                await _write(send, event)
                number = latest
            if stream.ended or events is None:
                break
            if not await stream.wait(number, COMMENT_SECONDS) and not gone.is_set():
                await _write(send, COMMENT)
                await messages.sessions.keep(session)
        if not gone.is_set():
            await send({"type": "http.response.body", "body": b""})
    finally:
        presence.close()
        stream.detach()


async def _write(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
