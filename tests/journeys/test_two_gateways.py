"""Two gateways with everything shared, and clients whose next request reaches the other one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from tests.programs import Program, folder_for, gateway, module
from tests.valkey_process import ValkeyProcess

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 60.0
MODERN = {"mcp-protocol-version": "2026-07-28", "accept": "application/json, text/event-stream"}
LEGACY = {"mcp-protocol-version": "2025-11-25", "accept": "application/json, text/event-stream"}
PREFIX = "io.modelcontextprotocol/"
ANSWER = {"action": "accept", "content": {"username": "ada", "email": "ada@example.com"}}
ABLE: dict[str, Any] = {"elicitation": {"form": {}}}


@pytest.fixture(scope="module")
def valkey_of_both() -> Iterator[ValkeyProcess]:
    with ValkeyProcess() as process:
        yield process


@pytest.fixture(scope="module")
def both(valkey_of_both: ValkeyProcess) -> Iterator[tuple[Program, Program]]:
    """Before a server of the handshake era."""
    with (
        folder_for("two-gateways") as folder,
        module("tests.upstreams.conformance_fixture", "--era", "legacy") as upstream,
        gateway(folder, {"up": f"{upstream.url}/mcp"}, environment={"REDIS_URL": valkey_of_both.url}) as one,
        gateway(folder, {"up": f"{upstream.url}/mcp"}, environment={"REDIS_URL": valkey_of_both.url}) as other,
    ):
        yield one, other


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        yield client


async def modern(http: httpx2.AsyncClient, at: Program, method: str, **params: Any) -> dict[str, Any]:
    """The response of one request of today."""
    meta = {f"{PREFIX}protocolVersion": "2026-07-28", f"{PREFIX}clientCapabilities": ABLE}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    named = {"mcp-name": params["name"]} if "name" in params else {}
    answer = await http.post(f"{at.url}/mcp", json=body, headers={**MODERN, "mcp-method": method, **named})
    return messages_in(answer.text)[-1]


def messages_in(text: str) -> list[dict[str, Any]]:
    if text.startswith("{"):
        return [json.loads(text)]
    lines = (line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:"))
    return [json.loads(line) for line in lines if line]


async def test_an_answer_reaches_the_call_that_waits_at_the_other_gateway(
    both: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = both
    asked = (await modern(http, one, "tools/call", name="test_elicitation", arguments={"message": "Who?"}))["result"]
    assert asked["resultType"] == "input_required"
    key = next(iter(asked["inputRequests"]))
    again = {"name": "test_elicitation", "arguments": {"message": "Who?"}, "requestState": asked["requestState"]}
    done = (await modern(http, other, "tools/call", **again, inputResponses={key: ANSWER}))["result"]
    assert "ada@example.com" in json.dumps(done)
    stale = await modern(http, one, "tools/call", **again, inputResponses={key: ANSWER})
    assert "STALE_REQUEST_STATE" in json.dumps(stale)


@asynccontextmanager
async def session(http: httpx2.AsyncClient, at: Program) -> AsyncIterator[dict[str, str]]:
    """The headers of a session of an older client."""
    params = {"protocolVersion": "2025-11-25", "capabilities": ABLE, "clientInfo": {"name": "tests", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    begun = await http.post(f"{at.url}/mcp", json=body, headers=LEGACY)
    headers = {**LEGACY, "mcp-session-id": begun.headers["mcp-session-id"]}
    await http.post(f"{at.url}/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    yield headers
    await http.delete(f"{at.url}/mcp", headers=headers)


async def test_an_older_client_may_answer_a_question_at_the_other_gateway(
    both: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = both
    call = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "test_elicitation", "arguments": {"message": "?"}},
    }
    async with session(http, one) as headers, http.stream("POST", f"{one.url}/mcp", json=call, headers=headers) as stream:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in stream.aiter_lines():
                found = messages_in(line)
                if found and found[0].get("method") == "elicitation/create":
                    reply = {"jsonrpc": "2.0", "id": found[0]["id"], "result": ANSWER}
                    assert (await http.post(f"{other.url}/mcp", json=reply, headers=headers)).status_code == 202
                elif found and found[0].get("id") == 7:
                    assert "ada@example.com" in line
                    break
            else:
                raise AssertionError("the stream ended without an answer")


async def test_a_listener_at_one_gateway_hears_what_a_call_through_the_other_changed(
    both: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = both
    meta = {f"{PREFIX}protocolVersion": "2026-07-28", f"{PREFIX}clientCapabilities": {}}
    params = {"notifications": {"promptsListChanged": True}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": "x", "method": "subscriptions/listen", "params": params}
    headers = {**MODERN, "mcp-method": "subscriptions/listen"}
    methods: list[str] = []
    async with http.stream("POST", f"{other.url}/mcp", json=body, headers=headers) as stream, asyncio.timeout(PATIENCE_SECONDS):
        async for line in stream.aiter_lines():
            for message in messages_in(line):
                methods.append(message["method"])
                if len(methods) == 1:
                    await modern(http, one, "tools/call", name="test_trigger_prompt_change", arguments={})
            if len(methods) == 2:
                break
    assert methods == ["notifications/subscriptions/acknowledged", "notifications/prompts/list_changed"]


async def test_without_the_store_each_gateway_goes_on_by_itself(
    both: tuple[Program, Program], http: httpx2.AsyncClient, valkey_of_both: ValkeyProcess
) -> None:
    one, other = both
    asked = (await modern(http, one, "tools/call", name="test_elicitation", arguments={"message": "?"}))["result"]
    key = next(iter(asked["inputRequests"]))
    again = {"name": "test_elicitation", "arguments": {"message": "?"}, "requestState": asked["requestState"]}
    valkey_of_both.kill()
    refused = await modern(http, other, "tools/call", **again, inputResponses={key: ANSWER})
    assert "REPLICAS_APART" in json.dumps(refused)
    done = (await modern(http, one, "tools/call", **again, inputResponses={key: ANSWER}))["result"]
    assert "ada@example.com" in json.dumps(done)
