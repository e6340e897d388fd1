"""Where requests go."""

import asyncio

import pytest
from tests.unit.federation.catalog.world import ANN, BEN, EVE, World, request, server, tool

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.uris import AmbiguousUri
from mcp_gateway.federation.errors import ListsMissing, UpstreamUnreachable
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.views import Route
from mcp_gateway.kit.errors import RateLimited

pytestmark = pytest.mark.anyio


def resource(uri: str) -> JsonObject:
    return {"uri": uri, "name": uri}


def template(text: str) -> JsonObject:
    return {"uriTemplate": text, "name": text}


def route(world: World, method: str, params: JsonObject, *, view: str = "", caller: Caller = ANN) -> Route | None:
    return world.catalog.route(world.view(view), request(method, params, caller=caller))


async def located(world: World, method: str, params: JsonObject, *, view: str = "", caller: Caller = ANN) -> str:
    found = await world.catalog.locate(world.view(view), request(method, params, caller=caller))
    return "" if found is None else found.server.name


async def test_a_known_tool_is_found_without_asking_anybody() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"], upstream.ttl_ms = [tool("a")], 0
    await world.names()
    world.clock.advance(3_600)

    found = route(world, "tools/call", {"name": "a"})

    assert found is not None
    assert (found.server.name, found.rewrite, found.restore) == ("one", None, None)
    assert upstream.asked["tools/list"] == 1


async def test_one_server_needs_no_list_at_all() -> None:
    world = World()
    upstream = world.add(server("one"))

    for method, params in (("tools/call", {"name": "a"}), ("prompts/get", {"name": "p"}), ("made/up", {})):
        found = route(world, method, dict(params), view="one")
        assert found is not None
        assert found.rewrite is None

    assert not upstream.asked


async def test_a_tool_nobody_listed_yet_is_looked_for() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]
    world.add(server("two")).lists["tools/list"] = [tool("b")]

    assert route(world, "tools/call", {"name": "b"}) is None
    assert await located(world, "tools/call", {"name": "b"}) == "two"
    assert await located(world, "tools/call", {"name": "c"}) == ""


async def test_looking_for_what_is_not_there_asks_no_server_that_vouches_for_its_list() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]

    for name in ("x", "y", "z"):
        assert await located(world, "tools/call", {"name": name}) == ""

    assert upstream.asked["tools/list"] == 1


async def test_a_tool_of_a_server_that_died_still_leads_there() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    upstream.error = UpstreamUnreachable(server="one")
    world.catalog.drop(Change(server="one", kind="lost"))
    assert await world.names() == []

    assert await located(world, "tools/call", {"name": "a"}) == "one"


async def test_another_tenants_tool_is_not_found() -> None:
    world = World()
    world.add(server("theirs", tenant="acme")).lists["tools/list"] = [tool("a")]
    await world.names(caller=ANN)

    assert await located(world, "tools/call", {"name": "a"}, caller=EVE) == ""
    assert route(world, "tools/call", {"name": "a"}, view="theirs", caller=EVE) is None


async def test_prompts_go_to_their_server_under_its_name() -> None:
    world = World()
    world.add(server("one", prefix="p_")).lists["prompts/list"] = [{"name": "greet"}]
    await world.names(method="prompts/list")

    found = route(world, "prompts/get", {"name": "p_greet"})
    completion = route(world, "completion/complete", {"ref": {"type": "ref/prompt", "name": "p_greet"}, "argument": {}})

    assert found is not None
    assert found.rewrite is not None
    assert found.rewrite({"name": "p_greet"}) == {"name": "greet"}
    assert completion is not None
    assert completion.name == "greet"
    assert completion.rewrite is not None
    rewritten = completion.rewrite({"ref": {"type": "ref/prompt", "name": "p_greet"}, "argument": {}})
    assert rewritten == {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {}}


