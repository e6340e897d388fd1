"""The kit's figures as Prometheus metric families, with exemplars.

Counting costs an addition, not a lock: the families are made when Prometheus asks. Instruments belong to one event loop; a
process with several threads gives each its own `PrometheusFigures`. The values of a label are bounded twice: tenants
beyond `max_tenants`, and any further combination of labels beyond `max_series` of a metric, are counted together as `other`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

from prometheus_client import metrics_core
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Exemplar

from mcp_gateway.kit.figures import Counter, Gauge, Histogram, Metric

OTHER = "other"
# What is longer is cut on the page.
MAX_LABEL_LETTERS = 200
TENANT = "tenant"


class _Number:
    """A counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1) -> None:
        self.value += amount

    def set(self, value: float) -> None:
        self.value = value


class _Buckets:
    """A histogram; `exemplars[i]` is the last traced measurement that fell into bucket i."""

    __slots__ = ("bounds", "counts", "exemplars", "total", "trace_id")

    def __init__(self, bounds: tuple[float, ...], trace_id: Callable[[], str | None] | None) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.trace_id = trace_id
        self.exemplars: dict[int, Exemplar] = {}

    def observe(self, value: float) -> None:
        bucket = bisect_left(self.bounds, value)
        self.counts[bucket] += 1
        self.total += value
        if self.trace_id is not None and (traced := self.trace_id()) is not None:
            self.exemplars[bucket] = Exemplar({"trace_id": traced}, value)


_Series = TypeVar("_Series", _Number, _Buckets)


@dataclass(slots=True)
class _Family:
    metric: Metric
    numbers: dict[tuple[str, ...], _Number] = field(default_factory=dict)
    buckets: dict[tuple[str, ...], _Buckets] = field(default_factory=dict)


class PrometheusFigures(Collector):
    """Implements `kit.figures.Figures`; register it with a `CollectorRegistry`.

    `trace_id` is asked at each measurement of a histogram; what it returns, unless None, is kept as the bucket's exemplar.
    """

    def __init__(
        self,
        *,
        namespace: str = "kit",
        max_tenants: int = 100,
        max_series: int = 5_000,
        trace_id: Callable[[], str | None] | None = None,
    ) -> None:
        self._namespace, self._max_tenants, self._max_series, self._trace_id = namespace, max_tenants, max_series, trace_id
        self._tenants: dict[str, str] = {}
        self._families: dict[str, _Family] = {}
        self._reports: list[Callable[[], None]] = []

    def on_collect(self, report: Callable[[], None]) -> None:
        """Call `report` whenever Prometheus asks, before it is answered: for figures that are read rather than counted."""
        self._reports.append(report)

    def counter(self, metric: Metric, **labels: str) -> Counter:
        return self._number(metric, labels)

    def gauge(self, metric: Metric, **labels: str) -> Gauge:
        return self._number(metric, labels)

    def histogram(self, metric: Metric, **labels: str) -> Histogram:
        family, values = self._place(metric, labels)
        found = family.buckets.get(values)
        return found or self._new(family.buckets, values, _Buckets(metric.bounds, self._trace_id))

    def collect(self) -> Iterable[metrics_core.Metric]:
        for report in self._reports:
            report()
        for family in tuple(self._families.values()):
            yield self._collected(family)

    def describe(self) -> Iterable[metrics_core.Metric]:
        """Nothing is known before it is first counted; registering must not ask."""
        return ()

    def _number(self, metric: Metric, labels: dict[str, str]) -> _Number:
        family, values = self._place(metric, labels)
        return family.numbers.get(values) or self._new(family.numbers, values, _Number())

    def _place(self, metric: Metric, labels: dict[str, str]) -> tuple[_Family, tuple[str, ...]]:
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} carries the labels {metric.labels}, not {tuple(labels)}")
        if TENANT in labels:
            labels[TENANT] = self._bounded(labels[TENANT])
        family = self._families.get(metric.name)
        if family is None:
            family = self._families[metric.name] = _Family(metric)
        return family, tuple([labels[name] for name in metric.labels])

    def _bounded(self, tenant: str) -> str:
        known = self._tenants.get(tenant)
        if known is not None:
            return known
        if len(self._tenants) >= self._max_tenants:
            return OTHER
        return self._tenants.setdefault(tenant, tenant)

    def _new(self, series: dict[tuple[str, ...], _Series], values: tuple[str, ...], fresh: _Series) -> _Series:
        if len(series) >= self._max_series:
            values = (OTHER,) * len(values)
        return series.setdefault(tuple(_writable(value) for value in values), fresh)

    def _collected(self, family: _Family) -> metrics_core.Metric:
        metric = family.metric
        name = f"{self._namespace}_{metric.name}"
        if metric.kind == "histogram":
            histogram = metrics_core.HistogramMetricFamily(name, metric.help, labels=metric.labels)
            for values, one in tuple(family.buckets.items()):
                histogram.add_metric(values, _edges(one), one.total)
            return histogram
        kind = metrics_core.CounterMetricFamily if metric.kind == "counter" else metrics_core.GaugeMetricFamily
        numbers = kind(name, metric.help, labels=metric.labels)
        for values, number in tuple(family.numbers.items()):
            numbers.add_metric(values, number.value)
        return numbers


def _writable(value: str) -> str:
    """Names come from outside: half a surrogate pair in one of them would keep the whole page from being written."""
    return value[:MAX_LABEL_LETTERS].encode("utf-8", "backslashreplace").decode()


def _edges(one: _Buckets) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    edges: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    names = [*map(str, one.bounds), "+Inf"]
    for index, count in enumerate(accumulate(one.counts)):
        exemplar = one.exemplars.get(index)
        edges.append((names[index], count) if exemplar is None else (names[index], count, exemplar))
    return edges


def render_figures(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The text for a scraper and its content type; exemplars only in OpenMetrics, when `accept` (the header) asks for that."""
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
