"""What the last looks at each server found, in memory, on this replica. A few kilobytes for each server."""

from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.revisions import Era

# "unknown": not looked at yet, or one that is only started when it is used.
Condition: TypeAlias = Literal["up", "down", "unknown"]

# An hour of looks once a minute.
SAMPLES: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One look. `at` in seconds since 1970; `code` is the error's, "" when the server answered."""

    at: float
    latency_ms: float
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """`since` is when the condition began, in seconds since 1970; `samples` are the oldest first.

    `latency_ms` is the median of the looks that were answered, None before the first.
    """

    server: str
    condition: Condition = "unknown"
    since: float = 0.0
    era: Era | None = None
    revision: str = ""
    code: str = ""
    failures_in_a_row: int = 0
    latency_ms: float | None = None
    samples: tuple[Sample, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        return {
            "server": self.server,
            "condition": self.condition,
            "since": self.since,
            "era": self.era,
            "revision": self.revision,
            "code": self.code,
            "failures_in_a_row": self.failures_in_a_row,
            "latency_ms": self.latency_ms,
            "samples": [{"at": one.at, "latency_ms": one.latency_ms, "code": one.code} for one in self.samples],
        }


class _Ring:
    """The looks at one server, packed."""

    __slots__ = ("at", "codes", "era", "failures", "latency", "next", "revision", "since")

    def __init__(self) -> None:
        self.at = array("d")
        self.latency = array("f")
        self.codes: list[str] = []
        self.next = 0
        self.since = 0.0
        self.failures = 0
        self.era: Era | None = None
        self.revision = ""

    def add(self, sample: Sample) -> None:
        if len(self.codes) < SAMPLES:
            self.at.append(sample.at)
            self.latency.append(sample.latency_ms)
            self.codes.append(sample.code)
        else:
            self.at[self.next], self.latency[self.next], self.codes[self.next] = sample.at, sample.latency_ms, sample.code
        self.next = (self.next + 1) % SAMPLES

    def samples(self) -> tuple[Sample, ...]:
        start = self.next if len(self.codes) == SAMPLES else 0
        order = [(start + number) % SAMPLES for number in range(len(self.codes))]
        return tuple(Sample(at=self.at[one], latency_ms=round(self.latency[one], 3), code=self.codes[one]) for one in order)

    @property
    def last_code(self) -> str:
        return self.codes[self.next - 1] if self.codes else ""


class HealthHistory:
    """Written by the prober, read by pages."""

    def __init__(self) -> None:
        self._rings: dict[str, _Ring] = {}

    def note(self, server: str, sample: Sample, *, era: Era | None = None, revision: str = "") -> None:
        ring = self._rings.setdefault(server, _Ring())
        failed = bool(sample.code)
        if not ring.codes or failed != bool(ring.last_code):
            ring.since = sample.at
        ring.failures = ring.failures + 1 if failed else 0
        if era is not None:
            ring.era, ring.revision = era, revision
        ring.add(sample)

    def condition_of(self, server: str) -> Condition:
        ring = self._rings.get(server)
        if ring is None:
            return "unknown"
        return "down" if ring.last_code else "up"

    def of(self, server: str) -> Health:
        ring = self._rings.get(server)
        if ring is None:
            return Health(server=server)
        samples = ring.samples()
        answered = sorted(one.latency_ms for one in samples if not one.code)
        return Health(
            server=server,
            condition=self.condition_of(server),
            since=ring.since,
            era=ring.era,
            revision=ring.revision,
            code=ring.last_code,
            failures_in_a_row=ring.failures,
            latency_ms=answered[len(answered) // 2] if answered else None,
            samples=samples,
        )

    def all(self) -> Mapping[str, Health]:
        return {name: self.of(name) for name in self._rings}

    def keep_only(self, servers: Collection[str]) -> None:
        """Forget those that are gone."""
        for name in self._rings.keys() - set(servers):
            del self._rings[name]
