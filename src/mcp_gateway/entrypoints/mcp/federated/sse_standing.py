"""The standing stream of a session (GET): what changed in lists and in resources subscribed to; and streams taken up again.

A stream that another replica holds is read from there, in small portions.
"""

import asyncio
from typing import Final

from starlette.types import Receive, Send

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.revisions import LATEST_LEGACY
from mcp_gateway.entrypoints.mcp.federated.legacy_messages import LegacyMessages, Visitor
from mcp_gateway.entrypoints.mcp.federated.legacy_refusals import Refused
from mcp_gateway.entrypoints.mcp.federated.sessions_elsewhere import Polled
from mcp_gateway.entrypoints.mcp.federated.sessions_live import MAX_STANDING, LiveSessions
from mcp_gateway.entrypoints.mcp.federated.sse_events import EVENT_HEADERS
from mcp_gateway.entrypoints.mcp.federated.sse_listening import Listening
from mcp_gateway.entrypoints.mcp.federated.sse_outlets import COMMENT, COMMENT_SECONDS
from mcp_gateway.entrypoints.mcp.federated.sse_presence import Presence
from mcp_gateway.entrypoints.mcp.federated.sse_streams import EventStream
from mcp_gateway.federation.client_sessions.model import ClientSession

NOT_RESUMED: Final = "Bad Request: This stream can no longer be resumed"
MAX_EVENT_NUMBER_DIGITS: Final = 9
# In the id of a stream that belongs to no call: where it is lost, another does as well.
STANDING_MARK: Final = "s"


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
    """Answer a GET. Raises `Refused`, and what asking another replica does."""
    live = messages.live
    try:
        stream_id, _, number = last_event.rpartition(".")
        if last_event and await _take_up(messages, session, stream_id, number, receive, send):
            return
        standing = live.at(session.key).standing
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

    stream = live.new_stream(session.key, abandoned, STANDING_MARK)
    if stream is None:
        raise Refused(503, "Too many open streams")

    async def tell(message: bytes) -> None:
        stream.add(message)

    standing = Standing(stream, Listening(messages, visitor, session, tell), live)
    live.at(session.key).standing = standing
    return standing


async def _take_up(
    messages: LegacyMessages, session: ClientSession, stream_id: str, digits: str, receive: Receive, send: Send
) -> bool:
    """Whether there was something to be taken up. Raises `Refused` for a call's stream that is gone, or lost too much.

    Not with 404, which would tell the client that its session is gone.
    """
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MAX_EVENT_NUMBER_DIGITS):
        raise Refused(400, NOT_RESUMED)
    number, replica = int(digits), messages.elsewhere.replica_of(stream_id)
    stands = stream_id.rpartition("-")[2].startswith(STANDING_MARK)
    if replica and not stands:
        await _follow_afar(_Afar(messages, session, replica, stream_id, number), receive, send)
        return True
    here = messages.live.find(session.key)
    stream = here.streams.get(stream_id) if here is not None else None
    if stream is not None and stream.after(number) is not None:
        await _follow(stream, number, session, messages, receive, send)
        return True
    if not stands:
        raise Refused(400, NOT_RESUMED)
    return False


class _Afar:
    """A stream of another replica, read on from an event."""

    def __init__(self, messages: LegacyMessages, session: ClientSession, replica: str, stream: str, after: int) -> None:
        self._messages, self._session, self._replica, self._stream, self._after = messages, session, replica, stream, after

    async def more(self) -> Polled:
        polled = await self._messages.elsewhere.events(self._replica, self._session.key, self._stream, self._after)
        if polled.events:
            self._after = polled.events[-1][0]
        return polled


async def _follow_afar(afar: _Afar, receive: Receive, send: Send) -> None:
    polled = await afar.more()
    if polled.events is None:
        raise Refused(400, NOT_RESUMED)
    scope = asyncio.timeout(None)
    presence = Presence(receive, lambda: scope.reschedule(asyncio.get_running_loop().time()), after_seconds=0.0)
    try:
        async with scope:
            await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_HEADERS]})
            while True:
                await _write(send, b"".join(event for _, event in polled.events or ()) or COMMENT)
                if polled.ended:
                    break
                polled = await _polled(afar)
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        if not scope.expired():
            raise
    finally:
        presence.close()


async def _polled(afar: _Afar) -> Polled:
    try:
        return await afar.more()
    except GatewayError:
        return Polled(None, ended=True)


async def _follow(
    stream: EventStream, number: int, session: ClientSession, messages: LegacyMessages, receive: Receive, send: Send
) -> None:
    """Send what there is since that event, and what comes, until the stream ends or the client is gone."""
    gone = asyncio.Event()

    def left() -> None:
        gone.set()
        stream.wake()

    presence = Presence(receive, left, after_seconds=0.0)
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
