"""Where sessions of older clients are kept."""

from collections.abc import Callable
from typing import Protocol

from mcp_gateway.federation.client_sessions.model import ClientSession

# Called with the id of a session that was changed or ended, or None when any may have been.
SessionListener = Callable[[str | None], None]


class ClientSessionStore(Protocol):
    """A session ends when it was not used for the store's idle time. Every method raises `ClientSessionsAway`."""

    async def add(self, session: ClientSession) -> None:
        """Raises `TooManySessionsOfCaller` and `TooManyClientSessions`."""
        ...

    async def find(self, session_id: str) -> ClientSession | None:
        """The session, which counts as using it; None: there is none, or no longer. May be a second old."""
        ...

    async def replace(self, session: ClientSession) -> bool:
        """Keep this in place of what was there; false when it ended meanwhile. Every replica sees it from now on."""
        ...

    async def remove(self, session_id: str) -> bool:
        """End it for every replica at once; whether there was one."""
        ...

    def on_change(self, listener: SessionListener) -> None:
        """Call `listener` when somebody, in any replica, changes or ends a session; not when one ends by itself."""
        ...
