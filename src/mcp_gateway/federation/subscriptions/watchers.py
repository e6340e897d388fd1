"""Watches over upstream servers, one per server and identity, shared by everybody on this replica who listens.

What they hear goes to the bus. A server that knows each caller by itself (token exchange) is watched once for each of them, and
what it says then reaches that caller alone; any other one is watched once, in the gateway's own name.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import Final

import structlog

from mcp_gateway.federation.model import Client
from mcp_gateway.federation.ports import ChangeBus, Link, Wanted
from mcp_gateway.federation.subscriptions.lookout import Lookout, LookoutState, Outlook
from mcp_gateway.federation.subscriptions.ports import Interest

# Each is a stream held open at a server. Beyond, nothing more is watched: what is kept then lives by its time alone.
MAX_LOOKOUTS: Final = 2_048
AGREE_AT_ONCE: Final = 32

_log = structlog.get_logger(__name__)


class Watchers:
    """Implements `Watching`."""

    def __init__(
        self,
        *,
        link_of: Callable[[str], Link | None],
        identity_of: Callable[[str, Client], str],
        gateway: Client,
        bus: ChangeBus,
        spread: Callable[[], float],
    ) -> None:
        """`link_of` gives the link to a server now, None for one that is not there or not enabled.

        `gateway` is the client in whose name shared watches are; `spread` gives numbers between 0 and 1.
        """
        self.identity_of, self.link_of = identity_of, link_of
        self._gateway = gateway
        self._lookouts: dict[tuple[str, str], Lookout] = {}
        self._outlook = Outlook(
            link_of=link_of, tell=bus.tell, slots=asyncio.Semaphore(AGREE_AT_ONCE), spread=spread, over=self._over
        )

    def __len__(self) -> int:
        return len(self._lookouts)

    def want(self, server: str, client: Client, wanted: Wanted) -> "Wish":
        """To be told of this until the wish is closed. Beyond the bound of lookouts nothing comes of it."""
        identity = self.identity_of(server, client)
        who = client if identity else self._gateway
        lookout = self._lookouts.get((server, identity))
        if lookout is None:
            if len(self._lookouts) >= MAX_LOOKOUTS:
                _log.warning("server_not_watched", server=server, reason="too many servers are watched", limit=MAX_LOOKOUTS)
                return Wish(None, wanted)
            lookout = self._lookouts[server, identity] = Lookout(server, identity, who, self._outlook)
        lookout.add(wanted, who)
        return Wish(lookout, wanted)

    async def ready(self, wishes: Collection[Interest], *, timeout_seconds: float) -> None:
        """Waits until each server has agreed, or has failed to; what comes true only later is told as "lost" then."""
        mine = [wish for wish in wishes if isinstance(wish, Wish)]
        working = {work for wish in mine if wish.lookout is not None and (work := wish.lookout.agreeing) is not None}
        if working:
            await asyncio.wait(working, timeout=timeout_seconds)
        for wish in mine:
            if wish.lookout is not None:
                wish.lookout.promise(wish.wanted)

    def heard(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Servers whose changes are told now to whoever uses them, each with the lists that were agreed on."""
        for (server, identity), lookout in self._lookouts.items():
            if not identity and (lists := lookout.hears):
                yield server, lists

    def state_of(self, server: str, client: Client) -> LookoutState:
        lookout = self._lookouts.get((server, self.identity_of(server, client)))
        return "down" if lookout is None else lookout.state

    def relink(self) -> None:
        """The registry changed: servers may be others now, be back, or be gone."""
        for lookout in tuple(self._lookouts.values()):
            lookout.relink()

    async def close(self) -> None:
        """End every watch."""
        lookouts, self._lookouts = self._lookouts, {}
        await asyncio.gather(*(lookout.end() for lookout in lookouts.values()), return_exceptions=True)

    def _over(self, lookout: Lookout) -> None:
        if self._lookouts.get((lookout.server, lookout.identity)) is lookout:
            del self._lookouts[lookout.server, lookout.identity]


class Wish:
    """Implements `Interest`. `lookout` None: nothing is watched for it."""

    __slots__ = ("lookout", "wanted")

    def __init__(self, lookout: Lookout | None, wanted: Wanted) -> None:
        self.lookout, self.wanted = lookout, wanted

    def close(self) -> None:
        lookout, self.lookout = self.lookout, None
        if lookout is not None:
            lookout.remove(self.wanted)
