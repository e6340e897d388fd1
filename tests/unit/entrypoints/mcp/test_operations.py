"""The operations tools as an MCP server offers them: lines to read first, the JSON as it was, a view for those who draw."""

import json
from collections.abc import Mapping

import httpx
import pytest
from tests.operations_results import RESULTS

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import LOCAL_CALLER, Caller
from mcp_gateway.diagnostics.operations import Operations, UseCase
from mcp_gateway.entrypoints.mcp.hosting import mcp_app
from mcp_gateway.entrypoints.mcp.offer import Call
from mcp_gateway.entrypoints.mcp.operations import build_operations_server
from mcp_gateway.entrypoints.mcp.operations_tools import VIEW_URI
from mcp_gateway.entrypoints.mcp.server import McpFace

pytestmark = pytest.mark.anyio

NEEDED: Mapping[str, Mapping[str, Json]] = {"generate_enterprise_router": {"router_name": "products"}}


async def unheard(done: float, total: float | None, words: str) -> None:
    """Nobody waits for progress."""


def finding(found: Mapping[str, Json]) -> UseCase[object]:
    async def find(_: Caller, __: object) -> Mapping[str, Json]:
        return found

    return find


@pytest.fixture
def face() -> McpFace:
    return build_operations_server(Operations(**{tool: finding(found) for tool, found in RESULTS.items()}))


@pytest.mark.parametrize("tool", RESULTS)
async def test_a_result_is_lines_to_read_and_the_same_json(face: McpFace, tool: str) -> None:
    given = await face.tool(tool).invoke(NEEDED.get(tool, {}), Call(caller=LOCAL_CALLER, report=unheard))

    (text,) = given.texts(structured_known=True)
    assert given.structured == RESULTS[tool]
    assert not text.startswith("{")
    assert text.count("\n") > 2


@pytest.mark.parametrize("tool", RESULTS)
async def test_a_client_that_knows_no_structured_content_gets_the_json_as_text_too(face: McpFace, tool: str) -> None:
    given = await face.tool(tool).invoke(NEEDED.get(tool, {}), Call(caller=LOCAL_CALLER, report=unheard))
    lines, told = given.texts(structured_known=False)
    assert not lines.startswith("{")
    assert json.loads(told) == RESULTS[tool]


@pytest.mark.parametrize(("revision", "texts"), [("2024-11-05", 2), ("2025-03-26", 2), ("2025-06-18", 1), ("2025-11-25", 1)])
async def test_which_client_that_is_its_revision_says(face: McpFace, revision: str, texts: int) -> None:
    hello = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    params = {"name": "diagnose_gateway_health", "arguments": {}}
    headers = {"accept": "application/json, text/event-stream", "host": "127.0.0.1"}
    app = mcp_app(face)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers) as client,
    ):
        opened = await client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        client.headers.update({"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": revision})
        await client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        answer = await client.post("/mcp", json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
    (told,) = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert len(told["result"]["content"]) == texts


async def test_every_tool_names_the_view_that_is_there(face: McpFace) -> None:
    views = {face.tool(tool).tool.meta["ui"]["resourceUri"] for tool in RESULTS}  # type: ignore[index]  # it has one

    assert views == {VIEW_URI}
