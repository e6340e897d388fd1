"""The cache's face over memory: who loads, what is kept, what an invalidation ends, what is served old."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tests.away_level import AwayLevel

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.errors import InvalidInput, Json, NotFound, Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.codec import BytesCodec
from mcp_gateway.kit.cache.figures import MAX_TENANTS
from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.errors import InvalidPolicy, LoadTimedOut, StoreUnavailable
from mcp_gateway.kit.figures import RecordedFigures

pytestmark = pytest.mark.anyio

ACME = Caller(tenant="acme", subject="ada")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def level(clock: FixedClock) -> AwayLevel:
    return AwayLevel(clock)


class Source:
    """A loader that counts its calls and can be held back or made to fail."""

    def __init__(self, *values: Json) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self._values = values

    async def __call__(self) -> Json:
        self.calls += 1
        number = self.calls
        self.asked.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return self._values[number - 1] if self._values else number

    def hold(self) -> None:
        self.open.clear()
        self.asked.clear()


def cache_of(level: MemorySharedLevel, clock: FixedClock, policy: CachePolicy | None = None) -> "Cache[Json]":
    return Cache("books", level, policy=policy or CachePolicy(ttl_jitter=0), clock=clock)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


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
        names: dict[str, tuple[str, ...]] = {"tags": ("shelf: 1",)} if by_tag else {"keys": ("k",)}
        await one.invalidate(tenant=ACME, cause="moved", **names)
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


async def test_an_entry_of_another_codec_is_loaded_over(level: AwayLevel, clock: FixedClock) -> None:
    async def image() -> bytes:
        return b"\xff\xfe"

    load = Source()
    async with Cache("books", level, codec=BytesCodec(), clock=clock) as raw, cache_of(level, clock) as cache:
        assert await raw.get_or_load("k", image, tenant=ACME) == b"\xff\xfe"
        assert await cache.get_or_load("k", load, tenant=ACME) == 1
        assert await cache.get_or_load("k", load, tenant=ACME) == 1


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


async def test_closing_ends_what_is_being_loaded(level: AwayLevel, clock: FixedClock) -> None:
    load = Source()
    load.hold()
    cache = cache_of(level, clock)
    read = asyncio.create_task(cache.get_or_load("k", load, tenant=ACME))
    await load.asked.wait()
    await cache.close()
    with pytest.raises(StoreUnavailable):
        await read


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
