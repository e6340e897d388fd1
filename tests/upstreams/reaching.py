"""What a test needs to reach an upstream on loopback the way the gateway does."""

import asyncio
import ssl
from collections.abc import Callable, Sequence

from mcp_gateway.adapters.egress import LOOPBACK, Egress, Network
from mcp_gateway.adapters.links.addresses import Addresses, Resolve, system_resolve
from mcp_gateway.adapters.links.connecting import system_trust
from mcp_gateway.adapters.links.faults import Faults
from mcp_gateway.adapters.links.http_client import HttpClient
from mcp_gateway.adapters.links.links import Outward
from mcp_gateway.adapters.links.modern import ModernLink
from mcp_gateway.core.clock import Clock, SystemClock
from mcp_gateway.core.identity import LOCAL_CALLER
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.model import Client, Request
from mcp_gateway.registry.model import Credential, Server, ServerLimits

# Short enough for a test that waits for its end, long enough for a busy machine to begin.
PATIENCE = ServerLimits(timeout_seconds=30.0, connect_seconds=20.0)
CLIENT = Client(caller=LOCAL_CALLER, info={"name": "tests", "version": "1"})
NO_CREDENTIAL = Credential()


def addresses(*, allow: Sequence[Network] = LOOPBACK, resolve: Resolve = system_resolve, clock: Clock | None = None) -> Addresses:
    rules = Egress(allow=tuple(allow))
    return Addresses(lambda: rules, clock=clock or SystemClock(), resolve=resolve)


def http_client(
    url: str,
    *,
    limits: ServerLimits = PATIENCE,
    reached: Addresses | None = None,
    trust: Callable[[], ssl.SSLContext] = system_trust,
    secret: bool = False,
) -> HttpClient:
    return HttpClient(url, faults=Faults("up"), limits=limits, addresses=reached or addresses(), trust=trust, secret=secret)


def modern_link(
    url: str,
    *,
    limits: ServerLimits = PATIENCE,
    credential: Credential = NO_CREDENTIAL,
    clock: Clock | None = None,
    definition_of: Callable[[str], JsonObject | None] = lambda _: None,
) -> ModernLink:
    clock = clock or SystemClock()
    server = Server(name="up", url=url, limits=limits, credential=credential)
    sending = Outward(addresses(clock=clock), clock=clock).sending(server)
    return ModernLink(server, sending, clock=clock, definition_of=definition_of)


def calling(tool: str = "echo", arguments: JsonObject | None = None, *, client: Client = CLIENT) -> Request:
    return Request(id=7, method="tools/call", params={"name": tool, "arguments": arguments or {}}, client=client)


async def until(true: Callable[[], bool]) -> None:
    """Lets everything else run until it is so; bounded."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)
