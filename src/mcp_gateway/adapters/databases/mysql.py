"""MySQL and MariaDB through PyMySQL: every statement in a read-only transaction of its own that is always rolled back.

PyMySQL sends one statement at a time unless told otherwise, and no local file on the server's request. What a read-only
transaction does not stop (SHUTDOWN, INTO OUTFILE) is refused here by its text; give the user no such privilege all the same.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

import pymysql
import pymysql.cursors
import sqlalchemy
from pymysql.constants import FIELD_TYPE

from mcp_gateway.adapters.databases.break_off import shut_down_socket
from mcp_gateway.adapters.databases.fetch import fetch_within
from mcp_gateway.adapters.databases.memory_watch import GROWTH_BYTES
from mcp_gateway.adapters.databases.reflection import Relation, list_relations, reflect_tables
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.schema import Table
from mcp_gateway.core.sql.errors import DatabaseUnavailable, FailureKind, QueryCancelled, QueryFailed, QueryRefused, QueryTimedOut
from mcp_gateway.tables.column_kinds import kind_of_type
from mcp_gateway.tables.failures import classify_failure
from mcp_gateway.tables.model import Limits, ResultColumn, Signal

_CONNECT_ARGUMENTS: Final = {"connect_timeout": 10, "local_infile": False, "charset": "utf8mb4"}
# The engine's own limit comes after ours, as a net for a client that has died.
_NET_SECONDS: Final = 5.0
# Under these the text we print would mean something else.
_UNWANTED_MODES: Final = frozenset(
    {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT", "ANSI", "ORACLE", "MSSQL", "DB2", "POSTGRESQL"}
)
_TYPE_NAMES: Final = {number: name for name, number in vars(FIELD_TYPE).items() if isinstance(number, int)}
_SHOWN_TYPES: Final = {
    "LONG": "INT", "LONGLONG": "BIGINT", "SHORT": "SMALLINT", "INT24": "MEDIUMINT", "TINY": "TINYINT", "NEWDECIMAL": "DECIMAL",
    "VAR_STRING": "VARCHAR", "STRING": "CHAR", "NEWDATE": "DATE", "CHAR": "TINYINT", "INTERVAL": "ENUM",
}  # fmt: skip

# A read-only transaction stops neither SHUTDOWN nor what the FILE privilege allows, so beside the guard these texts decide.
_READING: Final = re.compile(r"[\s(]*(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE)
_OUTSIDE: Final = re.compile(r"\bINTO\s+(OUTFILE|DUMPFILE|@)|\bLOAD_FILE\s*\(|/\*M?!", re.IGNORECASE)
_STRUCTURE_SIGNAL: Final = """
SELECT CONCAT_WS(':', COUNT(*), SUM(CRC32(CONCAT_WS('.', table_schema, table_name, column_name, column_type, is_nullable,
  column_key, column_comment))))
