"""What the rows of each table are like: samples, distinct counts, bounds, exact row counts; and the keys nobody declared.

Bounded in time: what is not reached stays as it was read. A failing query over one table costs that table's profile only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from sqlglot import exp

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError, Json
from mcp_gateway.core.schema import Column, ColumnKind, DatabaseSchema, Scalar, Table
from mcp_gateway.core.sql.errors import QueryFailed, QueryTimedOut
from mcp_gateway.tables.infer_keys import infer_keys
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.statements import column_ref, is_not_null, rows_of

_log = structlog.get_logger(__name__)

# Tables up to this many rows are looked at whole; of larger ones the first rows, and no counts or bounds.
_WHOLE_ROWS: Final = 200_000
_WHOLE_ROWS_COLUMNAR: Final = 5_000_000
_COLUMNAR: Final = frozenset({"duckdb", "clickhouse", "snowflake", "bigquery"})
_SAMPLED_ROWS: Final = 100_000
_SAMPLES: Final = 5
# Planning hundreds of distinct counts in one query takes an engine seconds; so many columns go into one.
_COUNTED_AT_ONCE: Final = 50
_UNKNOWN_SHARE: Final = 0.25
# A longer text is no sample anybody learns from, and cut it would not be a stored value.
_MAX_SAMPLE_LENGTH: Final = 100
_MAX_BOUND_LENGTH: Final = 40
_PLAIN_TEXT: Final = re.compile(r"(?i)char|text|string|clob")
_PROFILED_KINDS: Final = frozenset[ColumnKind]({"text", "integer", "number", "boolean", "date", "timestamp", "time"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Counted:
    """One column's figures; `filled` counts the rows that are not NULL."""

    filled: int
    distinct: int
    minimum: Scalar
    maximum: Scalar


async def profile_tables(database: Database, clock: Clock, schema: DatabaseSchema, *, seconds: float) -> DatabaseSchema:
    """The schema with what its rows say, as far as `seconds` reach."""
    deadline = clock.monotonic() + seconds
    tables = []
    unique: dict[str, frozenset[str]] = {}
    for table in schema.tables:
        if clock.monotonic() >= deadline:
            tables.append(table)
            continue
        try:
            profiled, keys = await _profile_table(database, clock, table, deadline)
        except QueryFailed as error:
            # A view that no longer fits its tables: listed, but nothing to learn from its rows.
            _log.info("table_profile_failed", table=table.name, reason=error.kind)
            profiled, keys = table, frozenset[str]()
        except GatewayError as error:
            _log.info("table_profile_ended", table=table.name, code=error.code)
            profiled, keys = table, frozenset[str]()
        tables.append(profiled)
        unique[table.name] = keys
    return await infer_keys(database, clock, replace(schema, tables=tuple(tables)), unique, deadline=deadline)


async def _profile_table(database: Database, clock: Clock, table: Table, deadline: float) -> tuple[Table, frozenset[str]]:
    """The table with its figures, and the names of its columns in which no value repeats or is missing."""
    most = _WHOLE_ROWS_COLUMNAR if database.dialect in _COLUMNAR else _WHOLE_ROWS
    row_count = table.row_count
    counted: dict[str, _Counted] = {}
    whole = row_count is None or row_count <= most
    if whole:
        # How large it is may be unknown (a view, a table without statistics): then one try within a share of the time.
        left = deadline - clock.monotonic()
        try:
            row_count, counted = await _count(database, clock, table, left if row_count is not None else left * _UNKNOWN_SHARE)
        except QueryTimedOut:
            whole = False
    columns = []
    for column in table.columns:
        samples: tuple[Scalar, ...] = ()
        left = deadline - clock.monotonic()
        if column.kind in _PROFILED_KINDS and row_count != 0 and left > 0:
            samples = await _samples(database, table, column, None if whole else _SAMPLED_ROWS, left)
        figures = counted.get(column.name)
        columns.append(
            replace(
                column,
                samples=samples,
                distinct_count=figures.distinct if figures else None,
                minimum=figures.minimum if figures else None,
                maximum=figures.maximum if figures else None,
            )
        )
    unique = frozenset(name for name, figures in counted.items() if row_count and figures.distinct == figures.filled == row_count)
    return replace(table, columns=tuple(columns), row_count=row_count), unique


