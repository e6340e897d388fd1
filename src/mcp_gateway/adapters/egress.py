"""Which addresses a request of the gateway may reach. Judged on the resolved address, at the moment of use.

Whoever registers a server, or runs one that was taken over, could otherwise send the gateway into the network it runs in.
Public addresses are allowed; inner ones only where the configuration names their network. This module resolves nothing and
connects to nothing: whoever does connects to the very address that was judged here.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL_CHARS = 2_048
NO_ADDRESS = "it is no address"
# An IPv4 address travels inside these, so what they reach is not what they look like (CVE-2026-44430).
_WRAPPING: tuple[Network, ...] = tuple(
    ipaddress.IPv6Network(net) for net in ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96", "::ffff:0:0:0/96")
)
# Belongs to hosts and clouds themselves, which answer without asking who calls.
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("169.254.0.0/16", "fe80::/10", "fec0::/10", "fd00:ec2::254/128", "0.0.0.0/8", "255.255.255.255/32"),
        # Azure's, in the middle of the public ones: it hands out a machine's configuration.
        "168.63.129.16/32",
    )
)
# Set aside by IANA for other things than hosts of the internet; the interpreter learned of some of them only lately.
_SET_ASIDE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "100::/64",
        "2001:2::/48",
        "2001:10::/28",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
    )
)
# All of IPv6 that is given to hosts of the internet; a translated IPv4 address (SIIT, RFC 2765) lies outside of it.
_UNICAST = ipaddress.IPv6Network("2000::/3")
LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Egress:
    """`allow` are the inner networks that may be reached.

    A network that holds a dangerous one among much else does not open it: metadata addresses, say, are reached only through an
    entry that lies inside their own network.
    """

    allow: tuple[Network, ...] = ()

    def refusal(self, address: str) -> str | None:
        """Why this address must not be connected to; None when it may."""
        ip = plain(address)
        if ip is None:
            return NO_ADDRESS
        danger, reason = _danger(ip)
        if reason is None:
            return None
        return None if any(_opens(net, ip, danger) for net in self.allow) else reason

    def inner(self, address: str) -> bool:
        """Whether the address lies in a network the configuration calls its own."""
        ip = plain(address)
        return ip is not None and any(within(ip, net) for net in self.allow)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises `ValueError`, naming the text that is no network."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def plain(address: str) -> Address | None:
    """The address without its zone, an IPv4 one taken out of its IPv6 form; None for anything else."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def within(ip: Address, network: Network) -> bool:
    return ip.version == network.version and ip in network


def public(ip: Address) -> bool:
    if ip.version == 6 and not within(ip, _UNICAST):
        return False
    return ip.is_global and not any(within(ip, net) for net in _SET_ASIDE)


def never(ip: Address) -> str | None:
    """Why no configuration that speaks of private addresses in general opens this one."""
    danger, reason = _danger(ip)
    return reason if danger is not None else None


def _danger(ip: Address) -> tuple[Network | None, str | None]:
    """The reason against an address, and the network an entry must lie in to overrule it; None for any network."""
    if ip.is_loopback:
        return None, "it is this machine itself"
    for nets, reason in (
        (_NEVER, "it is link-local, multicast or nobody's"),
        (_WRAPPING, "another address is wrapped in it (6to4, NAT64, Teredo)"),
    ):
        for net in nets:
            if within(ip, net):
                return net, reason
    if ip.is_multicast or ip.is_unspecified:
        return _host(ip), "it is link-local, multicast or nobody's"
    return None, None if public(ip) else "it is a private address"


def _host(ip: Address) -> Network:
    return ipaddress.ip_network(ip)


def _opens(network: Network, ip: Address, danger: Network | None) -> bool:
    if not within(ip, network):
        return False
    return danger is None or (network.version == danger.version and network.prefixlen >= danger.prefixlen)
