"""What happens to the snapshot when the store is away, or whoever changes something goes."""

import asyncio

import pytest
from tests.unit.registry.conftest import replica

from mcp_gateway.adapters.memory_servers import MemoryServers
from mcp_gateway.core.errors import Unavailable
from mcp_gateway.core.identity import Caller
from mcp_gateway.registry.orders import ServerChange, ServerOrder
from mcp_gateway.registry.ports import StoreChange, StoredRegistry

pytestmark = pytest.mark.anyio

ADMIN = Caller(tenant="acme", subject="ada", roles=frozenset({"admin"}))
ORDER = ServerOrder(name="github", url="https://a.example/mcp")


class Fragile(MemoryServers):
    """A store that can be away, and can be slow to say that it wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.wrote = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.read_whole = 0

    async def read_revision(self) -> int:
        if self.away:
            raise Unavailable("The store is away.")
        return await super().read_revision()

    async def read_all(self) -> StoredRegistry:
        self.read_whole += 1
        return await super().read_all()

    async def write(self, change: StoreChange, *, expected_revision: int) -> bool:
        written = await super().write(change, expected_revision=expected_revision)
        self.wrote.set()
        if self.hold is not None:
            await self.hold.wait()
        return written


async def test_while_the_store_is_away_everything_stays_as_it_was_and_nothing_is_changed() -> None:
    store = Fragile()
    async with replica(store) as registry:
        await registry.add(ADMIN, ORDER)
        store.away = True
        heard: list[str] = []
        registry.follow(lambda: heard.append("changed"))
        with pytest.raises(Unavailable):
            await registry.reload()
        with pytest.raises(Unavailable):
            await registry.disable(ADMIN, "github")
        with pytest.raises(Unavailable):
            await registry.add(ADMIN, ServerOrder(name="other", url="https://b.example/"))
        assert (set(registry.servers), registry.servers["github"].enabled, heard) == ({"github"}, True, [])
        store.away = False
        await registry.disable(ADMIN, "github")
        assert heard == ["changed"]


async def test_a_change_whose_maker_went_after_it_was_written_is_seen_by_everybody() -> None:
    store = Fragile()
    async with replica(store) as registry:
        store.hold = asyncio.Event()
        adding = asyncio.create_task(registry.add(ADMIN, ORDER))
        await store.wrote.wait()
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        store.hold = None
        assert not registry.servers
        assert await registry.reload()
        assert (await registry.update(ADMIN, "github", ServerChange(title="T"), look=False)).server.version == 2


async def test_nothing_is_read_whole_while_nothing_changes_and_nobody_else_changes_it() -> None:
    store = Fragile()
    async with replica(store) as registry:
        before = store.read_whole
        await registry.add(ADMIN, ORDER)
        await registry.disable(ADMIN, "github")
        for _ in range(5):
            assert not await registry.reload()
        assert store.read_whole == before
