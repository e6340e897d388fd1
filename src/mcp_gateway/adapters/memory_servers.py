"""Registered servers that live and die with the process."""

from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.ports import Put, StoreChange, StoredRegistry


class MemoryServers:
    """Implements `registry.ports.ServerStore`."""

    def __init__(self) -> None:
        self._revision = 0
        self._servers: dict[str, Server] = {}
        self._virtual: dict[str, VirtualServer] = {}

    async def read_revision(self) -> int:
        return self._revision

    async def read_all(self) -> StoredRegistry:
        return StoredRegistry(revision=self._revision, servers=dict(self._servers), virtual_servers=dict(self._virtual))

    async def write(self, change: StoreChange, *, expected_revision: int) -> bool:
        if self._revision != expected_revision:
            return False
        self._revision += 1
        item = change.item
        if isinstance(item, Server):
            self._servers.pop(item.name, None)
            self._servers |= {item.name: item} if isinstance(change, Put) else {}
        else:
            self._virtual.pop(item.name, None)
            self._virtual |= {item.name: item} if isinstance(change, Put) else {}
        return True
