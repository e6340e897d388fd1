"""What older clients may take up, and what becomes of answers that are long, broken or missing."""

from collections.abc import AsyncIterator

import pytest
from tests.older_clients import ModernServer, World, call, initialize, raising, request, texts, whole

from mcp_gateway.access.errors import InsufficientScope
from mcp_gateway.core.clock import SystemClock
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import object_at, result_message
from mcp_gateway.entrypoints.mcp.federated import sessions_live
from mcp_gateway.federation.client_sessions.memory import MemoryClientSessions
from mcp_gateway.federation.client_sessions.sessions import ClientSessions
from mcp_gateway.federation.errors import UpstreamLost, UpstreamUnreachable
from mcp_gateway.federation.model import Reply, Request

pytestmark = pytest.mark.anyio

BERT = Caller(tenant="acme", subject="bert", issuer="https://id.example")


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


async def test_nobody_can_open_all_the_sessions_there_are(server: ModernServer) -> None:
    ids = iter("abcdefgh")
    store = MemoryClientSessions(SystemClock(), max_sessions=3, max_of_one=2)
    world = World(server, sessions=ClientSessions(store, new_id=lambda: next(ids)))
    for _ in range(2):
        await world.open()
    refused = await world.ask(initialize()).whole()
    others = await world.ask(initialize(), caller=BERT).whole()
    full = await world.ask(initialize(), caller=Caller(tenant="acme", subject="carl")).whole()

    assert (refused.status, others.status, full.status) == (429, 200, 503)
    assert "mcp-session-id" not in refused.headers


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
async def test_nobody_can_have_all_the_streams_open(world: World, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(sessions_live, "MAX_OPEN_REQUESTS", 1)
    stream = world.ask(session=await world.open(), method="GET", path=path)
    await stream.event()
    session = await world.open()

    assert (await world.ask(session=session, method="GET", path=path).whole()).status == 429
    others = world.ask(method="GET", path="/sse", caller=BERT)
    await others.event()
    stream.leave()
    await stream.task
    again = world.ask(session=session, method="GET", path=path)
    await again.event()
    for one in (others, again):
        one.task.cancel()


async def test_only_so_many_streams_stand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.entrypoints.mcp.federated.sse_standing.MAX_STANDING", 1)
    first = world.ask(session=await world.open(), method="GET")
    await first.event()

    assert (await world.ask(session=await world.open(), method="GET").whole()).status == 503
    first.task.cancel()


async def test_a_client_that_declares_too_much_gets_no_session(world: World) -> None:
    exchange = await world.ask(initialize(experimental={"x": "y" * 20_000})).whole()

    assert exchange.status == 413
    assert "mcp-session-id" not in exchange.headers


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 5}, {"protocolVersion": "2025-11-25", "capabilities": []}])
async def test_a_handshake_that_says_too_little_opens_no_session(world: World, params: dict[str, object]) -> None:
    exchange = await world.ask(request("initialize", 1, **params)).whole()

    assert object_at(exchange.json, "error")["code"] == -32602
    assert "mcp-session-id" not in exchange.headers


async def test_a_server_that_cannot_be_reached_opens_no_session() -> None:
    exchange = await World(raising(UpstreamUnreachable(server="up"))).ask(initialize()).whole()

    assert "UPSTREAM_UNREACHABLE" in str(exchange.json["error"])
    assert "mcp-session-id" not in exchange.headers


async def test_an_error_of_ours_is_a_result_of_the_tool_and_an_error_of_anything_else(world: World, server: ModernServer) -> None:
    session = await world.open()
    server.tools["away"] = raising(UpstreamUnreachable(server="up"))
    tool = (await world.call(session, "away")).json

    assert object_at(tool, "result")["isError"] is True
    assert "UPSTREAM_UNREACHABLE" in str(tool)
    assert "resultType" not in object_at(tool, "result")


async def test_a_fault_of_ours_tells_nothing_of_itself(world: World, server: ModernServer) -> None:
    async def broken(_: Request) -> Reply:
        raise RuntimeError("secret detail")

    server.tools["broken"] = broken
    exchange = await world.call(await world.open(), "broken")

    assert exchange.status == 200
    assert "INTERNAL_ERROR" in str(exchange.json)
    assert "secret" not in str(exchange.json)


