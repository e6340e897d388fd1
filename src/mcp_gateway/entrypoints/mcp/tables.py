"""The tables server: one database, read-only, as tools and resources.

Only a translation: what may run, for how long and how much comes back is decided in `tables/`.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import anyio
import structlog

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema_documents import DOCUMENT_URIS, KEYS_URI, SAMPLES_URI, SCHEMA_URI
from mcp_gateway.entrypoints.mcp.changes import ChangeFeed
from mcp_gateway.entrypoints.mcp.data_view import DataView
from mcp_gateway.entrypoints.mcp.offer import Call, OfferedResource, OfferedTool, ResourceText, ToolOutput, offer_tool
from mcp_gateway.entrypoints.mcp.server import Identity, McpFace
from mcp_gateway.entrypoints.mcp.tables_shapes import (
    DescribeTable,
    ExecuteQuery,
    ExplainQuery,
    FindValues,
    ListTables,
    PlanOutput,
    QueryOutput,
    TableOutput,
    TablesOutput,
    ValuesOutput,
)
from mcp_gateway.tables.model import SchemaDocument
from mcp_gateway.tables.tables import Tables

# A caller who asked for progress hears of a running query this often.
PROGRESS_SECONDS = 1.0
# How often the database is asked whether its schema changed, while anybody listens.
WATCH_SECONDS = 2.0
LIST_TTL_MS = 5_000

T = TypeVar("T")

_log = structlog.get_logger(__name__)

IDENTITY = Identity(
    name="tables",
    title="Tables",
    description="One database, read-only: its schema, its stored values, and queries over it.",
    instructions=(
        "One database that can only be read. Look at list_tables and describe_table (or the resources tables://schema, "
        "tables://keys, tables://samples) before writing SQL; use find_values to learn how a name from the user is stored; then "
        "execute_query with one SELECT in the dialect that list_tables names. A refused or failed query says why and what to do; "
        "a cut result says so."
    ),
)
_ABOUT = {
    SCHEMA_URI: ("schema", "Schema", "Tables and views, columns with their types, and the SQL dialect."),
    KEYS_URI: ("keys", "Keys", "How tables refer to each other; inferred where nothing is declared."),
    SAMPLES_URI: ("samples", "Sample values", "A few stored values of each column, commonest first, with counts and ranges."),
}


def build_tables_server(
    tables: Tables,
    *,
    clock: Clock | None = None,
    watch_seconds: float = WATCH_SECONDS,
    progress_seconds: float = PROGRESS_SECONDS,
) -> McpFace:
    """The server over one opened database."""
    changes = ChangeFeed()
    view = DataView(tables.read_schema)
    documents = _Documents(tables, clock or SystemClock(), view)

    async def health() -> Mapping[str, Json]:
        return {"dialect": tables.dialect, "tables": len((await tables.read_schema()).tables)}

    return McpFace(
        identity=IDENTITY,
        tools=[
            _execute_tool(tables, view, progress_seconds),
            _list_tool(tables, view),
            _describe_tool(tables, view),
            _find_tool(tables, view),
            _explain_tool(tables, view),
        ],
        resources=[documents.offered(uri) for uri in DOCUMENT_URIS],
        changes=changes,
        watch=lambda: _watch(documents, changes, watch_seconds),
        health=health,
        list_ttl_ms=LIST_TTL_MS,
        data=view,
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """A document as text, and since when it has this content."""

    content: Mapping[str, Json]
    text: str
    since: datetime


class _Documents:
    """The resources' texts; a document is written out only when its content is not what was written last."""

    def __init__(self, tables: Tables, clock: Clock, view: DataView) -> None:
        self._tables = tables
        self._view = view
        self._clock = clock
        self._written: dict[str, _Written] = {}
        self._announced: dict[str, str] = {}

    def offered(self, uri: str) -> OfferedResource:
        async def read(caller: Caller) -> ResourceText:
            rights = await self._view.rights(caller, "read_schema")
            if rights is not None:
                return await self._narrowed(uri, rights)
            documents = await self.refresh()
            return ResourceText(text=self._written[uri].text, ttl_ms=int(documents[uri].ttl_seconds * 1000))

        name, title, description = _ABOUT[uri]
        return OfferedResource(
            uri=uri, name=name, title=title, description=description, read=read, changed_at=lambda: self._since(uri)
        )

    async def _narrowed(self, uri: str, rights: DataRights) -> ResourceText:
        document = (await self._tables.schema_documents(rights=rights))[uri]
        return ResourceText(text=_text_of(document.content), ttl_ms=int(document.ttl_seconds * 1000))

    async def refresh(self) -> Mapping[str, SchemaDocument]:
        """The documents as the database is now. Raises `DatabaseUnavailable`."""
        documents = await self._tables.schema_documents()
        for uri, document in documents.items():
            before = self._written.get(uri)
            if before is None or before.content is not document.content:
                self._written[uri] = self._write(before, document.content)
                self._announced.setdefault(uri, self._written[uri].text)
        return documents

    def take_changes(self) -> tuple[str, ...]:
        """What is not as it was at the last call, or at the first reading."""
        changed = tuple(uri for uri, written in self._written.items() if self._announced[uri] != written.text)
        self._announced = {uri: written.text for uri, written in self._written.items()}
        return changed

    def _write(self, before: _Written | None, content: Mapping[str, Json]) -> _Written:
        text = _text_of(content)
        same = before is not None and before.text == text
        return _Written(content, text, before.since if before is not None and same else self._clock.now())

    def _since(self, uri: str) -> datetime | None:
        written = self._written.get(uri)
        return written.since if written else None


