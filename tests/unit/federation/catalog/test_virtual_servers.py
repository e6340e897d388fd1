"""Virtual servers: a named selection of tools."""

import pytest
from tests.unit.federation.catalog.world import ANN, BEN, EVE, World, request, server, tool

from mcp_gateway.core.errors import Json
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.virtual import HiddenArgument
from mcp_gateway.federation.errors import UnknownName, UpstreamUnreachable
from mcp_gateway.registry.model import Selected, VirtualServer

pytestmark = pytest.mark.anyio

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"q": {"type": "string"}, "tenant": {"type": "string"}, "debug": {"type": "boolean"}},
    "required": ["q", "tenant"],
    "$defs": {"kept": {}},
}
DESK = VirtualServer(
    name="desk",
    title="The desk",
    instructions="Be kind.",
    tools=(
        Selected(server="two", tool="b"),
        Selected(
            server="one", tool="find", name="look", description="Looks.", hidden=frozenset({"debug"}), preset={"tenant": "acme"}
        ),
    ),
    resources=("two",),
)


def world_with_desk(desk: VirtualServer = DESK) -> World:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("find", inputSchema=SCHEMA, description="Finds."), tool("other")]
    two = world.add(server("two"))
    two.lists = {"tools/list": [tool("b"), tool("c")], "resources/list": [{"uri": "db://x", "name": "x"}], "prompts/list": []}
    world.select(desk)
    return world


async def test_it_lists_what_it_selects_in_its_own_order_and_words() -> None:
    listed = await world_with_desk().listed("desk")

    assert listed["tools"] == [
        tool("b"),
        tool(
            "look",
            inputSchema={"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"], "$defs": {"kept": {}}},
            description="Looks.",
        ),
    ]


async def test_of_two_prompts_of_one_name_the_older_servers_is_listed() -> None:
    world = world_with_desk(VirtualServer(name="desk", tools=(), prompts=("one", "two")))
    world.upstreams["one"].lists["prompts/list"] = [{"name": "greet", "title": "One's"}]
    world.upstreams["two"].lists["prompts/list"] = [{"name": "greet", "title": "Two's"}, {"name": "part"}]

    listed = await world.listed("desk", method="prompts/list")

    assert listed["prompts"] == [{"name": "greet", "title": "One's"}, {"name": "part"}]


async def test_a_call_reaches_the_tool_with_its_preset_arguments() -> None:
    world = world_with_desk()
    await world.names("desk")

    found = world.catalog.route(world.view("desk"), request("tools/call", {"name": "look", "arguments": {"q": "x"}}))

    assert found is not None
    assert (found.server.name, found.name) == ("one", "find")
    assert found.rewrite is not None
    assert found.rewrite({"name": "look", "arguments": {"q": "x"}, "_meta": {"a": 1}}) == {
        "name": "find",
        "arguments": {"q": "x", "tenant": "acme"},
        "_meta": {"a": 1},
    }


@pytest.mark.parametrize("argument", ["tenant", "debug"])
async def test_an_argument_that_is_not_shown_may_not_be_given(argument: str) -> None:
    world = world_with_desk()
    params: JsonObject = {"name": "look", "arguments": {"q": "x", argument: "mine"}}
    found = world.catalog.route(world.view("desk"), request("tools/call", params))
    assert found is not None
    assert found.rewrite is not None

    with pytest.raises(HiddenArgument):
        found.rewrite(params)


@pytest.mark.parametrize("name", ["other", "find", "c", "one_find"])
async def test_a_tool_that_is_not_selected_cannot_be_called(name: str) -> None:
    world = world_with_desk()
    await world.names()
    await world.names("desk")

    assert await world.catalog.locate(world.view("desk"), request("tools/call", {"name": name})) is None


async def test_the_policy_holds_for_what_is_selected() -> None:
    world = world_with_desk()
    world.rule = lambda caller, _action, target: caller == ANN or target.tool != "find"

    assert await world.names("desk", caller=ANN) == ["b", "look"]
    assert await world.names("desk", caller=BEN) == ["b"]


async def test_it_is_not_there_for_other_tenants() -> None:
    world = world_with_desk(VirtualServer(name="desk", tenant="acme", tools=DESK.tools))

    for ask in (world.catalog.list, world.catalog.discover):
        with pytest.raises(UnknownName):
            await ask(world.view("desk"), request("tools/list", caller=EVE))
    assert world.catalog.route(world.view("desk"), request("tools/call", {"name": "look"}, caller=EVE)) is None


async def test_it_gives_the_resources_of_the_servers_it_names_and_no_others() -> None:
    world = world_with_desk()

    assert await world.names("desk", method="resources/list") == ["db://x"]
    assert await world.names("desk", method="prompts/list") == []
    assert world.upstreams["one"].asked["resources/list"] == 0


async def test_two_selections_of_one_name_are_both_there() -> None:
    desk = VirtualServer(name="desk", tools=(Selected(server="one", tool="find"), Selected(server="two", tool="b", name="find")))

    assert await world_with_desk(desk).names("desk") == ["find", "two_find"]


async def test_a_dead_server_takes_only_its_own_tools_away() -> None:
    world = world_with_desk()
    world.upstreams["one"].error = UpstreamUnreachable(server="one")

    assert await world.names("desk") == ["b"]