async def test_a_stream_that_ends_without_an_answer_is_an_error(world: World, server: ModernServer) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}'

    async def tool(_: Request) -> Reply:
        return Reply(events=events())

    server.tools["ends"] = tool
    told = await (await world.call(await world.open(), "ends")).events()

    assert texts(told) == ["notifications/progress", "answer"]
    assert "UPSTREAM_MISBEHAVED" in str(told[-1].json)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"null"])
async def test_what_is_no_answer_is_an_error(world: World, server: ModernServer, body: bytes) -> None:
    async def tool(_: Request) -> Reply:
        return Reply(body=body)

    server.tools["odd"] = tool

    assert "UPSTREAM_MISBEHAVED" in str((await world.call(await world.open(), "odd")).json)


async def test_an_answer_too_long_to_hold_passes_through_in_pieces(world: World, server: ModernServer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"jsonrpc":"2.0","id":7,"result":', b'{"content":[],\n', b'"n":1}}'):
            yield piece

    async def tool(_: Request) -> Reply:
        return Reply(chunks=pieces())

    server.tools["long"] = tool
    exchange = await world.call(await world.open(), "long")

    assert (exchange.headers["content-type"], exchange.json["result"]) == ("application/json", {"content": [], "n": 1})


async def test_a_reply_is_always_closed(world: World, server: ModernServer) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("yes")

    async def tool(request: Request) -> Reply:
        return Reply(body=whole({"jsonrpc": "2.0", "id": request.id, "result": {}}).body, close=close)

    server.tools["plain"] = tool
    await world.call(await world.open(), "plain")

    assert closed == ["yes"]


async def test_a_token_that_may_not_is_told_over_http_what_may(world: World, server: ModernServer) -> None:
    server.tools["kept"] = raising(InsufficientScope(scope="tools:write"))
    exchange = await world.call(await world.open(), "kept")

    assert exchange.status == 403
    assert 'scope="tools:write"' in exchange.headers["www-authenticate"]
    assert "INSUFFICIENT_SCOPE" in str(exchange.json["error"])


async def test_in_a_batch_it_is_told_in_the_answer_alone(world: World, server: ModernServer) -> None:
    server.tools["kept"] = raising(InsufficientScope(scope="tools:write"))
    exchange = await world.ask([call("kept", 1), call("echo", 2)], session=await world.open("2025-03-26")).whole()

    assert exchange.status == 200
    assert b"INSUFFICIENT_SCOPE" in exchange.body


async def broken_off() -> AsyncIterator[bytes]:
    yield b'{"jsonrpc":"2.0","id":7,"result":'
    raise UpstreamLost(server="up")


async def test_an_answer_that_breaks_off_is_left_unfinished(world: World, server: ModernServer) -> None:
    async def tool(_: Request) -> Reply:
        return Reply(chunks=broken_off())

    server.tools["long"] = tool
    exchange = world.ask(call("long"), session=await world.open())
    await exchange.task

    assert (exchange.complete, exchange.body) == (False, b'{"jsonrpc":"2.0","id":7,"result":')


async def test_a_kind_of_answer_that_was_unknown_then_is_an_error_that_says_so(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        return whole(result_message(request.id, {"resultType": "task", "taskId": "t-1"}))

    server.tools["task"] = tool

    assert "NOT_EXPRESSIBLE" in str((await world.call(await world.open(), "task")).json["result"])


async def test_goodbye_ends_what_stands_and_lets_calls_come_to_their_answers(world: World, server: ModernServer) -> None:
    session = await world.open()
    stream, pipe = world.ask(session=session, method="GET"), world.ask(method="GET", path="/sse")
    await stream.event()
    await pipe.event()
    exchange = world.ask(call("steps"), session=session)
    await exchange.event()
    world.live.say_goodbye()
    await stream.whole()
    await pipe.whole()
    server.release.set()

    assert texts(await exchange.events())[-1] == "answer"
