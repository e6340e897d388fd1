"""Clients of the handshake era over Streamable HTTP, in front of a server of 2026-07-28."""

import pytest
from tests.older_clients import ANNA, Exchange, ModernServer, World, call, initialize, notification, request, texts

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.federation.client_sessions.model import key_of

pytestmark = pytest.mark.anyio

REVISIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


def text_of(exchange: Exchange) -> object:
    content = object_at(exchange.json, "result").get("content")
    assert isinstance(content, list)
    assert isinstance(content[0], dict)
    return content[0]["text"]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_the_handshake_answers_from_what_the_server_says_of_itself(world: World, revision: str) -> None:
    exchange = await world.ask(initialize(revision)).whole()

    assert exchange.headers["content-type"] == "application/json"
    assert exchange.json["result"] == {
        "protocolVersion": revision,
        "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}},
        "serverInfo": {"name": "fixture", "version": "2"},
        "instructions": "Ask nicely.",
    }
    assert exchange.headers["mcp-session-id"]


async def test_a_client_that_asks_for_another_revision_is_offered_the_latest_of_its_era(world: World) -> None:
    exchange = await world.ask(initialize("2026-07-28")).whole()

    assert object_at(exchange.json, "result")["protocolVersion"] == "2025-11-25"


async def test_an_extension_is_told_to_a_client_that_declared_it_and_tasks_to_none(world: World, server: ModernServer) -> None:
    declared: dict[str, object] = {"io.modelcontextprotocol/ui": {}, "io.modelcontextprotocol/tasks": {}}
    exchange = await world.ask(initialize(extensions=declared, tasks={}, roots={})).whole()
    await world.call(exchange.headers["mcp-session-id"], "echo")

    assert object_at(exchange.json, "result", "capabilities")["extensions"] == {"io.modelcontextprotocol/ui": {}}
    assert world.sent[-1].client.capabilities == {"extensions": {"io.modelcontextprotocol/ui": {}}, "roots": {}}


async def test_a_call_is_answered_as_json_in_the_words_of_its_revision(world: World) -> None:
    session = await world.open()
    exchange = await world.call(session, "echo", text="ü")

    assert (exchange.status, exchange.headers["content-type"]) == (200, "application/json")
    assert exchange.json == {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "ü"}]}}


async def test_the_server_knows_the_client_by_what_it_said_in_the_handshake(world: World) -> None:
    session = await world.open("2025-06-18", elicitation={})
    await world.call(session, "echo")

    client = world.sent[-1].client
    assert (client.caller, client.revision, client.session) == (ANNA, "2025-06-18", key_of(session))
    assert (client.info, client.capabilities) == ({"name": "older", "version": "1"}, {"elicitation": {}})


async def test_a_list_is_without_the_words_of_caching(world: World) -> None:
    session = await world.open()
    exchange = await world.ask(request("tools/list"), session=session).whole()

    assert set(object_at(exchange.json, "result")) == {"tools"}


async def test_a_missing_resource_has_the_code_it_had_then_under_status_200(world: World) -> None:
    session = await world.open()
    exchange = await world.ask(request("resources/read", uri="x://gone"), session=session).whole()

    assert exchange.status == 200
    assert object_at(exchange.json, "error") == {"code": -32002, "message": "Resource not found", "data": {"uri": "x://gone"}}


async def test_what_a_client_says_of_itself_in_a_request_of_then_is_not_believed(world: World) -> None:
    session = await world.open()
    forged = call("echo")
    object_at(forged, "params").update(
        {
            "_meta": {"io.modelcontextprotocol/clientCapabilities": {"sampling": {}}, "progressToken": 4},
            "inputResponses": {"x": {}},
            "requestState": "forged",
            "task": {"ttl": 1},
        }
    )
    await world.ask(forged, session=session).whole()

    assert world.sent[-1].params == {"name": "echo", "arguments": {}, "_meta": {"progressToken": 4}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "application/json"}, 406),
        ({"accept": "text/event-stream"}, 406),
        ({"accept": ""}, 406),
        ({"content-type": "text/plain"}, 415),
        ({"mcp-protocol-version": "1999-01-01"}, 400),
        ({"mcp-session-id": ""}, 400),
        ({"mcp-session-id": "session-99"}, 404),
        ({"mcp-session-id": "x" * 300}, 404),
    ],
)
async def test_a_request_that_breaks_the_transports_rules_is_refused(world: World, headers: dict[str, str], status: int) -> None:
    session = await world.open()
    before = len(world.sent)
    exchange = await world.ask(call("echo"), headers={"mcp-session-id": session, **headers}).whole()

    assert exchange.status == status
    assert exchange.json["id"] is None
    assert len(world.sent) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
async def test_other_http_methods_are_not_allowed(world: World, method: str) -> None:
    exchange = await world.ask(method=method).whole()

    assert exchange.status == 405
    assert exchange.headers["allow"] == "GET, POST, DELETE"


@pytest.mark.parametrize(
    "stranger",
    [
        Caller(tenant="acme", subject="bert", issuer="https://id.example"),
        Caller(tenant="other", subject="anna", issuer="https://id.example"),
        Caller(tenant="acme", subject="anna", issuer="https://other.example"),
    ],
)
async def test_a_session_of_somebody_else_looks_like_none(world: World, stranger: Caller) -> None:
    session = await world.open()
    theirs = await world.ask(call("echo"), session=session, caller=stranger).whole()
    ended = await world.ask(session=session, caller=stranger, method="DELETE").whole()
    nobodys = await world.ask(call("echo"), session="session-99").whole()

    assert (theirs.status, ended.status) == (404, 404)
    assert theirs.body == nobodys.body
    assert (await world.call(session, "echo")).status == 200


