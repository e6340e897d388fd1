"""This very gateway as a source: its figures and its health, without a way over the network and without a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcp_gateway.adapters.deployment.health_page import HealthPage
from mcp_gateway.adapters.deployment.page_signals import read_page
from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.signals.snapshot import Readings

HERE: Final = "here"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnMetrics:
    """`page` renders the figures as Prometheus text."""

    page: Callable[[], str]
    clock: Clock
    name: str = "own figures"

    async def read(self) -> Readings:
        body = self.page().encode()
        return await read_page(body, "gateway", now=self.clock.timestamp(), more={"replica": HERE}, where=self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnHealth:
    """What the last background checks found; nothing is checked anew."""

    watch: HealthWatch
    name: str = "own health"

    async def read(self) -> Readings:
        report = self.watch.report()
        page = HealthPage(
            outcome="ok" if report.ready or report.word == "starting" else "not_ready",
            milliseconds=None,
            word=report.word,
            parts={part.name: (part.finding.healthy, part.finding.status) for part in report.parts},
        )
        return Readings(readings=page.signals("gateway", replica=HERE))
