"""Sessions of one process, bounded: the embedded default."""

from collections import Counter, OrderedDict
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.client_sessions.errors import TooManyClientSessions, TooManySessionsOfCaller
from mcp_gateway.federation.client_sessions.model import ClientSession
from mcp_gateway.federation.client_sessions.ports import SessionListener

IDLE_SECONDS: Final = 600.0
MAX_SESSIONS: Final = 10_000
# Of one caller, so that nobody can take up all there are.
MAX_SESSIONS_OF_ONE: Final = 250


class _Kept:
    __slots__ = ("session", "used")

    def __init__(self, session: ClientSession, used: float) -> None:
        self.session, self.used = session, used


class MemoryClientSessions:
    """Fits `ClientSessionStore`. A full store refuses new sessions; it ends none that is in use."""

    def __init__(
        self,
        clock: Clock,
        *,
        idle_seconds: float = IDLE_SECONDS,
        max_sessions: int = MAX_SESSIONS,
        max_of_one: int = MAX_SESSIONS_OF_ONE,
    ) -> None:
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._max_sessions, self._max_of_one = max_sessions, max_of_one
        # In the order of their last use.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._owned: Counter[str] = Counter()
        self._listeners: list[SessionListener] = []

    async def add(self, session: ClientSession) -> None:
        self._sweep()
        if self._owned[session.owner] >= self._max_of_one:
            raise TooManySessionsOfCaller(limit=self._max_of_one)
        if len(self._kept) >= self._max_sessions:
            raise TooManyClientSessions(limit=self._max_sessions)
        self._kept[session.id] = _Kept(session, self._clock.monotonic())
        self._owned[session.owner] += 1

    async def find(self, session_id: str) -> ClientSession | None:
        kept = self._kept.get(session_id)
        if kept is None:
            return None
        now = self._clock.monotonic()
        if now - kept.used >= self._idle_seconds:
            self._drop(session_id)
            return None
        kept.used = now
        self._kept.move_to_end(session_id)
        return kept.session

    async def replace(self, session: ClientSession) -> bool:
        kept = self._kept.get(session.id)
        if kept is None:
            return False
        kept.session = session
        self._tell(session.id)
        return True

    async def remove(self, session_id: str) -> bool:
        found = self._drop(session_id)
        self._tell(session_id)
        return found

    def on_change(self, listener: SessionListener) -> None:
        self._listeners.append(listener)

    def _sweep(self) -> None:
        latest = self._clock.monotonic() - self._idle_seconds
        while self._kept:
            oldest, kept = next(iter(self._kept.items()))
            if kept.used > latest:
                break
            self._drop(oldest)

    def _drop(self, session_id: str) -> bool:
        kept = self._kept.pop(session_id, None)
        if kept is None:
            return False
        owner = kept.session.owner
        self._owned[owner] -= 1
        if self._owned[owner] <= 0:
            del self._owned[owner]
        return True

    def _tell(self, session_id: str) -> None:
        for listener in self._listeners:
            listener(session_id)
