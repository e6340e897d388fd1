"""Opening, finding, changing and ending sessions of older clients. For anybody but its owner, a session does not exist."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mcp_gateway.core.errors import InvalidInput, TooLarge
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import MAX_DECLARED_BYTES, MAX_SUBSCRIPTIONS, ClientSession
from mcp_gateway.federation.client_sessions.ports import ClientSessionStore

MAX_ID_CHARS: Final = 256
MAX_URI_CHARS: Final = 4_096


class ClientSessions:
    """`new_id` makes texts nobody can guess, of visible ASCII. Every method raises `ClientSessionsAway`."""

    def __init__(self, store: ClientSessionStore, *, new_id: Callable[[], str]) -> None:
        self.store = store
        self._new_id = new_id

    async def open(
        self,
        caller: Caller,
        endpoint: str,
        *,
        revision: str,
        info: JsonObject | None,
        capabilities: JsonObject,
        replacing: ClientSession | None = None,
    ) -> ClientSession:
        """`replacing` is one that was opened before its client introduced itself, and keeps its id.

        Raises `TooManySessionsOfCaller`, `TooManyClientSessions`, and `TooLarge` for a client that declares too much.
        """
        if len(render([info, capabilities])) > MAX_DECLARED_BYTES:
            raise TooLarge("The client declares more than is kept of one.", max_bytes=MAX_DECLARED_BYTES)
        session = ClientSession(
            id=self._new_id() if replacing is None else replacing.id,
            endpoint=endpoint,
            tenant=caller.tenant,
            issuer=caller.issuer,
            subject=caller.subject,
            revision=revision,
            info=info,
            capabilities=capabilities,
        )
        if replacing is None:
            await self.store.add(session)
        else:
            await self._replace(session)
        return session

    async def find(self, session_id: str, caller: Caller, endpoint: str) -> ClientSession:
        """Raises `ClientSessionUnknown`."""
        session = await self.store.find(session_id) if 0 < len(session_id) <= MAX_ID_CHARS else None
        if session is None or not session.is_of(caller) or session.endpoint != endpoint:
            raise ClientSessionUnknown
        return session

    async def set_log_level(self, session: ClientSession, level: str) -> None:
        """Raises `ClientSessionUnknown`."""
        await self._replace(replace(session, log_level=level))

    async def subscribe(self, session: ClientSession, uri: str) -> None:
        """Raises `ClientSessionUnknown`, `InvalidInput`, and `TooLarge` when there are as many as a session may have."""
        if not 0 < len(uri) <= MAX_URI_CHARS:
            raise InvalidInput("The URI is empty or too long.", max_letters=MAX_URI_CHARS)
        if uri in session.subscriptions:
            return
        if len(session.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise TooLarge("This session has as many subscriptions as one may.", limit=MAX_SUBSCRIPTIONS)
        await self._replace(replace(session, subscriptions=session.subscriptions | {uri}))

    async def unsubscribe(self, session: ClientSession, uri: str) -> None:
        """Raises `ClientSessionUnknown`."""
        if uri in session.subscriptions:
            await self._replace(replace(session, subscriptions=session.subscriptions - {uri}))

    async def keep(self, session: ClientSession) -> None:
        """It is in use, though nothing is asked: a stream of it stands. Never raises; a store that is away keeps it anyway."""
        try:
            await self.store.find(session.id)
        except ClientSessionsAway:
            return

    async def end(self, session: ClientSession) -> None:
        await self.store.remove(session.id)

    async def _replace(self, session: ClientSession) -> None:
        if not await self.store.replace(session):
            raise ClientSessionUnknown
