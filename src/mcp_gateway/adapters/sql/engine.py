"""The gateway's own database: one engine over SQLite (WAL) or Postgres, its tables made and brought up to date on opening."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mcp_gateway.adapters.sql.tenant_check import across_tenants, watch_tenants
from mcp_gateway.core.errors import InvalidInput, Unavailable, Unprocessable

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
_BUSY_MILLISECONDS: Final = 5_000
# Readers beside one writer, waiting while another process writes, and on the disk before a commit returns.
SQLITE_PRAGMAS: Final = (
    f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
_CONNECT_SECONDS: Final = 5
_AGAIN_SECONDS: Final = 0.02
# The step this program's tables are at: the last of `migrations/versions`.
NEWEST_STEP: Final = "0003"
_MIGRATION_WAIT_MILLISECONDS: Final = 60_000
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


class StoreTooNew(Unprocessable):
    """The gateway's own store was made by a newer release than this one."""

    code = "STORE_TOO_NEW"
    hint = "Start the newer release again, or point DATABASE_URL at another database; nothing was changed."


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[AsyncEngine]:
    """Connect, bring the tables up to date, and close on leaving. Raises `InvalidStoreUrl`, `StoreUnavailable`, `StoreTooNew`."""
    parsed = _parse(url)
    _require_folder(parsed)
    engine = _make_engine(parsed)
    watch_tenants(engine.sync_engine)
    try:
        try:
            await _connect_first(engine)
            await _bring_up_to_date(engine)
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
    if name == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InvalidStoreUrl(
            "The store cannot be in memory: it would be gone with the process, and each connection would see its own."
        )
    return parsed.set(drivername=_DRIVERS[name])


def _require_folder(url: URL) -> None:
    """A missing folder is said before the driver starts a thread that would outlive the failure."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").parent.is_dir():
        raise StoreUnavailable("The folder of the gateway's own store does not exist.", hint="Create it, or change DATABASE_URL.")


def _make_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        arguments = {"connect_timeout": _CONNECT_SECONDS}
        return create_async_engine(url, pool_pre_ping=True, pool_timeout=_CONNECT_SECONDS, connect_args=arguments)
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # SQLAlchemy hands over its driver's connection as object
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


async def _connect_first(engine: AsyncEngine) -> None:
    """Makes a new SQLite file a WAL. While another process writes to one that is none yet, SQLite refuses that at once, whatever
    `busy_timeout` says, so it is tried again. Raises what connecting raises.
    """
    until = asyncio.get_running_loop().time() + _CONNECT_SECONDS
    while True:
        try:
            async with engine.connect():
                return
        except OperationalError as error:
            busy = getattr(error.orig, "sqlite_errorname", "") == "SQLITE_BUSY"
            if not busy or asyncio.get_running_loop().time() >= until:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


async def _bring_up_to_date(engine: AsyncEngine) -> None:
    """Most starts find nothing to do, and then neither wait for a lock nor load what could change the tables."""
    async with engine.connect() as connection:
        step = await connection.run_sync(_read_step)
    if step == NEWEST_STEP:
        return
    from mcp_gateway.adapters.sql.migrations.upgrade import upgrade  # noqa: PLC0415 - a third of a second

    async with engine.begin() as connection:
        await _lock_out_others(connection)
        with across_tenants("migration"):
            known = await connection.run_sync(upgrade)
        if not known:
            raise StoreTooNew
    # The connection that waited longer than the others may is not given to anybody.
    await engine.dispose()


def _read_step(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


async def _lock_out_others(connection: AsyncConnection) -> None:
    """Until the end of the transaction, one process at a time; the others then find everything done."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SET LOCAL lock_timeout = {_MIGRATION_WAIT_MILLISECONDS}"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    else:
        await connection.execute(text(f"PRAGMA busy_timeout={_MIGRATION_WAIT_MILLISECONDS}"))
        await connection.execute(text("BEGIN IMMEDIATE"))
