"""What is usual here: the system's own figures when it was last well. There is no other measure of what is too much.

The healthy snapshots of the history come first. Without them a count's or histogram's total since its process began stands in;
what is a gauge then has no baseline, and whoever judges it must say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from mcp_gateway.diagnostics.signals.catalogue import UPTIMES, Signal
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.joining import Wanted, joined_histogram, joined_number
from mcp_gateway.diagnostics.signals.snapshot import Snapshot

# A process that has run for less has no usual, nor has a percentile of fewer measurements.
SHORTEST_SECONDS = 10.0
FEWEST_MEASURED = 10
SINCE_START = "since its process began"


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """`healthy` in order of time; `first` is the window's first look, or the only one."""

    healthy: Sequence[Snapshot]
    first: Snapshot

    def described(self, signal: Signal) -> str:
        """Where a baseline of this signal comes from; empty when there is none."""
        if self._healthy_pair() is not None:
            begun, ended = self.healthy[0].at, self.healthy[-1].at
            return f"healthy {begun:%H:%M:%S} to {ended:%H:%M:%S}"
        return "" if signal.kind in {"gauge", "text"} else SINCE_START

    def value(self, signal: Signal, wanted: Wanted) -> float | None:
        """The median of a gauge over the healthy snapshots."""
        found = [number for one in self.healthy if (number := joined_number(one, signal, wanted)) is not None]
        return median(found) if found else None

    def text(self, signal: Signal, wanted: Wanted) -> str | None:
        """What it said when the system was last well."""
        for one in reversed(self.healthy):
            for reading in one.find(signal.name, wanted):
                if isinstance(reading.value, str):
                    return reading.value
        return None

    def change(self, signal: Signal, wanted: Wanted) -> tuple[float, float] | None:
        """How much a number grew, and in how many seconds."""
        if (pair := self._healthy_pair()) is not None:
            last = joined_number(pair[1], signal, wanted)
            if last is not None:
                first = joined_number(pair[0], signal, wanted) or 0.0
                grown = last - first
                if signal.kind == "counter" and grown < 0:
                    grown = last
                return grown, (pair[1].at - pair[0].at).total_seconds()
        if signal.kind != "counter":
            return None
        seconds = self._uptime(signal)
        if seconds is None or not self.first.source_of(UPTIMES[signal.name.partition(".")[0]]):
            return None
        return joined_number(self.first, signal, wanted) or 0.0, seconds

    def histogram(self, signal: Signal, wanted: Wanted, *, fewest: int = FEWEST_MEASURED) -> Histogram | None:
        """None when fewer were measured: a percentile of less is chance."""
        found = joined_histogram(self.first, signal, wanted)
        if (pair := self._healthy_pair()) is not None and (last := joined_histogram(pair[1], signal, wanted)) is not None:
            first = joined_histogram(pair[0], signal, wanted)
            found = last if first is None else last.minus(first)
        return found if found is not None and found.count >= fewest else None

    def _healthy_pair(self) -> tuple[Snapshot, Snapshot] | None:
        if len(self.healthy) < 2 or self.healthy[-1].at <= self.healthy[0].at:
            return None
        return self.healthy[0], self.healthy[-1]

    def _uptime(self, signal: Signal) -> float | None:
        name = UPTIMES.get(signal.name.partition(".")[0])
        found = self.first.find(name, {}) if name else ()
        seconds = min((one.value for one in found if isinstance(one.value, int | float)), default=0.0)
        return seconds if seconds >= SHORTEST_SECONDS else None
