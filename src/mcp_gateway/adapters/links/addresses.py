"""From a host's name to the addresses that may be connected to: resolved in a moment, judged each time they are used.

An answer of the resolver is kept for a short while, so a burst of connections asks once; the judgement is never kept. Of an
answer with good and bad addresses only the good ones are used.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from mcp_gateway.adapters.egress import MAX_URL_CHARS, Egress, plain
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.core.clock import Clock

# Long enough for a burst, short enough that a changed entry counts soon.
KEPT_SECONDS: Final = 30.0
MAX_KEPT: Final = 1_024

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses the machine's resolver gives, in its order. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A checked URL in pieces. `target` is what stands in the request line, `authority` what stands in the Host header."""

    host: str
    port: int
    secure: bool
    authority: str
    target: str


def place_of(url: str, faults: Faults) -> Place:
    """Raises `AddressRefused` for whatever is not a plain http or https address."""
    parts = _parts(url, faults)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if parts.port is None else f"{shown}:{parts.port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(host=host, port=port, secure=secure, authority=authority, target=target)


def _parts(url: str, faults: Faults) -> SplitResult:
    if len(url) > MAX_URL_CHARS or not url.isascii() or any(ord(one) <= 32 or one == "\x7f" for one in url):
        raise faults.address("its address is too long or has characters that do not belong there")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise faults.address("its address cannot be read") from error
    if parts.scheme not in ("http", "https") or not host:
        raise faults.address("its address is neither http nor https")
    if parts.username is not None or parts.fragment:
        raise faults.address("its address may hold neither user name nor fragment")
    return parts


class Addresses:
    """Shared by all links, so that they share what was resolved."""

    def __init__(self, egress: Callable[[], Egress], *, clock: Clock, resolve: Resolve = system_resolve) -> None:
        """`egress` gives the rules as they are now; the same object as long as they stay."""
        self.egress, self._clock, self._resolve = egress, clock, resolve
        self._kept: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}

    async def of(self, place: Place, faults: Faults, *, secret: bool) -> tuple[str, ...]:
        """What may be connected to now, in the resolver's order. Raises `AddressRefused` and `UpstreamUnreachable`.

        `secret`: something secret will be sent, which must not cross a foreign network in the clear.
        """
        found = await self._found(place, faults)
        egress, in_clear = self.egress(), secret and not place.secure
        refusals = [(address, _refusal(egress, address, in_clear=in_clear)) for address in found]
        allowed = tuple(address for address, refusal in refusals if refusal is None)
        if allowed:
            return allowed
        why = next((text for _, text in refusals if text), "there is no address")
        raise faults.address(f"{place.host} leads to an address that is out of bounds, {why}")

    async def _found(self, place: Place, faults: Faults) -> Sequence[str]:
        if plain(place.host) is not None:
            return (place.host,)
        key, now = (place.host, place.port), self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        try:
            found = await self._resolve(place.host, place.port)
        except (OSError, UnicodeError) as error:
            raise faults.unreachable(f"the name {place.host} cannot be resolved") from error
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (now + KEPT_SECONDS, found)
        return found


def _refusal(egress: Egress, address: str, *, in_clear: bool) -> str | None:
    refusal = egress.refusal(address)
    if refusal is None and in_clear and not egress.inner(address):
        return "and its credential would cross foreign networks in the clear; use https"
    return refusal
