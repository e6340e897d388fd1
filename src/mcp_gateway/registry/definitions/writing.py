"""The table in step with the store: what is written down here, and what others wrote.

Changes of whoever comes while a transaction runs go into the next one together, so that a thousand servers that are looked at
for the first time are a handful of transactions.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.registry.definitions.model import Key, Kind, Record
from mcp_gateway.registry.definitions.ports import Change, DefinitionStore
from mcp_gateway.registry.definitions.table import StandingTable

log = structlog.get_logger(__name__)

# In one transaction, of all that wait.
CHANGES_AT_ONCE: Final = 1_000
# That a list was seen empty is written with the next change, or after so long.
EMPTY_SECONDS: Final = 5.0


@dataclass(kw_only=True, slots=True, eq=False)
class _Waiting:
    """`written` None: nobody has tried."""

    changes: Sequence[Change]
    written: bool | None = None


class Writing:
    """`told` is called, without waiting, when anything stands otherwise than before."""

    def __init__(self, store: DefinitionStore, table: StandingTable, clock: Clock, told: Callable[[], None]) -> None:
        self._store, self._table, self._clock, self._told = store, table, clock, told
        self._version = -1
        self._changing = asyncio.Lock()
        self._waiting: dict[_Waiting, None] = {}
        self._empty: dict[tuple[str, Kind], Record] = {}
        self._empty_since = 0.0

    async def write(self, changes: Sequence[Change]) -> bool:
        """Into the store, then into the table. False: something is no longer as known; how it is the table says now.

        Raises `Unavailable`.
        """
        if not changes:
            return True
        mine = _Waiting(changes=changes)
        self._waiting[mine] = None
        try:
            async with self._changing:
                if mine.written is None:
                    await self._write_with_others(mine)
        finally:
            self._waiting.pop(mine, None)
        return mine.written is True

    def note_empty(self, record: Record) -> None:
        """That a list was seen, and nothing in it, counts at once and is written down soon."""
        if not self._empty:
            self._empty_since = self._clock.monotonic()
        self._table.put([record])
        self._empty[record.server, record.kind] = record

    async def reload(self) -> None:
        """Take over what others wrote, and write down what has waited long enough. Raises `Unavailable`."""
        if await self._store.read_version() != self._version:
            async with self._changing:
                await self._read()
        if self._empty and self._clock.monotonic() >= self._empty_since + EMPTY_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Write down what waits to be."""
        async with self._changing:
            if self._empty and not await self._write([]):
                # Others saw these lists as well; what they have not written is written with the next change.
                await self._read()

    async def forget(self, server: str) -> None:
        async with self._changing:
            await self._store.forget(server)
            self._drop(server)
            self._told()

    async def _write_with_others(self, mine: _Waiting) -> None:
        """What others wrote is read in between, so that whoever is late for it judges again and holds up nobody."""
        for _ in range(2):
            together = self._together(mine)
            if not together:
                return
            if await self._write([change for one in together for change in one.changes]):
                for one in together:
                    one.written = True
                return
            await self._read()
        mine.written = False

    def _together(self, mine: _Waiting) -> list[_Waiting]:
        """Those that can be written at once, mine first; who knows it otherwise than it is now has to judge again."""
        found: list[_Waiting] = []
        room = CHANGES_AT_ONCE
        keys: set[Key] = set()
        for one in (mine, *(other for other in self._waiting if other is not mine)):
            if one.written is not None or (found and len(one.changes) > room):
                continue
            if any(self._table.record(change.record.key) != change.known for change in one.changes):
                one.written = False
                continue
            mentioned = {change.record.key for change in one.changes}
            if keys.isdisjoint(mentioned):
                found.append(one)
                keys |= mentioned
                room -= len(one.changes)
        return found if mine.written is None else []

    async def _write(self, changes: Sequence[Change]) -> bool:
        empty = list(self._empty.values())
        version = await self._store.write([*(Change(known=None, record=one) for one in empty), *changes])
        if version is None:
            return False
        if version == self._version + 1:
            # Nobody else wrote meanwhile, so there is nothing to read.
            self._version = version
        self._forget_empty([*empty, *(change.record for change in changes)])
        if self._table.put(change.record for change in changes):
            _tell_held_back([change.record for change in changes])
            self._told()
        return True

    async def _read(self) -> None:
        read = await self._store.read(self._version)
        self._version = read.version
        for server in read.forgotten:
            self._drop(server)
        self._forget_empty(read.records)
        if self._table.put(read.records) or read.forgotten:
            self._told()

    def _forget_empty(self, written: Sequence[Record]) -> None:
        for record in written:
            if not record.name:
                self._empty.pop((record.server, record.kind), None)

    def _drop(self, server: str) -> None:
        self._table.forget(server)
        self._empty = {key: record for key, record in self._empty.items() if key[0] != server}


def _tell_held_back(records: Sequence[Record]) -> None:
    for record in records:
        if record.status != "offered":
            log.warning(
                "definition_held_back",
                server=record.server,
                kind=record.kind,
                name=record.name[:100],
                status=record.status,
                verdict=record.verdict,
            )
