"""The store of the trail as it is read: with every line that was told before the question."""

from collections.abc import Awaitable, Callable, Sequence

from mcp_gateway.access.audit.model import AuditLine, Head, Seal, StoredRow
from mcp_gateway.access.audit.ports import AuditStore
from mcp_gateway.access.audit.search import Search


class SettledAudit:
    """Implements `AuditStore`. `settle` waits, for a bounded time, until what was told is in the store."""

    def __init__(self, store: AuditStore, settle: Callable[[], Awaitable[None]]) -> None:
        self._store, self._settle = store, settle

    async def append(self, lines: Sequence[AuditLine]) -> None:
        await self._settle()
        await self._store.append(lines)

    async def tenants(self) -> tuple[str, ...]:
        await self._settle()
        return await self._store.tenants()

    async def head(self, tenant: str) -> Head | None:
        await self._settle()
        return await self._store.head(tenant)

    async def read(self, tenant: str, *, after: int, limit: int) -> Sequence[StoredRow]:
        await self._settle()
        return await self._store.read(tenant, after=after, limit=limit)

    async def search(self, search: Search) -> Sequence[StoredRow]:
        await self._settle()
        return await self._store.search(search)

    async def seals(self, tenant: str) -> Sequence[Seal]:
        return await self._store.seals(tenant)

    async def add_seal(self, seal: Seal) -> None:
        await self._store.add_seal(seal)

    async def remove_through(self, tenant: str, sequence: int) -> int:
        return await self._store.remove_through(tenant, sequence)