async def test_an_ended_session_is_not_found_any_more(world: World) -> None:
    session = await world.open()
    assert (await world.ask(session=session, method="DELETE").whole()).status == 200

    assert (await world.call(session, "echo")).status == 404
    assert (await world.ask(session=session, method="DELETE").whole()).status == 404


async def test_a_session_nobody_uses_ends_by_itself(world: World) -> None:
    session = await world.open()
    world.clock.advance(599)
    assert (await world.call(session, "echo")).status == 200
    world.clock.advance(601)
    assert (await world.call(session, "echo")).status == 404


async def test_what_the_session_knows_is_answered_without_a_server(world: World) -> None:
    session = await world.open()
    before = len(world.sent)
    for message in (request("ping"), request("logging/setLevel", level="warning")):
        assert (await world.ask(message, session=session).whole()).json == {"jsonrpc": "2.0", "id": 7, "result": {}}
    wrong = await world.ask(request("logging/setLevel", level="loud"), session=session).whole()

    assert object_at(wrong.json, "error")["code"] == -32602
    assert len(world.sent) == before
    await world.call(session, "echo")
    assert world.sent[-1].client.log_level == "warning"


@pytest.mark.parametrize("method", ["server/discover", "subscriptions/listen", "tasks/get", "initialize/x", "tasks/list"])
async def test_a_method_of_another_era_is_not_found(world: World, method: str) -> None:
    session = await world.open()
    exchange = await world.ask(request(method), session=session).whole()

    assert object_at(exchange.json, "error")["code"] == -32601
    assert exchange.status == 200


async def test_notifications_and_stray_answers_are_taken_without_a_word(world: World) -> None:
    session = await world.open()
    answer: JsonObject = {"jsonrpc": "2.0", "id": "r1-77", "result": {}}
    for message in (
        notification("notifications/initialized"),
        notification("notifications/roots/list_changed"),
        notification("notifications/cancelled", requestId=99),
        answer,
    ):
        exchange = await world.ask(message, session=session).whole()
        assert (exchange.status, exchange.body) == (202, b"")


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]},
        {"jsonrpc": "2.0", "id": 1},
        {},
        [],
    ],
)
async def test_what_is_no_message_is_refused(world: World, message: Json) -> None:
    session = await world.open("2025-03-26")

    assert (await world.ask(message, session=session).whole()).status == 400


async def test_a_message_on_the_way_makes_the_answer_a_stream(world: World, server: ModernServer) -> None:
    session = await world.open()
    server.release.set()
    exchange = await world.call(session, "steps")
    events = await exchange.events()

    assert exchange.headers["content-type"] == "text/event-stream"
    assert texts(events) == ["notifications/progress", "notifications/progress", "notifications/message", "answer"]
    assert events[-1].json["result"] == {"content": [{"type": "text", "text": "done"}]}


async def test_a_client_that_set_a_level_hears_nothing_below_it(world: World, server: ModernServer) -> None:
    session = await world.open()
    await world.ask(request("logging/setLevel", level="error"), session=session).whole()
    server.release.set()

    assert "notifications/message" not in texts(await (await world.call(session, "steps")).events())


async def test_the_latest_of_these_revisions_is_primed_to_come_back(world: World, server: ModernServer) -> None:
    server.release.set()
    first = (await (await world.call(await world.open("2025-11-25"), "steps")).events())[0]
    older = (await (await world.call(await world.open("2025-06-18"), "steps")).events())[0]

    assert first["data"] == ""
    assert first["id"]
    assert int(first["retry"]) > 0
    assert older["data"]


async def test_a_question_of_the_server_goes_to_the_client_and_its_answer_back(world: World) -> None:
    session = await world.open(elicitation={})
    exchange = world.ask(call("asks"), session=session)
    while "method" not in (question := await exchange.event())["data"]:
        pass
    assert question.json["method"] == "elicitation/create"
    assert object_at(question.json, "params")["message"] == "Who?"
    reply: JsonObject = {"jsonrpc": "2.0", "id": question.json["id"], "result": {"action": "accept", "content": {"name": "Ada"}}}
    assert (await world.ask(reply, session=session).whole()).status == 202

    answer = await exchange.event()
    assert object_at(answer.json, "result")["content"] == [{"type": "text", "text": "hello Ada"}]
    assert world.sent[-1].params["requestState"] == "s-1"
    await exchange.whole()


async def test_a_client_is_asked_nothing_it_did_not_declare(world: World) -> None:
    session = await world.open(sampling={})
    exchange = await world.call(session, "asks")

    assert object_at(exchange.json, "result")["isError"] is True
    assert "NOT_EXPRESSIBLE" in str(text_of(exchange))


async def test_a_cancelled_request_is_cancelled_at_the_server(world: World, server: ModernServer) -> None:
    session = await world.open()
    exchange = world.ask(call("hangs", 7), session=session)
    await world.arrived(2)
    await world.ask(notification("notifications/cancelled", requestId=7), session=session).whole()
    await exchange.whole()

    assert server.cancelled == ["7"]
    assert object_at(exchange.json, "error")["code"] == -32800
    assert world.live.find(key_of(session)) is None
