"""What one replica hears of a server reaches the clients that listen to another one, over a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.unit.federation.subscriptions.world import World, next_of, nothing_waits
from tests.valkey_process import ValkeyProcess

from mcp_gateway.adapters.change_bus_redis import RedisChangeBus
from mcp_gateway.federation.model import Change
from mcp_gateway.kit.redis.connection import RedisConnection

pytestmark = pytest.mark.anyio
TOOLS = "notifications/tools/list_changed"


@asynccontextmanager
async def replica(valkey: ValkeyProcess) -> AsyncIterator[World]:
    """Its links are its own: what one of them hears, no other does."""
    async with await RedisConnection.open(valkey.url, timeout_seconds=20.0) as connection:
        bus = await RedisChangeBus.open(connection, key=b"k" * 32)
        world = World(bus)
        yield world
        await world.close()
        bus.close()


@pytest.fixture
async def lasting_valkey() -> AsyncIterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


async def test_a_change_one_replica_hears_of_reaches_a_listener_at_another(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as hearing, replica(valkey) as other:
        near, far = await hearing.listen(toolsListChanged=True), await other.listen("bob", toolsListChanged=True)
        await next_of(near), await next_of(far)
        hearing.links["shop"].says("tools")
        assert (await next_of(near))["method"] == TOOLS
        assert (await next_of(far))["method"] == TOOLS
        assert await nothing_waits(near)
        assert await nothing_waits(far)


async def test_a_resource_that_changed_is_told_at_every_replica_to_who_asked_for_it(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as hearing, replica(valkey) as other:
        near = await hearing.listen(resourceSubscriptions=["files+a"])
        far = await other.listen("bob", resourceSubscriptions=["files+a"])
        elsewhere = await other.listen("cyd", resourceSubscriptions=["files+b"])
        for reply in (near, far, elsewhere):
            await next_of(reply)
        hearing.links["files"].says("resource", "a")
        assert (await next_of(far))["params"]["uri"] == "files+a"  # type: ignore[call-overload,index]
        assert await nothing_waits(elsewhere)


async def test_what_a_server_tells_one_caller_reaches_that_one_alone_at_every_replica(valkey: ValkeyProcess) -> None:
    async with replica(valkey) as hearing, replica(valkey) as other:
        hearing.personal.add("files")
        other.personal.add("files")
        here = await hearing.listen("ann", toolsListChanged=True)
        ann, bob = await other.listen("ann", toolsListChanged=True), await other.listen("bob", toolsListChanged=True)
        for reply in (here, ann, bob):
            await next_of(reply)
        watch = next(one for one in hearing.links["files"].watches if one.client.caller.subject == "ann")
        watch.on_change(Change(server="files", kind="tools"))
        assert (await next_of(ann))["method"] == TOOLS
        assert await nothing_waits(bob)


async def test_when_the_store_dies_everybody_is_told_that_something_may_be_lost_and_goes_on(
    lasting_valkey: ValkeyProcess,
) -> None:
    async with replica(lasting_valkey) as hearing, replica(lasting_valkey) as other:
        near, far = await hearing.listen(toolsListChanged=True), await other.listen("bob", toolsListChanged=True)
        await next_of(near), await next_of(far)
        lasting_valkey.kill()
        assert (await next_of(near))["method"] == TOOLS
        assert (await next_of(far))["method"] == TOOLS
        # What a replica hears by itself is told without any store.
        hearing.links["shop"].says("tools")
        assert (await next_of(near))["method"] == TOOLS
        lasting_valkey.start()
        assert (await next_of(far, seconds=10.0))["method"] == TOOLS
        async with asyncio.timeout(10.0):
            heard = asyncio.ensure_future(next_of(far, seconds=10.0))
            while not heard.done():
                hearing.links["shop"].says("tools")
                await asyncio.sleep(0.01)
        assert heard.result()["method"] == TOOLS
