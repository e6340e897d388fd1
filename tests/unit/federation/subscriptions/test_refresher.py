"""When lists of servers are read again, and what is told of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mcp_gateway.adapters.change_bus_memory import MemoryChangeBus
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.subscriptions import refresher as module
from mcp_gateway.federation.subscriptions.refresher import KINDS, ListKind, Refresher

pytestmark = pytest.mark.anyio


class World:
    def __init__(self) -> None:
        self.lists: dict[ListKind, bytes | None] = dict.fromkeys(KINDS, b"1")
        self.read: list[ListKind] = []
        self.told: list[Change] = []
        self.fault: GatewayError | None = None
        self.reread_all = asyncio.Event()
        bus = self.bus = MemoryChangeBus()
        self.refresher = Refresher(self, bus, spread=lambda: 0.5)
        self.refresher.serve(["shop"])
        bus.subscribe(self.told.append)

    async def reread(self, server: str, kind: ListKind) -> bytes | None:
        self.read.append(kind)
        self.reread_all.set()
        if self.fault is not None:
            raise self.fault
        return self.lists[kind]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.refresher.close()


async def test_a_list_that_changed_silently_is_told_to_everybody(world: World) -> None:
    await world.refresher.refresh("shop")
    world.lists["tools"], world.lists["templates"] = b"2", None
    await world.refresher.refresh("shop")
    assert world.told == [Change(server="shop", kind="tools"), Change(server="shop", kind="resources")]
    await world.refresher.refresh("shop")
    assert len(world.told) == 2


async def test_the_first_look_is_no_change(world: World) -> None:
    await world.refresher.refresh("shop")
    assert world.told == []
    assert world.read == list(KINDS)


async def test_an_announced_change_is_read_soon_and_once_and_not_told_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.001)
    await world.refresher.refresh("shop")
    world.read.clear()
    world.reread_all.clear()
    world.refresher.rounds.start()
    world.lists["tools"] = b"2"
    for _ in range(100):
        world.bus.tell(Change(server="shop", kind="tools"))
    world.told.clear()
    async with asyncio.timeout(20):
        await world.reread_all.wait()
    assert world.read == ["tools"]
    await world.refresher.refresh("shop")
    assert world.told == []


async def test_a_server_that_is_away_is_asked_no_further(world: World) -> None:
    world.fault = UpstreamUnreachable(server="shop")
    await world.refresher.refresh("shop")
    assert world.read == ["tools"]
    assert world.told == []
