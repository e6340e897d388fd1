"""Stored rules, roles and row filters in the gateway's own store, seen by every replica."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.base import Executable

from mcp_gateway.access.policy.ports import Kind, StoredStatement, StoredStatements
from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import access_changes, access_rules
from mcp_gateway.adapters.sql.tenant_check import across_tenants

_RULES: Final = "rules"
_INSERTS: Final[Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


class SqlRules:
    """Implements `access.policy.ports.RuleStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_version(self) -> int:
        async with connected(self._engine) as connection:
            return await _version(connection)

    async def read_all(self) -> StoredStatements:
        """The version is read first: a change in between is seen as one more to read, never missed."""
        async with connected(self._engine) as connection:
            version = await _version(connection)
            with across_tenants("rules of every tenant make one policy"):
                rows = (await connection.execute(select(access_rules))).all()
        held = (StoredStatement(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
        return StoredStatements(version=version, held=tuple(sorted(held, key=lambda one: (one.tenant, one.kind, one.id))))

    async def put(self, statement: StoredStatement, *, expected_version: int) -> bool:
        async with connected(self._engine, writing=True) as connection:
            if not await _count_up(connection, expected_version):
                return False
            insert = _INSERTS[connection.dialect.name](access_rules).values(asdict(statement))
            new = insert.excluded
            changed = {"body": new.body, "created_at": new.created_at, "created_by": new.created_by}
            await connection.execute(insert.on_conflict_do_update(index_elements=["tenant", "kind", "id"], set_=changed))
        return True

    async def remove(self, tenant: str, kind: Kind, identity: str, *, expected_version: int) -> bool:
        rules = access_rules.c
        async with connected(self._engine, writing=True) as connection:
            if not await _count_up(connection, expected_version):
                return False
            this = (rules.tenant == tenant, rules.kind == kind, rules.id == identity)
            await connection.execute(delete(access_rules).where(*this))
        return True


async def _version(connection: AsyncConnection) -> int:
    found = (await connection.execute(select(access_changes.c.version).where(access_changes.c.name == _RULES))).scalar()
    return int(found or 0)


async def _count_up(connection: AsyncConnection, expected: int) -> bool:
    """In the transaction of the change, and before it: of two on one version the second finds it gone, and writes nothing."""
    counted: Executable
    if expected == 0:
        first = _INSERTS[connection.dialect.name](access_changes).values(name=_RULES, version=1)
        counted = first.on_conflict_do_nothing().returning(access_changes.c.version)
    else:
        this = (access_changes.c.name == _RULES, access_changes.c.version == expected)
        counted = update(access_changes).where(*this).values(version=expected + 1).returning(access_changes.c.version)
    return (await connection.execute(counted)).first() is not None
