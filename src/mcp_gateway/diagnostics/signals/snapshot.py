"""Everything that was read at one moment: signals by name and labels, and what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from mcp_gateway.diagnostics.signals.histogram import Histogram
from mcp_gateway.diagnostics.signals.names import Names
from mcp_gateway.diagnostics.verdict import BlindSpot

Labels: TypeAlias = tuple[tuple[str, str], ...]
Value: TypeAlias = float | str | Histogram


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One series. `name` is of the catalogue, `labels` sorted by name; a count is the running total, not its growth."""

    name: str
    value: Value
    labels: Labels = ()

    def carries(self, wanted: Mapping[str, str]) -> bool:
        """Whether it has at least these labels."""
        return all(pair in self.labels for pair in wanted.items())

    def label(self, name: str) -> str:
        """Empty when it does not carry the label."""
        return dict(self.labels).get(name, "")


def reading(name: str, value: Value, /, **labels: str) -> Reading:
    """A reading with its labels in order."""
    return Reading(name=name, value=value, labels=tuple(sorted(labels.items())))


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """What one source had to say."""

    readings: tuple[Reading, ...]
    blind_spots: tuple[BlindSpot, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All sources at one moment. `sources` maps the name of each source that answered to what it read."""

    at: datetime
    sources: Mapping[str, Readings] = field(default_factory=dict)
    blind_spots: tuple[BlindSpot, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, Reading]]]:
        index: dict[str, list[tuple[str, Reading]]] = {}
        for source, readings in self.sources.items():
            for one in readings.readings:
                index.setdefault(one.name, []).append((source, one))
        return index

    @property
    def unread(self) -> tuple[BlindSpot, ...]:
        """What could not be read, whole sources first."""
        return (*self.blind_spots, *(spot for readings in self.sources.values() for spot in readings.blind_spots))

    def find(self, name: str, labels: Mapping[str, str], *, source: str | None = None) -> tuple[Reading, ...]:
        """Every series of a signal with at least these labels, in the order they were read; of one source, or of all."""
        found = self._by_name.get(name, ())
        return tuple(one for read_by, one in found if source in {None, read_by} and one.carries(labels))

    def source_of(self, name: str) -> str:
        """Which source read a signal; empty when none did."""
        found = self._by_name.get(name)
        return found[0][0] if found else ""

    def shown_to(self, names: Names) -> "Snapshot":
        """The same without the names this caller may not see; series that become alike add up when they are read."""
        if names.everybody:
            return self
        names = names.knowing(caches=self._labelled("cache"), tenants=self._labelled("tenant"))
        sources = {
            name: replace(readings, readings=tuple(_shown(one, names) for one in readings.readings))
            for name, readings in self.sources.items()
        }
        return replace(self, sources=sources)

    def _labelled(self, label: str) -> set[str]:
        every = (one for readings in self.sources.values() for one in readings.readings)
        return {value for one in every for name, value in one.labels if name == label}


def _shown(one: Reading, names: Names) -> Reading:
    value = names.said(one.value) if isinstance(one.value, str) else one.value
    if value == one.value and not one.labels:
        return one
    return replace(one, value=value, labels=tuple((name, names.label(name, said)) for name, said in one.labels))
