"""What every store of sessions must do, over memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.access.sessions.errors import SessionsAway
from mcp_gateway.access.sessions.memory import MemorySessionStore
from mcp_gateway.access.sessions.ports import SessionStore
from mcp_gateway.adapters.redis_sessions import RedisSessionStore
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.errors import StoreUnavailable
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio

Passes = Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "valkey"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SessionStore, Passes]]:
    if request.param == "memory":
        clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))

        async def moves(seconds: float) -> None:
            clock.advance(seconds)

        yield MemorySessionStore(clock), moves
        return
    valkey: ValkeyProcess = request.getfixturevalue("valkey")
    async with await RedisConnection.open(valkey.url, timeout_seconds=5.0) as connection:
        store = await RedisSessionStore.open(connection, timeout_seconds=5.0)
        yield store, asyncio.sleep
        store.close()


async def test_what_was_put_is_there_until_its_time_is_over(kept: tuple[SessionStore, Passes]) -> None:
    store, passes = kept
    await store.put("mreg:session:a", 'any "text" ä\n', ttl_seconds=1.0)

    assert await store.get("mreg:session:a") == 'any "text" ä\n'
    await passes(1.05)
    assert await store.get("mreg:session:a") is None
    assert not await store.extend("mreg:session:a", 5)
    assert not await store.remove("mreg:session:a")


async def test_what_is_in_use_can_be_kept_longer(kept: tuple[SessionStore, Passes]) -> None:
    store, passes = kept
    await store.put("mreg:session:a", "1", ttl_seconds=1.0)

    assert await store.extend("mreg:session:a", 60)
    await passes(1.05)
    assert await store.get("mreg:session:a") == "1"


async def test_a_second_put_takes_the_place_of_the_first(kept: tuple[SessionStore, Passes]) -> None:
    store, _ = kept
    await store.put("mreg:session:a", "1", ttl_seconds=60)
    await store.put("mreg:session:a", "2", ttl_seconds=60)
    assert await store.get("mreg:session:a") == "2"


async def test_of_many_who_take_at_once_one_gets_it(kept: tuple[SessionStore, Passes]) -> None:
    store, _ = kept
    await store.put("mreg:session:link:x", "once", ttl_seconds=60)

    taken = await asyncio.gather(*(store.take("mreg:session:link:x") for _ in range(20)))

    assert sorted(map(str, taken)) == ["None"] * 19 + ["once"]


async def test_what_is_removed_is_gone_and_said_to_listeners(kept: tuple[SessionStore, Passes]) -> None:
    store, _ = kept
    heard: list[str | None] = []
    store.on_end(heard.append)
    await store.put("mreg:session:a", "1", ttl_seconds=60)

    assert await store.remove("mreg:session:a")

    assert await store.get("mreg:session:a") is None
    assert heard == ["mreg:session:a"]


async def test_everything_of_an_owner_goes_at_once_and_nothing_of_others(kept: tuple[SessionStore, Passes]) -> None:
    store, passes = kept
    heard: list[str | None] = []
    store.on_end(heard.append)
    for name, owner in (("a", "mreg:session:of:1"), ("b", "mreg:session:of:1"), ("c", "mreg:session:of:2"), ("d", "")):
        await store.put(f"mreg:session:{name}", name, ttl_seconds=60, owner=owner)
    await store.put("mreg:session:short", "x", ttl_seconds=0.05, owner="mreg:session:of:1")
    await passes(0.1)

    assert await store.remove_all("mreg:session:of:1") == 2

    left = [await store.get(f"mreg:session:{name}") for name in "abcd"]
    assert left == [None, None, "c", "d"]
    assert {"mreg:session:a", "mreg:session:b"} <= set(heard) <= {"mreg:session:a", "mreg:session:b", "mreg:session:short"}
    assert await store.remove_all("mreg:session:of:1") == 0


@pytest.fixture
def own_valkey() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


async def test_a_store_that_hangs_keeps_nobody_from_starting_and_is_listened_to_when_it_wakes(own_valkey: ValkeyProcess) -> None:
    async with await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as connection:
        live = asyncio.Event()
        connection.on_state(lambda state: live.set() if state == "live" else None)
        with own_valkey.paused():
            store = await RedisSessionStore.open(connection, timeout_seconds=20.0)
        heard = asyncio.Queue[str | None]()
        store.on_end(heard.put_nowait)
        async with asyncio.timeout(60):
            await live.wait()
            await store.put("mreg:session:a", "1", ttl_seconds=60)
            await store.remove("mreg:session:a")
            while await heard.get() != "mreg:session:a":
                pass
        store.close()


async def test_a_store_that_is_late_and_there_again_keeps_nobody_from_starting(
    own_valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await RedisConnection.open(own_valkey.url, timeout_seconds=20.0) as connection:

        async def late(*_: object) -> None:
            raise StoreUnavailable("The store did not answer in time.")

        monkeypatch.setattr(connection, "subscribe", late)
        store = await RedisSessionStore.open(connection, timeout_seconds=20.0)
        assert connection.state == "live"
        store.close()


async def test_a_store_that_forbids_to_listen_is_away(own_valkey: ValkeyProcess) -> None:
    with own_valkey.client() as client:
        client.acl_setuser("deaf", enabled=True, nopass=True, keys=["*"], commands=["+@all"], channels=[], reset_channels=True)
    async with await RedisConnection.open(own_valkey.url.replace("://", "://deaf:any@"), timeout_seconds=20.0) as connection:
        with pytest.raises(SessionsAway):
            await RedisSessionStore.open(connection, timeout_seconds=20.0)
