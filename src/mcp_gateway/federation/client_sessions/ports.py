"""Where sessions of older clients are kept."""

from collections.abc import Callable
from typing import Protocol

from mcp_gateway.federation.client_sessions.model import ClientSession

# Called with the key of a session and what was announced of it, "" where it was changed or ended. Key None: any may have been.
SessionListener = Callable[[str | None, str], None]


class ClientSessionStore(Protocol):
    """A session ends when it was not used for the store's idle time. Every method raises `ClientSessionsAway`.

    What changes one returns false when it ended meanwhile, and is seen by every replica when it returns.
    """

    async def add(self, session: ClientSession) -> None:
        """Raises `TooManySessionsOfCaller` and `TooManyClientSessions`."""
        ...

    async def find(self, key: str) -> ClientSession | None:
        """The session, which counts as using it; None: there is none, or no longer."""
        ...

    async def replace(self, session: ClientSession) -> bool:
        """Keep this in place of what was there; it has the same owner."""
        ...

    async def set_log_level(self, key: str, level: str) -> bool: ...

    async def subscribe(self, key: str, uri: str, *, most: int) -> bool:
        """Raises `TooLarge` when it has as many subscriptions as `most`."""
        ...

    async def unsubscribe(self, key: str, uri: str) -> bool: ...

    async def remove(self, key: str) -> bool: ...

    async def announce(self, key: str, note: str) -> None:
        """Tell the listeners of every replica, this one included."""
        ...

    def on_change(self, listener: SessionListener) -> None:
        """Call `listener` when somebody, in any replica, changes, ends or announces something; not when one ends by itself."""
        ...
