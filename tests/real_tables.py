"""A small real DuckDB behind the tables feature, one statement at a time, that says when a statement begins.

With a single worker the next statement can only run once the one before has really ended: that is how a test sees that a
cancelled query was stopped in the database.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import duckdb

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.schema import Table
from mcp_gateway.tables.model import Limits, RawResult, Signal
from mcp_gateway.tables.ports import Database
from mcp_gateway.tables.tables import Tables, TablesOptions

# Hours of work for any machine.
ENDLESS = "SELECT COUNT(*) FROM sales a, sales b, sales c, sales d WHERE a.amount + b.amount + c.amount + d.amount > 1"


class WatchedDatabase:
    """Passes everything on; `begun` is set as soon as a statement is on its way."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.begun = asyncio.Event()

    @property
    def dialect(self) -> str:
        return self._inner.dialect

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def read_structure(self) -> tuple[Table, ...]:
        return await self._inner.read_structure()

    async def read_signal(self) -> Signal:
        return await self._inner.read_signal()

    async def run(self, sql: str, limits: Limits) -> RawResult:
        self.begun.set()
        return await self._inner.run(sql, limits)

    async def explain(self, sql: str, limits: Limits) -> str:
        return await self._inner.explain(sql, limits)


def make_shop(path: Path) -> Path:
    """Products and a thousand sales of them."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR)")
        connection.execute("INSERT INTO products VALUES (1, 'Magic Wand Pro'), (2, 'Café Crème'), (3, NULL)")
        connection.execute(
            "CREATE TABLE sales AS SELECT i AS id, i % 3 + 1 AS product_id, i * 0.5 AS amount FROM range(1000) t(i)"
        )
    return path


@asynccontextmanager
async def opened_tables(path: Path) -> AsyncIterator[tuple[Tables, WatchedDatabase]]:
    database = WatchedDatabase(open_database(str(path), threads=1))
    tables = Tables(database, SystemClock(), TablesOptions(most_seconds=86_400))
    await tables.open()
    try:
        yield tables, database
    finally:
        await tables.close()
