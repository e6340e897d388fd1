"""What the catalog keeps has an end."""

from dataclasses import replace

import pytest
from tests.unit.federation.catalog.world import World, server, tool

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.entrypoints.mcp.federated.openapi import describe_tools
from mcp_gateway.federation.catalog import kept, lists, reading
from mcp_gateway.registry.model import ServerLimits

pytestmark = pytest.mark.anyio


def person(number: int) -> Caller:
    return Caller(tenant="acme", subject=f"person-{number}")


async def test_lists_used_longest_ago_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_LISTS", 3)
    world = World()
    upstream = world.add(server("one"))
    upstream.scope = "private"
    upstream.lists["tools/list"] = [tool("a")]
    for number in range(5):
        await world.names(caller=person(number))

    await world.names(caller=person(4))
    assert upstream.asked["tools/list"] == 5
    await world.names(caller=person(0))
    assert upstream.asked["tools/list"] == 6


async def test_lists_of_single_callers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_PRIVATE_BYTES", 10_000)
    world = World()
    upstream = world.add(server("one"))
    upstream.scope = "private"
    upstream.lists["tools/list"] = [tool("a", description="x" * 3_000)]

    for number in range(20):
        assert await world.names(caller=person(number)) == ["a"]

    assert len(world.catalog._lists._snapshots) == 3


async def test_a_list_that_is_asked_for_each_time_is_not_kept_at_all() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.scope, upstream.ttl_ms = "private", 0
    upstream.lists["tools/list"] = [tool("a")]

    for number in range(20):
        await world.names(caller=person(number))

    assert not world.catalog._lists._snapshots
    assert not len(world.catalog._shelf._kept)


async def test_a_server_may_not_list_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGES", 3)
    world = World()
    upstream = world.add(server("one"))
    upstream.page_size = 1
    upstream.lists["tools/list"] = [tool(f"t{number}") for number in range(100)]

    assert await world.names() == ["t0", "t1", "t2"]


@pytest.mark.parametrize("long", [tool("a", description="x" * 2_000), tool("a", lines=[0] * 400_001)], ids=["bytes", "members"])
async def test_a_list_that_is_too_long_makes_its_server_missing(long: JsonObject) -> None:
    world = World()
    most = 1_000 if "description" in long else 4_000_000
    world.add(replace(server("one"), limits=ServerLimits(max_list_bytes=most))).lists["tools/list"] = [long]
    world.add(server("two")).lists["tools/list"] = [tool("b")]

    listed = await world.listed()

    assert listed["tools"] == [tool("b")]
    meta = listed["_meta"]
    assert isinstance(meta, dict)
    assert str(meta["dev.mcp-gateway/missing"]).count("UPSTREAM_ANSWER_TOO_LARGE") == 1


async def test_items_without_a_name_or_beyond_any_sense_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ITEM_BYTES", 500)
    world = World()
    world.add(server("one")).lists["tools/list"] = [
        {"inputSchema": {}},
        {"name": 7},
        {"name": ""},
        tool("a"),
        tool("a", description="twice"),
        tool("big", description="x" * 600),
    ]

    assert (await world.listed())["tools"] == [tool("a")]


async def test_tenants_without_servers_of_their_own_share_one_table_of_names() -> None:
    world = World()
    world.add(server("theirs", tenant="tenant-7")).lists["tools/list"] = [tool("b")]
    world.add(server("shared")).lists["tools/list"] = [tool("a")]

    for number in range(20):
        listed = await world.names(caller=Caller(tenant=f"tenant-{number}", subject="x"))
        assert listed == (["a", "b"] if number == 7 else ["a"])

    assert {tenant for tenant, _ in world.catalog._naming._made} == {"", "tenant-7"}


async def test_an_item_nested_beyond_any_sense_is_left_out_and_hides_no_other() -> None:
    schema: JsonObject = {}
    for _ in range(200):
        schema = {"items": schema}
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("deep", outputSchema=schema), tool("a")]

    assert await world.names() == ["a"]


async def test_a_name_of_broken_characters_breaks_nothing_else() -> None:
    world = World()
    for number, name in enumerate(("one", "two")):
        world.add(server(name, created_at=float(number))).lists["tools/list"] = [tool("\ud800" * 70), tool(f"a{number}")]

    names = await world.names()

    assert {"a0", "a1"} <= set(names)
    assert len(set(names)) == 4
    document = describe_tools([{"name": "\ud800", "inputSchema": {}}], base="/mcp", version="1")
    assert len(object_at(document, "paths")) == 1
