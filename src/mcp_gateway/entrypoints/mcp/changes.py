"""Telling clients that a resource changed, in both protocol eras.

Since 2026-07-28 a client opens `subscriptions/listen` and the change rides that request's own stream. Before, it said
`resources/subscribe` and the notification goes out on the connection's standing stream (the GET stream over HTTP, the one pipe
over stdio and SSE). There is no replay in either: whoever reconnects reads again. This module does not find out *that*
something changed; the features' watchers do.
"""

import weakref
from collections.abc import Callable, Iterable
from typing import Literal

import anyio
import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourcesListChanged, ResourceUpdated, ServerEvent

LogLevel = Literal["debug", "info", "notice", "warning", "error"]

# A connection that does not take a notification within this time is not waited for; it reads again when it comes back.
SEND_TIMEOUT_SECONDS = 5.0
MAX_LISTEN_STREAMS = 1024
MAX_URIS_PER_CONNECTION = 64
_SEVERITY: tuple[types.LoggingLevel, ...] = (
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
)  # fmt: skip


class _Subscriber:
    """What one connection of the handshake era wants to hear."""

    def __init__(self) -> None:
        self.uris: set[str] = set()
        self.log_level: types.LoggingLevel = "info"


class _CountingBus(InMemorySubscriptionBus):
    """Knows whether anybody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners = 0

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        leave = super().subscribe(listener)
        self.listeners += 1
        left = False

        def unsubscribe() -> None:
            nonlocal left
            if not left:
                left = True
                self.listeners -= 1
            leave()

        return unsubscribe


class ChangeFeed:
    """Who listens, and how to reach them. One per served server; used on its event loop only."""

    def __init__(self) -> None:
        self._bus = _CountingBus()
        self._subscribers: weakref.WeakKeyDictionary[Connection, _Subscriber] = weakref.WeakKeyDictionary()
        self.listen = ListenHandler(self._bus, max_subscriptions=MAX_LISTEN_STREAMS)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody would hear of a change."""
        return self._bus.listeners > 0 or len(self._subscribers) > 0

    def join(self, session: ServerSession) -> None:
        """A connection of the handshake era is ready: from now on it hears when the list of resources changes."""
        self._subscriber(session)

    def subscribe(self, session: ServerSession, uri: str) -> None:
        uris = self._subscriber(session).uris
        if len(uris) < MAX_URIS_PER_CONNECTION:
            uris.add(uri)

    def unsubscribe(self, session: ServerSession, uri: str) -> None:
        self._subscriber(session).uris.discard(uri)

    def set_log_level(self, session: ServerSession, level: types.LoggingLevel) -> None:
        self._subscriber(session).log_level = level

    async def resources_changed(self, uris: Iterable[str]) -> None:
        """Announce that the content of these resources, and with it their entry in the list, is not what it was."""
        changed = tuple(uris)
        for uri in changed:
            await self._bus.publish(ResourceUpdated(uri=uri))
        await self._bus.publish(ResourcesListChanged())
        async with anyio.create_task_group() as group:
            for connection, subscriber in tuple(self._subscribers.items()):
                wanted = tuple(uri for uri in changed if uri in subscriber.uris)
                group.start_soon(self._tell, connection, wanted)

    async def log(self, level: LogLevel, message: str, *, logger: str) -> None:
        """Send a log line to the connections of the handshake era that want this level.

        Since 2026-07-28 a log line may only ride the stream of the request that caused it, so there is nobody to tell.
        """
        rank = _SEVERITY.index(level)
        params = {"level": level, "logger": logger, "data": message}
        for connection, subscriber in tuple(self._subscribers.items()):
            if rank >= _SEVERITY.index(subscriber.log_level):
                with anyio.move_on_after(SEND_TIMEOUT_SECONDS):
                    await connection.notify("notifications/message", params)

    def close(self) -> None:
        """End every listen stream in the polite way, with its last frame; called before the server stops."""
        self.listen.close()

    async def _tell(self, connection: Connection, uris: tuple[str, ...]) -> None:
        with anyio.move_on_after(SEND_TIMEOUT_SECONDS):
            for uri in uris:
                await connection.send_resource_updated(uri)
            await connection.send_resource_list_changed()

    def _subscriber(self, session: ServerSession) -> _Subscriber:
        # The SDK gives handlers a session per request and no public name for the connection behind it, which is what lasts.
        connection = session._connection  # noqa: SLF001
        return self._subscribers.setdefault(connection, _Subscriber())
