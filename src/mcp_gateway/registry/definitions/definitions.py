"""What every server offers, and how each thing of it stands: asked on every call, told whenever a list was read."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from weakref import WeakValueDictionary

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.registry.definitions.errors import DefinitionsContested
from mcp_gateway.registry.definitions.judge import Circumstances, held_unkept, is_news, judge, rule_of
from mcp_gateway.registry.definitions.model import Key, Kind, Record, Standing
from mcp_gateway.registry.definitions.offering import MAX_KEPT, Offering
from mcp_gateway.registry.definitions.ports import Change, DefinitionStore
from mcp_gateway.registry.definitions.reading import Seen, Unreadable, instructions_item, read_item
from mcp_gateway.registry.definitions.suspicious import Surroundings
from mcp_gateway.registry.definitions.table import StandingTable
from mcp_gateway.registry.definitions.writing import Writing
from mcp_gateway.registry.model import Server

log = structlog.get_logger(__name__)

_TRIES: Final = 5
# After so many others may go on: a list may be long.
_BREATH: Final = 20
_BREATH_SECONDS: Final = 0.002
# And after one as long as this, which takes long to judge.
_LONG: Final = 8 * 1024
# Of one server and kind; twice what one list may have. A server that names things anew each time would fill memory and store.
MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
_EMPTY: Final = b"{}"


class Definitions:
    """Reading is synchronous and never waits. `reload` before use, and whenever other replicas may have changed something.

    `decided` are the lists, by server and kind, about which a person decided something in the change that was told last.
    """

    def __init__(self, store: DefinitionStore, clock: Clock) -> None:
        self._clock = clock
        self._table = StandingTable()
        self._writing = Writing(store, self._table, clock, self._tell)
        self._revision = 0
        self._listeners: list[Callable[[], None]] = []
        self.decided: frozenset[tuple[str, Kind]] = frozenset()
        self._offering = Offering(self._table)
        self._turns: WeakValueDictionary[tuple[str, Kind], asyncio.Lock] = WeakValueDictionary()

    @property
    def revision(self) -> int:
        """Grows with every change of how anything stands; on this replica alone."""
        return self._revision

    @property
    def names_revision(self) -> int:
        """Grows when something is seen for the first time, or a server is forgotten."""
        return self._table.names_revision

    def standing(self, server: str, name: str, kind: Kind = "tools") -> Standing | None:
        """None: never seen there. `name` is the server's own: a tool's or prompt's name, a URI, a URI template."""
        return self._table.standing(server, name, kind)

    def offered(self, server: str, items: Sequence[JsonObject], kind: Kind = "tools") -> list[JsonObject]:
        """Those of a list that may be shown, unchanged and in order. What was never observed is left out."""
        return [item for item in items if self._offering.may_be_shown(server, kind, item)]

    def names(self, server: str, kind: Kind = "tools") -> list[str]:
        """Of all that was ever seen of this server, held back or not."""
        return [name for name in self._table.of(server, kind) if name]

    def record(self, key: Key) -> Record | None:
        return self._table.record(key)

    def records(self, server: str = "") -> tuple[Record, ...]:
        """All that is known, or all of one server, by server, kind and name."""
        found = (record for record in self._table.records() if server in ("", record.server))
        return tuple(sorted(found, key=lambda record: record.key))

    def around(self, server: str) -> Surroundings:
        """Tools of this server, and of all others."""
        return self._table.around(server)

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Called, without waiting, after every change. The call returned ends it."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    async def observe(self, server: Server, kind: Kind, items: Sequence[Json]) -> None:
        """A whole list, as the server gave it. When this returns, `standing` knows every readable item of it.

        Raises `Unavailable` when the store does not answer: then nothing new is offered.
        """
        self._offering.rules[server.name] = rule_of(server)
        seen = {one.name: one for one in await self._read_all(server, kind, items)}
        if not self._is_news(server, kind, seen):
            return
        if not seen:
            self._writing.note_empty(_list_seen(server, kind, self._clock.timestamp()))
            return
        # Callers who are all shown something else come one after the other; only other replicas can be quicker.
        async with self._turns.setdefault((server.name, kind), asyncio.Lock()):
            for _ in range(_TRIES):
                if await self._writing.write(await self._judged(server, kind, seen)):
                    return
        raise DefinitionsContested(server=server.name)

    async def observe_instructions(self, server: Server, text: str) -> None:
        """What the server tells every model that uses it; `standing(server, "instructions", "instructions")` is how it stands."""
        await self.observe(server, "instructions", [instructions_item(text)] if text else [])

    async def decide(self, known: Record, decided: Record) -> bool:
        """Write down an administrator's decision. False: the record is no longer as known, and nothing was decided."""
        return await self._writing.write([Change(known=known, record=decided)])

    async def forget(self, server: str) -> None:
        """For a server that was removed: when it comes back it is seen for the first time."""
        await self._writing.forget(server)
        self._offering.rules.pop(server, None)

    async def reload(self) -> None:
        """Take over what other replicas and commands wrote. What it raises leaves everything as it was."""
        await self._writing.reload()

    async def flush(self) -> None:
        """Write down what waits to be: before the end."""
        await self._writing.flush()

    async def _read_all(self, server: Server, kind: Kind, items: Sequence[Json]) -> list[Seen]:
        seen: list[Seen] = []
        breathed = self._clock.monotonic()
        for item in items:
            # By time, not by number: one long item is as much work as hundreds of others.
            if self._clock.monotonic() - breathed > _BREATH_SECONDS:
                await asyncio.sleep(0)
                breathed = self._clock.monotonic()
            try:
                seen.append(read_item(kind, item))
            except Unreadable as error:
                log.warning("definition_unreadable", server=server.name, kind=kind, reason=str(error))
        return seen

    def _is_news(self, server: Server, kind: Kind, seen: dict[str, Seen]) -> bool:
        known = self._table.of(server.name, kind)
        if not known:
            return True
        full = len(known) >= MAX_KEPT or _bytes_of(known.values()) >= MAX_KEPT_BYTES
        return any(not full if name not in known else is_news(known[name], one.fingerprint) for name, one in seen.items())

    async def _judged(self, server: Server, kind: Kind, seen: dict[str, Seen]) -> list[Change]:
        known = self._table.of(server.name, kind)
        at = self._clock.timestamp()
        near = self.around(server.name)
        around = Surroundings(own=near.own | known.keys() | seen.keys(), others=near.others)
        when = Circumstances(first=not known, at=at, around=around)
        changes = [] if known else [Change(known=None, record=_list_seen(server, kind, at))]
        room, bytes_left, left_out = MAX_KEPT - len(known), MAX_KEPT_BYTES - _bytes_of(known.values()), 0
        for number, (name, one) in enumerate(seen.items(), start=1):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            before = known.get(name)
            if before is None and (room <= 0 or bytes_left <= 0):
                left_out += 1
                continue
            try:
                record = judge(server, one, before, when)
            except Unreadable as error:
                log.warning("definition_unreadable", server=server.name, kind=kind, name=name[:100], reason=str(error))
                continue
            if record is before:
                continue
            if len(record.latest_body) > _LONG:
                await asyncio.sleep(0)
            more = _bytes_of([record]) - (0 if before is None else _bytes_of([before]))
            if before is not None and more > max(bytes_left, 0):
                left_out += 1
                record = held_unkept(server, before)
                if record is before:
                    continue
                more = 0
            room, bytes_left = room - (before is None), bytes_left - more
            changes.append(Change(known=before, record=record))
        if left_out:
            log.warning("definitions_too_many", server=server.name, kind=kind, kept=MAX_KEPT, left_out=left_out)
        return changes

    def _tell(self) -> None:
        self._revision += 1
        self.decided = self._table.take_decided()
        for listener in tuple(self._listeners):
            listener()


def _bytes_of(records: Iterable[Record]) -> int:
    """What is kept of them."""
    return sum(len(one.latest_body) + len(one.approved_body or b"") for one in records)


def _list_seen(server: Server, kind: Kind, at: float) -> Record:
    """Says that the list was seen, be it empty: what comes later is new, not first."""
    return Record(
        server=server.name, kind=kind, name="", approved_fingerprint=None, approved_body=None, latest_fingerprint="",
        latest_body=_EMPTY, status="offered", verdict="first", seen_at=at,
    )  # fmt: skip
