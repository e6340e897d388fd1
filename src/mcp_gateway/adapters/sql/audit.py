"""The audit trail in the gateway's own store: read through SQLAlchemy, written by an appender of the database's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import Row, Select, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.audit.chain import COLUMNS, microseconds
from mcp_gateway.access.audit.model import AuditLine, Head, Seal, StoredRow
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.search import Search, needle
from mcp_gateway.adapters.sql.audit_postgres import PostgresAppender
from mcp_gateway.adapters.sql.audit_sqlite import SqliteAppender
from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import audit_heads as heads
from mcp_gateway.adapters.sql.schema import audit_rows as rows
from mcp_gateway.adapters.sql.schema import audit_seals as seals
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.adapters.sql.upsert import insert_into


class Appender(Protocol):
    """Puts lines at the ends of chains, over a connection that nothing else uses."""

    async def append(self, lines: Sequence[AuditLine]) -> None: ...

    async def close(self) -> None: ...


@asynccontextmanager
async def open_audit_store(engine: AsyncEngine, installation: str) -> AsyncIterator[AuditStore]:
    """The trail of this store. `installation` is bound into the chains begun here."""
    appender: Appender = (
        SqliteAppender(engine, installation) if engine.dialect.name == "sqlite" else PostgresAppender(engine, installation)
    )
    try:
        yield SqlAudit(engine, appender)
    finally:
        await appender.close()


class SqlAudit:
    """Implements `access.audit.ports.AuditStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine, appender: Appender) -> None:
        self._engine = engine
        self._appender = appender

    async def append(self, lines: Sequence[AuditLine]) -> None:
        await self._appender.append(lines)

    async def tenants(self) -> tuple[str, ...]:
        async with connected(self._engine) as connection:
            with across_tenants("tenants of the audit trail"):
                return tuple((await connection.execute(select(heads.c.tenant).order_by(heads.c.tenant))).scalars())

    async def head(self, tenant: str) -> Head | None:
        async with connected(self._engine) as connection:
            found = (await connection.execute(select(heads).where(heads.c.tenant == tenant))).one_or_none()
        return (
            None
            if found is None
            else Head(tenant=tenant, sequence=found.sequence, hash=found.hash, installation=found.installation)
        )

    async def read(self, tenant: str, *, after: int, limit: int) -> Sequence[StoredRow]:
        query = select(rows).where(rows.c.tenant == tenant, rows.c.sequence > after).order_by(rows.c.sequence).limit(limit)
        async with connected(self._engine) as connection:
            return [_stored(row) for row in await connection.execute(query)]

    async def search(self, search: Search) -> Sequence[StoredRow]:
        async with connected(self._engine) as connection:
            return [_stored(row) for row in await connection.execute(_query(search))]

    async def seals(self, tenant: str) -> Sequence[Seal]:
        query = select(seals).where(seals.c.tenant == tenant).order_by(seals.c.sequence)
        async with connected(self._engine) as connection:
            return [Seal(**dict(row)) for row in (await connection.execute(query)).mappings()]

    async def add_seal(self, seal: Seal) -> None:
        values = {column.name: getattr(seal, column.name) for column in seals.columns}
        async with connected(self._engine) as connection:
            insert = insert_into(connection, seals).values(values)
            await connection.execute(insert.on_conflict_do_update(index_elements=["tenant", "sequence"], set_=values))
            await connection.commit()

    async def remove_through(self, tenant: str, sequence: int) -> int:
        async with connected(self._engine) as connection:
            done = await connection.execute(delete(rows).where(rows.c.tenant == tenant, rows.c.sequence <= sequence))
            await connection.commit()
        return done.rowcount


def _stored(row: Row[*tuple[Any, ...]]) -> StoredRow:
    return StoredRow(row[0], row[1], tuple(row[2:-2]), row[-2], row[-1])


def _query(search: Search) -> Select[tuple[object, ...]]:
    query = select(rows).where(rows.c.tenant == search.tenant).order_by(rows.c.sequence.desc()).limit(search.limit)
    for name in ("subject", "action", "server", "target", "decision", "outcome", "correlation_id"):
        if wanted := getattr(search, name):
            query = query.where(rows.c[name] == wanted)
    if search.before is not None:
        query = query.where(rows.c.sequence < search.before)
    if search.since is not None:
        query = query.where(rows.c.at >= microseconds(search.since))
    if search.until is not None:
        query = query.where(rows.c.at < microseconds(search.until))
    if search.text:
        query = query.where(func.lower(rows.c.body, type_=Text).contains(needle(search), autoescape=True))
    return query


assert tuple(rows.columns.keys()) == ("tenant", "sequence", *COLUMNS, "body", "hash")  # noqa: S101 - reading relies on it
