"""Two looks at the same system and what is usual there: value, growth and baseline of any signal, and evidence made from them.

    window.value("gateway.loop_lag_p99_ms")                      what it was within the window
    window.rate("redis.evicted_keys_total")                      growth per second, of gauges too (then it may be negative)
    window.baseline("redis.evicted_keys_total")                  the same figure when the system was last well
    window.ratio("upstream.call_p50_ms", upstream="engine")      value over baseline
    window.by("gateway.limit_refusals_total", "tenant")          the figure for each value of a label
    window.evidence("gateway.loop_lag_p99_ms")                   all of it as one `Evidence`; None when it was not read

Labels narrow: series that carry at least these are joined. A counter's figure is its rate. Nothing is ever guessed: what was
not read, or counted only once, is None.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from mcp_gateway.diagnostics.signals import joining
from mcp_gateway.diagnostics.signals.baseline import Baseline
from mcp_gateway.diagnostics.signals.catalogue import REDIS, Counted, Signal, signal_of
from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.joining import Wanted
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.signals.snapshot import Reading, Snapshot
from mcp_gateway.diagnostics.verdict import BlindSpot, Evidence

Of: TypeAlias = Literal["figure", "value", "rate", "change"]
# How much a count grew, by the window or by what is usual; None when that is not known.
Grown: TypeAlias = Callable[[Signal, Wanted], float | None]


@dataclass(frozen=True, kw_only=True)
class Window:
    """`first` None: there was one look only, so nothing has a rate. `healthy`: snapshots of the last healthy time, in order."""

    last: Snapshot
    first: Snapshot | None = None
    healthy: Sequence[Snapshot] = ()

    @property
    def seconds(self) -> float:
        """Between the two looks; 0 with one."""
        return 0.0 if self.first is None else max(0.0, (self.last.at - self.first.at).total_seconds())

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        return self.last.unread

    def shown_to(self, names: Names) -> "Window":
        """The same without the names this caller may not see."""
        if names.everybody:
            return self
        first = None if self.first is None else self.first.shown_to(names)
        return Window(first=first, last=self.last.shown_to(names), healthy=tuple(one.shown_to(names) for one in self.healthy))

    def knows(self, name: str, **labels: str) -> bool:
        """Whether the signal, or what it is derived from, was read."""
        signal = signal_of(name)
        parts = [one.signal for one in signal.whole] or [signal.of or name]
        return any(self.last.find(part, labels) for part in parts)

    def value(self, name: str, **labels: str) -> float | None:
        """A number as it was at the last look; a percentile, mean or share over the window."""
        signal = signal_of(name)
        if signal.kind == "quantile":
            measured = self.histogram(signal.of, **labels)
            return None if measured is None else measured.quantile(signal.quantile)
        if signal.kind == "share":
            return self._share(signal, labels, self._grown)
        return joining.number(self.last, signal, labels)

    def text(self, name: str, **labels: str) -> str | None:
        """A signal that is a word; the first series when several carry the labels."""
        return next((one.value for one in self.last.find(name, labels) if isinstance(one.value, str)), None)

    def change(self, name: str, **labels: str) -> float | None:
        """Growth over the window. A count that fell began anew, so all of it is growth."""
        return self._grown(signal_of(name), labels)

    def rate(self, name: str, **labels: str) -> float | None:
        """Growth per second."""
        grown = self.change(name, **labels)
        return None if grown is None or not self.seconds else grown / self.seconds

    def histogram(self, name: str, **labels: str) -> Histogram | None:
        """What was measured within the window; everything since the start when there was one look only."""
        signal = signal_of(name)
        first = self.first
        if first is None or not first.source_of(name):
            return joining.histogram(self.last, signal, labels)
        found = (joining.measured(first, self.last, signal, labels, source=source) for source in self.last.sources)
        return joining.all_measured(one for one in found if one is not None)

    def usual_histogram(self, name: str, **labels: str) -> Histogram | None:
        """What was measured when the system was last well, also where that is too little for a baseline."""
        return self._usual.histogram(signal_of(name), labels, fewest=1)

    def figure(self, name: str, **labels: str) -> float | None:
        """The rate of a counter, the value of everything else: what is compared with the baseline."""
        return self.rate(name, **labels) if signal_of(name).kind == "counter" else self.value(name, **labels)

    def baseline(self, name: str, *, of: Of = "figure", **labels: str) -> float | None:
        """The same when the system was last well; None when that is not known."""
        signal = signal_of(name)
        usual = self._usual
        if signal.kind == "quantile":
            measured = usual.histogram(signal_of(signal.of), labels)
            return None if measured is None else measured.quantile(signal.quantile)
        if signal.kind == "share":
            return self._share(signal, labels, _usual_growth(usual))
        if of == "value" or (of == "figure" and signal.kind == "gauge"):
            return usual.value(signal, labels)
        grown = usual.change(signal, labels)
        if grown is None or not grown[1]:
            return None
        return grown[0] / grown[1] * (self.seconds if of == "change" else 1.0)

    def swing(self, name: str, **labels: str) -> float:
        """Between the least and the most of a gauge when the system was last well; 0 when that is not known."""
        return self._usual.swing(signal_of(name), labels)

    def baseline_text(self, name: str, **labels: str) -> str | None:
        return self._usual.text(signal_of(name), labels)

    def ratio(self, name: str, *, of: Of = "figure", **labels: str) -> float | None:
        """Value over baseline; infinite when there was nothing of it and is now; None when either is unknown."""
        now, usual = self._of(name, of, labels), self.baseline(name, of=of, **labels)
        if now is None or usual is None:
            return None
        if usual == 0:
            return 1.0 if now == 0 else math.inf
        return now / usual

    def series(self, name: str, **labels: str) -> tuple[Reading, ...]:
        """Every series at the last look that carries at least these labels."""
        return self.last.find(name, labels)

    def labels(self, name: str, label: str, **labels: str) -> tuple[str, ...]:
        """The values of a label, sorted; of a derived signal those of what it is made from."""
        signal = signal_of(name)
        parts = [one.signal for one in signal.whole] or [signal.of or name]
        found = {one.label(label) for part in parts for one in self.last.find(part, labels)}
        return tuple(sorted(found - {""}))

    def by(self, name: str, label: str, *, of: Of = "figure", **labels: str) -> dict[str, float]:
        """The figure for each value of a label, largest first, then by name; values without a figure are left out."""
        found = {value: self._of(name, of, {**labels, label: value}) for value in self.labels(name, label, **labels)}
        known = {value: number for value, number in found.items() if number is not None}
        return dict(sorted(known.items(), key=lambda one: (-one[1], one[0])))

    def evidence(self, name: str, *, of: Of = "figure", **labels: str) -> Evidence | None:
        """The signal with its value, baseline, source and time; None when it was not read."""
        signal = signal_of(name)
        value: float | str | None
        usual: float | str | None
        if signal.kind == "text":
            value, usual = self.text(name, **labels), self.baseline_text(name, **labels)
        else:
            value, usual = self._of(name, of, labels), self.baseline(name, of=of, **labels)
            value = self._none_of(signal, labels) if value is None else value
        if value is None:
            return None
        told = "" if usual is None else self._usual.described(signal)
        if usual is None and (few := self.usual_histogram(signal.of, **labels) if signal.of else None) is not None:
            usual, told = few.quantile(signal.quantile), f"{self._usual.described(signal)}, only {few.count:.0f} measured"
        return Evidence(
            signal=shown_signal(name, labels),
            value=_rounded(value),
            unit=self._unit(signal, of),
            baseline=_rounded(usual),
            source=self._source(signal),
            at=self.last.at,
            baseline_from=told,
        )

    def evidences(self, *names: str, of: Of = "figure", **labels: str) -> tuple[Evidence, ...]:
        """Those of several signals that were read."""
        return tuple(found for name in names if (found := self.evidence(name, of=of, **labels)) is not None)

    @cached_property
    def _usual(self) -> Baseline:
        first = self.first or self.last
        # Of what was not read now, what is usual would make all the rest look little.
        return Baseline(healthy=self.healthy, first=first, sources=frozenset(first.sources) & frozenset(self.last.sources))

    def _of(self, name: str, of: Of, labels: Wanted) -> float | None:
        figures = {"figure": self.figure, "value": self.value, "rate": self.rate, "change": self.change}
        return figures[of](name, **labels)

    def _none_of(self, signal: Signal, labels: Wanted) -> float | None:
        """0 for a series that nobody counted yet, where the count itself was read; of Redis, which tells all it ever counted."""
        counted = self.knows(signal.name) if labels else False
        if "" in labels.values():
            return None  # a series of nobody
        whole = signal.source == REDIS and self.knows("redis.uptime_seconds")
        return 0.0 if signal.kind == "counter" and self.first is not None and (counted or whole) else None

    def _grown(self, signal: Signal, labels: Wanted) -> float | None:
        if self.first is None:
            return None
        found = [joining.growth(self.first, self.last, signal, labels, source=source) for source in self.last.sources]
        return joining.together(signal, (one for one in found if one is not None))

    @staticmethod
    def _share(signal: Signal, labels: Wanted, grown: Grown) -> float | None:
        def counted(parts: Sequence[Counted]) -> list[float]:
            narrowed = [(signal_of(one.signal), {**labels, one.label: one.value} if one.label else labels) for one in parts]
            return [number for part, wanted in narrowed if (number := grown(part, wanted)) is not None]

        whole = sum(counted(signal.whole))
        return sum(counted(signal.part)) / whole if whole > 0 else None

    def _unit(self, signal: Signal, of: Of) -> str:
        if of == "rate" or (of == "figure" and signal.kind == "counter"):
            return f"{signal.unit}/s"
        return signal.unit

    def _source(self, signal: Signal) -> str:
        read = signal.of or (signal.whole[0].signal if signal.whole else signal.name)
        return self.last.source_of(read) or signal.source


def shown_signal(name: str, labels: Wanted) -> str:
    """A signal with its labels, as evidence names it."""
    inner = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name


def _usual_growth(usual: Baseline) -> Grown:
    def grown(signal: Signal, labels: Wanted) -> float | None:
        found = usual.change(signal, labels)
        return None if found is None else found[0]

    return grown


def _rounded(value: float | str | None) -> float | str | None:
    """Six figures: what is beyond them is noise."""
    if value is None or isinstance(value, str):
        return value
    return float(f"{value:.6g}")
