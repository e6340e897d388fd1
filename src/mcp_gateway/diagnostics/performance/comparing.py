"""One figure of a window beside the same of the window before, or of what is usual, and what that is worth."""

from dataclasses import dataclass

from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.figures import Standing, standing_of, unless_chance
from mcp_gateway.diagnostics.performance.windows import TwoWindows
from mcp_gateway.diagnostics.signals.catalogue import signal_of
from mcp_gateway.diagnostics.signals.window import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """`previous` from the window before; `usual` from the last healthy time or since the start. None is unknown."""

    value: float | None
    previous: float | None
    usual: float | None
    measurements: float | None
    standing: Standing

    def to_dict(self) -> dict[str, Json]:
        change = None
        if self.value is not None and self.previous:
            change = round(self.value / self.previous - 1, 4)
        return {
            "value": _shown(self.value),
            "previous": _shown(self.previous),
            "change": change,
            "usual": _shown(self.usual),
            "measurements": self.measurements,
            "standing": self.standing,
        }


def compared(two: TwoWindows, name: str, **labels: str) -> Compared:
    """A figure of the catalogue. With fewer than 20 measurements a percentile stands as `too_few`."""
    value = two.now.figure(name, **labels)
    previous = None if two.before is None else two.before.figure(name, **labels)
    usual = two.now.baseline(name, of="figure", **labels)
    count = _count(two.now, name, labels)
    against = previous if previous is not None else usual
    standing = unless_chance(standing_of(value, against, count), two.now, name, value, against)
    return Compared(value=value, previous=previous, usual=usual, measurements=count, standing=standing)


def percentiles(two: TwoWindows, stem: str, **labels: str) -> dict[str, Json]:
    """p50, p95 and p99 of a histogram `{stem}_ms`."""
    return {f"p{percent}_ms": compared(two, f"{stem}_p{percent}_ms", **labels).to_dict() for percent in (50, 95, 99)}


def measured(window: Window, stem: str, **labels: str) -> float:
    """How many measurements the histogram has within the window."""
    found = window.histogram(f"{stem}_ms", **labels)
    return 0.0 if found is None else found.count


def _count(window: Window, name: str, labels: dict[str, str]) -> float | None:
    signal = signal_of(name)
    if signal.kind == "quantile":
        found = window.histogram(signal.of, **labels)
        return None if found is None else found.count
    if signal.kind == "share":
        counts = [
            window.change(one.signal, **{**labels, **({one.label: one.value} if one.label else {})}) for one in signal.whole
        ]
        return sum(count for count in counts if count is not None)
    return None


def _shown(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
