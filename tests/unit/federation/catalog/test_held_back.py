"""Names and lists beside the definitions that were approved; with the real lock on definitions."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.federation.catalog.world import ANN, BEN, World, request, server, tool

from mcp_gateway.adapters.memory_definitions import MemoryDefinitionStore
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.model import Change
from mcp_gateway.registry.definitions.definitions import Definitions
from mcp_gateway.registry.definitions.model import Key

pytestmark = pytest.mark.anyio


def definitions(store: MemoryDefinitionStore | None = None) -> Definitions:
    return Definitions(store or MemoryDefinitionStore(), FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))


async def test_a_changed_tool_is_not_listed_until_it_is_approved() -> None:
    locked = definitions()
    world = World(definitions=locked)
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a", description="Adds."), tool("b")]
    assert await world.names() == ["a", "b"]

    wider = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    upstream.lists["tools/list"] = [tool("a", description="Adds.", inputSchema=wider), tool("b")]
    world.catalog.drop(Change(server="one", kind="tools"))

    assert await world.names() == ["b"]
    standing = locked.standing("one", "a")
    assert standing is not None
    assert standing.status == "waiting"


async def test_an_approval_shows_the_tool_without_asking_its_server_again() -> None:
    locked = definitions()
    world = World(definitions=locked)
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    wider = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    upstream.lists["tools/list"] = [tool("a", inputSchema=wider)]
    world.catalog.drop(Change(server="one", kind="tools"))
    assert await world.names() == []
    asked = upstream.asked["tools/list"]
    record = locked.record(Key("one", "tools", "a"))
    assert record is not None

    approved = replace(
        record,
        approved_fingerprint=record.latest_fingerprint,
        approved_body=record.latest_body,
        status="offered",
        verdict="approved",
    )
    assert await locked.decide(record, approved)

    assert await world.names() == ["a"]
    assert upstream.asked["tools/list"] == asked


async def test_a_tool_that_waits_keeps_its_name_and_its_way() -> None:
    locked = definitions()
    world = World(definitions=locked)
    old = world.add(server("old", created_at=1.0))
    old.lists["tools/list"] = [tool("search")]
    world.add(server("new", created_at=2.0)).lists["tools/list"] = [tool("search")]
    await world.names()
    old.lists["tools/list"] = [tool("search", inputSchema={"type": "object", "required": ["x"], "properties": {"x": {}}})]
    world.catalog.drop(Change(server="old", kind="tools"))

    assert await world.names() == ["new_search"]
    route = world.catalog.route(world.view(), request("tools/call", {"name": "search"}))
    assert route is not None
    assert route.server.name == "old"


async def test_after_a_restart_names_lead_where_they_led_before_anybody_is_asked() -> None:
    store = MemoryDefinitionStore()
    first = World(definitions=definitions(store))
    for world in (first,):
        world.add(server("old", created_at=1.0)).lists["tools/list"] = [tool("search")]
        world.add(server("new", created_at=2.0)).lists["tools/list"] = [tool("search")]
    assert await first.names() == ["search", "new_search"]

    locked = definitions(store)
    await locked.reload()
    second = World(definitions=locked)
    second.add(server("old", created_at=1.0))
    second.add(server("new", created_at=2.0))
    route = second.catalog.route(second.view(), request("tools/call", {"name": "new_search"}))

    assert route is not None
    assert (route.server.name, route.name) == ("new", "search")
    assert not any(upstream.asked for upstream in second.upstreams.values())


async def test_a_changed_server_keeps_its_names_until_it_has_answered_again() -> None:
    world = World()
    world.add(server("old", created_at=1.0)).lists["tools/list"] = [tool("search")]
    world.add(server("new", created_at=2.0)).lists["tools/list"] = [tool("search")]
    await world.names()

    world.add(server("old", created_at=1.0, version=2), world.upstreams["old"])

    route = world.catalog.route(world.view(), request("tools/call", {"name": "search"}))
    assert route is not None
    assert route.server.name == "old"
    assert await world.names() == ["search", "new_search"]


async def test_a_server_that_is_gone_leaves_its_names() -> None:
    world = World()
    world.add(server("old", created_at=1.0)).lists["tools/list"] = [tool("search")]
    world.add(server("new", created_at=2.0)).lists["tools/list"] = [tool("search")]
    await world.names()

    world.remove("old")
    world.catalog.follow_registry()

    assert await world.names() == ["search"]


async def test_a_server_of_which_a_caller_may_use_nothing_is_not_asked_in_their_name() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.scope = "private"
    upstream.lists["tools/list"] = [tool("a")]
    world.reach = lambda caller, _action, _server: caller == ANN

    assert await world.names(caller=BEN) == []
    assert not upstream.asked
    assert await world.names(caller=ANN) == ["a"]


async def test_a_tool_of_one_server_that_nobody_has_seen_is_looked_at_before_it_is_called() -> None:
    world = World(definitions=definitions())
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    call, other = request("tools/call", {"name": "a"}), request("tools/call", {"name": "b"})

    assert world.catalog.route(world.view("one"), call) is None
    assert await world.catalog.locate(world.view("one"), call) is not None
    assert world.catalog.route(world.view("one"), call) is not None
    assert await world.catalog.locate(world.view("one"), other) is None
    assert upstream.asked["tools/list"] == 1


async def test_a_server_that_cannot_be_looked_at_says_why() -> None:
    world = World(definitions=definitions())
    world.add(server("one")).error = UpstreamUnreachable(server="one")

    with pytest.raises(UpstreamUnreachable):
        await world.catalog.locate(world.view("one"), request("tools/call", {"name": "a"}))
