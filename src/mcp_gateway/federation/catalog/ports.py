"""What the catalog needs of the rest: which servers exist, the way to them, what of theirs may be shown, and to whom."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mcp_gateway.access.policy.model import Action, Decision, Target
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.model import ListKind, LockedKind
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Server, VirtualServer


class Registered(Protocol):
    """The servers there are, in memory. A mapping is never changed: a change makes a new one."""

    @property
    def servers(self) -> Mapping[str, Server]: ...

    @property
    def virtual_servers(self) -> Mapping[str, VirtualServer]: ...

    @property
    def revision(self) -> int:
        """Grows with every change."""
        ...


class Linking(Protocol):
    def link(self, server: Server) -> Link: ...


class Deciding(Protocol):
    """The policy; pure, and quick when asked the same again."""

    def decide(self, caller: Caller, action: Action, target: Target, /) -> Decision: ...

    def may_reach(self, caller: Caller, action: Action, server: str, /) -> bool:
        """False where nothing on this server can be allowed to the caller, whatever its name."""
        ...


class Standing(Protocol):
    """How a definition stands. The same object as long as nothing changed."""

    @property
    def status(self) -> str:
        """ "offered", or else it may not be shown."""
        ...

    @property
    def definition(self) -> JsonObject: ...


class Locked(Protocol):
    """Which definitions may be shown."""

    @property
    def revision(self) -> int:
        """Grows with every change of how a definition stands."""
        ...

    @property
    def names_revision(self) -> int:
        """Grows with every change of what `names` says."""
        ...

    async def observe(self, server: Server, kind: ListKind, items: Sequence[JsonObject]) -> None:
        """To be told of every list that was read, before anything of it is shown."""
        ...

    async def observe_instructions(self, server: Server, text: str) -> None:
        """The same for what it tells every model that uses it, which stands under that very name."""
        ...

    def standing(self, server: str, name: str, kind: LockedKind) -> Standing | None:
        """None for what was never observed."""
        ...

    def names(self, server: str, kind: ListKind) -> Collection[str]:
        """Of all that was ever seen of it, by whatever replica; what is held back too."""
        ...

    def offered(self, server: str, items: Sequence[JsonObject], kind: ListKind) -> list[JsonObject]:
        """Those that may be shown, the same objects in the same order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """All of it. `policy_version` changes when the policy decides anything otherwise than before. `everybody_alike`: there is one
    caller only (`LOGIN=none`), so what is shown may be kept by anybody. `key` seals task ids and is the same on every replica.
    `info` is the gateway's own serverInfo. `limit` takes a caller and what they do, and raises where that is too much.
    """

    registry: Registered
    links: Linking
    deciding: Deciding
    policy_version: Callable[[], str]
    clock: Clock
    key: bytes = field(repr=False)
    info: JsonObject
    definitions: Locked | None = None
    everybody_alike: bool = False
    limit: Callable[[Caller, str], Awaitable[object]] | None = None
