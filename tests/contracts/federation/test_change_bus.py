"""Every bus of changes carries what one replica tells to all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.change_bus_memory import MemoryChangeBus
from mcp_gateway.adapters.change_bus_redis import CHANNEL, MAX_MESSAGE_BYTES, RedisChangeBus
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.ports import ChangeBus
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio
KEY = b"k" * 32
PATIENCE_SECONDS = 60.0


class Heard:
    """The changes one listener was told, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._more = asyncio.Event()

    def __call__(self, change: Change) -> None:
        self.changes.append(change)
        self._more.set()

    async def until(self, enough: Callable[[list[Change]], bool]) -> list[Change]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not enough(self.changes):
                self._more.clear()
                await self._more.wait()
        return self.changes


@asynccontextmanager
async def redis_bus(valkey: ValkeyProcess, key: bytes = KEY) -> AsyncIterator[RedisChangeBus]:
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        bus = await RedisChangeBus.open(connection, key=key)
        yield bus
        bus.close()


@pytest.fixture(params=["memory", "redis"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[tuple[ChangeBus, ChangeBus]]:
    """Two that share a store, or one that is both."""
    if request.param == "memory":
        bus = MemoryChangeBus()
        yield bus, bus
        return
    valkey = request.getfixturevalue("valkey")
    async with redis_bus(valkey) as one, redis_bus(valkey) as other:
        yield one, other


@pytest.fixture
async def lasting_valkey() -> AsyncIterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


CHANGE = Change(server="shop", kind="resource", uri="a://b?c", message={"params": {"x": [1, "ü"]}}, identity="ann")


async def test_a_change_reaches_every_replica_once_and_whole(replicas: tuple[ChangeBus, ChangeBus]) -> None:
    here, there = replicas
    near, far = Heard(), Heard()
    here.subscribe(near)
    there.subscribe(far)
    await here.publish(CHANGE)
    await here.publish(Change(server="shop", kind="tools"))
    for heard in (near, far):
        changes = await heard.until(lambda changes: len(changes) >= 2)
        assert changes == [CHANGE, Change(server="shop", kind="tools")]


async def test_this_replica_has_heard_a_change_when_telling_returns(replicas: tuple[ChangeBus, ChangeBus]) -> None:
    here, _ = replicas
    near = Heard()
    here.subscribe(near)
    here.tell(CHANGE)
    assert near.changes == [CHANGE]


async def test_a_listener_of_some_servers_hears_of_them_and_of_what_is_lost_everywhere(
    replicas: tuple[ChangeBus, ChangeBus],
) -> None:
    here, there = replicas
    heard = Heard()
    there.subscribe(heard, ["shop"])
    for server, kind in (("files", "tools"), ("shop", "tools"), ("", "lost")):
        await here.publish(Change(server=server, kind=kind))  # type: ignore[arg-type]  # one of the kinds
    changes = await heard.until(lambda changes: len(changes) >= 2)
    assert [(one.server, one.kind) for one in changes] == [("shop", "tools"), ("", "lost")]


async def test_whoever_stopped_listening_hears_nothing(replicas: tuple[ChangeBus, ChangeBus]) -> None:
    here, there = replicas
    gone, stayed = Heard(), Heard()
    end = there.subscribe(gone)
    there.subscribe(stayed)
    end()
    end()
    await here.publish(CHANGE)
    await stayed.until(bool)
    assert gone.changes == []


async def test_a_listener_that_fails_keeps_nobody_from_hearing(replicas: tuple[ChangeBus, ChangeBus]) -> None:
    here, _ = replicas

    def failing(change: Change) -> None:
        raise RuntimeError(change.kind)

    heard = Heard()
    here.subscribe(failing)
    here.subscribe(heard)
    await here.publish(CHANGE)
    assert heard.changes == [CHANGE]


async def test_an_announcement_beyond_the_bound_is_lost_and_said_to_be(valkey: ValkeyProcess) -> None:
    async with redis_bus(valkey) as here, redis_bus(valkey) as there:
        heard = Heard()
        there.subscribe(heard)
        await here.publish(Change(server="shop", kind="other", message={"long": "x" * MAX_MESSAGE_BYTES}))
        assert await heard.until(bool) == [Change(server="shop", kind="lost")]


async def test_what_another_wrote_into_the_store_is_no_change(valkey: ValkeyProcess) -> None:
    async with redis_bus(valkey, key=b"x" * 32) as stranger, redis_bus(valkey) as here, redis_bus(valkey) as there:
        heard = Heard()
        there.subscribe(heard)
        await stranger.publish(Change(server="files", kind="tools"))
        with valkey.client() as client:
            client.publish(CHANNEL, b"\0" * 40)
            client.publish(CHANNEL, b"")
        await here.publish(CHANGE)
        assert await heard.until(bool) == [CHANGE]


async def test_a_store_that_was_away_is_told_as_lost_when_it_goes_and_when_it_is_back(lasting_valkey: ValkeyProcess) -> None:
    everything = Change(server="", kind="lost")
    async with redis_bus(lasting_valkey) as here, redis_bus(lasting_valkey) as there:
        heard = Heard()
        there.subscribe(heard)
        lasting_valkey.kill()
        assert await heard.until(bool) == [everything]
        lasting_valkey.start()
        await heard.until(lambda changes: changes.count(everything) >= 2)
        heard.changes.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while CHANGE not in heard.changes:  # as soon as the other one is back too
                await here.publish(CHANGE)
                await asyncio.sleep(0.01)


async def test_a_change_that_did_not_leave_is_told_as_lost_later(lasting_valkey: ValkeyProcess) -> None:
    async with redis_bus(lasting_valkey) as here, redis_bus(lasting_valkey) as there:
        near, far = Heard(), Heard()
        here.subscribe(near)
        there.subscribe(far)
        with lasting_valkey.paused():
            here._connection._went_silent()
            here.tell(CHANGE)
            assert near.changes == [CHANGE]
        here._connection._sounds_again()
        lost = Change(server="shop", kind="lost", identity="ann")
        assert lost in await far.until(lambda changes: lost in changes)


async def test_replicas_may_start_before_their_store(lasting_valkey: ValkeyProcess) -> None:
    lasting_valkey.kill()
    opened = await RedisConnection.open(lasting_valkey.url, timeout_seconds=20.0, tolerate_down=True)
    async with opened as connection:
        bus = await RedisChangeBus.open(connection, key=KEY)
        heard = Heard()
        bus.subscribe(heard)
        await bus.publish(CHANGE)
        lasting_valkey.start()
        await heard.until(lambda changes: changes == [CHANGE, Change(server="", kind="lost")])
        bus.close()
