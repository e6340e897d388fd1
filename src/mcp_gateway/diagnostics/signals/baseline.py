"""What is usual here: the system's own figures when it was last well. There is no other measure of what is too much.

The healthy snapshots of the history come first. Without them a count's or histogram's total since its process began stands in;
what is a gauge then has no baseline, and whoever judges it must say so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from mcp_gateway.diagnostics.signals import joining
from mcp_gateway.diagnostics.signals.catalogue import UPTIMES, Signal
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.joining import Wanted
from mcp_gateway.diagnostics.signals.snapshot import Snapshot

# A process that has run for less has no usual, nor has a percentile of fewer measurements.
SHORTEST_SECONDS = 10.0
FEWEST_MEASURED = 10
MOST_GAUGED = 20
SINCE_START = "since its process began"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """`healthy` in order of time; `first` is the window's first look, or the only one. `sources`: those that are compared."""

    healthy: Sequence[Snapshot]
    first: Snapshot
    sources: frozenset[str]

    def described(self, signal: Signal) -> str:
        """Where a baseline of this signal comes from; empty when there is none."""
        if self._pairs:
            begun, ended = self.healthy[0].at, self.healthy[-1].at
            return f"healthy {begun:%H:%M:%S} to {ended:%H:%M:%S}"
        return "" if signal.kind in {"gauge", "text"} else SINCE_START

    def value(self, signal: Signal, wanted: Wanted) -> float | None:
        """The median of a gauge over the healthy snapshots."""
        found = self._gauged(signal, wanted)
        return median(found) if found else None

    def swing(self, signal: Signal, wanted: Wanted) -> float:
        """Between its least and its most over the healthy snapshots; 0 without any."""
        found = self._gauged(signal, wanted)
        return max(found) - min(found) if found else 0.0

    def text(self, signal: Signal, wanted: Wanted) -> str | None:
        """What it said when the system was last well."""
        for one in reversed(self.healthy):
            for reading in one.find(signal.name, wanted):
                if isinstance(reading.value, str):
                    return reading.value
        return None

    def change(self, signal: Signal, wanted: Wanted) -> tuple[float, float] | None:
        """How much a number grew, and in how many seconds."""
        rates = [
            grown / (last.at - first.at).total_seconds()
            for source, (first, last) in self._pairs.items()
            if (grown := joining.growth(first, last, signal, wanted, source=source)) is not None
        ]
        if (rate := joining.together(signal, rates)) is not None:
            seconds = (self.healthy[-1].at - self.healthy[0].at).total_seconds()
            return rate * seconds, seconds
        if signal.kind != "counter":
            return None
        uptime = self._uptime(signal)
        if uptime is None or not self.first.source_of(UPTIMES[signal.name.partition(".")[0]]):
            return None
        return joining.number(self.first, signal, wanted) or 0.0, uptime

    def histogram(self, signal: Signal, wanted: Wanted, *, fewest: int = FEWEST_MEASURED) -> Histogram | None:
        """None when fewer were measured: a percentile of less is chance."""
        parts = [joining.measured(*pair, signal, wanted, source=source) for source, pair in self._pairs.items()]
        found = joining.all_measured(one for one in parts if one is not None) or joining.histogram(self.first, signal, wanted)
        return found if found is not None and found.count >= fewest else None

    @cached_property
    def _pairs(self) -> dict[str, tuple[Snapshot, Snapshot]]:
        """Of each source the healthy looks furthest apart at which it was read."""
        seen = {source: [one for one in self.healthy if source in one.sources] for source in self.sources}
        return {source: (looks[0], looks[-1]) for source, looks in seen.items() if looks and looks[-1].at > looks[0].at}

    def _gauged(self, signal: Signal, wanted: Wanted) -> list[float]:
        """Over at most `MOST_GAUGED` of the healthy snapshots, spread evenly: more of them make it no truer."""
        step = max(1, math.ceil(len(self.healthy) / MOST_GAUGED))
        chosen = self.healthy[::-step]
        return [number for one in chosen if (number := joining.number(one, signal, wanted)) is not None]

    def _uptime(self, signal: Signal) -> float | None:
        name = UPTIMES.get(signal.name.partition(".")[0])
        found = self.first.find(name, {}) if name else ()
        seconds = min((one.value for one in found if isinstance(one.value, int | float)), default=0.0)
        return seconds if seconds >= SHORTEST_SECONDS else None
