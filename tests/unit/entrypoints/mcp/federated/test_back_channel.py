"""A server of 2026-07-28 that needs its client in the middle of a call, and a client that is asked the old way."""

import pytest
from tests.older_clients import Event, Exchange, ModernServer, World, call, needed, notification, text_result, texts, whole

from mcp_gateway.core.protocol.frames import JsonObject, object_at, parse_object, render
from mcp_gateway.entrypoints.mcp.federated import back_channel, legacy_call
from mcp_gateway.federation.model import Reply, Request

pytestmark = pytest.mark.anyio

FORM: JsonObject = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "object"}}}
PAGE: JsonObject = {
    "method": "elicitation/create",
    "params": {"mode": "url", "message": "?", "url": "https://x", "elicitationId": "1"},
}
SAMPLE: JsonObject = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
ROOTS: JsonObject = {"method": "roots/list"}


@pytest.fixture
def server() -> ModernServer:
    return ModernServer()


@pytest.fixture
def world(server: ModernServer) -> World:
    return World(server)


async def question(exchange: Exchange) -> Event:
    while not (event := await exchange.event())["data"]:
        pass
    return event


async def reply(world: World, session: str, asked: Event, **answer: object) -> int:
    message: JsonObject = {"jsonrpc": "2.0", "id": asked.json["id"], **answer}  # type: ignore[dict-item]  # JSON, as written in the test
    return (await world.ask(message, session=session).whole()).status


