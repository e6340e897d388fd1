"""Sessions of one process, bounded: the embedded default."""

from collections import Counter, OrderedDict
from dataclasses import replace
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import TooLarge
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
        self._monotonic = clock.monotonic
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
        self._kept[session.key] = _Kept(session, self._monotonic())
        self._owned[session.owner] += 1

    async def find(self, key: str) -> ClientSession | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = self._monotonic()
        if now - kept.used >= self._idle_seconds:
            self._drop(key)
            return None
        kept.used = now
        self._kept.move_to_end(key)
        return kept.session

    async def replace(self, session: ClientSession) -> bool:
        return self._put(session)

    async def set_log_level(self, key: str, level: str) -> bool:
        session = await self.find(key)
        return session is not None and self._put(replace(session, log_level=level))

    async def subscribe(self, key: str, uri: str, *, most: int) -> bool:
        session = await self.find(key)
        if session is None or uri in session.subscriptions:
            return session is not None
        if len(session.subscriptions) >= most:
            raise TooLarge("This session has as many subscriptions as one may.", limit=most)
        return self._put(replace(session, subscriptions=session.subscriptions | {uri}))

    async def unsubscribe(self, key: str, uri: str) -> bool:
        session = await self.find(key)
        return session is not None and self._put(replace(session, subscriptions=session.subscriptions - {uri}))

    async def remove(self, key: str) -> bool:
        found = self._drop(key)
        self._tell(key, "")
        return found

    async def announce(self, key: str, note: str) -> None:
        self._tell(key, note)

    def on_change(self, listener: SessionListener) -> None:
        self._listeners.append(listener)

    def _put(self, session: ClientSession) -> bool:
        kept = self._kept.get(session.key)
        if kept is None:
            return False
        kept.session = session
        self._tell(session.key, "")
        return True

    def _sweep(self) -> None:
        latest = self._monotonic() - self._idle_seconds
        while self._kept:
            oldest, kept = next(iter(self._kept.items()))
            if kept.used > latest:
                break
            self._drop(oldest)

    def _drop(self, key: str) -> bool:
        kept = self._kept.pop(key, None)
        if kept is None:
            return False
        owner = kept.session.owner
        self._owned[owner] -= 1
        if self._owned[owner] <= 0:
            del self._owned[owner]
        return True

    def _tell(self, key: str, note: str) -> None:
        for listener in self._listeners:
            listener(key, note)
