"""Hearing of changes from a server of an older era: its announcements in a session, and subscriptions to single resources."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.channel import SessionForgotten, SpeaksOtherwise
from mcp_gateway.adapters.links.legacy.session import Refused, Session
from mcp_gateway.adapters.links.legacy.sessions import SessionPool
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.model import Change, ChangeKind, Client
from mcp_gateway.federation.ports import Wanted

_KINDS: Final[dict[str, ChangeKind]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
    "notifications/resources/updated": "resource",
}
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0


class LegacyWatch:
    """Holds a session for as long as something is wanted, and opens another when that one is lost."""

    def __init__(self, pool: SessionPool, client: Client, on_change: Callable[[Change], None], faults: Faults) -> None:
        self._pool, self._client, self._on_change, self._faults = pool, client, on_change, faults
        self._wanted = Wanted()
        self._session: Session | None = None
        self._subscribed: frozenset[str] = frozenset()
        self._repair: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def hears(self) -> bool:
        return self._session is not None and self._session.usable and self._repair is None

    async def want(self, wanted: Wanted) -> None:
        async with self._turn:
            self._wanted = wanted
            await self._settle()

    async def close(self) -> None:
        self._closed = True
        if self._repair is not None:
            self._repair.cancel()
        async with self._turn:
            self._wanted = Wanted()
            if self._session is not None and self._session.usable:
                with contextlib.suppress(GatewayError, SessionForgotten, TimeoutError):
                    async with asyncio.timeout(_FIRST_PAUSE):
                        await self._subscribe(self._session)
            self._let_go()

    async def _settle(self) -> None:
        """Brings the session in line with what is wanted. Raises `UpstreamUnreachable`."""
        if not (self._wanted.lists or self._wanted.uris):
            self._let_go()
            return
        if self._session is not None and not self._session.usable:
            self._let_go()
        if self._session is None:
            session = await self._pool.hold(self._client)
            self._session = session
            session.on_announcement[self] = self._announced
            session.on_interruption[self] = self._interrupted
            session.listen()
        try:
            await self._subscribe(self._session)
        except SessionForgotten as error:
            self._pool.forget(self._session)
            self._let_go()
            raise self._faults.unreachable("it forgot the session") from error

    async def _subscribe(self, session: Session) -> None:
        if not object_at(session.facts.capabilities, "resources").get("subscribe"):
            return
        for method, uris in (
            ("resources/subscribe", self._wanted.uris - self._subscribed),
            ("resources/unsubscribe", self._subscribed - self._wanted.uris),
        ):
            for uri in sorted(uris):
                # What the server will not watch is simply not told of.
                with contextlib.suppress(Refused):
                    await session.ask(method, {"uri": uri})
                self._subscribed = self._subscribed ^ {uri}

    def _announced(self, message: JsonObject) -> None:
        kind = _KINDS.get(str(message.get("method")))
        uri = object_at(message, "params").get("uri")
        if kind == "resource":
            if isinstance(uri, str):
                self._on_change(Change(server=self._faults.server, kind=kind, uri=uri, message=message))
        elif kind is not None and kind in self._wanted.lists:
            self._on_change(Change(server=self._faults.server, kind=kind, message=message))

    def _interrupted(self) -> None:
        self._on_change(Change(server=self._faults.server, kind="lost"))
        session = self._session
        if not self._closed and session is not None and not session.usable and self._repair is None:
            self._repair = asyncio.get_running_loop().create_task(self._restore())
            self._repair.add_done_callback(lambda _: setattr(self, "_repair", None))

    async def _restore(self) -> None:
        pause = _FIRST_PAUSE
        while not self._closed:
            await asyncio.sleep(pause)
            try:
                async with self._turn:
                    await self._settle()
                # What changed in between was told to nobody.
                self._on_change(Change(server=self._faults.server, kind="lost"))
                return
            except (GatewayError, SpeaksOtherwise):
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _let_go(self) -> None:
        session, self._session = self._session, None
        self._subscribed = frozenset()
        if session is not None:
            session.on_announcement.pop(self, None)
            session.on_interruption.pop(self, None)
            self._pool.release(session)
