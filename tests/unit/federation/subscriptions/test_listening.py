"""What a client that listens to a view of several servers is told, and what it is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.federation.subscriptions.world import World, next_of, nothing_waits

from mcp_gateway.core.errors import InvalidInput, TooLarge
from mcp_gateway.federation.errors import NotExpressible, UnknownName, UpstreamUnreachable
from mcp_gateway.federation.model import Change
from mcp_gateway.federation.subscriptions import listening as module
from mcp_gateway.federation.subscriptions.mailbox import MAX_UNREAD

pytestmark = pytest.mark.anyio
ID = "io.modelcontextprotocol/subscriptionId"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


async def test_the_first_message_says_what_is_honoured_and_every_message_whose_stream_it_is(world: World) -> None:
    reply = await world.listen(
        request_id="seven", toolsListChanged=True, promptsListChanged=False, resourceSubscriptions=["files+a"]
    )
    assert await next_of(reply) == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["files+a"]}, "_meta": {ID: "seven"}},
    }
    world.links["shop"].says("tools")
    assert await next_of(reply) == {
        "jsonrpc": "2.0",
        "method": "notifications/tools/list_changed",
        "params": {"_meta": {ID: "seven"}},
    }


async def test_nobody_hears_what_was_not_asked_for(world: World) -> None:
    tools, prompts = await world.listen(toolsListChanged=True), await world.listen(promptsListChanged=True)
    await next_of(tools), await next_of(prompts)
    world.links["shop"].says("prompts")
    assert (await next_of(prompts))["method"] == "notifications/prompts/list_changed"
    assert await nothing_waits(tools)


async def test_nobody_hears_of_a_list_they_see_nothing_of(world: World) -> None:
    world.without_prompts.add("files")
    reply = await world.listen(toolsListChanged=True, promptsListChanged=True)
    await next_of(reply)
    assert world.links["files"].watches[0].wanted.lists == {"tools"}
    world.bus.tell(Change(server="files", kind="prompts"))
    assert await nothing_waits(reply)
    world.bus.tell(Change(server="shop", kind="prompts"))
    assert (await next_of(reply))["method"] == "notifications/prompts/list_changed"


async def test_a_resource_is_told_by_the_name_the_view_has_for_it_and_to_who_asked_for_it(world: World) -> None:
    one, other = await world.listen(resourceSubscriptions=["files+a"]), await world.listen(resourceSubscriptions=["shop+a"])
    await next_of(one), await next_of(other)
    world.links["files"].says("resource", "a", _meta={"com.example/why": "edited"})
    assert (await next_of(one))["params"] == {"uri": "files+a", "_meta": {"com.example/why": "edited", ID: 1}}
    assert await nothing_waits(other)


async def test_a_part_of_a_resource_is_told_to_who_asked_for_the_whole(world: World) -> None:
    reply = await world.listen(resourceSubscriptions=["files+file:///docs"])
    await next_of(reply)
    world.links["files"].says("resource", "file:///docs/a.txt")
    assert (await next_of(reply))["params"]["uri"] == "files+file:///docs/a.txt"  # type: ignore[call-overload,index]
    world.links["files"].says("resource", "file:///docs-of-others")
    assert await nothing_waits(reply)


async def test_a_resource_one_may_not_read_is_not_honoured(world: World) -> None:
    world.unreadable.add("files+secret")
    reply = await world.listen(resourceSubscriptions=["files+secret", "nowhere+a"])
    assert (await next_of(reply))["params"]["notifications"] == {}  # type: ignore[call-overload,index]
    world.links["files"].says("resource", "secret")
    assert await nothing_waits(reply)


async def test_what_nobody_has_read_yet_is_told_once(world: World) -> None:
    reply = await world.listen(toolsListChanged=True)
    await next_of(reply)
    for _ in range(1_000):
        world.links["shop"].says("tools")
        world.links["files"].says("tools")
    await next_of(reply)
    assert await nothing_waits(reply)


async def test_what_may_have_been_missed_counts_as_changed(world: World) -> None:
    reply = await world.listen(toolsListChanged=True, resourceSubscriptions=["files+a", "shop+b"])
    await next_of(reply)
    world.links["files"].says("lost")
    told = [await next_of(reply), await next_of(reply)]
    assert [one["method"] for one in told] == ["notifications/tools/list_changed", "notifications/resources/updated"]
    assert await nothing_waits(reply)
    world.bus.tell(Change(server="", kind="lost"))
    told = [await next_of(reply), await next_of(reply), await next_of(reply)]
    assert await nothing_waits(reply)


async def test_a_server_that_agrees_too_late_is_told_as_changed_once_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.01)
    world.links["files"].agreeing.clear()
    reply = await world.listen(resourceSubscriptions=["files+a"])
    assert (await next_of(reply))["params"]["notifications"] == {"resourceSubscriptions": ["files+a"]}  # type: ignore[call-overload,index]
    assert await nothing_waits(reply)
    world.links["files"].agreeing.set()
    assert (await next_of(reply))["method"] == "notifications/resources/updated"


async def test_a_dead_server_keeps_nobody_from_hearing_of_the_others(world: World) -> None:
    world.links["files"].fault = UpstreamUnreachable(server="files")
    reply = await world.listen(toolsListChanged=True)
    await next_of(reply)
    world.links["shop"].says("tools")
    await next_of(reply)


async def test_resources_of_a_server_that_tells_nothing_are_not_honoured(world: World) -> None:
    world.links["files"].fault = NotExpressible(server="files")
    reply = await world.listen(resourceSubscriptions=["files+a", "shop+a"])
    assert (await next_of(reply))["params"]["notifications"] == {"resourceSubscriptions": ["shop+a"]}  # type: ignore[call-overload,index]


async def test_what_a_server_tells_one_caller_no_other_hears(world: World) -> None:
    world.personal.add("files")
    ann, bob = (
        await world.listen("ann", resourceSubscriptions=["files+a"]),
        await world.listen("bob", resourceSubscriptions=["files+a"]),
    )
    await next_of(ann), await next_of(bob)
    for_ann = next(watch for watch in world.links["files"].watches if watch.client.caller.subject == "ann")
    for_ann.on_change(Change(server="files", kind="resource", uri="a"))
    await next_of(ann)
    assert await nothing_waits(bob)


async def test_whoever_sees_another_selection_now_is_told(world: World) -> None:
    reply = await world.listen(toolsListChanged=True, resourceSubscriptions=["files+a"])
    await next_of(reply)
    world.hidden.add("files")
    world.listening.reconsider()
    assert (await next_of(reply))["method"] == "notifications/tools/list_changed"
    world.links["files"].says("resource", "a")
    world.links["files"].says("tools")
    assert await nothing_waits(reply)


async def test_a_view_that_is_gone_ends_its_streams(world: World) -> None:
    reply = await world.listen(toolsListChanged=True)
    await next_of(reply)
    world.closed = True
    world.listening.reconsider()
    assert "result" in await next_of(reply)
    with pytest.raises(UnknownName):
        await world.listen(toolsListChanged=True)


async def test_nothing_is_told_when_the_selection_stayed(world: World) -> None:
    reply = await world.listen(toolsListChanged=True)
    await next_of(reply)
    world.listening.reconsider()
    assert await nothing_waits(reply)


async def test_on_shutdown_every_stream_ends_with_its_result(world: World) -> None:
    reply = await world.listen(request_id="x", toolsListChanged=True)
    world.links["shop"].says("tools")
    await world.listening.close()
    assert (await next_of(reply))["method"] == "notifications/subscriptions/acknowledged"
    assert (await next_of(reply))["method"] == "notifications/tools/list_changed"
    assert await next_of(reply) == {"jsonrpc": "2.0", "id": "x", "result": {"resultType": "complete", "_meta": {ID: "x"}}}
    with pytest.raises(StopAsyncIteration):
        await next_of(reply)
    assert len(world.listening) == 0


async def test_a_listener_that_reads_nothing_is_dropped_with_its_result(world: World) -> None:
    reply = await world.listen(resourceSubscriptions=["files+docs"])
    for number in range(MAX_UNREAD + 1):
        world.links["files"].says("resource", f"docs/{number}")
    assert reply.events is not None
    messages = [message async for message in reply.events]
    assert len(messages) == 1 + MAX_UNREAD + 1
    assert b'"result"' in messages[-1]


async def test_a_listener_that_went_away_leaves_nothing_behind(world: World) -> None:
    reply = await world.listen(toolsListChanged=True, resourceSubscriptions=["files+a"])
    await reply.close()
    await reply.close()
    assert len(world.listening) == 0
    with pytest.raises(StopAsyncIteration):
        await next_of(reply)


async def test_one_watch_serves_all_listeners(world: World) -> None:
    replies = [await world.listen(caller, toolsListChanged=True) for caller in ("ann", "bob", "cyd")]
    assert [len(link.watches) for link in world.links.values()] == [1, 1]
    await asyncio.gather(*(reply.close() for reply in replies))


@pytest.mark.parametrize(
    "wanted",
    [{"toolsListChanged": 1}, {"resourceSubscriptions": "files+a"}, {"resourceSubscriptions": [1]}],
)
async def test_a_filter_that_cannot_be_read_is_refused(world: World, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await world.listen(**wanted)


async def test_a_filter_beyond_all_bounds_is_refused(world: World) -> None:
    with pytest.raises(TooLarge):
        await world.listen(resourceSubscriptions=[f"files+{number}" for number in range(1_001)])
    with pytest.raises(TooLarge):
        await world.listen(resourceSubscriptions=["x" * 3_000])


async def test_filters_of_extensions_are_handed_to_the_server_they_concern(world: World) -> None:
    reply = await world.listen(request_id=9, toolsListChanged=True, taskIds=["a"])
    assert (await next_of(reply))["params"]["notifications"] == {"toolsListChanged": True, "taskIds": ["a"]}  # type: ignore[call-overload,index]
    shop = world.links["shop"]
    assert shop.asked == [{"notifications": {"taskIds": ["a"]}}]
    for number in range(2):
        await shop.extension.put(
            {"jsonrpc": "2.0", "method": "notifications/tasks", "params": {"n": number, "_meta": {ID: "up"}}}
        )
    told = [await next_of(reply), await next_of(reply)]
    assert [one["params"] for one in told] == [{"n": number, "here": True, "_meta": {ID: 9}} for number in range(2)]
    await shop.extension.put(None)
    assert "result" in await next_of(reply)
    assert len(world.listening) == 0


async def test_an_extension_nobody_honours_is_left_out(world: World) -> None:
    world.links["shop"].fault = UpstreamUnreachable(server="shop")
    reply = await world.listen(taskIds=["a"])
    assert (await next_of(reply))["params"]["notifications"] == {}  # type: ignore[call-overload,index]


async def test_a_client_that_leaves_before_its_stream_is_open_takes_up_no_room(world: World) -> None:
    world.links["shop"].agreeing.clear()
    opening = asyncio.ensure_future(world.listen(toolsListChanged=True))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(world.listening) == 1
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert len(world.listening) == 0
