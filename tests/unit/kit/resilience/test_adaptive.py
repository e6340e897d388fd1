"""The adaptive limit with the clock moved by hand; how it does under load is measured in bench/kit/adaptive.py."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from bench.kit.adaptive import LIMITS, SCENARIOS, simulate

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.kit.errors import InvalidPolicy, Overloaded
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.resilience.adaptive import AdaptiveLimit, AdaptivePolicy

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


async def rounds(limit: AdaptiveLimit, clock: FixedClock, times: int, seconds: float) -> None:
    """`times` rounds in which as many calls as may run at once take `seconds`."""
    for _ in range(times):
        async with AsyncExitStack() as stack:
            with contextlib.suppress(Overloaded):
                while True:
                    await stack.enter_async_context(limit.place())
            clock.advance(seconds)


async def test_what_is_over_the_limit_is_turned_away_with_a_time_to_come_back(clock: FixedClock) -> None:
    figures = RecordedFigures()
    limit = AdaptiveLimit("part", AdaptivePolicy(initial_limit=2), clock=clock, figures=figures)
    async with limit.place(), limit.place():
        with pytest.raises(Overloaded) as caught:
            async with limit.place():
                pytest.fail("ran")
    assert caught.value.retry_after_seconds == pytest.approx(0.1)
    assert figures.total("adaptive_limit_shed") == 1
    assert limit.state().running == 0


async def test_it_grows_while_calls_take_no_longer(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", clock=clock)
    await rounds(limit, clock, 30, 0.1)
    assert limit.state().limit > 40


async def test_it_shrinks_when_calls_queue_and_is_bounded(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", AdaptivePolicy(min_limit=3, probe_seconds=3_600), clock=clock)
    await rounds(limit, clock, 5, 0.1)
    await rounds(limit, clock, 60, 2.0)
    assert 3 <= limit.state().limit <= 6


async def test_it_does_not_grow_while_nobody_uses_it(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", clock=clock)
    for _ in range(500):
        async with limit.place():
            clock.advance(0.02)
    assert limit.state().limit == 20


async def test_a_backend_slower_for_good_is_measured_anew(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", AdaptivePolicy(probe_seconds=5), clock=clock)
    await rounds(limit, clock, 10, 0.1)
    await rounds(limit, clock, 40, 0.5)
    assert limit.state().unqueued_seconds == pytest.approx(0.5)
    assert limit.state().limit > 20


async def test_overload_errors_shrink_it_and_refusals_do_not(clock: FixedClock) -> None:
    for error, shrinks in ((TimeoutError(), True), (InvalidInput(), False)):
        limit = AdaptiveLimit("part", clock=clock)
        for _ in range(60):
            with contextlib.suppress(type(error)):
                async with limit.place():
                    clock.advance(0.05)
                    raise error
        assert (limit.state().limit < 15) is shrinks


async def test_nothing_is_learned_from_cancelled_calls(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", AdaptivePolicy(window_calls=1, window_seconds=0.001), clock=clock)

    async def hang() -> None:
        async with limit.place():
            await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(hang()) for _ in range(20)]
    await asyncio.sleep(0)
    clock.advance(100)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (limit.state().limit, limit.state().recent_seconds, limit.state().running) == (20, 0.0, 0)


async def test_a_reserved_share_is_kept_for_its_part_of_the_traffic(clock: FixedClock) -> None:
    limit = AdaptiveLimit("part", AdaptivePolicy(initial_limit=10, reserved={"live": 0.5}), clock=clock)
    async with AsyncExitStack() as stack:
        for part, admitted in (("batch", 5), ("live", 5)):
            for _ in range(admitted):
                await stack.enter_async_context(limit.place(part))
            with pytest.raises(Overloaded):
                await stack.enter_async_context(limit.place(part))


@pytest.mark.parametrize("scenario", ["twice the load for 3 s", "the same, and half as fast"])
async def test_under_overload_it_triples_the_good_answers_and_needs_no_tuning(scenario: str) -> None:
    ours, _ = await simulate(SCENARIOS[scenario], 0, LIMITS["AdaptiveLimit"])
    none, _ = await simulate(SCENARIOS[scenario], 0, LIMITS["no limit"])
    tuned, _ = await simulate(SCENARIOS[scenario], 0, LIMITS["static 16"])
    assert ours.good >= 2.5 * none.good
    assert ours.good >= 0.97 * tuned.good


def test_shares_beyond_the_whole_are_refused() -> None:
    with pytest.raises(InvalidPolicy):
        AdaptivePolicy(reserved={"live": 0.7, "batch": 0.7})
