"""How the kit's parts report what they count and how long things took.

A part declares its metrics as `Metric` constants and asks a `Figures` for instruments. The default, `NO_FIGURES`, does
nothing; `RecordedFigures` keeps the numbers in memory, for tests and for health; `kit.prometheus` exposes them.
This module knows no metrics library.

Instruments are cheap and bound to their labels: bind once, at construction, whatever does not change from call to call
(name, operation, outcome); only what does change (the tenant) is looked up per call. A label named `tenant` is bounded by
the sink: the tenants beyond its bound are counted together as `other`.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, Protocol

# Seconds. From a near cache hit to a language model that thinks.
DURATION_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One thing that is measured.

    `name` is lower snake case without a prefix; counters without `_total`, durations ending in `_seconds`. `labels` are all the
    labels every use of it gives; each must come from a small set known beforehand, except `tenant`, which sinks bound.
    `bounds` are the upper edges of a histogram's buckets, ascending, in the metric's own unit.
    """

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = DURATION_BOUNDS


class Counter(Protocol):
    """A number that only grows."""

    def add(self, amount: float = 1) -> None:
        """Add `amount`, zero or more."""
        ...


class Gauge(Protocol):
    """A number that moves both ways."""

    def set(self, value: float) -> None: ...


class Histogram(Protocol):
    """Many measurements of the same thing."""

    def observe(self, value: float) -> None:
        """Record one measurement in the metric's unit (seconds for durations)."""
        ...


class Figures(Protocol):
    """Hands out instruments; the same metric and labels always give the same instrument."""

    def counter(self, metric: Metric, **labels: str) -> Counter: ...

    def gauge(self, metric: Metric, **labels: str) -> Gauge: ...

    def histogram(self, metric: Metric, **labels: str) -> Histogram: ...


class _Nothing:
    __slots__ = ()

    def add(self, amount: float = 1) -> None: ...

    def set(self, value: float) -> None: ...

    def observe(self, value: float) -> None: ...


_NOTHING = _Nothing()


class NoFigures:
    """Measures nothing."""

    def counter(self, metric: Metric, **labels: str) -> Counter:
        return _NOTHING

    def gauge(self, metric: Metric, **labels: str) -> Gauge:
        return _NOTHING

    def histogram(self, metric: Metric, **labels: str) -> Histogram:
        return _NOTHING


NO_FIGURES: Figures = NoFigures()


class _Recorded:
    __slots__ = ("total", "values")

    def __init__(self) -> None:
        self.total = 0.0
        self.values: list[float] = []

    def add(self, amount: float = 1) -> None:
        self.total += amount

    def set(self, value: float) -> None:
        self.total = value

    def observe(self, value: float) -> None:
        self.total += value
        self.values.append(value)


class RecordedFigures:
    """Keeps every number in memory, without a bound: for tests and short measurements."""

    def __init__(self) -> None:
        self._instruments: defaultdict[tuple[str, frozenset[tuple[str, str]]], _Recorded] = defaultdict(_Recorded)

    def counter(self, metric: Metric, **labels: str) -> Counter:
        return self._instrument(metric, labels)

    def gauge(self, metric: Metric, **labels: str) -> Gauge:
        return self._instrument(metric, labels)

    def histogram(self, metric: Metric, **labels: str) -> Histogram:
        return self._instrument(metric, labels)

    def total(self, metric: Metric | str, **labels: str) -> float:
        """The sum over every instrument of `metric` that carries at least these labels."""
        name = metric if isinstance(metric, str) else metric.name
        wanted = frozenset(labels.items())
        return sum(one.total for (of, carried), one in self._instruments.items() if of == name and wanted <= carried)

    def values(self, metric: Metric | str, **labels: str) -> list[float]:
        """Every measurement of a histogram that carries at least these labels, in no order across instruments."""
        name = metric if isinstance(metric, str) else metric.name
        wanted = frozenset(labels.items())
        return [
            value for (of, carried), one in self._instruments.items() if of == name and wanted <= carried for value in one.values
        ]

    def _instrument(self, metric: Metric, labels: dict[str, str]) -> _Recorded:
        if labels.keys() != set(metric.labels):
            raise ValueError(f"{metric.name} carries the labels {metric.labels}, not {tuple(labels)}")
        return self._instruments[metric.name, frozenset(labels.items())]
