"""What is registered at one moment: built in, written down and stored, as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mcp_gateway.registry.configuration.model import Network, RegistryOptions, ServersConfiguration
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.ports import Fault, StoredRegistry


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Names are of one kind each: no virtual server has the name of a server. `faults` as in a `StoredRegistry`."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    virtual_servers: Mapping[str, VirtualServer] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    allowed_networks: tuple[Network, ...] = ()
    options: RegistryOptions = field(default_factory=RegistryOptions)


def merge(built_in: Sequence[Server], written: ServersConfiguration, stored: StoredRegistry, always: Sequence[Network]) -> Held:
    """Built in before written before stored: what loses its name to another is left out, and the other "hides_another"."""
    servers: dict[str, Server] = {one.name: one for one in built_in}
    virtual: dict[str, VirtualServer] = {}
    hiding: set[str] = set()
    for more, also in ((written.servers, written.virtual_servers), (stored.servers, stored.virtual_servers)):
        before = servers.keys() | virtual.keys()
        hiding |= before & (more.keys() | also.keys())
        servers |= {name: one for name, one in more.items() if name not in before}
        virtual |= {name: one for name, one in also.items() if name not in servers and name not in before}
    return Held(
        servers=servers,
        virtual_servers=virtual,
        faults={**stored.faults, **dict.fromkeys(sorted(hiding), "hides_another")},
        allowed_networks=(*written.allowed_networks, *always),
        options=written.options,
    )
