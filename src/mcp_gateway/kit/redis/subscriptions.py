"""Who hears which channel on one connection."""

from collections.abc import Callable
from typing import TypeAlias

from mcp_gateway.kit.redis.wire import Reply

# Called with the message's bytes, in the order the server published them.
Listener: TypeAlias = Callable[[bytes], None]


class Subscriptions:
    """The listeners of each channel."""

    def __init__(self) -> None:
        self._listeners: dict[bytes, list[Listener]] = {}

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

    def deliver(self, push: list[Reply]) -> None:
        """Hand a message on to the listeners of its channel; other pushes are nobody's here."""
        match push:
            case [b"message", bytes() as channel, bytes() as message]:
                for listener in tuple(self._listeners.get(channel, ())):
                    listener(message)
            case _:
                return
