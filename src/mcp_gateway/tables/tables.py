"""One database offered read-only: the use cases behind the tables server's tools and resources."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from mcp_gateway.access.data.kept import Kept
from mcp_gateway.access.data.model import DataRights
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import InvalidInput, Json
from mcp_gateway.core.schema import DatabaseSchema, Table
from mcp_gateway.core.schema_documents import table_document, to_documents
from mcp_gateway.tables.errors import UnknownTable
from mcp_gateway.tables.execute import execute_query, explain_query
from mcp_gateway.tables.model import ExplainedQuery, FoundValues, Limits, QueryResult, SchemaDocument
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.read_schema import SchemaReader
from mcp_gateway.tables.values.finder import ValueFinder
from mcp_gateway.tables.values.seen import Search, find_seen

_MAX_TEXT: Final = 4_000
_MAX_MATCHES: Final = 500
# Schemas as callers with fewer rights see them, written out as documents.
_KEPT_NARROWED: Final = 16

# The schema they are of, which keeps its identity meanwhile, and the documents by URI.
_Documents: TypeAlias = tuple[DatabaseSchema, dict[str, dict[str, Json]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TablesOptions:
    """`limits` hold when a caller names none; a caller may ask for up to `most_rows` and `most_seconds`.

    `vouched_seconds`: for how long a copy of the schema may be used without asking again. Every reading compares with the
    database first, so the structure in a copy is never older than this; samples may be older by `read_schema.PROFILE_SECONDS`.
    `profile_seconds` bounds the queries for samples, well within the five seconds a client waits for a document. `index_bytes`
    bounds the memory of the value index, `index_seconds` its building, `find_seconds` one search beyond it.
    """

    limits: Limits = field(default_factory=Limits)
    most_rows: int = 100_000
    most_seconds: float = 300.0
    vouched_seconds: float = 5.0
    profile_seconds: float = 3.0
    index_bytes: int = 64 * 1024 * 1024
    index_seconds: float = 10.0
    find_seconds: float = 1.0


class Tables:
    """What may be asked of one database. All methods raise `DatabaseUnavailable` when it does not answer."""

    def __init__(self, database: Database, clock: Clock, options: TablesOptions | None = None) -> None:
        self._database = database
        self._clock = clock
        self._options = options or TablesOptions()
        self._reader = SchemaReader(database, clock, profile_seconds=self._options.profile_seconds)
        self._finder = ValueFinder(
            database,
            clock,
            max_bytes=self._options.index_bytes,
            build_seconds=self._options.index_seconds,
            find_seconds=self._options.find_seconds,
        )
        self._documents: Kept[_Documents] = Kept(1)
        self._narrowed: Kept[_Documents] = Kept(_KEPT_NARROWED)

    @property
    def dialect(self) -> str:
        return self._database.dialect

    async def open(self) -> None:
        """Connect once. Raises `DatabaseUnavailable`."""
        await self._database.open()

    async def close(self) -> None:
        """Interrupt what runs and close every connection, within a bound."""
        await self._finder.close()
        await self._database.close()

    async def execute_query(
        self, sql: str, *, max_rows: int | None = None, timeout_seconds: float | None = None, rights: DataRights | None = None
    ) -> QueryResult:
        """Run one read-only query, over what `rights` allow; None: over everything.

        Raises `QueryRefused`, `QueryFailed`, `QueryTimedOut`, `QueryCancelled`, and `InvalidInput` for limits out of range.
        """
        return await execute_query(self._database, self._clock, sql, self._limits(max_rows, timeout_seconds), rights)

    async def explain_query(self, sql: str, *, rights: DataRights | None = None) -> ExplainedQuery:
        """The plan, without running it. Raises as `execute_query`."""
        return await explain_query(self._database, sql, self._options.limits, rights)

    async def read_schema(self) -> DatabaseSchema:
        """The schema as it is now, with samples and inferred keys."""
        return await self._reader.read()

    async def list_tables(self, *, rights: DataRights | None = None) -> dict[str, Json]:
        """The answer of the tool `list_tables`."""
        schema = rights.schema if rights is not None else await self._reader.read()
        return {"dialect": schema.dialect, "tables": [_list_entry(table) for table in schema.tables]}

    async def describe_table(self, name: str, *, rights: DataRights | None = None) -> dict[str, Json]:
        """The table's entries of all three documents joined. Raises `UnknownTable`."""
        schema = rights.schema if rights is not None else await self._reader.read()
        table = schema.table(name)
        if table is None:
            raise _unknown(name)
        return table_document(table)

    async def find_values(
        self,
        text: str,
        *,
        tables: Sequence[str] = (),
        columns: Sequence[str] = (),
        limit: int = 50,
        rights: DataRights | None = None,
    ) -> FoundValues:
        """Every stretch of `text` that is, or nearly is, a stored text value; best first.

        `tables` and `columns` (names, or `table.column`) narrow the search. Raises `InvalidInput`, `UnknownTable`.
        """
        if not 1 <= limit <= _MAX_MATCHES:
            raise InvalidInput(f"limit must be 1 to {_MAX_MATCHES}.", field="limit")
        if len(text) > _MAX_TEXT:
            raise InvalidInput(f"text must be at most {_MAX_TEXT} characters.", field="text")
        schema, data = await self._reader.read_state()
        seen = rights.schema if rights is not None else schema
        for name in tables:
            if seen.table(name) is None:
                raise _unknown(name)
        if rights is None:
            return await self._finder.find(schema, data, text, tables=tables, columns=columns, limit=limit)
        search = Search(text=text, tables=tables, columns=columns, limit=limit)
        return await find_seen(self._database, self._finder, schema, data, search, rights)

    async def schema_documents(self, *, rights: DataRights | None = None) -> dict[str, SchemaDocument]:
        """The three resources by URI, as the database is now, each with the time its copy is vouched for."""
        schema = rights.schema if rights is not None else await self._reader.read()
        kept = self._narrowed if rights is not None else self._documents
        _, documents = kept.get(id(schema), lambda: (schema, to_documents(schema)))
        return {
            uri: SchemaDocument(uri=uri, content=content, ttl_seconds=self._options.vouched_seconds)
            for uri, content in documents.items()
        }

    async def warm(self) -> None:
        """Read the schema and build the value index, so that the first question is as fast as the next."""
        await self._finder.warm(*await self._reader.read_state())

    def _limits(self, max_rows: int | None, timeout_seconds: float | None) -> Limits:
        limits, options = self._options.limits, self._options
        if max_rows is not None:
            if not 1 <= max_rows <= options.most_rows:
                raise InvalidInput(f"max_rows must be 1 to {options.most_rows}.", field="max_rows")
            limits = replace(limits, max_rows=max_rows)
        if timeout_seconds is not None:
            if not 0 < timeout_seconds <= options.most_seconds:
                raise InvalidInput(
                    f"timeout_seconds must be more than 0 and at most {options.most_seconds:g}.", field="timeout_seconds"
                )
            limits = replace(limits, timeout_seconds=timeout_seconds)
        return limits


def _unknown(name: str) -> UnknownTable:
    return UnknownTable(f"There is no table {name[:100]!r}.", table=name[:100])


def _list_entry(table: Table) -> dict[str, Json]:
    return {
        "name": table.name,
        "comment": table.comment,
        "row_count": table.row_count,
        "column_count": len(table.columns),
        "is_view": table.is_view,
    }
