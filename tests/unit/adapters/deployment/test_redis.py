"""Redis read with care, on a real Valkey: what is found, what it costs, and what a hostile or absent one comes to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.loopback_pages import closed_port
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.cache_store import RedisCacheStore
from mcp_gateway.adapters.deployment.cache_trial import RedisCacheTrial
from mcp_gateway.adapters.deployment.errors import CommandNotReadOnly, TooManyCommands
from mcp_gateway.adapters.deployment.redis_keys import family_of
from mcp_gateway.adapters.deployment.redis_reading import MAX_REPLY_BYTES, open_careful
from mcp_gateway.adapters.deployment.redis_sources import RedisFigures, RedisKeys
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.errors import Json
from mcp_gateway.diagnostics.signals.snapshot import Readings, Snapshot
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.kit import Cache
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


def window_of(*several: Readings) -> Window:
    return Window(last=Snapshot(at=CLOCK.now(), sources={str(index): one for index, one in enumerate(several)}))


async def figures_at(url: str) -> Window:
    return window_of(await RedisFigures(url=url, clock=CLOCK).read())


async def keys_at(url: str) -> Window:
    return window_of(await RedisKeys(url=url, clock=CLOCK).read())


def fill(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        pipeline = client.pipeline()
        for index in range(300):
            pipeline.set(f"rate_limit:{{tenant{index}}}:chat:tenant:w60", 1)
            pipeline.set(f"cache:{{gateway}}:0123456789abcdef:v:lists:tenant:{index}", "x", px=60_000)
            pipeline.set(f"cache:conversation:tenant:{index}", "x", px=600_000)
        pipeline.hset("cache:profiles:shared", mapping={f"f{index}": "x" * 40 for index in range(20_000)})
        pipeline.set("stray", "x")
        pipeline.execute()


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("rate_limit:{acme}:chat:tenant:w60", "rate_limit"),
        ("cache:{gateway}:0123456789abcdef:v:lists:acme:1", "cache:lists"),
        ("cache:{gateway}:0123456789abcdef:l:lists:acme:1", "cache_lease:lists"),
        ("cache:{gateway}:0123456789abcdef:t:lists:acme:all", "cache_tag:lists"),
        ("cache:{gateway}:0123456789abcdef:members", "cache_members"),
        ("cache:{gateway}:events:lists", "cache_events"),
        ("cache:conversation:acme:12345", "cache:conversation"),
        ("breaker:{upstream_x}:probes", "breaker"),
        ("mreg:session:abc", "mreg"),
        ("secretlookingkey", "(other)"),
        ("0a8f:1", "(other)"),
    ],
)
def test_a_key_belongs_to_what_it_is_for_and_not_to_its_tenant(key: str, family: str) -> None:
    assert family_of(key) == family


async def test_families_are_told_with_their_times_and_sizes(valkey: ValkeyProcess) -> None:
    fill(valkey)
    window = window_of(
        await RedisFigures(url=valkey.url, clock=CLOCK).read(), await RedisKeys(url=valkey.url, clock=CLOCK).read()
    )
    assert (window.value("redis.keys"), window.value("redis.keys_without_ttl")) == (902, 302)
    assert window.value("redis.sampled_without_ttl_share", prefix="rate_limit") == 1.0
    assert window.value("redis.sampled_without_ttl_share", prefix="cache:lists") == 0.0
    assert window.value("redis.prefix_keys", prefix="cache:conversation") == 300
    left = window.value("redis.sampled_ttl_p50_seconds", prefix="cache:conversation")
    assert left is not None
    assert 60 < left <= 600
    largest = next(iter(window.by("redis.biggest_key_bytes", "key")))
    assert largest == "cache:profiles:shared"
    assert window.value("redis.subscribers", channel="cache_coherence:gateway") == 0


async def test_a_slow_command_is_told_with_who_sent_it_and_the_key_it_was_about(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.slowlog_reset()
        client.client_setname("nightly-report")
        client.hset("report:big", mapping={f"f{index}": "x" for index in range(5_000)})
        client.hgetall("report:big")
        client.config_set("slowlog-log-slower-than", 10_000)
    window = await figures_at(valkey.url)
    assert window.value("redis.slowlog_recent", command="hgetall") == 1
    assert window.text("redis.slowlog_client", command="hgetall") == "nightly-report"
    assert "report:big" in (await keys_at(valkey.url)).by("redis.biggest_key_bytes", "key")


async def test_what_an_analysis_asks_is_little_and_read_only(valkey: ValkeyProcess) -> None:
    fill(valkey)
    with valkey.client() as client:
        client.config_resetstat()
    for _ in range(2):
        await RedisFigures(url=valkey.url, clock=CLOCK).read()
    store = RedisCacheStore(url=valkey.url, clock=CLOCK)
    sample = await store.sample()
    await store.events(sample, 50)
    await store.ended(sample)
    with valkey.client() as client:
        asked = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in client.info("commandstats").items()}
        left = client.dbsize()
    asked.pop("config|resetstat", None)
    assert sum(asked.values()) <= 200, asked
    writes_and_worse = {
        "keys",
        "monitor",
        "flushall",
        "flushdb",
        "config|set",
        "config|get",
        "debug",
        "set",
        "del",
        "unlink",
        "eval",
        "evalsha",
    }
    assert not writes_and_worse & asked.keys()
    assert left == 902


async def test_nothing_else_can_be_asked(valkey: ValkeyProcess) -> None:
    async with open_careful(valkey.url, max_commands=3) as redis:
        for words in (
            ("KEYS", "*"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("GET", "anything"),
            ("HGET", "k", "p"),
            ("MONITOR",),
        ):
            with pytest.raises(CommandNotReadOnly):
                await redis.ask(*words)
        for _ in range(3):
            await redis.ask("PING")
        with pytest.raises(TooManyCommands):
            await redis.ask("PING")


async def test_a_reader_with_few_rights_says_what_it_could_not_see(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.execute_command(
            "ACL", "SETUSER", "reader", "on", ">word", "~*", "&*", "-@all", "+info", "+time", "+hello", "+ping", "+select"
        )
    try:
        found = await RedisFigures(url=valkey.url.replace("redis://", "redis://reader:word@"), clock=CLOCK).read()
    finally:
        with valkey.client() as client:
            client.execute_command("ACL", "DELUSER", "reader")
    assert window_of(found).value("redis.up") == 1
    assert {spot.what for spot in found.blind_spots} == {"redis SLOWLOG GET", "redis CLIENT LIST", "redis PUBSUB CHANNELS"}
    assert all("NOPERM" in spot.why for spot in found.blind_spots)


async def test_keys_whose_end_one_may_not_ask_about_are_not_taken_for_lasting(valkey: ValkeyProcess) -> None:
    fill(valkey)
    rights = ("+info", "+hello", "+scan", "+dbsize", "+memory|usage")
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "reader", "on", ">word", "~*", "&*", "-@all", *rights)
    try:
        window = await keys_at(valkey.url.replace("redis://", "redis://reader:word@"))
    finally:
        with valkey.client() as client:
            client.execute_command("ACL", "DELUSER", "reader")
    assert not window.series("redis.sampled_without_ttl")


async def test_who_is_not_there_is_told_apart(valkey: ValkeyProcess) -> None:
    cases = {
        "refused": f"redis://127.0.0.1:{closed_port()}",
        "dns": "redis://redis.invalid:6379",
        "unauthorized": valkey.url.replace("redis://", "redis://nobody:wrong@"),
        "no_database": f"redis://127.0.0.1:{valkey.port}/99",
        "tls": f"rediss://127.0.0.1:{valkey.port}",
    }
    for outcome, url in cases.items():
        found = await RedisFigures(url=url, clock=CLOCK).read()
        assert window_of(found).text("redis.probe_outcome") == outcome
        assert found.blind_spots
        assert "wrong" not in str(found)


async def test_one_that_hangs_is_not_waited_for() -> None:
    with ValkeyProcess() as stuck, stuck.paused():
        for url in (stuck.url, stuck.url.replace("redis:", "rediss:")):
            assert (await figures_at(url)).text("redis.probe_outcome") == "timeout"


async def test_a_socket_that_is_not_there_is_nobody_who_listens(tmp_path: Path) -> None:
    assert (await figures_at(f"unix://{tmp_path}/none.sock")).text("redis.probe_outcome") == "refused"


@asynccontextmanager
async def hostile(replies: dict[bytes, bytes], tail: bytes = b"") -> AsyncIterator[tuple[str, list[int]]]:
    """Speaks just enough of the protocol; `replies` by command, then `tail` again and again. Counts the bytes it got rid of."""
    sent = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2].upper())
                reply = replies.get(words[0], b"+OK\r\n")
                writer.write(reply)
                if tail and words[0] in (b"INFO", b"SCAN", b"TIME") and reply.startswith((b"$1", b"*1")):
                    for _ in range(2_000):
                        writer.write(tail)
                        await writer.drain()
                        sent[0] += len(tail)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent


@pytest.mark.parametrize(
    ("replies", "tail"),
    [
        ({b"INFO": b"$100000000\r\n"}, b"x" * 65_536),
        ({b"INFO": b"*100000000\r\n"}, b":1\r\n" * 16_384),
        ({b"INFO": b"+OK\r\n", b"TIME": b"*100000000\r\n"}, b"$5\r\nhello\r\n" * 4_096),
    ],
)
async def test_a_hostile_one_is_never_read_whole(replies: dict[bytes, bytes], tail: bytes) -> None:
    async with hostile(replies, tail) as (url, sent):
        found = await RedisFigures(url=url, clock=CLOCK).read()
    assert window_of(found).value("redis.up") == 0
    assert window_of(found).text("redis.probe_outcome") == "too_large"
    assert found.blind_spots
    # What is in the sockets' buffers on both sides comes on top of what was read.
    assert sent[0] < 6 * MAX_REPLY_BYTES


@pytest.mark.parametrize(
    "words", [b"SSH-2.0-OpenSSH_9.6\r\n", b"J\x00\x00\x00\n8.0.36\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1\r\n" * 10_000]
)
async def test_another_service_at_its_port_is_told_from_one_that_closes_the_line(words: bytes) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        found = await RedisFigures(url=f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock=CLOCK).read()
    assert window_of(found).text("redis.probe_outcome") == "garbage"
    assert "another service" in found.blind_spots[0].why


async def test_one_that_talks_nonsense_is_no_redis() -> None:
    nonsense = {b"INFO": b"$26\r\nused_memory:many\r\nkeys=:\r\n\r\n", b"TIME": b"$3\r\nnow\r\n", b"SLOWLOG": b":-1\r\n"}
    async with hostile(nonsense) as (url, _):
        found = await RedisFigures(url=url, clock=CLOCK).read()
    window = window_of(found)
    assert window.value("redis.used_memory_bytes") is None
    assert window.value("redis.clock_skew_seconds") is None
    async with hostile({b"HELLO": b"-ERR unknown command 'HELLO'\r\n"}) as (url, _):
        assert (await figures_at(url)).text("redis.probe_outcome") == "garbage"


async def test_a_canary_is_heard_by_every_replica_and_leaves_nothing_behind(valkey: ValkeyProcess) -> None:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as one,
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as other,
        await RedisSharedLevel.open(one, membership_seconds=20.0) as level,
        await RedisSharedLevel.open(other, membership_seconds=20.0),
        _cache(level) as cache,
    ):
        await cache.get_or_load("1", _load, tenant="acme", tags=("all",))
        with valkey.client() as client:
            before = {key: client.ttl(key) for key in client.scan_iter()}
        store = RedisCacheStore(url=valkey.url, clock=CLOCK)
        (flight,) = await store.canary((await store.sample()).namespaces)
        with valkey.client() as client:
            after = set(client.scan_iter())
        value = await cache.get_or_load("1", _load, tenant="acme")
    assert (flight.members, flight.receivers, flight.lost) == (2, 2, 0)
    assert len(flight.heard_ms) == 2
    assert after == set(before)
    assert value == {"number": 1}


async def test_a_replica_that_does_not_hear_is_counted_as_lost(valkey: ValkeyProcess) -> None:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as one,
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as deaf,
        await RedisSharedLevel.open(one, membership_seconds=20.0),
        await RedisSharedLevel.open(deaf, membership_seconds=20.0) as level,
    ):
        level._coherence._unsubscribe()  # as when the server dropped its subscription
        await deaf.ping()
        (flight,) = await RedisCacheStore(url=valkey.url, clock=CLOCK).canary(["gateway"])
    assert (flight.members, flight.lost, len(flight.heard_ms)) == (2, 1, 1)


async def test_a_log_that_was_seen_is_read_before_those_that_are_guessed(valkey: ValkeyProcess) -> None:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection,
        await RedisSharedLevel.open(connection, namespace="zoo", membership_seconds=20.0) as level,
        await RedisSharedLevel.open(connection, membership_seconds=20.0),
        _cache(level) as cache,
    ):
        valkey.age_cache_members()
        with valkey.client() as client:
            for name in ("catalog", "drafts", "files"):
                client.set(f"cache:{{zoo}}:1:v:{name}:acme:1", "x", ex=600)
        await cache.get_or_load("1", _load, tenant="acme")
        await cache.invalidate(tenant="acme", keys=("1",), cause="changed")
        store = RedisCacheStore(url=valkey.url, clock=CLOCK)
        events = await store.events(await store.sample(), 10)
    assert [one.cause for one in events] == ["changed"]


async def test_invalidations_are_read_from_the_log_and_ended_values_are_found(valkey: ValkeyProcess) -> None:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection,
        await RedisSharedLevel.open(connection, membership_seconds=20.0) as level,
        _cache(level) as cache,
    ):
        valkey.age_cache_members()
        for number in range(3):
            await cache.get_or_load(str(number), _load, tenant="acme", tags=("all",))
        store = RedisCacheStore(url=valkey.url, clock=CLOCK)
        sound = await store.ended(await store.sample())
        await cache.invalidate(tenant="acme", tags=("all",), cause="list changed")
        sample = await store.sample()
        ended, events = await store.ended(sample), await store.events(sample, 10)
    assert (sound.compared, sound.still_there) == (3, 0)
    assert (ended.compared, ended.still_there) == (3, 3)
    assert [(one.cache, one.tenant, one.cause, one.tags, one.lapsed) for one in events] == [
        ("lists", "acme", "list changed", 1, 0)
    ]


async def test_a_value_goes_through_the_store_and_is_gone_afterwards(valkey: ValkeyProcess) -> None:
    done = await RedisCacheTrial(url=valkey.url, clock=CLOCK).round_trip()
    assert (done.intact, done.removed) == (True, True)
    with valkey.client() as client:
        assert client.dbsize() == 0
    with pytest.raises(StoreUnavailable):
        await RedisCacheTrial(url=f"redis://127.0.0.1:{closed_port()}", clock=CLOCK).round_trip()


async def _load() -> Json:
    return {"number": 1}


def _cache(level: RedisSharedLevel) -> Cache[Json]:
    return Cache("lists", level)
