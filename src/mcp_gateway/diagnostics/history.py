"""Snapshots kept in memory: what a deployment was like, so that there is something to compare with.

Recent ones are close together; older ones thin out, so that an hour costs little more than a few minutes. Readings that did not
change are kept once, and labels too: most tenants rest most of the time. One process's own.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Labels, Reading, Snapshot

MOST_KEPT = 240
# The newest so many are all kept; of the older ones every second goes when there are too many.
MOST_RECENT = 120
# A healthy time of which the baseline is made: long enough to be typical, short enough to be like now.
HEALTHY_SECONDS = 900.0


@dataclass(slots=True)
class _Kept:
    snapshot: Snapshot
    healthy: bool


class SnapshotHistory:
    """Implements `History`. Snapshots are added in order of time."""

    def __init__(self, *, most_kept: int = MOST_KEPT, most_recent: int = MOST_RECENT) -> None:
        self._most_kept, self._most_recent = most_kept, most_recent
        self._kept: list[_Kept] = []
        self._latest: dict[tuple[str, str, Labels], Reading] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, snapshot: Snapshot, *, healthy: bool) -> None:
        self._kept.append(_Kept(self._compact(snapshot), healthy))
        if len(self._kept) > self._most_kept:
            older = self._kept[: -self._most_recent]
            # An end of a healthy run stays: it is what the run is measured between.
            thinned = [one for index, one in enumerate(older) if index % 2 == 0 or self._ends_a_run(index)]
            self._kept = [*(thinned if len(thinned) < len(older) else older[1:]), *self._kept[-self._most_recent :]]

    def _compact(self, snapshot: Snapshot) -> Snapshot:
        """Equal to it, and made of what is kept already as far as possible."""
        latest: dict[tuple[str, str, Labels], Reading] = {}
        sources = {}
        for name, readings in snapshot.sources.items():
            kept = []
            for one in readings.readings:
                known = self._latest.get((name, one.name, one.labels))
                if known is not None:
                    one = known if known.value == one.value else _sharing(one, known)  # noqa: PLW2901
                latest[name, one.name, one.labels] = one
                kept.append(one)
            sources[name] = replace(readings, readings=tuple(kept))
        self._latest = latest
        return replace(snapshot, sources=sources)

    def before(self, at: datetime) -> Snapshot | None:
        if not self._kept:
            return None
        index = bisect_right(self._kept, at, key=lambda one: one.snapshot.at)
        return self._kept[max(0, index - 1)].snapshot

    def between(self, begin: datetime, end: datetime) -> tuple[Snapshot, ...]:
        return tuple(one.snapshot for one in self._kept if begin <= one.snapshot.at <= end)

    def healthy(self, *, until: datetime) -> tuple[Snapshot, ...]:
        run: list[Snapshot] = []
        for one in reversed(self._kept):
            if one.snapshot.at > until:
                continue
            if not one.healthy:
                if len(run) > 1:
                    break
                run = []
                continue
            if run and run[0].at - one.snapshot.at > timedelta(seconds=HEALTHY_SECONDS):
                break
            run.append(one.snapshot)
        return tuple(reversed(run))

    def _ends_a_run(self, index: int) -> bool:
        if index + 1 >= len(self._kept):
            return True
        return self._kept[index].healthy != self._kept[index + 1].healthy


def _sharing(one: Reading, known: Reading) -> Reading:
    """The same reading with the labels, and the buckets' edges, of an earlier one."""
    value = one.value
    if isinstance(value, Histogram) and isinstance(known.value, Histogram) and value.bounds == known.value.bounds:
        value = replace(value, bounds=known.value.bounds)
    return replace(one, labels=known.labels, value=value)