async def test_all_a_round_wants_is_asked_at_once_and_answered_together(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        answers = object_at(request.params, "inputResponses")
        if len(answers) == 3:
            return whole(text_result(request, ",".join(sorted(answers))))
        return needed(request, "three", form=FORM, sample=SAMPLE, roots=ROOTS)

    server.tools["three"] = tool
    session = await world.open(elicitation={}, sampling={}, roots={})
    exchange = world.ask(call("three"), session=session)
    asked = [await question(exchange) for _ in range(3)]
    for one in reversed(asked):
        await reply(world, session, one, result={"action": "accept", "roots": [], "content": {}, "role": "user"})

    assert len({str(one.json["id"]) for one in asked}) == 3
    assert "form,roots,sample" in str((await exchange.events())[-1].json["result"])
    assert world.sent[-1].params["requestState"] == "three"
    assert (world.sent[-1].id, world.sent[-1].params["name"]) == (7, "three")


async def test_round_follows_round_and_only_the_latest_answers_go_along(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        state = request.params.get("requestState")
        if state is None:
            return needed(request, "1", first=FORM)
        if state == "1":
            assert list(object_at(request.params, "inputResponses")) == ["first"]
            return needed(request, "2", second=FORM)
        return whole(text_result(request, str(list(object_at(request.params, "inputResponses")))))

    server.tools["rounds"] = tool
    session = await world.open(elicitation={})
    exchange = world.ask(call("rounds"), session=session)
    for _ in range(2):
        await reply(world, session, await question(exchange), result={"action": "accept", "content": {}})

    assert "['second']" in str((await exchange.events())[-1].json["result"])


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_refusal_by_the_user_goes_to_the_server_as_it_is(world: World, server: ModernServer, action: str) -> None:
    async def tool(request: Request) -> Reply:
        answers = object_at(request.params, "inputResponses")
        return whole(text_result(request, str(answers))) if answers else needed(request, "s", form=FORM)

    server.tools["form"] = tool
    session = await world.open(elicitation={})
    exchange = world.ask(call("form"), session=session)
    await reply(world, session, await question(exchange), result={"action": action})

    assert action in str((await exchange.events())[-1].json["result"])


async def test_a_form_the_client_cannot_show_counts_as_cancelled(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        answers = object_at(request.params, "inputResponses")
        return whole(text_result(request, str(answers))) if answers else needed(request, "s", form=FORM)

    server.tools["form"] = tool
    session = await world.open(elicitation={})
    exchange = world.ask(call("form"), session=session)
    await reply(world, session, await question(exchange), error={"code": -32602, "message": "no such form"})

    assert "'action': 'cancel'" in str((await exchange.events())[-1].json["result"])


async def test_a_refused_sample_ends_the_call_with_the_clients_own_error(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        return needed(request, "s", sample=SAMPLE)

    server.tools["sample"] = tool
    session = await world.open(sampling={})
    exchange = world.ask(call("sample"), session=session)
    await reply(world, session, await question(exchange), error={"code": -1, "message": "User rejected"})

    assert (await exchange.events())[-1].json["error"] == {"code": -1, "message": "User rejected"}


async def test_what_else_was_asked_is_withdrawn_when_one_answer_is_refused(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        return needed(request, "s", form=FORM, sample=SAMPLE)

    server.tools["both"] = tool
    session = await world.open(sampling={}, elicitation={})
    exchange = world.ask(call("both"), session=session)
    form, sample = await question(exchange), await question(exchange)
    await reply(world, session, sample, error={"code": -1, "message": "User rejected"})
    events = await exchange.events()

    assert texts(events) == ["notifications/cancelled", "answer"]
    assert object_at(events[0].json, "params")["requestId"] == form.json["id"]


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        ({}, FORM),
        ({"elicitation": {"form": {}}}, PAGE),
        ({"elicitation": {}}, SAMPLE),
        ({"sampling": {}}, ROOTS),
        ({"sampling": {}}, {"method": "tools/list"}),
        ({"sampling": {}}, {"method": 5}),
    ],
)
async def test_what_the_client_cannot_be_asked_is_an_error_that_says_so(
    world: World, server: ModernServer, declared: dict[str, object], asked: JsonObject
) -> None:
    async def tool(request: Request) -> Reply:
        return needed(request, "s", it=asked)

    server.tools["it"] = tool
    exchange = await world.call(await world.open(declared=declared), "it")

    assert exchange.headers["content-type"] == "application/json"
    assert "NOT_EXPRESSIBLE" in str(exchange.json["result"])


async def test_a_page_is_shown_to_a_client_that_can(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        return needed(request, "s", it=PAGE)

    server.tools["it"] = tool
    exchange = world.ask(call("it"), session=await world.open(elicitation={"url": {}}))

    assert object_at((await question(exchange)).json, "params")["url"] == "https://x"
    exchange.task.cancel()


async def test_a_client_that_stays_silent_is_told_that_it_is_too_late(
    world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(back_channel, "ANSWER_SECONDS", 0.01)
    session = await world.open(elicitation={})
    exchange = world.ask(call("asks"), session=session)
    asked = await question(exchange)
    events = await exchange.events()

    assert texts(events) == ["notifications/cancelled", "answer"]
    assert object_at(events[0].json, "params")["requestId"] == asked.json["id"]
    assert "CLIENT_SILENT" in str(events[1].json["result"])
    assert await reply(world, session, asked, result={"action": "accept"}) == 202


async def test_a_server_that_never_has_enough_is_stopped(
    world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy_call, "PAUSE_SECONDS", 0.0)

    async def tool(request: Request) -> Reply:
        return needed(request, "again")

    server.tools["again"] = tool
    exchange = await world.call(await world.open(), "again")

    assert "UPSTREAM_MISBEHAVED" in str(exchange.json["result"])
    assert len(world.sent) == 1 + 16


async def test_a_server_that_asks_too_much_at_once_is_stopped(world: World, server: ModernServer) -> None:
    async def tool(request: Request) -> Reply:
        return needed(request, "s", **{f"q{number}": FORM for number in range(17)})

    server.tools["many"] = tool
    exchange = await world.call(await world.open(elicitation={}), "many")

    assert "UPSTREAM_MISBEHAVED" in str(exchange.json["result"])


async def test_a_call_that_waits_for_its_client_can_be_cancelled(world: World) -> None:
    session = await world.open(elicitation={})
    exchange = world.ask(call("asks"), session=session)
    await question(exchange)
    await world.ask(notification("notifications/cancelled", requestId=7), session=session).whole()

    assert object_at((await exchange.events())[-1].json, "error")["code"] == -32800


async def test_an_answer_by_another_session_is_none(world: World) -> None:
    session, other = await world.open(elicitation={}), await world.open(elicitation={})
    exchange = world.ask(call("asks"), session=session)
    asked = await question(exchange)
    await reply(world, other, asked, result={"action": "accept", "content": {"name": "Eve"}})
    await reply(world, session, asked, result={"action": "accept", "content": {"name": "Ada"}})

    assert "hello Ada" in str((await exchange.events())[-1].json["result"])


@pytest.mark.parametrize("asked", [FORM, SAMPLE], ids=["form", "sample"])
async def test_a_refusal_reaches_a_server_that_can_take_it(world: World, server: ModernServer, asked: JsonObject) -> None:
    async def tool(request: Request) -> Reply:
        answers = object_at(request.params, "inputResponses")
        if answers:
            return whole(text_result(request, render(answers).decode()))
        told = parse_object(needed(request, "s", one=asked).body or b"")
        object_at(told, "result")["_meta"] = {"dev.mcp-gateway/refusals": True}
        return Reply(body=render(told))

    server.tools["asks"] = tool
    session = await world.open(elicitation={}, sampling={})
    exchange = world.ask(call("asks"), session=session)
    await reply(world, session, await question(exchange), error={"code": -1, "message": "no"})

    content = object_at((await exchange.events())[-1].json, "result")["content"]
    assert content == [{"type": "text", "text": '{"one":{"error":{"code":-1,"message":"no"}}}'}]


async def test_a_server_that_waits_is_told_when_there_will_be_no_answer(
    world: World, server: ModernServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(back_channel, "ANSWER_SECONDS", 0.0)

    async def tool(request: Request) -> Reply:
        told = parse_object(needed(request, "s", one=FORM).body or b"")
        object_at(told, "result")["_meta"] = {"dev.mcp-gateway/refusals": True}
        return Reply(body=render(told))

    server.tools["asks"] = tool
    session = await world.open(elicitation={})
    await world.ask(call("asks"), session=session).events()

    assert world.sent[-1].params["requestState"] == "s"
    assert world.sent[-1].params["_meta"] == {"dev.mcp-gateway/given-up": True}
