"""What the gateway, its replicas and the engine say over HTTP, as sources of signals."""

from dataclasses import dataclass
from typing import Literal

from mcp_gateway.adapters.deployment.health_page import look_at_health
from mcp_gateway.adapters.deployment.http import Fetched, Fetcher, shown_base
from mcp_gateway.adapters.deployment.page_signals import read_page
from mcp_gateway.diagnostics.signals.snapshot import Readings
from mcp_gateway.diagnostics.verdict import BlindSpot

METRICS_PATHS = ("/metrics", "/api/metrics/prometheus")
MAX_PAGE_BYTES = 4_000_000
SECONDS = 2.5

_NOT_HERE = frozenset({404, 405})

Part = Literal["gateway", "engine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthSource:
    """The health page of one address; an address that cannot be reached is a reading, not an error."""

    name: str
    part: Part
    base: str
    fetcher: Fetcher
    seconds: float = SECONDS

    async def read(self) -> Readings:
        page = await look_at_health(self.fetcher, self.base, seconds=self.seconds)
        labels = {"replica": shown_base(self.base)} if self.part == "gateway" else {}
        blind = page.blind_spot(f"health of the {self.part}", self.base)
        return Readings(readings=page.signals(self.part, **labels), blind_spots=() if blind is None else (blind,))


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsSource:
    """The metrics page of one address; one that is not there, or another product's, is a blind spot."""

    name: str
    part: Part
    base: str
    fetcher: Fetcher
    seconds: float = SECONDS

    async def read(self) -> Readings:
        where = f"metrics of the {self.part} at {shown_base(self.base)}"
        begun = self.fetcher.clock.monotonic()
        answers: list[Fetched] = []
        for path in METRICS_PATHS:
            left = self.seconds - (self.fetcher.clock.monotonic() - begun)
            if left <= 0:
                break
            found = await self.fetcher.get(self.base + path, seconds=left, max_bytes=MAX_PAGE_BYTES)
            answers.append(found)
            if found.outcome == "ok" and found.status == 200:
                return await self._read(found, where)
            if found.outcome != "ok" or found.status not in _NOT_HERE:
                break
        return Readings(readings=(), blind_spots=(BlindSpot(what=where, why=_why(answers[-1]), hint=_hint(answers[-1])),))

    async def _read(self, found: Fetched, where: str) -> Readings:
        labels = {"replica": shown_base(self.base)} if self.part == "gateway" else {}
        return await read_page(found.body, self.part, now=self.fetcher.clock.timestamp(), more=labels, where=where)


def _why(found: Fetched) -> str:
    if found.outcome != "ok":
        return f"It could not be read: {found.detail or found.outcome}."
    return f"It was answered with status {found.status}."


def _hint(found: Fetched) -> str:
    if found.status in {401, 403}:
        return "Set BACKEND_ORCHESTRATOR_TOKEN or AI_ENGINE_TOKEN: `mcp-gateway tokens issue` makes one that may read figures."
    return "Figures are expected at /metrics."
