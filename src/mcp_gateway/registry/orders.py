"""What callers ask of the registry, as values. None of them can hold a command: those come from the servers file alone."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mcp_gateway.registry.inspection import Inspection
from mcp_gateway.registry.model import Credential, DriftRule, Selected, Server, ServerLimits

RemoteTransport: TypeAlias = Literal["http", "sse"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOrder:
    """A server to register. `tenant` None: the caller's own, or every tenant when the caller is an operator."""

    name: str
    url: str = field(repr=False)
    transport: RemoteTransport = "http"
    title: str = ""
    description: str = ""
    tenant: str | None = None
    enabled: bool = True
    prefix: str = ""
    credential: Credential = field(default_factory=Credential)
    limits: ServerLimits = field(default_factory=ServerLimits)
    drift: DriftRule = "approve"
    check_arguments: bool = True
    mask: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerChange:
    """What to change; None leaves it as it is. `credential` of kind "none" takes the credential away."""

    url: str | None = field(default=None, repr=False)
    transport: RemoteTransport | None = None
    title: str | None = None
    description: str | None = None
    enabled: bool | None = None
    prefix: str | None = None
    credential: Credential | None = None
    limits: ServerLimits | None = None
    drift: DriftRule | None = None
    check_arguments: bool | None = None
    mask: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualOrder:
    """A virtual server to make. `tenant` as in a `ServerOrder`."""

    name: str
    title: str = ""
    instructions: str = ""
    tenant: str | None = None
    tools: tuple[Selected, ...] = ()
    resources: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualChange:
    """What to change; None leaves it as it is."""

    title: str | None = None
    instructions: str | None = None
    tools: tuple[Selected, ...] | None = None
    resources: tuple[str, ...] | None = None
    prompts: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """A server as it now is, and what looking at it found; None: nobody looked."""

    server: Server
    inspection: Inspection | None = None
