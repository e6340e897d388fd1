"""Whom a change concerns, found without asking every listener.

Listeners that see the same servers are one group: the set of servers, and the wish to hear of their lists, is there once however
many they are.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from mcp_gateway.federation.model import Change
from mcp_gateway.federation.ports import Wanted
from mcp_gateway.federation.subscriptions.listener import Listener
from mcp_gateway.federation.subscriptions.ports import Interest, Seen, Watching

# Where a URI can be cut so that what is left names something it is part of.
_CUT: Final = re.compile(r"[/?#]")
_MAX_CUTS: Final = 64


class Audience:
    """The listeners of one replica."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._all: dict[Listener, None] = {}
        self._groups: dict[Seen, _Group] = {}
        self._at_place: dict[tuple[str, str], dict[Listener, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Listener]:
        return iter(tuple(self._all))

    def __contains__(self, listener: Listener) -> bool:
        return listener in self._all

    def add(self, listener: Listener) -> None:
        """And see to it that what it wants is watched."""
        self._all[listener] = None
        own: list[Interest] = []
        if listener.lists:
            group = self._groups.setdefault(listener.seen, _Group(listener.seen))
            listener.seen = group.seen
            group.add(listener, self._watching)
            own.extend(
                self._watching.want(server, listener.client, Wanted(lists=listener.lists & group.seen.kinds_of(server)))
                for server in self._known_by_itself(listener)
            )
        of_server: dict[str, set[str]] = {}
        for place in listener.places.values():
            self._at_place.setdefault((place.server, place.uri), {})[listener] = None
            of_server.setdefault(place.server, set()).add(place.uri)
        own.extend(
            self._watching.want(server, listener.client, Wanted(uris=frozenset(uris))) for server, uris in of_server.items()
        )
        listener.interests = tuple(own)

    def remove(self, listener: Listener) -> None:
        """Nothing happens when it is not here."""
        if self._all.pop(listener, self) is self:
            return
        group = self._groups.get(listener.seen)
        if group is not None and group.remove(listener):
            del self._groups[listener.seen]
        for place in listener.places.values():
            there = self._at_place.get((place.server, place.uri), {})
            there.pop(listener, None)
            if not there:
                self._at_place.pop((place.server, place.uri), None)
        for interest in listener.interests:
            interest.close()
        listener.interests = ()

    def unsettled(self, listener: Listener) -> tuple[Interest, ...]:
        """What is watched for it and has not been waited for, shared or not."""
        group = self._groups.get(listener.seen)
        return listener.interests if group is None or group.settled else (*group.interests, *listener.interests)

    def settle(self, listener: Listener, waited: tuple[Interest, ...]) -> None:
        """It has been waited for: whoever joins the group need not wait, and is told of what comes true only later."""
        group = self._groups.get(listener.seen)
        if group is not None and group.interests == waited[: len(group.interests)]:
            group.settled = True

    def concerned(self, change: Change) -> Iterable[Listener]:
        """Each once."""
        if change.kind == "resource":
            return dict.fromkeys(chain.from_iterable(self._at_place.get((change.server, uri), ()) for uri in _wholes(change.uri)))
        if not change.server:
            return tuple(self._all)
        groups = chain.from_iterable(group.listeners for group in self._groups.values() if change.server in group.servers)
        if change.kind != "lost":
            return tuple(groups)
        places = chain.from_iterable(there for (server, _), there in self._at_place.items() if server == change.server)
        return dict.fromkeys(chain(groups, places))

    def _known_by_itself(self, listener: Listener) -> Iterator[str]:
        return (server for server in listener.seen.every() if self._watching.identity_of(server, listener.client))


class _Group:
    """Listeners that see the same servers. Its interests are those in the gateway's own name."""

    __slots__ = ("_lists", "interests", "listeners", "seen", "servers", "settled")

    def __init__(self, seen: Seen) -> None:
        self.seen, self.servers = seen, seen.every()
        self.settled = False
        self.listeners: dict[Listener, None] = {}
        self._lists: frozenset[str] = frozenset()
        self.interests: tuple[Interest, ...] = ()

    def add(self, listener: Listener, watching: Watching) -> None:
        self.listeners[listener] = None
        if listener.lists <= self._lists:
            return
        self._lists |= listener.lists
        self.settled = False
        before = self.interests
        shared = (server for server in self.servers if not watching.identity_of(server, listener.client))
        self.interests = tuple(
            watching.want(server, listener.client, Wanted(lists=self._lists & self.seen.kinds_of(server))) for server in shared
        )
        _close(before)

    def remove(self, listener: Listener) -> bool:
        """Whether it is empty now."""
        self.listeners.pop(listener, None)
        if self.listeners:
            return False
        _close(self.interests)
        return True


def _close(interests: Iterable[Interest]) -> None:
    for interest in interests:
        interest.close()


def _wholes(uri: str) -> Iterator[str]:
    """The URI, and everything it may be a part of: a server may tell of a file where its folder was subscribed to."""
    yield uri
    for number, cut in enumerate(_CUT.finditer(uri)):
        if number >= _MAX_CUTS:
            return
        yield uri[: cut.start()]
        if cut.end() < len(uri):
            yield uri[: cut.end()]
