"""Registered servers in the gateway's own store, seen by every replica, their secrets sealed."""

from typing import Any, Final

from sqlalchemy import Row, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.base import Executable

from mcp_gateway.adapters.sealing import Sealing
from mcp_gateway.adapters.sql.changes import ChangeName
from mcp_gateway.adapters.sql.connections import connected
from mcp_gateway.adapters.sql.definitions import forget_definitions
from mcp_gateway.adapters.sql.schema import access_changes, registry_servers, registry_virtual_servers
from mcp_gateway.adapters.sql.server_rows import read_server, read_virtual, server_values, virtual_body
from mcp_gateway.adapters.sql.tenant_check import across_tenants
from mcp_gateway.adapters.sql.upsert import insert_into
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.ports import Fault, Put, StoreChange, StoredRegistry

_REGISTRY: Final[ChangeName] = "registry"
_CHANGING: Final = frozenset({"body", "sealed", "version", "updated_at", "updated_by"})


class SqlServers:
    """Implements `registry.ports.ServerStore`; raises `StoreUnavailable` when the store does not answer."""

    def __init__(self, engine: AsyncEngine, sealing: Sealing) -> None:
        self._engine, self._sealing = engine, sealing
        # What rows were read as, by their whole text: few of many change at a time.
        self._known: dict[str, tuple[tuple[object, ...], Server, Fault | None]] = {}

    async def read_revision(self) -> int:
        async with connected(self._engine) as connection:
            return await _revision(connection)

    async def read_all(self) -> StoredRegistry:
        """The revision is read first: a change in between is seen as one more to read, never missed."""
        async with connected(self._engine) as connection:
            revision = await _revision(connection)
            with across_tenants("servers of every tenant are held together"):
                servers = (await connection.execute(select(registry_servers))).all()
                virtual = (await connection.execute(select(registry_virtual_servers))).all()
        self._known = {row.name: self._known[row.name] for row in servers if row.name in self._known}
        faults: dict[str, Fault] = {}
        held: dict[str, Server] = {}
        for row in servers:
            held[row.name], fault = self._read(row)
            faults |= {row.name: fault} if fault else {}
        selections: dict[str, VirtualServer] = {}
        for row in virtual:
            selections[row.name], fault = read_virtual(row)
            faults |= {row.name: fault} if fault else {}
        return StoredRegistry(revision=revision, servers=held, virtual_servers=selections, faults=faults)

    def _read(self, row: Row[tuple[object, ...]]) -> tuple[Server, Fault | None]:
        known, text = self._known.get(row.name), tuple(row)
        if known is None or known[0] != text:
            known = self._known[row.name] = (text, *read_server(row, self._sealing))
        return known[1:]

    async def write(self, change: StoreChange, *, expected_revision: int) -> bool:
        async with connected(self._engine, writing=True) as connection:
            if not await _count_up(connection, expected_revision):
                return False
            if isinstance(change, Put):
                await self._put(connection, change)
            else:
                await _remove(connection, change.item)
        return True

    async def _put(self, connection: AsyncConnection, change: Put) -> None:
        item = change.item
        values: dict[str, Any] = {
            "name": item.name,
            "tenant": item.tenant,
            "version": item.version,
            "created_at": change.at,
            "created_by": change.by,
            "updated_at": change.at,
            "updated_by": change.by,
        }
        if isinstance(item, Server):
            values |= {**server_values(item, self._sealing), "created_at": item.created_at, "created_by": item.created_by}
        else:
            values["body"] = virtual_body(item)
        table = _table(item)
        insert = insert_into(connection, table).values(values)
        new = {name: insert.excluded[name] for name in values if name in _CHANGING}
        await connection.execute(
            insert.on_conflict_do_update(index_elements=["name"], set_=new, where=table.c.tenant == item.tenant)
        )


async def _remove(connection: AsyncConnection, item: Server | VirtualServer) -> None:
    table = _table(item)
    await connection.execute(delete(table).where(table.c.name == item.name, table.c.tenant == item.tenant))
    if isinstance(item, Server):
        await forget_definitions(connection, item.name)


def _table(item: Server | VirtualServer) -> Table:
    return registry_servers if isinstance(item, Server) else registry_virtual_servers


async def _revision(connection: AsyncConnection) -> int:
    found = (await connection.execute(select(access_changes.c.version).where(access_changes.c.name == _REGISTRY))).scalar()
    return int(found or 0)


async def _count_up(connection: AsyncConnection, expected: int) -> bool:
    """In the transaction of the change, and before it: of two on one revision the second finds it gone, and writes nothing."""
    counted: Executable
    if expected == 0:
        first = insert_into(connection, access_changes).values(name=_REGISTRY, version=1)
        counted = first.on_conflict_do_nothing().returning(access_changes.c.version)
    else:
        this = (access_changes.c.name == _REGISTRY, access_changes.c.version == expected)
        counted = update(access_changes).where(*this).values(version=expected + 1).returning(access_changes.c.version)
    return (await connection.execute(counted)).first() is not None
