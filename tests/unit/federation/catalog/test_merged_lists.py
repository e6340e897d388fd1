"""The merged lists of the one endpoint."""

import asyncio

import pytest
from tests.unit.federation.catalog.world import ANN, BEN, EVE, World, server, tool

from mcp_gateway.access.policy.model import Target
from mcp_gateway.federation.errors import UpstreamUnreachable
from mcp_gateway.federation.model import Change

pytestmark = pytest.mark.anyio


async def test_every_servers_tools_are_listed_oldest_server_first() -> None:
    world = World()
    world.add(server("young", created_at=2.0)).lists["tools/list"] = [tool("y1"), tool("y2")]
    world.add(server("old", created_at=1.0)).lists["tools/list"] = [tool("o1")]

    assert await world.names() == ["o1", "y1", "y2"]


async def test_an_item_keeps_members_nobody_here_knows() -> None:
    world = World()
    item = tool("a", icons=[{"src": "data:,"}], _meta={"x/y": 1.5}, annotations={"readOnlyHint": True}, future={"deep": [None]})
    world.add(server("one")).lists["tools/list"] = [item]

    assert (await world.listed())["tools"] == [item]


async def test_all_pages_of_a_server_are_read() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool(f"t{number}") for number in range(7)]
    upstream.page_size = 3

    assert len(await world.names()) == 7
    assert upstream.asked["tools/list"] == 3


async def test_a_list_the_server_vouches_for_is_asked_for_once() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]

    for caller in (ANN, BEN, ANN):
        assert await world.names(caller=caller) == ["a"]

    assert upstream.asked["tools/list"] == 1


async def test_a_list_is_asked_for_anew_when_its_time_is_over() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    upstream.lists["tools/list"] = [tool("b")]

    world.clock.advance(61)

    assert await world.names() == ["b"]


async def test_a_list_not_to_be_kept_is_asked_for_each_time() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"], upstream.ttl_ms = [tool("a")], 0
    await world.names()
    upstream.lists["tools/list"] = [tool("b")]

    assert await world.names() == ["b"]


async def test_a_private_list_is_shown_to_its_caller_alone() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.scope = "private"
    upstream.lists_of = {"ann": {"tools/list": [tool("anns")]}, "ben": {"tools/list": [tool("bens")]}}

    for _ in range(2):
        assert await world.names(caller=ANN) == ["anns"]
        assert await world.names(caller=BEN) == ["bens"]

    assert upstream.asked["tools/list"] == 2


async def test_what_the_policy_refuses_is_not_listed() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("open"), tool("shut")]
    world.rule = lambda caller, _action, target: caller == ANN or target.tool != "shut"

    assert await world.names(caller=ANN) == ["open", "shut"]
    assert await world.names(caller=BEN) == ["open"]


async def test_a_changed_policy_counts_at_once() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]
    assert await world.names() == ["a"]

    world.rule = lambda *_: False
    world.policy = "2"

    assert await world.names() == []


async def test_another_tenants_server_is_not_there() -> None:
    world = World()
    world.add(server("theirs", tenant="acme")).lists["tools/list"] = [tool("a")]
    world.add(server("shared")).lists["tools/list"] = [tool("b")]

    assert await world.names(caller=ANN) == ["b", "a"]
    assert await world.names(caller=EVE) == ["b"]


async def test_a_dead_server_is_told_of_and_hides_no_other() -> None:
    world = World()
    world.add(server("dead")).error = UpstreamUnreachable(server="dead")
    world.add(server("well")).lists["tools/list"] = [tool("a")]

    listed = await world.listed()

    assert listed["tools"] == [tool("a")]
    assert listed["ttlMs"] == 2_000
    meta = listed["_meta"]
    assert isinstance(meta, dict)
    assert meta["dev.mcp-gateway/missing"] == [
        {"server": "dead", "code": "UPSTREAM_UNREACHABLE", "since": world.clock.now().timestamp()}
    ]


async def test_a_server_that_failed_is_not_asked_again_at_once() -> None:
    world = World()
    dead = world.add(server("dead"))
    dead.error = UpstreamUnreachable(server="dead")
    await world.names()
    await world.names()
    assert dead.asked["tools/list"] == 1

    dead.error = None
    dead.lists["tools/list"] = [tool("back")]
    world.clock.advance(6)

    assert await world.names() == ["back"]


