"""Counting what a cache does, per outcome and tenant: plain integers on the hot path, handed to the metrics in batches."""

import asyncio

from mcp_gateway.kit.cache.model import CacheCounts, Outcome
from mcp_gateway.kit.figures import NO_FIGURES, Counter, Figures, Metric

READS = Metric(
    name="cache_reads",
    help="Reads and fills of a cache by what came of them.",
    kind="counter",
    labels=("cache", "tenant", "outcome"),
)
LOADS = Metric(name="cache_load_seconds", help="How long loaders took.", kind="histogram", labels=("cache",))
INVALIDATIONS = Metric(
    name="cache_invalidation_seconds", help="From an invalidation to its acknowledgement.", kind="histogram", labels=("cache",)
)

MAX_TENANTS = 200
OTHER = "other"
# Near hits reach the metrics at most so late.
PUBLISH_SECONDS = 0.25


class Tally:
    """One tenant's counts. `near_hits` is raised directly by the hot path."""

    __slots__ = ("counters", "counts", "near_hits", "published", "scheduled", "tenant")

    def __init__(self, tenant: str, *, scheduled: bool) -> None:
        self.tenant = tenant
        self.near_hits = 0
        self.published = 0
        self.scheduled = scheduled
        self.counts: dict[Outcome, int] = {}
        self.counters: dict[Outcome, Counter] = {}

    def snapshot(self) -> dict[Outcome, int]:
        near_hits = self.near_hits + self.counts.get("near_hit", 0)
        return {**self.counts, "near_hit": near_hits} if near_hits else dict(self.counts)


class Counting:
    """All tallies of one cache. The tenants beyond `MAX_TENANTS` are counted together."""

    def __init__(self, cache: str, figures: Figures) -> None:
        self._cache = cache
        self._figures = figures
        # Without anybody to tell, no timer is ever set.
        self._silent = figures is NO_FIGURES
        self._tallies: dict[str, Tally] = {}
        self.loads = figures.histogram(LOADS, cache=cache)
        self.invalidations = figures.histogram(INVALIDATIONS, cache=cache)

    def tally(self, tenant: str) -> Tally:
        known = self._tallies.get(tenant)
        if known is None:
            name = tenant if len(self._tallies) < MAX_TENANTS else OTHER
            known = self._tallies.setdefault(name, Tally(name, scheduled=self._silent))
        return known

    def count(self, tenant: str, outcome: Outcome) -> None:
        tally = self._tallies.get(tenant) or self.tally(tenant)
        tally.counts[outcome] = tally.counts.get(outcome, 0) + 1
        if not self._silent:
            (tally.counters.get(outcome) or self._counter(tally, outcome)).add()

    def schedule(self, tally: Tally) -> None:
        """Publish the near hits of `tally` soon. Call it from the loop, when `tally.scheduled` is false."""
        tally.scheduled = True
        asyncio.get_running_loop().call_later(PUBLISH_SECONDS, self._publish, tally)

    def _publish(self, tally: Tally) -> None:
        tally.scheduled = False
        new, tally.published = tally.near_hits - tally.published, tally.near_hits
        self._counter(tally, "near_hit").add(new)

    def _counter(self, tally: Tally, outcome: Outcome) -> Counter:
        known = tally.counters.get(outcome)
        if known is None:
            known = self._figures.counter(READS, cache=self._cache, tenant=tally.tenant, outcome=outcome)
            tally.counters[outcome] = known
        return known

    def counts(self, *, near_entries: int, near_bytes: int) -> CacheCounts:
        tenants = {name: tally.snapshot() for name, tally in self._tallies.items()}
        outcomes: dict[Outcome, int] = {}
        for counted in tenants.values():
            for outcome, number in counted.items():
                outcomes[outcome] = outcomes.get(outcome, 0) + number
        return CacheCounts(
            cache=self._cache, outcomes=outcomes, tenants=tenants, near_entries=near_entries, near_bytes=near_bytes
        )