def _text_of(content: Mapping[str, Json]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


async def _watch(documents: _Documents, changes: ChangeFeed, every_seconds: float) -> None:
    """Announces changed documents for as long as it runs; asks the database only while somebody listens."""
    while True:
        await asyncio.sleep(every_seconds)
        if not changes.has_listeners:
            continue
        try:
            await documents.refresh()
            if changed := documents.take_changes():
                await changes.resources_changed(changed)
        except GatewayError as error:
            _log.warning("schema_watch_failed", code=error.code)
        except Exception:  # noqa: BLE001
            _log.exception("schema_watch_fault")


def _execute_tool(tables: Tables, view: DataView, progress_seconds: float) -> OfferedTool:
    async def run(given: ExecuteQuery, call: Call) -> ToolOutput:
        rights = await view.rights(call.caller, "run_query")
        running = tables.execute_query(given.sql, max_rows=given.max_rows, timeout_seconds=given.timeout_seconds, rights=rights)
        result = await _with_progress(running, call, given.timeout_seconds, progress_seconds)
        return ToolOutput(structured=result.to_dict())

    return offer_tool(
        name="execute_query",
        title="Run a query",
        description=(
            "Run one SELECT and get typed columns and rows. What writes, reads files or uses the network is refused. "
            "`truncated` says whether rows are missing, `total_rows` how many there are."
        ),
        arguments=ExecuteQuery,
        returns=QueryOutput,
        run=run,
    )


def _list_tool(tables: Tables, view: DataView) -> OfferedTool:
    async def run(_given: ListTables, call: Call) -> ToolOutput:
        return ToolOutput(structured=await tables.list_tables(rights=await view.rights(call.caller, "read_schema")))

    return offer_tool(
        name="list_tables",
        title="List the tables",
        description="Every table and view with its row count, and the SQL dialect of the database.",
        arguments=ListTables,
        returns=TablesOutput,
        run=run,
    )


def _describe_tool(tables: Tables, view: DataView) -> OfferedTool:
    async def run(given: DescribeTable, call: Call) -> ToolOutput:
        rights = await view.rights(call.caller, "read_schema")
        return ToolOutput(structured=await tables.describe_table(given.table, rights=rights))

    return offer_tool(
        name="describe_table",
        title="Describe a table",
        description="One table's columns with types, keys, comments, sample values and ranges.",
        arguments=DescribeTable,
        returns=TableOutput,
        run=run,
    )


def _find_tool(tables: Tables, view: DataView) -> OfferedTool:
    async def run(given: FindValues, call: Call) -> ToolOutput:
        found = await tables.find_values(
            given.text,
            tables=given.tables or (),
            columns=given.columns or (),
            limit=given.limit,
            rights=await view.rights(call.caller, "run_query"),
        )
        return ToolOutput(structured=found.to_dict())

    return offer_tool(
        name="find_values",
        title="Find stored values",
        description=(
            "Which words of a text are stored values, and in which column: case- and accent-blind, stemmed and fuzzy. "
            "Give a single name or the whole question."
        ),
        arguments=FindValues,
        returns=ValuesOutput,
        run=run,
    )


def _explain_tool(tables: Tables, view: DataView) -> OfferedTool:
    async def run(given: ExplainQuery, call: Call) -> ToolOutput:
        rights = await view.rights(call.caller, "read_schema")
        return ToolOutput(structured=(await tables.explain_query(given.sql, rights=rights)).to_dict())

    return offer_tool(
        name="explain_query",
        title="Explain a query",
        description="The database's plan for a SELECT, without running it, and the tables and columns it reads.",
        arguments=ExplainQuery,
        returns=PlanOutput,
        run=run,
    )


async def _with_progress(running: Awaitable[T], call: Call, total: float | None, every_seconds: float) -> T:
    """Awaits the query and meanwhile says for how many seconds it has been running."""

    async def tick() -> None:
        seconds = 0.0
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                await asyncio.sleep(every_seconds)
                seconds += every_seconds
                await call.report(seconds, total, f"running for {seconds:g} s")

    ticking = asyncio.create_task(tick())
    try:
        return await running
    finally:
        ticking.cancel()