FROM information_schema.columns WHERE table_schema = DATABASE()
"""
_DATA_SIGNAL: Final = """
SELECT COUNT(*), COUNT(update_time), SUM(CRC32(CONCAT_WS('.', table_name, update_time, create_time)))
FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'
"""
_ROW_COUNTS: Final = "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()"

_KINDS: Final[dict[int, FailureKind]] = {
    1146: "unknown_table", 1109: "unknown_table", 1051: "unknown_table", 1049: "unknown_table", 1054: "unknown_column",
    1052: "ambiguous_column", 1055: "not_grouped", 1056: "not_grouped", 1111: "not_grouped", 1140: "not_grouped",
    1305: "unknown_function", 1630: "unknown_function", 1064: "syntax", 1292: "type_mismatch", 1366: "type_mismatch",
    1582: "type_mismatch", 1583: "type_mismatch", 1142: "permission", 1143: "permission", 1227: "permission", 1290: "permission",
    1370: "permission", 1792: "permission",
}  # fmt: skip
_TIMED_OUT: Final = frozenset({3024, 1969, 1205})
_INTERRUPTED: Final = frozenset({1317, 1927})
# No server, too many connections, gone away, refused at the door, shutting down, disk full, table crashed.
_UNUSABLE: Final = frozenset(
    {
        1040,
        1044,
        1045,
        1053,
        1021,
        1030,
        1114,
        1129,
        1130,
        1152,
        1158,
        1159,
        1160,
        1161,
        1203,
        1698,
        2002,
        2003,
        2005,
        2006,
        2013,
        2014,
        2055,
    }
)


class MySqlDriver:
    """The database at a SQLAlchemy URL of MySQL or MariaDB."""

    dialect = "mysql"
    failures: tuple[type[Exception], ...] = (sqlalchemy.exc.SQLAlchemyError, pymysql.err.Error)
    growth_bytes = GROWTH_BYTES

    def __init__(self, url: sqlalchemy.URL) -> None:
        backend = "mariadb" if url.get_backend_name() == "mariadb" else "mysql"
        self._engine = sqlalchemy.create_engine(
            url.set(drivername=f"{backend}+pymysql"), poolclass=sqlalchemy.NullPool, connect_args=dict(_CONNECT_ARGUMENTS)
        )

    def connect(self) -> "MySqlSession":
        with contextlib.ExitStack() as stack:
            session = MySqlSession(stack.enter_context(self._engine.connect()), self._engine)
            stack.pop_all()
        return session

    def explain_failure(self, error: Exception, sql: str) -> GatewayError:
        original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
        code, words = _code_and_words(original)
        if code in _TIMED_OUT:
            return QueryTimedOut()
        if code in _INTERRUPTED:
            return QueryCancelled()
        if code in _UNUSABLE or not isinstance(original, pymysql.err.Error) or isinstance(original, pymysql.err.InterfaceError):
            return DatabaseUnavailable(f"The database cannot answer: {words[:300]}", error_number=code)
        by_words = classify_failure(words, sql)
        return QueryFailed(words, kind=_KINDS.get(code, by_words.kind), name=by_words.name, position=by_words.position)

    def close(self) -> None:
        self._engine.dispose()


class MySqlSession:
    """One connection; each call is one read-only transaction."""

    def __init__(self, connection: sqlalchemy.Connection, engine: sqlalchemy.Engine) -> None:
        self._shown = connection
        self._engine = engine
        driver = connection.connection.driver_connection
        if not isinstance(driver, pymysql.connections.Connection):
            raise DatabaseUnavailable("The MySQL driver is not PyMySQL.")
        self._connection = driver
        self._is_mariadb = "mariadb" in self._ask("SELECT VERSION()")[0].lower()
        modes = [mode for mode in self._ask("SELECT @@sql_mode")[0].split(",") if mode and mode not in _UNWANTED_MODES]
        # Otherwise any row of a group would stand for all of them.
        self._do(f"SET SESSION sql_mode = '{','.join(dict.fromkeys([*modes, 'ONLY_FULL_GROUP_BY']))}'")
        self._do("SET SESSION TRANSACTION READ ONLY")
        if self._is_mariadb:
            # Beyond it MariaDB gives the rows it has by then, as if they were all; the time limit is bound enough.
            self._do("SET SESSION max_recursive_iterations = 4294967295")
        else:
            # MySQL 8 keeps the statistics of information_schema for a day otherwise.
            with contextlib.suppress(pymysql.err.Error):
                self._do("SET SESSION information_schema_stats_expiry = 0")
                self._do("SET SESSION cte_max_recursion_depth = 4294967295")
        self._identity = self._connection.thread_id()

    @contextlib.contextmanager
    def query(self, sql: str, timeout_seconds: float) -> Iterator["MySqlRows"]:
        if not _READING.match(sql) or _OUTSIDE.search(sql):
            raise QueryRefused("This is something else than one SELECT.", reason="not_a_query")
        with self._transaction(timeout_seconds), self._connection.cursor(pymysql.cursors.SSCursor) as cursor:
            try:
                cursor.execute(sql)
                yield MySqlRows(cursor)
            finally:
                self._leave_result(cursor)

    def explain(self, sql: str, limits: Limits) -> str:
        with self._transaction(limits.timeout_seconds), self._connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            names = [entry[0] for entry in cursor.description or ()]
            return "\n".join(
                ", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True) if value is not None)
                for row in cursor.fetchall()
            )

    def read_structure(self) -> tuple[Table, ...]:
        with self._transaction(60.0):
            with self._connection.cursor() as cursor:
                cursor.execute(_ROW_COUNTS)
                counts = {str(name): rows for name, rows in cursor.fetchall()}
            database = self._shown.engine.url.database
            relations = [
                Relation(
                    schema=None,
                    name=found.name,
                    is_view=found.is_view,
                    row_count=None if found.is_view else counts.get(found.name),
                )
                for found in list_relations(self._shown)
                if found.schema in (None, database)
            ]
            return reflect_tables(self._shown, relations)

    def read_signal(self) -> Signal:
        with self._transaction(10.0):
            structure = self._ask(_STRUCTURE_SIGNAL)
            tables, timed, times = self._ask(_DATA_SIGNAL)
        # InnoDB forgets the time of the last change at a restart; then nobody can say.
        return Signal(structure=structure[0], data=f"{tables}:{times}" if tables == timed else None)

    def interrupt(self) -> None:
        with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, pymysql.err.Error), self._engine.connect() as other:
            other.exec_driver_sql(f"KILL QUERY {self._identity}")

    def break_off(self) -> None:
        """In the midst of a row the server hears nothing else, and PyMySQL collects a row whole."""
        shut_down_socket(self._connection._sock)  # noqa: SLF001 - PyMySQL has no public name for it

    def close(self) -> None:
        self._shown.invalidate()
        self._shown.close()

    @contextlib.contextmanager
    def _transaction(self, timeout_seconds: float) -> Iterator[None]:
        seconds = timeout_seconds + _NET_SECONDS
        if self._is_mariadb:
            self._do(f"SET SESSION max_statement_time = {seconds:.3f}")
        else:
            self._do(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
        self._do("START TRANSACTION READ ONLY")
        try:
            yield
        finally:
            if self._connection.open:
                self._connection.rollback()

    def _leave_result(self, cursor: pymysql.cursors.SSCursor) -> None:
        """PyMySQL would read an unfinished result to its end, however long, and stumble where the connection has gone.

        So such a connection is let go; the next statement gets a new one.
        """
        result = self._connection._result  # noqa: SLF001 - it has no public name
        if result is None or not result.unbuffered_active:
            return
        with contextlib.suppress(pymysql.err.Error):
            if self._connection.open and cursor.fetchone() is None:
                return
        result.unbuffered_active = False
        cursor.connection = None
        self._connection._force_close()  # noqa: SLF001 - its public way says goodbye, which would wait

    def _do(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _ask(self, statement: str) -> tuple[str, ...]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return tuple(str(value) for value in cursor.fetchone() or ("",))


class MySqlRows:
    """An unbuffered cursor."""

    def __init__(self, cursor: pymysql.cursors.SSCursor) -> None:
        self._cursor = cursor

    def fetch(self, count: int) -> Sequence[Sequence[object]]:
        return fetch_within(self._cursor.fetchone, count)

    def columns(self, first_rows: Sequence[Sequence[object]]) -> tuple[ResultColumn, ...]:
        columns = []
        for place, entry in enumerate(self._cursor.description or ()):
            name = _TYPE_NAMES.get(entry[1], "")
            shown = _SHOWN_TYPES.get(name, name)
            # BLOB stands for TEXT too; the values tell them apart.
            if "BLOB" in name and not any(isinstance(row[place], bytes) for row in first_rows):
                shown = "TEXT"
            columns.append(ResultColumn(name=entry[0], type=shown, kind=kind_of_type(shown)))
        return tuple(columns)


def _code_and_words(error: BaseException | None) -> tuple[int, str]:
    arguments: tuple[object, ...] = getattr(error, "args", ())
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        return arguments[0], str(arguments[1])
    return 0, str(error)
