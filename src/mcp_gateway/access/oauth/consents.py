"""Requests that wait for somebody's decision, and decisions that need not be asked for twice.

A waiting request is in the browser's own hands, sealed. A yes is remembered for a login at the page at most, and only for a
program whose answer goes to an https address: on loopback any program of the machine could call itself that one, so there it is
asked for every time.
"""

from hashlib import blake2b
from typing import Final

from mcp_gateway.access.oauth.documents import read_names, read_waiting, waiting_document, write_names
from mcp_gateway.access.oauth.errors import ConsentOver, OAuthRefused
from mcp_gateway.access.oauth.model import Asked, Waiting
from mcp_gateway.access.oauth.redirects import is_loopback
from mcp_gateway.access.oauth.seals import MAX_SEALED_CHARS, Seals
from mcp_gateway.access.sessions.model import Session
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import SESSION_PREFIX, owner_key
from mcp_gateway.core.clock import Clock

WAITING_SECONDS: Final = 600.0


class Consents:
    """`remember` and `remembered` raise `SessionsAway`."""

    def __init__(self, store: SessionStore, seals: Seals, clock: Clock) -> None:
        self._store, self._seals, self._clock = store, seals, clock

    def keep(self, waiting: Waiting) -> str:
        """What the browser holds until it is decided, ten minutes at most. Raises `OAuthRefused` for one too long to be held."""
        sealed = self._seals.seal("request", waiting_document(waiting), lasts_seconds=WAITING_SECONDS)
        if len(sealed) > MAX_SEALED_CHARS:
            raise OAuthRefused("invalid_request", "The request is too long.")
        return sealed

    def waiting(self, sealed: str) -> Waiting:
        """Raises `ConsentOver`."""
        found = self._seals.open("request", sealed)
        if found is None:
            raise ConsentOver
        return read_waiting(found)

    async def remember(self, asked: Asked, session_id: str, session: Session) -> None:
        seconds = (session.expires_at - self._clock.now()).total_seconds()
        if is_loopback(asked.redirect_uri) or seconds <= 0:
            return
        owner = owner_key(session.caller.tenant, session.caller.subject)
        await self._store.put(_key(asked, session_id), write_names(asked.scopes), ttl_seconds=seconds, owner=owner)

    async def remembered(self, asked: Asked, session_id: str) -> bool:
        """Whether this login agreed to as much for the same program, address and resource."""
        if is_loopback(asked.redirect_uri):
            return False
        line = await self._store.get(_key(asked, session_id))
        return line is not None and set(asked.scopes) <= set(read_names(line))


def _key(asked: Asked, session_id: str) -> str:
    digest = blake2b(digest_size=24)
    for part in (session_id, asked.client_id, asked.redirect_uri, asked.resource):
        digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
    return f"{SESSION_PREFIX}oauth-yes:{digest.hexdigest()}"
