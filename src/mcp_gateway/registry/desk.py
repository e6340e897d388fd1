"""What every use case of the registry does alike: who may see and change what, and that it is written down."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from mcp_gateway.access.act import Act, FaceName
from mcp_gateway.access.governor import Governor
from mcp_gateway.access.policy.model import Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.errors import ServerNotFound
from mcp_gateway.registry.held import Held
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.plans import is_in_reach
from mcp_gateway.registry.ports import Put, Remove
from mcp_gateway.registry.register import Register

Item = TypeVar("Item", Server, VirtualServer)
Result = TypeVar("Result")


class Desk:
    """Use cases of servers and of virtual servers stand on one."""

    def __init__(self, register: Register, governor: Governor, clock: Clock) -> None:
        self.register, self._governor, self._clock = register, governor, clock

    @property
    def held(self) -> Held:
        return self.register.held

    def may_see(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Of the caller's tenant or of all, and the policy lets them see it. Nothing is written down."""
        if item.tenant not in ("", caller.tenant):
            return False
        return self._governor.decide(caller, "see_servers", Target(server=item.name)).allowed

    def may_manage(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Whether the caller could change it, where it is stored. Nothing is written down."""
        return self.sees_details(caller, item) and item.source == "store"

    def sees_details(self, caller: Caller, item: Server | VirtualServer) -> bool:
        """Who could change it if it were stored. Nothing is written down."""
        mine = is_in_reach(self.held, caller, item)
        return mine and self._governor.decide(caller, "manage_servers", Target(server=item.name)).allowed

    def visible(self, caller: Caller, items: Mapping[str, Item]) -> list[Item]:
        """By name."""
        return [items[name] for name in sorted(items) if self.may_see(caller, items[name])]

    def find(self, caller: Caller, items: Mapping[str, Item], name: str) -> Item:
        """Raises `ServerNotFound`, also for one the caller may not see."""
        item = items.get(name)
        if item is None or not self.may_see(caller, item):
            raise ServerNotFound(name=name[:100])
        return item

    async def carry_out(
        self, caller: Caller, name: str, arguments: Mapping[str, Json], face: FaceName, work: Callable[[], Awaitable[Result]]
    ) -> Result:
        """Decided, done and written down. Raises what the governor and the work raise."""
        act = Act(action="manage_servers", target=Target(server=name[:100]), arguments=arguments, face=face)
        return await self._governor.carry_out(caller, act, work)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.timestamp()

    async def put(self, caller: Caller, plan: Callable[[Held], Item]) -> Item:
        """What the plan makes, stored."""
        at, made = self.now(), list[Item]()

        def put(held: Held) -> Put:
            made[:] = [plan(held)]
            return Put(item=made[0], at=at, by=caller.subject)

        await self.register.change(put)
        return made[0]

    async def remove(self, plan: Callable[[Held], Server | VirtualServer]) -> None:
        await self.register.change(lambda held: Remove(item=plan(held)))
