"""What holds for the link to a server, whatever its era and transport: the words are those of 2026-07-28."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.upstreams.conformance.server import ConformanceServer
from tests.upstreams.conformance_fixture import http_app, sse_app
from tests.upstreams.inside import in_process_link
from tests.upstreams.older import ABLE, any_era_link, asking, calling, error, messages, program_link, result, serving, words
from tests.upstreams.reaching import CLIENT, modern_link
from tests.warm.process import borrowed

from mcp_gateway.federation.model import Change
from mcp_gateway.federation.ports import Link, Wanted
from mcp_gateway.registry.model import Command

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


def program(kind: str) -> Command:
    command = borrowed("tests.upstreams.conformance_fixture", "--transport", "stdio")
    if kind == "stdio_modern":
        command = [sys.executable, "-m", "tests.upstreams.modern_program", *command]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return Command(program=command[0], arguments=tuple(command[1:]), environment=paths, directory=os.fspath(ROOT))


# A URI nobody has written down.
NOWHERE = "test://nowhere"


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[Link]:
    async with AsyncExitStack() as stack:
        if kind.startswith("stdio"):
            yield await stack.enter_async_context(program_link(program(kind)))
            return
        server = ConformanceServer()
        if kind == "in_process":
            yield await stack.enter_async_context(in_process_link(http_app(server)))
            return
        app = sse_app(server) if kind == "sse" else http_app(server, kind.partition("_")[0])
        origin = await stack.enter_async_context(serving(app))
        url = f"{origin}/sse" if kind == "sse" else f"{origin}/mcp"
        if kind == "modern_known":
            link = modern_link(url)
            yield link
            await link.close()
            return
        yield await stack.enter_async_context(any_era_link(url))


@pytest.fixture(params=["modern_known", "modern", "legacy", "sse", "stdio", "stdio_modern", "in_process"])
async def link(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Link]:
    async with opened(request.param) as one:
        yield one


async def test_a_tool_answers_once_and_says_that_it_is_complete(link: Link) -> None:
    told = await result(await link.send(calling("test_simple_text")))
    assert told["resultType"] == "complete"
    assert told["content"] == [{"type": "text", "text": "This is a simple text response for testing."}]


async def test_what_a_tool_answers_arrives_as_it_was_said(link: Link) -> None:
    told = await result(await link.send(calling("probe_structured")))
    assert told["structuredContent"] == {"n": 3, "items": [1, "two", None]}
    assert told["_meta"]["example.test/result"] == "kept"
    assert {block["type"] for block in told["content"]} >= {"text", "resource_link"}


async def test_lists_have_hints_and_all_that_is_offered(link: Link) -> None:
    for method, key in (("tools/list", "tools"), ("resources/list", "resources"), ("prompts/list", "prompts")):
        listed = await result(await link.send(asking(method)))
        assert listed[key]
        assert listed["cacheScope"] in ("public", "private")
        assert listed["ttlMs"] >= 0


async def test_the_server_says_what_it_is(link: Link) -> None:
    facts = await link.facts(CLIENT)
    assert facts.info["name"] == "conformance-fixture"
    assert "tools" in facts.capabilities
    discovered = await result(await link.send(asking("server/discover")))
    assert discovered["capabilities"] == facts.capabilities
    assert "2026-07-28" in discovered["supportedVersions"]


async def test_progress_comes_before_the_answer_under_the_clients_own_token(link: Link) -> None:
    heard = await messages(await link.send(calling("test_tool_with_progress", _meta={"progressToken": "mine"})))
    told = [one["params"] for one in heard[:-1] if isinstance(one["params"], dict)]
    assert [(one["progressToken"], one["progress"]) for one in told] == [("mine", 0), ("mine", 50), ("mine", 100)]
    assert "result" in heard[-1]


async def test_log_lines_come_to_those_who_asked_for_them(link: Link) -> None:
    silent = await messages(await link.send(calling("test_tool_with_logging")))
    asked = await messages(await link.send(calling("test_tool_with_logging", None, replace(CLIENT, log_level="info"))))
    graver = await messages(await link.send(calling("test_tool_with_logging", None, replace(CLIENT, log_level="error"))))
    assert len(silent) == 1
    assert [one.get("method") for one in asked] == ["notifications/message"] * 3 + [None]
    assert len([one for one in graver if one.get("method")]) in (0, 3)  # a server of 2026-07-28 may say more than was asked


async def test_an_error_keeps_its_code_its_words_and_its_data(link: Link) -> None:
    told = await error(
        await link.send(calling("probe_rpc_error", {"code": -32050, "message": "custom", "data": {"detail": "kept"}}))
    )
    assert told == {"code": -32050, "message": "custom", "data": {"detail": "kept"}}


async def test_a_resource_that_is_not_there_is_told_with_its_uri(link: Link) -> None:
    told = await error(await link.send(asking("resources/read", uri=NOWHERE)))
    assert told["code"] == -32602
    assert told["data"]["uri"] == NOWHERE


async def test_a_method_nobody_has_is_told_as_such(link: Link) -> None:
    reply = await link.send(asking("made/up"))
    assert reply.status == 404
    assert (await error(reply))["code"] == -32601


async def test_the_server_sees_what_the_client_can_do(link: Link) -> None:
    seen = json.loads(await words(await link.send(calling("probe_request", None, ABLE))))
    assert set(seen["capabilities"]) == set(ABLE.capabilities)
    unable = json.loads(await words(await link.send(calling("probe_request"))))
    assert unable["capabilities"] == {}


ANSWERS: dict[str, Any] = {
    "elicitation/create": {"action": "accept", "content": {"name": "Ada", "color": "blue", "ok": True}},
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m"},
    "roots/list": {"roots": [{"uri": "file:///here", "name": "here"}]},
}


@pytest.mark.parametrize(
    ("tool", "questions", "says"),
    [
        ("test_input_required_result_elicitation", 1, "Hello, Ada!"),
        ("test_input_required_result_multiple_inputs", 3, "all three answers arrived"),
        ("test_input_required_result_multi_round", 2, "Ada likes blue"),
    ],
)
async def test_a_server_that_needs_the_client_gets_its_answers(link: Link, tool: str, questions: int, says: str) -> None:
    told = await result(await link.send(calling(tool, None, ABLE)))
    asked = 0
    # What an older server asks a moment later is asked in a round of its own.
    while told.get("resultType") == "input_required" and asked < questions:
        asked += len(told["inputRequests"])
        answers = {key: ANSWERS[question["method"]] for key, question in told["inputRequests"].items()}
        again = calling(tool, None, ABLE, inputResponses=answers, requestState=told["requestState"])
        told = await result(await link.send(again))
    assert (asked, told["content"][0]["text"]) == (questions, says)


async def test_whoever_leaves_stops_the_server(link: Link) -> None:
    reply = await link.send(calling("probe_sleep", {"seconds": 60, "label": "one"}, _meta={"progressToken": "p"}))
    await reply.close()
    for _ in range(200):
        if json.loads(await words(await link.send(calling("probe_sleeps")))) == {"one": "cancelled"}:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it sleeps on")


async def test_changes_are_heard_of_by_whoever_wants_to(link: Link) -> None:
    heard: list[Change] = []
    watch = await link.watch(CLIENT, heard.append)
    await watch.want(Wanted(lists=frozenset({"tools"}), uris=frozenset({"test://watched-resource"})))

    async def told(kind: str, tool: str, arguments: dict[str, Any]) -> None:
        for _ in range(100):
            await link.send(calling(tool, arguments))
            if any(change.kind == kind for change in heard):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"nothing heard of {kind}")

    await told("tools", "test_trigger_tool_change", {})
    await told("resource", "probe_touch_resource", {"uri": "test://watched-resource"})
    assert {change.uri for change in heard if change.kind == "resource"} == {"test://watched-resource"}
    await link.send(calling("test_trigger_prompt_change"))
    assert not any(change.kind == "prompts" for change in heard)
    await watch.close()


async def test_closing_ends_what_is_under_way(link: Link) -> None:
    reply = await link.send(calling("probe_sleep", {"seconds": 60}, _meta={"progressToken": "p"}))
    await link.close()
    with pytest.raises(Exception, match="up"):
        await messages(reply)


async def test_calls_at_once_each_get_their_own_answer(link: Link) -> None:
    async def one(n: int) -> Any:
        return json.loads(await words(await link.send(calling("probe_echo", {"value": {"n": n}}))))

    assert await asyncio.gather(*(one(n) for n in range(20))) == [{"n": n} for n in range(20)]
