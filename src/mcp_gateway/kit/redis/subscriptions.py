"""Who hears which channel on one connection."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from mcp_gateway.kit.redis.wire import Reply

# Called with the message's bytes, in the order the server published them.
Listener: TypeAlias = Callable[[bytes], None]


class Subscriptions:
    """The listeners of each channel, and the confirmations still awaited."""

    def __init__(self) -> None:
        self._listeners: dict[bytes, list[Listener]] = {}
        self._awaited: dict[bytes, list[asyncio.Future[None]]] = {}

    @property
    def channels(self) -> tuple[bytes, ...]:
        return tuple(self._listeners)

    def add(self, channel: str, listener: Listener) -> bool:
        """True when the server must be told, the channel being new."""
        known = self._listeners.setdefault(channel.encode(), [])
        known.append(listener)
        return len(known) == 1

    def remove(self, channel: str, listener: Listener) -> bool:
        """True when the server must be told, nobody listening any more."""
        known = self._listeners.get(channel.encode(), [])
        if listener not in known:
            return False
        known.remove(listener)
        if known:
            return False
        del self._listeners[channel.encode()]
        return True

    def confirmation(self, channel: str) -> "asyncio.Future[None]":
        """Done when the server has confirmed the channel."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(channel.encode(), []).append(future)
        return future

    def deliver(self, push: list[Reply]) -> None:
        """Hand a push of the server on: a message to its listeners, a confirmation to who waits for it."""
        match push:
            case [b"message", bytes() as channel, bytes() as message]:
                for listener in tuple(self._listeners.get(channel, ())):
                    listener(message)
            case [b"subscribe", bytes() as channel, *_]:
                for future in self._awaited.pop(channel, ()):
                    if not future.done():
                        future.set_result(None)
            case _:
                return
