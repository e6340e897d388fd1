"""Several series of one signal read as one, as the catalogue says for its kind; and how much they grew between two looks.

Growth is taken source by source: one that was not read at both looks, or began to count anew, distorts no other.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from mcp_gateway.diagnostics.signals.catalogue import Signal
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Snapshot

Wanted: TypeAlias = Mapping[str, str]


def number(snapshot: Snapshot, signal: Signal, wanted: Wanted, *, source: str | None = None) -> float | None:
    """None when no series carries these labels."""
    found = snapshot.find(signal.name, wanted, source=source)
    return together(signal, (float(one.value) for one in found if isinstance(one.value, int | float)))


def histogram(snapshot: Snapshot, signal: Signal, wanted: Wanted, *, source: str | None = None) -> Histogram | None:
    """None when no series carries these labels."""
    found = snapshot.find(signal.name, wanted, source=source)
    return all_measured(one.value for one in found if isinstance(one.value, Histogram))


def together(signal: Signal, numbers: Iterable[float]) -> float | None:
    """As one number; None when there are none."""
    known = list(numbers)
    if not known:
        return None
    if signal.kind == "counter" or signal.joined == "sum":
        return sum(known)
    return max(known) if signal.joined == "max" else min(known)


def all_measured(histograms: Iterable[Histogram]) -> Histogram | None:
    """As one histogram; None when there are none."""
    whole: Histogram | None = None
    for one in histograms:
        whole = one if whole is None else whole.plus(one)
    return whole


def growth(first: Snapshot, last: Snapshot, signal: Signal, wanted: Wanted, *, source: str) -> float | None:
    """Of one source, which was read at both looks, or else None. A count that fell began anew, so all of it is growth."""
    if source not in first.sources:
        return None
    after, before = (number(one, signal, wanted, source=source) for one in (last, first))
    if after is None:
        return None
    if signal.kind == "counter":
        # A series that is new in a page that was read before grew from nothing.
        return after if after < (before or 0.0) else after - (before or 0.0)
    return None if before is None else after - before


def measured(first: Snapshot, last: Snapshot, signal: Signal, wanted: Wanted, *, source: str) -> Histogram | None:
    """Between two looks, by one source which was read at both, or else None."""
    if source not in first.sources:
        return None
    after, before = (histogram(one, signal, wanted, source=source) for one in (last, first))
    return after if after is None or before is None else after.minus(before)
