"""Counts in buckets: what a percentile is made of. Percentiles are read between the edges, so they are as fine as the buckets."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """`bounds` ascending upper edges without infinity; `counts[i]` of bucket i alone, one more than bounds for the rest."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]
    total: float = 0.0

    @property
    def count(self) -> float:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The value below which `share` (0..1) of the measurements lie; None when there are none.

        What lies beyond the last edge counts as that edge: such a figure is a lower bound.
        """
        wanted = share * self.count
        if not self.count:
            return None
        seen = 0.0
        for index, count in enumerate(self.counts[:-1]):
            if count and seen + count >= wanted:
                low = self.bounds[index - 1] if index else 0.0
                return low + (self.bounds[index] - low) * max(0.0, wanted - seen) / count
            seen += count
        return self.bounds[-1] if self.bounds else None

    def share_longer_than(self, other: "Histogram") -> float | None:
        """Of all pairs, one measurement of each: those in which ours lies in a higher bucket, and half of those in the same.

        None when either has none, or their buckets differ.
        """
        if other.bounds != self.bounds or not self.count or not other.count:
            return None
        below = accumulate(other.counts, initial=0.0)
        won = sum(ours * (under + theirs / 2) for ours, theirs, under in zip(self.counts, other.counts, below, strict=False))
        return won / (self.count * other.count)

    def share_above(self, value: float) -> float | None:
        """The share of measurements in buckets that begin at `value` or above it; None when there are none."""
        if not self.count:
            return None
        return sum(self.counts[bisect_left(self.bounds, value) + 1 :]) / self.count

    def minus(self, earlier: "Histogram") -> "Histogram":
        """What was measured since `earlier`; all of it when the buckets changed or the counts fell, after a restart."""
        if earlier.bounds != self.bounds or any(now < then for now, then in zip(self.counts, earlier.counts, strict=True)):
            return self
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return Histogram(bounds=self.bounds, counts=counts, total=max(0.0, self.total - earlier.total))

    def plus(self, other: "Histogram") -> "Histogram":
        """Both together; the one with more measurements when their buckets differ."""
        if other.bounds != self.bounds:
            return max(self, other, key=lambda one: one.count)
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(bounds=self.bounds, counts=counts, total=self.total + other.total)


def from_cumulative(edges: dict[float, float], total: float, *, scale: float = 1.0) -> Histogram | None:
    """From Prometheus' running counts by upper edge (`inf` for all); `scale` multiplies edges and total.

    None when the counts fall with the edge or the last edge is not infinity: then it is no histogram.
    """
    ascending = sorted(edges.items())
    if not ascending or not math.isinf(ascending[-1][0]) or len(ascending) < 2:
        return None
    running = [count for _, count in ascending]
    counts = [running[0], *(now - before for before, now in pairwise(running))]
    if any(count < 0 or not math.isfinite(count) for count in counts) or not math.isfinite(total):
        return None
    # Whole numbers, of which small ones cost no memory: hundreds of histograms are kept a hundred times over.
    whole = tuple(int(count) if count == int(count) else count for count in counts)
    return Histogram(bounds=tuple(edge * scale for edge, _ in ascending[:-1]), counts=whole, total=total * scale)
