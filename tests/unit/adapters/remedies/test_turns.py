"""One remedy at a time in a store, whoever asks, from whatever process; and nobody's turn outlasts him for long."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.remedies.lines import open_line
from mcp_gateway.adapters.remedies.turns import HELD_SECONDS, KEY, StoreTurns
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.errors import RemedyUnderWay
from mcp_gateway.kit.errors import StoreRefused

pytestmark = pytest.mark.anyio
RELEASE, EXPIRE = (
    action("release_breaker", verify="", breaker="engine"),
    action("expire_keys", verify="", prefix="cache:", seconds="60"),
)


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


def turns(valkey: ValkeyProcess, holder: str) -> StoreTurns:
    return StoreTurns(url=valkey.url, holder=holder, clock=FixedClock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))


async def test_who_comes_second_is_told_who_holds_the_turn_and_since_when(valkey: ValkeyProcess) -> None:
    async with turns(valkey, "process 1 on here").turn(RELEASE):
        with pytest.raises(RemedyUnderWay) as refused:
            async with turns(valkey, "process 2 on there").turn(EXPIRE):
                pytest.fail("two at once")
        assert refused.value.message == (
            "release_breaker is being carried out in this store, since 2026-01-02 03:04:05 UTC by process 1 on here."
        )
        with valkey.client() as client:
            assert 0 < client.ttl(KEY) <= HELD_SECONDS
    async with turns(valkey, "process 2 on there").turn(EXPIRE):
        pass
    with valkey.client() as client:
        assert not client.exists(KEY)


async def test_a_turn_that_is_somebody_elses_by_now_is_not_ended(valkey: ValkeyProcess) -> None:
    theirs = json.dumps({"kind": "load_scripts", "by": "another", "since": "now", "token": "x"})
    with valkey.client() as client:
        async with turns(valkey, "one").turn(RELEASE):
            client.set(KEY, theirs, px=10_000)
        assert client.get(KEY) == theirs.encode()
        client.delete(KEY)


async def test_a_turn_that_the_store_forgot_is_taken_again(valkey: ValkeyProcess) -> None:
    async with await open_line(valkey.url) as line:
        async with replace(turns(valkey, "one"), renew_seconds=0).turn(RELEASE), asyncio.timeout(20):
            await line.call("FLUSHALL")
            while not await line.call("EXISTS", KEY):
                pass
            with pytest.raises(RemedyUnderWay, match="by one"):
                async with turns(valkey, "another").turn(EXPIRE):
                    pytest.fail("two at once")
        assert not await line.call("EXISTS", KEY)


async def test_only_what_ends_a_script_needs_no_turn_of_a_store_that_it_holds(
    valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(*_: object) -> None:
        raise StoreRefused("BUSY Valkey is busy running a script.")

    monkeypatch.setattr(StoreTurns, "_run", held)
    async with turns(valkey, "one").turn(action("end_script", verify="")):
        pass
    with pytest.raises(StoreRefused):
        async with turns(valkey, "one").turn(RELEASE):
            pytest.fail("without a turn")


async def test_a_full_store_takes_turns_too(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.config_set("maxmemory", 1)
        async with turns(valkey, "one").turn(EXPIRE):
            assert client.exists(KEY)
        client.config_set("maxmemory", 0)
        assert not client.exists(KEY)


async def test_a_turn_asks_for_no_script_that_the_store_does_not_know(valkey: ValkeyProcess) -> None:
    with valkey.client() as client:
        client.config_resetstat()
        async with turns(valkey, "one").turn(EXPIRE):
            pass
        assert "errorstat_NOSCRIPT" not in client.info("errorstats")
