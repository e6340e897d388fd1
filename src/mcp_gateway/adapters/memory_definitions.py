"""Definitions that live and die with the process."""

from collections.abc import Sequence

from mcp_gateway.registry.definitions.model import Key, Record
from mcp_gateway.registry.definitions.ports import Change, Read


class MemoryDefinitionStore:
    """Implements `DefinitionStore`."""

    def __init__(self) -> None:
        self._version = 0
        self._records: dict[Key, tuple[int, Record]] = {}
        self._forgotten: dict[str, int] = {}

    async def read_version(self) -> int:
        return self._version

    async def read(self, since: int) -> Read:
        return Read(
            version=self._version,
            records=tuple(record for version, record in self._records.values() if version > since),
            forgotten=() if since < 0 else tuple(server for server, version in self._forgotten.items() if version > since),
        )

    async def write(self, changes: Sequence[Change]) -> int | None:
        for change in changes:
            held = self._records.get(change.record.key)
            if (None if held is None else held[1]) != change.known:
                return None
        self._version += 1
        self._records.update((change.record.key, (self._version, change.record)) for change in changes)
        return self._version

    async def forget(self, server: str) -> None:
        self._version += 1
        self._records = {key: held for key, held in self._records.items() if key.server != server}
        self._forgotten[server] = self._version
