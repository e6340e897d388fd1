"""SQLite files, read-only four times over: opened so, told so, watched by an authorizer, and without extensions.

Tolerates what real files hold: text that is not UTF-8, values that do not fit the declared type, names with spaces.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from mcp_gateway.adapters.databases.apart import MOST_APART, ApartFile, ApartStatement
from mcp_gateway.adapters.databases.fetch import fetch_within
from mcp_gateway.adapters.databases.memory_watch import GROWTH_BYTES
from mcp_gateway.adapters.databases.sqlite_catalog import read_tables
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryTooLarge
from mcp_gateway.tables.column_kinds import kind_of_values
from mcp_gateway.tables.failures import classify_failure
from mcp_gateway.tables.model import Limits, RawResult, ResultColumn, Signal

# Longest text, blob or row the engine may build: stops zeroblob(1e9) and runaway group_concat, far above any honest cell.
_MAX_VALUE_BYTES = 64 * 1024 * 1024
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1024 * 1024,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 200,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_CACHE_KIBIBYTES = 16 * 1024
_ALLOWED_ACTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_REFUSED_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "eval", "fsdir", "lsmode"}
# How long a statement waits for a writer's lock before the database counts as locked.
_BUSY_MILLISECONDS = 2000
# How SQLite begins what it says of a file it cannot use. The rest of its words may be a query's own.
_UNUSABLE = (
    *("unable to open", "file is not a database", "file is encrypted", "database disk image is malformed"),
    *("malformed database schema", "disk i/o", "database or disk is full", "cannot operate on a closed database"),
    *("database is locked", "database table is locked", "database schema is locked"),
)
_TOO_BIG = "string or blob too big"


class SqliteDriver:
    """The SQLite file at `path`; ":memory:" makes no sense for a reader and is refused by `open_database`."""

    dialect = "sqlite"
    failures: tuple[type[Exception], ...] = (sqlite3.Error, sqlite3.Warning)
    growth_bytes = GROWTH_BYTES

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turns = threading.BoundedSemaphore(MOST_APART)

    def connect(self) -> "SqliteSession":
        if not self._path.is_file():
            raise DatabaseUnavailable(f"There is no file {self._path.name}.", hint="Check the path.", file=self._path.name)
        connection = sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )
        try:
            _lock_down(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return SqliteSession(connection, self._path, self._apart)

    def _apart(self) -> ApartStatement:
        return ApartStatement(ApartFile(engine="sqlite", path=self._path, failures=sqlite3), self._turns)

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        words = str(error)
        if words.lower().startswith(_UNUSABLE):
            return DatabaseUnavailable(f"{self._path.name}: {words}.", database_message=words)
        if words == _TOO_BIG:
            return QueryTooLarge("A value of the query is larger than 64 MB.", limit_bytes=_MAX_VALUE_BYTES)
        return classify_failure(words, sql)

    def close(self) -> None:
        """There is nothing beside the sessions."""


class SqliteSession:
    """One connection."""

    def __init__(self, connection: sqlite3.Connection, path: Path, begin_apart: Callable[[], ApartStatement]) -> None:
        self._connection = connection
        self._begin_apart = begin_apart
        self._apart: ApartStatement | None = None
        self._path = path
        self._inode = _inode(path)

    @contextlib.contextmanager
    def query(self, sql: str, timeout_seconds: float) -> Iterator["SqliteRows"]:
        """SQLite has no time limit of its own; the caller interrupts."""
        cursor = self._connection.cursor()
        try:
            yield SqliteRows(cursor.execute(sql))
        finally:
            cursor.close()

    def run_apart(self, sql: str, limits: Limits) -> RawResult:
        self._apart = self._begin_apart()
        try:
            return self._apart.run(sql, limits)
        finally:
            self._apart = None

    def explain(self, sql: str, limits: Limits) -> str:
        with self._trusted():
            steps = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        depth = {0: 0}
        lines = []
        for identity, parent, _, text in steps:
            depth[identity] = depth.get(parent, 0) + 1
            lines.append("  " * (depth[identity] - 1) + str(text))
        return "\n".join(lines)

    def read_structure(self) -> tuple[Table, ...]:
        with self._trusted():
            return read_tables(self._connection)

    def read_signal(self) -> Signal:
        """The schema cookie and, for the rows, the change counter of the file beside its size, time and log."""
        if _inode(self._path) != self._inode:
            raise DatabaseUnavailable(f"{self._path.name} was replaced or removed.", file=self._path.name)
        with self._trusted():
            (schema_version,) = self._connection.execute("PRAGMA schema_version").fetchone()
            (data_version,) = self._connection.execute("PRAGMA data_version").fetchone()
        files = []
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_size, status.st_mtime_ns))
        return Signal(structure=f"{self._inode}:{schema_version}", data=f"{self._inode}:{files}:{data_version}")

    def interrupt(self) -> None:
        apart = self._apart
        if apart is not None:
            apart.kill()
        else:
            self._connection.interrupt()

    def break_off(self) -> None:
        self.interrupt()

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _trusted(self) -> Iterator[None]:
        """Our own statements may use PRAGMA; nobody else's."""
        self._connection.set_authorizer(None)
        try:
            yield
        finally:
            self._connection.set_authorizer(_authorize)


class SqliteRows:
    """The rows of one statement; SQLite types values, not columns, so the kinds come from the first rows."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        return fetch_within(self._cursor.fetchone, count)

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        kinds = [kind_of_values([row[place] for row in first_rows]) for place in range(len(self._cursor.description or ()))]
        return tuple(
            ResultColumn(name=entry[0], type=_TYPE_NAMES.get(kind, ""), kind=kind)
            for entry, kind in zip(self._cursor.description or (), kinds, strict=True)
        )


_TYPE_NAMES = {"integer": "INTEGER", "number": "REAL", "text": "TEXT", "binary": "BLOB"}


def _inode(path: Path) -> int:
    """Which file stands at the path; 0 when there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _lock_down(connection: sqlite3.Connection) -> None:
    connection.text_factory = _tolerant_text
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    for category, limit in _LIMITS.items():
        connection.setlimit(category, limit)
    # The table functions declare themselves at their first use, which the authorizer would take for creating a table.
    for function in ("json_each", "json_tree"):
        connection.execute(f"SELECT * FROM {function}('[]')").fetchall()
    connection.set_authorizer(_authorize)


def _tolerant_text(data: bytes) -> str:
    """UTF-8, and what is not, as the Western encoding most such files come from."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action in _ALLOWED_ACTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _REFUSED_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
