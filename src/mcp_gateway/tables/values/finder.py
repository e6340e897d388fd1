"""Finding stored values: the index first, the database itself for what the index does not hold.

The index is built in the background at the first need and built anew when rows have changed, at most so often that
building takes a twentieth of the time. While it is missing or behind, every column is asked in the database,
so an answer is never silently short.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlglot import exp

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import DatabaseSchema
from mcp_gateway.core.tasks import end_tasks
from mcp_gateway.tables.model import FoundValues, Limits, ValueMatch
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.statements import column_ref, is_not_null, table_ref
from mcp_gateway.tables.values.index import MAX_VALUE_LENGTH, IndexedColumn, ValueIndex
from mcp_gateway.tables.values.look_up import Place, look_up
from mcp_gateway.tables.values.search import make_query, rank, search
from mcp_gateway.tables.values.words import fold_words, stem

_log = structlog.get_logger(__name__)

_MAX_VALUES_A_COLUMN: Final = 250_000
# Reading the values of one column may take so much of the memory for the wire.
_MAX_COLUMN_BYTES: Final = 32 * 1024 * 1024
# Where a database cannot say whether rows have changed, an index counts as right for so long.
_UNWATCHED_SECONDS: Final = 60.0
_REBUILD_SHARE: Final = 20
_KEPT_ANSWERS: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class _Built:
    """`state` is the schema's version and the rows' token it was built from."""

    index: ValueIndex
    state: tuple[str, str | None]
    built_at: float
    took_seconds: float


class ValueFinder:
    """Answers `find_values` for one database."""

    def __init__(self, database: Database, clock: Clock, *, max_bytes: int, build_seconds: float, find_seconds: float) -> None:
        """`max_bytes` bounds the index, `build_seconds` its building, `find_seconds` a search beyond it and the wait for it."""
        self._database = database
        self._clock = clock
        self._max_bytes = max_bytes
        self._build_seconds = build_seconds
        self._find_seconds = find_seconds
        self._built: _Built | None = None
        self._building: asyncio.Task[None] | None = None
        self._answers: OrderedDict[tuple[object, ...], FoundValues] = OrderedDict()
        self._schema_words: tuple[str, frozenset[str]] | None = None

    async def warm(self, schema: DatabaseSchema, data: str | None) -> None:
        """Build the index now, if it is not right already."""
        if not self._is_right(schema, data):
            await asyncio.shield(self._build_once(schema, data))

    async def close(self) -> None:
        """Stop a building that is under way."""
        await end_tasks(self._building)

    async def find(
        self,
        schema: DatabaseSchema,
        data: str | None,
        text: str,
        *,
        tables: Sequence[str],
        columns: Sequence[str],
        limit: int,
        seen: DatabaseSchema | None = None,
    ) -> FoundValues:
        """Best first. `data` is the token of the rows as they are now; `tables` and `columns` narrow, empty means everywhere.

        `seen` is the schema whose names count as such, where the one who asks does not know all of them.
        """
        right = await self._get_right(schema, data)
        key = (id(self._built), data, text, tuple(tables), tuple(columns), limit, seen.version if seen else "")
        if right and key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        wanted = _Wanted(tables, columns)
        query = make_query(text, self._words_of(seen or schema), lambda column: wanted.accepts(column.table, column.column))
        index = self._built.index if self._built else ValueIndex(0)
        matches = search(index, query)
        places = _places(schema, wanted, index if right else None, with_prose=query.is_term or len(text) > MAX_VALUE_LENGTH)
        complete = True
        if places and query.words:
            found, complete = await look_up(self._database, self._clock, places, query, seconds=self._find_seconds)
            matches = rank(_merged(matches, found))
        result = FoundValues(matches=tuple(matches[:limit]), complete=complete)
        if right and complete:
            self._answers[key] = result
            while len(self._answers) > _KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return result

    def _is_right(self, schema: DatabaseSchema, data: str | None) -> bool:
        built = self._built
        if built is None or built.state != (schema.version, data):
            return False
        return data is not None or self._clock.monotonic() - built.built_at < _UNWATCHED_SECONDS

    async def _get_right(self, schema: DatabaseSchema, data: str | None) -> bool:
        """Whether the index holds the rows as they are; waits a little for one to be built."""
        if self._is_right(schema, data):
            return True
        built = self._built
        if built is not None and self._clock.monotonic() - built.built_at < built.took_seconds * _REBUILD_SHARE:
            return False
        await asyncio.wait({self._build_once(schema, data)}, timeout=self._find_seconds)
        return self._is_right(schema, data)

    def _build_once(self, schema: DatabaseSchema, data: str | None) -> "asyncio.Task[None]":
        if self._building is None or self._building.done():
            self._building = asyncio.create_task(self._build(schema, data))
        return self._building

    async def _build(self, schema: DatabaseSchema, data: str | None) -> None:
        started = self._clock.monotonic()
        index = ValueIndex(self._max_bytes)
        # Short lists of categories first: they are named most often, so they must not fall to the memory bound.
        places = sorted(
            _places(schema, _Wanted((), ()), None, with_prose=True),
            key=lambda place: place.column.distinct_count or _MAX_VALUES_A_COLUMN,
        )
        for place in places:
            left = self._build_seconds - (self._clock.monotonic() - started)
            await self._add_column(index, place, left)
        await asyncio.to_thread(index.prepare)
        took = self._clock.monotonic() - started
        self._built = _Built(index=index, state=(schema.version, data), built_at=self._clock.monotonic(), took_seconds=took)
        self._answers.clear()
        _log.info(
            "value_index_built", columns=len(places), values=len(index.values), bytes=index.size_bytes, seconds=round(took, 3)
        )

    async def _add_column(self, index: ValueIndex, place: Place, seconds: float) -> None:
        table, column = place.table.name, place.column.name
        values: list[str] = []
        complete = False
        known = place.column.distinct_count
        if seconds > 0 and (known is None or known <= _MAX_VALUES_A_COLUMN):
            try:
                values, complete = await self._read_values(place, seconds)
            except GatewayError as error:
                _log.info("value_index_column_failed", table=table, column=column, code=error.code)
        await asyncio.to_thread(index.add_column, table, column, values, complete=complete)

    async def _read_values(self, place: Place, seconds: float) -> tuple[list[str], bool]:
        """The distinct values that are short enough, and whether these are all."""
        reference = column_ref(place.column.name)
        text = exp.cast(reference, exp.DataType.Type.TEXT)
        beginning = exp.Substring(this=text, start=exp.Literal.number(1), length=exp.Literal.number(MAX_VALUE_LENGTH + 1))
        statement = (
            exp.select(beginning)
            .distinct()
            .from_(table_ref(place.table.name, self._database.dialect))
            .where(is_not_null(reference.copy()))
            .limit(_MAX_VALUES_A_COLUMN + 1)
        )
        limits = Limits(
            max_rows=_MAX_VALUES_A_COLUMN,
            max_bytes=_MAX_COLUMN_BYTES,
            max_cell_bytes=8 * MAX_VALUE_LENGTH,
            timeout_seconds=seconds,
        )
        raw = await self._database.run(statement.sql(dialect=self._database.dialect), limits)
        values = [row[0] for row in raw.rows if isinstance(row[0], str)]
        return values, raw.truncated_by is None

    def _words_of(self, schema: DatabaseSchema) -> frozenset[str]:
        """Folded words of the names in the schema, and their stems."""
        if self._schema_words is None or self._schema_words[0] != schema.version:
            names = [name for table in schema.tables for name in (table.name, *(column.name for column in table.columns))]
            words = {word for name in names for word in fold_words(_split(name))}
            self._schema_words = (schema.version, frozenset(words | {stem(word) for word in words}))
        return self._schema_words[1]


class _Wanted:
    """Which tables and columns a search is narrowed to, letter case aside."""

    def __init__(self, tables: Sequence[str], columns: Sequence[str]) -> None:
        self._tables = {name.casefold() for name in tables}
        self._columns = {name.casefold() for name in columns}

    def accepts(self, table: str, column: str) -> bool:
        table, column = table.casefold(), column.casefold()
        if self._tables and table not in self._tables:
            return False
        return not self._columns or column in self._columns or f"{table}.{column}" in self._columns


def _places(schema: DatabaseSchema, wanted: _Wanted, index: ValueIndex | None, *, with_prose: bool) -> list[Place]:
    """Text columns that this index does not hold whole; without an index all of them.

    A column whose only missing values are prose counts `with_prose` alone: no sentence repeats a page, a term may stand in it.
    """
    held = {(entry.table, entry.column): entry for entry in index.columns} if index else dict[tuple[str, str], IndexedColumn]()
    return [
        Place(table, column)
        for table in schema.tables
        for column in table.columns
        if column.kind == "text"
        and wanted.accepts(table.name, column.name)
        and table.row_count != 0
        and not ((entry := held.get((table.name, column.name))) and entry.complete and not (with_prose and entry.has_prose))
    ]


def _merged(first: list[ValueMatch], second: list[ValueMatch]) -> list[ValueMatch]:
    best: dict[tuple[object, ...], ValueMatch] = {}
    for match in (*first, *second):
        key = (match.start, match.end, match.table, match.column, match.value)
        if key not in best or best[key].score < match.score:
            best[key] = match
    return list(best.values())


def _split(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
