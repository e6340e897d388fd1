"""Lists in memory, bounded; what was used longest ago is forgotten first."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.federation.catalog.model import Held, ListKind
from mcp_gateway.federation.catalog.ports import Locked

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_LISTS: Final = 50_000
# What a list costs beside the bytes of its items.
_OVERHEAD: Final = 2_000

Place: TypeAlias = tuple[str, ListKind, str]


class _Slot(NamedTuple):
    """`standings` are those of all items when the list was judged last, at that revision."""

    held: Held
    revision: int
    standings: tuple[object | None, ...]


class Kept:
    """By server, kind and owner. A list of another version of the server is not found."""

    def __init__(self, locked: Locked | None, max_bytes: int = MAX_BYTES) -> None:
        self._locked, self._max_bytes = locked, max_bytes
        self._slots: OrderedDict[Place, _Slot] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, server: str, kind: ListKind, owner: str, version: int) -> Held | None:
        """With only those items that may be shown now."""
        place = (server, kind, owner)
        slot = self._slots.get(place)
        if slot is None or slot.held.server.version != version:
            return None
        if self._locked is not None and slot.revision != self._locked.revision:
            slot = self._judge_again(place, slot, self._locked)
        self._slots.move_to_end(place)
        return slot.held

    def put(self, held: Held) -> None:
        place = (held.server.name, held.kind, held.owner)
        self.remove(place)
        revision = 0 if self._locked is None else self._locked.revision
        self._slots[place] = _Slot(held, revision, self._standings(held))
        self._bytes += held.size + _OVERHEAD
        while self._slots and (self._bytes > self._max_bytes or len(self._slots) > MAX_LISTS):
            self.remove(next(iter(self._slots)))

    def remove(self, place: Place) -> None:
        slot = self._slots.pop(place, None)
        if slot is not None:
            self._bytes -= slot.held.size + _OVERHEAD

    def drop(self, server: str, kinds: Collection[ListKind]) -> None:
        """`server` "": of every server."""
        for place in [place for place in self._slots if server in ("", place[0]) and place[1] in kinds]:
            self.remove(place)

    def _judge_again(self, place: Place, slot: _Slot, locked: Locked) -> _Slot:
        held, standings = slot.held, self._standings(slot.held)
        if any(now is not before for now, before in zip(standings, slot.standings, strict=True)):
            parsed = [parse_object(item.body) for item in held.all_items]
            shown = {id(item) for item in locked.offered(held.server.name, parsed, held.kind)}
            pairs = zip(held.all_items, parsed, strict=True)
            held = replace(held, items=tuple(item for item, one in pairs if id(one) in shown))
        self._slots[place] = slot = _Slot(held, locked.revision, standings)
        return slot

    def _standings(self, held: Held) -> tuple[object | None, ...]:
        if self._locked is None:
            return ()
        return tuple(self._locked.standing(held.server.name, item.key, held.kind) for item in held.all_items)
