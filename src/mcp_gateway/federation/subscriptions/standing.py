"""Watches that stand whether anybody listens or not, over a bounded number of servers.

What such a server changes is seen at once, its definitions are compared before the next call, and copies of its lists may be kept
beyond their time, since it would have said so. Each costs a connection at the server and some memory here, so they are for the
servers that have been registered longest; of all others copies live by their time alone, and the refresher finds what changed.
"""

import asyncio
from collections.abc import Collection
from typing import Final, Protocol

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.model import Client, UpstreamFacts
from mcp_gateway.federation.ports import Wanted
from mcp_gateway.federation.subscriptions.refresher import ListKind
from mcp_gateway.federation.subscriptions.watchers import Watchers, Wish

MAX_STANDING: Final = 256
VOUCH_SECONDS: Final = 20.0
# A vouching that was not repeated ends by itself.
VOUCHED_SECONDS: Final = 50.0
_LISTS: Final = ("tools", "prompts", "resources")


class Vouched(Protocol):
    """Keeps copies of lists for as long as somebody would hear of a change."""

    def vouch(self, server: str, kinds: Collection[ListKind], until: float, identity: str = "") -> None: ...


class StandingWatches:
    def __init__(self, watchers: Watchers, vouched: Vouched, *, gateway: Client, clock: Clock) -> None:
        self._watchers, self._vouched, self._gateway, self._clock = watchers, vouched, gateway, clock
        self._announced: dict[str, frozenset[str]] = {}
        self._wishes: dict[str, Wish] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._vouch()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for wish in self._wishes.values():
            wish.close()
        self._wishes.clear()

    def learn(self, server: str, facts: UpstreamFacts) -> None:
        """What the server says that it announces."""
        announced = announced_by(facts.capabilities)
        if self._announced.get(server) == announced and (server in self._wishes or len(self._wishes) >= MAX_STANDING):
            return
        self._announced[server] = announced
        before = self._wishes.pop(server, None)
        if announced and len(self._wishes) < MAX_STANDING:
            self._wishes[server] = self._watchers.want(server, self._gateway, Wanted(lists=announced))
        if before is not None:
            before.close()

    def keep_only(self, servers: Collection[str]) -> None:
        for server in self._announced.keys() - set(servers):
            del self._announced[server]
            wish = self._wishes.pop(server, None)
            if wish is not None:
                wish.close()

    def _vouch(self) -> None:
        until = self._clock.monotonic() + VOUCHED_SECONDS
        for server, lists in self._watchers.heard():
            told = lists & self._announced.get(server, frozenset())
            if told:
                self._vouched.vouch(server, _kinds(told), until)
        self._timer = asyncio.get_running_loop().call_later(VOUCH_SECONDS, self._vouch)


def announced_by(capabilities: JsonObject) -> frozenset[str]:
    return frozenset(kind for kind in _LISTS if object_at(capabilities, kind).get("listChanged") is True)


def _kinds(lists: Collection[str]) -> list[ListKind]:
    kinds: list[ListKind] = []
    if "tools" in lists:
        kinds.append("tools")
    if "prompts" in lists:
        kinds.append("prompts")
    if "resources" in lists:
        kinds.extend(("resources", "templates"))
    return kinds
