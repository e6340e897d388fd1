"""Texts that whoever holds the ticket can fetch once, within minutes: sign-in links, logins under way at a provider."""

import hashlib
import json
from collections.abc import Callable
from typing import Final

from mcp_gateway.access.sessions.errors import LoginLinkRefused, SessionUnreadable
from mcp_gateway.access.sessions.model import caller_document, read_caller
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.access.sessions.sessions import MAX_ID_CHARS, SESSION_PREFIX
from mcp_gateway.core.identity import Caller

LINK_SECONDS: Final = 600.0
LINK: Final = "link"


class Tickets:
    """Over the store of sessions, so that any replica can take a ticket another one gave. Only a ticket's hash is kept."""

    def __init__(self, store: SessionStore, *, new_secret: Callable[[], str]) -> None:
        self._store = store
        self._new_secret = new_secret

    async def give(self, kind: str, text: str, *, ttl_seconds: float = LINK_SECONDS) -> str:
        """A new ticket for the text. Raises `SessionsAway`."""
        ticket = self._new_secret()
        await self._store.put(_key(kind, ticket), text, ttl_seconds=ttl_seconds)
        return ticket

    async def take(self, kind: str, ticket: str) -> str | None:
        """The text, the first time only. Raises `SessionsAway`."""
        if not 0 < len(ticket) <= MAX_ID_CHARS:
            return None
        return await self._store.take(_key(kind, ticket))

    async def invite(self, caller: Caller) -> str:
        """The code of a sign-in link for this caller. Raises `SessionsAway`."""
        return await self.give(LINK, json.dumps(caller_document(caller)))

    async def accept(self, code: str) -> Caller:
        """Who the link was made for. Raises `LoginLinkRefused`, and `SessionsAway`."""
        text = await self.take(LINK, code)
        if text is None:
            raise LoginLinkRefused
        try:
            return read_caller(json.loads(text))
        except (ValueError, SessionUnreadable) as error:
            raise LoginLinkRefused from error


async def login_link(tickets: Tickets, base_url: str, caller: Caller) -> str:
    """The address that signs this caller in once, within ten minutes; `base_url` is where the page is."""
    return f"{base_url.rstrip('/')}/login?code={await tickets.invite(caller)}"


def _key(kind: str, ticket: str) -> str:
    digest = hashlib.blake2b(ticket.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
    return f"{SESSION_PREFIX}{kind}:{digest}"
