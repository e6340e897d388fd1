"""Several series of one signal read as one, as the catalogue says for its kind."""

from collections.abc import Mapping
from typing import TypeAlias

from mcp_gateway.diagnostics.signals.catalogue import Signal
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.snapshot import Snapshot

Wanted: TypeAlias = Mapping[str, str]


def joined_number(snapshot: Snapshot, signal: Signal, wanted: Wanted) -> float | None:
    """None when no series carries these labels."""
    numbers = [float(one.value) for one in snapshot.find(signal.name, wanted) if isinstance(one.value, int | float)]
    if not numbers:
        return None
    if signal.kind == "counter" or signal.joined == "sum":
        return sum(numbers)
    return max(numbers) if signal.joined == "max" else min(numbers)


def joined_histogram(snapshot: Snapshot, signal: Signal, wanted: Wanted) -> Histogram | None:
    """None when no series carries these labels."""
    together: Histogram | None = None
    for one in snapshot.find(signal.name, wanted):
        if isinstance(one.value, Histogram):
            together = one.value if together is None else together.plus(one.value)
    return together
