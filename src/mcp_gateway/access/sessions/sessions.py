"""Logins at the page, and the owners of MCP sessions: known to every replica, ended for all of them at once.

A session id is random and never stored: its keyed place is made from its hash. What is kept is who logged in, not the token
they did it with. A copy of what the store said is used for a second at most, and dropped as soon as anybody ends the session.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from mcp_gateway.access.sessions.errors import SessionEnded, SessionUnreadable
from mcp_gateway.access.sessions.model import (
    AuthContext,
    OpenedSession,
    Session,
    context_of,
    read_context,
    read_session,
    write_context,
    write_session,
)
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.tokens.refusals import refused
from mcp_gateway.access.tokens.revocations import Revocations
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller

SESSION_PREFIX: Final = "mreg:session:"
AUTH_PREFIX: Final = "mreg:auth:"
COPY_SECONDS: Final = 1.0
MAX_COPIES: Final = 10_000
# An open stream keeps an MCP session in use without asking for its owner again.
AUTH_SECONDS: Final = 24 * 3_600.0
# The time without use is counted anew once in so many parts of it, not with each request.
IDLE_PARTS: Final = 20
MAX_ID_CHARS: Final = 256

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Copy:
    """`extended` is when the store was last told that the session is in use; both by the monotonic clock."""

    text: str
    read: float
    extended: float


def _nothing(_: Session) -> None:
    """Holds as long as it lasts."""


class Sessions:
    """`lasts` bounds a login, `idle` the time between two of its requests. `new_secret` makes texts nobody can guess.

    `recheck` is asked each time a login is used, and raises when it holds no longer: its token was revoked meanwhile.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        clock: Clock,
        new_secret: Callable[[], str],
        lasts: timedelta = timedelta(hours=12),
        idle: timedelta = timedelta(hours=1),
        recheck: Callable[[Session], None] = _nothing,
    ) -> None:
        self.store = store
        self._clock = clock
        self._new_secret = new_secret
        self._lasts = lasts
        self._idle_seconds = idle.total_seconds()
        self._recheck = recheck
        self._copies: dict[str, _Copy] = {}
        self._endings = 0
        store.on_end(self._forget)

    async def create(self, caller: Caller, ttl: timedelta | None = None) -> OpenedSession:
        """Log the caller in, for `ttl` at most. Always a new id, whatever the browser sent. Raises `SessionsAway`."""
        session_id = self._new_secret()
        now = self._clock.now()
        lasts = self._lasts if ttl is None else min(ttl, self._lasts)
        csrf = csrf_of(session_id)
        session = Session(caller=caller, csrf_hash=_hashed(csrf), created_at=now, expires_at=now + lasts)
        seconds = min(lasts.total_seconds(), self._idle_seconds)
        if seconds > 0:
            owner = owner_key(caller.tenant, caller.subject)
            await self.store.put(session_key(session_id), write_session(session), ttl_seconds=seconds, owner=owner)
        return OpenedSession(session_id=session_id, csrf=csrf, session=session)

    async def find(self, session_id: str) -> Session | None:
        """The login this cookie stands for; None: there is none, or it ended. Raises `SessionsAway`, and what `recheck` does."""
        if not 0 < len(session_id) <= MAX_ID_CHARS:
            return None
        key = session_key(session_id)
        copy = await self._look(key)
        if copy is None:
            return None
        try:
            session = read_session(copy.text)
        except SessionUnreadable:
            log.warning("session_unreadable")
            return None
        left = (session.expires_at - self._clock.now()).total_seconds()
        if left <= 0:
            await self.revoke(session_id)
            return None
        self._recheck(session)
        await self._stay(key, copy, min(left, self._idle_seconds))
        return session

    async def revoke(self, session_id: str) -> None:
        """End one login, in every replica. Raises `SessionsAway`."""
        self._forget(session_key(session_id))
        await self.store.remove(session_key(session_id))

    async def revoke_subject(self, tenant: str, subject: str) -> int:
        """End every login of somebody; how many there were. Raises `SessionsAway`."""
        return await self.store.remove_all(owner_key(tenant, subject))

    async def preserve_auth_context(self, session_id: str, caller: Caller) -> str:
        """Note whose this MCP session is, for every face and replica; the same id comes back. Raises `SessionsAway`."""
        await self.store.put(auth_key(session_id), write_context(context_of(caller)), ttl_seconds=AUTH_SECONDS)
        return session_id

    async def get_auth_context(self, session_id: str) -> AuthContext | None:
        """Whose this MCP session is; None when nobody opened it, or it ended. Raises `SessionsAway`."""
        if not 0 < len(session_id) <= MAX_ID_CHARS:
            return None
        key = auth_key(session_id)
        copy = await self._look(key)
        if copy is None:
            return None
        try:
            context = read_context(copy.text)
        except SessionUnreadable:
            return None
        await self._stay(key, copy, AUTH_SECONDS)
        return context

    async def end_auth_context(self, session_id: str) -> None:
        """The MCP session is over. Raises `SessionsAway`."""
        self._forget(auth_key(session_id))
        await self.store.remove(auth_key(session_id))

    async def _look(self, key: str) -> _Copy | None:
        now = self._clock.monotonic()
        copy = self._copies.get(key)
        if copy is not None and now - copy.read < COPY_SECONDS:
            return copy
        endings = self._endings
        text = await self.store.get(key)
        if text is None:
            self._copies.pop(key, None)
            return None
        fresh = _Copy(text, now, copy.extended if copy is not None else float("-inf"))
        # What ended while the store was asked must not come back as a copy.
        if endings == self._endings:
            if len(self._copies) >= MAX_COPIES:
                self._copies.clear()
            self._copies[key] = fresh
        return fresh

    async def _stay(self, key: str, copy: _Copy, seconds: float) -> None:
        now = self._clock.monotonic()
        if now - copy.extended < self._idle_seconds / IDLE_PARTS:
            return
        await self.store.extend(key, seconds)
        if key in self._copies:
            self._copies[key] = _Copy(copy.text, copy.read, now)

    def _forget(self, key: str | None) -> None:
        self._endings += 1
        if key is None:
            self._copies.clear()
        else:
            self._copies.pop(key, None)


def unless_revoked(revocations: Revocations, clock: Clock) -> Callable[[Session], None]:
    """A `recheck`: a login ends with the token it was made with, and with every other thing its subject held."""

    def recheck(session: Session) -> None:
        if revocations.stale(clock.monotonic()):
            raise refused("stale")
        caller = session.caller
        token, subject = (caller.tenant, caller.credential), (caller.tenant, caller.subject)
        if revocations.revoked(token, subject, session.created_at.timestamp()):
            raise SessionEnded

    return recheck


def csrf_of(session_id: str) -> str:
    """What the page must send along with changes: known to whoever holds the session id, and telling nothing of it."""
    return hashlib.blake2b(b"csrf", key=session_id.encode()[:64], digest_size=24).hexdigest()


def csrf_fits(session: Session, offered: str) -> bool:
    """Whether the header's value belongs to this session; takes as long either way."""
    return hmac.compare_digest(_hashed(offered).encode(), session.csrf_hash.encode())


def session_key(session_id: str) -> str:
    return SESSION_PREFIX + _hashed(session_id)


def auth_key(mcp_session_id: str) -> str:
    return AUTH_PREFIX + _hashed(mcp_session_id)


def owner_key(tenant: str, subject: str) -> str:
    """Whatever the names hold, no two owners share a key."""
    return SESSION_PREFIX + "of:" + _hashed(f"{len(tenant)}:{tenant}:{subject}")


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