async def test_a_resource_is_found_by_list_then_by_template_then_by_scheme() -> None:
    world = World()
    files = world.add(server("files"))
    files.lists = {"resources/list": [resource("file:///a")], "resources/templates/list": [template("file:///docs/{+path}")]}
    other = world.add(server("other"))
    other.lists = {"resources/list": [resource("db://x")], "resources/templates/list": [template("file:///docs/api/{name}")]}

    assert await located(world, "resources/read", {"uri": "file:///a"}) == "files"
    assert await located(world, "resources/read", {"uri": "file:///docs/b/c"}) == "files"
    assert await located(world, "resources/read", {"uri": "file:///docs/api/x"}) == "other"
    assert await located(world, "resources/read", {"uri": "db://unlisted"}) == "other"
    assert await located(world, "resources/read", {"uri": "what://ever"}) == ""
    ref: JsonObject = {"ref": {"type": "ref/resource", "uri": "file:///docs/api/{name}"}, "argument": {}}
    assert await located(world, "completion/complete", ref) == "other"


async def test_a_resource_two_servers_may_have_is_told_to_be_ambiguous() -> None:
    world = World()
    for name in ("one", "two"):
        world.add(server(name)).lists = {"resources/list": [], "resources/templates/list": [template("db://{table}")]}

    with pytest.raises(AmbiguousUri) as refused:
        await located(world, "resources/read", {"uri": "db://customers"})

    assert refused.value.data["servers"] == ["one", "two"]


async def test_a_resource_goes_to_a_server_the_caller_may_read_it_from() -> None:
    world = World()
    for name in ("one", "two"):
        world.add(server(name)).lists = {"resources/list": [resource("db://x")], "resources/templates/list": []}
    world.rule = lambda caller, _action, target: caller == ANN or target.server != "one"

    assert await located(world, "resources/read", {"uri": "db://x"}, caller=ANN) == "one"
    assert await located(world, "resources/read", {"uri": "db://x"}, caller=BEN) == "two"
    assert await world.names(method="resources/list", caller=BEN) == ["db://x"]


async def test_a_task_id_carries_its_server_and_is_its_callers_alone() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("slow")]
    await world.names()
    capabilities: JsonObject = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    call = world.catalog.route(world.view(), request("tools/call", {"name": "slow"}, capabilities=capabilities))
    assert call is not None
    assert call.restore is not None
    shown = call.restore({"resultType": "task", "taskId": "t:1", "status": "working"})
    task_id = shown["taskId"]
    assert task_id != "t:1"

    get = route(world, "tasks/get", {"taskId": task_id})

    assert get is not None
    assert (get.server.name, get.name) == ("one", "t:1")
    assert get.rewrite is not None
    assert get.rewrite({"taskId": task_id}) == {"taskId": "t:1"}
    assert get.restore is not None
    assert get.restore({"taskId": "t:1"}) == {"taskId": task_id}
    assert route(world, "tasks/get", {"taskId": task_id}, caller=BEN) is None
    assert route(world, "tasks/get", {"taskId": "one:x:t:1"}) is None
    assert route(world, "tasks/get", {"taskId": "t:1"}) is None


async def test_a_task_at_the_endpoint_of_one_server_is_its_callers_alone_too() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("slow")]
    world.add(server("two")).lists["tools/list"] = [tool("slow")]
    capabilities: JsonObject = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    call = world.catalog.route(world.view("one"), request("tools/call", {"name": "slow"}, capabilities=capabilities))
    assert call is not None
    assert call.restore is not None
    task_id = call.restore({"resultType": "task", "taskId": "t:1"})["taskId"]

    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        own = route(world, method, {"taskId": task_id}, view="one")
        assert own is not None
        assert own.rewrite is not None
        assert own.rewrite({"taskId": task_id}) == {"taskId": "t:1"}
        assert route(world, method, {"taskId": "t:1"}, view="one") is None
        assert route(world, method, {"taskId": task_id}, view="one", caller=BEN) is None
        assert route(world, method, {"taskId": task_id}, view="two") is None


