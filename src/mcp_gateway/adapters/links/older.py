"""Opens the links that speak with servers of older eras, or with servers whose era is to be found out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_gateway.adapters.links.eras import ActiveLink, AnyEraLink
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.legacy.link import LegacyLink
from mcp_gateway.adapters.links.legacy.opening import over_http, over_sse, over_stdio
from mcp_gateway.adapters.links.legacy.parked import ParkedCalls
from mcp_gateway.adapters.links.legacy.states import StateSeal
from mcp_gateway.adapters.links.sending import Sending
from mcp_gateway.core.clock import Clock
from mcp_gateway.registry.model import Server


@dataclass(frozen=True, kw_only=True, slots=True)
class OlderEras:
    """Shared by all links. `environment` is what every program gets; `random` gives numbers from 0 up to 1."""

    parked: ParkedCalls
    environment: Mapping[str, str]
    clock: Clock
    random: Callable[[], float]

    def any_era(self, server: Server, sending: Sending, modern: ActiveLink) -> AnyEraLink:
        """For the transport "http": `modern` and the older eras over one way out, which `modern` closes."""
        return AnyEraLink(
            server,
            sending,
            modern=modern,
            legacy=over_http(server, sending, parked=self.parked, clock=self.clock),
            sse=over_sse(server, sending, parked=self.parked, clock=self.clock),
            clock=self.clock,
        )

    def sse(self, server: Server, sending: Sending) -> LegacyLink:
        """For the transport "sse"."""
        return over_sse(server, sending, parked=self.parked, clock=self.clock, closing=sending.close)

    def stdio(self, server: Server) -> LegacyLink:
        """For the transport "stdio". Raises `UpstreamUnreachable` for a server without a command."""
        if server.command is None:
            raise Faults(server.name).unreachable("no command is configured for it")
        return over_stdio(
            server, server.command, environment=self.environment, parked=self.parked, clock=self.clock, random=self.random
        )

    async def close(self) -> None:
        """Gives up the calls that wait for their client; before the links are closed."""
        await self.parked.close()


def older_eras(
    *,
    key: bytes,
    replica: str,
    environment: Mapping[str, str],
    clock: Clock,
    random: Callable[[], float],
    random_bytes: Callable[[int], bytes],
) -> OlderEras:
    """`key` seals the states of waiting calls and is the same on all replicas; `replica` is the name of this one."""
    parked = ParkedCalls(StateSeal(key, replica), random_bytes=random_bytes)
    return OlderEras(parked=parked, environment=environment, clock=clock, random=random)
