"""Background health checks: bounded, independent, never waited for."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.diagnostics.health import HealthWatch
from mcp_gateway.diagnostics.ports import Finding

pytestmark = pytest.mark.anyio

CLOCK = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
WELL = Finding(healthy=True, status="operational")
ILL = Finding(healthy=False, status="disconnected")


class Part:
    """A part whose check answers, raises or never ends, as told."""

    def __init__(self, name: str, outcome: Finding | Exception | None, *, needed: bool = True) -> None:
        self.name = name
        self.needed = needed
        self.outcome = outcome
        self.checked = asyncio.Event()

    async def check(self) -> Finding:
        self.checked.set()
        if self.outcome is None:
            await asyncio.Event().wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        assert self.outcome is not None
        return self.outcome


def watch(*parts: Part, timeout_seconds: float = 5.0) -> HealthWatch:
    return HealthWatch(parts, interval_seconds=3600, timeout_seconds=timeout_seconds, clock=CLOCK)


async def test_before_the_first_check_a_needed_part_makes_it_start_up() -> None:
    report = watch(Part("tables", WELL)).report()
    assert report.word == "starting"
    assert not report.ready
    assert report.reasons == ("tables: not checked yet",)


async def test_all_well_is_healthy_and_ready() -> None:
    report = await watch(Part("tables", WELL), Part("words", WELL, needed=False)).check_all()
    assert report.word == "healthy"
    assert report.ready
    assert report.reasons == ()


async def test_a_part_that_can_be_done_without_only_degrades() -> None:
    report = await watch(Part("tables", WELL), Part("words", ILL, needed=False)).check_all()
    assert report.word == "degraded"
    assert report.ready
    assert report.reasons == ("words: disconnected",)


async def test_a_needed_part_that_is_ill_makes_it_not_ready() -> None:
    report = await watch(Part("tables", ILL), Part("words", WELL)).check_all()
    assert report.word == "unhealthy"
    assert not report.ready


async def test_a_check_that_raises_is_a_finding_about_its_part() -> None:
    report = await watch(Part("tables", ValueError("no route"))).check_all()
    assert report.parts[0].finding.facts == {"error": "ValueError: no route"}
    assert not report.ready


async def test_a_check_that_hangs_is_ended_and_delays_no_other() -> None:
    report = await watch(Part("slow", None), Part("quick", WELL), timeout_seconds=0.01).check_all()
    statuses = {part.name: part.finding.status for part in report.parts}
    assert statuses == {"slow": "no answer within 0.01 s", "quick": "operational"}


async def test_while_one_check_hangs_the_report_answers_with_the_others() -> None:
    slow, quick = Part("slow", None, needed=False), Part("quick", WELL)
    health = watch(slow, quick)
    running = asyncio.create_task(health.run())
    async with asyncio.timeout(20):
        await slow.checked.wait()
        await quick.checked.wait()
        await asyncio.sleep(0)
    running.cancel()
    assert [part.name for part in health.report().parts if part.checked_at] == ["quick"]
