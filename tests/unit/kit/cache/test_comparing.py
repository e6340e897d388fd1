"""Values that are served are compared with what their source has now: seldom, one at a time, behind their readers."""

import asyncio
import operator

import pytest
from tests.unit.kit.cache.library import ACME, Source, settle

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.comparing import COMPARED, Comparing
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio
EVERY = CachePolicy(ttl_seconds=600, ttl_jitter=0, compare_every_seconds=60)


def compared(figures: RecordedFigures) -> dict[str, float]:
    return {
        outcome: number
        for outcome in ("same", "stale", "ended", "unsteady", "unread")
        if (number := figures.total(COMPARED, cache="books", outcome=outcome))
    }


async def outcome_of(value: Json, load: Source, *, still_served: bool = True) -> dict[str, float]:
    figures = RecordedFigures()
    now = iter((0.0, 61.0, 61.0))
    comparing: Comparing[Json] = Comparing(
        "books", every_seconds=60, same=operator.eq, now=lambda: next(now), figures=figures, grace_seconds=0
    )
    comparing.offer(value, load, lambda: still_served, timeout_seconds=5)
    await settle()
    await comparing.close()
    return compared(figures)


async def test_a_value_that_its_source_still_has_is_the_same() -> None:
    load = Source("a")
    assert await outcome_of("a", load) == {"same": 1}
    assert load.calls == 1


async def test_a_value_that_its_source_has_replaced_and_nobody_ended_is_stale() -> None:
    assert await outcome_of("old", Source("new", "new")) == {"stale": 1}


async def test_a_value_that_was_ended_meanwhile_is_not() -> None:
    load = Source("new", "new")
    assert await outcome_of("old", load, still_served=False) == {"ended": 1}
    assert load.calls == 1


async def test_a_source_that_gives_something_else_each_time_says_nothing() -> None:
    assert await outcome_of("old", Source("new", "newer")) == {"unsteady": 1}
    assert await outcome_of("old", Source("between", "old")) == {"same": 1}


async def test_a_source_that_fails_is_said_and_hurts_nobody() -> None:
    load = Source()
    load.error = ConnectionError()
    assert await outcome_of("old", load) == {"unread": 1}


async def test_a_cache_compares_one_value_in_so_many_seconds_and_readers_do_not_wait(clock: FixedClock) -> None:
    load = Source("a", "a", "a", "a")
    figures, level = RecordedFigures(), MemorySharedLevel(clock=clock)
    async with Cache("books", level, policy=EVERY, clock=clock, figures=figures, random_share=lambda: 0.5) as cache:
        for key in ("one", "two"):
            await cache.get_or_load(key, load, tenant=ACME)
        assert load.calls == 2
        clock.advance(301)
        load.hold()
        for key in ("one", "two", "one", "two"):
            assert await cache.get_or_load(key, load, tenant=ACME) == "a"
        await asyncio.wait_for(load.asked.wait(), 5)
        load.open.set()
        await settle()
    assert load.calls == 3
    assert compared(figures) == {"same": 1}
    assert cache.counts().outcomes == {"miss": 2, "near_hit": 4}


async def test_without_the_policy_nothing_is_loaded_twice(clock: FixedClock) -> None:
    load = Source("a", "b")
    async with Cache("books", MemorySharedLevel(clock=clock), policy=CachePolicy(ttl_seconds=600), clock=clock) as cache:
        for _ in range(5):
            clock.advance(100)
            assert await cache.get_or_load("k", load, tenant=ACME) == "a"
    assert load.calls == 1
