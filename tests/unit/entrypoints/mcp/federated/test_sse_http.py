"""Clients of HTTP+SSE (2024-11-05) in front of a server of 2026-07-28."""

import pytest
from tests.older_clients import ANNA, Exchange, ModernServer, World, call, initialize, notification, request, texts

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.entrypoints.mcp.federated import sse_http, sse_pipe

pytestmark = pytest.mark.anyio

BERT = Caller(tenant="acme", subject="bert", issuer="https://id.example")


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


async def opened(world: World, path: str = "/sse") -> tuple[Exchange, str]:
    stream = world.ask(method="GET", path=path)
    event = await stream.event()
    assert event["event"] == "endpoint"
    return stream, event["data"]


async def post(world: World, address: str, message: Json, caller: Caller = ANNA) -> int:
    return (await world.ask(message, path=address, caller=caller).whole()).status


async def introduced(world: World, **capabilities: object) -> tuple[Exchange, str]:
    stream, address = await opened(world)
    assert await post(world, address, initialize("2024-11-05", **capabilities)) == 202
    assert object_at((await stream.event()).json, "result")["protocolVersion"] == "2024-11-05"
    return stream, address


@pytest.mark.parametrize(("path", "there"), [("/sse", "/messages/"), ("/servers/shop/sse", "/servers/shop/messages/")])
async def test_the_stream_says_where_to_post(world: World, path: str, there: str) -> None:
    stream, address = await opened(world, path)

    assert address.startswith(there + "?session_id=")
    stream.task.cancel()


async def test_answers_come_on_the_stream(world: World) -> None:
    stream, address = await introduced(world)
    assert await post(world, address, notification("notifications/initialized")) == 202
    assert await post(world, address, call("echo", text="hi")) == 202

    assert (await stream.event()).json["result"] == {"content": [{"type": "text", "text": "hi"}]}
    assert world.sent[-1].client.info == {"name": "older", "version": "1"}
    stream.task.cancel()


async def test_a_question_and_its_answer_go_the_same_way(world: World) -> None:
    stream, address = await introduced(world, elicitation={})
    await post(world, address, call("asks"))
    question = await stream.event()
    reply: JsonObject = {
        "jsonrpc": "2.0",
        "id": question.json["id"],
        "result": {"action": "accept", "content": {"name": "Ada"}},
    }
    assert await post(world, address, reply) == 202

    assert object_at((await stream.event()).json, "result")["content"] == [{"type": "text", "text": "hello Ada"}]
    stream.task.cancel()


async def test_progress_and_changes_come_on_the_stream(world: World, server: ModernServer) -> None:
    stream, address = await introduced(world)
    server.release.set()
    await post(world, address, call("steps"))
    told = texts([await stream.event() for _ in range(4)])
    server.changes.put_nowait(notification("notifications/tools/list_changed"))

    assert told == ["notifications/progress", "notifications/progress", "notifications/message", "answer"]
    assert texts([await stream.event()]) == ["notifications/tools/list_changed"]
    stream.task.cancel()


async def test_a_session_ends_with_its_stream_and_its_calls_with_it(world: World, server: ModernServer) -> None:
    stream, address = await introduced(world)
    await post(world, address, call("hangs"))
    while all(one.method != "tools/call" for one in world.sent):
        await world.arrived(len(world.sent) + 1)
    stream.leave()
    await stream.task

    assert "7" in server.cancelled
    assert await post(world, address, call("echo")) == 404


async def test_a_request_can_be_cancelled(world: World, server: ModernServer) -> None:
    stream, address = await introduced(world)
    await post(world, address, call("hangs"))
    while all(one.method != "tools/call" for one in world.sent):
        await world.arrived(len(world.sent) + 1)
    await post(world, address, notification("notifications/cancelled", requestId=7))

    assert object_at((await stream.event()).json, "error")["code"] == -32800
    stream.task.cancel()


async def test_a_session_of_somebody_else_looks_like_none(world: World) -> None:
    stream, address = await introduced(world)

    assert await post(world, address, call("echo"), BERT) == 404
    assert await post(world, "/messages/?session_id=r1-none", call("echo")) == 404
    assert await post(world, "/messages/", call("echo")) == 400
    stream.task.cancel()


async def test_a_session_of_this_transport_is_none_of_streamable_http(world: World) -> None:
    stream, address = await introduced(world)
    exchange = await world.ask(call("echo"), session=address.partition("session_id=")[2]).whole()

    assert exchange.status == 404
    stream.task.cancel()


@pytest.mark.parametrize("message", [{"jsonrpc": "2.0"}, [1], {"jsonrpc": "2.0", "id": 1.5, "method": "ping"}])
async def test_what_is_no_message_is_refused(world: World, message: Json) -> None:
    stream, address = await introduced(world)

    assert await post(world, address, message) == 400
    stream.task.cancel()


async def test_a_client_that_declares_too_much_is_told_so(world: World) -> None:
    stream, address = await opened(world)
    await post(world, address, initialize("2024-11-05", experimental={"x": "y" * 20_000}))

    assert "TOO_LARGE" in str((await stream.event()).json["error"])
    stream.task.cancel()


async def test_only_so_many_streams_and_messages_are_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_http, "MAX_PIPES", 1)
    monkeypatch.setattr(sse_pipe, "MAX_UNDER_WAY", 1)
    stream, address = await introduced(world)
    await post(world, address, call("hangs", 1))

    assert await post(world, address, request("ping", 2)) == 429
    assert (await world.ask(method="GET", path="/sse").whole()).status == 503
    stream.task.cancel()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_other_http_methods_are_not_allowed(world: World, method: str) -> None:
    assert (await world.ask(method=method, path="/sse").whole()).status == 405
