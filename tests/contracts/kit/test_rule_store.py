"""What every store of rules must do, over memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.errors import RulesChanged, StoreRefused
from mcp_gateway.kit.limits.memory import MemoryRuleStore
from mcp_gateway.kit.limits.ports import RuleStore
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisRuleStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "valkey"])
async def rules(request: pytest.FixtureRequest) -> AsyncIterator[RuleStore]:
    if request.param == "memory":
        yield MemoryRuleStore(clock=FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        yield RedisRuleStore(connection, timeout_seconds=5.0)


async def test_nothing_stored_is_revision_nought(rules: RuleStore) -> None:
    stored = await rules.load()
    assert (stored.text, stored.revision) == ("", 0)
    assert stored.now.tzinfo is not None


async def test_what_was_saved_is_read_with_its_revision(rules: RuleStore) -> None:
    first = await rules.save("one", expected_revision=0)
    second = await rules.save("zwei, ümlaut", expected_revision=first)
    assert second > first > 0
    stored = await rules.load(known_revision=first)
    assert (stored.text, stored.revision) == ("zwei, ümlaut", second)
    assert (await rules.load(known_revision=second)).text == ""


async def test_of_two_writers_who_read_the_same_one_is_told_no(rules: RuleStore) -> None:
    first = await rules.save("mine", expected_revision=0)
    with pytest.raises(RulesChanged) as told:
        await rules.save("yours", expected_revision=0)
    assert told.value.data["revision"] == first
    assert (await rules.load()).text == "mine"


async def test_a_change_is_told_to_whoever_watches(rules: RuleStore) -> None:
    changed = asyncio.Event()
    await rules.watch(changed.set)
    first = await rules.save("one", expected_revision=0)
    async with asyncio.timeout(20):
        await changed.wait()
    await rules.unwatch(changed.set)
    changed.clear()
    await rules.save("two", expected_revision=first)
    await rules.load()
    assert not changed.is_set()


async def test_no_revision_comes_twice_even_when_the_store_has_lost_everything(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        rules = RedisRuleStore(connection, timeout_seconds=5.0)
        lost = await rules.save("old", expected_revision=0)
        with valkey.client() as server:
            server.flushall()
        await asyncio.sleep(0.002)
        assert await rules.save("new", expected_revision=0) > lost


async def test_a_document_that_is_not_ours_is_an_error_of_the_store(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store = RedisRuleStore(connection, timeout_seconds=5.0)
        await connection.call("HSET", "rate_limit:rules", "revision", "the third")
        with pytest.raises(StoreRefused):
            await store.load()
        await connection.call("DEL", "rate_limit:rules")
        await connection.call("SET", "rate_limit:rules", "text")
        with pytest.raises(StoreRefused):
            await store.load()
