"""`ChangeBus` of one process. Nothing gets lost on the way, so it never says "lost" by itself."""

from collections.abc import Callable, Collection
from typing import TypeAlias

import structlog

from mcp_gateway.federation.model import Change

Listener: TypeAlias = Callable[[Change], None]

_log = structlog.get_logger(__name__)


class MemoryChangeBus:
    def __init__(self) -> None:
        # By a token of each subscription: the same listener may be there twice.
        self._listeners: dict[object, tuple[Listener, frozenset[str] | None]] = {}

    def subscribe(self, listener: Listener, servers: Collection[str] | None = None) -> Callable[[], None]:
        token = object()
        self._listeners[token] = (listener, None if servers is None else frozenset(servers))

        def end() -> None:
            self._listeners.pop(token, None)

        return end

    def tell(self, change: Change) -> None:
        for listener, servers in tuple(self._listeners.values()):
            if servers is None or not change.server or change.server in servers:
                try:
                    listener(change)
                except Exception:  # noqa: BLE001  (a wall: this listener alone)
                    _log.exception("change_listener_failed", server=change.server, kind=change.kind)

    async def publish(self, change: Change) -> None:
        self.tell(change)
