"""What a read does about errors, old values, slow loaders and values that cannot be kept."""

import asyncio

import pytest
from tests.away_level import AwayLevel
from tests.unit.kit.cache.library import ACME, Source, cache_of, settle

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import Json, NotFound, Unavailable
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.codec import BytesCodec
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.cache.ports import Lease, Place
from mcp_gateway.kit.errors import LoadTimedOut, StoreRefused, StoreUnavailable

pytestmark = pytest.mark.anyio


async def test_a_loaders_error_reaches_every_caller_and_is_not_kept(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.error = NotFound("no such book", book="7")
    load.hold()
    async with cache_of(level, clock) as cache:
        reads = [asyncio.create_task(cache.get_or_load("k", load, tenant=ACME)) for _ in range(3)]
        await load.asked.wait()
        await settle()
        load.open.set()
        assert [type(one) for one in await asyncio.gather(*reads, return_exceptions=True)] == [NotFound] * 3
        load.error = None
        assert await cache.get_or_load("k", load, tenant=ACME) == 2


async def test_a_remembered_error_is_raised_again_with_its_facts(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.error = NotFound("no such book", book="7")
    policy = CachePolicy(ttl_jitter=0, negative_ttl_seconds=5, negative_errors=(NotFound,))
    async with cache_of(level, clock, policy) as one, cache_of(level, clock, policy) as other:
        for cache in (one, one, other, other):
            with pytest.raises(NotFound, match="no such book") as raised:
                await cache.get_or_load("k", load, tenant=ACME)
            assert raised.value.data == {"book": "7"}
        assert load.calls == 1
        assert await one.get("k", tenant=ACME) is None
        clock.advance(5.1)
        load.error = None
        assert await other.get_or_load("k", load, tenant=ACME) == 2


@pytest.mark.parametrize(("remember", "loads"), [(None, 2), (5.0, 1)])
async def test_nothing_found_is_remembered_only_when_asked(
    level: AwayLevel, clock: FixedClock, remember: float | None, loads: int
) -> None:
    load = Source(None, None)
    async with cache_of(level, clock, CachePolicy(ttl_jitter=0, negative_ttl_seconds=remember)) as cache:
        assert await cache.get_or_load("k", load, tenant=ACME) is None
        assert await cache.get_or_load("k", load, tenant=ACME) is None
        assert load.calls == loads


async def test_an_old_value_is_served_while_it_is_renewed(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    policy = CachePolicy(ttl_seconds=10, ttl_jitter=0, stale_while_revalidate_seconds=5)
    async with cache_of(level, clock, policy) as one, cache_of(level, clock, policy) as other:
        await one.get_or_load("k", load, tenant=ACME)
        clock.advance(12)
        assert await one.get_or_load("k", load, tenant=ACME) == 1
        await settle()
        assert await one.get_or_load("k", load, tenant=ACME) == 2
        assert await other.get_or_load("k", load, tenant=ACME) == 2
        assert load.calls == 2
        assert one.counts().outcomes["stale"] == 1
        assert one.counts().outcomes["renewed"] == 1


async def test_a_value_that_becomes_too_old_while_it_is_renewed_is_waited_for(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    policy = CachePolicy(ttl_seconds=10, ttl_jitter=0, stale_while_revalidate_seconds=5, lease_seconds=60)
    async with cache_of(level, clock, policy) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        load.hold()
        clock.advance(12)
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        await load.asked.wait()
        clock.advance(1)
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        clock.advance(10)
        late = [asyncio.create_task(cache.get_or_load("k", load, tenant=ACME)) for _ in range(3)]
        await settle()
        assert not any(one.done() for one in late)
        load.open.set()
        assert await asyncio.gather(*late) == [2, 2, 2]


async def test_an_old_value_is_not_served_after_an_invalidation(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    policy = CachePolicy(ttl_seconds=10, ttl_jitter=0, stale_while_revalidate_seconds=60, stale_if_error_seconds=60)
    async with cache_of(level, clock, policy) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        await cache.invalidate(tenant=ACME, keys=("k",), cause="test")
        clock.advance(12)
        assert await cache.get_or_load("k", load, tenant=ACME) == 2
        await cache.invalidate(tenant=ACME, keys=("k",), cause="test")
        load.error = Unavailable()
        with pytest.raises(Unavailable):
            await cache.get_or_load("k", load, tenant=ACME)


async def test_an_old_value_stands_in_for_the_errors_named_and_no_others(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock, CachePolicy(ttl_seconds=10, ttl_jitter=0, stale_if_error_seconds=60)) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(12)
        load.error = ConnectionError()
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        load.error = ValueError("a fault of the loader")
        with pytest.raises(ValueError, match="a fault"):
            await cache.get_or_load("k", load, tenant=ACME)
        load.error = ConnectionError()
        clock.advance(60)
        with pytest.raises(ConnectionError):
            await cache.get_or_load("k", load, tenant=ACME)


async def test_a_value_soon_old_is_renewed_early_by_one_reader(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock, CachePolicy(ttl_seconds=10, ttl_jitter=0, early_refresh=0.2)) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(9)
        assert [await cache.get_or_load("k", load, tenant=ACME) for _ in range(5)] == [1] * 5
        await settle()
        clock.advance(7)
        assert await cache.get_or_load("k", load, tenant=ACME) == 2
        assert load.calls == 2


async def test_a_value_soon_old_is_renewed_early_without_a_near_level_too(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    async with cache_of(level, clock, CachePolicy(ttl_seconds=10, ttl_jitter=0, early_refresh=0.2, near=False)) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(9)
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        await settle()
        assert await cache.get_or_load("k", load, tenant=ACME) == 2
        assert cache.counts().outcomes == {"miss": 1, "shared_hit": 2, "renewed": 1}


async def test_a_failed_renewal_is_not_tried_again_at_once(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    policy = CachePolicy(ttl_seconds=10, ttl_jitter=0, stale_while_revalidate_seconds=50, lease_seconds=2)
    async with cache_of(level, clock, policy) as cache:
        await cache.get_or_load("k", load, tenant=ACME)
        clock.advance(12)
        load.error = ConnectionError()
        for _ in range(5):
            assert await cache.get_or_load("k", load, tenant=ACME) == 1
            await settle()
        assert load.calls == 2
        clock.advance(3)
        load.error = None
        await cache.get_or_load("k", load, tenant=ACME)
        await settle()
        assert await cache.get_or_load("k", load, tenant=ACME) == 3


async def test_a_slow_loader_ends_in_an_error_and_gives_the_lease_back(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    async with cache_of(level, clock, CachePolicy(load_timeout_seconds=0.01)) as cache:
        with pytest.raises(LoadTimedOut):
            await cache.get_or_load("k", load, tenant=ACME)
        load.open.set()
        assert await cache.get_or_load("k", load, tenant=ACME) == 2


async def test_a_caller_that_leaves_does_not_end_the_load_of_the_others(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    async with cache_of(level, clock) as cache:
        first, second = (asyncio.create_task(cache.get_or_load("k", load, tenant=ACME)) for _ in range(2))
        await load.asked.wait()
        await settle()
        first.cancel()
        await settle()
        load.open.set()
        assert await second == 1
        assert load.calls == 1


@pytest.mark.parametrize("value", ["x" * 200, {1, 2}], ids=["too large", "not JSON"])
async def test_what_cannot_be_kept_is_handed_out_all_the_same(level: AwayLevel, clock: FixedClock, value: Json) -> None:
    load = Source(value, value)
    async with cache_of(level, clock, CachePolicy(max_value_bytes=100)) as cache:
        assert await cache.get_or_load("k", load, tenant=ACME) == value
        assert await cache.get_or_load("k", load, tenant=ACME) == value
        assert cache.counts().outcomes == {"miss": 2, "not_stored": 2}


async def test_a_value_the_store_refuses_keeps_nobody_waiting_for_its_lease(clock: FixedClock) -> None:
    class Full(MemorySharedLevel):
        async def fill(self, place: Place, lease: Lease, payload: bytes, fresh_seconds: float, kept_seconds: float) -> bool:
            raise StoreRefused("OOM command not allowed when used memory > 'maxmemory'.")

    load, level = Source(), Full(clock=clock)
    async with asyncio.timeout(10), cache_of(level, clock) as one, cache_of(level, clock) as other:
        assert await one.get_or_load("k", load, tenant=ACME) == 1
        assert await other.get_or_load("k", load, tenant=ACME) == 2
        assert one.counts().outcomes == {"miss": 1, "not_stored": 1}


async def test_an_entry_of_another_codec_is_loaded_over(level: AwayLevel, clock: FixedClock) -> None:
    async def image() -> bytes:
        return b"\xff\xfe"

    load = Source()
    async with Cache("books", level, codec=BytesCodec(), clock=clock) as raw, cache_of(level, clock) as cache:
        assert await raw.get_or_load("k", image, tenant=ACME) == b"\xff\xfe"
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        assert await cache.get_or_load("k", load, tenant=ACME) == 1


async def test_closing_ends_what_is_being_loaded(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    cache = cache_of(level, clock)
    read = asyncio.create_task(cache.get_or_load("k", load, tenant=ACME))
    await load.asked.wait()
    await cache.close()
    with pytest.raises(StoreUnavailable):
        await read
    with pytest.raises(StoreUnavailable):
        await cache.get_or_load("k", load, tenant=ACME)


async def test_a_value_may_bring_its_own_time_and_nothing_is_kept_without_one(level: AwayLevel, clock: FixedClock) -> None:
    policy = CachePolicy(ttl_seconds=60, ttl_jitter=0, fresh_for=lambda value: value)
    short, none, long = Source(5, 6), Source(0, 7), Source(1_000, 8)
    async with cache_of(level, clock, policy) as cache:
        for load in (short, none, long):
            await cache.get_or_load(f"k{id(load)}", load, tenant=ACME)
        clock.advance(4)
        assert [await cache.get_or_load(f"k{id(load)}", load, tenant=ACME) for load in (short, none, long)] == [5, 7, 1_000]
        clock.advance(2)
        assert await cache.get_or_load(f"k{id(short)}", short, tenant=ACME) == 6
        clock.advance(60)
        assert await cache.get_or_load(f"k{id(long)}", long, tenant=ACME) == 8


async def test_a_slow_loaders_lease_is_extended_while_it_runs(clock: FixedClock) -> None:
    extended = asyncio.Event()

    class Level(MemorySharedLevel):
        async def extend(self, place: Place, lease: Lease, lease_seconds: float) -> bool:
            alive = await super().extend(place, lease, lease_seconds)
            clock.advance(lease_seconds * 0.8)
            if clock.monotonic() > 3 * lease_seconds:
                extended.set()
            return alive

    load = Source()
    load.hold()
    level = Level(clock=clock)
    policy = CachePolicy(lease_seconds=0.05, load_timeout_seconds=60)
    async with cache_of(level, clock, policy) as one, cache_of(level, clock, policy) as other:
        first = asyncio.create_task(one.get_or_load("k", load, tenant=ACME))
        async with asyncio.timeout(10):
            await extended.wait()
        second = asyncio.create_task(other.get_or_load("k", load, tenant=ACME))
        await settle()
        load.open.set()
        assert [await first, await second] == [1, 1]


async def test_the_lease_of_a_loader_that_never_came_back_ends_by_itself(level: AwayLevel, clock: FixedClock) -> None:
    hanging, load = Source(), Source()
    hanging.hold()
    policy = CachePolicy(lease_seconds=2)
    dead = cache_of(level, clock, policy)
    lost = asyncio.create_task(dead.get_or_load("k", hanging, tenant=ACME))
    await hanging.asked.wait()
    await dead.close()
    with pytest.raises(StoreUnavailable):
        await lost
    clock.advance(2)
    async with cache_of(level, clock, policy) as cache:
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        assert cache.counts().outcomes == {"miss": 1}


async def test_whatever_a_loader_raises_reaches_everybody_who_waits(level: AwayLevel, clock: FixedClock) -> None:
    async def load() -> Json:
        raise BaseExceptionGroup("more than an exception", [GeneratorExit()])

    async with cache_of(level, clock) as cache:
        async with asyncio.timeout(20):
            reads = [cache.get_or_load("k", load, tenant=ACME) for _ in range(3)]
            outcomes = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [BaseExceptionGroup] * 3


async def test_a_value_nested_too_deeply_to_be_written_is_handed_out(level: AwayLevel, clock: FixedClock) -> None:
    deep: list[Json] = []
    for _ in range(100_000):
        deep = [deep]

    async def load() -> Json:
        return deep

    async with cache_of(level, clock) as cache:
        assert await cache.get_or_load("k", load, tenant=ACME) is deep
        assert cache.counts().outcomes["not_stored"] == 1
