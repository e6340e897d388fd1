"""What is kept about tokens in the gateway's own store, seen by every replica."""

import json
from dataclasses import asdict

from sqlalchemy import ColumnElement, Row, case, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_gateway.access.tokens.records import IssuedToken, Revocation
from mcp_gateway.adapters.sql.changes import announce
from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import issued_tokens, revocations
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.adapters.sql.upsert import insert_into


class SqlRevocations:
    """Implements `access.tokens.ports.RevocationStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, revocation: Revocation) -> None:
        """Also forgets what its tenant no longer needs to remember."""
        expired = revocations.c.expires_at <= revocation.at
        async with connected(self._engine, writing=True) as connection:
            await connection.execute(delete(revocations).where(revocations.c.tenant == revocation.tenant, expired))
            insert = insert_into(connection, revocations).values(asdict(revocation))
            new = insert.excluded
            changed = {
                "not_before": _later(new.not_before, revocations.c.not_before),
                "expires_at": _later(new.expires_at, revocations.c.expires_at),
                "at": new.at,
                "by": new.by,
            }
            await connection.execute(insert.on_conflict_do_update(index_elements=["tenant", "kind", "value"], set_=changed))
            await announce(connection, "revocations")

    async def read_current(self, now: float) -> tuple[Revocation, ...]:
        async with connected(self._engine) as connection:
            with across_tenants("revocations of every tenant are held together"):
                rows = (await connection.execute(select(revocations).where(revocations.c.expires_at > now))).all()
        return tuple(Revocation(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


class SqlIssuedTokens:
    """Implements `access.tokens.ports.IssuedTokenStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, token: IssuedToken) -> None:
        """Also forgets the expired tokens of its tenant."""
        expired = issued_tokens.c.expires_at <= token.issued_at
        values = {**asdict(token), "roles": json.dumps(sorted(token.roles))}
        async with connected(self._engine, writing=True) as connection:
            await connection.execute(delete(issued_tokens).where(issued_tokens.c.tenant == token.tenant, expired))
            await connection.execute(issued_tokens.insert().values(values))

    async def read_of(self, tenant: str, now: float) -> tuple[IssuedToken, ...]:
        query = (
            select(issued_tokens)
            .where(issued_tokens.c.tenant == tenant, issued_tokens.c.expires_at > now)
            .order_by(issued_tokens.c.issued_at.desc(), issued_tokens.c.jti.desc())
        )
        async with connected(self._engine) as connection:
            return tuple(_token(row) for row in (await connection.execute(query)).all())

    async def find(self, tenant: str, jti: str) -> IssuedToken | None:
        query = select(issued_tokens).where(issued_tokens.c.tenant == tenant, issued_tokens.c.jti == jti)
        async with connected(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _token(row)


def _later(new: ColumnElement[float], old: ColumnElement[float]) -> ColumnElement[float]:
    return case((new > old, new), else_=old)


def _token(row: Row[tuple[object, ...]]) -> IssuedToken:
    return IssuedToken(
        tenant=row.tenant,
        jti=row.jti,
        subject=row.subject,
        roles=frozenset(json.loads(row.roles)),
        name=row.name,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        issued_by=row.issued_by,
    )
