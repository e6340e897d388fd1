"""Is every part fit to work? Checks run in the background; asking for the report never waits for one.

This is the state of parts, seen from inside. It mends nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from mcp_gateway.core.clock import Clock
from mcp_gateway.diagnostics.ports import Finding, Probe

log = structlog.get_logger(__name__)

HealthWord = Literal["healthy", "degraded", "unhealthy", "starting"]
NOT_CHECKED_YET = Finding(healthy=False, status="not checked yet")


@dataclass(frozen=True, kw_only=True, slots=True)
class PartHealth:
    """The last check of one part. `checked_at` None: not checked yet."""

    name: str
    needed: bool
    finding: Finding
    duration_ms: float = 0.0
    checked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthReport:
    """Every part. "degraded": something that can be done without is unhealthy; "starting": a needed part is still unchecked."""

    word: HealthWord
    parts: tuple[PartHealth, ...]

    @property
    def ready(self) -> bool:
        """Whether questions can be answered."""
        return self.word in {"healthy", "degraded"}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, or what is missing: one line a part."""
        return tuple(f"{part.name}: {part.finding.status}" for part in self.parts if not part.finding.healthy)


class HealthWatch:
    """Checks each part every `interval_seconds`, each check bounded by `timeout_seconds` and independent of the others."""

    def __init__(self, probes: Sequence[Probe], *, interval_seconds: float, timeout_seconds: float, clock: Clock) -> None:
        self._probes = tuple(probes)
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._parts = {
            probe.name: PartHealth(name=probe.name, needed=probe.needed, finding=NOT_CHECKED_YET) for probe in self._probes
        }

    def report(self) -> HealthReport:
        """What the last checks found."""
        parts = tuple(self._parts.values())
        needed = [part for part in parts if part.needed]
        word: HealthWord = "healthy"
        if any(part.checked_at is None for part in needed):
            word = "starting"
        elif any(not part.finding.healthy for part in needed):
            word = "unhealthy"
        elif any(not part.finding.healthy for part in parts if part.checked_at is not None):
            word = "degraded"
        return HealthReport(word=word, parts=parts)

    async def check_all(self) -> HealthReport:
        """Check every part once, all at the same time; takes at most the time limit of one check."""
        await asyncio.gather(*(self._check(probe) for probe in self._probes))
        return self.report()

    async def run(self) -> None:
        """Keep checking until cancelled. A part that hangs delays no other."""
        async with asyncio.TaskGroup() as group:
            for probe in self._probes:
                group.create_task(self._keep_checking(probe))

    async def _keep_checking(self, probe: Probe) -> None:
        while True:
            await self._check(probe)
            await asyncio.sleep(self._interval_seconds)

    async def _check(self, probe: Probe) -> None:
        begun = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                finding = await probe.check()
        except TimeoutError:
            finding = Finding(healthy=False, status=f"no answer within {self._timeout_seconds:g} s")
        except Exception as error:  # a wall: whatever a check raises is a finding
            log.warning("health_check_failed", part=probe.name, exc_info=True)
            finding = Finding(healthy=False, status="error", facts={"error": f"{type(error).__name__}: {error}"[:300]})
        before = self._parts[probe.name]
        self._parts[probe.name] = PartHealth(
            name=probe.name,
            needed=probe.needed,
            finding=finding,
            duration_ms=(self._clock.monotonic() - begun) * 1000,
            checked_at=self._clock.now(),
        )
        if before.checked_at is not None and before.finding.healthy != finding.healthy:
            log.info("part_health_changed", part=probe.name, healthy=finding.healthy, status=finding.status)
