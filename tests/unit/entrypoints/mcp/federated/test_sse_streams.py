"""Streams of older clients: what breaks off is taken up again, what stands tells of changes, and what nobody reads ends."""

import asyncio
from collections.abc import Callable

import pytest
from tests.older_clients import Exchange, ModernServer, World, call, notification, request, texts

from mcp_gateway.core.protocol.frames import object_at
from mcp_gateway.entrypoints.mcp.federated import sse_listening, sse_outlets, sse_streams
from mcp_gateway.entrypoints.mcp.federated.sse_streams import Budget, EventStream
from mcp_gateway.federation.client_sessions.model import key_of

pytestmark = pytest.mark.anyio

CHANGED = notification("notifications/tools/list_changed")


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


async def until(holds: Callable[[], bool]) -> None:
    """Lets everything else go on until something came about."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - there is nothing to wait for but the turn of others
            await asyncio.sleep(0.001)


async def begun(world: World, session: str) -> tuple[Exchange, str]:
    """A call that stopped half way, and the id of its latest event."""
    exchange = world.ask(call("steps"), session=session)
    events = [await exchange.event() for _ in range(4)]
    return exchange, events[-1]["id"]


async def test_a_call_goes_on_without_its_client_who_comes_back_for_the_rest(world: World, server: ModernServer) -> None:
    session = await world.open()
    exchange, last = await begun(world, session)
    exchange.leave()
    again = world.ask(session=session, method="GET", headers={"last-event-id": last})
    server.release.set()
    events = await again.events()

    assert texts(events) == ["answer"]
    assert object_at(events[0].json, "result")["content"] == [{"type": "text", "text": "done"}]


async def test_what_was_said_while_the_client_was_away_is_told_when_it_is_back(world: World, server: ModernServer) -> None:
    session = await world.open()
    exchange = world.ask(call("steps"), session=session)
    primed = (await exchange.event())["id"]
    exchange.leave()
    server.release.set()
    await exchange.task
    again = world.ask(session=session, method="GET", headers={"last-event-id": primed})

    assert texts(await again.events()) == ["notifications/progress", "notifications/progress", "notifications/message", "answer"]


async def test_a_call_whose_client_does_not_come_back_is_cancelled(
    world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse_streams, "GRACE_SECONDS", 0.01)
    session = await world.open()
    exchange, _ = await begun(world, session)
    exchange.leave()
    await exchange.task

    assert server.cancelled == ["7"]
    await until(lambda: world.live.find(key_of(session)) is None)


async def test_a_client_that_leaves_before_anything_was_said_cancels_its_call_at_once(world: World, server: ModernServer) -> None:
    session = await world.open()
    exchange = world.ask(call("hangs"), session=session)
    await world.arrived(2)
    exchange.leave()
    await exchange.task

    assert server.cancelled == ["7"]
    assert (exchange.status, world.live.find(key_of(session))) == (0, None)


@pytest.mark.parametrize("event", ["r1-1.99", "r1-77.1", "r1-1.x", "r1-1.99999999999999999999", "."])
async def test_a_stream_nobody_knows_is_not_taken_up_and_the_session_stays(world: World, event: str) -> None:
    session = await world.open()
    exchange, _ = await begun(world, session)
    again = await world.ask(session=session, method="GET", headers={"last-event-id": event}).whole()

    assert again.status == 400
    exchange.task.cancel()


async def test_a_stream_of_another_session_is_not_taken_up(world: World) -> None:
    exchange, last = await begun(world, await world.open())
    other = await world.open()

    assert (await world.ask(session=other, method="GET", headers={"last-event-id": last}).whole()).status == 400
    exchange.task.cancel()


async def test_a_client_that_waits_long_is_shown_that_it_is_heard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_outlets, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(sse_outlets, "COMMENT_SECONDS", 0.01)
    session = await world.open()
    exchange = world.ask(call("hangs"), session=session)
    primed = await exchange.event()
    await until(lambda: exchange.body.count(b"\n: \n") >= 2)
    await world.ask(notification("notifications/cancelled", requestId=7), session=session).whole()

    assert (primed["data"], exchange.headers["content-type"]) == ("", "text/event-stream")
    assert object_at((await exchange.events())[-1].json, "error")["code"] == -32800


async def test_the_standing_stream_tells_of_changes_without_the_name_of_the_listen(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    server.changes.put_nowait(CHANGED)
    await stream.event()

    assert (await stream.event()).json == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert server.listens == [{"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}]
    stream.task.cancel()


async def test_a_subscription_is_listened_for_from_then_on(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    await stream.event()
    await world.arrived(2)
    await world.ask(request("resources/subscribe", uri="x://a"), session=session).whole()
    await until(lambda: len(server.listens) == 2)
    server.changes.put_nowait(notification("notifications/resources/updated", uri="x://a"))

    assert server.listens[-1]["resourceSubscriptions"] == ["x://a"]
    assert (await stream.event()).json["params"] == {"uri": "x://a"}
    await world.ask(request("resources/unsubscribe", uri="x://a"), session=session).whole()
    await until(lambda: len(server.listens) == 3)
    assert "resourceSubscriptions" not in server.listens[-1]
    stream.task.cancel()


async def test_a_session_has_one_standing_stream(world: World) -> None:
    session = await world.open()
    first = world.ask(session=session, method="GET")
    await first.event()

    assert (await world.ask(session=session, method="GET").whole()).status == 409
    first.task.cancel()


async def test_the_standing_stream_is_taken_up_where_it_broke_off(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    primed = (await stream.event())["id"]
    stream.leave()
    await stream.task
    server.changes.put_nowait(CHANGED)
    again = world.ask(session=session, method="GET", headers={"last-event-id": primed})

    assert texts([await again.event()]) == ["notifications/tools/list_changed"]
    assert len(server.listens) == 1
    again.task.cancel()


async def test_a_standing_stream_that_is_lost_begins_anew(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET", headers={"last-event-id": "r9-s4.7"})

    assert (await stream.event())["data"] == ""
    server.changes.put_nowait(CHANGED)
    assert texts([await stream.event()]) == ["notifications/tools/list_changed"]
    stream.task.cancel()


async def test_nobody_listens_for_a_client_that_left(world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_streams, "GRACE_SECONDS", 0.01)
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    await stream.event()
    await world.arrived(2)
    stream.leave()
    await stream.task

    await until(lambda: len(server.cancelled) == 1 and world.live.find(key_of(session)) is None)
    assert world.live.standing == 0


async def test_ending_the_session_ends_its_streams_and_calls(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    await stream.event()
    exchange, _ = await begun(world, session)
    await world.ask(session=session, method="DELETE").whole()
    await stream.whole()
    await exchange.whole()

    await until(lambda: len(server.cancelled) == 2)
    assert (world.live.find(key_of(session)), world.live.standing) == (None, 0)


async def test_nothing_is_missed_while_the_session_listens_anew(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    await stream.event()
    await world.arrived(2)
    for number in range(10):
        await world.ask(request("resources/subscribe", uri=f"x://{number}"), session=session).whole()
    await until(lambda: server.listens[-1].get("resourceSubscriptions") == [f"x://{number}" for number in range(10)])
    await until(lambda: len(server.cancelled) == len(server.listens) - 1)

    assert len(server.listens) <= 3
    assert server.most_listening == 2
    stream.task.cancel()


async def test_a_call_is_cancelled_once_however_often_it_is_asked_for(world: World, server: ModernServer) -> None:
    session = await world.open()
    exchange = world.ask(call("hangs"), session=session)
    await world.arrived(2)
    for _ in range(2):
        await world.ask(notification("notifications/cancelled", requestId=7), session=session).whole()
    world.live.end(key_of(session))
    exchange.leave()
    await exchange.task

    assert server.cancelled == ["7"]


async def test_a_listen_that_fails_is_tried_again(world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_listening, "FIRST_PAUSE_SECONDS", 0.001)
    listen, failures = server._listen, iter([ConnectionError(), ConnectionError()])

    def failing(request: object) -> object:
        fault = next(failures, None)
        if fault is not None:
            raise fault
        return listen(request)  # type: ignore[arg-type]  # whatever it was given

    monkeypatch.setattr(server, "_listen", failing)
    stream = world.ask(session=await world.open(), method="GET")
    await stream.event()
    server.changes.put_nowait(CHANGED)

    assert texts([await stream.event()]) == ["notifications/tools/list_changed"]
    stream.task.cancel()


async def test_a_listen_that_was_not_taken_yet_is_closed_with_its_session(world: World, server: ModernServer) -> None:
    server.acknowledges.clear()
    session = await world.open()
    stream = world.ask(session=session, method="GET")
    await stream.event()
    await until(lambda: len(server.listens) == 1)
    await world.ask(session=session, method="DELETE").whole()
    await stream.whole()

    await until(lambda: len(server.cancelled) == 1)


async def test_a_stream_keeps_the_latest_of_its_events_and_no_more_than_all_streams_may() -> None:
    budget = Budget(limit=1_000)
    stream = EventStream("r1-1", budget, on_abandoned=lambda: None)
    for number in range(100):
        stream.add(b'{"n":%d}' % number)

    assert budget.held <= 1_000
    assert stream.after(0) is None
    assert [number for number, _ in stream.after(98) or ()] == [99, 100]
    stream.drop()
    assert budget.held == 0
