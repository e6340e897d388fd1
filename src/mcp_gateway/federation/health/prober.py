"""Asks every server now and then whether it is there, in the gateway's own name.

A server of 2026-07-28 is asked what it is (`server/discover`), an older one is pinged. Programs that are started when somebody
uses them are left alone: asking would start them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.errors import UpstreamMisbehaved, UpstreamTimedOut
from mcp_gateway.federation.health.history import HealthHistory, Sample
from mcp_gateway.federation.health.rounds import Rounds
from mcp_gateway.federation.model import Client, Reply, Request, UpstreamFacts
from mcp_gateway.federation.ports import Link
from mcp_gateway.kit.figures import NO_FIGURES, Figures, Metric

UP: Final = Metric(name="mcp_server_up", help="Whether an MCP server answered last", kind="gauge", labels=("server",))
LATENCY: Final = Metric(
    name="mcp_server_latency_seconds", help="How long an MCP server took to answer last", kind="gauge", labels=("server",)
)
PERIOD_SECONDS: Final = 60.0
# A server that is down is looked after sooner.
DOWN_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 10.0
AT_ONCE: Final = 8
FIRST_RATE: Final = 20.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Noticing:
    """Who is told: of a server that was down and is there again, and of what a server says of itself. They must not wait."""

    on_recovery: Callable[[str], None]
    on_facts: Callable[[str, UpstreamFacts], None]


class Prober:
    """`link_of` gives the link to a server now, None for one that is gone; it may raise `GatewayError`."""

    def __init__(
        self,
        *,
        link_of: Callable[[str], Link | None],
        gateway: Client,
        history: HealthHistory,
        clock: Clock,
        spread: Callable[[], float],
        noticing: Noticing,
        figures: Figures = NO_FIGURES,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._noticing = noticing
        self._figures = figures
        self._link_of, self._gateway, self._history, self._clock = link_of, gateway, history, clock
        self.rounds = Rounds(
            self.probe, name="probe", period_seconds=period_seconds, at_once=AT_ONCE, first_rate=FIRST_RATE, spread=spread
        )

    async def probe(self, server: str) -> float | None:
        """Look at it now; in how many seconds to look again."""
        was = self._history.condition_of(server)
        began, at = self._clock.monotonic(), self._clock.timestamp()
        code = ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                link = self._link_of(server)
                if link is None:
                    return None
                facts = await link.facts(self._gateway)
                if was != "unknown":
                    # What a server said of itself is kept; the first time it has just been asked.
                    began = self._clock.monotonic()
                    await self._ask(link, "server/discover" if facts.era == "modern" else "ping")
        except TimeoutError:
            code = UpstreamTimedOut.code
        except GatewayError as error:
            code = error.code
        took = (self._clock.monotonic() - began) * 1_000
        sample = Sample(at=at, latency_ms=took, code=code)
        if code:
            self._history.note(server, sample)
        else:
            self._history.note(server, sample, era=facts.era, revision=facts.revision)
            self._noticing.on_facts(server, facts)
        self._count(server, sample)
        now = "down" if code else "up"
        if now != was:
            _log.info("server_health", server=server, condition=now, code=code)
        if was == "down" and now == "up":
            self._noticing.on_recovery(server)
        return DOWN_SECONDS if code else None

    def _count(self, server: str, sample: Sample) -> None:
        self._figures.gauge(UP, server=server).set(0 if sample.code else 1)
        if not sample.code:
            self._figures.gauge(LATENCY, server=server).set(sample.latency_ms / 1_000)

    async def _ask(self, link: Link, method: str) -> None:
        """Any answer will do, an error too: somebody is there who speaks the protocol."""
        reply = await link.send(Request(id=1, method=method, params={}, client=self._gateway))
        try:
            if not await _answered(reply):
                raise UpstreamMisbehaved(server=link.name)
        finally:
            await reply.close()


async def _answered(reply: Reply) -> bool:
    if reply.body is not None:
        return bool(reply.body)
    source = reply.events if reply.events is not None else reply.chunks
    return source is not None and bool(await anext(source, b""))
