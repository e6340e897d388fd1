"""What one process knows of the sessions it is serving at the moment: calls under way, questions asked, streams open.

None of it is needed to serve a session elsewhere; a session that is at rest has nothing here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId
from mcp_gateway.entrypoints.mcp.federated.sse_streams import Budget, EventStream

# Of one caller, streams that stand included.
MAX_OPEN_REQUESTS: Final = 128
MAX_STREAMS_OF_SESSION: Final = 64
# Standing streams of this process.
MAX_STANDING: Final = 2_000


class TooManyOpenRequests(GatewayError):
    """This caller has as many requests open as one may."""

    code = "TOO_MANY_OPEN_REQUESTS"
    category = "rate_limited"
    hint = "Close streams that are not read, or wait for answers."
    retryable = True


class Cancellable(Protocol):
    """A call under way."""

    def cancel(self) -> None:
        """The client wants it no longer."""
        ...


class LiveSession:
    """One session here and now."""

    __slots__ = ("calls", "questions", "standing", "streams")

    def __init__(self) -> None:
        self.calls: dict[MessageId, Cancellable] = {}
        self.questions: dict[str, asyncio.Future[JsonObject]] = {}
        self.streams: dict[str, EventStream] = {}
        self.standing: Standing | None = None

    @property
    def at_rest(self) -> bool:
        return not (self.calls or self.questions or self.streams or self.standing)


class Standing(Protocol):
    """The stream that belongs to no call."""

    def session_changed(self) -> None: ...

    def close(self) -> None: ...


class LiveSessions:
    """`replica` is a short name of this process, different from that of every other; it begins the ids given out here."""

    def __init__(self, replica: str) -> None:
        self.replica = replica
        self.budget = Budget()
        self._sessions: dict[str, LiveSession] = {}
        self._open: Counter[tuple[str, str, str]] = Counter()
        self._given = 0
        self.standing = 0

    def new_id(self) -> str:
        """An id no message or stream had before, in any replica."""
        self._given += 1
        return f"{self.replica}-{self._given}"

    def find(self, session_id: str) -> LiveSession | None:
        return self._sessions.get(session_id)

    def at(self, session_id: str) -> LiveSession:
        """The session's, made where there is none. Call `tidy` when something of it ended."""
        live = self._sessions.get(session_id)
        if live is None:
            live = self._sessions[session_id] = LiveSession()
        return live

    def tidy(self, session_id: str) -> None:
        live = self._sessions.get(session_id)
        if live is not None and live.at_rest:
            del self._sessions[session_id]

    def session_changed(self, session_id: str | None) -> None:
        """Somebody, in any replica, changed or ended this session; None: any may be."""
        changed = list(self._sessions.values()) if session_id is None else [self._sessions.get(session_id)]
        for live in changed:
            if live is not None and live.standing is not None:
                live.standing.session_changed()

    def end(self, session_id: str) -> None:
        """The session is over: nothing of it goes on."""
        live = self._sessions.pop(session_id, None)
        if live is None:
            return
        for call in list(live.calls.values()):
            call.cancel()
        for stream in live.streams.values():
            stream.drop()
        if live.standing is not None:
            live.standing.close()

    def new_stream(self, session_id: str, on_abandoned: Callable[[], None] = lambda: None) -> EventStream | None:
        """A stream that can be taken up again; None when the session has as many as one may."""
        live = self.at(session_id)
        if len(live.streams) >= MAX_STREAMS_OF_SESSION:
            return None
        stream_id = self.new_id()

        def abandoned() -> None:
            on_abandoned()
            self.forget_stream(session_id, stream_id)

        stream = live.streams[stream_id] = EventStream(stream_id, self.budget, on_abandoned=abandoned)
        return stream

    def forget_stream(self, session_id: str, stream_id: str) -> None:
        live = self._sessions.get(session_id)
        stream = live.streams.pop(stream_id, None) if live is not None else None
        if stream is not None:
            stream.drop()
            self.tidy(session_id)

    @contextmanager
    def opened(self, caller: Caller) -> Iterator[None]:
        """Counts one request for as long as the block lasts. Raises `TooManyOpenRequests`."""
        owner = (caller.tenant, caller.issuer, caller.subject)
        if self._open[owner] >= MAX_OPEN_REQUESTS:
            raise TooManyOpenRequests(limit=MAX_OPEN_REQUESTS)
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]
