"""Named selections of tools, reached like a server: every use case of them, for a caller and written down."""

from collections.abc import Sequence

from mcp_gateway.access.act import FaceName
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry import plans
from mcp_gateway.registry.desk import Desk
from mcp_gateway.registry.model import VirtualServer
from mcp_gateway.registry.orders import VirtualChange, VirtualOrder
from mcp_gateway.registry.showing import audited_virtual


class VirtualServers:
    """All raise what the governor and the store raise."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, caller: Caller) -> Sequence[VirtualServer]:
        """What the caller may see, by name."""
        return self._desk.visible(caller, self._desk.held.virtual_servers)

    def find(self, caller: Caller, name: str) -> VirtualServer:
        """Raises `ServerNotFound`, also for one the caller may not see."""
        return self._desk.find(caller, self._desk.held.virtual_servers, name)

    async def add(self, caller: Caller, order: VirtualOrder, *, face: FaceName = "http") -> VirtualServer:
        """Raises `InvalidServer`, `ServerNameTaken`, `TooManyServers`."""

        async def work() -> VirtualServer:
            return await self._desk.put(caller, lambda held: plans.plan_virtual_addition(held, caller, order))

        return await self._desk.carry_out(caller, order.name, audited_virtual("add", order), face, work)

    async def update(
        self,
        caller: Caller,
        name: str,
        change: VirtualChange,
        *,
        expected_version: int | None = None,
        face: FaceName = "http",
    ) -> VirtualServer:
        """Raises `ServerNotFound`, `ServerChanged`, `ServerWrittenDown`, `InvalidServer`."""

        async def work() -> VirtualServer:
            return await self._desk.put(
                caller, lambda held: plans.plan_virtual_change(held, caller, name, change, expected_version=expected_version)
            )

        return await self._desk.carry_out(caller, name, audited_virtual("update", change), face, work)

    async def remove(self, caller: Caller, name: str, *, expected_version: int | None = None, face: FaceName = "http") -> None:
        """Raises `ServerNotFound`, `ServerChanged`, `ServerWrittenDown`."""

        async def work() -> None:
            await self._desk.remove(lambda held: plans.changeable(held.virtual_servers, held, caller, name, expected_version))

        await self._desk.carry_out(caller, name, {"remove": name}, face, work)
