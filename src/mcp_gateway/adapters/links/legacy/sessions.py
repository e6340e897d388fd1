"""The sessions with one server: one for each identity, opened when it is needed and ended when it is not."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson
import structlog

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.later import Later
from mcp_gateway.adapters.links.legacy.session import Session
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.flights import Flights
from mcp_gateway.federation.model import Client

_Key: TypeAlias = tuple[str, str, str, str, str, bytes]
_LOOKS_PER_LIFE: Final = 4
# A program that will not end takes a while.
_END_SECONDS: Final = 12.0
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolBounds:
    idle_seconds: float
    per_identity: int
    in_all: int
    open_seconds: float


class SessionPool:
    """Hold a session while something is under way in it, and release it afterwards."""

    def __init__(self, make: Callable[[Client], Session], *, clock: Clock, faults: Faults, bounds: PoolBounds) -> None:
        self._make, self._clock, self._faults, self._bounds = make, clock, faults, bounds
        # The longest unused first.
        self._sessions: OrderedDict[_Key, Session] = OrderedDict()
        self._opening = Flights[_Key, Session](outlast=True)
        self._later = Later(4 * bounds.in_all, seconds=_END_SECONDS)
        self._reaper: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    async def hold(self, client: Client) -> Session:
        """Raises `SpeaksOtherwise`, and the errors of `federation/errors.py`."""
        key = _key_of(client)
        session = self._sessions.get(key)
        if session is None or not session.usable:
            if session is not None:
                self.forget(session)
            session = await self._opening.join(key, lambda: self._open(key, client))
        session.holders += 1
        if key in self._sessions:
            self._sessions.move_to_end(key)
        return session

    def release(self, session: Session) -> None:
        session.holders -= 1
        session.idle_since = self._clock.monotonic()

    def forget(self, session: Session) -> None:
        """It is of no more use; whoever comes next gets another."""
        for key, kept in tuple(self._sessions.items()):
            if kept is session:
                del self._sessions[key]
        self._later.start(session.close())

    def reap(self) -> None:
        """Ends what nobody used for long, and what the server ended."""
        before = self._clock.monotonic() - self._bounds.idle_seconds
        for session in tuple(self._sessions.values()):
            if not session.usable or (session.holders == 0 and session.idle_since <= before):
                self.forget(session)

    async def close(self) -> None:
        """Ends all of them at the server; never raises."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        await self._opening.close()
        for session in tuple(self._sessions.values()):
            self.forget(session)
        await self._later.close()

    def _open(self, key: _Key, client: Client) -> Coroutine[object, object, Session]:
        if self._closed:
            raise self._faults.unreachable("its link is closed")
        self._make_room(key)
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.get_running_loop().create_task(self._reap_on())
        return self._opened(key, client)

    async def _opened(self, key: _Key, client: Client) -> Session:
        session = self._make(client)
        async with AsyncExitStack() as unless_open:
            unless_open.push_async_callback(session.close)
            try:
                async with asyncio.timeout(self._bounds.open_seconds):
                    await session.open()
            except TimeoutError as error:
                raise self._faults.timed_out(self._bounds.open_seconds) from error
            unless_open.pop_all()
        session.idle_since = self._clock.monotonic()
        self._sessions[key] = session
        _log.debug("upstream_session_opened", server=self._faults.server, revision=session.facts.revision)
        return session

    def _make_room(self, key: _Key) -> None:
        own = [one for one in (*self._sessions, *self._opening) if one[:3] == key[:3]]
        everybody = [*self._sessions, *self._opening]
        for keys, most in ((own, self._bounds.per_identity), (everybody, self._bounds.in_all)):
            if len(keys) >= most:
                self._end_one(keys)

    def _end_one(self, keys: list[_Key]) -> None:
        for key in keys:
            session = self._sessions.get(key)
            if session is not None and session.holders == 0:
                self.forget(session)
                return
        raise self._faults.unreachable("too many sessions with it are in use")

    async def _reap_on(self) -> None:
        while self._sessions or self._opening:
            await asyncio.sleep(self._bounds.idle_seconds / _LOOKS_PER_LIFE)
            self.reap()


def _key_of(client: Client) -> _Key:
    """Who shares a session: one identity with one set of facts, as the server is told them."""
    caller = client.caller
    told = orjson.dumps([client.info, client.capabilities], option=orjson.OPT_SORT_KEYS)
    return (caller.tenant, caller.issuer, caller.subject, client.session, client.revision, told)
