"""Counters that say what changed, so that every replica knows what to read again without reading it to find out."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.schema import access_changes
from mcp_gateway.adapters.sql.upsert import insert_into

ChangeName: TypeAlias = Literal["rules", "revocations", "registry", "definitions"]


async def announce(connection: AsyncConnection, name: ChangeName) -> int:
    """Count one up, in the transaction that makes the change: the count is seen together with it, never before.

    Returns the count. Whoever counts first in its transaction is alone with this name until its end.
    """
    insert = insert_into(connection, access_changes).values(name=name, version=1)
    counted = insert.on_conflict_do_update(index_elements=["name"], set_={"version": access_changes.c.version + 1})
    return int((await connection.execute(counted.returning(access_changes.c.version))).scalar_one())


class SqlChanges:
    """Reads the counters; one small query for all of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self) -> Mapping[str, int]:
        """Version by name; what never changed is missing. Raises `StoreUnavailable`."""
        async with connected(self._engine) as connection:
            rows = (await connection.execute(select(access_changes.c.name, access_changes.c.version))).all()
        return {row.name: row.version for row in rows}
