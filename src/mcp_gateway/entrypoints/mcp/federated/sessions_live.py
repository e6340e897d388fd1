"""What one process knows of the sessions it is serving at the moment: calls under way, questions asked, streams open.

None of it is needed to serve a session elsewhere; a session that is at rest has nothing here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, MessageId, parse
from mcp_gateway.entrypoints.mcp.federated.sse_streams import Budget, EventStream
from mcp_gateway.entrypoints.mcp.guard import TooManyOpenRequests

# Of one caller, streams that stand included.
MAX_OPEN_REQUESTS: Final = 128
MAX_STREAMS_OF_SESSION: Final = 64
# Begins the announcement that a request is cancelled; its id follows, as JSON.
CANCELLED: Final = "cancelled:"
# Standing streams of this process.
MAX_STANDING: Final = 2_000


class Cancellable(Protocol):
    """A call under way."""

    @property
    def request_id(self) -> MessageId: ...

    def cancel(self) -> None:
        """The client wants it no longer."""
        ...


class LiveSession:
    """One session here and now."""

    __slots__ = ("calls", "pipe", "questions", "standing", "streams")

    def __init__(self) -> None:
        self.calls: set[Cancellable] = set()
        self.questions: dict[str, asyncio.Future[JsonObject]] = {}
        self.streams: dict[str, EventStream] = {}
        self.standing: Standing | None = None
        self.pipe: Pipe | None = None

    @property
    def at_rest(self) -> bool:
        return not (self.calls or self.questions or self.streams or self.standing or self.pipe)


class Standing(Protocol):
    """The stream that belongs to no call."""

    def session_changed(self) -> None: ...

    def close(self) -> None: ...


class Pipe(Protocol):
    """The one stream of a session of 2024-11-05."""

    async def take(self, caller: Caller, message: JsonObject) -> bool:
        """A message the client posted; false when the pipe is closed."""
        ...

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

    def new_id(self, mark: str = "") -> str:
        """An id no message or stream had before, in any replica."""
        self._given += 1
        return f"{self.replica}-{mark}{self._given}"

    def find(self, key: str) -> LiveSession | None:
        return self._sessions.get(key)

    def at(self, key: str) -> LiveSession:
        """The session's, made where there is none. Call `tidy` when something of it ended."""
        live = self._sessions.get(key)
        if live is None:
            live = self._sessions[key] = LiveSession()
        return live

    def tidy(self, key: str) -> None:
        live = self._sessions.get(key)
        if live is not None and live.at_rest:
            del self._sessions[key]

    def take_answer(self, key: str, message: JsonObject) -> bool:
        """Give a response of the client to whoever asked; false when nobody here did."""
        live, question_id = self._sessions.get(key), message.get("id")
        future = live.questions.get(question_id) if live is not None and isinstance(question_id, str) else None
        if future is None:
            return False
        if not future.done():
            future.set_result(message)
        return True

    def cancel(self, key: str, request_id: MessageId) -> bool:
        """The client wants no answer to this request any more; false when it is not under way here."""
        live = self._sessions.get(key)
        meant = [call for call in live.calls if call.request_id == request_id] if live is not None else []
        for call in meant:
            call.cancel()
        return bool(meant)

    def session_changed(self, key: str | None, note: str = "") -> None:
        """Somebody, in any replica, changed or ended this session, or announced something of it; None: any may be."""
        if key is not None and note.startswith(CANCELLED):
            request_id = parse(note[len(CANCELLED) :].encode())
            if isinstance(request_id, int | str):
                self.cancel(key, request_id)
            return
        changed = list(self._sessions.values()) if key is None else [self._sessions.get(key)]
        for live in changed:
            if live is not None and live.standing is not None:
                live.standing.session_changed()

    def say_goodbye(self) -> None:
        """End what stands and never ends by itself; calls go on to their answers."""
        for live in list(self._sessions.values()):
            standing, live.standing = live.standing, None
            if standing is not None:
                standing.close()

    def end(self, key: str) -> None:
        """The session is over: nothing of it goes on."""
        live = self._sessions.pop(key, None)
        if live is None:
            return
        for call in list(live.calls):
            call.cancel()
        for stream in live.streams.values():
            stream.drop()
        if live.standing is not None:
            live.standing.close()
        if live.pipe is not None:
            live.pipe.close()

    def new_stream(self, key: str, on_abandoned: Callable[[], None], mark: str = "") -> EventStream | None:
        """A stream that can be taken up again, whose id has the mark; None when the session has as many as one may."""
        live = self.at(key)
        if len(live.streams) >= MAX_STREAMS_OF_SESSION:
            return None
        stream_id = self.new_id(mark)

        def abandoned() -> None:
            on_abandoned()
            self.forget_stream(key, stream_id)

        stream = live.streams[stream_id] = EventStream(stream_id, self.budget, on_abandoned=abandoned)
        return stream

    def forget_stream(self, key: str, stream_id: str) -> None:
        live = self._sessions.get(key)
        stream = live.streams.pop(stream_id, None) if live is not None else None
        if stream is not None:
            stream.drop()
            self.tidy(key)

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
