"""The step that runs a checked query, through the tool of the server that holds the data. Trusts nothing it sends back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args

from mcp_gateway.ask.errors import UpstreamToolError
from mcp_gateway.ask.faults import FaultKind, QueryFault
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.model import QueryRows, ResultColumn
from mcp_gateway.ask.ports import UpstreamServer
from mcp_gateway.ask.trace import Note
from mcp_gateway.ask.validate import counting
from mcp_gateway.core.errors import Internal, Json
from mcp_gateway.core.schema import ColumnKind
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryRefused, QueryTimedOut, QueryTooLarge, RefusalReason

_KINDS: frozenset[str] = frozenset(get_args(ColumnKind))
_REASONS: frozenset[str] = frozenset(get_args(RefusalReason))
_FAULTS: Mapping[str, FaultKind] = {
    kind: kind
    for kind in (
        "unknown_table", "unknown_column", "ambiguous_column", "not_grouped", "type_mismatch", "unknown_function", "syntax",
        "permission",
    )
}  # fmt: skip


class RunStep:
    """Runs the checked SQL."""

    name = "run"

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        if inquiry.query is None:
            note.skip("no query has passed the check")
            return inquiry
        note.input = {"sql": inquiry.query.sql, "server": inquiry.world.database.name}
        result = await run_query(
            inquiry.world.database,
            inquiry.query.sql,
            max_rows=inquiry.question.max_rows,
            timeout_seconds=self._timeout_seconds,
        )
        if isinstance(result, QueryFault):
            note.fail(result.kind, result.message)
            return replace(inquiry, fault=result)
        note.output = {"rows": len(result.rows), "total_rows": result.total_rows, "duration_ms": round(result.duration_ms, 3)}
        return replace(inquiry, rows=result)


async def run_query(database: UpstreamServer, sql: str, *, max_rows: int, timeout_seconds: float) -> QueryRows | QueryFault:
    """The rows, or what the database says is wrong with the query.

    Raises `QueryRefused`, `QueryTimedOut`, `QueryTooLarge` or `DatabaseUnavailable` for what no rewriting may or can mend, and
    what the server's connection raises.
    """
    arguments: dict[str, Json] = {"sql": sql, "max_rows": max_rows, "timeout_seconds": timeout_seconds}
    try:
        result = await database.call_tool("execute_query", arguments)
    except UpstreamToolError as error:
        return _fault(error, sql)
    return read_rows(result, sql)


def _fault(error: UpstreamToolError, sql: str) -> QueryFault:
    match error.reported_code:
        case "QUERY_REFUSED":
            reason = error.reported.get("reason")
            raise QueryRefused(
                error.message, reason=cast("RefusalReason", reason) if reason in _REASONS else "not_a_query"
            ) from error
        case "QUERY_TIMED_OUT":
            raise QueryTimedOut(error.message, sql=sql) from error
        case "QUERY_TOO_LARGE":
            raise QueryTooLarge(error.message, sql=sql) from error
        case "DATABASE_UNAVAILABLE":
            raise DatabaseUnavailable(error.message) from error
        case "QUERY_FAILED":
            kind = _FAULTS.get(str(error.reported.get("kind")), "other")
            said = error.reported.get("database_message")
            return QueryFault(
                kind=kind,
                message=said if isinstance(said, str) else error.message,
                name=str(error.reported.get("name") or ""),
                found_by="database",
            )
        case _:
            raise error


def read_rows(result: Mapping[str, Json], sql: str) -> QueryRows:
    """The tool's result as a value. Raises `Internal` when the server keeps not to the contract."""
    columns = result.get("columns")
    rows = result.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise Internal("The tables server sent a result without columns and rows.")
    total = result.get("total_rows")
    cut = result.get("truncated_by")
    took = result.get("duration_ms")
    executed = result.get("executed_sql")
    read = tuple(tuple(row) for row in rows if isinstance(row, list) and len(row) == len(columns))
    if len(read) != len(rows):
        raise Internal("The tables server sent rows that do not fit its columns.")
    return QueryRows(
        columns=tuple(_column(column) for column in columns),
        rows=read,
        total_rows=total if isinstance(total, int) else None,
        truncated_by=cut if cut in {"rows", "bytes"} else None,  # type: ignore[arg-type]  # mypy does not narrow by set membership
        duration_ms=float(took) if isinstance(took, (int, float)) else 0.0,
        executed_sql=executed if isinstance(executed, str) else sql,
    )


def _column(column: Json) -> ResultColumn:
    if not isinstance(column, dict) or not isinstance(column.get("name"), str):
        raise Internal("The tables server sent a column without a name.")
    kind = column.get("kind")
    return ResultColumn(
        name=str(column["name"]),
        type=str(column.get("type") or ""),
        kind=cast("ColumnKind", kind) if kind in _KINDS else "other",
    )


async def count_rows(inquiry: Inquiry, *, timeout_seconds: float) -> int | None:
    """How many rows there are in all. Counted anew only where our own row limit has cut a listing; None when unknown."""
    rows, query = inquiry.rows, inquiry.query
    if rows is None or query is None:
        return None
    if query.limit_added is None or len(rows.rows) < query.limit_added:
        return rows.total_rows
    database = inquiry.world.database
    try:
        sql = counting(query, inquiry.world.schema.dialect)
        counted = await run_query(database, sql, max_rows=1, timeout_seconds=timeout_seconds)
    except (QueryTimedOut, QueryTooLarge):
        return None
    if isinstance(counted, QueryFault) or not counted.rows:
        return None
    total = counted.rows[0][0]
    return total if isinstance(total, int) else None
