"""Finding tools in a list too long to be read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.federation.catalog.world import ANN, BEN, World, request, server, tool

from mcp_gateway.core.errors import InvalidInput
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.federation.catalog.own_tools import MANY_TOOLS
from mcp_gateway.federation.catalog.search.index import ToolIndex

CORPUS = Path(__file__).parent / "search_corpus.json"


def long_world() -> World:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool(f"tool{number}") for number in range(MANY_TOOLS)]
    more = [tool("create_issue", description="Opens an issue."), tool("close_issue", description="Closes one.", icons=[])]
    world.add(server("two")).lists["tools/list"] = more
    return world


async def search(world: World, query: str, *, caller: Caller = ANN, search: bool = False, **more: object) -> JsonObject:
    view = world.catalog.view("", search=search)
    assert view is not None
    arguments: JsonObject = parse_object(render({"query": query, **more}))  # type: ignore[dict-item]  # rendered
    asked = request("tools/call", {"name": "search_tools", "arguments": arguments}, caller=caller)
    route = world.catalog.route(view, asked)
    assert route is not None
    assert route.answer is not None
    reply = await route.answer(asked)
    assert reply.body is not None
    return object_at(parse_object(reply.body), "result")


def found(result: JsonObject) -> list[str]:
    tools = object_at(result, "structuredContent")["tools"]
    assert isinstance(tools, list)
    return [str(one["name"]) for one in tools if isinstance(one, dict)]


@pytest.mark.anyio
async def test_a_short_list_is_only_a_list() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool(f"t{number}") for number in range(MANY_TOOLS)]

    assert "search_tools" not in await world.names()


@pytest.mark.anyio
async def test_a_list_too_long_for_some_clients_begins_with_a_way_to_reach_all_of_it() -> None:
    names = await long_world().names()

    assert names[:3] == ["search_tools", "call_tool", "tool0"]
    assert len(names) == MANY_TOOLS + 4


@pytest.mark.anyio
async def test_a_client_that_asks_for_a_search_gets_two_tools_and_is_told_what_that_spares() -> None:
    world = long_world()
    view = world.catalog.view("", search=True)
    assert view is not None

    reply = await world.catalog.list(view, request("tools/list"))

    assert reply.body is not None
    result = object_at(parse_object(reply.body), "result")
    tools, meta = result["tools"], object_at(result, "_meta")
    assert isinstance(tools, list)
    assert [one["name"] for one in tools if isinstance(one, dict)] == ["search_tools", "call_tool"]
    spent, spared = meta["dev.mcp-gateway/tokens"], meta["dev.mcp-gateway/tokens-of-all"]
    assert isinstance(spent, int)
    assert isinstance(spared, int)
    assert spent * 3 < spared


@pytest.mark.anyio
async def test_what_is_found_is_told_with_its_schema_best_first() -> None:
    result = await search(long_world(), "opening an issue")

    assert found(result) == ["create_issue", "close_issue"]
    tools = object_at(result, "structuredContent")["tools"]
    assert isinstance(tools, list)
    assert tools[1] == tool("close_issue", description="Closes one.")
    content = result["content"]
    assert isinstance(content, list)
    assert parse_object(str(object_at(content[0])["text"]).encode()) == result["structuredContent"]


@pytest.mark.anyio
async def test_nobody_finds_what_they_may_not_see() -> None:
    world = long_world()
    world.rule = lambda caller, _action, target: caller == ANN or target.tool != "create_issue"

    assert found(await search(world, "create issue", caller=ANN)) == ["create_issue", "close_issue"]
    assert found(await search(world, "create issue", caller=BEN)) == ["close_issue"]


@pytest.mark.anyio
async def test_what_was_found_can_be_called_through_the_other_tool() -> None:
    world = long_world()
    await world.names()
    params: JsonObject = {"name": "call_tool", "arguments": {"name": "create_issue", "arguments": {"title": "x"}}, "_meta": {}}

    route = world.catalog.route(world.view(), request("tools/call", params))

    assert route is not None
    assert (route.server.name, route.name) == ("two", "create_issue")
    assert route.rewrite is not None
    assert route.rewrite(params) == {"name": "create_issue", "arguments": {"title": "x"}, "_meta": {}}


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [{}, {"name": "call_tool"}, {"name": 1}, {"name": "tool1", "arguments": []}])
async def test_a_call_inside_a_call_has_to_be_one(arguments: JsonObject) -> None:
    world = long_world()
    with pytest.raises(InvalidInput):
        world.catalog.route(world.view(), request("tools/call", {"name": "call_tool", "arguments": arguments}))


@pytest.mark.anyio
@pytest.mark.parametrize("more", [{"limit": 0}, {"limit": 51}, {"limit": "3"}, {"query": " "}, {"query": "x" * 1_001}])
async def test_a_search_without_sense_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        await search(long_world(), **{"query": "x", **more})  # type: ignore[arg-type]  # that is the point


@pytest.mark.anyio
async def test_whoever_has_a_list_may_search_it() -> None:
    world = long_world()
    world.rule = lambda _caller, _action, target: target.server == "two"

    assert found(await search(world, "issue")) == ["create_issue", "close_issue"]
    assert found(await search(world, "tool0")) == []


def test_four_of_five_questions_find_their_tool_among_the_first_five() -> None:
    """The corpus is ours: tools as servers word them, questions as people do."""
    corpus = json.loads(CORPUS.read_text(encoding="utf-8"))
    bodies = [render(one) for one in corpus["tools"]]
    index = ToolIndex()
    for body in bodies:
        index.add(body)
    among = index.collect(bodies)
    missed = []
    for query, wanted in corpus["questions"].items():
        hits = [corpus["tools"][hit.place]["name"] for hit in index.search(query, among, 5)]
        if wanted not in hits:
            missed.append((query, wanted, hits))

    assert len(missed) <= len(corpus["questions"]) // 5, missed


@given(st.lists(st.text(max_size=20), max_size=8, unique=True), st.text(max_size=40), st.integers(1, 5))
def test_a_ranking_depends_on_nothing_but_tools_and_words(names: list[str], query: str, limit: int) -> None:
    bodies = [render({"name": name, "description": f"{name} and more"}) for name in names]
    one, other = ToolIndex(), ToolIndex()
    for body in bodies:
        one.add(body)
    for body in (render({"name": "another", "description": query}), *reversed(bodies)):
        other.add(body)

    hits = one.search(query, one.collect(bodies), limit)

    assert hits == other.search(query, other.collect(bodies), limit)
    assert len(hits) <= limit
