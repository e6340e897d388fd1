"""What federation needs of the outside. Implemented in `adapters/links/`; one contract suite runs over every kind of link."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from mcp_gateway.federation.model import Change, Client, Reply, Request, UpstreamFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to be told of: changes of lists ("tools", "prompts", "resources"), and updates of these resources."""

    lists: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()


class Watch(Protocol):
    """A standing subscription with an upstream. It is kept alive by the link, which says "lost" whenever it was interrupted.

    It says so when the interruption begins, and again when it is over: only what is asked for after that is certainly new.
    """

    @property
    def hears(self) -> bool:
        """Whether it stands now; False while it is being opened again."""
        ...

    async def want(self, wanted: Wanted) -> None:
        """From now on these. Raises `UpstreamUnreachable`."""
        ...

    async def close(self) -> None: ...


class Link(Protocol):
    """The way to one upstream server, whatever its era and transport. Opening it costs nothing; it connects when it is used.

    All methods raise the errors of `federation/errors.py`, each naming the server; none waits longer than the server's timeout.
    """

    @property
    def name(self) -> str: ...

    async def facts(self, client: Client) -> UpstreamFacts:
        """What the server says of itself, asked once and kept while the server vouches for it, or the connection stands."""
        ...

    async def send(self, request: Request) -> Reply:
        """Send it once: it is repeated only where the server certainly never saw it. Waits for the first part of the reply.

        The server knows the request's client by its info, capabilities and revision, never by its credential.
        """
        ...

    async def watch(self, client: Client, on_change: Callable[[Change], None]) -> Watch:
        """Hear of changes, in the name of this client. `on_change` must not wait."""
        ...

    async def close(self) -> None:
        """Ends everything under way; never raises."""
        ...


class ChangeBus(Protocol):
    """Carries changes to every replica, this one included. What is lost on the way is told as "lost"."""

    def subscribe(self, listener: Callable[[Change], None], servers: Collection[str] | None = None) -> Callable[[], None]:
        """`servers` None: all; what is lost everywhere (`Change.server` "") is told in any case. The call returned ends it.

        Listeners are called in order, must not wait, and cannot keep each other from being called.
        """
        ...

    def tell(self, change: Change) -> None:
        """As `publish`, for whoever cannot wait: this replica has heard it when this returns, the others will."""
        ...

    async def publish(self, change: Change) -> None:
        """Returns when this replica has heard it and the others have been sent it, or will be told that something was lost."""
        ...
