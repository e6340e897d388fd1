"""What the gateway, its replicas and the engine say over HTTP, as sources of signals."""

from collections.abc import Mapping
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

# Which setting has the token, and where one comes from.
_TOKENS: Mapping[Part, tuple[str, str]] = {
    "gateway": ("BACKEND_ORCHESTRATOR_TOKEN", ": on its machine `mcp-gateway tokens issue --role operator` prints one"),
    "engine": ("AI_ENGINE_TOKEN", ""),
}


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
        what = f"health of the {self.part}"
        if page.outcome == "unauthorized":
            blind: BlindSpot | None = _without_login(what, page.status, self)
        else:
            blind = page.blind_spot(what, self.base)
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
        last = answers[-1]
        if last.status in {401, 403}:
            blind = _without_login(f"metrics of the {self.part}", last.status, self)
        else:
            blind = BlindSpot(what=where, why=_why(last), hint="Figures are expected at /metrics.")
        return Readings(readings=(), blind_spots=(blind,))

    async def _read(self, found: Fetched, where: str) -> Readings:
        labels = {"replica": shown_base(self.base)} if self.part == "gateway" else {}
        return await read_page(found.body, self.part, now=self.fetcher.clock.timestamp(), more=labels, where=where)


def _why(found: Fetched) -> str:
    if found.outcome != "ok":
        return f"It could not be read: {found.detail or found.outcome}."
    return f"It was answered with status {found.status}."


def _without_login(what: str, status: int, source: HealthSource | MetricsSource) -> BlindSpot:
    """Told apart: no token, one that counts for nothing, one whose owner may not."""
    variable, role = _TOKENS[source.part]
    if "Authorization" not in source.fetcher.headers:
        why, hint = "It wants to know who asks.", f"Set {variable}{role}."
    elif status == 403:
        why, hint = "Whoever our token is for may not read that.", f"Set {variable} to one that may{role}."
    else:
        why, hint = "Our token is not accepted: it is wrong, or has ended.", f"Set {variable} to a new one{role}."
    return BlindSpot(what=f"{what} at {shown_base(source.base)}", why=why, hint=hint)
