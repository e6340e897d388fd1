"""The cache's face over memory: who loads, what is kept, what an invalidation ends, what is served old."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.away_level import AwayLevel
from tests.unit.kit.cache.library import ACME, Source, cache_of, settle

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput, Json, NotFound
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.figures import MAX_TENANTS
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.errors import InvalidPolicy, StoreUnavailable
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio


async def test_a_value_is_loaded_once_and_then_found_near(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock) as cache:
        assert [await cache.get_or_load("k", load, tenant=ACME) for _ in range(3)] == [1, 1, 1]
        assert cache.counts().outcomes == {"miss": 1, "near_hit": 2}
        assert cache.counts().hit_share == pytest.approx(2 / 3)


async def test_another_replica_finds_the_value_in_the_shared_level(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock) as one, cache_of(level, clock) as other:
        await one.get_or_load("k", load, tenant=ACME)
        assert await other.get_or_load("k", load, tenant=ACME) == 1
        assert other.counts().outcomes == {"shared_hit": 1}


async def test_callers_at_once_share_one_load_over_all_replicas(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    async with cache_of(level, clock) as one, cache_of(level, clock) as other:
        reads = [asyncio.create_task(cache.get_or_load("k", load, tenant=ACME)) for cache in (one, other) for _ in range(64)]
        await load.asked.wait()
        await settle()
        load.open.set()
        assert set(await asyncio.gather(*reads)) == {1}
        assert load.calls == 1


async def test_tenants_do_not_share_values(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock) as cache:
        assert await cache.get_or_load("k", load, tenant="a") == 1
        assert await cache.get_or_load("k", load, tenant="b") == 2
        await cache.invalidate(tenant="a", keys=("k",), cause="test")
        assert await cache.get_or_load("k", load, tenant="b") == 2
        assert await cache.get_or_load("k", load, tenant="a") == 3


async def test_a_value_ends_with_its_time(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock, CachePolicy(ttl_seconds=10, ttl_jitter=0)) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(9.9)
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        clock.advance(0.2)
        assert await cache.get_or_load("k", load, tenant=ACME) == 2


async def test_jitter_shortens_a_values_time_and_never_lengthens_it(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    policy = CachePolicy(ttl_seconds=10, ttl_jitter=0.2)
    async with Cache("books", level, policy=policy, clock=clock, random_share=lambda: 0.5) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(8.9)
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        clock.advance(0.2)
        assert await cache.get_or_load("k", load, tenant=ACME) == 2


@pytest.mark.parametrize("by_tag", [False, True])
async def test_an_invalidation_ends_the_value_in_every_replica(level: AwayLevel, clock: FixedClock, *, by_tag: bool) -> None:
    load = Source()
    async with cache_of(level, clock) as one, cache_of(level, clock) as other:
        for cache in (one, other):
            await cache.get_or_load("k", load, tenant=ACME, tags=("shelf: 1",))
        keys, tags = ((), ("shelf: 1",)) if by_tag else (("k",), ())
        await one.invalidate(tenant=ACME, cause="moved", keys=keys, tags=tags)
        assert await other.get_or_load("k", load, tenant=ACME, tags=("shelf: 1",)) == 2
        assert await one.get_or_load("k", load, tenant=ACME, tags=("shelf: 1",)) == 2


@pytest.mark.parametrize("by_tag", [False, True])
async def test_a_load_that_an_invalidation_overtook_is_not_kept(level: AwayLevel, clock: FixedClock, *, by_tag: bool) -> None:
    load = Source("old", "new")
    load.hold()
    async with cache_of(level, clock) as cache:
        early = asyncio.create_task(cache.get_or_load("k", load, tenant=ACME, tags=("t",)))
        await load.asked.wait()
        await cache.invalidate(tenant=ACME, cause="test", keys=() if by_tag else ("k",), tags=("t",) if by_tag else ())
        late = asyncio.create_task(cache.get_or_load("k", load, tenant=ACME, tags=("t",)))
        await settle()
        load.open.set()
        assert await late == "new"
        assert await early == "old"
        assert await cache.get_or_load("k", load, tenant=ACME, tags=("t",)) == "new"
        assert cache.counts().outcomes["refused_fill"] == 1


async def test_another_tags_invalidation_ends_nothing(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock) as cache:
        await cache.get_or_load("k", load, tenant=ACME, tags=("a", "b"))
        await cache.invalidate(tenant=ACME, tags=("c",), cause="test")
        await cache.invalidate(tenant="other", tags=("a",), keys=("k",), cause="test")
        assert await cache.get_or_load("k", load, tenant=ACME, tags=("a", "b")) == 1


async def test_get_reads_and_never_loads(level: AwayLevel, clock: FixedClock) -> None:
    async with cache_of(level, clock) as one, cache_of(level, clock) as other:
        assert await one.get("k", tenant=ACME, default="none") == "none"
        await one.get_or_load("k", Source(), tenant=ACME)
        assert [await cache.get("k", tenant=ACME) for cache in (one, other, other)] == [1, 1, 1]
        level.leave()
        assert await one.get("k", tenant=ACME) is None


async def test_without_the_store_every_read_loads_and_nothing_is_kept(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        level.leave()
        assert [await cache.get_or_load("k", load, tenant=ACME) for _ in range(2)] == [2, 3]
        assert cache.counts().outcomes == {"miss": 1, "load_through": 2}
        assert cache.counts().near_entries == 0
        level.come_back()
        assert await cache.get_or_load("k", load, tenant=ACME) == 1


async def test_without_the_store_at_most_one_load_of_a_key_runs_and_one_is_next(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    async with cache_of(level, clock) as cache:
        level.leave()
        first = asyncio.create_task(cache.get_or_load("k", load, tenant=ACME))
        await load.asked.wait()
        later = [asyncio.create_task(cache.get_or_load("k", load, tenant=ACME)) for _ in range(20)]
        await settle()
        load.open.set()
        assert await first == 1
        assert set(await asyncio.gather(*later)) == {2}


async def test_a_policy_may_refuse_to_load_without_the_store(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock, CachePolicy(when_store_is_away="refuse")) as cache:
        level.leave()
        with pytest.raises(StoreUnavailable):
            await cache.get_or_load("k", load, tenant=ACME)
        assert load.calls == 0


async def test_an_invalidation_without_the_store_is_not_acknowledged(level: AwayLevel, clock: FixedClock) -> None:
    async with cache_of(level, clock) as cache:
        level.leave()
        with pytest.raises(StoreUnavailable):
            await cache.invalidate(tenant=ACME, keys=("k",), cause="test")


async def test_figures_are_counted_per_tenant_and_bounded(level: AwayLevel, clock: FixedClock) -> None:
    figures = RecordedFigures()
    load = Source()
    async with Cache("books", level, clock=clock, figures=figures) as cache:
        for number in range(MAX_TENANTS + 20):
            await cache.get_or_load("k", load, tenant=f"t{number}")
        await cache.invalidate(tenant="t1", keys=("k",), cause="test")
        assert figures.total("cache_reads", cache="books", tenant="other", outcome="miss") == 20
        assert figures.total("cache_reads", tenant="t1", outcome="miss") == 1
        assert len(figures.values("cache_invalidation_seconds", cache="books")) == 1
        assert len(cache.counts().tenants) == MAX_TENANTS + 1


async def test_the_log_tells_who_ended_what_and_why(level: AwayLevel, clock: FixedClock) -> None:
    async with cache_of(level, clock) as cache:
        await cache.invalidate(tenant=ACME, keys=("a", "b"), tags=("shelf",), cause="prices changed")
        (event,) = await cache.events()
        assert (event.tenant, event.cause, event.keys, event.tags) == ("acme", "prices changed", 2, ("shelf",))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cache, load: cache.get_or_load("", load, tenant=ACME),
        lambda cache, load: cache.get_or_load("k", load, tenant=""),
        lambda cache, load: cache.get_or_load("k" * 2_001, load, tenant=ACME),
        lambda cache, load: cache.get_or_load("k", load, tenant=ACME, tags="shelf"),
        lambda cache, load: cache.get_or_load("k", load, tenant=ACME, tags=("",)),
        lambda cache, load: cache.get_or_load("k", load, tenant=ACME, tags=tuple(map(str, range(33)))),
        lambda cache, load: cache.invalidate(tenant=ACME, cause="test"),
        lambda cache, load: cache.invalidate(tenant=ACME, cause="test", keys=tuple(map(str, range(1_001)))),
    ],
    ids=["empty key", "empty tenant", "long key", "tags as text", "empty tag", "many tags", "nothing", "many keys"],
)
async def test_names_that_cannot_be_right_are_refused(
    level: AwayLevel, clock: FixedClock, wrong: Callable[["Cache[Json]", Source], Awaitable[object]]
) -> None:
    async with cache_of(level, clock) as cache:
        with pytest.raises(InvalidInput):
            await wrong(cache, Source())


@pytest.mark.parametrize(
    "wrong",
    [
        {"ttl_seconds": 0}, {"ttl_seconds": float("nan")}, {"ttl_jitter": 1.0}, {"lease_seconds": 0.01}, {"early_refresh": -0.1},
        {"negative_errors": (NotFound,)}, {"near_max_entries": 0},
    ],
    ids=str,
)  # fmt: skip
def test_a_policy_that_cannot_be_right_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidPolicy):
        CachePolicy(**wrong)  # type: ignore[arg-type]  # wrong on purpose
