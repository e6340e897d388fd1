"""Servers of two eras behind one endpoint, as somebody without MCP sees them, and as a client that searches does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.journeys.conftest import open_served
from tests.upstreams.conformance.server import ConformanceServer
from tests.upstreams.conformance_fixture import http_app
from tests.upstreams.older import serving

from mcp_gateway.core.protocol.frames import JsonObject, object_at
from mcp_gateway.settings import Settings

pytestmark = pytest.mark.anyio

ENVELOPE: JsonObject = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
async def client(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(http_app(ConformanceServer(), "modern")) as modern,
        serving(http_app(ConformanceServer(), "legacy")) as legacy,
    ):
        file = tmp_path / "servers.yaml"
        file.write_text(
            f"""
servers:
  older: {{url: "{legacy}/mcp"}}
  newer: {{url: "{modern}/mcp", prefix: new_}}
  dead: {{url: "http://127.0.0.1:9/mcp"}}
virtual_servers:
  desk: {{tools: [{{server: newer, tool: test_simple_text, name: say}}, {{server: older, tool: test_simple_text}}]}}
""",
            encoding="utf-8",
        )
        own = settings.model_copy(update={"servers_file": file, "state_dir": tmp_path / "state"})
        async with open_served(own) as (_, opened, _listeners):
            async with asyncio.timeout(60):
                # A busy machine may keep the list of a server away for a while.
                wanted = {"test_simple_text", "new_test_simple_text"}
                while not wanted <= set(names(await asked(opened, "tools/list", {}))):  # noqa: ASYNC110  (no event tells)
                    await asyncio.sleep(0.05)
            yield opened


async def asked(client: httpx.AsyncClient, method: str, params: JsonObject, path: str = "/mcp") -> JsonObject:
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        **({"mcp-name": str(params["name"])} if "name" in params else {}),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}
    answer = await client.post(path, json=body, headers=headers)
    return object_at(answer.json(), "result")


def names(result: JsonObject, key: str = "tools") -> list[str]:
    items = result[key]
    assert isinstance(items, list)
    return [str(object_at(one)["name"]) for one in items]


async def test_tools_of_both_eras_and_our_own_are_listed_and_the_dead_server_is_told(client: httpx.AsyncClient) -> None:
    listed = await asked(client, "tools/list", {})

    assert {"new_test_simple_text", "test_simple_text", "ask", "lookup_term"} <= set(names(listed))
    missing = object_at(listed, "_meta")["dev.mcp-gateway/missing"]
    assert isinstance(missing, list)
    assert [object_at(one)["server"] for one in missing] == ["dead"]


@pytest.mark.parametrize(
    "path", ["/mcp/test_simple_text", "/mcp/new_test_simple_text", "/servers/older/mcp/test_simple_text", "/servers/desk/mcp/say"]
)
async def test_a_tool_answers_a_plain_post(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={})

    assert answer.status_code == 200
    assert answer.json()["content"][0]["text"] == "This is a simple text response for testing."


async def test_an_embedded_server_answers_a_plain_post(client: httpx.AsyncClient) -> None:
    called = await client.post("/servers/glossary/mcp/lookup_term", json={"term": "turnover"})
    document = await client.get("/servers/glossary/mcp/openapi.json")
    elsewhere = await client.post("/servers/tables/mcp/execute_query", json={"sql": "SELECT 1"})
    slash = await client.post("/servers/glossary/mcp/", json={})

    assert called.status_code == 200, called.text
    assert "/servers/glossary/mcp/lookup_term" in document.json()["paths"]
    assert (elsewhere.status_code, elsewhere.headers["content-type"]) == (404, "application/problem+json")
    assert "POST /mcp/TOOL" in elsewhere.json()["hint"]
    assert slash.status_code == 307


async def test_what_cannot_be_had_is_said_with_a_status(client: httpx.AsyncClient) -> None:
    unknown = await client.post("/mcp/no_such_tool", json={})
    asking = await client.post("/mcp/new_test_elicitation", json={"message": "Who?"})
    unselected = await client.post("/servers/desk/mcp/test_error_handling", json={})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "UNKNOWN_NAME")
    assert (asking.status_code, asking.json()["code"]) == (409, "INPUT_REQUIRED")
    assert (unselected.status_code, unselected.json()["code"]) == (404, "UNKNOWN_NAME")
    assert unknown.headers["content-type"] == "application/problem+json"


async def test_all_of_it_is_described_and_has_a_price(client: httpx.AsyncClient) -> None:
    document = (await client.get("/mcp/openapi.json")).json()
    cost = (await client.get("/api/tools/cost")).json()
    desk = (await client.get("/api/tools/cost", params={"server": "desk"})).json()

    assert len(document["paths"]) == cost["tools"] > 80
    assert cost["tokens"] == sum(one["tokens"] for one in cost["servers"]) > 5 * cost["tokens_with_search"]
    assert (desk["tools"], cost["missing"]) == (2, ["dead"])


async def test_a_client_that_searches_finds_and_calls(client: httpx.AsyncClient) -> None:
    path = "/mcp?tools=search"
    listed = await asked(client, "tools/list", {}, path)
    searched = await asked(client, "tools/call", {"name": "search_tools", "arguments": {"query": "PNG image"}}, path)
    found = object_at(searched, "structuredContent")
    called = await asked(client, "tools/call", {"name": "call_tool", "arguments": {"name": "new_test_image_content"}}, path)

    assert names(listed) == ["search_tools", "call_tool"]
    assert "new_test_image_content" in names(found)
    content = called["content"]
    assert isinstance(content, list)
    assert object_at(content[0])["mimeType"] == "image/png"
