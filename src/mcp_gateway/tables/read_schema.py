"""The database's schema as one value, kept while nothing has changed.

Structure (tables, columns, declared keys) is read anew whenever the cheap signal says so. The profile (samples, distinct counts,
bounds, inferred keys) costs queries over the rows, so it is renewed with the structure, and for changed rows at most once in
`PROFILE_SECONDS`.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import Final

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.schema import DatabaseSchema, Table
from mcp_gateway.core.schema_documents import fit_for_documents
from mcp_gateway.tables.model import Signal
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.profile import profile_tables

# For how long samples and counts may lag behind changed rows.
PROFILE_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    schema: DatabaseSchema
    signal: Signal
    profiled_at: float


class SchemaReader:
    """Keeps the newest schema; concurrent readers share one reading."""

    def __init__(self, database: Database, clock: Clock, *, profile_seconds: float) -> None:
        """`profile_seconds` bounds the queries over the rows; what is not reached stays unknown (None)."""
        self._database = database
        self._clock = clock
        self._profile_seconds = profile_seconds
        self._kept: _Kept | None = None
        self._lock = asyncio.Lock()

    @property
    def newest(self) -> DatabaseSchema | None:
        """What was read last, without asking the database; None before the first reading."""
        return self._kept.schema if self._kept else None

    async def read(self) -> DatabaseSchema:
        """The schema as it is now. Raises as `read_state`."""
        return (await self.read_state())[0]

    async def read_state(self) -> tuple[DatabaseSchema, str | None]:
        """The schema as it is now, and the token of the rows (see `Signal.data`).

        Raises what `Database.read_signal` and `Database.read_structure` raise.
        """
        async with self._lock:
            signal = await self._database.read_signal()
            kept = self._kept
            if kept is not None and self._still_holds(kept, signal):
                return kept.schema, signal.data
            tables = fit_for_documents(await self._database.read_structure())
            schema = DatabaseSchema(dialect=self._database.dialect, tables=tables, version=fingerprint(tables))
            schema = await profile_tables(self._database, self._clock, schema, seconds=self._profile_seconds)
            self._kept = _Kept(schema=schema, signal=signal, profiled_at=self._clock.monotonic())
            return schema, signal.data

    def _still_holds(self, kept: _Kept, signal: Signal) -> bool:
        if kept.signal.structure != signal.structure:
            return False
        return kept.signal.data == signal.data or self._clock.monotonic() - kept.profiled_at < PROFILE_SECONDS


def fingerprint(tables: tuple[Table, ...]) -> str:
    """Sixteen hexadecimal digits that change whenever names, types, keys or comments do, and not with the rows."""
    structure = tuple(replace(table, row_count=None) for table in tables)
    return hashlib.sha256(repr(structure).encode()).hexdigest()[:16]
