"""The registry: which servers there are, and every use case that changes them, for a caller and written down.

Callers see and change what belongs to their own tenant or to all of them, as far as the policy lets them; what belongs to every
tenant is changed by operators alone. What stands in the servers file or in the program is changed by nobody here.
"""

from collections.abc import Callable, Mapping, Sequence

from mcp_gateway.access.act import FaceName
from mcp_gateway.access.governor import Governor
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry import plans
from mcp_gateway.registry.configuration.model import Network, RegistryOptions
from mcp_gateway.registry.desk import Desk
from mcp_gateway.registry.inspection import Inspection
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.official.errors import NotInRegistry
from mcp_gateway.registry.official.reading import Found
from mcp_gateway.registry.orders import Registered, ServerChange, ServerOrder
from mcp_gateway.registry.ports import Directory, Fault, Forgetting, Inspecting, Refreshing
from mcp_gateway.registry.register import Register
from mcp_gateway.registry.showing import audited_change, audited_order, origin
from mcp_gateway.registry.virtual_servers import VirtualServers


class Registry:
    """Made by `wiring/registry.py`. Use cases raise what the governor and the store raise, and the errors of `errors.py`."""

    def __init__(self, register: Register, governor: Governor, clock: Clock) -> None:
        self._register = register
        self._desk = Desk(register, governor, clock)
        self._inspecting: Inspecting | None = None
        self._refreshing: Refreshing | None = None
        self._forgetting: Forgetting | None = None
        self._directory: Directory | None = None
        self.virtual = VirtualServers(self._desk)

    @property
    def servers(self) -> Mapping[str, Server]:
        """All of them by name, of every tenant, enabled or not: a snapshot that never changes."""
        return self._register.held.servers

    @property
    def virtual_servers(self) -> Mapping[str, VirtualServer]:
        """As `servers`."""
        return self._register.held.virtual_servers

    @property
    def faults(self) -> Mapping[str, Fault]:
        """By name, what is odd about it."""
        return self._register.held.faults

    @property
    def allowed_networks(self) -> Sequence[Network]:
        """Inner networks that servers may be in."""
        return self._register.held.allowed_networks

    @property
    def options(self) -> RegistryOptions:
        return self._register.held.options

    @property
    def revision(self) -> int:
        """Grows with every change, wherever it was made. It counts on this replica alone."""
        return self._register.revision

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Told after every change, when the new snapshot is there. It must neither wait nor raise. The call returned ends it."""
        return self._register.follow(listener)

    def attach(
        self,
        *,
        inspecting: Inspecting | None = None,
        refreshing: Refreshing | None = None,
        forgetting: Forgetting | None = None,
        directory: Directory | None = None,
    ) -> None:
        """Parts that need a registry to be made themselves; without them nobody looks, and nothing is forgotten."""
        self._inspecting = inspecting or self._inspecting
        self._refreshing = refreshing or self._refreshing
        self._forgetting = forgetting or self._forgetting
        self._directory = directory or self._directory

    async def reload(self) -> bool:
        """Read again what moved; whether anything is different now."""
        return await self._register.reload()

    def may_see(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Of the caller's tenant or of all, and the policy lets them see it. Nothing is written down."""
        return self._desk.may_see(caller, item)

    def may_manage(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Whether the caller could change it, where it is stored. Nothing is written down."""
        return self._desk.may_manage(caller, item)

    def sees_details(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Whether the caller is told addresses and presets: those who manage servers, of their own tenant or as operators."""
        return self._desk.sees_details(caller, item)

    def list(self, caller: Caller) -> Sequence[Server]:
        """What the caller may see, by name."""
        return self._desk.visible(caller, self.servers)

    def find(self, caller: Caller, name: str) -> Server:
        """Raises `ServerNotFound`, also for one the caller may not see."""
        return self._desk.find(caller, self.servers, name)

    async def catch_up(self, caller: Caller, name: str) -> None:
        """Take over what other replicas changed, unless a server of this name is known to the caller already: whoever just made
        one at another replica finds it. Raises what the store raises."""
        held = self._register.held
        item = held.servers.get(name) or held.virtual_servers.get(name)
        if item is None or not self.may_see(caller, item):
            await self._register.catch_up()

    async def add(self, caller: Caller, order: ServerOrder, *, look: bool = True, face: FaceName = "http") -> Registered:
        """Register it, and tell what it is like. It stays registered whatever was found.

        Raises `InvalidServer`, `ServerNameTaken`, `TooManyServers`.
        """

        async def work() -> Registered:
            server = await self._desk.put(caller, lambda held: plans.plan_addition(held, caller, order, at=self._desk.now()))
            return await self._looked_at(caller, server, look=look and server.enabled)

        return await self._desk.carry_out(caller, order.name, audited_order(order), face, work)

    async def look_up(self, caller: Caller, name: str, listed: str, *, at: str = "", face: FaceName = "http") -> Found:
        """What a registry says of its server `listed`, to be registered here as `name`. `at` "": the one of the servers file.

        Only whoever is on this machine may name another. Raises what `Directory.look_up` raises.
        """

        async def work() -> Found:
            if self._directory is None:
                raise NotInRegistry("No registry is asked here.")
            return await self._directory.look_up(at or self.options.directory, listed)

        return await self._desk.carry_out(caller, name, {"look_up": listed, "at": origin(at)}, face, work)

    async def update(
        self,
        caller: Caller,
        name: str,
        change: ServerChange,
        *,
        expected_version: int | None = None,
        look: bool = True,
        face: FaceName = "http",
    ) -> Registered:
        """Change it, if it is still at the version expected; None: whatever version it is at.

        Raises `ServerNotFound`, `ServerChanged`, `ServerWrittenDown`, `InvalidServer`, `CredentialLost`.
        """

        async def work() -> Registered:
            server = await self._desk.put(
                caller, lambda held: plans.plan_change(held, caller, name, change, expected_version=expected_version)
            )
            return await self._looked_at(caller, server, look=look and server.enabled)

        return await self._desk.carry_out(caller, name, audited_change(change), face, work)

    async def enable(self, caller: Caller, name: str, *, face: FaceName = "http") -> Server:
        return (await self.update(caller, name, ServerChange(enabled=True), look=False, face=face)).server

    async def disable(self, caller: Caller, name: str, *, face: FaceName = "http") -> Server:
        """From now on it offers nothing, on every replica within half a second."""
        return (await self.update(caller, name, ServerChange(enabled=False), look=False, face=face)).server

    async def remove(
        self,
        caller: Caller,
        name: str,
        *,
        expected_version: int | None = None,
        force: bool = False,
        face: FaceName = "http",
    ) -> None:
        """Raises `ServerNotFound`, `ServerChanged`, `ServerWrittenDown`, and `ServerInUse` unless `force`."""

        async def work() -> None:
            await self._desk.remove(
                lambda held: plans.plan_removal(held, caller, name, expected_version=expected_version, force=force)
            )
            if self._forgetting is not None:
                await self._forgetting.forget(name)

        await self._desk.carry_out(caller, name, {"remove": name, "force": force}, face, work)

    async def test(self, caller: Caller, name: str, *, face: FaceName = "http") -> Registered:
        """Look at it again; nothing is changed. Raises `ServerNotFound`."""

        async def work() -> Registered:
            await self._register.catch_up()
            return await self._looked_at(caller, self.find(caller, name))

        return await self._desk.carry_out(caller, name, {"test": name}, face, work)

    async def refresh(self, caller: Caller, name: str, *, face: FaceName = "http") -> Registered:
        """Forget what is kept of it, on every replica, and look at it again. Raises `ServerNotFound`."""

        async def work() -> Registered:
            await self._register.catch_up()
            server = self.find(caller, name)
            if self._refreshing is not None:
                await self._refreshing.refresh(server)
            return await self._looked_at(caller, server)

        return await self._desk.carry_out(caller, name, {"refresh": name}, face, work)

    async def _looked_at(self, caller: Caller, server: Server, *, look: bool = True) -> Registered:
        inspection: Inspection | None = None
        sound = self.faults.get(server.name) in (None, "hides_another")
        if look and sound and self._inspecting is not None:
            inspection = await self._inspecting.inspect(server, caller)
        return Registered(server=server, inspection=inspection)
