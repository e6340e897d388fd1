"""Postgres through psycopg: every statement in a read-only transaction of its own that is always rolled back.

Behind the guard the engine refuses by four means of its own: the transaction is READ ONLY; the statement runs as a
server-side cursor, which only a SELECT can be; the extended protocol takes one statement at a time; and a superuser is
lowered to `pg_read_all_data`, so that not even a function reads the server's files.
"""

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
import sqlalchemy
from psycopg.rows import TupleRow

from mcp_gateway.adapters.databases.break_off import shut_down_socket
from mcp_gateway.adapters.databases.fetch import BATCH_BYTES, row_bytes
from mcp_gateway.adapters.databases.memory_watch import GROWTH_BYTES
from mcp_gateway.adapters.databases.postgres_values import tolerate_odd_values
from mcp_gateway.adapters.databases.reflection import Relation, reflect_tables
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import (
    DatabaseUnavailable,
    FailureKind,
    QueryCancelled,
    QueryFailed,
    QueryTimedOut,
    QueryTooLarge,
)
from mcp_gateway.tables.column_kinds import kind_of_type, kind_of_values
from mcp_gateway.tables.failures import classify_failure
from mcp_gateway.tables.model import Limits, ResultColumn, Signal

_CURSOR: Final = "answer"
_DECLARED: Final = f'DECLARE "{_CURSOR}" CURSOR FOR '
_FIRST_PORTION: Final = 8
_CANCEL_SECONDS: Final = 5.0
# The engine's own limit comes after ours, as a net for a client that has died.
_NET_SECONDS: Final = 5.0
_CONNECT_ARGUMENTS: Final = {"connect_timeout": 10, "keepalives_idle": 30, "tcp_user_timeout": 30_000, "prepare_threshold": None}

_RELATIONS: Final = """
SELECT n.nspname, c.relname, c.relkind IN ('v', 'm'), CASE WHEN c.relkind IN ('r', 'm') THEN c.reltuples::bigint END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%'
  AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
ORDER BY 1, 2
"""
# Row versions of the catalog: whatever changes a table, a column, a key or a comment writes one of them anew.
_STRUCTURE_SIGNAL: Final = """
WITH relations AS (
  SELECT c.oid, c.relname, c.relkind, c.relnatts, c.relnamespace FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_%')
SELECT concat_ws(':',
  (SELECT sum(hashtext(concat(oid, relname, relkind, relnatts, relnamespace))) FROM relations),
  (SELECT sum(hashtext(concat(a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attisdropped)))
   FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid WHERE a.attnum > 0),
  (SELECT sum(hashtext(concat(k.oid, k.conname, k.contype))) FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid),
  (SELECT sum(hashtext(concat(d.objoid, d.objsubid, d.description))) FROM pg_description d JOIN relations r ON r.oid = d.objoid))
"""
# Counters of changed rows, a second late at most; truncating gives a table a new file.
_DATA_SIGNAL: Final = """
SELECT concat_ws(':', sum(n_tup_ins + n_tup_upd + n_tup_del), sum(hashtext(concat(s.relid, c.relfilenode))))
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
"""
_KINDS: Final[dict[str, FailureKind]] = {
    "42P01": "unknown_table", "3F000": "unknown_table", "42703": "unknown_column", "42702": "ambiguous_column",
    "42803": "not_grouped", "42601": "syntax", "42883": "unknown_function", "42804": "type_mismatch", "22P02": "type_mismatch",
    "42846": "type_mismatch", "22007": "type_mismatch", "22008": "type_mismatch", "42501": "permission", "25006": "permission",
}  # fmt: skip
# Classes of SQLSTATE in which the session or the server is of no use: connection, resources, intervention, system.
_UNUSABLE: Final = ("08", "53", "57P", "58", "XX001", "28")


# A limit of the program, out of memory, over a configured limit (temp_file_limit).
_TOO_LARGE: Final = frozenset({"54000", "53200", "53400"})


class PostgresDriver:
    """The database at a SQLAlchemy URL with the psycopg driver."""

    dialect = "postgres"
    failures: tuple[type[Exception], ...] = (sqlalchemy.exc.SQLAlchemyError, psycopg.Error)
    growth_bytes = GROWTH_BYTES

    def __init__(self, url: sqlalchemy.URL) -> None:
        self._engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=sqlalchemy.NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=dict(_CONNECT_ARGUMENTS),
        )

    def connect(self) -> "PostgresSession":
        with contextlib.ExitStack() as stack:
            session = PostgresSession(stack.enter_context(self._engine.connect()))
            stack.pop_all()
        return session

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
        state = getattr(original, "sqlstate", None) or ""
        if not isinstance(original, psycopg.Error) or not state:
            first = (str(original).strip().splitlines() or [type(error).__name__])[0]
            return DatabaseUnavailable(f"The database does not answer: {first[:300]}")
        words = original.diag.message_primary or str(original)
        if state == "57014":
            return QueryTimedOut() if "statement timeout" in words else QueryCancelled()
        if state in _TOO_LARGE:
            return QueryTooLarge(f"The database stopped the query: {words}.", sqlstate=state)
        if state.startswith(_UNUSABLE):
            return DatabaseUnavailable(f"The database cannot answer: {words}", sqlstate=state)
        return _classify(original, words, state, sql)

    def close(self) -> None:
        self._engine.dispose()


