"""Cached values beside what their source has: counted by the processes that load them, which alone can ask a source again.

From outside a key is a name: nothing in it says which request, to whom and as whom, gave the value. So nobody here asks a source.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.window import Of, Window
from mcp_gateway.diagnostics.verdict import BlindSpot

COMPARED = "gateway.cache_compared_total"
# What a comparison said something by; the others are a source that cannot be asked, or never says the same twice.
TELLING = frozenset({"same", "stale", "ended"})
MOST_CACHES = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Staleness:
    """Counts by outcome for each cache. `in_window` False: none was made within the window, and these are since the start."""

    caches: Mapping[str, Mapping[str, float]]
    in_window: bool

    @property
    def stale(self) -> int:
        return _sum(self.caches, frozenset({"stale"}))

    @property
    def compared(self) -> int:
        """Those that said something."""
        return _sum(self.caches, TELLING)

    def to_dict(self) -> dict[str, Json]:
        worst = sorted(self.caches, key=lambda name: (-self.caches[name].get("stale", 0), name))[:MOST_CACHES]
        return {
            "compared": self.compared,
            "stale": self.stale,
            "stale_share": round(self.stale / self.compared, 4) if self.compared else None,
            "since": "window" if self.in_window else "start",
            "by_cache": [{"cache": name, **{outcome: int(n) for outcome, n in self.caches[name].items()}} for name in worst],
        }


def staleness_of(window: Window) -> Staleness | None:
    """None: no cache that is looked at compares."""
    if not window.knows(COMPARED):
        return None
    grown = _counted(window, "change")
    return Staleness(caches=grown, in_window=True) if grown else Staleness(caches=_counted(window, "value"), in_window=False)


def not_compared(window: Window) -> BlindSpot:
    """Why nothing is known of it."""
    why = "A key cannot be led back to its source from outside: only the process that loads it can ask again"
    if window.knows("gateway.cache_reads_total"):
        return BlindSpot(
            what="values compared with their source",
            why=f"{why}, and no cache of this gateway does.",
            hint="Give a cache CachePolicy(compare_every_seconds=60): one value a minute is loaded once more and compared.",
        )
    return BlindSpot(
        what="values compared with their source",
        why=f"{why}, and no gateway with caches of the kit is looked at.",
        hint="Name the gateway, so that its figures are read.",
    )


def _counted(window: Window, of: Of) -> dict[str, dict[str, float]]:
    found = {cache: window.by(COMPARED, "outcome", of=of, cache=cache) for cache in window.labels(COMPARED, "cache")}
    happened = {cache: {outcome: number for outcome, number in told.items() if number} for cache, told in found.items()}
    return {cache: told for cache, told in happened.items() if told}


def _sum(caches: Mapping[str, Mapping[str, float]], outcomes: frozenset[str]) -> int:
    return int(sum(number for told in caches.values() for outcome, number in told.items() if outcome in outcomes))
