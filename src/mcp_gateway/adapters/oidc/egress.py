"""Which addresses a request to a provider may reach. Judged on the resolved address, at the moment of use.

A provider's metadata names further addresses, so a provider that was taken over could send the gateway into the network it runs
in. Public addresses are allowed; inner ones only where the configuration says so.
"""

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from mcp_gateway.adapters.oidc.errors import ProviderUnusable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_CHARS = 2_048
NO_ADDRESS = "it is no address"
# An IPv4 address travels inside these, so what they reach is not what they look like (CVE-2026-44430).
_WRAPPING = tuple(ipaddress.IPv6Network(net) for net in ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96"))
# Belongs to hosts and clouds themselves, which answer without asking who calls.
_NEVER = tuple(
    ipaddress.ip_network(net) for net in ("169.254.0.0/16", "fe80::/10", "fec0::/10", "fd00:ec2::254/128", "0.0.0.0/8")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Egress:
    """`home` is the configured issuer's host: it alone may be loopback, and only when it is named as such.

    `allow_private` lets every request to this provider reach private addresses. Link-local ones stay out of reach.
    """

    home: str
    allow_private: bool = False

    def check_url(self, url: str) -> SplitResult:
        """The parts of the address. Raises `ProviderUnusable`: not https (but for a provider on loopback), or not plain."""
        if len(url) > MAX_URL_CHARS or not url.isascii() or any(ord(one) <= 32 for one in url):
            raise ProviderUnusable("address", "The address is too long or has characters that do not belong there.")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ProviderUnusable("address", "The address cannot be read.") from error
        if not host or parts.username is not None or parts.fragment:
            raise ProviderUnusable("address", "The address needs a host, and neither user name nor fragment.", url=url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self._own_loopback(host)):
            raise ProviderUnusable("address", f"{host} must be reached by https; only loopback may go without.", url=url)
        return parts

    def refusal(self, host: str, address: str) -> str | None:
        """Why this address, which `host` resolved to, must not be connected to; None when it may."""
        ip = _plain(address)
        if ip is None:
            return NO_ADDRESS
        if ip.is_loopback:
            return None if self.allow_private or self._own_loopback(host) else "it is this machine itself"
        if ip.is_multicast or ip.is_unspecified or any(_within(ip, net) for net in _NEVER):
            return "it is link-local, multicast or nobody's"
        if any(_within(ip, net) for net in _WRAPPING):
            return "another address is wrapped in it (6to4, NAT64, Teredo)"
        if not ip.is_global and not self.allow_private:
            return "it is a private address"
        return None

    def _own_loopback(self, host: str) -> bool:
        return host.lower() == self.home.lower() and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name, without asking anyone."""
    if host.lower() == "localhost":
        return True
    ip = _plain(host)
    return ip is not None and ip.is_loopback


def _plain(address: str) -> Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def _within(ip: Address, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return ip.version == network.version and ip in network
