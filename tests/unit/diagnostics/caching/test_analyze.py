"""`analyze_cache_coherence` over a real Valkey, with replicas that hold copies."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.loopback_pages import closed_port
from tests.operations_tools import ADMIN, VIEWER, tools_for
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.deployment.readers import Addresses
from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.diagnostics.caching.advice import advise
from mcp_gateway.diagnostics.caching.analyze import CoherenceFound
from mcp_gateway.diagnostics.caching.ports import CanaryFlight
from mcp_gateway.diagnostics.caching.sample import KeySample
from mcp_gateway.diagnostics.operations import CoherenceOrder, HealthOrder
from mcp_gateway.diagnostics.signals.snapshot import Reading, Readings, Snapshot, reading
from mcp_gateway.diagnostics.signals.window import Window
from mcp_gateway.kit import Cache
from mcp_gateway.kit.redis.cache import RedisSharedLevel
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio


async def _load() -> Json:
    return {"number": 1}


@asynccontextmanager
async def replica(valkey: ValkeyProcess) -> AsyncIterator[Cache[Json]]:
    async with (
        await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection,
        await RedisSharedLevel.open(connection, membership_seconds=20.0) as level,
    ):
        valkey.age_cache_members()
        cache: Cache[Json] = Cache("lists", level)
        async with cache:
            yield cache


async def analyze(url: str, *, viewer: bool = False, events: bool = True) -> CoherenceFound:
    tools = tools_for(Addresses(redis_url=url))
    return await tools.analyze_cache(VIEWER if viewer else ADMIN, CoherenceOrder(include_event_log=events))


def analysis_of(found: CoherenceFound) -> dict[str, Json]:
    analysis = found.to_dict()["cache_coherence_analysis"]
    assert isinstance(analysis, dict)
    return analysis


async def test_a_sound_cache_is_told_in_the_shape_of_the_specification(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one, replica(valkey) as other:
        for number in range(5):
            await one.get_or_load(str(number), _load, tenant="acme", tags=("all",))
        await other.invalidate(tenant="acme", keys=("4",), cause="item changed")
        found = await analyze(valkey.url)
    shape, analysis = found.to_dict(), analysis_of(found)
    assert {"cache_coherence_analysis", "sample_cache_analysis", "recent_coherence_events", "recommendations"} <= shape.keys()
    assert (analysis["total_cache_keys"], analysis["keys_in_the_database"]) == (4, 7)
    assert analysis["coherence_tracking_keys"] == 3
    assert analysis["cache_to_coherence_ratio"] == 0.75
    assert analysis["ended_values"] == {"compared": 4, "still_stored": 0}
    (flight,) = found.flights
    assert (flight.members, flight.lost) == (2, 0)
    (event,) = found.events
    assert (event.cause, event.tenant, event.keys) == ("item changed", "acme", 1)
    assert found.advice == ()
    assert all({"key", "ttl_seconds", "memory_bytes"} <= one.keys() for one in shape["sample_cache_analysis"])  # type: ignore[union-attr]  # JSON


async def test_keys_that_never_expire_are_told_by_family_and_nothing_is_to_be_deleted(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        for index in range(100):
            client.set(f"rate_limit:{{tenant{index}}}:chat", 1)
            client.set(f"cache:conversation:tenant{index}:1", "x", ex=600)
    found = await analyze(valkey.url)
    (advice,) = found.advice
    assert (advice.kind, advice.severity) == ("expiry", "high")
    assert "rate_limit never expire" in advice.message
    assert "Mend the writer" in advice.action
    assert advice.evidence[0].signal == "redis.sampled_without_ttl_share{prefix=rate_limit}"
    assert not any(word in str(found.to_dict()) for word in ("FLUSH", "xargs", "redis-cli"))


async def test_the_time_a_key_has_left_is_a_number_also_of_one_that_never_expires(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.set("cache:conversation:acme:1", "x")
        client.set("cache:conversation:acme:2", "x", ex=600)
    shape = (await analyze(valkey.url)).to_dict()
    assert isinstance(shape["sample_cache_analysis"], list)
    left = {one["key"]: one["ttl_seconds"] for one in shape["sample_cache_analysis"] if isinstance(one, dict)}
    assert left["cache:conversation:acme:1"] == -1
    assert 0 < left["cache:conversation:acme:2"] <= 600  # type: ignore[operator]  # JSON


async def test_a_big_key_is_told_with_how_much_bigger_it_is(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        for index in range(50):
            client.set(f"cache:conversation:tenant{index}:1", "x", ex=600)
        client.hset("cache:profiles:shared", mapping={f"f{index}": "x" * 40 for index in range(20_000)})
    found = await analyze(valkey.url)
    assert [one.kind for one in found.advice] == ["memory"]
    assert "UNLINK, never with DEL" in found.advice[0].action


async def test_others_keys_and_tenants_are_hidden_from_who_may_not_see_them(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.get_or_load("secret-case", _load, tenant="rival")
        await one.get_or_load("own-case", _load, tenant="acme")
        await one.invalidate(tenant="rival", keys=("secret-case",), cause="changed")
        shown, all_shown = await analyze(valkey.url, viewer=True), await analyze(valkey.url)
    assert "rival" not in str(shown.to_dict())
    assert "secret-case" not in str(shown.to_dict())
    assert "own-case" in str(shown.to_dict())
    assert "rival" in str(all_shown.to_dict())


async def test_no_other_tenants_name_is_told_wherever_it_stands_in_a_key(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        for index in range(30):
            client.set(f"rival:orders:{index}", "x")
            client.set(f"cache:rival:doc{index}", "x")
            client.set(f"cache:products:acme:{index}", "x")
            client.set(f"rival:acme:{index}", "x")
            client.set(f"rate_limit:{{rival}}:acme:{index}", "x")
        client.set("cache:{rival-space}:ab12:v:rival-cache:rival:key", "z" * 1_000_000)
        client.set("cache:{rival-space}:ab12:v:lists:acme:key", "z")
        log = {"tenant": "rival", "cause": "rival's list", "keys": 1, "tags": [], "latency": 0.1}
        client.xadd("cache:{rival-space}:events:rival-cache", {"e": json.dumps(log)})
        heard = client.pubsub()
        heard.subscribe("cache_coherence:rival-space")
        heard.get_message(timeout=5.0)
        tools = tools_for(Addresses(redis_url=valkey.url))
        cache = await tools.analyze_cache(VIEWER, CoherenceOrder(include_event_log=True))
        health = await tools.diagnose_health(VIEWER, HealthOrder())
        heard.close()
    told = f"{cache.to_dict()}{health.to_dict()}"
    assert "rival" not in told
    assert "cache:products:acme:" in told
    assert len(cache.events) == 1
    families = {str(one["family"]).partition("~")[0] for one in _objects(analysis_of(cache)["families"])}
    assert families == {"rate_limit", "cache:products", "cache:cache", "cache:lists", "cache_events", "family"}


def _objects(value: Json) -> list[JsonObject]:
    assert isinstance(value, list)
    return [one for one in value if isinstance(one, dict)]


async def test_the_log_is_shown_to_who_asks_for_it(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as one:
        await one.get_or_load("1", _load, tenant="acme")
        await one.invalidate(tenant="acme", keys=("1",), cause="changed")
        await one.get_or_load("1", _load, tenant="acme")
        found = await analyze(valkey.url, events=False)
    assert found.to_dict()["recent_coherence_events"] == []
    assert analysis_of(found)["logged_in_window"] == 1


async def test_without_a_store_or_with_one_that_is_gone_it_says_so() -> None:
    nothing = await tools_for(Addresses()).analyze_cache(ADMIN, CoherenceOrder())
    assert [spot.what for spot in nothing.blind_spots] == ["keys and invalidations", "values compared with their source"]
    gone = await analyze(f"redis://127.0.0.1:{closed_port()}")
    assert analysis_of(gone)["total_cache_keys"] is None
    assert {spot.what.split(" at ")[0] for spot in gone.blind_spots} == {
        "redis",
        "sample of the keys",
        "values compared with their source",
    }
    assert analysis_of(gone)["keys_in_the_database"] is None


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(minute: int, *readings: Reading) -> Snapshot:
    return Snapshot(at=NOON + timedelta(minutes=minute), sources={"x": Readings(readings=readings)})


def counted(hits: float, misses: float, evicted: float, expired: float) -> tuple[Reading, ...]:
    return (
        reading("gateway.cache_reads_total", hits, outcome="near_hit"),
        reading("gateway.cache_reads_total", misses, outcome="miss"),
        reading("redis.evicted_keys_total", evicted),
        reading("redis.expired_keys_total", expired),
    )


@pytest.mark.parametrize(
    ("evicted", "expired", "why"),
    [
        (500, 100, "thrown out for want"),
        (0, 900, "more keys expire than usual"),
        (0, 100, "neither evictions nor expiries"),
    ],
)
def test_a_lower_hit_rate_is_classified_before_anything_is_advised(evicted: float, expired: float, why: str) -> None:
    healthy = (at(0, *counted(0, 0, 0, 0)), at(1, *counted(900, 100, 0, 100)))
    last = at(2, *counted(900 + 500, 100 + 500, evicted, 100 + expired))
    (advice,) = advise(Window(healthy=healthy, first=healthy[1], last=last), KeySample(), (), ())
    assert why in advice.message
    assert "50% of reads, usually 90%" in advice.message


def test_a_hit_rate_that_is_low_by_design_is_no_finding() -> None:
    healthy = (at(0, *counted(0, 0, 0, 0)), at(1, *counted(550, 450, 0, 100)))
    last = at(2, *counted(550 + 540, 450 + 460, 0, 200))
    assert advise(Window(healthy=healthy, first=healthy[1], last=last), KeySample(), (), ()) == ()


def test_a_few_misses_among_a_few_reads_are_chance() -> None:
    healthy = (at(0, *counted(0, 0, 0, 0)), at(1, *counted(620, 380, 0, 100)))
    last = at(2, *counted(620 + 4, 380 + 4, 0, 200))
    assert advise(Window(healthy=healthy, first=healthy[1], last=last), KeySample(), (), ()) == ()


def test_a_replica_that_does_not_hear_is_the_gravest() -> None:
    flight = CanaryFlight(namespace="gateway", members=3, receivers=2, heard_ms=(0.4, 0.9), lost=1)
    window = Window(last=at(0, reading("redis.subscribers", 2.0, channel="cache_coherence:gateway")))
    (advice,) = advise(window, KeySample(), (flight,), ())
    assert (advice.severity, advice.message) == ("high", "1 of 3 replicas in gateway did not hear an invalidation.")
    assert advice.evidence[0].value == 2.0
