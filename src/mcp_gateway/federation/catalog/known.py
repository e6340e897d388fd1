"""What each server was last seen to offer, to whomever: enough to name its things and to send a request the right way.

Being known is no permission, and says nothing of now: a name stays known while its server answers nobody, while its definition
waits for approval, and when the server is changed until it has answered again. Otherwise a name could pass to another server for
a moment, and a call with it.
"""

from collections.abc import Collection, Mapping
from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.model import Held, Item, ListKind
from mcp_gateway.federation.catalog.ports import Locked
from mcp_gateway.federation.catalog.showing import definition_of

MAX_NAMES: Final = 10_000
# Of one server and kind; twice what one list may have.
MAX_BYTES: Final = 32 * 1024 * 1024


class Known:
    """Of a server that was not asked since the start there is what all replicas remember of it."""

    def __init__(self, locked: Locked | None = None) -> None:
        self._locked = locked
        self._revisions: dict[ListKind, int] = {}
        self._looked: dict[ListKind, int] = {}
        self._items: dict[tuple[str, ListKind], tuple[int, dict[str, Item]]] = {}
        self._recalled: dict[tuple[str, ListKind], tuple[int, frozenset[str]]] = {}

    @property
    def locked(self) -> bool:
        """Whether definitions are compared with what was approved."""
        return self._locked is not None

    def revision(self, kind: ListKind) -> int:
        """Grows when the names of a server change, not when one of its definitions does."""
        if self._locked is not None and self._looked.get(kind) != self._locked.names_revision:
            self._looked[kind] = self._locked.names_revision
            for server in [one for one, its_kind in self._recalled if its_kind == kind]:
                self._recall(server, kind)
        return self._revisions.get(kind, 0)

    def names(self, server: str, kind: ListKind) -> Collection[str]:
        """The server's own."""
        found = self._items.get((server, kind))
        if found is not None:
            return found[1].keys()
        if self._locked is None:
            return ()
        revision, names = self._recalled.get((server, kind), (-1, frozenset[str]()))
        return names if revision == self._locked.names_revision else self._recall(server, kind)

    def definition(self, server: str, kind: ListKind, name: str) -> JsonObject | None:
        """Not to be changed; None where it is not known."""
        found = self._items.get((server, kind))
        if found is not None:
            item = found[1].get(name)
            return None if item is None else definition_of(item)
        standing = None if self._locked is None else self._locked.standing(server, name, kind)
        return None if standing is None else standing.definition

    def learn(self, held: Held) -> None:
        """A public list is all there is; a private one adds to what others were shown."""
        key = (held.server.name, held.kind)
        version, before = self._items.get(key, (0, {}))
        if held.server.version < version:
            return
        now = {item.key: item for item in held.all_items}
        if held.owner and version == held.server.version:
            joined = {**before, **now}
            now = joined if len(joined) <= MAX_NAMES and sum(len(one.body) for one in joined.values()) <= MAX_BYTES else now
        _, recalled = self._recalled.pop(key, (-1, None))
        if now.keys() != (before.keys() if recalled is None else recalled):
            self._change(held.kind)
        self._items[key] = (held.server.version, now)

    def keep_only(self, servers: Mapping[str, object]) -> None:
        """For servers that were removed."""
        for key in [key for key in self._items if key[0] not in servers]:
            del self._items[key]
            self._change(key[1])
        for key in [key for key in self._recalled if key[0] not in servers]:
            del self._recalled[key]
            self._change(key[1])

    def _recall(self, server: str, kind: ListKind) -> Collection[str]:
        assert self._locked is not None  # noqa: S101 - its callers looked
        names = frozenset(self._locked.names(server, kind))
        _, before = self._recalled.get((server, kind), (-1, None))
        self._recalled[server, kind] = (self._locked.names_revision, names)
        if before is not None and names != before:
            self._change(kind)
        return names

    def _change(self, kind: ListKind) -> None:
        self._revisions[kind] = self._revisions.get(kind, 0) + 1