async def test_at_the_endpoint_of_one_server_a_completion_is_about_its_prompt_or_template() -> None:
    """So that a rule about it holds there as well."""
    world = World()
    world.add(server("one"))

    def name_of(ref: JsonObject) -> str | None:
        found = route(world, "completion/complete", {"ref": ref, "argument": {}}, view="one")
        return None if found is None else found.name

    assert name_of({"type": "ref/prompt", "name": "greet", "uri": "db://{x}"}) == "greet"
    assert name_of({"type": "ref/resource", "name": "greet", "uri": "db://{x}"}) == "db://{x}"
    unclear: list[JsonObject] = [{"type": "ref/other", "uri": "db://{x}"}, {"type": ["ref/prompt"], "name": "a"}, {"name": "a"}]
    for ref in unclear:
        assert name_of(ref) is None


async def test_a_client_that_knows_no_tasks_gets_answers_untouched() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("slow")]
    await world.names()

    found = route(world, "tools/call", {"name": "slow"})

    assert found is not None
    assert found.restore is None


async def test_a_server_that_hangs_does_not_keep_a_call_from_being_found() -> None:
    world = World()
    world.add(server("hangs")).gate = asyncio.Event()
    world.add(server("well")).lists["tools/list"] = [tool("a")]

    found = asyncio.create_task(located(world, "tools/call", {"name": "a"}))

    assert await asyncio.wait_for(found, 5) == "well"
    await world.catalog.close()


async def test_a_name_nobody_has_may_be_that_of_a_server_that_has_yet_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.federation.catalog.gathering.PATIENCE_SECONDS", 0.01)
    world = World()
    world.add(server("well")).lists["tools/list"] = [tool("a")]
    late = world.add(server("late"))
    late.lists["tools/list"], late.gate = [tool("b")], asyncio.Event()

    for _ in range(2):
        with pytest.raises(ListsMissing) as raised:
            await located(world, "tools/call", {"name": "b"})
        assert raised.value.data == {"name": "b", "servers": ["late"]}
        assert raised.value.retryable

    late.gate.set()
    monkeypatch.setattr("mcp_gateway.federation.catalog.gathering.PATIENCE_SECONDS", 60.0)
    await world.names()
    assert await located(world, "tools/call", {"name": "b"}) == "late"
    assert await located(world, "tools/call", {"name": "nobodys"}) == ""


async def test_a_server_that_failed_makes_no_name_doubtful() -> None:
    world = World()
    world.add(server("dead")).error = UpstreamUnreachable(server="dead")

    assert await located(world, "tools/call", {"name": "nobodys"}) == ""


async def test_nobody_learns_of_a_server_they_may_use_nothing_of_by_asking_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.federation.catalog.gathering.PATIENCE_SECONDS", 0.01)
    world = World()
    world.add(server("hidden")).gate = asyncio.Event()
    world.reach = lambda _caller, _action, name: name != "hidden"

    assert await located(world, "tools/call", {"name": "b"}) == ""


async def test_looking_in_vain_again_and_again_asks_nobody_for_a_while() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"], upstream.ttl_ms = [tool("a")], 0

    for number in range(10):
        assert await located(world, "tools/call", {"name": f"x{number}"}) == ""
    assert upstream.asked["tools/list"] == 1

    upstream.lists["tools/list"] = [tool("a"), tool("b")]
    world.catalog.drop(Change(server="one", kind="tools"))
    assert await located(world, "tools/call", {"name": "b"}) == "one"
    world.clock.advance(2)
    assert await located(world, "tools/call", {"name": "c"}) == ""
    assert upstream.asked["tools/list"] == 3


async def test_calls_made_at_once_to_a_tool_nobody_listed_yet_all_find_it() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]

    assert await asyncio.gather(*(located(world, "tools/call", {"name": "a"}) for _ in range(5))) == ["one"] * 5


async def test_lists_and_searches_have_their_limits_too() -> None:
    world = World()
    upstream = world.add(server("one"))
    world.too_much = {"mcp.gateway.tools/list", "mcp.gateway.locate", "mcp.one.server/discover"}

    for refused in (
        world.listed(),
        located(world, "tools/call", {"name": "a"}),
        world.catalog.discover(world.view("one"), request("server/discover")),
    ):
        with pytest.raises(RateLimited):
            await refused
    assert not upstream.asked