async def test_a_slow_server_is_there_for_the_next_one_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.federation.catalog.gathering.PATIENCE_SECONDS", 0.01)
    world = World()
    slow = world.add(server("slow"))
    slow.lists["tools/list"], slow.ttl_ms, slow.gate = [tool("late")], 0, asyncio.Event()
    world.add(server("well")).lists["tools/list"] = [tool("a")]

    assert await world.names() == ["a"]
    world.clock.advance(3)
    slow.gate.set()
    for _ in range(20):
        await asyncio.sleep(0)

    assert await world.names() == ["late", "a"]
    assert slow.asked["tools/list"] == 1


async def test_callers_who_ask_at_once_share_one_request() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    world.clock.advance(61)

    await asyncio.gather(*(world.names(caller=caller) for caller in (ANN, BEN, ANN, BEN)))

    assert upstream.asked["tools/list"] == 2


async def test_a_change_drops_what_was_kept() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    upstream.lists["tools/list"] = [tool("b")]

    world.catalog.drop(Change(server="one", kind="tools"))

    assert await world.names() == ["b"]


async def test_a_list_under_way_during_a_change_is_not_kept() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"], upstream.gate = [tool("a")], asyncio.Event()
    first = asyncio.create_task(world.names())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.catalog.drop(Change(server="one", kind="tools"))
    upstream.gate.set()
    await first

    await world.names()

    assert upstream.asked["tools/list"] == 2


async def test_a_watch_makes_a_list_without_hints_hold() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"], upstream.ttl_ms = [tool("a")], 0
    world.catalog.vouch("one", {"tools"}, until=world.clock.monotonic() + 30)
    await world.names()
    world.clock.advance(10)
    await world.names()
    assert upstream.asked["tools/list"] == 1

    world.catalog.drop(Change(server="one", kind="lost"))
    await world.names()

    assert upstream.asked["tools/list"] == 2


async def test_a_watch_vouches_for_nothing_asked_before_it_began() -> None:
    world = World()
    upstream = world.add(server("one"))
    upstream.lists["tools/list"] = [tool("a")]
    await world.names()
    world.clock.advance(1)
    world.catalog.vouch("one", {"tools"}, until=world.clock.monotonic() + 600)

    world.clock.advance(60)
    await world.names()

    assert upstream.asked["tools/list"] == 2


async def test_the_shortest_promise_and_the_most_private_scope_are_passed_on() -> None:
    world = World(everybody_alike=True)
    for name, ttl_ms, scope in (("a", 60_000, "public"), ("b", 5_000, "public")):
        upstream = world.add(server(name))
        upstream.lists["tools/list"], upstream.ttl_ms, upstream.scope = [tool(name)], ttl_ms, scope
    await world.listed()
    world.clock.advance(1)

    listed = await world.listed()
    assert (listed["ttlMs"], listed["cacheScope"]) == (4_000, "public")

    upstream.scope = "private"
    world.clock.advance(10)
    assert (await world.listed())["cacheScope"] == "private"


async def test_what_depends_on_the_caller_is_private_whatever_the_servers_say() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]

    assert (await world.listed())["cacheScope"] == "private"


async def test_a_server_without_such_a_list_adds_nothing() -> None:
    world = World()
    world.add(server("one")).lists["tools/list"] = [tool("a")]
    promptless = world.upstreams["one"]

    for _ in range(2):
        assert await world.names(method="prompts/list") == []

    assert promptless.asked["prompts/list"] == 1


async def test_a_policy_that_changes_while_a_list_is_made_counts_for_the_next_one() -> None:
    world = World()
    for number in range(30):
        world.add(server(f"s{number:02}")).lists["tools/list"] = [tool(f"t{number}.{place}") for place in range(20)]
    changed = False

    def rule(_caller: object, _action: object, target: Target) -> bool:
        nonlocal changed
        if target.server == "s20" and not changed:
            changed = True
            world.policy = "2"
        return not changed or target.server != "s00"

    world.rule = rule
    await world.names()

    names = await world.names()
    assert not [name for name in names if name.startswith("t0.")]
    assert len([name for name in names if name not in ("search_tools", "call_tool")]) == 29 * 20
