"""The gateway's own database: one engine over SQLite (WAL) or Postgres, its tables made and kept up to date on opening."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mcp_gateway.adapters.sql.schema import MIGRATIONS
from mcp_gateway.core.errors import InvalidInput, Unavailable

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
_BUSY_MILLISECONDS: Final = 5_000
_CONNECT_SECONDS: Final = 5
# One number for all processes of this product: who holds it, migrates.
_MIGRATION_LOCK: Final = 7_318_205


class InvalidStoreUrl(InvalidInput):
    """The store's URL cannot be used."""

    code = "INVALID_STORE_URL"
    hint = "Use sqlite:///path/to/file.db or postgresql://user@host/database in DATABASE_URL."


class StoreUnavailable(Unavailable):
    """The gateway's own store does not answer."""

    code = "STORE_UNAVAILABLE"
    hint = "Check the database behind DATABASE_URL: is it running, is its disk full, may this user write?"


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[AsyncEngine]:
    """Connect, bring the tables up to date, and close on leaving. Raises `InvalidStoreUrl`, `StoreUnavailable`."""
    parsed = _parse(url)
    _require_folder(parsed)
    engine = _make_engine(parsed)
    try:
        try:
            async with engine.begin() as connection:
                await _migrate(connection)
        except (DBAPIError, OSError) as error:
            raise StoreUnavailable from error
        yield engine
    finally:
        await engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidStoreUrl from None
    name = parsed.drivername.partition("+")[0]
    if name not in _DRIVERS:
        raise InvalidStoreUrl(f"The store cannot be {name[:40]!r}.")
    return parsed.set(drivername=_DRIVERS[name])


def _require_folder(url: URL) -> None:
    """A missing folder is said before the driver starts a thread that would outlive the failure."""
    path = url.database or ""
    if url.get_backend_name() == "sqlite" and path not in ("", ":memory:") and not Path(path).parent.is_dir():
        raise StoreUnavailable("The folder of the gateway's own store does not exist.", hint="Create it, or change DATABASE_URL.")


def _make_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        arguments = {"connect_timeout": _CONNECT_SECONDS}
        return create_async_engine(url, pool_pre_ping=True, pool_timeout=_CONNECT_SECONDS, connect_args=arguments)
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    """Readers beside one writer, and waiting instead of failing when another process writes."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # SQLAlchemy hands over its driver's connection as object
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={_BUSY_MILLISECONDS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _migrate(connection: AsyncConnection) -> None:
    """Carry out the migrations this database has not seen, in order, one process at a time."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    else:
        await connection.execute(text("BEGIN IMMEDIATE"))
    await connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)"))
    done = (await connection.execute(text("SELECT max(version) FROM schema_version"))).scalar() or 0
    for version, statements in enumerate(MIGRATIONS, start=1):
        if version > done:
            for statement in statements:
                await connection.execute(statement)
            await connection.execute(text("INSERT INTO schema_version (version) VALUES (:version)"), {"version": version})
