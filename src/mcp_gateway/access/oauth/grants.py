"""What people agreed to, as it is kept: codes good once and for a minute, and behind them grants with a chain of refresh tokens.

Everything lies in the session store under hashes, so every replica knows it, and ends with the person's other logins. A code or a
refresh token that comes a second time was copied: then the whole grant is over, and what it gave is revoked.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from mcp_gateway.access.oauth.documents import read_code, read_grant, read_names, write_code, write_grant, write_names
from mcp_gateway.access.oauth.model import Code, Grant
from mcp_gateway.access.sessions.errors import SessionUnreadable
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import SESSION_PREFIX, owner_key
from mcp_gateway.core.clock import Clock

CODE_SECONDS: Final = 60.0
# How long a used code is known as used; and how long a grant that is over is known as over, against a race with its making.
USED_SECONDS: Final = 600.0
MAX_SECRET_CHARS: Final = 300
# Access tokens of one grant that are kept in mind to be revoked; older ones have expired.
MAX_TOKENS: Final = 64


class Grants:
    """Every method raises `SessionsAway`. `new_secret` makes texts nobody can guess."""

    def __init__(self, store: SessionStore, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._store, self._clock, self._new_secret = store, clock, new_secret

    def new_id(self) -> str:
        return self._new_secret()

    async def give_code(self, code: Code) -> str:
        """The code's text, which is kept nowhere."""
        text = self._new_secret()
        owner = owner_key(code.grant.caller.tenant, code.grant.caller.subject)
        await self._store.put(_key("used", text), code.grant.grant_id, ttl_seconds=USED_SECONDS)
        await self._store.put(_key("code", text), write_code(code), ttl_seconds=CODE_SECONDS, owner=owner)
        return text

    async def take_code(self, text: str) -> Code | None:
        """Its other half, the first time only."""
        line = await self._store.take(_key("code", text)) if _is_secret(text) else None
        try:
            return None if line is None else read_code(line)
        except SessionUnreadable:
            return None

    async def used_for(self, text: str) -> Grant | None:
        """The grant that was made with this code before; None when it made none."""
        grant_id = await self._store.get(_key("used", text)) if _is_secret(text) else None
        if grant_id is None:
            return None
        # Another replica may be making the grant just now: it looks for this mark when it is done.
        await self._store.put(_key("over", grant_id), "1", ttl_seconds=USED_SECONDS)
        return await self.find(grant_id)

    async def open(self, grant: Grant) -> bool:
        """Keep it; false when it was ended while it was made."""
        owner = owner_key(grant.caller.tenant, grant.caller.subject)
        key = _key("grant", grant.grant_id)
        await self._store.put(key, write_grant(grant), ttl_seconds=self._left(grant), owner=owner)
        if await self._store.get(_key("over", grant.grant_id)) is None:
            return True
        await self._store.remove(key)
        return False

    async def find(self, grant_id: str) -> Grant | None:
        """None: there is none, or it is over."""
        line = await self._store.get(_key("grant", grant_id))
        try:
            return None if line is None else read_grant(line)
        except SessionUnreadable:
            return None

    async def end(self, grant: Grant) -> tuple[str, ...]:
        """No refresh token of it is good any more; the ids of the access tokens it gave."""
        await self._store.put(_key("over", grant.grant_id), "1", ttl_seconds=USED_SECONDS)
        await self._store.remove(_key("grant", grant.grant_id))
        return await self._tokens(grant)

    async def give_refresh(self, grant: Grant) -> str:
        """A refresh token of the grant, good once."""
        text = f"{grant.grant_id}.{self._new_secret()}"
        await self._store.put(_key("refresh", text), "1", ttl_seconds=self._left(grant))
        return text

    async def grant_of(self, refresh: str) -> Grant | None:
        """The grant a refresh token is of, whether it was used or not."""
        grant_id, dot, _ = refresh.partition(".")
        return await self.find(grant_id) if dot and _is_secret(refresh) else None

    async def take_refresh(self, refresh: str) -> bool:
        """True the first time only."""
        return await self._store.take(_key("refresh", refresh)) is not None

    async def note_token(self, grant: Grant, jti: str) -> None:
        """Remember an access token of it, to be revoked when it is over."""
        names = (*await self._tokens(grant), jti)[-MAX_TOKENS:]
        await self._store.put(_key("tokens", grant.grant_id), write_names(names), ttl_seconds=self._left(grant))

    async def _tokens(self, grant: Grant) -> tuple[str, ...]:
        line = await self._store.get(_key("tokens", grant.grant_id))
        return () if line is None else read_names(line)

    def _left(self, grant: Grant) -> float:
        return max(grant.ends_at - self._clock.timestamp(), 1.0)


def _is_secret(text: str) -> bool:
    return 0 < len(text) <= MAX_SECRET_CHARS


def _key(kind: str, text: str) -> str:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
    return f"{SESSION_PREFIX}oauth-{kind}:{digest}"
