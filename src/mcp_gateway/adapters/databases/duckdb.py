"""DuckDB files, read-only by the engine, with the file system, the network, extensions and settings closed for good.

DuckDB lets one process write or many read: while this is open, nobody else can write to the file. A changed file is one that
was replaced; the next signal sees it and the sessions open the new one.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb

from mcp_gateway.adapters.databases.apart import MOST_APART, ApartFile, ApartStatement
from mcp_gateway.adapters.databases.duckdb_catalog import read_tables
from mcp_gateway.adapters.databases.fetch import fetch_within
from mcp_gateway.adapters.databases.file_words import without_folder
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryCancelled, QueryRefused, QueryTooLarge
from mcp_gateway.tables.column_kinds import kind_of_type
from mcp_gateway.tables.failures import classify_failure
from mcp_gateway.tables.model import Limits, RawResult, ResultColumn, Signal

_CONFIG: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # Otherwise a table name could be a variable of this very program.
    "python_enable_replacements": "false",
    "max_temp_directory_size": "10GB",
}
# For all statements together; what needs more spills to disk or fails.
_MEMORY_LIMIT: Final = "640MB"
_GROWTH_BYTES: Final = 960 * 1024 * 1024
_UNUSABLE = (duckdb.IOException, duckdb.ConnectionException, duckdb.FatalException, duckdb.InternalException)


class DuckDbDriver:
    """The DuckDB file at `path`. `readable` are the only other files its views may read (Parquet beside a folder's tables)."""

    dialect = "duckdb"
    failures: tuple[type[Exception], ...] = (duckdb.Error,)
    growth_bytes = _GROWTH_BYTES

    def __init__(self, path: Path, *, readable: tuple[Path, ...] = (), memory_limit: str = _MEMORY_LIMIT) -> None:
        self._path = path
        self._readable = readable
        self._memory_limit = memory_limit
        self._turns = threading.BoundedSemaphore(MOST_APART)
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._identity = ""

    def connect(self) -> "DuckDbSession":
        with self._lock:
            identity = file_identity(self._path)
            if not identity:
                raise DatabaseUnavailable(f"There is no file {self._path.name}.", hint="Check the path.", file=self._path.name)
            if self._database is None or identity != self._identity:
                self._close_database()
                self._database, self._identity = self._open(), identity
            return DuckDbSession(self._database.cursor(), self._path, identity, self._apart)

    def _apart(self) -> ApartStatement:
        file = ApartFile(engine="duckdb", path=self._path, failures=duckdb, readable=self._readable)
        return ApartStatement(file, self._turns)

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        words = without_folder(str(error), self._path)
        if isinstance(error, duckdb.InterruptException):
            return QueryCancelled()
        if isinstance(error, duckdb.OutOfMemoryException):
            return QueryTooLarge()
        if isinstance(error, duckdb.IOException) and "lock" in words:
            return DatabaseUnavailable(
                f"{self._path.name} is locked: another program has it open for writing.",
                hint="Close the other program or copy the file; DuckDB allows one writer or many readers.",
            )
        if isinstance(error, _UNUSABLE):
            return DatabaseUnavailable(f"{self._path.name}: {words.splitlines()[0]}")
        return classify_failure(words, sql)

    def close(self) -> None:
        with self._lock:
            self._close_database()

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Within one process DuckDB opens a file once, with one configuration; a second opening joins the first, already shut."""
        # Sorting and joining beyond the memory limit spills here, not beside the user's file; DuckDB clears it away.
        spill = Path(tempfile.gettempdir()) / f"mcp-gateway-spill-{os.getpid()}"
        limits = {"memory_limit": self._memory_limit, "temp_directory": str(spill)}
        database = duckdb.connect(str(self._path), read_only=True, config={**_CONFIG, **limits})
        try:
            if not _is_shut(database):
                if self._readable:
                    paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in self._readable)
                    database.execute(f"SET allowed_paths = [{paths}]")
                database.execute("SET enable_external_access = false")
                database.execute("SET lock_configuration = true")
        except duckdb.Error:
            database.close()
            raise
        return database

    def _close_database(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


class DuckDbSession:
    """One cursor, which is a connection of its own to the same open file."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, path: Path, identity: str, begin_apart: Callable[[], ApartStatement]
    ) -> None:
        self._cursor = cursor
        self._path = path
        self._identity = identity
        self._begin_apart = begin_apart
        self._apart: ApartStatement | None = None

    @contextlib.contextmanager
    def query(self, sql: str, timeout_seconds: float) -> Iterator["DuckDbRows"]:
        """DuckDB has no time limit of its own; the caller interrupts."""
        yield DuckDbRows(self._cursor.execute(self._only_reading(sql)))

    def run_apart(self, sql: str, limits: Limits) -> RawResult:
        self._only_reading(sql)
        with self._statement_apart() as statement:
            return statement.run(sql, limits)

    def explain(self, sql: str, limits: Limits) -> str:
        if limits.may_grow:
            with self._statement_apart() as statement:
                return statement.explain(sql, limits)
        rows = self._cursor.execute(f"EXPLAIN {sql}").fetchall()
        return "\n".join(str(row[1]) for row in rows)

    def read_structure(self) -> tuple[Table, ...]:
        return read_tables(self._cursor)

    def read_signal(self) -> Signal:
        identity = file_identity(self._path)
        if identity != self._identity:
            raise DatabaseUnavailable(f"{self._path.name} was replaced or removed.", file=self._path.name)
        return Signal(structure=identity, data=identity)

    def interrupt(self) -> None:
        apart = self._apart
        if apart is not None:
            apart.kill()
        else:
            self._cursor.interrupt()

    def break_off(self) -> None:
        self.interrupt()

    def close(self) -> None:
        self._cursor.close()

    def _only_reading(self, sql: str) -> duckdb.Statement:
        statements = self._cursor.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in _READING:
            raise QueryRefused("DuckDB takes this for something else than one SELECT.", reason="not_a_query")
        return statements[0]

    @contextlib.contextmanager
    def _statement_apart(self) -> Iterator[ApartStatement]:
        self._apart = self._begin_apart()
        try:
            yield self._apart
        finally:
            self._apart = None


_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


class DuckDbRows:
    """A running result; DuckDB computes as the rows are fetched."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        return fetch_within(self._cursor.fetchone, count)

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        return tuple(
            ResultColumn(name=entry[0], type=str(entry[1]), kind=kind_of_type(str(entry[1])))
            for entry in self._cursor.description or ()
        )


def _is_shut(database: duckdb.DuckDBPyConnection) -> bool:
    row = database.execute("SELECT current_setting('lock_configuration'), current_setting('enable_external_access')").fetchone()
    return row == (True, False)


def file_identity(path: Path) -> str:
    """Changes when the file is replaced or written; empty when there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