async def _count(database: Database, clock: Clock, table: Table, seconds: float) -> tuple[int | None, dict[str, _Counted]]:
    deadline = clock.monotonic() + seconds
    columns = [column for column in table.columns if column.kind in _PROFILED_KINDS]
    row_count, counted = await _count_columns(database, table, columns[:_COUNTED_AT_ONCE], seconds)
    for start in range(_COUNTED_AT_ONCE, len(columns), _COUNTED_AT_ONCE):
        left = deadline - clock.monotonic()
        if left <= 0:
            break
        _, more = await _count_columns(database, table, columns[start : start + _COUNTED_AT_ONCE], left)
        counted |= more
    return row_count, counted


async def _count_columns(
    database: Database, table: Table, columns: Sequence[Column], seconds: float
) -> tuple[int | None, dict[str, _Counted]]:
    wanted: list[exp.Expr] = [exp.Count(this=exp.Star())]
    for column in columns:
        reference = column_ref(column.name)
        wanted += [
            exp.Count(this=reference.copy()),
            exp.Count(this=exp.Distinct(expressions=[reference.copy()])),
            *(_bounds(reference) if _is_ordered(column) else [exp.null(), exp.null()]),
        ]
    query = exp.select(*wanted).from_(rows_of(table, database.dialect, None))
    raw = await database.run(query.sql(dialect=database.dialect), Limits(max_rows=1, timeout_seconds=max(seconds, 0.05)))
    row = raw.rows[0]
    counted = {
        column.name: _Counted(
            filled=_integer(row[1 + place * 4]),
            distinct=_integer(row[2 + place * 4]),
            minimum=_bound(row[3 + place * 4]),
            maximum=_bound(row[4 + place * 4]),
        )
        for place, column in enumerate(columns)
    }
    return _integer(row[0]), counted


def _is_ordered(column: Column) -> bool:
    """Whether MIN and MAX of it are known everywhere and say something: not of truth values, enums and identifiers."""
    return column.kind not in ("boolean", "text") or bool(_PLAIN_TEXT.search(column.type)) or not column.type


def _bounds(reference: exp.Column) -> list[exp.Expr]:
    return [exp.Min(this=reference.copy()), exp.Max(this=reference.copy())]


async def _samples(database: Database, table: Table, column: Column, most_rows: int | None, seconds: float) -> tuple[Scalar, ...]:
    """The commonest values, the more frequent first, equal ones in their own order."""
    reference = column_ref(column.name)
    query = (
        exp.select(reference, exp.Count(this=exp.Star()))
        .from_(rows_of(table, database.dialect, most_rows))
        .where(is_not_null(reference.copy()))
        .group_by(reference.copy())
        .order_by(exp.Ordered(this=exp.Count(this=exp.Star()), desc=True), exp.Ordered(this=reference.copy(), desc=False))
        .limit(_SAMPLES * 2)
    )
    limits = Limits(max_rows=_SAMPLES * 2, timeout_seconds=max(seconds, 0.05))
    raw = await database.run(query.sql(dialect=database.dialect), limits)
    values = [row[0] for row in raw.rows]
    kept = [value for value in values if not isinstance(value, (list, dict)) and _fits(value, _MAX_SAMPLE_LENGTH)]
    return tuple(kept[:_SAMPLES])


def _bound(value: Json) -> Scalar:
    return None if isinstance(value, (list, dict)) or not _fits(value, _MAX_BOUND_LENGTH) else value


def _fits(value: Json, most: int) -> bool:
    return not isinstance(value, str) or len(value) <= most


def _integer(value: Json) -> int:
    return value if isinstance(value, int) else 0
