"""The two features that stand behind an MCP server each: a database by its URL, and a glossary by its file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.clock import Clock
from mcp_gateway.glossary.current import Glossary
from mcp_gateway.tables.tables import Tables, TablesOptions


@asynccontextmanager
async def open_tables(url: str, *, clock: Clock, options: TablesOptions | None = None) -> AsyncIterator[Tables]:
    """The database at a URL or path, connected once. Raises `BadDatabaseUrl` or `DatabaseUnavailable`."""
    tables = Tables(open_database(url), clock, options)
    try:
        await tables.open()
        yield tables
    finally:
        await tables.close()


@asynccontextmanager
async def open_glossary(path: Path, *, clock: Clock) -> AsyncIterator[Glossary]:
    """The words of a file, read once. Raises `BadGlossaryFile`."""
    glossary = Glossary(path, clock)
    await glossary.open()
    yield glossary
