"""What every shared level of the cache owes: leases, tags, order, and acknowledgements that hold in every replica."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.kit.cache.memory import MemorySharedLevel
from mcp_gateway.kit.cache.ports import Claim, Invalidation, Lease, Place, SharedLevel
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

PLACE = Place("books", "acme", "k:1")
CLAIM = Claim(("shelf", "town"), 5, 60)

# Opens one more replica over the same store.
Replicas = Callable[[], AbstractAsyncContextManager[SharedLevel]]


@contextlib.asynccontextmanager
async def one_more(valkey: ValkeyProcess) -> AsyncIterator[SharedLevel]:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection,
        await RedisSharedLevel.open(connection, membership_seconds=0.2) as level,
    ):
        yield level


@pytest.fixture(params=["memory", "valkey"])
def replicas(request: pytest.FixtureRequest) -> Replicas:
    if request.param == "memory":
        level = MemorySharedLevel()
        return lambda: contextlib.nullcontext(level)
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    return lambda: one_more(valkey)


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.filled_keys: list[str] = []
        self.heard = asyncio.Event()

    def invalidated(self, tenant: str, keys: Sequence[str], tags: Sequence[str]) -> None:
        self.ended.append((tenant, tuple(keys), tuple(tags)))

    def filled(self, tenant: str, key: str) -> None:
        self.filled_keys.append(key)
        self.heard.set()

    def emptied(self) -> None: ...


async def leased(level: SharedLevel, place: Place = PLACE, claim: Claim = CLAIM) -> Lease:
    lease = (await level.look(place, claim)).lease
    assert lease is not None
    return lease


def ending(keys: tuple[str, ...] = (), tags: tuple[str, ...] = (), tenant: str = "acme") -> Invalidation:
    return Invalidation("books", tenant, keys, tags, "test")


async def test_a_filled_value_is_found_by_every_replica(replicas: Replicas) -> None:
    async with replicas() as one, replicas() as other:
        assert await one.fill(PLACE, await leased(one), b"\x00\xff", 30, 50)
        found = (await other.look(PLACE, None)).stored
        assert found is not None
        assert found.payload == b"\x00\xff"
        assert found.tags == ("shelf", "town")
        assert 10 < found.fresh_seconds <= 30
        assert 30 < found.kept_seconds <= 50


async def test_one_lease_is_given_until_it_is_given_back(replicas: Replicas) -> None:
    async with replicas() as one, replicas() as other:
        lease = await leased(one)
        refused = await other.look(PLACE, CLAIM)
        assert refused.lease is None
        assert refused.held_seconds is not None
        assert 0 < refused.held_seconds <= 5
        await one.release(PLACE, lease)
        assert (await other.look(PLACE, CLAIM)).lease is not None


async def test_who_waits_for_a_lease_is_told_when_it_is_filled(replicas: Replicas) -> None:
    async with replicas() as one, replicas() as other:
        listener = Listener()
        other.attach("books", listener)
        lease = await leased(one)
        await other.look(PLACE, CLAIM)
        await one.fill(PLACE, lease, b"v", 30, 30)
        async with asyncio.timeout(20):
            await listener.heard.wait()
        assert listener.filled_keys == ["k:1"]


@pytest.mark.parametrize("what", [ending(keys=("k:1",)), ending(tags=("town",))], ids=["key", "tag"])
async def test_a_fill_that_an_invalidation_overtook_is_refused(replicas: Replicas, what: Invalidation) -> None:
    async with replicas() as one, replicas() as other:
        lease = await leased(one)
        await other.invalidate(what)
        assert not await one.fill(PLACE, lease, b"old", 30, 30)
        assert (await one.look(PLACE, None)).stored is None


@pytest.mark.parametrize("what", [ending(keys=("k:1",)), ending(tags=("shelf",))], ids=["key", "tag"])
async def test_an_invalidation_ends_the_value_for_every_replica(replicas: Replicas, what: Invalidation) -> None:
    async with replicas() as one, replicas() as other:
        await one.fill(PLACE, await leased(one), b"v", 30, 30)
        await other.invalidate(what)
        assert (await one.look(PLACE, None)).stored is None
        assert (await other.look(PLACE, CLAIM)).lease is not None


async def test_every_replica_has_heard_when_it_is_acknowledged(replicas: Replicas) -> None:
    async with replicas() as one, replicas() as other:
        listeners = Listener(), Listener()
        one.attach("books", listeners[0])
        other.attach("books", listeners[1])
        acknowledged = await one.invalidate(ending(keys=("k:1", "k:2"), tags=("shelf",)))
        assert [listener.ended for listener in listeners] == [[("acme", ("k:1", "k:2"), ("shelf",))]] * 2
        assert acknowledged.replicas >= 1
        assert acknowledged.lapsed == 0


async def test_other_tenants_caches_keys_and_tags_stay(replicas: Replicas) -> None:
    others = [Place("books", "other", "k:1"), Place("films", "acme", "k:1"), Place("books", "acme", "k:2")]
    async with replicas() as level:
        for place in others:
            await level.fill(place, await leased(level, place, Claim(("t",), 5, 60)), b"v", 30, 30)
        await level.invalidate(ending(keys=("k:1",), tags=("shelf",)))
        await level.invalidate(ending(keys=("*", "k", "k:1:"), tags=("t:", "*"), tenant="ac"))
        assert all([(await level.look(place, None)).stored for place in others])


@pytest.mark.parametrize("tenant", ["a:b", "{x}", "*", "a\nb", "é", "x" * 500], ids=ascii)
async def test_a_hostile_tenant_has_keys_of_its_own(replicas: Replicas, tenant: str) -> None:
    async with replicas() as level:
        place = Place("books", tenant, "b:c\r\n*{}")
        await level.fill(place, await leased(level, place, Claim((), 5, 60)), b"v", 30, 30)
        assert (await level.look(Place("books", "a", "b:b:c"), None)).stored is None
        await level.invalidate(Invalidation("books", tenant, ("b:c\r\n*{}",), (), "test"))
        assert (await level.look(place, None)).stored is None


async def test_a_foreign_or_ended_lease_fills_nothing(replicas: Replicas) -> None:
    async with replicas() as level:
        lease = await leased(level)
        assert not await level.fill(PLACE, lease._replace(token="another"), b"v", 30, 30)
        assert not await level.extend(PLACE, lease._replace(token="another"), 5)
        assert await level.extend(PLACE, lease, 5)
        assert await level.fill(PLACE, lease, b"v", 30, 30)
        assert not await level.fill(PLACE, lease, b"again", 30, 30)


async def test_the_lease_is_also_given_for_a_value_that_is_soon_old(replicas: Replicas) -> None:
    async with replicas() as level:
        await level.fill(PLACE, await leased(level), b"v", 10, 30)
        assert (await level.look(PLACE, CLAIM)).lease is None
        early = await level.look(PLACE, CLAIM._replace(below_seconds=20))
        assert early.stored is not None
        assert early.lease is not None


async def test_the_log_of_invalidations_is_read_newest_first(replicas: Replicas) -> None:
    async with replicas() as level:
        await level.invalidate(ending(keys=("k:1",))._replace(cause="price changed"))
        await level.invalidate(ending(tags=("shelf",))._replace(cause="moved"))
        newest, before = await level.events("books", 10)
        assert (newest.cause, newest.tags, newest.keys, newest.tenant) == ("moved", ("shelf",), 0, "acme")
        assert (before.cause, before.keys, before.lapsed) == ("price changed", 1, 0)
        assert before.at <= newest.at
        assert await level.events("films", 10) == ()
        assert len(await level.events("books", 1)) == 1
