"""What the registry needs from outside: its store, its file, and somebody who looks at a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.configuration.model import ServersConfiguration
from mcp_gateway.registry.inspection import Inspection
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.official.reading import Found

# What is odd about a name; a server that "hides_another" is sound itself.
Fault: TypeAlias = Literal["unreadable", "credential_lost", "hides_another"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRegistry:
    """All that is stored, by name, of every tenant, and the revision it is of or of a later one.

    `faults` names servers whose row ("unreadable") or credential cannot be used; they are among the servers all the same,
    disabled and without it, so that their names stay taken and somebody can see and mend them.
    """

    revision: int = 0
    servers: Mapping[str, Server] = field(default_factory=dict)
    virtual_servers: Mapping[str, VirtualServer] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Put:
    """Add it, or replace the one of its name. `at` in seconds since 1970, `by` a subject."""

    item: Server | VirtualServer
    at: float
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Remove:
    """Forget it, and of a server all that was approved of it: whoever gets the name next is another one."""

    item: Server | VirtualServer


StoreChange: TypeAlias = Put | Remove


class ServerStore(Protocol):
    """Keeps what is registered while the gateway runs, with one revision that counts every change on whichever replica.

    Secrets are sealed before they are written. Raises `StoreUnavailable` when the store does not answer.
    """

    async def read_revision(self) -> int:
        """0 before the first change."""
        ...

    async def read_all(self) -> StoredRegistry: ...

    async def write(self, change: StoreChange, *, expected_revision: int) -> bool:
        """False: the registry is at another revision, and nothing was written."""
        ...


class ServerFile(Protocol):
    """The servers an operator wrote down."""

    async def reload(self) -> ServersConfiguration | None:
        """The new ones when the file changed and is good; None otherwise. What is wrong with a refused file is logged."""
        ...


class Inspecting(Protocol):
    """Connects to a server and tells what it finds. Runs nothing, calls no tool."""

    async def inspect(self, server: Server, caller: Caller, /) -> Inspection:
        """As it shows itself to this caller. Never raises for what is wrong with the server: that is what it tells."""
        ...


class Refreshing(Protocol):
    """Makes every replica forget what it kept of a server, so that it is asked anew."""

    async def refresh(self, server: Server, /) -> None: ...


class Directory(Protocol):
    """Looks names up in registries like the official one."""

    async def look_up(self, registry: str, name: str, /) -> Found:
        """`registry` is its address. Raises `NotInRegistry`, `NoRemote`, `RegistryAnswerOdd`, and what a broken link raises."""
        ...


class Forgetting(Protocol):
    """Forgets what was approved of a server that is no more, so that another one of its name begins anew."""

    async def forget(self, server: str, /) -> None: ...
