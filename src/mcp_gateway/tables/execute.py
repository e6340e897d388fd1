"""Run one checked query within limits, and explain one without running it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from sqlglot import exp

from mcp_gateway.access.data.conceal import PLAN_WITHHELD, concealed
from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.sql.calm import may_grow
from mcp_gateway.core.sql.errors import QueryFailed
from mcp_gateway.core.sql.read_only import check_read_only, print_checked
from mcp_gateway.tables.model import ExplainedQuery, Limits, QueryResult, RawResult
from mcp_gateway.tables.ports import Database

# A cut result is counted only within this while; after it the total is unknown. Long enough for a count over some
# million rows, short enough that nobody waits for a number they did not ask for.
_COUNT_SECONDS: Final = 0.5
_SHORT_TEXT: Final = 4_000
_KEPT_QUERIES: Final = 256


@dataclass(frozen=True, slots=True)
class _Checked:
    """A query that may run, and the text that runs it. `tree` is shared, so never changed.

    `asked` is the text without what the caller's rights put in; `altered` says that something was.
    """

    tree: exp.Query
    sql: str
    may_grow: bool
    asked: str
    altered: bool = False


async def execute_query(
    database: Database, clock: Clock, sql: str, limits: Limits, rights: DataRights | None = None
) -> QueryResult:
    """Raises `QueryRefused`, `QuerySyntaxError`, and whatever `Database.run` raises.

    The row limit is put into the query, so the engine may stop early; a cut result is counted apart, within half a second.
    With `rights` the query reads only what they allow, and nothing that comes back tells of the rest.
    """
    checked = await _check(sql, database.dialect, limits.max_rows + 1, rights)
    limits = replace(limits, may_grow=checked.may_grow)
    started = clock.monotonic()
    with _as_told(sql, rights):
        raw = await database.run(checked.sql, limits)
    spent = clock.monotonic() - started
    total = len(raw.rows) if raw.truncated_by is None else await _count(database, checked.tree, limits, spent)
    return QueryResult(
        columns=raw.columns,
        rows=raw.rows,
        total_rows=total,
        truncated_by=raw.truncated_by,
        duration_ms=round((clock.monotonic() - started) * 1000, 3),
        executed_sql=checked.asked,
        dialect=database.dialect,
    )


async def explain_query(database: Database, sql: str, limits: Limits, rights: DataRights | None = None) -> ExplainedQuery:
    """Raises as `execute_query` does. The plan of a query that rights have altered would tell what they withhold."""
    checked = await _check(sql, database.dialect, None, rights)
    limits = replace(limits, may_grow=checked.may_grow)
    with _as_told(sql, rights):
        plan = await database.explain(checked.sql, limits)
    tables, columns = _names_read(check_read_only(sql, database.dialect) if checked.altered else checked.tree)
    return ExplainedQuery(
        plan=PLAN_WITHHELD if checked.altered else plan, executed_sql=checked.asked, tables=tables, columns=columns
    )


@contextmanager
def _as_told(sql: str, rights: DataRights | None) -> Iterator[None]:
    """Whoever has fewer rights hears of a failure only what their own text and schema say already."""
    try:
        yield
    except QueryFailed as error:
        if rights is None:
            raise
        raise concealed(error, sql, rights) from None


async def _check(sql: str, dialect: str, rows: int | None, rights: DataRights | None) -> _Checked:
    """A long text takes the parser long enough for others to notice, so it is taken aside."""
    if len(sql) <= _SHORT_TEXT:
        return _check_short(sql, dialect, rows, rights)
    return await asyncio.to_thread(_check_now, sql, dialect, rows, rights)


def _check_now(sql: str, dialect: str, rows: int | None, rights: DataRights | None) -> _Checked:
    """`rows` is the row limit to put in; None leaves the query as it is."""
    tree = check_read_only(sql, dialect)
    grows = may_grow(tree)
    asked = print_checked(_with_limit(tree, rows), dialect, checked=sql)
    if rights is None:
        return _Checked(tree, asked, grows, asked)
    restricted = restrict(tree, rights, dialect)
    printed = print_restricted(restricted, dialect, query=_with_limit(restricted.query, rows))
    return _Checked(restricted.query, printed, grows, asked, restricted.altered)


# A query sent again is judged as before: the verdict hangs on nothing else.
_check_short = lru_cache(maxsize=_KEPT_QUERIES)(_check_now)


def _with_limit(query: exp.Query, rows: int | None) -> exp.Query:
    return query if rows is None else _limited(query, rows)


def _limited(query: exp.Query, rows: int) -> exp.Query:
    """The query with a row limit, unless it has a smaller one or one that is not a plain number."""
    if query.args.get("fetch") is not None:
        return query
    limit = query.args.get("limit")
    if limit is None:
        return query.limit(rows, copy=True)
    plain = isinstance(limit, exp.Limit) and limit.args.get("limit_options") is None
    wanted = limit.expression if plain else None
    if isinstance(wanted, exp.Literal) and wanted.is_int and int(wanted.name) > rows:
        return query.limit(rows, copy=True)
    return query


async def _count(database: Database, query: exp.Query, limits: Limits, spent_seconds: float) -> int | None:
    """How many rows there are in all; None when that takes too long or cannot be asked."""
    seconds = min(_COUNT_SECONDS, limits.timeout_seconds - spent_seconds)
    if seconds <= 0:
        return None
    counting = exp.select(exp.Count(this=exp.Star(), big_int=True)).from_(_unordered(query).subquery("counted"))
    counting_limits = replace(limits, max_rows=1, timeout_seconds=seconds)
    try:
        raw: RawResult = await database.run(print_checked(counting, database.dialect), counting_limits)
    except GatewayError:
        # The rows are there; a total that cannot be had (too slow, two columns of one name) is no reason to lose them.
        return None
    value = raw.rows[0][0] if raw.rows else None
    return value if isinstance(value, int) else None


def _unordered(query: exp.Query) -> exp.Query:
    """The order changes no count, unless a limit or DISTINCT ON needs it."""
    copy = query.copy()
    if not any(copy.args.get(part) for part in ("limit", "offset", "fetch", "distinct")):
        copy.set("order", None)
    return copy


def _names_read(query: exp.Query) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Real tables, and columns as `table.column` where the query says which; both sorted."""
    own = {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
    tables: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and (table.db or table.name.casefold() not in own):
            name = ".".join(part.name for part in table.parts)
            tables[name.casefold()] = name
            aliases[table.alias_or_name.casefold()] = name
    columns = {
        f"{aliases[column.table.casefold()]}.{column.name}" if column.table.casefold() in aliases else column.name
        for column in query.find_all(exp.Column)
        if column.name and (not column.table or column.table.casefold() in aliases)
    }
    return tuple(sorted(tables.values())), tuple(sorted(columns))
