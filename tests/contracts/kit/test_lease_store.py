"""What every store of leases must do, over memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.limits.memory import MemoryLeaseStore
from mcp_gateway.kit.limits.ports import LeaseStore, Place
from mcp_gateway.kit.redis.connection import RedisConnection
from mcp_gateway.kit.redis.limits import RedisLeaseStore

pytestmark = pytest.mark.anyio

LONG_US = 60_000_000
# Short enough to be waited for on a server whose clock cannot be moved.
SHORT_US = 60_000


class Leased:
    """A store and how time passes for it."""

    def __init__(self, store: LeaseStore, clock: FixedClock | None) -> None:
        self.store = store
        self._clock = clock

    async def passes(self, microseconds: int) -> None:
        if self._clock is not None:
            self._clock.advance(microseconds / 1_000_000)
        else:
            await asyncio.sleep(microseconds / 1_000_000)


@pytest.fixture(params=["memory", "valkey"])
async def leased(request: pytest.FixtureRequest) -> AsyncIterator[Leased]:
    if request.param == "memory":
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        yield Leased(MemoryLeaseStore(clock=clock), clock)
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        yield Leased(RedisLeaseStore(connection, timeout_seconds=5.0), None)


async def test_no_more_places_are_given_than_there_are(leased: Leased) -> None:
    place = [Place("k", 3, LONG_US)]
    answers = await asyncio.gather(*(leased.store.acquire(place, f"holder-{number}") for number in range(8)))
    assert sum(answer[0] == 0 for answer in answers) == 3
    assert await leased.store.held(place) == [3]


async def test_a_place_under_every_key_or_under_none(leased: Leased) -> None:
    wide, narrow = Place("wide", 5, LONG_US), Place("narrow", 1, LONG_US)
    assert await leased.store.acquire([wide, narrow], "first") == [0, 1, 1]
    refused = await leased.store.acquire([wide, narrow], "second")
    assert 0 < refused[0] <= LONG_US
    assert refused[1:] == [1, 1]


async def test_a_place_given_back_is_free(leased: Leased) -> None:
    place = [Place("k", 1, LONG_US)]
    await leased.store.acquire(place, "first")
    leased.store.release(place, "a stranger")
    assert (await leased.store.acquire(place, "second"))[0] > 0
    leased.store.release(place, "first")
    assert (await leased.store.acquire(place, "second"))[0] == 0


async def test_a_lease_that_nobody_renews_lapses(leased: Leased) -> None:
    place = [Place("k", 1, SHORT_US)]
    await leased.store.acquire(place, "died")
    wait = (await leased.store.acquire(place, "waits"))[0]
    assert 0 < wait <= SHORT_US
    await leased.passes(wait + 2_000)
    assert (await leased.store.acquire(place, "waits"))[0] == 0
    assert await leased.store.renew(place, "died") is False


async def test_a_renewed_lease_goes_on(leased: Leased) -> None:
    place = [Place("k", 1, LONG_US)]
    await leased.store.acquire(place, "holder")
    assert await leased.store.renew(place, "holder") is True
    assert await leased.store.renew(place, "a stranger") is False
    assert await leased.store.held(place) == [1]


async def test_nothing_stays_behind_for_ever(valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store = RedisLeaseStore(connection, timeout_seconds=5.0)
        await store.acquire([Place("a", 2, LONG_US), Place("b", 2, SHORT_US)], "holder")
        with valkey.client() as server:
            assert all(server.pttl(key) > 0 for key in server.scan_iter())
