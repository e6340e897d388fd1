"""What listening learns of views: which servers a client sees, where resources and tasks are, and when a selection changed."""

from dataclasses import replace

import pytest
from tests.unit.federation.catalog.world import ANN, BEN, EVE, World, server, tool

from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject
from mcp_gateway.federation.catalog.names import Own
from mcp_gateway.federation.catalog.tasks import TaskIds
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.model import Client
from mcp_gateway.federation.subscriptions.offers import CatalogOffers
from mcp_gateway.federation.subscriptions.ports import Located
from mcp_gateway.registry.model import Selected, VirtualServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    made = World()
    for name in ("files", "shop"):
        made.add(server(name)).lists = {
            "resources/list": [{"uri": f"{name}://a", "name": "a"}],
            "resources/templates/list": [],
            "tools/list": [tool("do")],
        }
    return made


@pytest.fixture
def offers(world: World) -> CatalogOffers:
    return CatalogOffers(world.catalog, world.around)


def client(caller: Caller = ANN) -> Client:
    return Client(caller=caller, capabilities={"extensions": {"io.modelcontextprotocol/tasks": {}}})


def test_a_client_sees_the_servers_of_its_tenant_that_it_may_reach(world: World, offers: CatalogOffers) -> None:
    world.add(server("theirs", tenant="other"))
    assert offers.seen(world.view(), client()).every() == {"files", "shop"}
    assert offers.seen(world.view(), client(EVE)).every() == {"files", "shop", "theirs"}
    world.reach = lambda caller, action, name: (action, name) != ("get_prompt", "shop")
    world.policy = "2"
    seen = offers.seen(world.view(), client())
    assert seen.kinds_of("shop") == {"tools", "resources"}
    assert seen.kinds_of("files") == {"tools", "prompts", "resources"}


def test_clients_who_see_the_same_share_one_set(world: World, offers: CatalogOffers) -> None:
    one, other = offers.seen(world.view(), client()), offers.seen(world.view(), client(BEN))
    assert one.tools is other.tools is other.prompts is one.resources


def test_an_endpoint_that_went_or_was_closed_to_a_client_is_not_there(world: World, offers: CatalogOffers) -> None:
    view = world.view("shop")
    assert offers.current(view, client()) == view
    world.reach = lambda caller, action, name: caller != ANN
    assert offers.current(view, client()) is None
    assert offers.current(view, client(BEN)) == view
    world.remove("shop")
    assert offers.current(view, client(BEN)) is None


def test_the_selection_changes_with_servers_policy_and_virtual_servers_and_with_nothing_else(
    world: World, offers: CatalogOffers
) -> None:
    world.select(VirtualServer(name="few", tools=(Selected(server="shop", tool="do"),)))
    before = offers.signature(world.view(), client()), offers.signature(world.view("few"), client())
    assert before == (offers.signature(world.view(), client(BEN)), offers.signature(world.view("few"), client(BEN)))
    world.add(server("theirs", tenant="other"))
    assert before == (offers.signature(world.view(), client()), offers.signature(world.view("few"), client()))
    world.add(replace(server("shop"), version=2))
    assert offers.signature(world.view(), client()) != before[0]
    world.select(VirtualServer(name="few", version=2, tools=(Selected(server="shop", tool="do", name="did"),)))
    assert offers.signature(world.view("few"), client()) != before[1]
    last = offers.signature(world.view(), client())
    world.policy = "2"
    assert offers.signature(world.view(), client()) != last


async def test_resources_are_found_where_they_are_and_what_servers_have_is_asked_once(
    world: World, offers: CatalogOffers
) -> None:
    uris = ["shop://a", "files://a", "nobody://a", "shop://b"]
    assert await offers.locate(world.view(), client(), uris) == {
        "shop://a": Located(server="shop", uri="shop://a"),
        "files://a": Located(server="files", uri="files://a"),
        "shop://b": Located(server="shop", uri="shop://b"),
    }
    assert world.upstreams["shop"].asked["resources/list"] == 1
    assert await offers.locate(world.view("files"), client(), ["files://a"]) == {
        "files://a": Located(server="files", uri="files://a")
    }


async def test_a_resource_a_client_may_not_read_is_nowhere(world: World, offers: CatalogOffers) -> None:
    world.rule = lambda caller, action, target: not (action == "read_resource" and target.tool == "shop://a")
    for view in (world.view(), world.view("shop")):
        assert await offers.locate(view, client(), ["shop://a"]) == {}


async def test_a_server_that_is_away_hides_no_resource_of_another(world: World, offers: CatalogOffers) -> None:
    world.upstreams["files"].error = UpstreamUnreachable(server="files")
    assert list(await offers.locate(world.view(), client(), ["shop://a", "files://a"])) == ["shop://a"]


async def test_tasks_are_where_their_ids_say_and_only_for_whom_they_were_given(world: World, offers: CatalogOffers) -> None:
    ids = TaskIds(b"k" * 32)
    asked = [ids.outward(own, ANN) for own in (Own("shop", "1"), Own("files", "2"), Own("shop", "3"))]
    stolen = ids.outward(Own("shop", "4"), BEN)
    wanted: JsonObject = {"taskIds": [*asked, stolen, "made up", 7]}
    routes = offers.extensions(world.view(), client(), wanted)
    assert {one.server: one.filter for one in routes} == {"shop": {"taskIds": ["1", "3"]}, "files": {"taskIds": ["2"]}}
    shop = next(one for one in routes if one.server == "shop")
    assert shop.acknowledge({"taskIds": ["3", "9"]}) == {"taskIds": [asked[2]]}
    assert shop.restore({"taskId": "3", "status": "working"}) == {"taskId": asked[2], "status": "working"}


async def test_an_unknown_filter_goes_to_the_only_server_there_is(world: World, offers: CatalogOffers) -> None:
    assert offers.extensions(world.view(), client(), {"com.example/x": True}) == []
    routes = offers.extensions(world.view("shop"), client(), {"com.example/x": True, "taskIds": ["somebody's"]})
    assert [(one.server, one.filter) for one in routes] == [("shop", {"com.example/x": True})]
    assert routes[0].acknowledge({"com.example/x": True, "taskIds": ["another"]}) == {"com.example/x": True, "taskIds": []}
    world.rule = lambda caller, action, target: False
    assert offers.extensions(world.view("shop"), client(), {"com.example/x": True}) == []
