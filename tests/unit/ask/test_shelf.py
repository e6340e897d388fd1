"""Copies that replicas share: for as long as the server vouched, and none after a change."""

import asyncio
from datetime import UTC, datetime

import pytest

from mcp_gateway.ask.configuration import MCPServerConfig
from mcp_gateway.ask.ports import Resource, ResourceContent, ResourceListing
from mcp_gateway.ask.shelf import Said, SaidCodec, Shelves, identity_of, keep_for, keep_while_vouched_for
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.kit.cache.memory import MemorySharedLevel

pytestmark = pytest.mark.anyio

VOUCHED = keep_while_vouched_for()


class Server:
    """Says a new version at each reading."""

    def __init__(self, *, ttl_seconds: float) -> None:
        self.readings = 0
        self._ttl_seconds = ttl_seconds

    async def read(self) -> Said:
        self.readings += 1
        return ResourceContent(uri="tables://schema", text=f"version {self.readings}", ttl_seconds=self._ttl_seconds)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, tzinfo=UTC))


async def test_replicas_share_a_copy_while_the_server_vouches_for_it(clock: FixedClock) -> None:
    level, server = MemorySharedLevel(clock=clock), Server(ttl_seconds=5)
    one, other = (Shelves(level, clock=clock).shelf("tables") for _ in range(2))
    first, reused = await one.read("schema", server.read, VOUCHED)
    assert not reused
    assert await other.read("schema", server.read, VOUCHED) == (first, True)
    clock.advance(5.1)
    again, reused = await other.read("schema", server.read, VOUCHED)
    assert (again.text if isinstance(again, ResourceContent) else "", reused) == ("version 2", False)


async def test_what_a_server_does_not_vouch_for_is_not_kept(clock: FixedClock) -> None:
    server = Server(ttl_seconds=0)
    shelf = Shelves(MemorySharedLevel(clock=clock), clock=clock).shelf("tables")
    assert [(await shelf.read("schema", server.read, VOUCHED))[1] for _ in range(2)] == [False, False]
    assert [(await shelf.read("schema", server.read, keep_for(60)))[1] for _ in range(2)] == [False, True]
    assert [(await shelf.read("keys", server.read, keep_for(0)))[1] for _ in range(2)] == [False, False]


async def test_a_drop_on_one_replica_is_felt_on_all_and_by_that_server_alone(clock: FixedClock) -> None:
    level, server = MemorySharedLevel(clock=clock), Server(ttl_seconds=60)
    first, second = Shelves(level, clock=clock), Shelves(level, clock=clock)
    one, other, bystander = first.shelf("tables"), second.shelf("tables"), second.shelf("glossary")
    for shelf in (one, other, bystander):
        await shelf.read("schema", server.read, VOUCHED)
    one.drop()
    assert not (await one.read("schema", server.read, VOUCHED))[1]
    assert (await bystander.read("schema", server.read, VOUCHED))[1]
    said, _ = await other.read("schema", server.read, VOUCHED)
    assert said == ResourceContent(uri="tables://schema", text="version 3", ttl_seconds=60)


async def test_questions_at_once_read_once(clock: FixedClock) -> None:
    server = Server(ttl_seconds=0)
    shelf = Shelves(MemorySharedLevel(clock=clock), clock=clock).shelf("tables")
    await asyncio.gather(*(shelf.read("schema", server.read, VOUCHED) for _ in range(8)))
    assert server.readings == 1


@pytest.mark.parametrize(
    "said",
    [
        ResourceContent(uri="tables://schema\n{}", text='{"a":\n"ä"}', ttl_seconds=1.5),
        ResourceListing(resources=(Resource(uri="a", name="A", mime_type=None),), ttl_seconds=0.25),
    ],
)
def test_what_was_said_comes_back_as_it_was(said: Said) -> None:
    assert SaidCodec().decode(SaidCodec().encode(said)) == said


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"ttl": 1, "uri": 3', b'{"ttl": "x", "resources": [1]}'])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        SaidCodec().decode(data)


def test_another_way_to_a_server_is_another_identity() -> None:
    plain = MCPServerConfig(key="tables", name="Tables", priority=1, url="http://a/mcp")
    keyed = MCPServerConfig(key="tables", name="Tables", priority=1, url="http://a/mcp", headers={"authorization": "secret"})
    assert identity_of(plain) != identity_of(keyed)
    assert "secret" not in identity_of(keyed)
