"""What carries the messages of one session, and where it puts what it hears."""

from typing import Protocol

from mcp_gateway.adapters.links.legacy.exchange import Exchange
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Client


class SessionForgotten(Exception):
    """The server no longer knows the session, and has not looked at what was asked in it."""


class SpeaksOtherwise(Exception):
    """The server knows no handshake. `supported` are the revisions it names; none: it names none."""

    def __init__(self, supported: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.supported = supported


class Hearing(Protocol):
    """Takes what a channel hears outside the stream of any one request."""

    def heard(self, message: JsonObject, during: Exchange | None = None, size: int = 0) -> None:
        """`during` is the exchange whose own stream carried it; None: the stream is shared, and `size` its bytes."""
        ...

    def lost(self, error: Exception) -> None:
        """The channel has ended; it will carry nothing more."""
        ...

    def interrupted(self) -> None:
        """Announcements may have been missed."""
        ...


class Channel(Protocol):
    """Errors are those of `federation/errors.py`, and `SessionForgotten`.

    `for_both_eras`: servers of 2026-07-28 use it in the same way.
    """

    for_both_eras: bool

    async def open(self, hearing: Hearing) -> None:
        """Connects, where there is something to connect."""
        ...

    async def ask(self, message: JsonObject, exchange: Exchange, client: Client) -> None:
        """Sends a request. What comes of it goes into the exchange, errors included; it may return before anything did."""
        ...

    async def tell(self, message: JsonObject) -> None:
        """Sends a notification, or a response."""
        ...

    async def agreed(self, revision: str) -> None:
        """The handshake settled this revision."""
        ...

    def listen(self) -> None:
        """From now on hear also what the server says outside of requests; where that takes a stream of its own, open it."""
        ...

    async def close(self) -> None:
        """Ends the session at the server where that can be said; never raises."""
        ...
