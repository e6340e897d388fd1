"""When an invalidation is acknowledged, and what a replica may still serve, on a real Valkey that fails in many ways."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.errors import Json
from mcp_gateway.kit.cache.cache import Cache
from mcp_gateway.kit.cache.model import CachePolicy
from mcp_gateway.kit.cache.ports import Invalidation
from mcp_gateway.kit.errors import InvalidPolicy, StoreRefused, StoreUnavailable
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.cache_messages import read_members
from mcp_gateway.kit.redis.cache_outbox import MAX_NAMES, Outbox
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.wire import Reply

pytestmark = pytest.mark.anyio

MEMBERSHIP = 0.2
POLICY = CachePolicy(ttl_jitter=0, stale_while_revalidate_seconds=60)


class Replica:
    """One process's worth of cache, in this process."""

    def __init__(self, connection: RedisConnection, level: RedisSharedLevel, cache: "Cache[Json]") -> None:
        self.connection, self.level, self.cache = connection, level, cache

    async def read(self, value: Json) -> Json:
        """What is there, else `value` as loaded."""

        async def load() -> Json:
            return value

        return await self.cache.get_or_load("k", load, tenant="acme", tags=("t",))


@contextlib.asynccontextmanager
async def replica(valkey: ValkeyProcess, login: str = "") -> AsyncIterator[Replica]:
    async with (
        await RedisConnection.open(valkey.url.replace("://", f"://{login}"), timeout_seconds=20.0) as connection,
        await RedisSharedLevel.open(connection, membership_seconds=MEMBERSHIP) as level,
        Cache("books", level, policy=POLICY) as cache,
    ):
        yield Replica(connection, level, cache)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def test_a_lost_connection_empties_the_near_level_and_the_shared_one_serves_on(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        assert await one.read("first") == "first"
        assert one.cache.counts().near_entries == 1
        states: list[tuple[str, int]] = []
        one.connection.on_state(lambda state: states.append((state, one.cache.counts().near_entries)))
        with valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
        await until(lambda: ("live", 0) in states)
        assert states[0] == ("down", 0)
        assert await one.read("second") == "first"


async def test_a_replica_that_does_not_answer_is_waited_for_until_it_trusts_nothing(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.cache.invalidate(tenant="acme", keys=("k",), cause="the list of members is new")
        with valkey.client() as client:
            seconds, microseconds = client.time()
            members = client.keys("*members")[0]
            client.hset(members, "asleep", int(seconds * 1000 + microseconds / 1000) + 150)
        acknowledged = await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        assert (acknowledged.replicas, acknowledged.lapsed) == (1, 1)
        again = await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        assert (again.replicas, again.lapsed) == (1, 0)


async def test_when_the_list_of_members_was_lost_an_invalidation_waits_for_a_whole_membership(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        usual = await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        with valkey.client() as client:
            client.flushall()
        after_flush = await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        assert after_flush.latency_seconds >= MEMBERSHIP * 0.7
        assert usual.latency_seconds < after_flush.latency_seconds


async def test_what_a_restart_brings_back_from_a_snapshot_is_not_served() -> None:
    with ValkeyProcess(snapshots=True) as valkey:
        async with replica(valkey) as one:
            assert await one.read("old") == "old"
            valkey.save()
            await one.cache.invalidate(tenant="acme", tags=("t",), cause="test")
            valkey.kill()
            await until(lambda: one.connection.state == "down")
            assert await one.read("while away") == "while away"
            valkey.start()
            with valkey.client() as client:
                assert client.keys("*:v:*")
            await until(lambda: one.connection.state == "live")
            assert await one.read("new") == "new"


async def test_an_invalidation_the_store_missed_is_sent_when_it_is_back(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one, replica(valkey) as other:
        assert await one.read("old") == "old"
        assert await other.read("not loaded") == "old"
        down = asyncio.Event()
        one.connection.on_state(lambda state: down.set() if state == "down" else None)
        assert one.connection._wire is not None
        one.connection._wire.abort()
        async with asyncio.timeout(20):
            await down.wait()
        with pytest.raises(StoreUnavailable):
            await one.cache.invalidate(tenant="acme", tags=("t",), cause="test")
        assert other.cache.counts().near_entries == 1
        await until(lambda: one.connection.state == "live" and other.cache.counts().near_entries == 0)
        assert await one.read("new") == "new"
        assert await other.read("newer") == "new"


async def test_an_invalidation_a_stopped_store_never_answered_is_not_acknowledged(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one, replica(valkey) as other:
        await other.read("old")
        with valkey.paused(), pytest.raises(StoreUnavailable):
            await one.cache.invalidate(tenant="acme", tags=("t",), cause="test")
        await until(lambda: one.connection.state == "live" and other.cache.counts().near_entries == 0)
        assert await other.read("new") == "new"


async def test_a_message_nobody_understands_empties_the_near_level(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.read("value")
        with valkey.client() as client:
            for nonsense in (b"", b"\xff", b"5", b"[]", b'{"i": 1}', b'["1", "x", "books", "acme", ["k", 5], []]'):
                await one.read("value")
                assert one.cache.counts().near_entries == 1
                client.publish("cache_coherence:gateway", nonsense)
                await until(lambda: one.cache.counts().near_entries == 0)
        assert await one.read("other") == "value"


async def test_nonsense_on_the_private_channel_is_ignored(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.read("value")
        with valkey.client() as client:
            channel = next(name for name in client.pubsub_channels("cache_coherence:gateway:*"))
            for nonsense in (b"", b"A", b"A\xff", b"F", b"F{}", b'F["a"]', b"Z"):
                client.publish(channel, nonsense)
        await one.connection.ping()
        assert one.cache.counts().near_entries == 1


async def test_every_key_expires(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.read("value")
        await one.cache.invalidate(tenant="acme", keys=("other",), cause="test")
        await one.connection.ping()
        with valkey.client() as client:
            keys = client.keys("*")
            assert len(keys) >= 4
            assert all(client.pttl(key) > 0 for key in keys)
            assert all(key.startswith(b"cache:{gateway}:") for key in keys)


async def test_a_replica_that_does_not_hear_the_channel_trusts_nothing_until_it_does(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        assert one.level.trusted_until > 0
        coherence = one.level._coherence
        one.connection.unsubscribe(coherence.keys.channel, coherence._heard_invalidation)
        coherence._lose_trust()
        await until(lambda: coherence._unproven_renewals >= 2)
        assert await one.read("missed") == "missed"
        assert one.level.trusted_until == 0
        await until(lambda: one.level.trusted_until > 0)
        assert one.cache.counts().near_entries == 0
        await one.read("value")
        assert one.cache.counts().near_entries == 1
        async with replica(valkey) as other:
            await other.cache.invalidate(tenant="acme", keys=("k",), cause="test")
            assert one.cache.counts().near_entries == 0


async def test_a_replica_that_may_not_hear_invalidations_serves_nothing_near(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels")
    async with replica(valkey) as hearing, replica(valkey, "deaf:secret@") as deaf:
        assert await deaf.read("old") == "old"
        assert await deaf.read("not loaded") == "old"
        assert "near_hit" not in deaf.cache.counts().outcomes
        acknowledged = await hearing.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        assert (acknowledged.replicas, acknowledged.lapsed) == (1, 0)
        assert await deaf.read("new") == "new"
        with pytest.raises(StoreRefused):
            await deaf.cache.invalidate(tenant="acme", keys=("k",), cause="test")


def test_replicas_cohere_on_uvloop_too(valkey: ValkeyProcess) -> None:
    async def run() -> None:
        async with replica(valkey) as one, replica(valkey) as other:
            assert await one.read("old") == "old"
            assert await other.read("not loaded") == "old"
            assert (await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")).replicas == 2
            assert await other.read("new") == "new"
            epoch = one.level.epoch
            with valkey.client() as client:
                client.client_kill_filter(_type="pubsub")
            await until(lambda: one.level.epoch > epoch and one.level.trusted_until > 0)
            assert await one.read("not loaded") == "new"

    uvloop.run(run())


async def test_closing_leaves_so_that_nobody_waits(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        async with replica(valkey):
            await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        acknowledged = await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
        assert (acknowledged.replicas, acknowledged.lapsed) == (1, 0)


async def test_a_full_store_keeps_nothing_new_and_still_ends_what_it_has() -> None:
    with ValkeyProcess() as valkey, valkey.client() as client:
        async with replica(valkey) as one:
            assert await one.read("old") == "old"
            client.config_set("maxmemory", 1)
            await one.cache.invalidate(tenant="acme", keys=("k",), cause="test")
            assert await one.read("new") == "new"
            assert await one.read("newer") == "newer"
            client.config_set("maxmemory", 0)
            await until(lambda: one.level.trusted_until > 0)
            assert await one.read("kept") == "kept"
            assert await one.read("not loaded") == "kept"


async def test_a_cache_opened_while_the_store_is_down_works_when_it_comes() -> None:
    with ValkeyProcess() as valkey:
        valkey.kill()
        async with (
            await RedisConnection.open(valkey.url, tolerate_down=True) as connection,
            await RedisSharedLevel.open(connection, membership_seconds=MEMBERSHIP) as level,
            Cache("books", level, policy=POLICY) as cache,
        ):
            one = Replica(connection, level, cache)
            assert await one.read("first") == "first"
            assert await one.read("second") == "second"
            valkey.start()
            await until(lambda: level.trusted_until > 0)
            assert await one.read("third") == "third"
            assert await one.read("fourth") == "third"


def test_the_outbox_gives_up_the_oldest_beyond_its_bound() -> None:
    outbox = Outbox()
    names = tuple(map(str, range(1_000)))
    for number in range(MAX_NAMES // 1_000 + 2):
        outbox.add(Invalidation("c", str(number), names, (), "test"))
    assert [one.tenant for one in outbox.take()] == [str(number) for number in range(2, 12)]
    assert outbox.take() == []


async def test_a_membership_out_of_bounds_is_refused(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url) as connection:
        with pytest.raises(InvalidPolicy):
            await RedisSharedLevel.open(connection, membership_seconds=0)


@pytest.mark.parametrize("members", [b"no list", {b"born": b"long ago"}, {b"\xff": b"1"}])
def test_a_list_of_members_that_is_not_ours_is_an_error_of_the_store(members: Reply) -> None:
    with pytest.raises(StoreRefused):
        read_members(members, [b"1", b"0"])
