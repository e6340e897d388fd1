"""Arrays of messages, as revision 2025-03-26 allows them."""

import orjson
import pytest
from tests.older_clients import ModernServer, World, call, notification, request, texts

from mcp_gateway.core.errors import Json

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


async def test_the_answers_to_a_batch_are_an_array(world: World) -> None:
    session = await world.open("2025-03-26")
    batch: Json = [call("echo", 1, text="a"), notification("notifications/initialized"), request("ping", 2), call("echo", 3)]
    exchange = await world.ask(batch, session=session).whole()

    assert exchange.headers["content-type"] == "application/json"
    assert sorted(answer["id"] for answer in orjson.loads(exchange.body)) == [1, 2, 3]


async def test_a_batch_of_one_is_answered_by_an_array_of_one(world: World) -> None:
    session = await world.open("2025-03-26")
    exchange = await world.ask([call("echo", 1)], session=session).whole()

    assert [answer["id"] for answer in orjson.loads(exchange.body)] == [1]


async def test_a_batch_without_a_request_is_taken_without_a_word(world: World) -> None:
    session = await world.open("2025-03-26")
    exchange = await world.ask([notification("notifications/initialized")], session=session).whole()

    assert (exchange.status, exchange.body) == (202, b"")


async def test_what_is_said_on_the_way_makes_all_answers_of_a_batch_events(world: World, server: ModernServer) -> None:
    server.release.set()
    session = await world.open("2025-03-26")
    exchange = await world.ask([request("ping", 1), call("steps", 2), call("echo", 3)], session=session).whole()
    events = await exchange.events()

    assert texts(events).count("answer") == 3
    assert texts(events).count("notifications/progress") == 2
    assert exchange.headers["content-type"] == "text/event-stream"


async def test_one_request_of_a_batch_can_be_cancelled(world: World) -> None:
    session = await world.open("2025-03-26")
    exchange = world.ask([call("hangs", 1), call("echo", 2)], session=session)
    await world.arrived(3)
    await world.ask(notification("notifications/cancelled", requestId=1), session=session).whole()
    await exchange.whole()

    assert {answer["id"]: "error" in answer for answer in orjson.loads(exchange.body)} == {1: True, 2: False}


async def test_two_requests_of_one_id_are_both_answered_and_cancelled_together(world: World, server: ModernServer) -> None:
    session = await world.open("2025-03-26")
    both = await world.ask([call("echo", 1, text="a"), call("echo", 1, text="b")], session=session).whole()
    exchange = world.ask([call("hangs", 1), call("hangs", 1)], session=session)
    await world.arrived(5)
    await world.ask(notification("notifications/cancelled", requestId=1), session=session).whole()
    await exchange.whole()

    assert [len(answer["result"]["content"]) for answer in orjson.loads(both.body)] == [1, 1]
    assert server.cancelled == ["1", "1"]


@pytest.mark.parametrize("batch", [[], [1], [[]], [{"jsonrpc": "2.0", "method": "initialize", "id": 1.5}]])
async def test_what_is_no_batch_is_refused(world: World, batch: Json) -> None:
    session = await world.open("2025-03-26")

    assert (await world.ask(batch, session=session).whole()).status == 400


async def test_a_batch_is_no_longer_than_it_may_be(world: World) -> None:
    session = await world.open("2025-03-26")
    batch: Json = [request("ping", number) for number in range(65)]

    assert (await world.ask(batch, session=session).whole()).status == 400


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
async def test_later_revisions_know_no_batches(world: World, revision: str) -> None:
    session = await world.open(revision)

    assert (await world.ask([request("ping")], session=session).whole()).status == 400


async def test_the_handshake_is_no_part_of_a_batch(world: World) -> None:
    session = await world.open("2025-03-26")
    exchange = await world.ask([request("initialize", 1)], session=session).whole()

    assert orjson.loads(exchange.body)[0]["error"]["code"] == -32600
