"""The way of a request to its server: the filters it passes, in their order, and the link at the end."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from mcp_gateway.access.access import Access
from mcp_gateway.adapters.links.links import Links
from mcp_gateway.core.clock import Clock
from mcp_gateway.federation.filters.audit import Audit
from mcp_gateway.federation.filters.authorise import Authorise
from mcp_gateway.federation.filters.breaker import Breaker
from mcp_gateway.federation.filters.cache import Cache
from mcp_gateway.federation.filters.deadline import Deadline
from mcp_gateway.federation.filters.guard import Guard
from mcp_gateway.federation.filters.limit import Limit
from mcp_gateway.federation.filters.measure import Measure
from mcp_gateway.federation.filters.trace import Trace
from mcp_gateway.federation.guard.arguments import ArgumentChecks
from mcp_gateway.federation.guard.masking import mask
from mcp_gateway.federation.model import Reply
from mcp_gateway.federation.pipeline import Filter, Onward, Passage, chain
from mcp_gateway.federation.ports import ChangeBus
from mcp_gateway.federation.recent import RecentCalls
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.registry import Registry
from mcp_gateway.wiring.circuits import Circuits
from mcp_gateway.wiring.foundation import Foundation
from mcp_gateway.wiring.tracing import open_tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """`guarded` leads to a registered server, `own` to one of this process, which guards itself."""

    guarded: Onward
    own: Onward
    recent: RecentCalls


@asynccontextmanager
async def open_pipeline(
    foundation: Foundation, registry: Registry, definitions: Definitions, links: Links, bus: ChangeBus, *, clock: Clock
) -> AsyncIterator[Ways]:
    """`foundation` has access. Circuits that were opened and spans under way end with this."""
    access, traffic = foundation.access, foundation.traffic
    assert access is not None  # noqa: S101 - who opened the foundation made it
    async with AsyncExitStack() as stack:
        tracing = stack.enter_context(open_tracing())
        circuits = Circuits(traffic, lambda: registry.servers)
        stack.push_async_callback(circuits.close)
        stack.callback(registry.follow(circuits.keep_only))
        recent, cache = RecentCalls(), Cache(clock)
        stack.callback(bus.subscribe(cache.drop))
        watching: list[Filter] = [Measure(traffic.figures, recent, clock)]
        if tracing is not None:
            watching.append(Trace(tracing))
        guarding = _guarding(access, foundation, definitions, cache, circuits, clock)
        send = _sender(links)
        yield Ways(guarded=chain((*watching, *guarding), send), own=chain((*watching, Deadline(clock)), send), recent=recent)


def _guarding(
    access: Access, foundation: Foundation, definitions: Definitions, cache: Cache, circuits: Circuits, clock: Clock
) -> tuple[Filter, ...]:
    """Outermost first: what is refused further in is written down further out."""
    return (
        Audit(access.governor, clock),
        Deadline(clock),
        Authorise(access.governor),
        Limit(foundation.traffic.limiter),
        Guard(definitions, ArgumentChecks(), mask),
        cache,
        Breaker(circuits.of),
    )


def _sender(links: Links) -> Onward:
    def send(passage: Passage) -> Awaitable[Reply]:
        return links.link(passage.route.server).send(passage.request)

    return send
