"""What the servers file says, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.registry.model import Server, VirtualServer

Network: TypeAlias = IPv4Network | IPv6Network

DEFAULT_OPERATORS: Final = frozenset({LOCAL_CALLER.tenant})
DEFAULT_DIRECTORY: Final = "https://registry.modelcontextprotocol.io"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryOptions:
    """`operators` are the tenants whose administrators may make servers for every tenant. `directory` is the public registry
    that names of the form `com.example/server` are looked up in. `exchanges` are origins whose token endpoints may be handed
    callers' tokens (RFC 8693) by servers that are registered over the API; those of the file name theirs themselves."""

    operators: frozenset[str] = DEFAULT_OPERATORS
    exchanges: frozenset[str] = frozenset()
    directory: str = DEFAULT_DIRECTORY


@dataclass(frozen=True, kw_only=True, slots=True)
class ServersConfiguration:
    """The whole file; without one, its defaults. `allowed_networks` are the inner ones that servers may be in."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    virtual_servers: Mapping[str, VirtualServer] = field(default_factory=dict)
    allowed_networks: tuple[Network, ...] = ()
    options: RegistryOptions = field(default_factory=RegistryOptions)
