"""Any other database whose SQLAlchemy dialect is installed.

What holds for every engine: the guard, and a transaction that is always rolled back. What the engine itself can promise
differs; where a statement is known that makes the session or the transaction read-only, it is sent. Give such a database a
user that may only read.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy

from mcp_gateway.adapters.databases.fetch import fetch_within
from mcp_gateway.adapters.databases.memory_watch import GROWTH_BYTES
from mcp_gateway.adapters.databases.reflection import list_relations, reflect_tables
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable
from mcp_gateway.tables.column_kinds import dialect_of, kind_of_values
from mcp_gateway.tables.errors import BadDatabaseUrl
from mcp_gateway.tables.failures import classify_failure
from mcp_gateway.tables.model import Limits, ResultColumn, Signal

# Sent at the begin of each transaction, by SQLAlchemy's name of the backend.
_READ_ONLY: Final[Mapping[str, str]] = {
    "oracle": "SET TRANSACTION READ ONLY",
    "cockroachdb": "SET TRANSACTION READ ONLY",
    "clickhouse": "SET readonly = 1",
    "clickhousedb": "SET readonly = 1",
    "sqlite": "PRAGMA query_only = ON",
}


class SqlAlchemyDriver:
    """The database at a SQLAlchemy URL."""

    failures: tuple[type[Exception], ...] = (sqlalchemy.exc.SQLAlchemyError,)
    growth_bytes = GROWTH_BYTES

    def __init__(self, url: sqlalchemy.URL) -> None:
        """Raises `BadDatabaseUrl` when the dialect or its driver is not installed."""
        try:
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except (sqlalchemy.exc.ArgumentError, ImportError) as error:
            raise BadDatabaseUrl(
                f"There is no driver for {url.drivername}: {error}",
                hint="Install the SQLAlchemy dialect of this database beside mcp-gateway.",
            ) from error
        self.dialect = dialect_of(url.get_backend_name())

    def connect(self) -> "SqlAlchemySession":
        return SqlAlchemySession(self._engine.connect())

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        words = str(error.orig) if isinstance(error, sqlalchemy.exc.DBAPIError) else str(error)
        if isinstance(error, sqlalchemy.exc.DBAPIError) and not error.connection_invalidated and sql:
            return classify_failure(words, sql)
        return DatabaseUnavailable(
            f"The database cannot answer: {words.splitlines()[0][:300] if words else type(error).__name__}"
        )

    def close(self) -> None:
        self._engine.dispose()


class SqlAlchemySession:
    """One connection."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def query(self, sql: str, timeout_seconds: float) -> Iterator["SqlAlchemyRows"]:
        """There is no time limit that every engine knows; the caller interrupts where the driver can."""
        with self._transaction():
            result = self._connection.execution_options(stream_results=True).exec_driver_sql(sql)
            try:
                yield SqlAlchemyRows(result)
            finally:
                result.close()

    def explain(self, sql: str, limits: Limits) -> str:
        with self._transaction():
            rows = self._connection.exec_driver_sql(f"EXPLAIN {sql}").fetchall()
        return "\n".join(" ".join(str(value) for value in row) for row in rows)

    def read_structure(self) -> tuple[Table, ...]:
        with self._transaction():
            return reflect_tables(self._connection, list_relations(self._connection))

    def read_signal(self) -> Signal:
        """The names of tables and columns; whether rows have changed nobody can say here."""
        names = sorted(
            (table.name, tuple((column.name, column.type) for column in table.columns)) for table in self.read_structure()
        )
        return Signal(structure=str(hash(tuple(names))), data=None)

    def interrupt(self) -> None:
        driver = self._connection.connection.driver_connection
        for name in ("cancel", "interrupt"):
            stop = getattr(driver, name, None)
            if callable(stop):
                stop()
                return

    def break_off(self) -> None:
        self.interrupt()

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        statement = _READ_ONLY.get(self._connection.dialect.name)
        try:
            if statement:
                self._connection.exec_driver_sql(statement)
            yield
        finally:
            if not self._connection.invalidated:
                self._connection.rollback()


class SqlAlchemyRows:
    """A running result; the drivers name types in no common way, so the kinds come from the first rows."""

    def __init__(self, result: "sqlalchemy.CursorResult[tuple[object, ...]]") -> None:
        self._result = result

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        return fetch_within(self._result.fetchone, count)

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        kinds = [kind_of_values([row[place] for row in first_rows]) for place in range(len(self._result.keys()))]
        return tuple(ResultColumn(name=name, type="", kind=kind) for name, kind in zip(self._result.keys(), kinds, strict=True))
