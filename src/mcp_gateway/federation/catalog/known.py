"""What each server was last seen to offer, to whomever: enough to name its things and to send a request the right way.

Being known is no permission, and says nothing of now: a name stays known while its server answers nobody.
"""

from collections.abc import Mapping
from typing import Final

from mcp_gateway.federation.catalog.model import Held, Item, ListKind
from mcp_gateway.registry.model import Server

MAX_NAMES: Final = 10_000
_NOTHING: Final[Mapping[str, Item]] = {}


class Known:
    """`revision` grows when the names of a server change, not when one of its definitions does."""

    def __init__(self) -> None:
        self.revision = 0
        self._items: dict[tuple[str, ListKind], tuple[int, dict[str, Item]]] = {}

    def items(self, server: Server, kind: ListKind) -> Mapping[str, Item] | None:
        """By the server's own names; None when no list of it was ever read."""
        found = self._items.get((server.name, kind))
        return found[1] if found is not None and found[0] == server.version else None

    def learn(self, held: Held) -> None:
        """A public list is all there is; a private one adds to what others were shown."""
        key = (held.server.name, held.kind)
        version, before = self._items.get(key, (0, _NOTHING))
        now = {item.key: item for item in held.items}
        if held.owner and version == held.server.version and len(before) + len(now) <= MAX_NAMES:
            now = {**before, **now}
        if version != held.server.version or before.keys() != now.keys():
            self.revision += 1
        self._items[key] = (held.server.version, now)

    def forget(self, servers: Mapping[str, Server]) -> None:
        """All but these."""
        for key in [key for key in self._items if key[0] not in servers]:
            del self._items[key]
            self.revision += 1
