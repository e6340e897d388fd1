"""The strong promise: a query under rights gives what it gives on a database in which the rest does not physically exist."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import duckdb
from hypothesis import HealthCheck, event, settings
from hypothesis import given as for_all
from tests.depth import examples
from tests.unit.access.data.queries import COLUMNS, NUMBERS, Row, Value, queries, rows_of, statements

from mcp_gateway.access.data.model import DataRights
from mcp_gateway.access.data.printing import print_restricted
from mcp_gateway.access.data.restrict import restrict
from mcp_gateway.access.data.rights import PolicyRights
from mcp_gateway.access.policy.build import Statements, build_policy
from mcp_gateway.access.policy.model import CallerValue, RowFilter
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.schema import Column, DatabaseSchema, Table
from mcp_gateway.core.sql.errors import QueryFailed
from mcp_gateway.core.sql.read_only import check_read_only

Result: TypeAlias = "list[str] | str"

CALLER = Caller(tenant="acme", subject="eva", roles=frozenset({"analyst"}), attributes={"said": "x"})
COMPARED: Mapping[str, Callable[[Value, Value], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,  # type: ignore[operator]  # both of one kind
    "<=": lambda left, right: left <= right,  # type: ignore[operator]  # both of one kind
    ">": lambda left, right: left > right,  # type: ignore[operator]  # both of one kind
    ">=": lambda left, right: left >= right,  # type: ignore[operator]  # both of one kind
}
SCHEMA = DatabaseSchema(
    dialect="duckdb",
    tables=tuple(
        Table(
            name=table,
            columns=tuple(
                Column(name=name, type="INTEGER", kind="integer")
                if name in NUMBERS
                else Column(name=name, type="VARCHAR", kind="text")
                for name in names
            ),
        )
        for table, names in COLUMNS.items()
    ),
)


def make(connection: duckdb.DuckDBPyConnection, table: str, names: tuple[str, ...], rows: list[Row]) -> None:
    types = ", ".join(f'"{name}" {"INTEGER" if name in NUMBERS else "VARCHAR"}' for name in names)
    connection.execute(f'CREATE TABLE "{table}" ({types})')
    if rows:
        connection.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" for _ in names)})', rows)


WHOLE = duckdb.connect()
for one in COLUMNS:
    make(WHOLE, one, COLUMNS[one], rows_of(one))


def lets_through(said: RowFilter, table: str, row: Row) -> bool:
    """The filter, worked out without any SQL."""
    if said.column not in COLUMNS[table]:
        return False
    value = row[COLUMNS[table].index(said.column)]
    if said.operator in ("is null", "is not null"):
        return (value is None) == (said.operator == "is null")
    wanted = CALLER.attributes.get(said.value.attribute) if isinstance(said.value, CallerValue) else said.value
    if value is None or wanted is None or (said.column in NUMBERS and isinstance(wanted, str)):
        return False
    if isinstance(wanted, tuple):
        return (value in wanted) == (said.operator == "in")
    return COMPARED[said.operator](value, wanted)  # type: ignore[arg-type]  # neither a float nor a truth value here


def permitted(told: Statements) -> duckdb.DuckDBPyConnection:
    """A database that holds what the caller may see, and nothing else."""
    connection = duckdb.connect()
    denied = {name for rule in told.rules for name in (*rule.tables, *rule.columns)}
    for table, names in COLUMNS.items():
        kept = [name for name in names if f"{table}.{name}" not in denied]
        if table in denied or not kept:
            continue
        filters = [one for one in told.row_filters if table in one.tables]
        rows = [row for row in rows_of(table) if all(lets_through(one, table, row) for one in filters)]
        make(connection, table, tuple(kept), [tuple(row[names.index(name)] for name in kept) for row in rows])
    return connection


def run(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    try:
        return sorted(map(repr, connection.execute(sql).fetchall()))
    except duckdb.Error:
        return "fails"


def run_restricted(sql: str, rights: DataRights | None) -> tuple[Result, str]:
    """The rows; and the table it names that does not exist for the caller, if it names one."""
    if rights is None:
        return run(WHOLE, sql), ""
    try:
        return run(WHOLE, print_restricted(restrict(check_read_only(sql, "duckdb"), rights, "duckdb"), "duckdb")), ""
    except QueryFailed as error:
        return "fails", (error.name or "?").rpartition(".")[2].casefold()


@settings(max_examples=examples(40), suppress_health_check=list(HealthCheck))
@for_all(told=statements(), sql=queries())
def test_a_restricted_query_gives_what_a_database_without_the_rest_gives(told: Statements, sql: str) -> None:
    policy = build_policy(told)
    rights = PolicyRights(lambda: policy).rights(CALLER, "run_query", SCHEMA)
    given, unknown = run_restricted(sql, rights)
    if unknown:
        # DuckDB does not look into a query of WITH that nobody reads; what is named there is still not to be named.
        assert unknown in {name.casefold() for name in hidden_by(told)}
        event("names a hidden table")
        return
    with permitted(told) as connection:
        expected = run(connection, sql)
        if given != expected:
            # DuckDB's optimizer loses rows of some queries that no person would write; without it the engine is right.
            event("optimized wrongly")
            given, expected = (
                plainly(WHOLE, lambda: run_restricted(sql, rights)[0]),
                plainly(connection, lambda: run(connection, sql)),
            )
    event("fails" if expected == "fails" else "gives rows" if expected else "gives none")
    assert given == expected


def plainly(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """The work, done without the engine's optimizer."""
    connection.execute("PRAGMA disable_optimizer")
    try:
        return work()
    finally:
        connection.execute("PRAGMA enable_optimizer")


def hidden_by(told: Statements) -> set[str]:
    """Tables that are denied, or whose columns all are."""
    denied = {name for rule in told.rules for name in (*rule.tables, *rule.columns)}
    return {name for name, own in COLUMNS.items() if name in denied or {f"{name}.{one}" for one in own} <= denied}
