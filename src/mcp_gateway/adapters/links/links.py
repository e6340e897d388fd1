"""The link of each server, made once for each value of it. Which kind it is, is said by its transport."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias, runtime_checkable

from mcp_gateway.adapters.links.addresses import Addresses
from mcp_gateway.adapters.links.connecting import system_trust
from mcp_gateway.adapters.links.credentials import presenter
from mcp_gateway.adapters.links.discretion import secrets_in_address
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import HttpClient
from mcp_gateway.adapters.links.http_sending import HttpSending
from mcp_gateway.adapters.links.token_endpoint import LIMITS, TokenEndpoint
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.ports import Link
from mcp_gateway.registry.model import Credential, Server, ServerLimits, TransportName

# Makes the link of a server and connects to nothing.
Open: TypeAlias = Callable[[Server], Link]

# How often a link that is no longer wanted is looked at, until its last call has ended.
_LOOK_SECONDS: Final = 0.25


@runtime_checkable
class Counting(Protocol):
    """A link that knows how many requests are under way on it; one that does not is given its whole timeout to end them."""

    @property
    def active(self) -> int: ...


class Outward:
    """The way out over HTTP for every server: one resolver, one set of rules, one trust."""

    def __init__(self, addresses: Addresses, *, clock: Clock, trust: Callable[[], ssl.SSLContext] = system_trust) -> None:
        self._addresses, self._clock, self._trust = addresses, clock, trust
        self._context: ssl.SSLContext | None = None

    def sending(self, server: Server) -> HttpSending:
        """Raises `AddressRefused` for a URL that is no plain http or https address, and `UpstreamRefused` for a credential
        that cannot be sent."""
        faults = Faults(server.name)
        http = HttpClient(
            server.url,
            faults=faults,
            limits=server.limits,
            addresses=self._addresses,
            trust=self._trusted,
            secret=server.credential.kind != "none",
        )
        presenting = presenter(
            server.credential,
            faults,
            clock=self._clock,
            endpoint=self._endpoint_for(faults),
            secrets=secrets_in_address(server.url),
        )
        return HttpSending(http, presenting)

    def client(self, url: str, faults: Faults, limits: ServerLimits) -> HttpClient:
        """For requests that belong to no server and carry no secret. Raises as `sending`."""
        return HttpClient(url, faults=faults, limits=limits, addresses=self._addresses, trust=self._trusted)

    def _endpoint_for(self, faults: Faults) -> Callable[[Credential], TokenEndpoint]:
        def endpoint(credential: Credential) -> TokenEndpoint:
            http = HttpClient(
                credential.token_url, faults=faults, limits=LIMITS, addresses=self._addresses, trust=self._trusted, secret=True
            )
            return TokenEndpoint(credential, http, faults)

        return endpoint

    def _trusted(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._trust()
        return self._context


class Links:
    """`openers` has a way to open a link for each transport that is served here."""

    def __init__(self, openers: Mapping[TransportName, Open]) -> None:
        self._openers = openers
        self._links: dict[str, tuple[Server, Link]] = {}
        self._leaving: dict[asyncio.Task[None], Link] = {}

    def link(self, server: Server) -> Link:
        """The same one as long as the server stays as it is; of a changed server the old one ends with its last call.

        Raises `AddressRefused`, `UpstreamRefused`.
        """
        kept = self._links.get(server.name)
        if kept is not None:
            if kept[0] is server or kept[0] == server:
                return kept[1]
            self._retire(*kept)
            del self._links[server.name]
        link = self._openers[server.transport](server)
        self._links[server.name] = (server, link)
        return link

    def fresh(self, server: Server) -> Link:
        """One that nobody shares, for whoever asks to close. Raises as `link`."""
        return self._openers[server.transport](server)

    def forget(self, name: str) -> None:
        """The server is gone; its link ends with its last call."""
        kept = self._links.pop(name, None)
        if kept is not None:
            self._retire(*kept)

    async def close(self) -> None:
        for leaving in self._leaving:
            leaving.cancel()
        links = [*self._leaving.values(), *(link for _, link in self._links.values())]
        self._links = {}
        for link in links:
            await link.close()

    def _retire(self, server: Server, link: Link) -> None:
        leaving = asyncio.get_running_loop().create_task(_left(server, link))
        self._leaving[leaving] = link
        leaving.add_done_callback(self._leaving.pop)


async def _left(server: Server, link: Link) -> None:
    try:
        async with asyncio.timeout(server.limits.timeout_seconds):
            # A few looks at a link on its way out cost less than an event for each call of every other.
            while not isinstance(link, Counting) or link.active:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        pass
    finally:
        await link.close()
