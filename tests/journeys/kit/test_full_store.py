"""A Valkey whose memory is full and that evicts nothing: every part does what it does without its store, until there is room."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
import redis
from tests.journeys.kit.test_guarded_route import guarded, is_away
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.errors import CircuitOpen, StoreRefused
from mcp_gateway.kit.figures import RecordedFigures
from mcp_gateway.kit.redis.breaker import RedisBreakerStore
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.idempotency import RedisIdempotencyStore
from mcp_gateway.kit.resilience.idempotency.model import KeyedRequest, StoredAnswer
from mcp_gateway.kit.resilience.idempotency.once import Idempotency

pytestmark = pytest.mark.anyio

TENANT = "acme"
MEMBERSHIP_SECONDS = 0.2


@pytest.fixture
def small_valkey() -> Iterator[ValkeyProcess]:
    process = ValkeyProcess()
    try:
        process.start("--maxmemory-policy", "noeviction")
        yield process
    finally:
        process.kill()


@contextmanager
def full(valkey: ValkeyProcess) -> Iterator[None]:
    """While inside it holds more than it may, so that every command that could need memory is refused."""
    with valkey.client() as client:
        client.config_set("maxmemory", "100kb")
        with pytest.raises(redis.OutOfMemoryError):
            client.set("anything", "")
        yield
        client.config_set("maxmemory", "0")


class Source:
    """A loader that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> Json:
        self.calls += 1
        return self.calls


@asynccontextmanager
async def replicas(url: str) -> "AsyncIterator[tuple[Cache[Json], Cache[Json]]]":
    """One cache as two processes see it."""
    async with (
        await RedisConnection.open(url, timeout_seconds=5.0) as first,
        await RedisConnection.open(url, timeout_seconds=5.0) as second,
        await RedisSharedLevel.open(first, membership_seconds=MEMBERSHIP_SECONDS) as one,
        await RedisSharedLevel.open(second, membership_seconds=MEMBERSHIP_SECONDS) as other,
    ):
        yield Cache("items", one), Cache("items", other)


async def test_a_route_does_without_a_full_store_and_returns_to_it_when_there_is_room(small_valkey: ValkeyProcess) -> None:
    figures = RecordedFigures()
    async with guarded(small_valkey.url, figures, timeout_seconds=5.0) as client:
        before = await client.get("/items/before")
        with full(small_valkey):
            reads = [await client.get(f"/items/{number}") for number in range(20)]
            write = await client.post("/items/a")
        after = await client.get("/items/after")
        written = await client.post("/items/a")
    assert [answer.status_code for answer in (before, *reads, after, written)] == [200] * 23
    assert [is_away(answer) for answer in (before, *reads, after)] == [False, *[True] * 20, False]
    assert (write.status_code, write.json()["code"]) == (503, "LIMITS_AWAY")
    assert int(write.headers["retry-after"]) >= 1


async def test_reads_load_through_a_full_store_what_is_there_is_still_served_and_invalidations_hold(
    small_valkey: ValkeyProcess,
) -> None:
    kept, new = Source(), Source()
    async with replicas(small_valkey.url) as (one, other):
        assert await one.get_or_load("kept", kept, tenant=TENANT, tags=("shop",)) == 1
        with full(small_valkey):
            assert [await one.get_or_load("new", new, tenant=TENANT) for _ in range(3)] == [1, 2, 3]
            assert await other.get_or_load("kept", kept, tenant=TENANT, tags=("shop",)) == 1
            # Nobody's membership can be renewed: an invalidation waits for those that there were, and no longer.
            await other.invalidate(tenant=TENANT, tags=("shop",), cause="changed")
            assert [await cache.get_or_load("kept", kept, tenant=TENANT, tags=("shop",)) for cache in (one, other)] == [2, 3]
            # A read that finds the old value ended by its tag makes room, so it gets its lease; its fill is refused all the same.
            assert {"not_stored", "load_through"} & (one.counts().outcomes.keys() | other.counts().outcomes.keys())
        assert [await cache.get_or_load("new", new, tenant=TENANT) for cache in (one, other)] == [4, 4]


async def fail_until_refused(breaker: CircuitBreaker, connection: RedisConnection) -> None:
    async def fail() -> None:
        raise ConnectionError

    while True:
        with suppress(ConnectionError):
            await breaker.call(fail)
        await connection.ping()  # what was reported has been answered


async def test_a_circuit_opens_over_a_full_store_too(small_valkey: ValkeyProcess) -> None:
    policy = BreakerPolicy(window=CountBased(calls=4), minimum_calls=4, open_seconds=60, report_seconds=0.001)

    async with (
        await RedisConnection.open(small_valkey.url, timeout_seconds=5.0) as connection,
        CircuitBreaker("part", policy, store=RedisBreakerStore(connection)) as breaker,
    ):
        assert breaker.snapshot().shared
        with full(small_valkey):
            async with asyncio.timeout(10):
                with pytest.raises(CircuitOpen):
                    await fail_until_refused(breaker, connection)
            assert breaker.snapshot().state == "open"
        assert breaker.snapshot().transitions[-1].counts.failed >= policy.minimum_calls


async def test_keyed_work_is_refused_while_its_answer_could_not_be_kept(small_valkey: ValkeyProcess) -> None:
    done: list[str] = []
    request = KeyedRequest(tenant=TENANT, operation="pay", key="k", fingerprint="f")

    async def work() -> StoredAnswer:
        done.append("paid")
        return StoredAnswer(status=200, body=b"paid", headers=())

    async with await RedisConnection.open(small_valkey.url, timeout_seconds=5.0) as connection:
        idempotency = Idempotency(RedisIdempotencyStore(connection))
        with full(small_valkey), pytest.raises(StoreRefused, match="OOM"):
            await idempotency.run(request, work)
        assert not done
        first, again = await idempotency.run(request, work), await idempotency.run(request, work)
        await idempotency.close()
    assert (first.replayed, again.replayed, done) == (False, True, ["paid"])
