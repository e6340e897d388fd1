"""Snapshots kept in memory: what a deployment was like, so that there is something to compare with.

Recent ones are close together; older ones thin out, so that an hour costs little more than a few minutes. Readings that did not
change are kept once, and labels too: most tenants rest most of the time. One process's own.

What is usual is the latest healthy time that was long enough; a short one after trouble does not replace it. The earliest of
some hours is remembered beside it, so that what creeps is seen. What stays otherwise for hours is taken as usual after all.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Labels, Reading, Snapshot

MOST_KEPT = 240
# The newest so many are all kept; of the older ones every second goes when there are too many.
MOST_RECENT = 120
# A healthy time of which the baseline is made: long enough to be typical, short enough to be like now.
HEALTHY_SECONDS = 900.0
# A healthy time is settled when it lasted so long; a shorter one is believed only where there is no longer one.
SETTLED_SECONDS = 120.0
# Trouble is noticed so much later than it begins: the end of a healthy time before it is not trusted, up to a third of it.
NOTICED_SECONDS = 20.0
DOUBTED_SHARE = 3
# How long figures are otherwise than before until they are what is usual, and how far back that is remembered.
ADOPTED_SECONDS = 3 * 3_600.0
REMEMBERED_SECONDS = 6 * 3_600.0


@dataclass(slots=True)
class _Kept:
    """`otherwise`: no part was unwell, and its figures were not as usual."""

    snapshot: Snapshot
    healthy: bool
    otherwise: bool = False


class SnapshotHistory:
    """Implements `History`. Snapshots are added in order of time."""

    def __init__(self, *, most_kept: int = MOST_KEPT, most_recent: int = MOST_RECENT) -> None:
        self._most_kept, self._most_recent = most_kept, most_recent
        self._kept: list[_Kept] = []
        self._latest: dict[tuple[str, str, Labels], Reading] = {}
        self._otherwise_since: datetime | None = None
        self._adopted: datetime | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, snapshot: Snapshot, *, healthy: bool, otherwise: bool = False) -> None:
        self._kept.append(_Kept(self._compact(snapshot), healthy, otherwise))
        self._note(snapshot.at, healthy=healthy, otherwise=otherwise)
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
        runs = [one for one in self._runs(until) if len(one) > 1]
        found = next((one for one in reversed(runs) if _lasted(one) >= SETTLED_SECONDS), None)
        if found is None:
            found = max(reversed(runs), key=_lasted, default=())
        return tuple(one for one in found if found[-1].at - one.at <= timedelta(seconds=HEALTHY_SECONDS))

    def remembered(self, *, until: datetime) -> tuple[Snapshot, ...]:
        earliest = until - timedelta(seconds=REMEMBERED_SECONDS)
        runs = (tuple(one for one in run if one.at >= earliest) for run in self._runs(until))
        found = next((one for one in runs if len(one) > 1 and _lasted(one) >= SETTLED_SECONDS), ())
        return tuple(one for one in found if one.at - found[0].at <= timedelta(seconds=HEALTHY_SECONDS))

    def otherwise_since(self) -> datetime | None:
        return self._otherwise_since or self._adopted

    def _note(self, at: datetime, *, healthy: bool, otherwise: bool) -> None:
        """When it began to be otherwise than usual; after hours without one healthy look, all of it is healthy."""
        if healthy:
            self._otherwise_since = None
        elif otherwise and self._otherwise_since is None:
            self._otherwise_since = at
        elif otherwise and self._otherwise_since is not None and at - self._otherwise_since >= timedelta(seconds=ADOPTED_SECONDS):
            for one in self._kept:
                one.healthy |= one.otherwise and one.snapshot.at >= self._otherwise_since
            self._adopted, self._otherwise_since = self._otherwise_since, None
        if self._adopted is not None and at - self._adopted > timedelta(days=1):
            self._adopted = None

    def _runs(self, until: datetime) -> list[tuple[Snapshot, ...]]:
        """Unbroken healthy times that began by then, in order; what came before figures were taken as usual is not among them."""
        runs: list[tuple[Snapshot, ...]] = []
        run: list[Snapshot] = []
        for one in self._kept:
            if one.snapshot.at > until:
                break
            if self._adopted is not None and one.snapshot.at < self._adopted <= until:
                continue
            if one.healthy:
                run.append(one.snapshot)
            elif run:
                runs.append(_trusted(run))
                run = []
        return [*runs, tuple(run)]

    def _ends_a_run(self, index: int) -> bool:
        if index + 1 >= len(self._kept):
            return True
        return self._kept[index].healthy != self._kept[index + 1].healthy


def _lasted(run: Sequence[Snapshot]) -> float:
    return (run[-1].at - run[0].at).total_seconds() if run else 0.0


def _trusted(run: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """Of a time that ended in trouble: without its last looks."""
    least = max(2, len(run) - len(run) // DOUBTED_SHARE)
    end = run[-1].at - timedelta(seconds=NOTICED_SECONDS)
    return tuple(one for index, one in enumerate(run) if index < least or one.at <= end)


def _sharing(one: Reading, known: Reading) -> Reading:
    """The same reading with the labels, and the buckets' edges, of an earlier one."""
    value = one.value
    if isinstance(value, Histogram) and isinstance(known.value, Histogram) and value.bounds == known.value.bounds:
        value = replace(value, bounds=known.value.bounds)
    return replace(one, labels=known.labels, value=value)
