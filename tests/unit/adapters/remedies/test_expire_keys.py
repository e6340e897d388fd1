"""As many keys as a store holds are given a time to live without holding it up, in one run or several."""

from collections.abc import Iterator

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.remedies.expire_keys import LEAST_BATCH, LONG_SECONDS, MOST_BATCH, ExpireKeys, Size
from mcp_gateway.diagnostics.actions.applying import unheard
from mcp_gateway.diagnostics.actions.kinds import action

pytestmark = pytest.mark.anyio
REMEDY = action("expire_keys", verify="", prefix="rate_limit:", seconds="3600")
FILL = "for i = 1, 5000 do redis.call('SET', KEYS[1] .. ARGV[1] .. ':' .. i, 1) end"


@pytest.fixture
def valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


def fill(valkey: ValkeyProcess, thousands: int, prefix: str = "rate_limit:t") -> None:
    with valkey.client() as client:
        for part in range(thousands // 5):
            client.eval(FILL, 1, prefix, part)


def endless(valkey: ValkeyProcess) -> int:
    with valkey.client() as client:
        keyspace = client.info("keyspace")["db0"]
    return int(keyspace["keys"]) - int(keyspace["expires"])


async def test_a_hundred_thousand_keys_get_a_time_and_never_many_at_once(valkey: ValkeyProcess) -> None:
    fill(valkey, 100)
    told: list[str] = []
    outcome = await (await ExpireKeys(url=valkey.url).prepare(REMEDY)).do(told.append)
    with valkey.client() as client:
        commands = client.info("commandstats")
        errors = client.info("errorstats")
    assert commands["cmdstat_evalsha"]["calls"] >= 100_000 // MOST_BATCH
    assert "errorstat_NOSCRIPT" not in errors, "nothing that another remedy would be recommended for"
    assert outcome.whole
    assert outcome.said.startswith("100000 keys that never expired expire within 3600 s")
    assert told[0].endswith("keys expire within 3600 s by now.")
    assert endless(valkey) == 0


async def test_a_store_that_takes_long_is_asked_for_less_at_once() -> None:
    size = Size()
    for _ in range(20):
        await size.rest_after(0)
    assert size.now == MOST_BATCH
    await size.rest_after(2 * LONG_SECONDS)
    assert size.now == MOST_BATCH // 2
    for _ in range(20):
        await size.rest_after(2 * LONG_SECONDS)
    assert size.now == LEAST_BATCH


async def test_a_run_whose_time_is_over_says_how_far_it_came_and_the_next_goes_on(valkey: ValkeyProcess) -> None:
    fill(valkey, 20)
    first = await (await ExpireKeys(url=valkey.url, run_seconds=0).prepare(REMEDY)).do(unheard)
    done = int(first.said.split()[0])
    assert not first.whole
    assert "Run it again to go on" in first.said
    assert endless(valkey) == 20_000 - done > 0
    second = await (await ExpireKeys(url=valkey.url).prepare(REMEDY)).do(unheard)
    assert second.whole
    assert int(second.said.split()[0]) == 20_000 - done
    third = await (await ExpireKeys(url=valkey.url).prepare(REMEDY)).do(unheard)
    assert third.said.startswith("0 keys")


async def test_a_preview_does_not_walk_a_store_that_holds_other_things(valkey: ValkeyProcess) -> None:
    fill(valkey, 100, "session:")
    with valkey.client() as client:
        before = int(client.info("commandstats").get("cmdstat_scan", {}).get("calls", 0))
        radius = await ExpireKeys(url=valkey.url).radius(REMEDY)
        scans = int(client.info("commandstats")["cmdstat_scan"]["calls"]) - before
    assert scans <= 100
    assert radius.keys == 0
    assert "the database holds 100000 keys of every kind" in radius.changes[1]
