"""Which addresses a request to a provider may reach: the rules of `adapters/egress.py`, and what a provider alone may do.

A provider's metadata names further addresses, so a provider that was taken over could send the gateway into the network it runs
in. Public addresses are allowed; inner ones only where the configuration says so.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mcp_gateway.adapters.egress import MAX_URL_CHARS, NO_ADDRESS, never, plain, public
from mcp_gateway.adapters.oidc.errors import ProviderUnusable


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
        ip = plain(address)
        if ip is None:
            return NO_ADDRESS
        if ip.is_loopback:
            return None if self.allow_private or self._own_loopback(host) else "it is this machine itself"
        if reason := never(ip):
            return reason
        return None if public(ip) or self.allow_private else "it is a private address"

    def _own_loopback(self, host: str) -> bool:
        return host.lower() == self.home.lower() and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name, without asking anyone."""
    if host.lower() == "localhost":
        return True
    ip = plain(host)
    return ip is not None and ip.is_loopback
