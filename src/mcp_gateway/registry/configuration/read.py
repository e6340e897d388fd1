"""The servers file as values, strictly: every fault with its line and its remedy, and nothing used of a file that has one."""

import ipaddress
from collections.abc import Mapping
from typing import Final

import yaml

from mcp_gateway.core.configuration.faults import sorted_by_line
from mcp_gateway.core.configuration.nodes import Faults, compose, is_null
from mcp_gateway.core.configuration.section import Section
from mcp_gateway.registry.configuration.model import Network, RegistryOptions, ServersConfiguration
from mcp_gateway.registry.configuration.read_server import read_server
from mcp_gateway.registry.configuration.read_virtual import read_virtual
from mcp_gateway.registry.errors import ServersFileInvalid
from mcp_gateway.registry.model import Server, VirtualServer
from mcp_gateway.registry.showing import origin

MAX_SERVERS: Final = 5_000
MAX_NETWORKS: Final = 200
# So wide a network is a mistake: the public addresses in it are reachable anyway.
_WIDEST: Final[Mapping[int, int]] = {4: 4, 6: 7}


def read_servers(text: str, *, file: str = "servers", environment: Mapping[str, str] | None = None) -> ServersConfiguration:
    """`environment` serves `${VAR}`; `file` is a name for messages. An empty text says nothing, which is allowed.

    Raises `ServersFileInvalid` with every fault, in the order of their lines.
    """
    faults = Faults(file, environment or {})
    node = compose(text, faults)
    read = ServersConfiguration() if node is None or is_null(node) else _read_root(node, faults)
    if faults.found:
        raise ServersFileInvalid(sorted_by_line(faults.found))
    return read


def _read_root(node: yaml.Node, faults: Faults) -> ServersConfiguration:
    root = Section(node, "", faults)
    servers = _read_all_servers(root)
    read = ServersConfiguration(
        servers=servers,
        virtual_servers=_read_all_virtual(root, servers),
        allowed_networks=_read_networks(root),
        options=_read_options(root),
    )
    if isinstance(node, yaml.MappingNode):
        root.refuse_unknown_keys()
    return read


def _read_all_servers(root: Section) -> dict[str, Server]:
    section = root.section("servers")
    if section is None or _too_many(section):
        return {}
    return {name: read_server(name, _entry(section, name)) for name in section.entries}


def _read_all_virtual(root: Section, servers: Mapping[str, Server]) -> dict[str, VirtualServer]:
    section = root.section("virtual_servers")
    if section is None or _too_many(section):
        return {}
    for name in section.entries:
        if name in servers:
            problem, fix = "has the name of a server", "Give it another; both have an address below /servers/."
            section.faults.note(section.entries[name][0], section.child(name), problem, fix)
    return {name: read_virtual(name, _entry(section, name)) for name in section.entries}


def _entry(section: Section, name: str) -> Section:
    """What stands below a name; the name's own place where nothing does, so that a fault has a line."""
    return section.section(name) or Section(section.entries[name][1], section.child(name), section.faults)


def _too_many(section: Section) -> bool:
    if len(section.entries) <= MAX_SERVERS:
        return False
    section.faults.note(section.node, section.path, f"has over {MAX_SERVERS:,} entries", "Register some over the API.")
    return True


def _read_networks(root: Section) -> tuple[Network, ...]:
    words = root.texts("allowed_networks", strict=False)
    node = root.value("allowed_networks")
    if len(words) > MAX_NETWORKS:
        root.faults.note(node, "allowed_networks", f"has over {MAX_NETWORKS} entries", "Name wider networks.")
    read: list[Network] = []
    for at, word in enumerate(words[:MAX_NETWORKS]):
        place = node.value[at] if isinstance(node, yaml.SequenceNode) and at < len(node.value) else node
        path = f"allowed_networks[{at}]"
        try:
            network = ipaddress.ip_network(word.strip())
        except ValueError:
            fix = "Write it as 10.20.0.0/16 or fd12:3456::/32, with no bits set behind the mask."
            root.faults.note(place, path, "is no network", fix)
            continue
        if network.prefixlen < _WIDEST[network.version]:
            root.faults.note(place, path, "is most of the internet", "Name the network your servers are in.")
        read.append(network)
    return tuple(read)


def _read_options(root: Section) -> RegistryOptions:
    section, default = root.section("registry"), RegistryOptions()
    if section is None:
        return default
    named = section.value("operators") is not None
    operators = frozenset(section.texts("operators", strict=False))
    directory = section.text("directory") or default.directory
    if not directory.startswith(("https://", "http://")):
        fix = "Write https://HOST, the public registry to look names up in."
        section.faults.note(section.value("directory"), section.child("directory"), "is no address", fix)
    exchanges = frozenset(one.rstrip("/") for one in section.texts("exchanges"))
    if any(origin(one) != one or not one.startswith("https://") for one in exchanges):
        fix = "Write https://HOST of each token endpoint, without a path."
        section.faults.note(section.value("exchanges"), section.child("exchanges"), "has one that is no origin", fix)
    section.refuse_unknown_keys()
    return RegistryOptions(
        operators=operators if named else default.operators, exchanges=exchanges, directory=directory.rstrip("/")
    )
