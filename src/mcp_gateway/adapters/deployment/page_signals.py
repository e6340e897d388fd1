"""A metrics page as signals. A page of another product has none that is known, and that is said instead of guessed."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from mcp_gateway.adapters.deployment.metric_names import PROCESS_START, Meaning, Part, meaning_of
from mcp_gateway.adapters.deployment.metrics_text import MetricsPage, Sample
from mcp_gateway.diagnostics.signals.catalogue import Joined, signal_of
from mcp_gateway.diagnostics.signals.histogram import Histogram, from_cumulative
from mcp_gateway.diagnostics.signals.snapshot import Labels, Reading, Readings, Value, reading
from mcp_gateway.diagnostics.verdict import BlindSpot

# Series of one page, and sets of labels that are joined to them.
MAX_READINGS = 5_000
MAX_EDGES = 200
# What is more measures nothing, and sums of it are no numbers.
MOST = 1e18

_Series = tuple[str, Labels]
_K = TypeVar("_K")


class _Page:
    """Samples gathered into series; those that differ in labels nobody asked for are joined."""

    def __init__(self, part: Part, more: Mapping[str, str], now: float) -> None:
        self._part, self._more, self._now = part, more, now
        self._numbers: dict[_Series, float] = {}
        self._counted: dict[_Series, float] = {}
        self._edges: dict[tuple[_Series, Labels], dict[float, float]] = {}
        self._scales: dict[str, float] = {}
        self._sums: dict[tuple[_Series, Labels], float] = {}
        self.cut = False

    def add(self, sample: Sample) -> None:
        name, value = sample.name, sample.value
        if not abs(value) < MOST:
            return
        if name == PROCESS_START:
            self._number(Meaning(signal=f"{self._part}.uptime_seconds"), {}, max(0.0, self._now - value))
        elif name.endswith("_bucket") and "le" in sample.labels:
            self._bucket(name.removesuffix("_bucket"), sample)
        elif name.endswith("_sum") and (timed := self._timed(name.removesuffix("_sum"))) is not None:
            self._sum(timed, sample.labels, value)
        elif name.endswith("_count") and (timed := self._timed(name.removesuffix("_count"))) is not None:
            if timed.counted:
                self._count(Meaning(signal=timed.counted, labels=timed.labels), sample.labels, value)
        else:
            self._plain(meaning_of(name.removesuffix("_total"), self._part), sample.labels, value)

    def readings(self) -> tuple[Reading, ...]:
        """Counts of a histogram's measurements stand in for a counter only where the page has none."""
        named = {name for name, _ in self._numbers}
        numbers = {**self._numbers, **{series: value for series, value in self._counted.items() if series[0] not in named}}
        values: dict[_Series, Value] = {**numbers, **self._histograms()}
        self.cut = self.cut or len(values) > MAX_READINGS
        return tuple(Reading(name=name, labels=labels, value=value) for (name, labels), value in values.items())[:MAX_READINGS]

    def _has_room(self, key: _K, known: Mapping[_K, object]) -> bool:
        fits = key in known or len(known) < MAX_READINGS
        self.cut = self.cut or not fits
        return fits

    def _timed(self, family: str) -> Meaning | None:
        meaning = meaning_of(family, self._part)
        return meaning if meaning is not None and signal_of(meaning.signal).kind == "histogram" else None

    def _bucket(self, family: str, sample: Sample) -> None:
        meaning = self._timed(family)
        if meaning is None:
            return
        try:
            edge = float(sample.labels["le"])
        except ValueError:
            return
        if not (abs(edge) < MOST or edge == math.inf):
            return
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        self._scales[meaning.signal] = meaning.scale
        key = self._series(meaning, labels), _key(labels)
        if self._has_room(key, self._edges):
            edges = self._edges.setdefault(key, {})
            if len(edges) < MAX_EDGES:
                edges[edge] = sample.value

    def _sum(self, meaning: Meaning, labels: Mapping[str, str], value: float) -> None:
        key = self._series(meaning, labels), _key(labels)
        if self._has_room(key, self._sums):
            self._sums[key] = value

    def _histograms(self) -> dict[_Series, Histogram]:
        found: dict[_Series, Histogram] = {}
        for (series, labels), edges in self._edges.items():
            one = from_cumulative(edges, self._sums.get((series, labels), 0.0), scale=self._scales[series[0]])
            if one is not None:
                found[series] = found[series].plus(one) if series in found else one
        return found

    def _plain(self, meaning: Meaning | None, labels: Mapping[str, str], value: float) -> None:
        if meaning is not None and signal_of(meaning.signal).kind != "histogram":
            self._number(meaning, labels, value * meaning.scale)

    def _number(self, meaning: Meaning, labels: Mapping[str, str], value: float) -> None:
        series = self._series(meaning, labels)
        if not self._has_room(series, self._numbers):
            return
        known = self._numbers.get(series)
        joined = signal_of(meaning.signal).joined
        self._numbers[series] = value if known is None else _join(joined, known, value)

    def _count(self, meaning: Meaning, labels: Mapping[str, str], value: float) -> None:
        series = self._series(meaning, labels)
        if self._has_room(series, self._counted):
            self._counted[series] = self._counted.get(series, 0.0) + value

    def _series(self, meaning: Meaning, labels: Mapping[str, str]) -> _Series:
        named = {meaning.labels[name]: value for name, value in labels.items() if name in meaning.labels}
        return meaning.signal, _key({**named, **self._more})


async def read_page(body: bytes, part: Part, *, now: float, more: Mapping[str, str], where: str) -> Readings:
    """`now`: seconds since 1970. `more`: labels every reading gets. `where` names the page for people. Never raises.

    Others get their turn while a large page is read, and it can be cancelled.
    """
    found = MetricsPage(body)
    page = _Page(part, more, now)
    for samples in found.turns():
        for sample in samples:
            page.add(sample)
        await asyncio.sleep(0)
    if not found.is_metrics:
        return Readings(readings=(), blind_spots=(_unreadable(where),))
    readings = page.readings()
    return Readings(readings=readings, blind_spots=tuple(_doubts(found, page, readings, where)))


def _doubts(found: MetricsPage, page: _Page, readings: tuple[Reading, ...], where: str) -> Iterable[BlindSpot]:
    if found.cut:
        yield BlindSpot(what=where, why=f"It has more than {found.count} samples; the rest was not read.")
    if page.cut:
        yield BlindSpot(what=where, why=f"It has more than {MAX_READINGS} series of a kind; the others were left out.")
    if not any(one.name.split(".")[1] not in _ANYBODYS for one in readings):
        yield BlindSpot(
            what=where,
            why="It is a metrics page, but none of its requests or parts is known here "
            f"(it has {', '.join(sorted(found.names))}, …).",
            hint="Check that the address is the gateway's; export http_request_duration_seconds or the kit's figures.",
        )


# What every program's page has says nothing about whose page it is.
_ANYBODYS = {"rss_bytes", "cpu_seconds_total", "open_fds", "max_fds", "uptime_seconds"}


def _unreadable(where: str) -> BlindSpot:
    return BlindSpot(
        what=where,
        why="What is there is not Prometheus text.",
        hint="Check the address; figures are expected at /metrics.",
    )


def _key(labels: Mapping[str, str]) -> Labels:
    return reading("", 0.0, **labels).labels


def _join(joined: Joined, one: float, other: float) -> float:
    return one + other if joined == "sum" else max(one, other) if joined == "max" else min(one, other)
