"""How questions fare: a window of the last ones for the JSON figures, totals since start for Prometheus.

Kept in memory; several processes each have their own and Prometheus adds them up.
"""

import math
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

from mcp_gateway.core.clock import Clock

# Seconds. The embedded engine answers in tens of milliseconds, a language model in seconds, a slow query in tens of seconds.
LATENCY_BOUNDS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Outcome = Literal["answered", "unsure", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRecord:
    """One question. `reused` and `fetched` count the resources used again and read anew; `code` is the error's when it failed."""

    seconds: float
    outcome: Outcome
    source: str = ""
    mode: str = ""
    code: str = ""
    recovery_attempts: int = 0
    recovered: bool = False
    fetched: int = 0
    reused: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowFigures:
    """Figures over the window, seconds and shares 0..1. No question yet: everything 0."""

    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    questions: int
    answered: int
    unsure: int
    failed: int
    success_rate: float
    fetched: int
    reused: int
    reuse_rate: float
    recovery_attempts: int
    recovery_successes: int


@dataclass(kw_only=True, slots=True)
class Totals:
    """Everything since start. `buckets[i]` counts latencies up to LATENCY_BOUNDS_SECONDS[i], the last one the rest."""

    by_outcome: Counter[tuple[Outcome, str, str]] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_SECONDS) + 1))
    seconds: float = 0.0
    fetched: int = 0
    reused: int = 0
    recovery_attempts: int = 0
    recovery_successes: int = 0


class QueryFigures:
    """Takes a record per question; bounded in memory by the window."""

    def __init__(self, *, window_size: int, clock: Clock) -> None:
        self.window_size = window_size
        self.totals = Totals()
        self._window: deque[QueryRecord] = deque(maxlen=window_size)
        self._clock = clock
        self._begun = clock.monotonic()

    @property
    def uptime_seconds(self) -> float:
        return self._clock.monotonic() - self._begun

    def record(self, record: QueryRecord) -> None:
        self._window.append(record)
        totals = self.totals
        totals.by_outcome[record.outcome, record.mode, record.source] += 1
        if record.code:
            totals.by_code[record.code] += 1
        totals.buckets[bisect_left(LATENCY_BOUNDS_SECONDS, record.seconds)] += 1
        totals.seconds += record.seconds
        totals.fetched += record.fetched
        totals.reused += record.reused
        totals.recovery_attempts += record.recovery_attempts
        totals.recovery_successes += record.recovered

    def window(self) -> WindowFigures:
        """Figures over the last `window_size` questions."""
        records = tuple(self._window)
        seconds = sorted(record.seconds for record in records)
        outcomes = Counter(record.outcome for record in records)
        fetched = sum(record.fetched for record in records)
        reused = sum(record.reused for record in records)
        return WindowFigures(
            p50_seconds=percentile(seconds, 0.50),
            p95_seconds=percentile(seconds, 0.95),
            p99_seconds=percentile(seconds, 0.99),
            questions=len(records),
            answered=outcomes["answered"],
            unsure=outcomes["unsure"],
            failed=outcomes["failed"],
            success_rate=(len(records) - outcomes["failed"]) / len(records) if records else 0.0,
            fetched=fetched,
            reused=reused,
            reuse_rate=reused / (fetched + reused) if fetched + reused else 0.0,
            recovery_attempts=sum(record.recovery_attempts for record in records),
            recovery_successes=sum(record.recovered for record in records),
        )


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed; 0 when there is none."""
    if not ordered:
        return 0.0
    rank = math.ceil(len(ordered) * share)
    return ordered[max(rank, 1) - 1]
