"""A server that asks its client something: the call waits, only its own client finds it again, and it does not wait for ever."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.upstreams.older import (
    ABLE,
    OlderServer,
    answer_to,
    asking,
    calling,
    does_it,
    error,
    event,
    older_server,
    parked_calls,
    result,
    session_link,
    words,
)
from tests.upstreams.reaching import CLIENT, until
from tests.upstreams.scripted_http import Asked, Wire, scripted

from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import StaleRequestState, UpstreamLost
from mcp_gateway.federation.model import Client, Reply
from mcp_gateway.federation.ports import Link

pytestmark = pytest.mark.anyio

FORM = {"mode": "form", "message": "Sure?", "requestedSchema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}
PAGE = {"mode": "url", "message": "Log in", "url": "https://log.in/", "elicitationId": "e1"}
YES = {"action": "accept", "content": {"ok": True}}


class AskingServer:
    """Asks `questions` all at once, and tells the answers."""

    def __init__(self, *questions: dict[str, Any]) -> None:
        self.questions = questions
        self.server: OlderServer

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [message for message in self.server.said if "method" not in message]

    async def act(self, wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.begin_stream()
        asked = [{"jsonrpc": "2.0", "id": f"s{number}", **question} for number, question in enumerate(self.questions)]
        wire.chunk(b"".join(event(json.dumps(one).encode()) for one in asked))
        await wire.writer.drain()
        await until(lambda: len(self.answers) >= len(self.questions))
        told = json.dumps([answer.get("result", answer.get("error")) for answer in self.answers])
        wire.chunk(event(answer_to(message, {"content": [{"type": "text", "text": told}]})))
        wire.chunk(b"")


def form(**more: Any) -> dict[str, Any]:
    return {"method": "elicitation/create", "params": {**FORM, **more}}


async def back(link: Link, asked: dict[str, Any], answers: dict[str, Any], *, client: Client = ABLE, name: str = "work") -> Reply:
    """The same call again, with these answers."""
    return await link.send(calling(name, None, client, inputResponses=answers, requestState=asked["requestState"]))


async def test_the_client_is_asked_and_its_answer_reaches_the_call_that_waits() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        assert asked["resultType"] == "input_required"
        assert asked["inputRequests"] == {"question-1": form()}
        assert json.loads(await words(await back(link, asked, {"question-1": YES}))) == [YES]
        assert len(server.told("tools/call")) == 1


async def test_questions_asked_at_once_are_put_at_once_and_may_be_answered_one_by_one() -> None:
    sample = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
    answer = {"role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m"}
    asking_server = AskingServer(form(), sample, {"method": "roots/list"})
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        first = await result(await link.send(calling("work", None, ABLE)))
        assert [one["method"] for one in first["inputRequests"].values()] == [
            "elicitation/create",
            "sampling/createMessage",
            "roots/list",
        ]
        second = await result(await back(link, first, {"question-2": answer, "unasked": YES}))
        assert sorted(second["inputRequests"]) == ["question-1", "question-3"]
        told = await words(await back(link, second, {"question-1": YES, "question-3": {"roots": []}}))
        assert json.loads(told) == [answer, YES, {"roots": []}]


@pytest.mark.parametrize(
    "nonsense",
    [None, "yes", {}, {"action": "perhaps"}, {"action": "accept", "content": "yes"}, {"roots": []}],
    ids=["null", "text", "empty", "unknown", "no_object", "another_kind"],
)
async def test_an_answer_that_makes_no_sense_is_asked_for_again(nonsense: Any) -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        again = await result(await back(link, asked, {"question-1": nonsense}))
        assert again["inputRequests"] == asked["inputRequests"]
        assert asking_server.answers == []
        assert json.loads(await words(await back(link, again, {"question-1": YES}))) == [YES]


async def test_a_client_may_decline() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        assert json.loads(await words(await back(link, asked, {"question-1": {"action": "decline"}}))) == [{"action": "decline"}]


async def test_a_client_of_an_older_era_may_say_no_as_it_is_used_to() -> None:
    asking_server = AskingServer(form())
    client, no = replace(ABLE, revision="2025-11-25"), {"code": -1, "message": "User rejected it"}
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, client)))
        assert asked["_meta"] == {"dev.mcp-gateway/refusals": True}
        assert json.loads(await words(await back(link, asked, {"question-1": {"error": no}}, client=client))) == [no]


async def test_a_call_whose_client_gives_no_answer_is_cancelled_at_the_server() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        gone = calling("work", None, ABLE, requestState=asked["requestState"], _meta={"dev.mcp-gateway/given-up": True})
        assert (await error(await link.send(gone)))["code"] == -32600
        assert len(server.told("notifications/cancelled")) == 1
        with pytest.raises(StaleRequestState):
            await back(link, asked, {"question-1": YES})


async def test_a_page_to_visit_is_put_to_a_client_that_can() -> None:
    asking_server = AskingServer({"method": "elicitation/create", "params": PAGE})
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        assert asked["inputRequests"]["question-1"]["params"] == PAGE
        assert json.loads(await words(await back(link, asked, {"question-1": {"action": "accept"}}))) == [{"action": "accept"}]


@pytest.mark.parametrize(
    ("capabilities", "question", "code"),
    [
        ({}, form(), -32601),
        ({"elicitation": {}}, {"method": "sampling/createMessage", "params": {}}, -32601),
        ({"elicitation": {}}, {"method": "roots/list"}, -32601),
        ({"elicitation": {"form": {}}}, {"method": "elicitation/create", "params": PAGE}, -32602),
        ({"elicitation": {"url": {}}}, form(), -32602),
        ({"elicitation": {}}, {"method": "made/up"}, -32601),
    ],
    ids=["nothing", "no_sampling", "no_roots", "no_pages", "no_forms", "unknown"],
)
async def test_what_the_client_did_not_declare_is_refused_without_asking_it(
    capabilities: Any, question: dict[str, Any], code: int
) -> None:
    asking_server = AskingServer(question)
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        told = json.loads(await words(await link.send(calling("work", None, replace(CLIENT, capabilities=capabilities)))))
        assert [one["code"] for one in told] == [code]


async def test_an_elicitation_declared_before_there_were_modes_means_forms() -> None:
    asking_server = AskingServer({"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {}}})
    client = replace(CLIENT, capabilities={"elicitation": {}})
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        assert (await result(await link.send(calling("work", None, client))))["resultType"] == "input_required"


async def test_a_client_is_not_asked_without_end() -> None:
    asking_server = AskingServer(*(form() for _ in range(40)))
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        while asked["resultType"] == "input_required":
            assert len(asked["inputRequests"]) <= 16
            asked = await result(await back(link, asked, dict.fromkeys(asked["inputRequests"], YES)))
        assert len(json.loads(asked["content"][0]["text"])) == 40


async def test_what_is_asked_while_the_gateway_itself_asks_is_refused() -> None:
    refused = asyncio.Event()

    async def asks_back(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        if message["method"] != "logging/setLevel":
            return wire.answer(answer_to(message, {"content": [{"type": "text", "text": "done"}]}))
        wire.begin_stream()
        wire.chunk(event(json.dumps({"jsonrpc": "2.0", "id": "s1", "method": "roots/list"}).encode()))
        await wire.writer.drain()
        await until(lambda: any(one.get("id") == "s1" and "error" in one for one in server.said))
        refused.set()
        wire.chunk(event(answer_to(message, {})))
        wire.chunk(b"")
        return None

    async with older_server(asks_back) as server, session_link(server.url) as link:
        await link.send(calling("work", None, replace(ABLE, log_level="info")))
    assert refused.is_set()


async def test_a_list_is_never_made_to_wait_for_an_answer() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        assert (await result(await link.send(asking("tools/list", ABLE))))["resultType"] == "complete"
        assert asking_server.answers[0]["error"]["code"] == -32600


STRANGERS = {
    "subject": replace(ABLE, caller=Caller(tenant="local", subject="somebody else")),
    "tenant": replace(ABLE, caller=Caller(tenant="other", subject="local")),
    "issuer": replace(ABLE, caller=replace(ABLE.caller, issuer="https://another.test")),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=list(STRANGERS))
async def test_nobody_else_finds_the_call_that_waits(stranger: Client) -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        with pytest.raises(StaleRequestState):
            await back(link, asked, {"question-1": YES}, client=stranger)
        assert json.loads(await words(await back(link, asked, {"question-1": YES}))) == [YES]


async def test_a_state_counts_once_and_only_for_what_it_was_given_for() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        changed = {**asked, "requestState": asked["requestState"][:-6] + "AAAAAA"}
        for state, name in (
            (changed, "work"),
            ({"requestState": asked["requestState"] + "-more"}, "work"),
            ({"requestState": "made up"}, "work"),
            ({"requestState": "é"}, "work"),
            (asked, "x"),
        ):
            with pytest.raises(StaleRequestState):
                await back(link, state, {"question-1": YES}, name=name)
        await back(link, asked, {"question-1": YES})
        with pytest.raises(StaleRequestState):
            await back(link, asked, {"question-1": YES})


async def test_a_call_that_waits_too_long_is_cancelled_at_the_server() -> None:
    asking_server = AskingServer(form())
    parked = parked_calls(seconds=0.0)
    async with older_server(asking_server.act) as server, session_link(server.url, parked=parked) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        await until(lambda: bool(server.told("notifications/cancelled")))
        with pytest.raises(StaleRequestState):
            await back(link, asked, {"question-1": YES})


async def test_an_answer_the_server_does_not_take_ends_the_call() -> None:
    asking_server = AskingServer(form())
    async with older_server(asking_server.act) as server, session_link(server.url) as link:
        asking_server.server = server
        asked = await result(await link.send(calling("work", None, ABLE)))
        server.known.clear()
        with pytest.raises(UpstreamLost):
            await back(link, asked, {"question-1": YES})
        assert len(server.told("tools/call")) == 1


async def test_of_too_many_calls_that_wait_the_oldest_gives_way() -> None:
    asking_server = AskingServer(form())
    parked = parked_calls(per_caller=2)
    async with older_server(asking_server.act) as server, session_link(server.url, parked=parked) as link:
        asking_server.server = server
        asked = [await result(await link.send(calling("work", None, ABLE))) for _ in range(3)]
        await until(lambda: bool(server.told("notifications/cancelled")))
        assert len(parked) == 2
        with pytest.raises(StaleRequestState):
            await back(link, asked[0], {"question-1": YES})


async def test_waiting_calls_of_one_caller_take_no_place_of_another() -> None:
    asking_server = AskingServer(form())
    parked = parked_calls(per_caller=1)
    async with older_server(asking_server.act) as server, session_link(server.url, parked=parked) as link:
        asking_server.server = server
        for client in (ABLE, *STRANGERS.values()):
            await link.send(calling("work", None, client))
        assert len(parked) == 4


async def test_a_question_the_server_takes_back_need_not_be_answered() -> None:
    async def changes_its_mind(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wire.begin_stream()
        for told in (
            {"jsonrpc": "2.0", "id": "s1", **form()},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "s1"}},
        ):
            wire.chunk(event(json.dumps(told).encode()))
        wire.chunk(event(answer_to(message, {"content": [{"type": "text", "text": "never mind"}]})))
        wire.chunk(b"")

    async with older_server(changes_its_mind) as server, session_link(server.url) as link:
        assert await words(await link.send(calling("work", None, ABLE))) == "never mind"


async def test_a_question_on_the_standing_stream_goes_to_the_only_call_under_way() -> None:
    streams: list[Wire] = []
    done = asyncio.Event()

    async def asks_elsewhere(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        await until(lambda: bool(streams))
        streams[0].chunk(event(json.dumps({"jsonrpc": "2.0", "id": "s1", **form()}).encode()))
        await streams[0].writer.drain()
        await done.wait()
        wire.answer(answer_to(message, {"content": [{"type": "text", "text": "thanks"}]}))

    class Streaming(OlderServer):
        async def _stream(self, wire: Wire, asked: Asked) -> None:
            wire.begin_stream()
            streams.append(wire)
            await wire.gone()

        async def _answer(self, wire: Wire, asked: Asked) -> None:
            if b'"id":"s1"' in asked.body:
                done.set()
            await super()._answer(wire, asked)

    server = Streaming(asks_elsewhere)
    async with scripted(server.script) as upstream:
        server.upstream = upstream
        async with session_link(server.url) as link:
            asked = await result(await link.send(calling("work", None, ABLE)))
            assert await words(await back(link, asked, {"question-1": YES})) == "thanks"


async def test_an_answer_without_a_state_is_an_ordinary_call() -> None:
    async with older_server(does_it) as server, session_link(server.url) as link:
        assert await words(await link.send(calling("work", None, ABLE, inputResponses={"question-1": YES}))) == "done"
        assert "inputResponses" not in server.told("tools/call")[0]["params"]


async def test_pages_to_visit_before_a_call_are_put_as_questions_and_the_call_comes_back_as_a_new_one() -> None:
    async def first_a_page(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        if len(server.told("tools/call")) == 3:
            return wire.answer(answer_to(message, {"content": [{"type": "text", "text": "done"}]}))
        wrong = {"code": -32042, "message": "Log in first", "data": {"elicitations": [PAGE]}}
        wire.answer(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": wrong}).encode())
        return None

    async with older_server(first_a_page) as server, session_link(server.url) as link:
        asked = await result(await link.send(calling("work", None, ABLE)))
        assert asked == {
            "resultType": "input_required",
            "inputRequests": {"question-1": {"method": "elicitation/create", "params": PAGE}},
        }
        assert (await error(await link.send(calling("work", None, replace(ABLE, revision="2025-11-25")))))["code"] == -32042
        again = calling("work", None, ABLE, inputResponses={"question-1": {"action": "accept"}})
        assert await words(await link.send(again)) == "done"


async def test_a_resource_that_is_not_there_is_told_in_todays_words() -> None:
    async def knows_nothing(wire: Wire, _: Asked, message: dict[str, Any]) -> None:
        wrong = {"code": -32002, "message": "No such thing", "data": {"why": "moved"}}
        wire.answer(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": wrong}).encode())

    async with older_server(knows_nothing) as server, session_link(server.url) as link:
        told = await error(await link.send(asking("resources/read", uri="a://b")))
        assert told == {"code": -32602, "message": "No such thing", "data": {"uri": "a://b", "why": "moved"}}
