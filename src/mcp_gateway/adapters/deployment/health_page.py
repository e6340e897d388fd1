"""A health page as signals: reached or not and how, its word, what it says of each part. Pages of many makers are understood."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mcp_gateway.adapters.deployment.http import Fetched, Fetcher, shown_base
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.snapshot import Reading, reading
from mcp_gateway.diagnostics.verdict import BlindSpot

ProbeOutcome: TypeAlias = Literal[
    "ok", "dns", "refused", "unreachable", "timeout", "cut_off", "tls", "wrong_host", "http_error", "not_ready", "unauthorized",
    "garbage",
]  # fmt: skip

PATHS = ("/health", "/api/health", "/healthz")
MAX_PARTS = 100
MAX_LETTERS = 80
MAX_PAGE_BYTES = 200_000

_GOOD = frozenset(
    {"healthy", "ok", "up", "pass", "alive", "ready", "degraded", "warn", "operational", "running", "serving", "pong"}
)
_PARTS = ("parts", "services", "checks", "components", "dependencies", "details")
_MISPLACED = frozenset({301, 302, 303, 307, 308, 404, 405, 410, 421})


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthPage:
    """`word` is empty when it has none. `parts`: what is said of each, and whether that is good.

    `milliseconds` None: nobody had to be asked.
    """

    outcome: ProbeOutcome
    milliseconds: float | None
    status: int = 0
    word: str = ""
    parts: Mapping[str, tuple[bool, str]]
    skew_seconds: float | None = None
    uptime_seconds: float | None = None
    detail: str = ""

    @property
    def up(self) -> bool:
        """Whether the right one answered as it should; one that wants to know who asks is up."""
        return self.outcome in {"ok", "unauthorized"}

    def signals(self, part: Literal["gateway", "engine"], **labels: str) -> tuple[Reading, ...]:
        """As the catalogue names them."""
        found = [
            reading(f"{part}.up", float(self.up), **labels),
            reading(f"{part}.probe_outcome", self.outcome, **labels),
        ]
        if self.milliseconds is not None:
            found.append(reading(f"{part}.probe_ms", round(self.milliseconds, 3), **labels))
        if self.status:
            found.append(reading(f"{part}.status", float(self.status), **labels))
        if self.word:
            found.append(reading(f"{part}.health_word", self.word, **labels))
        if self.skew_seconds is not None:
            found.append(reading(f"{part}.clock_skew_seconds", round(self.skew_seconds, 2), **labels))
        if self.uptime_seconds is not None:
            found.append(reading(f"{part}.uptime_seconds", self.uptime_seconds, **labels))
        if part == "gateway":
            found += [reading("gateway.part_status", said, part=name, **labels) for name, (_, said) in self.parts.items()]
            found += [reading("gateway.part_healthy", float(well), part=name, **labels) for name, (well, _) in self.parts.items()]
        return tuple(found)

    def blind_spot(self, what: str, base: str) -> BlindSpot | None:
        """None when the page was read."""
        if self.outcome in {"ok", "not_ready"}:
            return None
        return BlindSpot(what=f"{what} at {shown_base(base)}", why=_WHYS[self.outcome], hint=_HINTS.get(self.outcome, ""))


async def look_at_health(fetcher: Fetcher, base: str, *, seconds: float) -> HealthPage:
    """Tries the usual places one after another, all within `seconds`; the first that is one counts."""
    first, *others = PATHS
    found = await fetcher.get(base + first, seconds=seconds, max_bytes=MAX_PAGE_BYTES)
    left = seconds - found.milliseconds / 1000
    for path in others:
        if found.outcome != "ok" or found.status not in _MISPLACED or left <= 0:
            break
        found = await fetcher.get(base + path, seconds=left, max_bytes=MAX_PAGE_BYTES)
        left -= found.milliseconds / 1000
    return read_health(found)


def read_health(found: Fetched) -> HealthPage:
    """What one answer to a request for a health page says."""
    document = found.document or {}
    word = _word(found, document)
    return HealthPage(
        outcome=_outcome(found, document, word),
        milliseconds=found.milliseconds,
        status=found.status,
        word=word,
        parts=_parts(document),
        skew_seconds=found.skew_seconds,
        uptime_seconds=_seconds(document.get("uptime_seconds")),
        detail=found.detail,
    )


def _outcome(found: Fetched, document: Mapping[str, Json], word: str) -> ProbeOutcome:
    if found.outcome == "too_large":
        return "garbage"
    if found.outcome != "ok":
        return found.outcome
    if found.status in {401, 403}:
        return "unauthorized"
    if found.status in _MISPLACED:
        return "wrong_host"
    if not word:
        if found.status >= 400:
            return "http_error"
        return "wrong_host" if "html" in found.content_type or document else "garbage"
    if word.lower() in _GOOD:
        return "ok" if found.status < 400 else "not_ready"
    return "not_ready"


def _word(found: Fetched, document: Mapping[str, Json]) -> str:
    for name in ("status", "state", "health"):
        said = document.get(name)
        if isinstance(said, str) and said:
            return said[:MAX_LETTERS]
    plain = found.body[:40].strip().decode("ascii", "replace").strip('"')
    return plain.lower() if plain.lower() in _GOOD else ""


def _parts(document: Mapping[str, Json]) -> dict[str, tuple[bool, str]]:
    for name in _PARTS:
        inner = document.get(name)
        if isinstance(inner, dict):
            found = {
                part[:MAX_LETTERS]: read for part, said in list(inner.items())[:MAX_PARTS] if (read := _part(said)) is not None
            }
            if found:
                return found
    return {}


def _part(said: Json) -> tuple[bool, str] | None:
    if isinstance(said, str):
        return said.lower() in _GOOD, said[:MAX_LETTERS]
    if isinstance(said, bool):
        return said, "healthy" if said else "unhealthy"
    if not isinstance(said, dict):
        return None
    status = next((str(said[name]) for name in ("status", "state", "code") if isinstance(said.get(name), str)), "")
    well = said.get("healthy")
    if not isinstance(well, bool):
        if not status:
            return None
        well = status.lower() in _GOOD
    return well, (status or ("healthy" if well else "unhealthy"))[:MAX_LETTERS]


def _seconds(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10 else None


_WHYS: dict[ProbeOutcome, str] = {
    "dns": "Its name cannot be resolved.",
    "refused": "Nobody listens there: the connection was refused.",
    "unreachable": "No connection could be made.",
    "timeout": "It accepted the connection and did not answer in time.",
    "cut_off": "It closed the connection before the answer was whole.",
    "tls": "No trusted connection: its certificate or its TLS is not accepted.",
    "wrong_host": "Something answers there, but not a health page of this product.",
    "http_error": "It answered with an error.",
    "unauthorized": "It wants to know who asks.",
    "garbage": "What it answered is no health page.",
}
_HINTS: dict[ProbeOutcome, str] = {
    "dns": "Check the host in the configured address.",
    "refused": "Check port and process.",
    "wrong_host": "Check the address: another service may have its port.",
    "tls": "Check the certificate, and whether the address should be https at all.",
}
