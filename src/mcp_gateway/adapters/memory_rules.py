"""Stored rules, roles and row filters that live and die with the process."""

from mcp_gateway.access.policy.ports import Kind, StoredStatement, StoredStatements


class MemoryRules:
    """Implements `access.policy.ports.RuleStore`."""

    def __init__(self) -> None:
        self._version = 0
        self._held: dict[tuple[str, str, str], StoredStatement] = {}

    async def read_version(self) -> int:
        return self._version

    async def read_all(self) -> StoredStatements:
        return StoredStatements(version=self._version, held=tuple(self._held[key] for key in sorted(self._held)))

    async def put(self, statement: StoredStatement, *, expected_version: int) -> bool:
        if self._version != expected_version:
            return False
        self._version += 1
        self._held[statement.tenant, statement.kind, statement.id] = statement
        return True

    async def remove(self, tenant: str, kind: Kind, identity: str, *, expected_version: int) -> bool:
        if self._version != expected_version:
            return False
        self._version += 1
        self._held.pop((tenant, kind, identity), None)
        return True
