"""Two replicas before the same clients: whatever one holds can be reached through the other."""

import asyncio
from datetime import UTC, datetime
from itertools import count

import pytest
from tests.older_clients import Exchange, ModernServer, World, call, initialize, notification, texts

from mcp_gateway.adapters.peers_memory import MemoryExchange, MemoryPeers
from mcp_gateway.core.clock import FixedClock
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.entrypoints.mcp.federated import sessions_elsewhere
from mcp_gateway.federation.client_sessions.memory import MemoryClientSessions
from mcp_gateway.federation.client_sessions.sessions import ClientSessions

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def worlds(server: ModernServer) -> tuple[World, World]:
    exchange, numbers = MemoryExchange(), count(1)
    clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
    sessions = ClientSessions(MemoryClientSessions(clock), new_id=lambda: f"session{next(numbers)}")
    one, other = (World(server, sessions=sessions, peers=MemoryPeers(exchange)) for _ in range(2))
    return one, other


async def asked(exchange: Exchange) -> str:
    while not (event := await exchange.event())["data"]:
        pass
    return str(event.json["id"])


def answer(question: str, name: str) -> JsonObject:
    return {"jsonrpc": "2.0", "id": question, "result": {"action": "accept", "content": {"name": name}}}


async def test_a_session_opened_at_one_replica_is_served_by_the_other(worlds: tuple[World, World]) -> None:
    one, other = worlds
    session = await one.open()

    assert (await other.call(session, "echo")).status == 200
    await other.ask(session=session, method="DELETE").whole()
    assert (await one.call(session, "echo")).status == 404


async def test_an_answer_that_reaches_the_other_replica_is_handed_over(worlds: tuple[World, World]) -> None:
    one, other = worlds
    session = await one.open(elicitation={})
    exchange = one.ask(call("asks"), session=session)
    handed = await other.ask(answer(await asked(exchange), "Ada"), session=session).whole()

    assert handed.status == 202
    assert "hello Ada" in str((await exchange.events())[-1].json["result"])


async def test_a_request_is_cancelled_through_the_other_replica(worlds: tuple[World, World], server: ModernServer) -> None:
    one, other = worlds
    session = await one.open()
    exchange = one.ask(call("hangs"), session=session)
    await one.arrived(2)
    await other.ask(notification("notifications/cancelled", requestId=7), session=session).whole()
    await exchange.whole()

    assert server.cancelled == ["7"]


async def test_a_stream_is_taken_up_at_the_other_replica(worlds: tuple[World, World], server: ModernServer) -> None:
    one, other = worlds
    session = await one.open()
    exchange = one.ask(call("steps"), session=session)
    last = [(await exchange.event())["id"] for _ in range(2)][-1]
    exchange.leave()
    again = other.ask(session=session, method="GET", headers={"last-event-id": last})
    told = [await again.event(), await again.event()]
    server.release.set()
    told += await again.events()

    assert texts(told) == ["notifications/progress", "notifications/message", "answer"]


async def test_a_stream_nobody_holds_any_more_is_not_taken_up(worlds: tuple[World, World]) -> None:
    one, other = worlds
    session = await one.open()
    exchange = await other.ask(session=session, method="GET", headers={"last-event-id": f"{one.live.replica}-99.1"}).whole()

    assert exchange.status == 400


async def test_the_standing_stream_hears_of_a_subscription_made_at_the_other_replica(
    worlds: tuple[World, World], server: ModernServer
) -> None:
    one, other = worlds
    session = await one.open()
    stream = one.ask(session=session, method="GET")
    await stream.event()
    await one.arrived(2)
    subscribe: JsonObject = {"jsonrpc": "2.0", "id": 5, "method": "resources/subscribe", "params": {"uri": "x://a"}}
    await other.ask(subscribe, session=session).whole()
    await one.arrived(3)

    assert server.listens[-1]["resourceSubscriptions"] == ["x://a"]
    stream.task.cancel()


async def test_messages_of_http_sse_find_the_replica_that_holds_the_stream(worlds: tuple[World, World]) -> None:
    one, other = worlds
    stream = one.ask(method="GET", path="/sse")
    address = (await stream.event())["data"]
    assert (await other.ask(initialize("2024-11-05", elicitation={}), path=address).whole()).status == 202
    assert object_at((await stream.event()).json, "result")["protocolVersion"] == "2024-11-05"
    await other.ask(call("asks"), path=address).whole()
    await other.ask(answer(await asked(stream), "Ada"), path=address).whole()

    assert "hello Ada" in str((await stream.event()).json["result"])
    stream.leave()
    await stream.task
    assert (await other.ask(call("echo"), path=address).whole()).status == 404


async def test_a_replica_that_cannot_be_asked_is_an_error_that_says_so(server: ModernServer) -> None:
    world = World(server)
    session = await world.open()
    exchange = await world.ask(answer("r9-4", "Ada"), session=session).whole()

    assert exchange.status == 503
    assert "HELD_ELSEWHERE" in str(exchange.json["error"])


async def test_a_replica_that_is_gone_is_an_error_that_says_so(worlds: tuple[World, World]) -> None:
    session = await worlds[0].open()
    exchange = await worlds[0].ask(answer("gone1-4", "Ada"), session=session).whole()

    assert exchange.status == 503
    assert "REPLICA_GONE" in str(exchange.json["error"])


async def test_a_stream_read_from_afar_goes_on_while_nothing_comes(
    worlds: tuple[World, World], server: ModernServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_elsewhere, "POLL_SECONDS", 0.01)
    one, other = worlds
    session = await one.open()
    exchange = one.ask(call("steps"), session=session)
    last = [(await exchange.event())["id"] for _ in range(4)][-1]
    exchange.leave()
    again = other.ask(session=session, method="GET", headers={"last-event-id": last})
    async with asyncio.timeout(10):
        while again.body.count(b": \n") < 3:  # noqa: ASYNC110 - comments are no events to wait for
            await asyncio.sleep(0.005)
    server.release.set()

    assert texts(await again.events()) == ["answer"]