class PostgresSession:
    """One connection; each call is one read-only transaction."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._shown = connection
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise DatabaseUnavailable("The Postgres driver is not psycopg.")
        self._connection: psycopg.Connection[TupleRow] = driver
        tolerate_odd_values(self._connection)
        self._connection.execute("SET default_transaction_read_only = on")
        self._connection.execute(
            "SET standard_conforming_strings = on; SET intervalstyle = 'iso_8601'; SET client_encoding = 'UTF8'"
        )
        self._is_superuser = self._connection.info.parameter_status("is_superuser") == "on"

    @contextlib.contextmanager
    def query(self, sql: str, timeout_seconds: float) -> Iterator["PostgresRows"]:
        with self._transaction(timeout_seconds), self._connection.cursor(name=_CURSOR) as cursor:
            # An escaped % is not needed: without parameters psycopg sends the text as it is.
            cursor.execute(sql.encode())
            yield PostgresRows(cursor)

    def explain(self, sql: str, limits: Limits) -> str:
        with self._transaction(limits.timeout_seconds), self._connection.cursor(binary=True) as cursor:
            # Binary results need the extended protocol, which takes one statement only.
            cursor.execute(b"EXPLAIN " + sql.encode())
            return "\n".join(str(row[0]) for row in cursor.fetchall())

    def read_structure(self) -> tuple[Table, ...]:
        with self._transaction(60.0, lowered=False):
            found = self._connection.execute(_RELATIONS).fetchall()
            default = self._shown.dialect.default_schema_name
            relations = [
                Relation(
                    schema=None if schema == default else schema,
                    name=name,
                    is_view=is_view,
                    row_count=rows if rows is not None and rows >= 0 else None,
                )
                for schema, name, is_view, rows in found
            ]
            return reflect_tables(self._shown, relations)

    def read_signal(self) -> Signal:
        with self._transaction(10.0, lowered=False):
            structure = self._connection.execute(_STRUCTURE_SIGNAL).fetchone()
            data = self._connection.execute(_DATA_SIGNAL).fetchone()
        return Signal(structure=str(structure[0] if structure else ""), data=str(data[0] if data else ""))

    def interrupt(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=_CANCEL_SECONDS)

    def break_off(self) -> None:
        """In the midst of a row the server takes no cancellation, and libpq collects a row whole, up to a gigabyte a cell."""
        with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as same:
            shut_down_socket(same)

    def close(self) -> None:
        if self._connection.closed:
            # Otherwise SQLAlchemy would roll back on it, and complain.
            self._shown.invalidate()
        self._shown.close()

    @contextlib.contextmanager
    def _transaction(self, timeout_seconds: float, *, lowered: bool = True) -> Iterator[None]:
        milliseconds = int((timeout_seconds + _NET_SECONDS) * 1000)
        begin = (
            f"BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = {milliseconds}; "
            "SET LOCAL cursor_tuple_fraction = 1"
        )
        if lowered and self._is_superuser:
            # With row security switched off a policy that would hide rows from the lowered role is an error, not a silence.
            begin += "; SET LOCAL row_security = off; SET LOCAL ROLE pg_read_all_data"
        self._connection.execute(begin)
        try:
            yield
        finally:
            if not self._connection.closed:
                self._connection.rollback()


class PostgresRows:
    """A server-side cursor, read in portions that grow while the rows are small: a portion is in memory whole."""

    def __init__(self, cursor: "psycopg.ServerCursor[TupleRow]") -> None:
        self._cursor = cursor
        self._portion = _FIRST_PORTION

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        rows = self._cursor.fetchmany(min(count, self._portion))
        largest = max((row_bytes(row) for row in rows), default=0)
        self._portion = max(1, min(self._portion * 8, BATCH_BYTES // max(largest, 1)))
        return rows

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        columns = []
        for place, entry in enumerate(self._cursor.description or ()):
            name = entry.type_display
            # An enum or a type of an extension has no name here, and comes as text.
            known = not name.isdigit()
            kind = kind_of_type(name) if known else kind_of_values([row[place] for row in first_rows])
            columns.append(ResultColumn(name=entry.name, type=name if known else "user-defined", kind=kind))
        return tuple(columns)


def _classify(error: psycopg.Error, words: str, state: str, sql: str) -> QueryFailed:
    """The kind by SQLSTATE, the name by the words."""
    shift = len(_DECLARED)
    place = error.diag.statement_position
    position = int(place) - 1 - shift if place and place.isdigit() else None
    position = position if position is not None and 0 <= position <= len(sql) else None
    by_words = classify_failure(words, sql, position=position)
    kind = _KINDS.get(state, by_words.kind)
    if state == "42883" and "operator" in words:
        kind = "type_mismatch"
    return QueryFailed(words, kind=kind, name=by_words.name or None, position=by_words.position)
