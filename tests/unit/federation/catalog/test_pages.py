"""Pages of a long list."""

import pytest
from tests.unit.federation.catalog.world import World, server, tool

from mcp_gateway.federation.catalog.cursors import UnknownCursor
from mcp_gateway.federation.catalog.snapshot import PAGE_ITEMS

pytestmark = pytest.mark.anyio


async def test_a_list_of_usual_length_is_one_page() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool(f"t{number}") for number in range(PAGE_ITEMS - 2)]

    assert "nextCursor" not in await world.listed()


async def test_cursors_lead_through_all_of_a_long_list_once() -> None:
    world = World()
    for name in ("one", "two"):
        world.add(server(name)).lists["tools/list"] = [tool(f"{name}{number}") for number in range(1_300)]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        listed = await world.listed(cursor=cursor)
        tools = listed["tools"]
        assert isinstance(tools, list)
        seen += [str(one["name"]) for one in tools if isinstance(one, dict)]
        following = listed.get("nextCursor")
        if following is None:
            break
        cursor = str(following)

    assert seen[:2] == ["search_tools", "call_tool"]
    assert seen[2:] == [f"one{number}" for number in range(1_300)] + [f"two{number}" for number in range(1_300)]


async def test_a_list_that_changes_meanwhile_repeats_nothing() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.ttl_ms = 0
    upstream.lists["tools/list"] = [tool(f"t{number}") for number in range(1_500)]
    cursor = str((await world.listed())["nextCursor"])
    upstream.lists["tools/list"] = [tool("new"), *upstream.lists["tools/list"]]

    tools = (await world.listed(cursor=cursor))["tools"]

    assert isinstance(tools, list)
    assert [one["name"] for one in tools if isinstance(one, dict)] == [f"t{number}" for number in range(998, 1_500)]


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WzAsIiIsIiJd", "é", "a" * 10_000, "bnVsbA"])
async def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]

    with pytest.raises(UnknownCursor):
        await world.listed(cursor=cursor)


async def test_ten_thousand_tools_of_a_hundred_servers_are_a_look_up_once_made() -> None:
    world = World()
    for number in range(100):
        tools = [tool(f"tool_{place}_of_{number}", description="Does a thing. " * 20) for place in range(100)]
        world.add(server(f"server-{number:04}")).lists["tools/list"] = tools
    first = await world.listed()

    again = await world.listed()

    assert first["tools"] == again["tools"]
    assert world.decided == 10_000
    assert sum(upstream.asked.total() for upstream in world.upstreams.values()) == 100
