"""Opening, finding, changing and ending sessions of older clients. For anybody but its owner, a session does not exist."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mcp_gateway.core.errors import InvalidInput, TooLarge
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, render
from mcp_gateway.federation.client_sessions.errors import ClientSessionsAway, ClientSessionUnknown
from mcp_gateway.federation.client_sessions.model import MAX_DECLARED_BYTES, MAX_SUBSCRIPTIONS, ClientSession, key_of
from mcp_gateway.federation.client_sessions.ports import ClientSessionStore

MAX_ID_CHARS: Final = 256
MAX_URI_CHARS: Final = 4_096


class ClientSessions:
    """`new_id` makes texts nobody can guess, of visible ASCII.

    Every method raises `ClientSessionsAway`; what changes a session raises `ClientSessionUnknown` when it ended meanwhile.
    """

    def __init__(self, store: ClientSessionStore, *, new_id: Callable[[], str]) -> None:
        self.store = store
        self._new_id = new_id

    async def open(
        self,
        caller: Caller,
        endpoint: str,
        revision: str,
        *,
        info: JsonObject | None = None,
        capabilities: JsonObject | None = None,
        prefix: str = "",
    ) -> tuple[str, ClientSession]:
        """The id, which begins with `prefix`, and the session.

        Raises `TooManySessionsOfCaller`, `TooManyClientSessions`, and `TooLarge` when more is declared than is kept of one.
        """
        _check_declared(info, capabilities)
        session_id = prefix + self._new_id()
        session = ClientSession(
            key=key_of(session_id),
            endpoint=endpoint,
            tenant=caller.tenant,
            issuer=caller.issuer,
            subject=caller.subject,
            revision=revision,
            info=info,
            capabilities=capabilities or {},
        )
        await self.store.add(session)
        return session_id, session

    async def introduce(
        self, session: ClientSession, *, revision: str, info: JsonObject | None, capabilities: JsonObject
    ) -> ClientSession:
        """Note what the client declares, which it did not when the session was opened. Raises `TooLarge`."""
        _check_declared(info, capabilities)
        introduced = replace(session, revision=revision, info=info, capabilities=capabilities)
        if not await self.store.replace(introduced):
            raise ClientSessionUnknown
        return introduced

    async def find(self, session_id: str, caller: Caller, endpoint: str) -> ClientSession:
        """Raises `ClientSessionUnknown`."""
        session = await self.store.find(key_of(session_id)) if 0 < len(session_id) <= MAX_ID_CHARS else None
        if session is None or not session.is_of(caller) or session.endpoint != endpoint:
            raise ClientSessionUnknown
        return session

    async def again(self, session: ClientSession) -> ClientSession:
        """The session as it is now. Raises `ClientSessionUnknown`."""
        found = await self.store.find(session.key)
        if found is None:
            raise ClientSessionUnknown
        return found

    async def keep(self, session: ClientSession) -> None:
        """It is in use, though nothing is asked: a stream of it stands. Never raises; a store that is away keeps it anyway."""
        try:
            await self.store.find(session.key)
        except ClientSessionsAway:
            return

    async def set_log_level(self, session: ClientSession, level: str) -> None:
        if not await self.store.set_log_level(session.key, level):
            raise ClientSessionUnknown

    async def subscribe(self, session: ClientSession, uri: str) -> None:
        """Raises `InvalidInput`, and `TooLarge` when there are as many as a session may have."""
        if not 0 < len(uri) <= MAX_URI_CHARS or not uri.isprintable():
            raise InvalidInput("The URI is empty, too long, or holds what no URI does.", max_letters=MAX_URI_CHARS)
        if not await self.store.subscribe(session.key, uri, most=MAX_SUBSCRIPTIONS):
            raise ClientSessionUnknown

    async def unsubscribe(self, session: ClientSession, uri: str) -> None:
        if not await self.store.unsubscribe(session.key, uri):
            raise ClientSessionUnknown

    async def end(self, session: ClientSession) -> None:
        await self.store.remove(session.key)


def _check_declared(info: JsonObject | None, capabilities: JsonObject | None) -> None:
    if len(render([info, capabilities])) > MAX_DECLARED_BYTES:
        raise TooLarge("The client declares more than is kept of one.", max_bytes=MAX_DECLARED_BYTES)
