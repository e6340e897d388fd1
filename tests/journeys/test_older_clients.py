"""Older clients before two gateways that share a store: what one holds, the other can reach."""

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
REVISION = "2025-11-25"
BOTH = {"accept": "application/json, text/event-stream"}
URI = "test://static-text"


@pytest.fixture(scope="module")
def gateways() -> Iterator[tuple[Program, Program]]:
    with (
        ValkeyProcess() as valkey,
        folder_for("older-clients") as folder,
        module("tests.upstreams.conformance_fixture", "--era", "modern") as upstream,
        gateway(folder, {"up": f"{upstream.url}/mcp"}, environment={"REDIS_URL": valkey.url}) as one,
        gateway(folder, {"up": f"{upstream.url}/mcp"}, environment={"REDIS_URL": valkey.url}) as other,
    ):
        yield one, other


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        yield client


def request(method: str, request_id: int = 7, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return request("tools/call", name=tool, arguments=arguments)


INITIALIZE = request("initialize", 0, protocolVersion=REVISION, capabilities={}, clientInfo={"name": "tests", "version": "1"})


async def session(http: httpx2.AsyncClient, at: Program) -> dict[str, str]:
    """The headers of a new session."""
    begun = await http.post(f"{at.url}/mcp", json=INITIALIZE, headers=BOTH)
    return {**BOTH, "mcp-protocol-version": REVISION, "mcp-session-id": begun.headers["mcp-session-id"]}


@asynccontextmanager
async def stream(
    http: httpx2.AsyncClient, method: str, url: str, headers: dict[str, str], body: object = None
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The events of a stream, field by field."""
    async with asyncio.timeout(PATIENCE_SECONDS), http.stream(method, url, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        yield events(answer.aiter_lines())


async def events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    event: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            event[name] = value.strip()
        elif event:
            yield event
            event = {}


async def test_a_call_that_broke_off_is_taken_up_at_the_other_gateway(
    gateways: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = gateways
    headers = await session(http, one)
    async with stream(http, "POST", f"{one.url}/mcp", headers, call("test_reconnection")) as heard:
        last = (await anext(heard))["id"]
    resumed = {**headers, "accept": "text/event-stream", "last-event-id": last}
    async with stream(http, "GET", f"{other.url}/mcp", resumed) as heard:
        told = [json.loads(event["data"]) async for event in heard if event.get("data")]

    assert [message.get("method") for message in told] == ["notifications/message", None]
    assert told[-1]["result"]["content"][0]["text"] == "answered after the stream was closed"


async def test_a_subscription_at_one_gateway_is_told_of_on_the_stream_at_the_other(
    gateways: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = gateways
    headers = await session(http, one)
    async with stream(http, "GET", f"{one.url}/mcp", {**headers, "accept": "text/event-stream"}) as heard:
        await anext(heard)
        await http.post(f"{other.url}/mcp", json=request("resources/subscribe", uri=URI), headers=headers)
        touching = asyncio.ensure_future(_touch_until_told(http, other, headers))
        message = json.loads((await anext(heard))["data"])
        touching.cancel()

    assert message == {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": URI}}


async def _touch_until_told(http: httpx2.AsyncClient, at: Program, headers: dict[str, str]) -> None:
    """The subscription is in force a moment after it was taken; what is announced before is not told."""
    while True:
        await http.post(f"{at.url}/mcp", json=call("probe_touch_resource", uri=URI), headers=headers)
        await asyncio.sleep(0.1)


async def test_a_session_ended_at_one_gateway_is_gone_at_the_other(
    gateways: tuple[Program, Program], http: httpx2.AsyncClient
) -> None:
    one, other = gateways
    headers = await session(http, one)
    assert (await http.post(f"{other.url}/mcp", json=request("ping"), headers=headers)).status_code == 200
    async with stream(http, "GET", f"{one.url}/mcp", {**headers, "accept": "text/event-stream"}) as heard:
        await anext(heard)
        assert (await http.delete(f"{other.url}/mcp", headers=headers)).status_code == 200
        assert [event async for event in heard] == []

    assert (await http.post(f"{one.url}/mcp", json=request("ping"), headers=headers)).status_code == 404


async def test_a_client_of_http_sse_may_post_to_either(gateways: tuple[Program, Program], http: httpx2.AsyncClient) -> None:
    one, other = gateways
    async with stream(http, "GET", f"{one.url}/sse", {"accept": "text/event-stream"}) as heard:
        address = (await anext(heard))["data"]
        for message, at in ((INITIALIZE, one), (call("test_simple_text"), other)):
            assert (await http.post(at.url + address, json=message)).status_code == 202
            answer = json.loads((await anext(heard))["data"])

    assert answer["result"]["content"][0]["text"] == "This is a simple text response for testing."
